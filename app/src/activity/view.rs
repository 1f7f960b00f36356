//! What the Activity Logs tab shows.

use chrono::{DateTime, Utc};
use domain::{Cause, ConnectionId, Mode, Progress, RunId, RunState, Stage, Trigger};
use serde::{Deserialize, Serialize};

/// Rows of a page of the log.
pub const LOG_PAGE_ROWS: u32 = 25;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityLogQuery {
    /// All connections if `None`.
    pub connection: Option<ConnectionId>,
    /// From 1.
    pub page: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityLogView {
    /// When the rows were listed; they stay as listed until Refresh.
    pub listed_at: DateTime<Utc>,
    /// The connection that the log is narrowed to.
    pub connection: Option<ConnectionName>,
    /// All of them, for the choice of one.
    pub connections: Vec<ConnectionName>,
    /// Newest first.
    pub rows: Vec<LogRow>,
    pub page: u32,
    pub total: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionName {
    pub id: ConnectionId,
    pub tenant_id: String,
    pub name: String,
    pub language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    pub run: RunId,
    pub connection: ConnectionName,
    pub trigger: Trigger,
    pub mode: Mode,
    pub state: RunState,
    pub stage: Option<Stage>,
    pub cause: Option<Cause>,
    pub queued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub found: u64,
    pub valid: u64,
    pub invalid: u64,
    /// New and updated: 0 in a complete run means that nothing changed.
    pub changed: u64,
    /// What a cancelled run leaves, as a sentence.
    pub kept: Option<String>,
    pub progress: Progress,
}
