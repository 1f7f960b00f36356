//! Why somebody could not sign on: in the person's words, and for the log.

use std::fmt;

use connector::NotAnswered;
use domain::Owner;
use store::SignOnError;

use super::pending::NotPending;

/// Why somebody could not sign on, as they are told. It stands by its code in the address of the page that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// They declined, or the provider does not let them in.
    Denied,
    /// The provider says that it failed.
    ProviderFailed,
    ProviderSilent,
    /// Its discovery, our client or the filter is not as it must be.
    Misconfigured,
    /// What it answered is not good: a signature, an issuer, an audience, a nonce.
    Untrusted,
    Clocks,
    NotBegun,
    Expired,
    NoRole,
    NoAddress,
    Unverified,
    AnotherPerson,
    /// The claims make them an admin no more, and without them there would be none.
    LastAdmin,
    Disabled,
    /// Asked again who they are, they came back as somebody else.
    SomebodyElse,
    /// The provider did not ask again who they are.
    NotAsked,
    /// The session whose person was asked again is over.
    SessionOver,
    Internal,
}

impl Problem {
    const ALL: [Self; 18] = [
        Self::Denied,
        Self::ProviderFailed,
        Self::ProviderSilent,
        Self::Misconfigured,
        Self::Untrusted,
        Self::Clocks,
        Self::NotBegun,
        Self::Expired,
        Self::NoRole,
        Self::NoAddress,
        Self::Unverified,
        Self::AnotherPerson,
        Self::LastAdmin,
        Self::Disabled,
        Self::SomebodyElse,
        Self::NotAsked,
        Self::SessionOver,
        Self::Internal,
    ];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::ProviderFailed => "provider-failed",
            Self::ProviderSilent => "provider-silent",
            Self::Misconfigured => "misconfigured",
            Self::Untrusted => "untrusted",
            Self::Clocks => "clocks",
            Self::NotBegun => "not-begun",
            Self::Expired => "expired",
            Self::NoRole => "no-role",
            Self::NoAddress => "no-address",
            Self::Unverified => "unverified",
            Self::AnotherPerson => "another-person",
            Self::LastAdmin => "last-admin",
            Self::Disabled => "disabled",
            Self::SomebodyElse => "somebody-else",
            Self::NotAsked => "not-asked",
            Self::SessionOver => "session-over",
            Self::Internal => "internal",
        }
    }

    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.code() == code)
    }

    pub(crate) fn owner(self) -> Owner {
        match self {
            Self::ProviderFailed | Self::ProviderSilent | Self::Untrusted | Self::NotAsked => Owner::Provider,
            Self::Misconfigured | Self::Clocks | Self::Internal => Owner::Us,
            Self::Denied
            | Self::NotBegun
            | Self::Expired
            | Self::NoRole
            | Self::NoAddress
            | Self::Unverified
            | Self::AnotherPerson
            | Self::LastAdmin
            | Self::Disabled
            | Self::SomebodyElse
            | Self::SessionOver => Owner::You,
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Denied => "You declined, or the identity provider does not let you in.",
            Self::ProviderFailed => "The identity provider says that it could not log you in.",
            Self::ProviderSilent => "The identity provider did not answer.",
            Self::Misconfigured => "Tributary and the identity provider are not set up for each other.",
            Self::Untrusted => "What the identity provider answered cannot be trusted.",
            Self::Clocks => "The clocks of Tributary and the identity provider differ by more than a minute.",
            Self::NotBegun => "This sign-on was not begun in this browser, or another one was begun since.",
            Self::Expired => "The sign-on took longer than ten minutes.",
            Self::NoRole => "The identity provider knows you, and has no role in Tributary for you.",
            Self::NoAddress => "The identity provider does not say your e-mail address.",
            Self::Unverified => "The identity provider has not verified that your e-mail address is yours.",
            Self::AnotherPerson => {
                "The account with your e-mail address is another person's at the identity provider."
            }
            Self::LastAdmin => {
                "The identity provider makes you a CSM from now on, and you are the last active admin."
            }
            Self::Disabled => "Your account is disabled.",
            Self::SomebodyElse => "You came back from the identity provider as somebody else.",
            Self::NotAsked => "The identity provider did not ask you again who you are.",
            Self::SessionOver => "Your session ended while you were at the identity provider.",
            Self::Internal => "Something on our side failed.",
        }
    }

    pub(crate) fn next_action(self) -> &'static str {
        match self {
            Self::Denied | Self::NotBegun | Self::Expired | Self::SessionOver => {
                "Sign in again. If it stays, let your browser keep this site's cookies."
            }
            Self::ProviderFailed | Self::ProviderSilent => {
                "Try again in a minute. If it stays, tell whoever runs the identity provider."
            }
            Self::Misconfigured | Self::Untrusted => {
                "Ask the operator of Tributary to run tributary doctor and to read the log."
            }
            Self::Clocks => "Ask the operator of Tributary to set the clock of its server by a time server.",
            Self::NoRole => {
                "Ask whoever runs the identity provider to put you into a group for Tributary, then sign in again."
            }
            Self::NoAddress | Self::Unverified => {
                "Ask whoever runs the identity provider to add and verify your e-mail address, then sign in again."
            }
            Self::AnotherPerson | Self::Disabled => "Ask an admin of Tributary.",
            Self::LastAdmin => {
                "Let another admin sign in first, or ask the operator of Tributary to add one; then sign in again."
            }
            Self::SomebodyElse => {
                "Try again, and choose the account at the identity provider that you logged in with."
            }
            Self::NotAsked => "Log out, sign in again, and do it within ten minutes.",
            Self::Internal => "Try again. If it stays, ask the operator of Tributary to read the log.",
        }
    }
}

