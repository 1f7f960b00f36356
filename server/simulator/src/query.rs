//! Query strings, as the provider reads them.

use crate::calendar::SECONDS_PER_DAY;
use crate::index::Span;
use chrono::NaiveDate;
use std::borrow::Cow;

/// Page size where none is asked for.
const DEFAULT_PAGE_SIZE: u64 = 25;
/// Largest page; the community paths refuse more, the user paths serve this many.
pub(crate) const MAX_PAGE_SIZE: u64 = 100;

/// How a listing differs from one at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Disorder {
    /// Records that came in at the head of the listing after the first page was read.
    pub(crate) shift: u64,
    /// Every so-manieth record stands there twice.
    pub(crate) twice: Option<u64>,
    /// What the page lacks of what should be on it.
    pub(crate) lacks: Lack,
}

/// How much of a page does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Lack {
    #[default]
    Nothing,
    Half,
    All,
}

/// One page of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) number: u64,
    pub(crate) size: u64,
    disorder: Disorder,
}

impl Page {
    fn new(number: u64, size: u64, disorder: Disorder) -> Self {
        let shift = if number > 1 { disorder.shift.min(size) } else { 0 };
        Self {
            number,
            size,
            disorder: Disorder { shift, ..disorder },
        }
    }

    /// Place of the page's first record in the listing.
    fn start(self) -> u64 {
        (self.number - 1).saturating_mul(self.size) - self.disorder.shift
    }

    /// Places of the page's records in a listing of so many.
    pub(crate) fn positions(self, length: u64) -> impl Iterator<Item = u64> {
        let twice = self.disorder.twice;
        let length = length + twice.map_or(0, |every| length / every);
        let start = self.start().min(length);
        let end = start.saturating_add(self.size).min(length);
        let end = match self.disorder.lacks {
            Lack::Nothing => end,
            Lack::Half => start + (end - start) / 2,
            Lack::All => start,
        };
        (start..end).map(move |place| match twice {
            None => place,
            Some(every) => {
                let group = every.saturating_add(1);
                place / group * every + (place % group).min(every - 1)
            }
        })
    }
}

/// The decoded pairs of a query string.
#[derive(Debug)]
pub(crate) struct Query<'q> {
    pairs: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    disorder: Disorder,
}

impl<'q> Query<'q> {
    pub(crate) fn new(text: Option<&'q str>) -> Self {
        Self {
            pairs: url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()).collect(),
            disorder: Disorder::default(),
        }
    }

    /// The same question to a listing in disorder.
    pub(crate) fn disordered(self, disorder: Disorder) -> Self {
        Self { disorder, ..self }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let value = self
            .pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_ref());
        value.filter(|value| !value.is_empty())
    }

    /// A list as `key[]=a&key[]=b`, `key[0]=a&key[1]=b`, `key=a,b` or a mixture.
    pub(crate) fn list(&self, key: &str) -> Vec<&str> {
        let belongs = |name: &str| {
            let rest = name.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('[') && rest.ends_with(']')))
        };
        let values = self.pairs.iter().filter(|(name, _)| belongs(name));
        values
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect()
    }

    /// Ids that are no numbers belong to nothing and become one that does not exist either.
    pub(crate) fn ids(&self, key: &str) -> Vec<u64> {
        self.list(key)
            .into_iter()
            .map(|id| id.parse().unwrap_or(0))
            .collect()
    }

    /// `page` and `pageSize` of the community paths.
    pub(crate) fn page(&self) -> Result<Page, String> {
        let whole = |key: &str, default: u64| match self.get(key) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| format!("{key}: This value should be a whole number.")),
        };
        let (number, size) = (whole("page", 1)?, whole("pageSize", DEFAULT_PAGE_SIZE)?);
        if number == 0 {
            return Err("page: This value should be 1 or more.".into());
        }
        if !(1..=MAX_PAGE_SIZE).contains(&size) {
            return Err(format!(
                "pageSize: This value should be between 1 and {MAX_PAGE_SIZE}."
            ));
        }
        // These lists do not say how long they are, so nobody could notice.
        let whole = Disorder {
            lacks: Lack::Nothing,
            ..self.disorder
        };
        Ok(Page::new(number, size, whole))
    }

    /// `page` and `pageSize` of the user paths, which refuse nothing.
    pub(crate) fn lenient_page(&self) -> Page {
        let whole = |key: &str, default: u64| {
            self.get(key)
                .and_then(|text| text.parse().ok())
                .unwrap_or(default)
        };
        let size = whole("pageSize", DEFAULT_PAGE_SIZE).clamp(1, MAX_PAGE_SIZE);
        Page::new(whole("page", 1).max(1), size, self.disorder)
    }

    /// A range of days as `key[from]` and `key[to]`, or as one JSON object, both days included.
    pub(crate) fn days(&self, key: &str) -> Result<Option<Span>, String> {
        let object: Option<serde_json::Value> = self
            .get(key)
            .map(serde_json::from_str)
            .transpose()
            .map_err(|_| format!("{key}: not a date range."))?;
        let side = |end: &str| {
            let nested = object.as_ref().and_then(|object| object[end].as_str());
            let text = self.get(&format!("{key}[{end}]")).or(nested);
            text.map(|text| day_start(text).ok_or_else(|| format!("{key}[{end}]: not a valid date.")))
                .transpose()
        };
        let (from, to) = (side("from")?, side("to")?);
        if from.is_none() && to.is_none() {
            return Ok(None);
        }
        Ok(Some(Span {
            from: from.unwrap_or(0),
            to: to.map_or(u64::MAX, |start| start.saturating_add(SECONDS_PER_DAY)),
        }))
    }
}

