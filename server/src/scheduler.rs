//! When a connection's next run is due, and how much it reads. Times come in as arguments.

use std::num::NonZeroU32;

use chrono::{DateTime, Utc};
use domain::{ConnectionId, Extent, Mode, SyncTime};
use store::{Store, StoreError};

/// Whether the daily run is due: it never ran, or its time has come since the latest run was queued. So a run missed
/// while nothing was running is due at start-up, once, however long that was.
pub(crate) fn is_due(last_queued_at: Option<DateTime<Utc>>, time: SyncTime, now: DateTime<Utc>) -> bool {
    last_queued_at.is_none_or(|queued| queued < time.last_due(now))
}

/// How much the next run of a connection reads, if nobody asks for more.
pub(crate) async fn extent_of_next_run(
    store: &dyn Store,
    connection: ConnectionId,
    full_every: NonZeroU32,
) -> Result<Extent, StoreError> {
    let successes = store.successes_since_full(connection).await?;
    Ok(Extent {
        mode: Mode::of_next_run(successes, full_every),
        all_replies: false,
    })
}

#[cfg(test)]
mod tests {
    use chrono::{Days, TimeDelta};
    use domain::{ConnectionId, SyncWindow};
    use uuid::Uuid;

    use super::*;

    fn time() -> SyncTime {
        let window: SyncWindow = "02:00-02:01".parse().expect("a window");
        SyncTime::of(ConnectionId(Uuid::nil()), window)
    }

    fn at(day: i64, hour: i64, minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day) + TimeDelta::hours(hour) + TimeDelta::minutes(minute)
    }

    #[test]
    fn a_connection_that_never_ran_is_due_at_once() {
        assert!(is_due(None, time(), at(100, 14, 0)));
    }

    #[test]
    fn a_run_is_due_once_a_day_at_its_time() {
        let last = Some(at(100, 2, 0));
        assert!(!is_due(last, time(), at(100, 2, 0)));
        assert!(!is_due(last, time(), at(101, 1, 59)));
        assert!(is_due(last, time(), at(101, 2, 0)));
        assert!(!is_due(Some(at(101, 2, 0)), time(), at(101, 2, 1)));
    }

    #[test]
    fn days_that_were_missed_are_made_up_by_one_run() {
        let last = at(100, 2, 0);
        let now = last + Days::new(5) + TimeDelta::hours(7);
        assert!(is_due(Some(last), time(), now));
        assert!(!is_due(Some(now), time(), now + TimeDelta::hours(1)));
    }

    /// The moments at which runs are queued, of those at which it is asked, in this order.
    fn queued(asked: &[DateTime<Utc>]) -> Vec<DateTime<Utc>> {
        let mut queued: Vec<DateTime<Utc>> = Vec::new();
        for now in asked {
            // As the store answers: what was queued in the future does not count.
            let last = queued.iter().filter(|then| *then <= now).max().copied();
            if is_due(last, time(), *now) {
                queued.push(*now);
            }
        }
        queued
    }

    #[test]
    fn a_clock_that_was_a_year_ahead_does_not_stop_the_schedule() {
        let ahead = at(465, 3, 0);
        let asked = [
            at(100, 3, 0),
            ahead,
            at(100, 4, 0),
            at(101, 1, 59),
            at(101, 2, 0),
            at(102, 2, 0),
        ];
        assert_eq!(
            queued(&asked),
            [at(100, 3, 0), ahead, at(101, 2, 0), at(102, 2, 0)]
        );
    }

    #[test]
    fn an_hour_that_comes_twice_brings_no_second_run() {
        // Times are UTC, so this is a clock that is put right and no end of summer.
        let asked = [
            at(100, 2, 0),
            at(101, 2, 0),
            at(101, 1, 0),
            at(101, 2, 0),
            at(101, 2, 30),
        ];
        assert_eq!(queued(&asked), [at(100, 2, 0), at(101, 2, 0)]);
    }

    #[test]
    fn a_run_by_hand_before_the_time_does_not_replace_the_nightly_one() {
        assert!(is_due(Some(at(101, 1, 30)), time(), at(101, 2, 0)));
        assert!(!is_due(Some(at(101, 9, 0)), time(), at(101, 23, 0)));
    }
}