/// Why somebody could not sign on, with what the log says of it. Neither holds a code, a token or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) problem: Problem,
    pub(crate) detail: String,
    /// Where they wanted to go, if that is known.
    pub(crate) next: Option<String>,
    /// They were only to be asked again who they are.
    pub(crate) again: bool,
}

/// As long as a sentence or two.
const DETAIL_MAX_CHARS: usize = 300;

impl Failure {
    /// What others wrote is cut, and its signs for control are taken out.
    pub(crate) fn new(problem: Problem, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        let plain = detail.chars().filter(|sign| !sign.is_control());
        Self {
            problem,
            detail: plain.take(DETAIL_MAX_CHARS).collect(),
            next: None,
            again: false,
        }
    }

    /// For whoever runs this, who is asked about what people are told.
    pub(crate) fn log(&self, what: &'static str) {
        tracing::warn!(problem = self.problem.code(), detail = self.detail, "{what}");
    }
}

impl From<NotPending> for Failure {
    fn from(not: NotPending) -> Self {
        let problem = match not {
            NotPending::Unknown => Problem::NotBegun,
            NotPending::Expired => Problem::Expired,
        };
        Self::new(problem, not)
    }
}

impl From<NotAnswered> for Failure {
    fn from(not: NotAnswered) -> Self {
        let problem = if not.heals_itself() {
            Problem::ProviderSilent
        } else {
            Problem::Misconfigured
        };
        match not.entry() {
            Some(entry) => Self::new(problem, format!("{not} (TRIBUTARY_ALLOW_HOSTS={entry} would)")),
            None => Self::new(problem, not),
        }
    }
}

impl From<SignOnError> for Failure {
    fn from(error: SignOnError) -> Self {
        let problem = match &error {
            SignOnError::Disabled => Problem::Disabled,
            SignOnError::Unverified => Problem::Unverified,
            SignOnError::AnotherPerson => Problem::AnotherPerson,
            SignOnError::LastAdmin => Problem::LastAdmin,
            SignOnError::Store(_) => Problem::Internal,
        };
        Self::new(problem, crate::error::with_sources(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_found_by_its_code_and_says_what_to_do() {
        for problem in Problem::ALL {
            assert_eq!(Problem::of_code(problem.code()), Some(problem));
            assert!(problem.message().ends_with('.') && problem.next_action().ends_with('.'));
        }
        let mut codes: Vec<&str> = Problem::ALL.map(Problem::code).into();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Problem::ALL.len());
        assert_eq!(Problem::of_code("<script>"), None);
    }

    #[test]
    fn what_the_log_says_has_one_line_and_an_end() {
        let failure = Failure::new(Problem::Denied, format!("a\r\nb{}", "x".repeat(1_000)));
        assert!(failure.detail.starts_with("abx"));
        assert_eq!(failure.detail.chars().count(), DETAIL_MAX_CHARS);
    }
}