/// Midnight of `yyyy-mm-dd`; what follows the date, such as a time of day, is not looked at.
fn day_start(text: &str) -> Option<u64> {
    let date: NaiveDate = text.get(..10)?.parse().ok()?;
    let midnight = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp();
    // Earlier dates ask for everything.
    Some(u64::try_from(midnight).unwrap_or(0))
}

/// `%41` becomes `A`; what is not of that form stays.
pub(crate) fn percent_decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_every_form() {
        for text in [
            "k[]=a&k[]=b",
            "k%5B0%5D=a&k%5B1%5D=b",
            "k=a,b",
            "k[]=a,b",
            "kk[]=z&k[]=a&k=b",
        ] {
            assert_eq!(Query::new(Some(text)).list("k"), ["a", "b"], "{text}");
        }
    }

    #[test]
    fn pages_outside_the_bounds_are_refused() {
        let page = |text| Query::new(Some(text)).page();
        assert_eq!(page(""), Ok(Page::new(1, 25, Disorder::default())));
        assert_eq!(
            page("page=3&pageSize=100"),
            Ok(Page::new(3, 100, Disorder::default()))
        );
        for text in [
            "page=0",
            "pageSize=0",
            "pageSize=101",
            "page=-1",
            "page=x",
            "pageSize=1.5",
        ] {
            assert!(page(text).is_err(), "{text}");
        }
        let lenient = Query::new(Some("page=0&pageSize=500")).lenient_page();
        assert_eq!(lenient, Page::new(1, 100, Disorder::default()));
    }

    #[test]
    fn day_ranges_include_both_days() {
        let days = |text| Query::new(Some(text)).days("at");
        let both = Span {
            from: 1_735_689_600,
            to: 1_735_689_600 + 2 * SECONDS_PER_DAY,
        };
        assert_eq!(days("at[from]=2025-01-01&at[to]=2025-01-02"), Ok(Some(both)));
        assert_eq!(
            days(r#"at={"from":"2025-01-01","to":"2025-01-02"}"#),
            Ok(Some(both))
        );
        assert_eq!(
            days("at[from]=2025-01-01"),
            Ok(Some(Span {
                from: both.from,
                to: u64::MAX
            }))
        );
        assert_eq!(days("other=1"), Ok(None));
        assert!(days("at[to]=yesterday").is_err() && days("at[to]=2025-13-01").is_err());
    }

    #[test]
    fn paths_are_decoded() {
        assert_eq!(percent_decoded("a%40b.example"), "a@b.example");
        assert_eq!(percent_decoded("a+b%20c&d=e%ff"), "a+b c&d=e\u{fffd}");
    }

    #[test]
    fn every_third_record_twice() {
        let disorder = Disorder {
            twice: Some(3),
            ..Disorder::default()
        };
        let page = |number, size| Page::new(number, size, disorder).positions(7).collect::<Vec<_>>();
        assert_eq!(page(1, 100), [0, 1, 2, 2, 3, 4, 5, 5, 6]);
        assert_eq!((page(1, 3), page(2, 3)), (vec![0, 1, 2], vec![2, 3, 4]));
        let all = Disorder {
            twice: Some(1),
            ..Disorder::default()
        };
        let none = Disorder {
            twice: Some(u64::MAX),
            ..Disorder::default()
        };
        let positions = Page::new(1, 100, none).positions(3);
        assert_eq!(positions.collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(
            Page::new(1, 100, all).positions(2).collect::<Vec<_>>(),
            [0, 0, 1, 1]
        );
    }
}
