use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccountId, TokenId};

/// What a program may do that shows a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To read what is stored.
    Read,
    /// To start and stop syncs.
    Sync,
}

impl Scope {
    pub const ALL: [Self; 2] = [Self::Read, Self::Sync];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Sync => "sync",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a program shows to be let in. The token's text is no part of it: nobody has it but the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    pub id: TokenId,
    /// What the operator calls it.
    pub name: String,
    /// In the order of [`Scope::ALL`].
    pub scopes: Vec<Scope>,
    /// Whose work it is; none if an operator made it with a command.
    pub made_by: Option<AccountId>,
    /// Whoever made it is disabled or no admin any more: it is good for nothing as long as that is so.
    pub suspended: bool,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Whether a token is good for anything, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    Active,
    Expired,
    Revoked,
    Suspended,
}

impl TokenState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
        }
    }
}

impl ApiToken {
    pub fn state(&self, now: DateTime<Utc>) -> TokenState {
        if self.revoked_at.is_some() {
            TokenState::Revoked
        } else if self.expires_at <= now {
            TokenState::Expired
        } else if self.suspended {
            TokenState::Suspended
        } else {
            TokenState::Active
        }
    }

    /// Whether it lets a program do that, as far as it is good for anything.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    fn token() -> ApiToken {
        ApiToken {
            id: TokenId(Uuid::nil()),
            name: "nightly".into(),
            scopes: vec![Scope::Read],
            made_by: None,
            suspended: false,
            created_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH + TimeDelta::days(1),
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_or_is_taken_back() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(23);
        assert_eq!(token().state(now), TokenState::Active);
        assert_eq!(token().state(token().expires_at), TokenState::Expired);
        let suspended = ApiToken {
            suspended: true,
            ..token()
        };
        assert_eq!(suspended.state(now), TokenState::Suspended);
        let revoked = ApiToken {
            revoked_at: Some(now),
            ..suspended
        };
        assert_eq!(revoked.state(token().expires_at), TokenState::Revoked);
    }

    #[test]
    fn one_scope_does_not_bring_another() {
        assert!(token().has(Scope::Read));
        assert!(!token().has(Scope::Sync));
    }

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("write"), None);
    }
}
