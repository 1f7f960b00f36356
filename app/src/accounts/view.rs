//! What the pages of accounts and sessions show.

use chrono::{DateTime, Utc};
use domain::{AccountId, Role, SessionId};
use serde::{Deserialize, Serialize};

use crate::answer::Secret;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountsView {
    pub as_of: DateTime<Utc>,
    /// By address.
    pub rows: Vec<AccountRow>,
    /// Sessions of all accounts that are good now.
    pub sessions: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    pub id: AccountId,
    pub email: String,
    pub role: Role,
    pub state: AccountState,
    /// Added, or disabled if it is.
    pub since: DateTime<Utc>,
    /// Whoever looks.
    pub you: bool,
    /// No other account is an active admin: it stays one, or nobody could change anything.
    pub last_admin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountState {
    Active,
    /// Its one-time link has not been used.
    NoPassword,
    Disabled,
}

/// A one-time link for whoever has the account. It is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    pub as_of: DateTime<Utc>,
    pub email: String,
    pub role: Role,
    pub url: Secret,
    pub expires_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsView {
    pub as_of: DateTime<Utc>,
    /// Those that are good now, latest first.
    pub rows: Vec<SessionRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    pub id: SessionId,
    /// Of the account.
    pub email: String,
    /// As it called itself.
    pub browser: String,
    /// From which it logged in.
    pub address: String,
    pub began_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// If nothing more is asked for.
    pub ends_at: DateTime<Utc>,
    /// The one that asks.
    pub this: bool,
}
