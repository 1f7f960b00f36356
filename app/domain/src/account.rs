use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::AccountId;

/// What someone may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Watches connections and syncs, and changes them.
    Admin,
    /// Reads what customers do.
    Csm,
}

impl Role {
    pub const ALL: [Self; 2] = [Self::Admin, Self::Csm];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Csm => "csm",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who may use a page, a server function or any other route. A route that says nothing is for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever reaches the console, without an account too.
    Public,
    /// Everyone with an account.
    LoggedIn,
    Admin,
}

impl Audience {
    /// `None` is someone who has not logged in.
    pub fn admits(self, role: Option<Role>) -> bool {
        match self {
            Self::Public => true,
            Self::LoggedIn => role.is_some(),
            Self::Admin => role == Some(Role::Admin),
        }
    }
}

/// Someone who logs in. The password is no part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    /// Trimmed and in lower case.
    pub email: String,
    pub role: Role,
    /// Has set a password, so that a log-in can succeed.
    pub set_up: bool,
    /// Has signed on at the identity provider, which says their role from then on.
    pub signs_on: bool,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_admits_its_roles_and_no_others() {
        let whom = [None, Some(Role::Csm), Some(Role::Admin)];
        let admitted = |audience: Audience| whom.map(|role| audience.admits(role));
        assert_eq!(admitted(Audience::Public), [true, true, true]);
        assert_eq!(admitted(Audience::LoggedIn), [false, true, true]);
        assert_eq!(admitted(Audience::Admin), [false, false, true]);
    }

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Admin"), None);
    }
}
