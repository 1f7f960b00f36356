use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose turn it is after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    You,
    Provider,
    Us,
}

impl Owner {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::You => "you",
            Self::Provider => "provider",
            Self::Us => "us",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::You, Self::Provider, Self::Us]
            .into_iter()
            .find(|owner| owner.as_str() == name)
    }
}

/// Why a run failed. Each code has one owner, and says whether it heals by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseCode {
    /// The token endpoint or a request refused the credentials (401).
    CredentialsRefused,
    /// The credentials may not read what a sync needs (403 on a whole stream).
    PermissionMissing,
    /// The base URL names a host that does not exist.
    HostUnknown,
    /// The base URL leads to where the operator's filter lets no request pass.
    HostNotAllowed,
    /// The provider asked for fewer requests (429), longer than the retries last.
    Throttled,
    /// 5xx, connection refused or reset, time-out.
    ProviderUnavailable,
    /// HTML, cut or otherwise unreadable JSON, or a shape that is not the API's.
    AnswerMalformed,
    /// More records of one kind and day than the provider serves of any query (422).
    ListingTooLarge,
    /// A list brought fewer records than it announced, each time that it was read.
    StreamEndedEarly,
    /// A list lost records whenever it was read, so that others may have slipped past.
    ListingUnsteady,
    /// A list leaves out records that the provider still has, so nothing can be told to be deleted.
    DeletionSuspicious,
    /// More records cannot be stored as they are than can be a flaw of single ones.
    InvalidTooMany,
    /// The run went on for longer than any run needs.
    RunTooLong,
    /// The ledger does not add up.
    LedgerUnbalanced,
    /// The stored client secret cannot be opened with the installation's key.
    SecretUnreadable,
    /// The database refused or failed.
    StoreFailed,
    /// Anything else on our side.
    Internal,
}

impl CauseCode {
    pub const ALL: [Self; 17] = [
        Self::CredentialsRefused,
        Self::PermissionMissing,
        Self::HostUnknown,
        Self::HostNotAllowed,
        Self::Throttled,
        Self::ProviderUnavailable,
        Self::AnswerMalformed,
        Self::ListingTooLarge,
        Self::StreamEndedEarly,
        Self::ListingUnsteady,
        Self::DeletionSuspicious,
        Self::InvalidTooMany,
        Self::RunTooLong,
        Self::LedgerUnbalanced,
        Self::SecretUnreadable,
        Self::StoreFailed,
        Self::Internal,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CredentialsRefused => "credentials_refused",
            Self::PermissionMissing => "permission_missing",
            Self::HostUnknown => "host_unknown",
            Self::HostNotAllowed => "host_not_allowed",
            Self::Throttled => "throttled",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::AnswerMalformed => "answer_malformed",
            Self::ListingTooLarge => "listing_too_large",
            Self::StreamEndedEarly => "stream_ended_early",
            Self::ListingUnsteady => "listing_unsteady",
            Self::DeletionSuspicious => "deletion_suspicious",
            Self::InvalidTooMany => "invalid_too_many",
            Self::RunTooLong => "run_too_long",
            Self::LedgerUnbalanced => "ledger_unbalanced",
            Self::SecretUnreadable => "secret_unreadable",
            Self::StoreFailed => "store_failed",
            Self::Internal => "internal",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == code)
    }

    pub fn owner(self) -> Owner {
        match self {
            Self::CredentialsRefused
            | Self::PermissionMissing
            | Self::HostUnknown
            | Self::HostNotAllowed
            | Self::SecretUnreadable => Owner::You,
            Self::Throttled
            | Self::ProviderUnavailable
            | Self::AnswerMalformed
            | Self::ListingTooLarge
            | Self::StreamEndedEarly
            | Self::ListingUnsteady
            | Self::DeletionSuspicious => Owner::Provider,
            Self::InvalidTooMany
            | Self::RunTooLong
            | Self::LedgerUnbalanced
            | Self::StoreFailed
            | Self::Internal => Owner::Us,
        }
    }

    /// Whether the next scheduled run can be expected to pass without anyone doing anything.
    pub fn heals_itself(self) -> bool {
        matches!(
            self,
            Self::Throttled
                | Self::ProviderUnavailable
                | Self::AnswerMalformed
                | Self::StreamEndedEarly
                | Self::RunTooLong
                | Self::ListingUnsteady
        )
    }

    /// Whether the next run may go on from the last committed page. It may not where the pages themselves are in doubt.
    pub fn keeps_checkpoint(self) -> bool {
        !matches!(
            self,
            Self::DeletionSuspicious | Self::InvalidTooMany | Self::LedgerUnbalanced | Self::Internal
        )
    }

    /// What to do next. `tenant_id` makes commands ready to copy.
    pub fn next_action(self, tenant_id: &str) -> String {
        match self {
            Self::CredentialsRefused => {
                format!("Ask an operator to run: tributary connection rotate {tenant_id} --client-secret-file FILE")
            }
            Self::PermissionMissing => {
                "Give the API credentials the read scope in Control, then sync again.".to_owned()
            }
            Self::HostUnknown => format!(
                "Ask an operator to run: tributary connection rotate {tenant_id} --base-url URL --client-secret-file FILE"
            ),
            Self::HostNotAllowed => format!(
                "Ask an operator to correct the base URL (tributary connection rotate {tenant_id} --base-url URL --client-secret-file FILE), or to let the host pass with TRIBUTARY_ALLOW_HOSTS."
            ),
            Self::Throttled | Self::ProviderUnavailable | Self::StreamEndedEarly | Self::ListingUnsteady => {
                "Nothing to do for you. The next run tries again.".to_owned()
            }
            Self::AnswerMalformed => {
                "Nothing to do for you if this is the first time. If it stays, check that the base URL is the API's and not the community's.".to_owned()
            }
            Self::ListingTooLarge => {
                format!("Ask the provider to raise the number of topics that one query of {tenant_id} may list.")
            }
            Self::DeletionSuspicious => format!(
                "Read everything again: tributary sync {tenant_id} --full. If it stays, ask the provider why its lists leave out records that it has."
            ),
            Self::SecretUnreadable => {
                "Give the process the key file that sealed this secret (TRIBUTARY_SECRET_KEY_FILE), or rotate the secret."
                    .to_owned()
            }
            Self::RunTooLong => {
                "Nothing to do for you. The next run goes on from the last page that was kept. If it happens again, ask an operator to allow more requests (TRIBUTARY_REQUESTS_PER_MINUTE)."
                    .to_owned()
            }
            Self::InvalidTooMany => {
                "Look at the reasons in Summary and report this run's id to the maintainers: the provider may serve another format now."
                    .to_owned()
            }
            Self::LedgerUnbalanced | Self::Internal => {
                "Report this run's id to the maintainers. Stored data is kept as it was.".to_owned()
            }
            Self::StoreFailed => {
                "Check the database: disk space, permissions, reachability. Then sync again.".to_owned()
            }
        }
    }
}

