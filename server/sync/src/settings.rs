use std::{num::NonZeroU32, time::Duration};

use chrono::{DateTime, Days, Utc};

use crate::RetryPolicy;

/// Longest time from a run's start to its end: a million topics with a request each take 55 hours at the default pace. What
/// takes longer does not come to an end by itself.
const RUN_TIME_MAX: Duration = Duration::from_hours(7 * 24);

/// Most records that one run may set aside, each with its payload of up to 256 kB: at two kilobytes, which is usual, 200 MB
/// of the database. More than that is no flaw of single records, but a format that is not understood.
const INVALID_MAX: u64 = 100_000;

/// What an operator may set about syncs, and the bounds of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub retry: RetryPolicy,
    /// 0 is unlimited.
    pub requests_per_minute: u32,
    /// A run whose worker has not renewed for this long is taken up by another; renewed at a third of it.
    pub lease_ttl: Duration,
    /// Pages fetched side by side.
    pub pages_ahead: usize,
    /// A run that takes longer fails; the next goes on from its last page.
    pub run_time_max: Duration,
    /// A run that sets more records aside fails.
    pub invalid_max: u64,
    /// Activity that is older is not stored; `None` stores all.
    pub keep_activity_days: Option<NonZeroU32>,
}

impl Settings {
    /// Activity from before this time is not kept.
    pub fn activity_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        now.checked_sub_days(Days::new(self.keep_activity_days?.get().into()))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retry: RetryPolicy {
                backoff: [10, 30, 90, 270].map(Duration::from_secs).to_vec(),
            },
            // Two public clients hold themselves to it; the vendor names no limit.
            requests_per_minute: 300,
            lease_ttl: Duration::from_secs(30),
            pages_ahead: 8,
            run_time_max: RUN_TIME_MAX,
            invalid_max: INVALID_MAX,
            keep_activity_days: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a list of waits; give one such as 10s,30s,90s,270s (units: ms, s, m)")]
pub struct InvalidBackoff(String);

/// Reads a list of waits such as `10s,30s,90s,270s`.
pub fn parse_backoff(text: &str) -> Result<Vec<Duration>, InvalidBackoff> {
    text.split(',')
        .map(|part| parse_wait(part.trim()).ok_or_else(|| InvalidBackoff(text.to_owned())))
        .collect()
}

fn parse_wait(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    match &text[digits..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_with_their_units() {
        let waits = parse_backoff("10s, 250ms,2m,0s").expect("a list");
        assert_eq!(waits, [10_000, 250, 120_000, 0].map(Duration::from_millis));
        for wrong in [
            "",
            "10",
            "s",
            "10s,",
            "10 s",
            "-1s",
            "1h",
            "99999999999999999999s",
        ] {
            assert!(parse_backoff(wrong).is_err(), "{wrong}");
        }
    }
}
