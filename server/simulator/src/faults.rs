//! Faults that can be switched on while a tenant runs.
//!
//! To add one: a variant of `Fault`, its name and default in `KNOWN`, a line at [`FaultProfile`], and what it does in
//! `Fault::spoil` or where `FaultProfile::strikes` is asked.

use crate::answer::Answer;
use crate::mix::Mix;
use crate::query::{Disorder, Lack};
use chrono::{DateTime, Utc};
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
/// One record in so many is listed twice: more than one a page, and some where pages meet.
const DUPLICATED: u64 = 37;
/// One token in so many fails, of several that a run needs at most.
const PASSING_TOKEN: u64 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttle,
    ThrottleBare,
    ThrottleDate,
    Status(u16),
    Truncated,
    Reset,
    Html,
    Slow,
    Mixed,
    ExpiredToken,
    TokenUnavailable,
    TokenSlow,
    Shifting,
    Duplicated,
    EndsEarly,
    Lost,
    Changing,
    HiddenCategory,
    NoActivity,
}

/// Names, and how often each fault strikes unless told.
const KNOWN: [(&str, Fault, u64); 19] = [
    ("throttle", Fault::Throttle, PASSING),
    ("throttle-bare", Fault::ThrottleBare, PASSING),
    ("throttle-date", Fault::ThrottleDate, PASSING),
    ("unavailable", Fault::Status(503), 1),
    ("truncated", Fault::Truncated, PASSING),
    ("reset", Fault::Reset, PASSING),
    ("html", Fault::Html, PASSING),
    ("slow", Fault::Slow, 1),
    ("mixed", Fault::Mixed, PASSING),
    ("expired-token", Fault::ExpiredToken, 1),
    ("token-unavailable", Fault::TokenUnavailable, PASSING_TOKEN),
    ("token-slow", Fault::TokenSlow, 1),
    ("shifting", Fault::Shifting, 1),
    ("duplicated", Fault::Duplicated, DUPLICATED),
    ("ends-early", Fault::EndsEarly, PASSING),
    ("lost", Fault::Lost, PASSING),
    ("changing", Fault::Changing, 1),
    ("hidden-category", Fault::HiddenCategory, 1),
    ("no-activity", Fault::NoActivity, 1),
];

/// What `mixed` draws from.
const MIXTURE: [Fault; 10] = [
    Fault::Throttle,
    Fault::ThrottleBare,
    Fault::ThrottleDate,
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Truncated,
    Fault::Reset,
    Fault::Html,
    Fault::Slow,
];

/// What goes wrong in a tenant, and how often.
///
/// Written `NAME` or `NAME:every=N`: every Nth request that carries a valid token meets the fault, or every Nth that
/// asks for a token. Without `every` it is the number in brackets.
///
/// * `none`: nothing.
/// * `throttle` (3): 429 with `Retry-After` in seconds.
/// * `throttle-bare` (3): 429 without `Retry-After`.
/// * `throttle-date` (3): 429 with `Retry-After` as a date.
/// * `unavailable` (1): 503.
/// * `truncated` (3): a complete answer whose JSON ends in the middle.
/// * `reset` (3): the connection is cut in the middle of a body that was announced as longer.
/// * `html` (3): 200 with a page for people.
/// * `slow` (1): the answer comes late.
/// * `mixed` (3): one of `throttle`, `throttle-bare`, `throttle-date`, 500, 502, 503, `truncated`, `reset`, `html` and
///   `slow`, drawn from the seed and the number of the request.
/// * `expired-token` (1): a token dies after a few requests, whatever N.
/// * `token-unavailable` (2): 503 to a request for a token.
/// * `token-slow` (1): the token comes late.
/// * `shifting` (1): pages after the first begin some records too early, as when new ones come in at the head.
/// * `duplicated` (37): every Nth record of every listing is served twice in a row, be it across two pages.
/// * `ends-early` (3): a page of members or views comes with half of its records, or with none, though it says that there
///   are more.
/// * `lost` (3): the request is handled, and the connection is closed without an answer.
/// * `changing` (1): the tenant goes on while a listing is read: before each of its pages 2 to 50, something new comes
///   to the front, and something old moves there. The truth goes along.
/// * `hidden-category` (1): 403 for one category and for the topics and replies in it, which stay in the listings.
/// * `no-activity` (1): 404 for `/user/activity`, as where the tenant has no such source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultProfile {
    strike: Option<(Fault, u64)>,
}

/// Not a fault profile.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown fault profile `{0}`: use none, {known}, and `:every=N` after it for every Nth request", known = known_names())]
pub struct UnknownProfile(String);

fn known_names() -> String {
    KNOWN.map(|known| known.0).join(", ")
}

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

/// What a fault depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Number of the tenant's request, from 1.
    pub(crate) request: u64,
    /// Where `mixed` draws from.
    pub(crate) place: Mix,
    /// Unix seconds.
    pub(crate) now: u64,
}

impl FaultProfile {
    /// Whether a token that was issued after `issued` requests is still good for this one.
    pub(crate) fn spares_token(self, issued: u64, request: u64) -> bool {
        let short = matches!(self.strike, Some((Fault::ExpiredToken, _)));
        !short || request.saturating_sub(issued) <= SHORT_TOKEN_REQUESTS
    }

    /// Whether this fault meets the request with this number, from 1.
    pub(crate) fn strikes(self, fault: Fault, request: u64) -> bool {
        self.struck(request) == Some(fault)
    }

