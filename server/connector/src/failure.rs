//! Every way in which a request can fail, classified in this one place.
//!
//! No message quotes a header or a body, so none can hold a secret, a token or a member's data.

use std::{
    error::Error,
    io,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use domain::CauseCode;
use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION, RETRY_AFTER},
};
use sync::Failure;

use crate::{
    decode::Malformed,
    http::{Answer, Broken, LookupFailed},
    outbound::Refused,
};

/// The longest wait that is believed: a longer one would skip the next daily run.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);
const WRONG_BASE_URL: &str = "the base URL may be the community's and not the API's";

fn failure(code: CauseCode, message: String) -> Failure {
    Failure {
        code,
        message,
        retry_after: None,
    }
}

/// An answer that is no success. 401, and what means something special on one path, are the caller's.
pub(crate) fn of_status(answer: &Answer, path: &str, now: DateTime<Utc>) -> Failure {
    let status = answer.status;
    let number = status.as_u16();
    let (code, message) = match status {
        StatusCode::TOO_MANY_REQUESTS => (
            CauseCode::Throttled,
            format!("The provider asked for fewer requests at {path} ({number})."),
        ),
        StatusCode::UNAUTHORIZED => (
            CauseCode::CredentialsRefused,
            format!(
                "The provider refused a new token for {path} ({number}). The credentials may lack the read scope."
            ),
        ),
        StatusCode::FORBIDDEN => (
            CauseCode::PermissionMissing,
            format!("The provider does not let these credentials read {path} ({number})."),
        ),
        StatusCode::NOT_FOUND | StatusCode::GONE => (
            CauseCode::AnswerMalformed,
            format!("The provider has no {path} ({number}); {WRONG_BASE_URL}."),
        ),
        StatusCode::REQUEST_TIMEOUT => (
            CauseCode::ProviderUnavailable,
            format!("The provider took too long at {path} ({number})."),
        ),
        _ if status.is_server_error() => (
            CauseCode::ProviderUnavailable,
            format!("The provider could not answer {path} ({number})."),
        ),
        _ if status.is_redirection() => (
            CauseCode::AnswerMalformed,
            redirected(&answer.headers, path, number),
        ),
        _ if status.is_client_error() => (
            CauseCode::Internal,
            format!("The provider did not accept our request for {path} ({number})."),
        ),
        _ => (
            CauseCode::AnswerMalformed,
            format!("The provider answered {path} with an unexpected status ({number})."),
        ),
    };
    let waits = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    Failure {
        retry_after: waits.then(|| retry_after(&answer.headers, now)).flatten(),
        ..failure(code, message)
    }
}

fn redirected(headers: &HeaderMap, path: &str, number: u16) -> String {
    let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let host = target.and_then(|target| reqwest::Url::parse(target).ok());
    let host = host
        .as_ref()
        .and_then(reqwest::Url::host_str)
        .unwrap_or("another place");
    format!("The provider redirects {path} to {host} ({number}), which is not followed; {WRONG_BASE_URL}.")
}

/// Seconds, or a date, which is relative to the clock. What is neither is as good as absent.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are more than the greatest wait, too.
        text.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs)
    } else {
        let at = httpdate::parse_http_date(text).ok()?;
        let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.timestamp()).unwrap_or_default();
        at.saturating_sub(Duration::from_secs(now))
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// No answer, or none that could be read to its end.
pub(crate) fn of_broken(broken: &Broken, path: &str, host: &str) -> Failure {
    match broken {
        Broken::Refused(refused) => not_allowed(refused),
        Broken::TooLong { limit } => failure(
            CauseCode::AnswerMalformed,
            format!("The provider answered {path} with more than {limit} bytes."),
        ),
        Broken::Cut { read, error } if !is_lost(error) => failure(
            CauseCode::AnswerMalformed,
            format!("The provider's answer to {path} was cut off after {read} bytes."),
        ),
        Broken::Cut { error, .. } | Broken::Transport(error) => of_transport(error, path, host),
    }
}

/// Whether the connection was lost, which is the network's doing and not the answer's.
fn is_lost(error: &reqwest::Error) -> bool {
    let lost = |io: &io::Error| {
        matches!(
            io.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::TimedOut
        )
    };
    error.is_timeout() || cause::<io::Error>(error).is_some_and(lost)
}

fn of_transport(error: &reqwest::Error, path: &str, host: &str) -> Failure {
    match lost(error) {
        Lost::Refused(refused) => not_allowed(&refused),
        Lost::UnknownHost => failure(
            CauseCode::HostUnknown,
            format!("The host {host} cannot be found (no address for this name)."),
        ),
        Lost::Unsendable => failure(
            CauseCode::Internal,
            format!("The request for {path} cannot be made."),
        ),
        Lost::Broken(what) => failure(
            CauseCode::ProviderUnavailable,
            format!("The host {host} {what}, asked for {path}."),
        ),
    }
}

