use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};

/// Longest wait that is told in seconds.
const SECONDS_MAX: i64 = 120;

/// `45 seconds` or `3 minutes`, never too short.
pub(super) fn in_words(wait: TimeDelta) -> String {
    let seconds = wait.num_seconds().max(0) + 1;
    match seconds {
        1 => "1 second".to_owned(),
        2..=SECONDS_MAX => format!("{seconds} seconds"),
        _ => format!("{} minutes", (seconds + 59) / 60),
    }
}

/// Tells programs, too, when the next try is worth it.
pub(super) fn until(mut response: Response, until: DateTime<Utc>, now: DateTime<Utc>) -> Response {
    let seconds = (until - now).num_seconds().max(0) + 1;
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_whole() {
        assert_eq!(in_words(TimeDelta::milliseconds(29_001)), "30 seconds");
        assert_eq!(in_words(TimeDelta::seconds(-5)), "1 second");
        assert_eq!(in_words(TimeDelta::seconds(899)), "15 minutes");
    }
}
