use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Connection, Run, RunId, RunState};

use crate::StoreError;

/// Rows stored for a connection, deleted ones left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectCounts {
    pub users: u64,
    pub topics: u64,
    pub replies: u64,
    pub categories: u64,
    pub idea_statuses: u64,
    pub activity: u64,
}

/// A run as one slot of a card's strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunMark {
    pub id: RunId,
    pub state: RunState,
    /// When it was queued, which is the day it belongs to.
    pub queued_at: DateTime<Utc>,
    pub found: u64,
    pub invalid: u64,
}

/// What a connection's card shows.
#[derive(Clone, Debug)]
pub struct ConnectionOverview {
    pub connection: Connection,
    pub counts: ObjectCounts,
    /// The run that is queued or running.
    pub current: Option<Run>,
    /// The latest run that is over, cancelled ones left out.
    pub last: Option<Run>,
    pub last_success: Option<Run>,
    /// Failed runs since the last success.
    pub failures_in_a_row: u32,
    /// Runs queued since the given time, oldest first.
    pub recent: Vec<RunMark>,
}

#[async_trait]
pub trait OverviewStore: Send + Sync {
    /// All connections by tenant id, each with its runs since the given time.
    async fn overview(&self, since: DateTime<Utc>) -> Result<Vec<ConnectionOverview>, StoreError>;

    /// Differs from an earlier answer if anything was committed in between, by any process.
    async fn change_marker(&self) -> Result<i64, StoreError>;

    /// Answers if the database can be read.
    async fn ping(&self) -> Result<(), StoreError>;
}
