use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Requests that may start at once after a quiet time: as many as are fetched side by side.
const BURST: u32 = 8;

/// A token bucket over the requests of one connection. It answers how long a request has to wait for its turn.
#[derive(Clone, Debug)]
pub struct Pace {
    interval: TimeDelta,
    /// When the bucket was or will be empty but for the requests already promised.
    next: Option<DateTime<Utc>>,
}

impl Pace {
    /// 0 requests a minute is unlimited.
    pub fn new(requests_per_minute: u32) -> Self {
        let interval =
            TimeDelta::minutes(1).checked_div(i32::try_from(requests_per_minute).unwrap_or(i32::MAX));
        Self {
            interval: interval.unwrap_or_default(),
            next: None,
        }
    }

    /// Takes the next free turn and says how long to wait for it.
    pub fn reserve(&mut self, now: DateTime<Utc>) -> Duration {
        if self.interval.is_zero() {
            return Duration::ZERO;
        }
        let full = now - self.interval * i32::try_from(BURST - 1).unwrap_or(0);
        let turn = self.next.map_or(full, |next| next.max(full));
        self.next = Some(turn + self.interval);
        (turn - now).to_std().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_is_unlimited() {
        let mut pace = Pace::new(0);
        assert!((0..10_000).all(|_| pace.reserve(DateTime::UNIX_EPOCH) == Duration::ZERO));
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_its_share_and_one_burst(per_minute in 1_u32..600, gaps_ms in prop::collection::vec(0_i64..5_000, 1..400)) {
            let mut pace = Pace::new(per_minute);
            let mut now = DateTime::UNIX_EPOCH;
            let mut starts = Vec::new();
            for gap_ms in gaps_ms {
                now += TimeDelta::milliseconds(gap_ms);
                starts.push(now + TimeDelta::from_std(pace.reserve(now)).expect("a short wait"));
            }
            for (first, start) in starts.iter().enumerate() {
                let within = starts[first..].iter().filter(|other| **other - *start < TimeDelta::minutes(1)).count();
                prop_assert!(within <= (per_minute + BURST) as usize, "{} in a minute", within);
            }
        }
    }
}
