//! What the page of the audit trail shows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::place::AuditPlace;

/// Entries of a page.
pub const AUDIT_PAGE_ROWS: u32 = 50;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    pub as_of: DateTime<Utc>,
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// Number of the last entry; 0 if there is none.
    pub last: u64,
    /// How many entries are like those that were asked for; `None` if all were.
    pub found: Option<u64>,
    /// Where newer ones are, if there are any.
    pub newer: Option<AuditPlace>,
    /// Kinds of deeds that can be chosen, as the trail keeps them.
    pub deeds: Vec<String>,
    /// Whoever can be chosen, each by what an address calls them.
    pub people: Vec<(String, AuditActor)>,
    pub chain: ChainView,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    pub number: u64,
    pub at: DateTime<Utc>,
    pub actor: AuditActor,
    /// The network address, or the user of the machine that ran a command.
    pub origin: Option<String>,
    /// As the trail keeps it, such as `account_added`.
    pub deed: String,
    /// What it was done to, by the name that it has today, or its id if it is gone.
    pub target: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditActor {
    /// By address, if the account is there still.
    Account(Option<String>),
    /// By name, if the token is kept still.
    Token(Option<String>),
    Operator,
    /// Someone who had not logged in.
    Nobody,
}

/// Whether every entry is there and is what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChainView {
    Holds {
        /// The last entry that was read; 0 if there is none.
        through: u64,
        /// Entries up to this number went when they were old enough; 0 if none did.
        cut: u64,
        /// All that are kept were read just now, and not only those that are new.
        anew: bool,
    },
    /// Why it does not hold.
    Broken(String),
}
