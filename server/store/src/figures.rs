use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Ledger, RunState, Stream, TenantId};

use crate::StoreError;

/// What monitoring asks of the database: of all processes together, and the same whichever of them is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Runs that were queued since the time that was asked for, by state.
    pub runs: Vec<(RunState, u64)>,
    /// Their ledgers, added up by stream.
    pub streams: Vec<(Stream, Ledger)>,
    /// Their requests to providers.
    pub requests: u64,
    /// Of all runs that wait, the first to be queued.
    pub oldest_queued_at: Option<DateTime<Utc>>,
    /// Of each run under way, when its lease runs out.
    pub leases: Vec<(TenantId, DateTime<Utc>)>,
}

/// Connections of this process to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    pub name: &'static str,
    pub open: u32,
    pub idle: u32,
}

#[async_trait]
pub trait FiguresStore: Send + Sync {
    async fn figures(&self, since: DateTime<Utc>) -> Result<Figures, StoreError>;

    fn pools(&self) -> Vec<PoolUse>;
}