    fn struck(self, request: u64) -> Option<Fault> {
        let strike = self.strike.filter(|(_, every)| request.is_multiple_of(*every));
        strike.map(|(fault, _)| fault)
    }

    /// How the listings of this request differ from those of a tenant at rest.
    pub(crate) fn disorder(self, request: u64) -> Disorder {
        Disorder {
            shift: self.shift(request),
            twice: match self.strike {
                Some((Fault::Duplicated, every)) => Some(every),
                _ => None,
            },
            lacks: match self.strike {
                Some((Fault::EndsEarly, every)) if request.is_multiple_of(every) => {
                    let times = request / every;
                    if times.is_multiple_of(2) {
                        Lack::All
                    } else {
                        Lack::Half
                    }
                }
                _ => Lack::Nothing,
            },
        }
    }

    /// By how many records a page after the first begins too early, and so repeats some of the page before.
    fn shift(self, request: u64) -> u64 {
        if self.strikes(Fault::Shifting, request) {
            SHIFTED_RECORDS
        } else {
            0
        }
    }

    /// What becomes of an answer to a request that carries a valid token.
    pub(crate) fn spoil(self, moment: Moment, answer: impl FnOnce() -> Answer) -> Answer {
        match self.struck(moment.request) {
            Some(fault) => fault.spoil(moment, answer),
            None => answer(),
        }
    }

    /// What becomes of the token that the tenant's client asks for, as the request with this number, from 1.
    pub(crate) fn spoil_token(self, request: u64, token: impl FnOnce() -> Answer) -> Answer {
        match self.struck(request) {
            Some(Fault::TokenUnavailable) => failure(503),
            Some(Fault::TokenSlow) => late(token()),
            _ => token(),
        }
    }
}

impl Fault {
    fn spoil(self, moment: Moment, answer: impl FnOnce() -> Answer) -> Answer {
        match self {
            Self::Throttle => failure(429).retry_after(RETRY_AFTER_SECONDS.to_string()),
            Self::ThrottleBare => failure(429),
            Self::ThrottleDate => failure(429).retry_after(http_date(moment.now + RETRY_AFTER_SECONDS)),
            Self::Status(status) => failure(status),
            Self::Truncated => {
                let mut cut = answer();
                cut.body.truncate(cut.body.len() / 2);
                cut
            }
            Self::Reset => Answer {
                reset: true,
                ..answer()
            },
            Self::Html => {
                Answer::html("<!DOCTYPE html><html><body><h1>We will be right back</h1></body></html>")
            }
            Self::Slow => late(answer()),
            Self::Lost => Answer {
                lost: true,
                ..answer()
            },
            Self::Mixed => moment
                .place
                .at(moment.request)
                .pick(0, &MIXTURE)
                .spoil(moment, answer),
            Self::ExpiredToken
            | Self::TokenUnavailable
            | Self::TokenSlow
            | Self::Shifting
            | Self::Duplicated
            | Self::EndsEarly
            | Self::Changing
            | Self::HiddenCategory
            | Self::NoActivity => answer(),
        }
    }
}

fn late(answer: Answer) -> Answer {
    answer.delayed(Duration::from_millis(SLOW_ANSWER_MILLIS))
}

fn failure(status: u16) -> Answer {
    let reason = match status {
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    Answer::error(status, reason)
}

/// As in RFC 9110, section 5.6.7.
fn http_date(unix: u64) -> String {
    let seconds = i64::try_from(unix).unwrap_or(0);
    let time = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(request: u64) -> Moment {
        Moment {
            request,
            place: Mix::new(3),
            now: 1_779_883_200,
        }
    }

    #[test]
    fn profiles_are_read_and_bad_ones_named() {
        for (name, ..) in KNOWN {
            assert!(name.parse::<FaultProfile>().is_ok(), "{name}");
            assert!(UnknownProfile("x".into()).to_string().contains(name), "{name}");
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
            .map(|request| profile.spoil(moment(request), fine).status)
            .collect();
        assert_eq!(statuses, [200, 200, 429, 200, 200, 429]);
    }

    #[test]
    fn a_slow_answer_is_complete_but_late() {
        let profile: FaultProfile = "slow".parse().unwrap();
        let answer = profile.spoil(moment(1), || Answer::json(b"{}".to_vec()));
        let delay = Some(Duration::from_millis(SLOW_ANSWER_MILLIS));
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.delay),
            (200, &b"{}"[..], delay)
        );
    }

    #[test]
    fn a_mixture_has_everything_in_it_and_is_drawn_from_the_seed() {
        let profile: FaultProfile = "mixed:every=2".parse().unwrap();
        let fine = || Answer::json(b"{\"result\":[]}".to_vec());
        let draw = |request| profile.spoil(moment(request), fine);
        let spoilt: Vec<Answer> = (1..=400).map(draw).filter(|answer| *answer != fine()).collect();
        assert_eq!(spoilt.len(), 200);
        assert_eq!(spoilt, (1..=200).map(|half| draw(2 * half)).collect::<Vec<_>>());
        for fault in MIXTURE {
            assert!(spoilt.contains(&fault.spoil(moment(2), fine)), "{fault:?}");
        }
    }

    #[test]
    fn a_date_to_wait_for_is_a_little_ahead() {
        let profile: FaultProfile = "throttle-date:every=1".parse().unwrap();
        let answer = profile.spoil(moment(1), || Answer::json(Vec::new()));
        let date = answer.retry_after.unwrap();
        assert_eq!(date, "Wed, 27 May 2026 12:00:01 GMT");
        assert!(DateTime::parse_from_rfc2822(&date).is_ok());
    }
}
