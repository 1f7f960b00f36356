//! What is asked around an erasure: what is stored with an address before, and the receipts afterwards.

use async_trait::async_trait;
use domain::TenantId;
use uuid::Uuid;

use crate::{Receipt, StoreError};

/// What is stored with an address. Records that were set aside and texts of others are not looked through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredPerson {
    /// Members with the address, by tenant id; tenants without one are left out.
    pub members: Vec<(TenantId, u64)>,
    /// Topics and replies of these members, which would stay without their author.
    pub content: u64,
    /// Activity of these members, which would stay without them.
    pub activity: u64,
    /// Of the customer-success database.
    pub persons: u64,
}

#[async_trait]
pub trait ReceiptStore: Send + Sync {
    /// `email` is as [`crate::normal_email`] has it. Reads every member once, and counts rows of those with the address.
    async fn stored_person(&self, email: &str) -> Result<StoredPerson, StoreError>;

    /// The receipt of an erasure.
    async fn receipt(&self, id: Uuid) -> Result<Option<Receipt>, StoreError>;

    /// The latest receipts, latest first.
    async fn receipts(&self, limit: u32) -> Result<Vec<Receipt>, StoreError>;
}
