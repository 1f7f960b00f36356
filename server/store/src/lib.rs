#![doc = include_str!("../README.md")]

mod activity;
mod connections;
#[cfg(feature = "contract")]
pub mod contract;
mod deletion;
mod erasure;
mod error;
mod export;
mod figures;
mod judging;
mod overview;
mod pages;
mod replay;
mod retention;
mod runs;
mod screening;
mod secrets;
mod trends;

pub use activity::{ActivityStore, ImportOutcome, ImportedActivity};
pub use connections::{Access, AddConnectionError, ConnectionStore, NewConnection};
pub use deletion::{Deletion, DeletionStore};
pub use erasure::{
    ERASED, ERASED_PAYLOAD, EXPIRED_PAYLOAD, ErasedCounts, ErasedOfTenant, Erasure, ErasureRequest,
    ErasureStore, Leftovers, OpenSalt, PersonHash, Receipt, SALT_NAME, Salt, SaltKeeper, Traces,
    normal_email, redact, without_email,
};
pub use error::{Fenced, StoreError};
pub use export::{Cell, ExportCursor, ExportPage, ExportQuery, ExportStore, Field, FieldKind, fields};
pub use figures::{Figures, FiguresStore, PoolUse};
pub use judging::{
    Judged, JudgedReplay, ReplayFacts, Standing, Stored, Written, check_stream, judge, judge_replay,
};
pub use overview::{ConnectionOverview, ObjectCounts, OverviewStore, RunMark};
pub use pages::{ContentHash, PageCommit, PageOutcome, PageStore, Row, StreamEnd, TopicRef};
pub use replay::{
    ProfileFieldCount, RemappedMember, Replay, ReplayOutcome, ReplayStore, SetAside, StoredMapping,
    StoredMember,
};
pub use retention::RetentionStore;
pub use runs::{
    CLOCK_SKEW_MAX, Cancelling, ClaimRequest, ClaimedRun, Enqueued, Finish, InvalidGroup, InvalidPage,
    KeptPace, Lease, LeaseState, NewRun, PATIENCE, PROVIDER_WAIT_MAX, Queue, Release, Renewal, Renewed,
    RunPage, RunQuery, RunStore, WaitingRun,
};
pub use screening::{ErasedSubjects, Screened, Subjects};
pub use secrets::{Resealed, SealedSecret, SecretStore};
pub use trends::TrendStore;

/// A whole store. What has all the parts is one.
pub trait Store:
    ConnectionStore
    + RunStore
    + PageStore
    + DeletionStore
    + OverviewStore
    + FiguresStore
    + ExportStore
    + TrendStore
    + ActivityStore
    + ReplayStore
    + SecretStore
    + ErasureStore
    + RetentionStore
{
}

impl<T> Store for T where
    T: ConnectionStore
        + RunStore
        + PageStore
        + DeletionStore
        + OverviewStore
        + FiguresStore
        + FiguresStore
        + ExportStore
        + TrendStore
        + ActivityStore
        + ReplayStore
        + SecretStore
        + ErasureStore
        + RetentionStore
{
}
