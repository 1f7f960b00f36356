use async_trait::async_trait;
use domain::{ConnectionId, record::Activity};

use crate::{By, ContentHash, StoreError};

/// What an operator's file says that a member did.
#[derive(Clone, Debug)]
pub struct ImportedActivity {
    pub activity: Activity,
    pub hash: ContentHash,
}

/// How the store accounted for imported rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOutcome {
    pub new: u64,
    pub updated: u64,
    pub unchanged: u64,
}

#[async_trait]
pub trait ActivityStore: Send + Sync {
    /// Writes imported activity in one transaction, by event id, each at most once. From then on the connection's
    /// source of activity is the import, unless its API is one; a run that finds none in the API leaves it so.
    async fn import_activity(
        &self,
        connection: ConnectionId,
        rows: &[ImportedActivity],
        by: &By,
    ) -> Result<ImportOutcome, StoreError>;
}
