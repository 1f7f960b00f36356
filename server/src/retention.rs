//! Payloads of invalid records hold what the provider served of a member, so they are kept only as long as the operator
//! wants them for repairs.

use std::sync::Mutex;

use chrono::{DateTime, Days, TimeDelta, Utc};
use store::{Store, StoreError};

/// Payloads emptied in one transaction: a few tens of milliseconds.
const AT_A_TIME: u32 = 1_000;
/// How often there is a look at what has expired, once nothing is left: days are counted, so an hour more is nothing.
const LOOK_INTERVAL: TimeDelta = TimeDelta::hours(1);

#[derive(Debug)]
pub(crate) struct Retention {
    /// `None` keeps them for good.
    keep: Option<Days>,
    next_look: Mutex<Option<DateTime<Utc>>>,
}

impl Retention {
    pub(crate) fn new(keep_days: u32) -> Self {
        Self {
            keep: (keep_days > 0).then(|| Days::new(keep_days.into())),
            next_look: Mutex::new(None),
        }
    }

    /// Empties some of what has expired, if it is time to look; says how many.
    pub(crate) async fn step(&self, store: &dyn Store, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let next_look = *self
            .next_look
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let ended_before = self.keep.and_then(|keep| now.checked_sub_days(keep));
        let (Some(ended_before), true) = (ended_before, next_look.is_none_or(|next| next <= now)) else {
            return Ok(0);
        };
        let expired = store.expire_payloads(ended_before, AT_A_TIME).await?;
        if expired < u64::from(AT_A_TIME) {
            *self
                .next_look
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(now + LOOK_INTERVAL);
        }
        Ok(expired)
    }
}

#[cfg(test)]
mod tests {
    use store_sqlite::SqliteStore;

    use super::*;

    #[tokio::test]
    async fn it_looks_once_an_hour_and_never_if_payloads_are_kept_for_good() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(&folder.path().join("t.db"))
            .await
            .expect("a store");
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let retention = Retention::new(90);
        assert_eq!(retention.step(&store, now).await.expect("a step"), 0);
        let next = *retention.next_look.lock().expect("no panic");
        assert_eq!(next, Some(now + LOOK_INTERVAL));
        retention
            .step(&store, now + TimeDelta::minutes(59))
            .await
            .expect("a step");
        assert_eq!(*retention.next_look.lock().expect("no panic"), next);
        retention
            .step(&store, now + TimeDelta::minutes(60))
            .await
            .expect("a step");
        assert_ne!(*retention.next_look.lock().expect("no panic"), next);

        let for_good = Retention::new(0);
        for_good.step(&store, now).await.expect("a step");
        assert_eq!(*for_good.next_look.lock().expect("no panic"), None);
    }
}
