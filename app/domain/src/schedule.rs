use std::{fmt, str::FromStr};

use chrono::{DateTime, Days, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ConnectionId;

const MINUTES_A_DAY: u32 = 24 * 60;

/// The part of the day (UTC) over which the operator lets syncs start, such as `01:00-05:00`. It may pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncWindow {
    from_minute: u32,
    length_min: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a window of the day; give one such as 01:00-05:00 (UTC)")]
pub struct InvalidWindow(String);

impl FromStr for SyncWindow {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minute = |part: &str| {
            let (hour, minute) = part.split_once(':')?;
            let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let window = text.split_once('-').and_then(|(from, to)| {
            let (from_minute, to) = (minute(from.trim())?, minute(to.trim())?);
            let length_min = (to + MINUTES_A_DAY - from_minute) % MINUTES_A_DAY;
            (length_min > 0).then_some(Self {
                from_minute,
                length_min,
            })
        });
        window.ok_or_else(|| InvalidWindow(text.to_owned()))
    }
}

impl fmt::Display for SyncWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = (self.from_minute + self.length_min) % MINUTES_A_DAY;
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            self.from_minute / 60,
            self.from_minute % 60,
            to / 60,
            to % 60
        )
    }
}

/// A connection's fixed time of day (UTC), in whole minutes. UTC has no daylight saving, so every day has it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncTime {
    minute_of_day: u32,
}

impl SyncTime {
    /// Spread over the window by the id's hash, so that many connections do not start at once.
    pub fn of(connection: ConnectionId, window: SyncWindow) -> Self {
        let offset = fnv1a(connection.0.as_bytes()) % u64::from(window.length_min);
        let offset = u32::try_from(offset).unwrap_or(0);
        Self {
            minute_of_day: (window.from_minute + offset) % MINUTES_A_DAY,
        }
    }

    /// The latest moment, not after `now`, at which a run was due.
    pub fn last_due(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = now.date_naive().and_time(self.time()).and_utc();
        if today <= now { today } else { today - Days::new(1) }
    }

    /// The first moment after `now` at which a run is due.
    pub fn next_due(self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.last_due(now) + Days::new(1)
    }

    fn time(self) -> NaiveTime {
        NaiveTime::from_num_seconds_from_midnight_opt(self.minute_of_day * 60, 0).unwrap_or(NaiveTime::MIN)
    }
}

impl fmt::Display for SyncTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute_of_day / 60, self.minute_of_day % 60)
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a connection keeps its time across versions and machines, which the standard
/// library's hasher does not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn window(text: &str) -> SyncWindow {
        text.parse().expect("a window")
    }

    #[test]
    fn windows_are_read_and_written() {
        for text in ["01:00-05:00", "22:30-02:15"] {
            assert_eq!(window(text).to_string(), text);
        }
        for text in [
            "",
            "01:00",
            "25:00-26:00",
            "01:00-01:00",
            "1-5",
            "a:b-c:d",
            "01:60-02:00",
        ] {
            assert!(text.parse::<SyncWindow>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_fixed_and_lies_in_its_window(id: u128, from in 0..MINUTES_A_DAY, length_min in 1..MINUTES_A_DAY) {
            let window = SyncWindow { from_minute: from, length_min };
            let connection = ConnectionId(Uuid::from_u128(id));
            let time = SyncTime::of(connection, window);
            prop_assert_eq!(time, SyncTime::of(connection, window));
            let into_window = (time.minute_of_day + MINUTES_A_DAY - from) % MINUTES_A_DAY;
            prop_assert!(into_window < length_min);
        }

        #[test]
        fn a_run_is_due_once_a_day(minute_of_day in 0..MINUTES_A_DAY, now_s in 0_i64..4_000_000_000) {
            let time = SyncTime { minute_of_day };
            let now = DateTime::from_timestamp(now_s, 0).expect("a time");
            prop_assert!(time.last_due(now) <= now && now < time.next_due(now));
            prop_assert_eq!(time.next_due(now) - time.last_due(now), TimeDelta::days(1));
        }
    }

    #[test]
    fn ten_thousand_connections_spread_over_the_window() {
        let mut starts = [0_u32; 240];
        for id in 0..10_000 {
            let time = SyncTime::of(ConnectionId(Uuid::from_u128(id)), window("01:00-05:00"));
            starts[(time.minute_of_day - 60) as usize] += 1;
        }
        // 42 a minute on average; a hash that clumps would put hundreds into one minute.
        assert!(starts.iter().all(|count| (10..100).contains(count)), "{starts:?}");
    }
}
