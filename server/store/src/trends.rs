use async_trait::async_trait;
use domain::ConnectionId;

use crate::StoreError;

/// Community Trend: posts and activity that stand, by day (UTC), company, kind and subtype. Deleted and trashed rows are left
/// out. What a member did counts for the company that they are tied to now, up to the time at which they left it.
///
/// Every write of a row that trends count marks its day as due, in the transaction of the write; so does every write of what a
/// member is tied to, with the days of what they wrote and did.
#[async_trait]
pub trait TrendStore: Send + Sync {
    /// Rebuilds the trends of the days that changed since they were last rebuilt, and says how many those were.
    async fn rebuild_due_trends(&self, connection: ConnectionId) -> Result<u64, StoreError>;

    /// Connections with days to be rebuilt and no run under way, which does so at its end.
    async fn trends_due(&self) -> Result<Vec<ConnectionId>, StoreError>;

    /// Rebuilds all trends from nothing. What is left if it ends half-way is due.
    async fn rebuild_all_trends(&self, connection: ConnectionId) -> Result<u64, StoreError>;
}
