use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{ConnectionId, RunId, Stream, record::Record};

use crate::{Fenced, Lease, PageOutcome, StoreError};

/// Rows that the provider has no more.
#[derive(Clone, Debug)]
pub struct Deletion {
    pub connection_id: ConnectionId,
    pub stream: Stream,
    pub keys: Vec<String>,
    /// Requests since the last commit.
    pub requests: u64,
    /// Where to go on, in the engine's own form.
    pub checkpoint: String,
    pub at: DateTime<Utc>,
}

#[async_trait]
pub trait DeletionStore: Send + Sync {
    /// How many rows of a stream are stored, deleted ones left out. Members who are kept out after an erasure count as
    /// stored: the provider may still serve them.
    async fn stored_count(&self, connection: ConnectionId, stream: Stream) -> Result<u64, StoreError>;

    /// The keys of the rows that a full pass must have met, in their order, after the given one: all that are stored and
    /// not deleted; of replies those of topics whose replies were read in this pass.
    async fn keys_of_pass(
        &self,
        run: RunId,
        stream: Stream,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;

    /// One record, unless it is deleted.
    async fn record(
        &self,
        connection: ConnectionId,
        stream: Stream,
        key: &str,
    ) -> Result<Option<Record>, StoreError>;

    /// Marks rows as deleted, the replies of a topic with it, in one transaction that carries the lease's fencing token:
    /// counted in the ledger's `deleted` and taken out of the rows stored. A row that is served again comes back.
    async fn mark_deleted(&self, lease: &Lease, deletion: &Deletion) -> Result<PageOutcome, Fenced>;
}
