//! The account of one run's requests: their turns, how many there are in a minute, and when the stage may end.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use store::KeptPace;

use crate::{PAGE_SIZE, Pace};

const MILLIS_PER_MINUTE: u64 = 60_000;

/// Requests with their turns. One of them may have sent more than one: a token, a page asked for anew.
#[derive(Debug)]
pub(crate) struct Meter {
    pace: Pace,
    turns: u64,
    sent: u64,
    /// Sent since the last commit.
    unreported: u64,
    /// When the last stretch began, and what was sent before it.
    stretch: (DateTime<Utc>, u64),
    left: Option<Left>,
}

/// What is left of a listing that says how long it is.
#[derive(Clone, Copy, Debug)]
struct Left {
    since: DateTime<Utc>,
    /// Pages that were left then.
    first: u64,
    pages: u64,
}

impl Meter {
    pub(crate) fn new(pace: Pace, now: DateTime<Utc>) -> Self {
        Self {
            pace,
            turns: 0,
            sent: 0,
            unreported: 0,
            stretch: (now, 0),
            left: None,
        }
    }

    pub(crate) fn reserve(&mut self, now: DateTime<Utc>) -> Duration {
        self.turns += 1;
        self.pace.reserve(now)
    }

    /// So many were sent. What had no turn is paid for with the next ones.
    pub(crate) fn sent(&mut self, requests: u64, now: DateTime<Utc>) {
        self.sent += requests;
        self.unreported += requests;
        let beyond = self.sent.saturating_sub(self.turns);
        self.turns += beyond;
        self.pace.owe(beyond, now);
    }

    pub(crate) fn owe(&mut self, requests: u64, now: DateTime<Utc>) {
        self.pace.owe(requests, now);
    }

    pub(crate) fn slow_down(&mut self) {
        self.pace.refused();
    }

    pub(crate) fn answered(&mut self) {
        self.pace.answered();
    }

    pub(crate) fn take_unreported(&mut self) -> u64 {
        std::mem::take(&mut self.unreported)
    }

    pub(crate) fn kept_pace(&self) -> KeptPace {
        self.pace.kept()
    }

    /// Requests a minute since this was last asked.
    pub(crate) fn per_minute(&mut self, now: DateTime<Utc>) -> Option<u64> {
        let (began, before) = std::mem::replace(&mut self.stretch, (now, self.sent));
        let millis = u64::try_from((now - began).num_milliseconds()).ok()?;
        ((self.sent - before) * MILLIS_PER_MINUTE).checked_div(millis)
    }

    pub(crate) fn enter_stage(&mut self) {
        self.left = None;
    }

    /// A page of a listing has come that says how many records it has. Gives the listing's pages.
    pub(crate) fn announced(&mut self, records: u64, page: u32, now: DateTime<Utc>) -> u64 {
        let all = records.div_ceil(u64::from(PAGE_SIZE));
        let pages = all.saturating_sub(u64::from(page));
        let left = self.left.get_or_insert(Left {
            since: now,
            first: pages,
            pages,
        });
        // Pages may come in any order.
        left.pages = left.pages.min(pages);
        all
    }

    /// About when the stage ends, if it goes on as it has.
    pub(crate) fn stage_ends_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let left = self.left?;
        let read = left.first - left.pages;
        let took = u64::try_from((now - left.since).num_milliseconds()).ok()?;
        let needs = took.saturating_mul(left.pages).checked_div(read)?;
        now.checked_add_signed(TimeDelta::try_milliseconds(i64::try_from(needs).ok()?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn meter(per_minute: u32) -> Meter {
        Meter::new(Pace::new(per_minute), at(0))
    }

    #[test]
    fn requests_without_a_turn_are_paid_for() {
        let mut meter = meter(60);
        for _ in 0..8 {
            assert!(meter.reserve(at(0)).is_zero(), "the burst");
        }
        meter.sent(8, at(0));
        assert_eq!(meter.reserve(at(0)), Duration::from_secs(1));
        // That one renewed the token and asked again: three where one had a turn.
        meter.sent(3, at(1));
        assert_eq!(meter.reserve(at(1)), Duration::from_secs(3));
        assert_eq!((meter.take_unreported(), meter.take_unreported()), (11, 0));
    }

    #[test]
    fn requests_a_minute_are_those_of_the_last_stretch() {
        let mut meter = meter(0);
        assert_eq!(meter.per_minute(at(0)), None);
        meter.sent(48, at(5));
        assert_eq!(meter.per_minute(at(10)), Some(288));
        assert_eq!(meter.per_minute(at(20)), Some(0));
        assert_eq!(meter.per_minute(at(5)), None, "the clock was put back");
        meter.sent(1, at(6));
        assert_eq!(meter.per_minute(at(65)), Some(1));
    }

    #[test]
    fn a_stage_ends_when_what_is_left_has_taken_as_long_as_what_was_read() {
        let mut meter = meter(0);
        assert_eq!(meter.stage_ends_at(at(0)), None);
        assert_eq!(meter.announced(10_050, 1, at(0)), 101);
        assert_eq!(meter.stage_ends_at(at(1)), None, "one page tells no speed");
        meter.announced(10_050, 21, at(10));
        meter.announced(10_050, 20, at(10));
        assert_eq!(meter.stage_ends_at(at(10)), Some(at(50)));
        meter.announced(10_050, 101, at(60));
        assert_eq!(meter.stage_ends_at(at(60)), Some(at(60)));
        meter.enter_stage();
        assert_eq!(meter.stage_ends_at(at(60)), None);
    }

    #[test]
    fn a_clock_that_is_put_back_tells_no_end() {
        let mut meter = meter(0);
        meter.announced(10_000, 1, at(100));
        meter.announced(10_000, 11, at(50));
        assert_eq!(meter.stage_ends_at(at(50)), None);
    }
}
