use std::time::Duration;

use domain::CauseCode;

use crate::Failure;

/// A provider that asks for a longer wait is not waited for: the run would hold its worker, and the next run comes
/// anyway.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(15);

/// How often and after which waits a request is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The waits between attempts; one attempt more than waits, then the run fails.
    pub backoff: Vec<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    RetryAfter(Duration),
    GiveUp,
}

impl RetryPolicy {
    /// `failures_in_a_row` counts the attempts that failed before this one without any progress in between.
    pub(crate) fn judge(&self, failure: &Failure, failures_in_a_row: usize, connected: bool) -> Verdict {
        if !may_pass_later(failure.code, connected) {
            return Verdict::GiveUp;
        }
        let Some(wait) = self.backoff.get(failures_in_a_row) else {
            return Verdict::GiveUp;
        };
        match failure.retry_after {
            Some(asked) if asked > RETRY_AFTER_MAX => Verdict::GiveUp,
            Some(asked) => Verdict::RetryAfter(asked),
            None => Verdict::RetryAfter(*wait),
        }
    }
}

fn may_pass_later(code: CauseCode, connected: bool) -> bool {
    match code {
        CauseCode::Throttled | CauseCode::ProviderUnavailable | CauseCode::AnswerMalformed => true,
        // A host that answered a minute ago exists; one that never did is a wrong base URL.
        CauseCode::HostUnknown => connected,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: CauseCode, retry_after_s: Option<u64>) -> Failure {
        Failure {
            code,
            message: String::new(),
            retry_after: retry_after_s.map(Duration::from_secs),
        }
    }

    fn policy() -> RetryPolicy {
        RetryPolicy {
            backoff: [10, 30, 90, 270].map(Duration::from_secs).to_vec(),
        }
    }

    #[test]
    fn the_fifth_attempt_in_a_row_is_the_last() {
        let unavailable = failure(CauseCode::ProviderUnavailable, None);
        let waits: Vec<_> = (0..5)
            .map(|failed| policy().judge(&unavailable, failed, true))
            .collect();
        let retry = |s| Verdict::RetryAfter(Duration::from_secs(s));
        assert_eq!(
            waits,
            [retry(10), retry(30), retry(90), retry(270), Verdict::GiveUp]
        );
    }

    #[test]
    fn the_providers_own_wait_is_honoured_up_to_a_bound() {
        let judge = |s| policy().judge(&failure(CauseCode::Throttled, Some(s)), 0, true);
        assert_eq!(judge(42), Verdict::RetryAfter(Duration::from_secs(42)));
        assert_eq!(judge(24 * 3600), Verdict::GiveUp);
    }

    /// What the provider may get over is tried again; what a person or we must mend is not.
    #[test]
    fn each_class_is_tried_again_or_not() {
        for code in CauseCode::ALL {
            let tried_again = match code {
                CauseCode::Throttled
                | CauseCode::ProviderUnavailable
                | CauseCode::AnswerMalformed
                | CauseCode::HostUnknown => true,
                CauseCode::CredentialsRefused
                | CauseCode::PermissionMissing
                | CauseCode::HostNotAllowed
                | CauseCode::ListingTooLarge
                | CauseCode::ListingUnsteady
                | CauseCode::StreamEndedEarly
                | CauseCode::DeletionSuspicious
                | CauseCode::InvalidTooMany
                | CauseCode::RunTooLong
                | CauseCode::LedgerUnbalanced
                | CauseCode::SecretUnreadable
                | CauseCode::StoreFailed
                | CauseCode::Internal => false,
            };
            let verdict = policy().judge(&failure(code, None), 0, true);
            assert_eq!(matches!(verdict, Verdict::RetryAfter(_)), tried_again, "{code}");
        }
    }

    #[test]
    fn an_unknown_host_is_tried_again_only_if_it_was_known() {
        let unknown = failure(CauseCode::HostUnknown, None);
        assert_eq!(policy().judge(&unknown, 0, false), Verdict::GiveUp);
        assert!(matches!(
            policy().judge(&unknown, 0, true),
            Verdict::RetryAfter(_)
        ));
    }
}
