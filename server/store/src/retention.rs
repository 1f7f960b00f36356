use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ConnectionId;

use crate::StoreError;

/// Forgets what is older than the operator keeps. Each call is one transaction of a bounded size, and says how many rows
/// went: fewer than the limit, and nothing is left to forget.
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// Activity of the connection from before the given time. The count of what is stored follows, and the days are due
    /// in the trends.
    async fn forget_activity(
        &self,
        connection: ConnectionId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError>;

    /// The same of all connections at once, where the engine can do without looking at each row: whole months that lie
    /// before the given time. How many rows those had.
    async fn forget_months_of_activity(&self, before: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Records that runs of the connection set aside which were queued before the given time. The runs' ledgers stay.
    async fn forget_invalid_records(
        &self,
        connection: ConnectionId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError>;

    /// Empties the payloads of records that runs set aside which ended before the given time. Their reasons stay.
    async fn expire_payloads(&self, ended_before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}
