//! The one door to what differs from run to run: time, ids and randomness.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use domain::{ConnectionId, RunId};
use rand::{TryRng, rngs::SysRng};
use uuid::{Builder, Uuid};

/// Both databases keep microseconds; nanoseconds would not survive a round trip.
const CLOCK_DIGITS: u16 = 6;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

#[async_trait]
impl sync::Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock's one door")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(CLOCK_DIGITS)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Time-ordered ids: the injected time and the machine's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemIds;

impl sync::Ids for SystemIds {
    fn run_id(&self, now: DateTime<Utc>) -> RunId {
        RunId(time_ordered(now))
    }

    fn connection_id(&self, now: DateTime<Utc>) -> ConnectionId {
        ConnectionId(time_ordered(now))
    }
}

/// An id of anything that has no type of its own.
pub(crate) fn random_id(now: DateTime<Utc>) -> Uuid {
    time_ordered(now)
}

/// A UUID of version 7.
fn time_ordered(now: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random_bytes()).into_uuid()
}

/// Fresh random bytes from the operating system.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness no secret can be sealed and no id is unique: there is nothing sensible to go on with.
    SysRng
        .try_fill_bytes(&mut bytes)
        .expect("the operating system gives randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use sync::{Clock, Ids};

    use super::*;

    #[test]
    fn the_clock_keeps_what_a_database_keeps() {
        let now = SystemClock.now();
        assert_eq!(now, now.trunc_subsecs(CLOCK_DIGITS));
    }

    #[test]
    fn ids_are_ordered_by_their_time_and_never_equal() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let earlier = SystemIds.run_id(now);
        let later = SystemIds.run_id(now + TimeDelta::milliseconds(1));
        assert!(earlier < later);
        assert_ne!(earlier, SystemIds.run_id(now));
        assert_eq!(earlier.0.get_version_num(), 7);
    }
}
