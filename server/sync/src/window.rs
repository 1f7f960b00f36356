use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{Stream, window_from};

use crate::{Page, Served};

/// The days from which an incremental run reads. A stream without one is read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows(BTreeMap<Stream, NaiveDate>);

impl Windows {
    pub(crate) fn from_watermarks(watermarks: &BTreeMap<Stream, DateTime<Utc>>) -> Self {
        let from = |(stream, watermark): (&Stream, &DateTime<Utc>)| (*stream, window_from(*watermark));
        Self(watermarks.iter().map(from).collect())
    }

    pub(crate) fn of(&self, stream: Stream) -> Option<NaiveDate> {
        self.0.get(&stream).copied()
    }
}

/// A window over a listing that has no filter: if its pages come newest first, it need not be read beyond the window.
/// That they do is known only from the pages themselves, so one that does not agree opens the window for good.
#[derive(Debug)]
pub(crate) struct UnfilteredWindow {
    since: NaiveDate,
    oldest: Option<DateTime<Utc>>,
    descends: bool,
    ascends: bool,
}

impl UnfilteredWindow {
    pub(crate) fn new(since: NaiveDate) -> Self {
        Self {
            since,
            oldest: None,
            descends: false,
            ascends: false,
        }
    }

    /// Takes the next page in.
    pub(crate) fn take(&mut self, page: &Page) {
        for served in &page.records {
            let Served::Valid(record) = served else { continue };
            let Some(time) = record.own_time() else { continue };
            self.descends |= self.oldest.is_some_and(|oldest| time < oldest);
            self.ascends |= self.oldest.is_some_and(|oldest| time > oldest);
            self.oldest = Some(time);
        }
    }

    /// Whether all that follows the pages taken in lies before the window.
    pub(crate) fn is_left(&self) -> bool {
        let before = self.oldest.is_some_and(|oldest| oldest.date_naive() < self.since);
        before && self.descends && !self.ascends
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::record::{Activity, Record};

    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(100) + TimeDelta::hours(hours)
    }

    fn page(hours: &[i64]) -> Page {
        let event = |hours: &i64| {
            Served::Valid(Record::Activity(Activity {
                occurred_at: at(*hours),
                ..Activity::default()
            }))
        };
        Page {
            records: hours.iter().map(event).collect(),
            ..Page::default()
        }
    }

    fn left_with(window: &mut UnfilteredWindow, page: &Page) -> bool {
        window.take(page);
        window.is_left()
    }

    #[test]
    fn a_listing_that_comes_newest_first_ends_behind_the_window() {
        let mut window = UnfilteredWindow::new(at(0).date_naive());
        assert!(!left_with(&mut window, &page(&[30, 12, 12])));
        assert!(
            !left_with(&mut window, &page(&[5, 0])),
            "the day's first hour is in it"
        );
        assert!(left_with(&mut window, &page(&[0, -1])));
    }

    #[test]
    fn a_listing_in_another_order_is_read_whole() {
        for pages in [
            &[&[-50, -40, -30][..], &[-20, -10]][..],
            &[&[5, -30, -20], &[-40, -50]],
            &[&[-7], &[-7, -7]],
            &[&[], &[-9]],
        ] {
            let mut window = UnfilteredWindow::new(at(0).date_naive());
            for hours in pages {
                assert!(!left_with(&mut window, &page(hours)), "{pages:?}");
            }
        }
    }
}
