//! Times as the console writes them. "Now" is always the moment for which the data was read, so that the server and
//! the browser write the same words.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use leptos::prelude::*;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Up to here hours say more than days.
const HOURS_UNTIL_DAYS: i64 = 48;

/// From here a date says more than a number of days.
const DAYS_UNTIL_DATE: i64 = 100;

/// `17 Nov`.
pub fn day(date: NaiveDate) -> String {
    format!("{} {}", date.day(), month(date))
}

/// `23 Nov 07:35`, with the year if it is not this one.
pub fn day_time(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let date = day_of_year(at.date_naive(), now);
    format!("{date} {:02}:{:02}", at.hour(), at.minute())
}

/// `3 Oct`, with the year if it is not this one.
pub fn day_of_year(date: NaiveDate, now: DateTime<Utc>) -> String {
    if date.year() == now.year() {
        day(date)
    } else {
        format!("{} {}", day(date), date.year())
    }
}

/// `07:42:10`.
pub fn clock(at: DateTime<Utc>) -> String {
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// `07:42`.
pub fn clock_minute(at: DateTime<Utc>) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// `23 Nov 2026, 02:14:41 UTC`.
pub fn exact(at: DateTime<Utc>) -> String {
    format!("{} {}, {} UTC", day(at.date_naive()), at.year(), clock(at))
}

/// For the `datetime` attribute.
pub fn machine(at: DateTime<Utc>) -> String {
    format!(
        "{:04}-{:02}-{:02}T{}Z",
        at.year(),
        at.month(),
        at.day(),
        clock(at)
    )
}

/// `5 h ago`.
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let past = now - at;
    if past.num_days() >= DAYS_UNTIL_DATE {
        return day_of_year(at.date_naive(), now);
    }
    if past.num_seconds() < 1 {
        return "just now".to_owned();
    }
    format!("{} ago", rough(past))
}

/// `in 18 h`.
pub fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let ahead = at - now;
    if ahead.num_seconds() < 1 {
        return "about now".to_owned();
    }
    format!("in {}", rough(ahead))
}

/// A span in its largest unit: `12 s`, `6 min`, `29 h`, `3 days`.
pub fn rough(span: TimeDelta) -> String {
    match span.num_hours() {
        _ if span.num_seconds() < 60 => format!("{} s", span.num_seconds().max(0)),
        0 => format!("{} min", span.num_minutes()),
        hours if hours < HOURS_UNTIL_DAYS => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}

/// How long something took: `2 s`, `14 min 02 s`, `3 h 41 min`.
pub fn length(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => "under 1 s".to_owned(),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// A time in words, with the exact time on hover and for machines.
pub fn moment(at: DateTime<Utc>, words: String) -> impl IntoView {
    view! { <time datetime=machine(at) title=exact(at)>{words}</time> }
}

/// The same as markup.
pub fn moment_markup(at: DateTime<Utc>, words: &str) -> String {
    format!(
        r#"<time datetime="{}" title="{}">{words}</time>"#,
        machine(at),
        exact(at)
    )
}

/// How a time stands to now, which scripts keep up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relative {
    Ago,
    Until,
}

impl Relative {
    const ALL: [Self; 2] = [Self::Ago, Self::Until];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ago => "ago",
            Self::Until => "until",
        }
    }

    fn words(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        match self {
            Self::Ago => ago(at, now),
            Self::Until => until(at, now),
        }
    }

    /// As [`moment`].
    pub fn moment(self, at: DateTime<Utc>, now: DateTime<Utc>) -> impl IntoView {
        let words = self.words(at, now);
        view! { <time datetime=machine(at) title=exact(at) data-keeps-up=self.as_str()>{words}</time> }
    }

    /// As [`moment_markup`].
    pub fn markup(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        format!(
            r#"<time datetime="{}" title="{}" data-keeps-up="{}">{}</time>"#,
            machine(at),
            exact(at),
            self.as_str(),
            self.words(at, now)
        )
    }

    /// The words now, of an element as it stands on the page.
    pub fn words_of(kind: &str, datetime: &str, now: DateTime<Utc>) -> Option<String> {
        let kind = Self::ALL.into_iter().find(|known| known.as_str() == kind)?;
        Some(kind.words(datetime.parse().ok()?, now))
    }
}

/// Writes anew what has become another word since. The text stays the same node, which the framework may know.
#[cfg(target_arch = "wasm32")]
pub fn keep_up(now: DateTime<Utc>) {
    use leptos::{wasm_bindgen::JsCast, web_sys::Element};

    let Ok(times) = document().query_selector_all("time[data-keeps-up]") else {
        return;
    };
    for time in (0..times.length()).filter_map(|index| times.item(index)?.dyn_into::<Element>().ok()) {
        let attribute = |name: &str| time.get_attribute(name).unwrap_or_default();
        let words = Relative::words_of(&attribute("data-keeps-up"), &attribute("datetime"), now);
        if let (Some(words), Some(text)) = (words, time.first_child())
            && text.node_value().as_ref() != Some(&words)
        {
            text.set_node_value(Some(&words));
        }
    }
}

fn month(date: NaiveDate) -> &'static str {
    MONTHS[date.month0() as usize]
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, 7, 42, 10)
            .single()
            .expect("a time")
    }

    fn before(seconds: i64) -> DateTime<Utc> {
        now() - TimeDelta::seconds(seconds)
    }

    #[test]
    fn the_past_is_told_in_its_largest_unit() {
        let cases = [
            (0, "just now"),
            (12, "12 s ago"),
            (6 * 60 + 12, "6 min ago"),
            (29 * 3600, "29 h ago"),
            (48 * 3600, "2 days ago"),
            (51 * 86_400, "51 days ago"),
            (100 * 86_400, "15 Aug"),
            (400 * 86_400, "19 Oct 2025"),
        ];
        for (seconds, text) in cases {
            assert_eq!(ago(before(seconds), now()), text);
        }
    }

    #[test]
    fn the_future_is_told_and_what_is_due_is_about_now() {
        assert_eq!(until(now() + TimeDelta::hours(18), now()), "in 18 h");
        assert_eq!(until(before(5), now()), "about now");
    }

    #[test]
    fn what_stands_on_the_page_is_read_and_told_anew() {
        let now_s = |seconds| now() + TimeDelta::seconds(seconds);
        let told = |kind, seconds| Relative::words_of(kind, &machine(now()), now_s(seconds));
        assert_eq!(told("ago", 65).as_deref(), Some("1 min ago"));
        assert_eq!(told("until", -65).as_deref(), Some("in 1 min"));
        assert_eq!(told("never", 0), None);
        assert_eq!(Relative::words_of("ago", "yesterday", now()), None);
    }

    #[test]
    fn lengths_have_two_units() {
        let cases = [
            (0, "under 1 s"),
            (2, "2 s"),
            (842, "14 min 02 s"),
            (13_260, "3 h 41 min"),
            (-4, "under 1 s"),
        ];
        for (seconds, text) in cases {
            assert_eq!(length(TimeDelta::seconds(seconds)), text);
        }
    }

    #[test]
    fn the_year_is_named_when_it_is_not_this_one() {
        assert_eq!(day_time(before(440), now()), "23 Nov 07:34");
        assert_eq!(day_time(before(365 * 86_400), now()), "23 Nov 2025 07:42");
        assert_eq!(exact(now()), "23 Nov 2026, 07:42:10 UTC");
        assert_eq!(machine(now()), "2026-11-23T07:42:10Z");
    }
}
