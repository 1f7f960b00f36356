use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{By, ImportMode, ImportOutcome, StoreError};

/// Who marked a member as left that no admin did, as it is told beside the names of admins.
pub const LEFT_BY_RULE: &str = "rules";

/// What is known of mail to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// In the form of [`normal_email`](crate::normal_email).
    pub email: String,
    /// When mail came back; `None` if it is delivered again.
    pub bounced_at: Option<DateTime<Utc>>,
}

/// What became of imported bounces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BouncesImported {
    pub rows: ImportOutcome,
    /// Addresses of persons who were erased, and stay out.
    pub kept_out: u64,
}

/// The signs by which rules tell that a member has left their company.
#[async_trait]
pub trait LeaverStore: Send + Sync {
    /// Writes bounces in one transaction, each address at most once: the first time that mail came back stands, and an address
    /// to which it is delivered again is forgotten. If anything changed, all members are due. Persons who were erased are left
    /// out.
    async fn import_bounces(
        &self,
        bounces: &[Bounce],
        mode: ImportMode,
        by: &By,
    ) -> Result<BouncesImported, StoreError>;

    /// When mail first came back, of those of the addresses from which it did.
    async fn bounces(&self, emails: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError>;

    /// Since when persons are inactive, of those who are, by external id.
    async fn inactive_since(&self, persons: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError>;
}
