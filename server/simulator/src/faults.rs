//! Faults that can be switched on while a tenant runs.
//!
//! A profile is written `NAME` or `NAME:every=N`: every Nth request that carries a valid token meets the fault.
//! To add one: a variant of `Fault`, its name and default in `KNOWN`, and what it does in `Fault::spoil` or
//! beside it.

use crate::answer::Answer;
use std::str::FromStr;
use std::time::Duration;

/// What a throttled client is told to wait.
const RETRY_AFTER_SECONDS: u64 = 1;
/// Delay of a slow answer: noticed by people, short of usual timeouts.
const SLOW_ANSWER_MILLIS: u64 = 1_500;
/// A short-lived token serves this many requests of its tenant.
const SHORT_TOKEN_REQUESTS: u64 = 5;
/// So many records come in at the head of a shifting listing once its first page is read.
const SHIFTED_RECORDS: u64 = 3;
/// Passing faults spare most requests, so that a patient reader finishes.
const PASSING: u64 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Throttle,
    ThrottleBare,
    Unavailable,
    Truncated,
    Html,
    Slow,
    ExpiredToken,
    Shifting,
}

/// Names, and how often each fault strikes unless told.
const KNOWN: [(&str, Fault, u64); 8] = [
    ("throttle", Fault::Throttle, PASSING),
    ("throttle-bare", Fault::ThrottleBare, PASSING),
    ("unavailable", Fault::Unavailable, 1),
    ("truncated", Fault::Truncated, PASSING),
    ("html", Fault::Html, PASSING),
    ("slow", Fault::Slow, 1),
    ("expired-token", Fault::ExpiredToken, 1),
    ("shifting", Fault::Shifting, 1),
];

/// What goes wrong in a tenant, and how often.
///
/// `none`, `throttle` (429 with `Retry-After`), `throttle-bare` (429 without), `unavailable` (503), `truncated`
/// (a body cut in the middle), `html` (200 with a page), `slow`, `expired-token` (a token dies after a few
/// requests), `shifting` (pages after the first begin some records too early, as when new ones come in at the
/// head). `throttle`, `throttle-bare`, `truncated` and `html` meet every third request, the others all;
/// `NAME:every=N` changes that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultProfile {
    strike: Option<(Fault, u64)>,
}

/// Not a fault profile.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "unknown fault profile `{0}`: use none, throttle, throttle-bare, unavailable, truncated, html, slow, \
     expired-token or shifting, and `:every=N` after it for every Nth request"
)]
pub struct UnknownProfile(String);

impl FromStr for FaultProfile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let unknown = || UnknownProfile(text.into());
        if text == "none" {
            return Ok(Self::default());
        }
        let (name, every) = match text.split_once(":every=") {
            Some((name, every)) => (name, Some(every.parse().map_err(|_| unknown())?)),
            None => (text, None),
        };
        let (_, fault, usual) = KNOWN
            .into_iter()
            .find(|known| known.0 == name)
            .ok_or_else(unknown)?;
        match every.unwrap_or(usual) {
            0 => Err(unknown()),
            every => Ok(Self {
                strike: Some((fault, every)),
            }),
        }
    }
}

impl FaultProfile {
    /// Whether a token that was issued after `issued` requests is still good for this one.
    pub(crate) fn spares_token(self, issued: u64, request: u64) -> bool {
        let short = matches!(self.strike, Some((Fault::ExpiredToken, _)));
        !short || request.saturating_sub(issued) <= SHORT_TOKEN_REQUESTS
    }

    /// By how many records a page after the first begins too early, and so repeats some of the page before.
    pub(crate) fn shift(self, request: u64) -> u64 {
        match self.strike {
            Some((Fault::Shifting, every)) if request.is_multiple_of(every) => SHIFTED_RECORDS,
            _ => 0,
        }
    }

    /// What becomes of the answer to the tenant's request with this number, from 1.
    pub(crate) fn spoil(self, request: u64, answer: impl FnOnce() -> Answer) -> Answer {
        match self.strike {
            Some((fault, every)) if request.is_multiple_of(every) => fault.spoil(answer),
            _ => answer(),
        }
    }
}

impl Fault {
    fn spoil(self, answer: impl FnOnce() -> Answer) -> Answer {
        match self {
            Self::Throttle => Self::ThrottleBare.spoil(answer).retry_after(RETRY_AFTER_SECONDS),
            Self::ThrottleBare => Answer::error(429, "Too Many Requests"),
            Self::Unavailable => Answer::error(503, "Service Unavailable"),
            Self::Truncated => {
                let mut cut = answer();
                cut.body.truncate(cut.body.len() / 2);
                cut
            }
            Self::Html => {
                Answer::html("<!DOCTYPE html><html><body><h1>We will be right back</h1></body></html>")
            }
            Self::Slow => answer().delayed(Duration::from_millis(SLOW_ANSWER_MILLIS)),
            Self::ExpiredToken | Self::Shifting => answer(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_and_bad_ones_named() {
        for (name, ..) in KNOWN {
            assert!(name.parse::<FaultProfile>().is_ok(), "{name}");
        }
        assert_eq!("none".parse(), Ok(FaultProfile::default()));
        assert_eq!(
            "html:every=9".parse(),
            Ok(FaultProfile {
                strike: Some((Fault::Html, 9))
            })
        );
        for bad in ["", "fire", "html:every=0", "html:every=x", "none:every=2"] {
            assert_eq!(bad.parse::<FaultProfile>(), Err(UnknownProfile(bad.into())));
        }
    }

    #[test]
    fn a_passing_fault_spares_the_requests_between() {
        let profile: FaultProfile = "throttle:every=3".parse().unwrap();
        let fine = || Answer::json(b"{}".to_vec());
        let statuses: Vec<u16> = (1..=6)
            .map(|request| profile.spoil(request, fine).status)
            .collect();
        assert_eq!(statuses, [200, 200, 429, 200, 200, 429]);
    }

    #[test]
    fn a_slow_answer_is_complete_but_late() {
        let profile: FaultProfile = "slow".parse().unwrap();
        let answer = profile.spoil(1, || Answer::json(b"{}".to_vec()));
        let delay = Some(Duration::from_millis(SLOW_ANSWER_MILLIS));
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.delay),
            (200, &b"{}"[..], delay)
        );
    }
}