/// What kept a request from being answered.
pub(crate) enum Lost {
    Refused(Refused),
    UnknownHost,
    /// It was none that can be sent.
    Unsendable,
    /// What the host did, in words.
    Broken(&'static str),
}

pub(crate) fn lost(error: &reqwest::Error) -> Lost {
    if let Some(refused) = cause::<Refused>(error) {
        return Lost::Refused(refused.clone());
    }
    if cause::<LookupFailed>(error).is_some() {
        return Lost::UnknownHost;
    }
    let kind = cause::<io::Error>(error).map(io::Error::kind);
    Lost::Broken(match kind {
        _ if error.is_timeout() => "did not answer in time",
        Some(io::ErrorKind::ConnectionRefused) => "refused the connection",
        Some(
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe,
        ) => "broke off the connection",
        Some(io::ErrorKind::InvalidData) => "did not agree on an encrypted connection (TLS)",
        _ if error.is_connect() => "could not be reached",
        _ if error.is_builder() => return Lost::Unsendable,
        _ => "broke off the exchange",
    })
}

/// The filter for outgoing requests. What would let the host pass is a setting, so it is a part of the message.
fn not_allowed(refused: &Refused) -> Failure {
    let how = refused
        .entry()
        .map(|entry| format!(" (TRIBUTARY_ALLOW_HOSTS={entry} would)"))
        .unwrap_or_default();
    failure(
        CauseCode::HostNotAllowed,
        format!("No request is sent: {refused}{how}."),
    )
}

/// The first cause of this kind behind an error.
fn cause<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(cause) = next {
        // An `io::Error` that wraps another does not give it as its source, so its kind counts.
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

/// A body that is not a page.
pub(crate) fn of_malformed(malformed: &Malformed, answer: &Answer, path: &str) -> Failure {
    let what = if answer.is_html() {
        "HTML instead of JSON"
    } else {
        malformed.0.as_str()
    };
    let hint = if what.starts_with("HTML") {
        format!("; {WRONG_BASE_URL}")
    } else {
        String::new()
    };
    failure(
        CauseCode::AnswerMalformed,
        format!("The provider answered {path} with {what}{hint}."),
    )
}

/// A listing that goes on beyond any that is real.
pub(crate) fn endless(path: &str, pages: u32) -> Failure {
    failure(
        CauseCode::AnswerMalformed,
        format!("The provider's list {path} does not end within {pages} pages."),
    )
}

/// Token after token is taken, and refused a moment later.
pub(crate) fn tokens_end(path: &str, sends: u32) -> Failure {
    failure(
        CauseCode::ProviderUnavailable,
        format!("The provider ends every token at once: it refused {path} {sends} times (401)."),
    )
}

/// The token endpoint's refusal.
pub(crate) fn secret_refused(status: StatusCode) -> Failure {
    let number = status.as_u16();
    failure(
        CauseCode::CredentialsRefused,
        format!("The provider refused the client secret ({number})."),
    )
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_738_555_506, 0).unwrap()
    }

    fn wait(text: &str) -> Option<Duration> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
        retry_after(&headers, now())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wait("17"), Some(Duration::from_secs(17)));
        assert_eq!(wait(" 0 "), Some(Duration::ZERO));
        assert_eq!(
            wait("Mon, 03 Feb 2025 04:06:06 GMT"),
            Some(Duration::from_mins(1))
        );
        assert_eq!(wait("Mon, 03 Feb 2025 04:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(
            wait("Monday, 03-Feb-25 04:06:06 GMT"),
            Some(Duration::from_mins(1))
        );
        assert_eq!(wait("Sat, 03 Feb 2035 04:06:06 GMT"), Some(RETRY_AFTER_MAX));
        assert_eq!(wait("99999999999999999999999999"), Some(RETRY_AFTER_MAX));
        for odd in ["", "soon", "-1", "1.5", "2025-02-03T04:06:06Z"] {
            assert_eq!(wait(odd), None, "{odd}");
        }
    }

    #[test]
    fn statuses_have_one_class_each() {
        let code = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = Answer {
                status,
                headers: HeaderMap::new(),
                body: Vec::new(),
                large: None,
            };
            let failure = of_status(&answer, "/v2/topics", now());
            assert!(
                failure.message.contains(&format!("({})", status.as_u16())),
                "{}",
                failure.message
            );
            failure.code
        };
        for status in [500, 502, 503, 504, 529, 408] {
            assert_eq!(code(status), CauseCode::ProviderUnavailable, "{status}");
        }
        for status in [301, 302, 404, 410, 304] {
            assert_eq!(code(status), CauseCode::AnswerMalformed, "{status}");
        }
        for status in [400, 405, 406, 415, 422] {
            assert_eq!(code(status), CauseCode::Internal, "{status}");
        }
        assert_eq!(code(429), CauseCode::Throttled);
        assert_eq!(code(403), CauseCode::PermissionMissing);
        assert_eq!(code(401), CauseCode::CredentialsRefused);
    }

    #[test]
    fn a_redirect_names_the_host_only() {
        let location = HeaderValue::from_static("https://community.example/in?token=abc");
        let headers = HeaderMap::from_iter([(LOCATION, location)]);
        let message = redirected(&headers, "/user", 302);
        assert!(message.contains("community.example (302)"), "{message}");
        assert!(!message.contains("abc"), "{message}");
    }
}
