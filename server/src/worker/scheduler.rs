//! When a connection's next run is due, and how much it reads; and who looks for what is due. Times come in as arguments.

use std::{collections::HashSet, num::NonZeroU32, time::Duration};

use chrono::{DateTime, Utc};
use domain::{ConnectionId, Extent, Mode, SyncTime, SyncWindow, Trigger};
use store::{LastQueued, NewRun, Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{error::with_sources, installation::Installation, system::random_bytes, worker::WakeUp};

/// How often it is looked for what is due: short against the minute of a schedule.
const TICK: Duration = Duration::from_secs(5);

/// Connections that are queued between two looks at what is left: a look reads all of them.
const CONNECTIONS_AT_ONCE: usize = 200;

/// What the operator says of the daily runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) window: SyncWindow,
    pub(crate) full_every: NonZeroU32,
}

impl Schedule {
    fn time_of(self, connection: ConnectionId) -> SyncTime {
        SyncTime::of(connection, self.window)
    }
}

/// Queues what is due until it is told to stop. Any number of processes may do so: a connection has one run at a time.
pub(crate) async fn keep_up(
    installation: Installation,
    schedule: Schedule,
    wake_up: WakeUp,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        if let Err(error) = queue_what_is_due(&installation, schedule, &wake_up, &stop).await {
            error!(error = %with_sources(&error), "what is due cannot be queued");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = installation.clock.sleep(TICK) => {}
        }
    }
}

/// After a night in which nothing ran it may be thousands, so it begins to wake the worker with the first. Other processes
/// do the same: each begins elsewhere, so that they do not wait for each other, and looks again for what is left.
async fn queue_what_is_due(
    installation: &Installation,
    schedule: Schedule,
    wake_up: &WakeUp,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let mut due = due_now(installation, schedule).await?;
    let place = u64::from_le_bytes(random_bytes()) % (due.len() as u64).max(1);
    due.rotate_left(usize::try_from(place).unwrap_or(0));
    for some in due.chunks(CONNECTIONS_AT_ONCE) {
        let left = due_now(installation, schedule).await?;
        let left: HashSet<ConnectionId> = left.iter().map(|due| due.connection_id).collect();
        for connection in some.iter().filter(|due| left.contains(&due.connection_id)) {
            if stop.is_cancelled() {
                return Ok(());
            }
            match queue(installation, schedule, connection).await {
                Ok(true) => wake_up.ring(),
                Ok(false) => {}
                // It would be the same for all others.
                Err(error @ (StoreError::Unavailable(_) | StoreError::ConnectionLost(_))) => {
                    return Err(error);
                }
                Err(error) => {
                    error!(tenant = %connection.tenant_id, error = %with_sources(&error), "a due run cannot be queued");
                }
            }
        }
    }
    Ok(())
}

/// The connections whose daily run is due.
async fn due_now(installation: &Installation, schedule: Schedule) -> Result<Vec<LastQueued>, StoreError> {
    let now = installation.clock.now();
    let mut connections = installation.store.last_queued(now).await?;
    connections.retain(|last| is_due(last.at, schedule.time_of(last.connection_id), now));
    Ok(connections)
}

/// Whether it was queued here.
async fn queue(
    installation: &Installation,
    schedule: Schedule,
    connection: &LastQueued,
) -> Result<bool, StoreError> {
    let (store, id) = (installation.store.as_ref(), connection.connection_id);
    let now = installation.clock.now();
    let new = NewRun {
        id: installation.ids.run_id(now),
        connection_id: id,
        trigger: Trigger::Scheduled,
        extent: extent_of_next_run(store, id, schedule.full_every).await?,
        queued_at: now,
    };
    let queued = store
        .enqueue_due(&new, schedule.time_of(id).last_due(now))
        .await?;
    if queued {
        info!(tenant = %connection.tenant_id, run = %new.id, "scheduled run queued");
    }
    Ok(queued)
}

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