impl fmt::Display for CauseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a run failed, whose turn it is and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    pub code: CauseCode,
    pub owner: Owner,
    /// In the provider's terms, with the status code in brackets where there is one.
    pub message: String,
    pub next_action: String,
    pub heals_itself: bool,
}

impl Cause {
    pub fn new(code: CauseCode, tenant_id: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            owner: code.owner(),
            message: message.into(),
            next_action: code.next_action(tenant_id),
            heals_itself: code.heals_itself(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_and_names_a_next_action() {
        for code in CauseCode::ALL {
            assert_eq!(CauseCode::parse(code.as_str()), Some(code));
            assert!(!code.next_action("customer-en").is_empty());
        }
    }

    #[test]
    fn each_class_has_its_owner_and_says_whether_it_heals() {
        use CauseCode as C;
        let table = [
            (C::CredentialsRefused, Owner::You, false),
            (C::PermissionMissing, Owner::You, false),
            (C::HostUnknown, Owner::You, false),
            (C::HostNotAllowed, Owner::You, false),
            (C::SecretUnreadable, Owner::You, false),
            (C::Throttled, Owner::Provider, true),
            (C::ProviderUnavailable, Owner::Provider, true),
            (C::AnswerMalformed, Owner::Provider, true),
            (C::StreamEndedEarly, Owner::Provider, true),
            (C::ListingUnsteady, Owner::Provider, true),
            (C::ListingTooLarge, Owner::Provider, false),
            (C::DeletionSuspicious, Owner::Provider, false),
            (C::RunTooLong, Owner::Us, true),
            (C::InvalidTooMany, Owner::Us, false),
            (C::LedgerUnbalanced, Owner::Us, false),
            (C::StoreFailed, Owner::Us, false),
            (C::Internal, Owner::Us, false),
        ];
        assert_eq!(table.len(), CauseCode::ALL.len());
        for (code, owner, heals) in table {
            assert_eq!((code.owner(), code.heals_itself()), (owner, heals), "{code}");
        }
    }

    #[test]
    fn what_heals_itself_is_never_your_turn() {
        for code in CauseCode::ALL.into_iter().filter(|code| code.heals_itself()) {
            assert_ne!(code.owner(), Owner::You, "{code}");
        }
    }
}
