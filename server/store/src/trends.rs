use async_trait::async_trait;
use domain::ConnectionId;

use crate::StoreError;

/// Community Trend: posts and activity that stand, by day (UTC), kind and subtype. Deleted and trashed rows are left out.
///
/// Every write of a row that trends count marks its day as due, in the transaction of the write.
#[async_trait]
pub trait TrendStore: Send + Sync {
    /// Rebuilds the trends of the days that changed since they were last rebuilt, and says how many those were.
    async fn rebuild_due_trends(&self, connection: ConnectionId) -> Result<u64, StoreError>;

    /// Rebuilds all trends from nothing. What is left if it ends half-way is due.
    async fn rebuild_all_trends(&self, connection: ConnectionId) -> Result<u64, StoreError>;
}
