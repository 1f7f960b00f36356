use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Cause, ConnectionId, Extent, Run, RunId, RunState, Stage, StoppedBy, Stream, TenantId, Trigger,
    record::{InvalidReason, InvalidRecord},
};

use crate::{By, Fenced, StoreError};

/// A run that gave its place away comes, after so long a wait, before those that have had no turn yet: they may go on
/// arriving for hours.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// How far the clocks of two machines, or of one before and after a correction, may differ. A lease that reaches further
/// into the future was given by a clock that was wrong, and counts as run out.
pub const CLOCK_SKEW_MAX: TimeDelta = TimeDelta::minutes(1);

/// The longest wait for the provider that a run is left in. One that reaches further was noted by a clock that was wrong.
pub const PROVIDER_WAIT_MAX: TimeDelta = TimeDelta::minutes(15);

#[derive(Clone, Debug)]
pub struct NewRun {
    pub id: RunId,
    pub connection_id: ConnectionId,
    pub trigger: Trigger,
    pub extent: Extent,
    pub queued_at: DateTime<Utc>,
}

/// A connection that is not deactivated, and when its latest run was queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastQueued {
    pub connection_id: ConnectionId,
    pub tenant_id: TenantId,
    /// `None` if it never ran.
    pub at: Option<DateTime<Utc>>,
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
    /// Attempts that had failed in a row when the run gave its place away; 0 for any other.
    pub failures_in_a_row: u32,
    pub pace: KeptPace,
}

/// What is remembered of a connection's pace from run to run, so that none begins with a fresh burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptPace {
    /// When the next request has its turn.
    pub next_at: Option<DateTime<Utc>>,
    /// Thousandths of a request a minute that the provider was found to bear; `None` if it bears the whole budget.
    pub rate_milli: Option<u64>,
    /// Requests that were sent beside the runs (a test of the connection) and that no run has paid for with turns yet.
    pub owed: u64,
}

/// A worker shows that it is alive, and how the run comes along.
#[derive(Clone, Debug)]
pub struct Renewal {
    pub now: DateTime<Utc>,
    pub lease_ttl: Duration,
    pub waits_for_provider_until: Option<DateTime<Utc>>,
    pub requests_per_minute: Option<u64>,
    pub stage_ends_at: Option<DateTime<Utc>>,
    /// Replaces what is kept, but for what is owed: that has been handed out with [`Renewed::owed`].
    pub pace: KeptPace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    pub state: LeaseState,
    /// Requests that were sent beside the run since it was claimed or last renewed; from now on they are the run's to pay
    /// for.
    pub owed: u64,
}

/// A run goes back to the queue.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// Requests since the last committed page.
    pub requests: u64,
    /// When it gave its place to a run that waits. Without it the worker shuts down, and the run stays at the head of the
    /// queue.
    pub gave_way_at: Option<DateTime<Utc>>,
    pub waits_for_provider_until: Option<DateTime<Utc>>,
    /// Attempts that have failed in a row.
    pub failures_in_a_row: u32,
    pub pace: KeptPace,
}

/// What became of the wish to cancel a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelling {
    /// It waited, and is cancelled.
    Cancelled,
    /// It runs, and stops at its next page boundary.
    Asked,
    /// It was over before.
    Over(RunState),
    NoSuchRun,
}

/// A run that waits for a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingRun {
    pub id: RunId,
    /// It gave its place away, and not so long ago that it comes first again.
    pub gave_way: bool,
    /// It waits for the provider first, until then.
    pub waits_for_provider_until: Option<DateTime<Utc>>,
}

/// Who waits, and how many are at work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// In the order in which they are claimed, those last that wait for the provider.
    pub waiting: Vec<WaitingRun>,
    /// Runs under a lease that holds.
    pub running: u32,
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
    pub pace: KeptPace,
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
    /// `by` is whoever asked for it by hand; the schedule is nobody.
    ///
    /// [`PageStore::seen`]: crate::PageStore::seen
    async fn enqueue(&self, new: &NewRun, by: Option<&By>) -> Result<Enqueued, StoreError>;

    /// The same for a connection that was due at a time, and whether it was queued: not if a run of it was queued since
    /// then, up to now. Of several processes that find it due one is quicker, and its run may be over by now.
    async fn enqueue_due(&self, new: &NewRun, due_at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Of every connection that is not deactivated, when its latest run up to now was queued: one statement, and one look
    /// into an index for each. What a clock that was wrong once queued in the future does not count.
    async fn last_queued(&self, now: DateTime<Utc>) -> Result<Vec<LastQueued>, StoreError>;

    /// How many incremental runs have succeeded since the last full one; `None` until a full one has.
    async fn successes_since_full(&self, connection: ConnectionId) -> Result<Option<u32>, StoreError>;

    /// Takes up, in one statement, the first run of the queue; never one of a deactivated connection.
    ///
    /// In the queue are runs that are queued, or running under a lease that has run out (or that reaches further into the
    /// future than [`CLOCK_SKEW_MAX`] past its length allows). First come those that have not given way, or did so
    /// [`PATIENCE`] ago, then those that have; each kind in the order in which they came to wait. A run that waits for the
    /// provider is left alone until its time has come, unless it is asked for by its id.
    ///
    /// The first claim sets `started_at`; each one adds an attempt, unless the run had only given way. What was owed of the
    /// connection's pace is handed out and set to 0.
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<ClaimedRun>, StoreError>;

    /// Those that a claim at this time could take up, now or once their wait for the provider is over.
    async fn queue(&self, now: DateTime<Utc>) -> Result<Queue, StoreError>;

    /// Prolongs a lease, and keeps how the run comes along.
    async fn renew_lease(&self, lease: &Lease, renewal: &Renewal) -> Result<Renewed, StoreError>;

    /// Asks a run to stop: one that waits is cancelled at once, a running one stops at its next page boundary. Who asked
    /// first stays named.
    async fn cancel(&self, run: RunId, stopped_by: StoppedBy, by: &By) -> Result<Cancelling, StoreError>;

    /// Whether a run was asked to stop, or its lease is lost: what a worker looks at every moment between two renewals.
    async fn is_to_stop(&self, lease: &Lease) -> Result<LeaseState, StoreError>;

    /// Requests were sent with a connection's credentials beside its runs. They count against its pace.
    async fn charge_requests(&self, connection: ConnectionId, requests: u64) -> Result<(), StoreError>;

    /// When the lease of a running run runs out; `None` if it is not running.
    async fn lease_expires_at(&self, run: RunId) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Shows the stage under way; a stream's stage also starts its clock.
    async fn enter_stage(&self, lease: &Lease, stage: Stage, at: DateTime<Utc>) -> Result<(), Fenced>;

    /// Ends the run and frees its connection. One that is cancelled keeps who stopped it. A success is refused with [`StoreError::LedgerUnbalanced`] unless every
    /// stream balances, equals the sum of its pages, and was read to its end. A success moves the connection's
    /// watermarks to the greatest activity times that the run has seen, though never beyond its own start: a record that
    /// bears a time to come would hide all that happens until then. Incremental ones never move them back.
    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<Run, Fenced>;

    /// Gives a run back to the queue. It goes on from its checkpoint: at the head of the queue, or behind those that have
    /// waited if it gave way.
    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), Fenced>;

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError>;

    async fn runs(&self, query: &RunQuery) -> Result<RunPage, StoreError>;

    /// Runs newest first, of one connection or of all; those that come after the given one. None if there is no such run.
    async fn runs_before(
        &self,
        connection: Option<ConnectionId>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError>;

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
