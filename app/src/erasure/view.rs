//! What the pages of erasing show.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Receipts that are listed.
pub const RECEIPTS_LISTED: u32 = 20;

/// Receipts of those who were erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasuresView {
    pub as_of: DateTime<Utc>,
    /// The latest, latest first.
    pub receipts: Vec<ReceiptView>,
}

/// What is stored with an address, before it is erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// As addresses are compared.
    pub email: String,
    /// Members with the address, by tenant id; tenants without one are left out.
    pub members: Vec<(String, u64)>,
    /// Topics and replies of theirs, which would stay without their author.
    pub content: u64,
    /// Activity of theirs, which would stay without them.
    pub activity: u64,
    /// People of the customer-success data.
    pub persons: u64,
}

/// How much of a person was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedView {
    /// Members, whose rows are gone.
    pub users: u64,
    /// Topics and replies, which stay without their author.
    pub content: u64,
    /// Activity, which stays without its member.
    pub activity: u64,
    /// Invalid records, which stay with their reason alone.
    pub invalid_records: u64,
    /// Texts of others that held the address.
    pub mentions: u64,
}

/// What was erased. It does not name the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptView {
    pub id: String,
    pub erased_at: DateTime<Utc>,
    /// People of the customer-success data.
    pub persons: u64,
    /// By tenant id; tenants that held nothing are left out.
    pub tenants: Vec<(String, ErasedView)>,
}

impl ReceiptView {
    pub fn total(&self) -> ErasedView {
        let mut total = ErasedView::default();
        for (_, of) in &self.tenants {
            total.users += of.users;
            total.content += of.content;
            total.activity += of.activity;
            total.invalid_records += of.invalid_records;
            total.mentions += of.mentions;
        }
        total
    }
}

/// What became of the bytes that rows leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leftovers {
    /// The database's files hold the address no more.
    None,
    /// They may hold it in free places for now.
    Pending,
    /// The engine gives free places away by itself, and not at once.
    LeftToTheEngine,
}

impl Leftovers {
    const ALL: [Self; 3] = [Self::None, Self::Pending, Self::LeftToTheEngine];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::LeftToTheEngine => "left-to-the-engine",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}
