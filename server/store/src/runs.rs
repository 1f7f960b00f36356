use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Cause, ConnectionId, Extent, Run, RunId, RunState, Stage, Stream, Trigger,
    record::{InvalidReason, InvalidRecord},
};

use crate::{Fenced, StoreError};

#[derive(Clone, Debug)]
pub struct NewRun {
    pub id: RunId,
    pub connection_id: ConnectionId,
    pub trigger: Trigger,
    pub extent: Extent,
    pub queued_at: DateTime<Utc>,
}

/// What became of the wish to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    Queued,
    /// One run per connection at a time: this one is queued or running already.
    UnderWay(RunId),
    Deactivated,
}

/// A worker asks for a run.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Who asks; shown to operators.
    pub worker: String,
    pub now: DateTime<Utc>,
    pub lease_ttl: Duration,
    /// Only this run, for a sync in the foreground.
    pub only: Option<RunId>,
}

/// The right to write for a run. The fencing token grows with every claim; a write with an older one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub run_id: RunId,
    pub fencing_token: i64,
}

#[derive(Clone, Debug)]
pub struct ClaimedRun {
    pub lease: Lease,
    pub run: Run,
    /// What the last committed page left, in the engine's own form; `None` before the first page.
    pub checkpoint: Option<String>,
    /// The watermarks that the connection had when an incremental run was queued: they stay the same however often the
    /// run is taken up. A full run has none.
    pub watermarks: BTreeMap<Stream, DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    Held,
    /// Held, but the run is to stop at its next page boundary (cancelled, or its connection deactivated).
    StopRequested,
    Lost,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Finish {
    pub state: RunState,
    pub cause: Option<Cause>,
    pub at: DateTime<Utc>,
    /// Requests since the last committed page.
    pub requests: u64,
}

#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    pub connection: Option<ConnectionId>,
    /// Skip this many, newest first.
    pub offset: u64,
    pub limit: u32,
}

#[derive(Clone, Debug)]
pub struct RunPage {
    /// Newest first.
    pub runs: Vec<Run>,
    /// Of all runs that the query matches.
    pub total: u64,
}

/// A run's invalid records of one reason and stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidGroup {
    pub stream: Stream,
    pub reason: InvalidReason,
    pub count: u64,
    /// How many of them were found stored since.
    pub repaired: u64,
    pub sample: InvalidRecord,
}

#[derive(Clone, Debug)]
pub struct InvalidPage {
    pub records: Vec<InvalidRecord>,
    pub total: u64,
}

#[async_trait]
pub trait RunStore: Send + Sync {
    /// Queues a run, unless one of the connection is queued or running, or the connection is deactivated. An incremental
    /// one keeps the connection's watermarks as they are now.
    ///
    /// If the connection's latest run failed after its first page and [`domain::FailedRun::is_gone_on_with`] holds, the
    /// new run names it and goes on from its checkpoint, in its mode: the streams that it read to their end count as
    /// read, with nothing found in them, and what it saw of the others is what [`PageStore::seen`] gives.
    ///
    /// [`PageStore::seen`]: crate::PageStore::seen
    async fn enqueue(&self, new: &NewRun) -> Result<Enqueued, StoreError>;

    /// When the connection's latest run was queued; `None` if it never ran.
    async fn last_queued_at(&self, connection: ConnectionId) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// How many incremental runs have succeeded since the last full one; `None` until a full one has.
    async fn successes_since_full(&self, connection: ConnectionId) -> Result<Option<u32>, StoreError>;

    /// Takes up, in one statement, the longest-waiting run that is queued, or running under a lease that has run out;
    /// never one of a deactivated connection. The first claim sets `started_at`; each one adds an attempt.
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<ClaimedRun>, StoreError>;

    async fn renew_lease(
        &self,
        lease: &Lease,
        now: DateTime<Utc>,
        lease_ttl: Duration,
    ) -> Result<LeaseState, StoreError>;

    /// When the lease of a running run runs out; `None` if it is not running.
    async fn lease_expires_at(&self, run: RunId) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Shows the stage under way; a stream's stage also starts its clock.
    async fn enter_stage(&self, lease: &Lease, stage: Stage, at: DateTime<Utc>) -> Result<(), Fenced>;

    /// Ends the run and frees its connection. A success is refused with [`StoreError::LedgerUnbalanced`] unless every
    /// stream balances, equals the sum of its pages, and was read to its end. A success moves the connection's
    /// watermarks to the greatest activity times that the run has seen, though never beyond its own start: a record that
    /// bears a time to come would hide all that happens until then. Incremental ones never move them back.
    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<Run, Fenced>;

    /// Gives a run back to the queue, at the head of which it goes on from its checkpoint (shut-down).
    async fn release(&self, lease: &Lease, requests: u64) -> Result<(), Fenced>;

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError>;

    async fn runs(&self, query: &RunQuery) -> Result<RunPage, StoreError>;

    /// A run's invalid records by reason and stream, largest first.
    async fn invalid_groups(&self, run: RunId) -> Result<Vec<InvalidGroup>, StoreError>;

    /// A run's invalid records in the order in which they were set aside; of one stream and reason if given.
    async fn invalid_records(
        &self,
        run: RunId,
        group: Option<(Stream, InvalidReason)>,
        offset: u64,
        limit: u32,
    ) -> Result<InvalidPage, StoreError>;
}
