//! What the Connections tab shows.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    ActivitySource, Cause, ConnectionId, Health, Ledger, Progress, RunId, RunState, Stage, SyncTime,
};
use serde::{Deserialize, Serialize};

/// Days in a card's run strip, today included.
pub const STRIP_DAYS: usize = 14;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionsView {
    pub as_of: DateTime<Utc>,
    /// Worst first, then by name.
    pub cards: Vec<ConnectionCard>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionCard {
    pub id: ConnectionId,
    pub tenant_id: String,
    pub name: String,
    /// Two letters, lower case, if the tenant id tells.
    pub language: Option<String>,
    pub region: Option<String>,
    pub health: Health,
    pub deactivated_at: Option<DateTime<Utc>>,
    pub failures_in_a_row: u32,
    /// Of the last run, if it failed.
    pub cause: Option<Cause>,
    /// The run that is queued or running.
    pub current: Option<CurrentRun>,
    pub last: Option<LastRun>,
    pub last_success_at: Option<DateTime<Utc>>,
    /// The stream of the last success with the largest share of invalid records, with its ledger.
    pub most_invalid: Option<MostInvalid>,
    pub sync_time: SyncTime,
    /// `None` while deactivated.
    pub next_sync_at: Option<DateTime<Utc>>,
    pub counts: CardCounts,
    /// `STRIP_DAYS` slots, oldest first.
    pub strip: Vec<StripSlot>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurrentRun {
    pub id: RunId,
    pub state: RunState,
    pub stage: Option<Stage>,
    pub queued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub total: Ledger,
    pub requests: u64,
    pub progress: Progress,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    pub id: RunId,
    pub state: RunState,
    pub stage: Option<Stage>,
    pub finished_at: Option<DateTime<Utc>>,
    pub valid: u64,
    pub invalid: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MostInvalid {
    pub run: RunId,
    pub stream: domain::Stream,
    pub invalid: u64,
    pub found: u64,
}

/// Rows stored. `activity` is `None` where the tenant has no view source: unknown is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CardCounts {
    pub users: u64,
    pub topics: u64,
    pub replies: u64,
    pub categories: u64,
    pub idea_statuses: u64,
    pub activity: Option<u64>,
    pub activity_source: Option<ActivitySource>,
}

/// One day of the strip: the running run, else the last that was not cancelled.
///
/// Slots are most of what a page of cards hands to the browser, so they cross without the names of their fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    from = "(NaiveDate, Option<StripRun>)",
    into = "(NaiveDate, Option<StripRun>)"
)]
pub struct StripSlot {
    pub day: NaiveDate,
    pub run: Option<StripRun>,
}

impl From<(NaiveDate, Option<StripRun>)> for StripSlot {
    fn from((day, run): (NaiveDate, Option<StripRun>)) -> Self {
        Self { day, run }
    }
}

impl From<StripSlot> for (NaiveDate, Option<StripRun>) {
    fn from(slot: StripSlot) -> Self {
        (slot.day, slot.run)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(RunId, RunState, u64, u64)", into = "(RunId, RunState, u64, u64)")]
pub struct StripRun {
    pub id: RunId,
    pub state: RunState,
    pub found: u64,
    pub invalid: u64,
}

impl From<(RunId, RunState, u64, u64)> for StripRun {
    fn from((id, state, found, invalid): (RunId, RunState, u64, u64)) -> Self {
        Self {
            id,
            state,
            found,
            invalid,
        }
    }
}

impl From<StripRun> for (RunId, RunState, u64, u64) {
    fn from(run: StripRun) -> Self {
        (run.id, run.state, run.found, run.invalid)
    }
}
