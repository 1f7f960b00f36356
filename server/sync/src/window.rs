use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{Stream, window_from};

use crate::{Page, Served, seen::SeenKeys};

/// The days from which an incremental run reads. A stream without one is read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    since: BTreeMap<Stream, NaiveDate>,
    /// Views that are stored, if all that were ever read are kept.
    views_stored: Option<u64>,
}

impl Windows {
    pub(crate) fn from_watermarks(watermarks: &BTreeMap<Stream, DateTime<Utc>>) -> Self {
        let from = |(stream, watermark): (&Stream, &DateTime<Utc>)| (*stream, window_from(*watermark));
        Self {
            since: watermarks.iter().map(from).collect(),
            views_stored: None,
        }
    }

    pub(crate) fn with_views_stored(self, views_stored: Option<u64>) -> Self {
        Self { views_stored, ..self }
    }

    pub(crate) fn views_stored(&self) -> Option<u64> {
        self.views_stored
    }

    pub(crate) fn of(&self, stream: Stream) -> Option<NaiveDate> {
        self.since.get(&stream).copied()
    }
}

/// A window over a listing that has no filter: if its pages come newest first, it need not be read beyond the window.
/// That they do is known only from the pages themselves, so one that does not agree opens the window for good.
#[derive(Debug)]
pub(crate) struct UnfilteredWindow {
    since: NaiveDate,
    /// Records that are stored: of those that the provider announces, so many may have been read before.
    stored: Option<u64>,
    oldest: Option<DateTime<Utc>>,
    descends: bool,
    ascends: bool,
}

impl UnfilteredWindow {
    pub(crate) fn new(since: NaiveDate, stored: Option<u64>) -> Self {
        Self {
            since,
            stored,
            oldest: None,
            descends: false,
            ascends: false,
        }
    }

    /// Of so many announced records, those that are new for certain: the newest.
    pub(crate) fn new_of(&self, announced: u64) -> u64 {
        self.stored.map_or(0, |stored| announced.saturating_sub(stored))
    }

    /// Takes the next page in. What the run has seen says nothing of the order: it slid there from the page before.
    pub(crate) fn take(&mut self, page: &Page, seen: &SeenKeys) {
        for served in &page.records {
            let Served::Valid(record) = served else { continue };
            let Some(time) = record.own_time().filter(|_| !seen.contains(record.key())) else {
                continue;
            };
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
                event_id: hours.to_string(),
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
        window.take(page, &SeenKeys::default());
        window.is_left()
    }

    #[test]
    fn a_listing_that_comes_newest_first_ends_behind_the_window() {
        let mut window = UnfilteredWindow::new(at(0).date_naive(), None);
        assert!(!left_with(&mut window, &page(&[30, 12, 12])));
        assert!(
            !left_with(&mut window, &page(&[5, 0])),
            "the day's first hour is in it"
        );
        assert!(left_with(&mut window, &page(&[0, -1])));
    }

    #[test]
    fn what_slides_to_the_next_page_is_no_other_order() {
        let mut window = UnfilteredWindow::new(at(0).date_naive(), None);
        let mut seen = SeenKeys::default();
        window.take(&page(&[30, 20, 10]), &seen);
        for hours in ["30", "20", "10"] {
            seen.insert(hours);
        }
        window.take(&page(&[20, 10, -1]), &seen);
        assert!(window.is_left());
    }

    #[test]
    fn a_listing_in_another_order_is_read_whole() {
        for pages in [
            &[&[-50, -40, -30][..], &[-20, -10]][..],
            &[&[5, -30, -20], &[-40, -50]],
            &[&[-7], &[-7, -7]],
            &[&[], &[-9]],
        ] {
            let mut window = UnfilteredWindow::new(at(0).date_naive(), None);
            for hours in pages {
                assert!(!left_with(&mut window, &page(hours)), "{pages:?}");
            }
        }
    }
}
