//! What the Summary of a run shows.

use chrono::{DateTime, Utc};
use domain::{
    Run, RunId, Stream,
    record::{InvalidReason, InvalidRecord},
};
use serde::{Deserialize, Serialize};

use crate::{activity::view::ConnectionName, connections::view::CurrentRun};

/// Records of a page of a run's invalid records.
pub const INVALID_PAGE_ROWS: u32 = 50;

/// Runs asked for at once: so many cards have room on no screen.
pub const LIVE_RUNS_MAX: usize = 50;

/// Runs under way, as they are now. Those that are not known are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveView {
    pub as_of: DateTime<Utc>,
    pub runs: Vec<CurrentRun>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryView {
    pub as_of: DateTime<Utc>,
    pub connection: ConnectionName,
    /// The whole ledger, stage, cause and times.
    pub run: Run,
    /// Largest first.
    pub invalid: Vec<InvalidGroupView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvalidGroupView {
    pub stream: Stream,
    pub reason: InvalidReason,
    pub count: u64,
    /// How many of them were found stored since.
    pub repaired: u64,
    /// Such as `user 912: joindate "0000-00-00" is not a time`.
    pub sample_name: String,
    pub sample_message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidRecordsQuery {
    pub run: RunId,
    pub stream: Stream,
    pub reason: InvalidReason,
    /// From 1.
    pub page: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvalidRecordsView {
    pub query: InvalidRecordsQuery,
    pub records: Vec<InvalidRecord>,
    pub total: u64,
}
