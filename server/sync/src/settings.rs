use std::time::Duration;

use crate::RetryPolicy;

/// What an operator may set about syncs.
#[derive(Clone, Debug)]
pub struct Settings {
    pub retry: RetryPolicy,
    /// 0 is unlimited.
    pub requests_per_minute: u32,
    /// A run whose worker has not renewed for this long is taken up by another; renewed at a third of it.
    pub lease_ttl: Duration,
    /// Pages fetched side by side.
    pub pages_ahead: usize,
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
