#![doc = include_str!("../README.md")]

mod accounts;
mod activity;
mod audit;
mod companies;
mod connections;
#[cfg(feature = "contract")]
pub mod contract;
mod deletion;
mod engagement;
mod erasure;
mod error;
mod export;
mod failed;
mod figures;
mod judging;
mod leavers;
mod look_up;
mod matching;
mod overview;
mod pages;
mod receipts;
mod replay;
mod retention;
mod runs;
mod screening;
mod secrets;
mod sessions;
pub mod targets;
mod tokens;
mod trends;

pub use accounts::{
    AccountStore, AddAccountError, ChangeAccountError, Credentials, Identity, NewAccount, NewSetUp, SetUp,
    SignOn, SignOnError, SignsOn, TokenHash, UseSetUp, UseSetUpError, judge_sign_on,
};
pub use activity::{ActivityStore, ImportOutcome, ImportedActivity};
pub use audit::{Actor, AuditEntry, AuditFilter, AuditStore, BrokenChain, By, CHAIN_BEGIN, Chain, Deed};
pub use companies::{CompanyStore, ImportMode, PARTIES_SWEPT_MAX, PersonsImported, changed_parties};
pub use connections::{Access, AddConnectionError, ConnectionStore, NewConnection, TenantAccess};
pub use deletion::{Deletion, DeletionStore};
pub use engagement::{
    CompanyCount, CompanyMembers, DayCount, Days, EngagementStore, MemberEngagement, TopicOfCompany,
};
pub use erasure::{
    ERASED, ERASED_PAYLOAD, EXPIRED_PAYLOAD, ErasedCounts, ErasedOfTenant, Erasure, ErasureRequest,
    ErasureStore, Leftovers, OpenSalt, PersonHash, Receipt, SALT_NAME, Salt, SaltKeeper, Traces,
    normal_email, redact, without_email,
};
pub use error::{Fenced, StoreError};
pub use export::{
    Cell, ExportCursor, ExportPage, ExportPlace, ExportQuery, ExportStore, Field, FieldKind, KeyPart,
    OfCompanies, fields,
};
pub use failed::{FailedFilter, FailedMember, FailedStore, NewTicket, PostFailure, Ticket, TicketPost};
pub use figures::{Figures, FiguresStore, PoolUse};
pub use judging::{
    Judged, JudgedReplay, ReplayFacts, Standing, Stored, Written, check_stream, judge, judge_replay,
};
pub use leavers::{Bounce, BouncesImported, LEFT_BY_RULE, LeaverStore};
pub use look_up::{
    FoundCompany, FoundPage, LinkedMember, LookUpStore, PartyCounts, Search, TiedMember, like_pattern,
};
pub use matching::{
    DueMember, DuePage, FormerMatch, FormerlyLeft, Leaving, Left, Link, MatchCommit, MatchStore,
    MatchesWritten, MatchingDue, MemberTie, NewMatch, PassPage, Revision, RuleChange, RuleStore, RuleUse,
    RuleVersion, RulesApplied, Stays, StoredMatch, Sweep, SweepStep, Swept,
};
pub use overview::{ConnectionOverview, ObjectCounts, OverviewStore, RunMark};
pub use pages::{ContentHash, PageCommit, PageOutcome, PageStore, Row, StreamEnd, TopicRef};
pub use receipts::{ReceiptStore, StoredPerson};
pub use replay::{
    ProfileFieldCount, RemappedMember, Replay, ReplayOutcome, ReplayStore, SetAside, StoredMapping,
    StoredMember,
};
pub use retention::RetentionStore;
pub use runs::{
    CLOCK_SKEW_MAX, Cancelling, ClaimRequest, ClaimedRun, Enqueued, Finish, InvalidGroup, InvalidPage,
    KeptPace, LastQueued, Lease, LeaseState, NewRun, PATIENCE, PROVIDER_WAIT_MAX, Queue, Release, Renewal,
    Renewed, RunPage, RunQuery, RunStore, WaitingRun,
};
pub use screening::{ErasedSubjects, Screened, Subjects};
pub use secrets::{Resealed, SealedSecret, SecretStore};
pub use sessions::{
    Bucket, DEVICE_KEPT, Ending, NewSession, SESSION_AGE_MAX, SESSION_IDLE_MAX, SESSION_SEEN_EVERY, Session,
    SessionStore, TRIES_KEPT, Tried, Tries, WAIT_FIRST, WAIT_MAX, blocked_until, judge_try, wait_after,
};
pub use tokens::{NewToken, TOKEN_KEPT, TOKEN_USED_EVERY, TokenStore};
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
    + ReceiptStore
    + RetentionStore
    + CompanyStore
    + MatchStore
    + RuleStore
    + LookUpStore
    + AccountStore
    + SessionStore
    + TokenStore
    + AuditStore
    + FailedStore
    + LeaverStore
    + EngagementStore
{
}

impl<T> Store for T where
    T: ConnectionStore
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
        + ReceiptStore
        + ReceiptStore
        + RetentionStore
        + CompanyStore
        + MatchStore
        + RuleStore
        + LookUpStore
        + AccountStore
        + SessionStore
        + TokenStore
        + AuditStore
        + FailedStore
        + LeaverStore
        + EngagementStore
{
}
