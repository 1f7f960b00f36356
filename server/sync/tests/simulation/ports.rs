//! The engine's ports, with a turn at the desk for each operation.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use connector::CommunityApi;
use domain::{
    Account, AccountId, ApiToken, Connection, ConnectionId, MatchCounts, ProfileMapping, Role, Run, RunId,
    SessionId, Stage, StoppedBy, Stream, TenantId, TokenId,
    record::{InvalidReason, Record},
    unification::{CauseGroup, Company, Member, PartyChanges, Person, RuleSet, WhyNot},
};
use simulator::Simulator;
use store::{
    Access, AccountStore, ActivityStore, AddAccountError, AddConnectionError, AuditEntry, AuditFilter,
    AuditStore, Bounce, BouncesImported, Bucket, By, Cancelling, Chain, ChangeAccountError, ClaimRequest,
    ClaimedRun, CompanyCount, CompanyMembers, CompanyStore, ConnectionOverview, ConnectionStore, Credentials,
    DayCount, Days, Deed, Deletion, DeletionStore, DueMember, DuePage, Ending, EngagementStore, Enqueued,
    Erasure, ErasureRequest, ErasureStore, ExportCursor, ExportPage, ExportQuery, ExportStore, FailedFilter,
    FailedMember, FailedStore, Fenced, Figures, FiguresStore, Finish, FoundCompany, FoundPage, Identity,
    ImportMode, ImportOutcome, ImportedActivity, InvalidGroup, InvalidPage, LastQueued, Lease, LeaseState,
    LeaverStore, Left, Leftovers, Link, LinkedMember, LookUpStore, MatchCommit, MatchStore, MatchesWritten,
    MatchingDue, MemberEngagement, MemberTie, NewAccount, NewConnection, NewRun, NewSession, NewSetUp,
    NewTicket, NewToken, OpenSalt, OverviewStore, PageCommit, PageOutcome, PageStore, PartyCounts,
    PersonsImported, PoolUse, ProfileFieldCount, Queue, Receipt, ReceiptStore, Release, RemappedMember,
    Renewal, Renewed, Replay, ReplayOutcome, ReplayStore, Resealed, RetentionStore, Revision, RuleChange,
    RuleStore, RuleUse, RuleVersion, RulesApplied, RunPage, RunQuery, RunStore, SealedSecret, Search,
    SecretStore, Session, SessionStore, SetAside, SetUp, SignOn, SignOnError, Stays, Store, StoreError,
    StoredMapping, StoredMember, StoredPerson, Sweep, SweepStep, TenantAccess, Ticket, TicketPost,
    TiedMember, TokenHash, TokenStore, TopicOfCompany, TopicRef, TrendStore, Tried, UseSetUp, UseSetUpError,
};
use sync::{Clock, Failure, Fetched, Lookup, PageRequest, Presence, Source};
use uuid::Uuid;

use crate::{books::Books, desk::Desk};

/// Members of one page of matching.
const MEMBERS_AT_ONCE: u32 = 40;

/// How often the database fails: one operation in so many, 0 for never.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    one_in: AtomicU64,
    /// The next commit of members is confirmed, and nothing of it is written.
    pub(crate) loses_a_commit: AtomicBool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mishap {
    None,
    /// Nothing was written.
    Before,
    /// It was written, and the answer was lost.
    After,
}

impl Trouble {
    pub(crate) fn set(&self, one_in: u64) {
        self.one_in.store(one_in, Ordering::Relaxed);
    }

    fn next(&self, desk: &Desk) -> Mishap {
        let one_in = self.one_in.load(Ordering::Relaxed);
        if one_in == 0 || !desk.roll(|dice| dice.one_in(one_in)) {
            return Mishap::None;
        }
        let mishap = desk.roll(|dice| dice.pick(&[Mishap::Before, Mishap::After]));
        desk.tell(if mishap == Mishap::Before {
            "it fails"
        } else {
            "its answer is lost"
        });
        mishap
    }
}

/// Those who view or post something while the views or the topics of their tenant are read.
#[derive(Clone)]
pub(crate) struct Audience {
    pub(crate) simulator: Simulator,
    pub(crate) tenant: String,
    /// How often they still will in this run.
    pub(crate) views_left: Arc<AtomicU64>,
    /// How often a topic still begins or moves.
    pub(crate) posts_left: Arc<AtomicU64>,
}

impl Audience {
    /// Just before a page is served.
    fn may_act(&self, request: &PageRequest, desk: &Desk) {
        match request {
            PageRequest::Activity { .. } if draws(&self.views_left, desk) => {
                assert!(self.simulator.view(&self.tenant));
                desk.tell("something is viewed");
            }
            PageRequest::Topics { .. } if draws(&self.posts_left, desk) => {
                assert!(self.simulator.post(&self.tenant));
                desk.tell("something is posted");
            }
            _ => {}
        }
    }
}

/// Whether one of those that are left comes now.
fn draws(left: &AtomicU64, desk: &Desk) -> bool {
    let before = left.load(Ordering::Relaxed);
    let comes = before > 0 && desk.roll(|dice| dice.one_in(2));
    left.store(before - u64::from(comes), Ordering::Relaxed);
    comes
}

/// What a worker has: the store, the clock and the source, each by way of the desk.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) worker: u32,
    pub(crate) desk: Arc<Desk>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) source: Arc<CommunityApi>,
    pub(crate) books: Arc<Books>,
    pub(crate) trouble: Arc<Trouble>,
    pub(crate) audience: Audience,
    pub(crate) latency: Duration,
}

impl Ports {
    /// As long as each answer of the provider takes.
    async fn take_time(&self) {
        if !self.latency.is_zero() {
            self.desk.sleep(self.worker, self.latency).await;
        }
    }

    /// An operation on the store that may meet trouble.
    async fn store_operation<T, E>(
        &self,
        label: String,
        effect: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (desk, trouble) = (Arc::clone(&self.desk), Arc::clone(&self.trouble));
        let effect = async move {
            let mishap = trouble.next(&desk);
            if mishap == Mishap::Before {
                return Err(unavailable());
            }
            let result = effect.await;
            desk.tell(if result.is_ok() { "ok" } else { "refused" });
            if mishap == Mishap::After {
                Err(unavailable())
            } else {
                result
            }
        };
        self.desk.operation(self.worker, label, effect).await
    }
}

fn unavailable<E: From<StoreError>>() -> E {
    StoreError::Unavailable("the disk is gone".into()).into()
}

#[async_trait]
impl Clock for Ports {
    fn now(&self) -> DateTime<Utc> {
        self.desk.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.desk.sleep(self.worker, duration).await;
    }
}

#[async_trait]
impl Source for Ports {
    async fn connect(&self) -> Result<(), Failure> {
        let source = Arc::clone(&self.source);
        self.take_time().await;
        let effect = async move { source.connect().await };
        self.desk.operation(self.worker, "connect".into(), effect).await
    }

    async fn fetch(&self, request: &PageRequest) -> Result<Fetched, Failure> {
        let (source, desk, request) = (Arc::clone(&self.source), Arc::clone(&self.desk), request.clone());
        let audience = self.audience.clone();
        self.take_time().await;
        let label = format!("fetch {request:?}");
        let effect = async move {
            audience.may_act(&request, &desk);
            let fetched = source.fetch(&request).await;
            desk.tell(&match &fetched {
                Ok(Fetched::Page(page)) => format!("{} records", page.records.len()),
                Ok(other) => format!("{other:?}"),
                Err(failure) => format!("{}", failure.code),
            });
            fetched
        };
        self.desk.operation(self.worker, label, effect).await
    }

    async fn presence(&self, of: &Lookup) -> Result<Presence, Failure> {
        let (source, of) = (Arc::clone(&self.source), of.clone());
        self.take_time().await;
        let label = format!("presence {of:?}");
        let effect = async move { source.presence(&of).await };
        self.desk.operation(self.worker, label, effect).await
    }

    fn take_requests(&self) -> u64 {
        self.source.take_requests()
    }
}

#[async_trait]
impl DeletionStore for Ports {
    async fn stored_count(&self, connection: ConnectionId, stream: Stream) -> Result<u64, StoreError> {
        let store = Arc::clone(&self.store);
        let effect = async move { store.stored_count(connection, stream).await };
        self.store_operation(format!("stored count {stream}"), effect)
            .await
    }

    async fn keys_of_pass(
        &self,
        run: RunId,
        stream: Stream,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let (store, after) = (Arc::clone(&self.store), after.map(str::to_owned));
        let label = format!("keys of pass {stream} after {after:?}");
        let effect = async move { store.keys_of_pass(run, stream, after.as_deref(), limit).await };
        self.store_operation(label, effect).await
    }

    async fn record(
        &self,
        connection: ConnectionId,
        stream: Stream,
        key: &str,
    ) -> Result<Option<Record>, StoreError> {
        let (store, key) = (Arc::clone(&self.store), key.to_owned());
        let label = format!("record {stream} {key}");
        let effect = async move { store.record(connection, stream, &key).await };
        self.store_operation(label, effect).await
    }

    async fn mark_deleted(&self, lease: &Lease, deletion: &Deletion) -> Result<PageOutcome, Fenced> {
        let (store, books) = (Arc::clone(&self.store), Arc::clone(&self.books));
        let (lease, deletion) = (lease.clone(), deletion.clone());
        let label = format!("mark deleted {} {:?}", deletion.stream, deletion.keys);
        let effect = async move {
            let outcome = store.mark_deleted(&lease, &deletion).await?;
            books.deleted(&lease, &deletion);
            Ok(outcome)
        };
        self.store_operation(label, effect).await
    }
}

#[async_trait]
impl ActivityStore for Ports {
    async fn import_activity(
        &self,
        connection: ConnectionId,
        rows: &[ImportedActivity],
        by: &By,
    ) -> Result<ImportOutcome, StoreError> {
        self.store.import_activity(connection, rows, by).await
    }
}

#[async_trait]
impl PageStore for Ports {
    async fn commit_page(&self, lease: &Lease, commit: &PageCommit) -> Result<PageOutcome, Fenced> {
        let (store, books) = (Arc::clone(&self.store), Arc::clone(&self.books));
        let (lease, commit) = (lease.clone(), commit.clone());
        let label = format!("commit {} {} {}", commit.stream, commit.found, commit.checkpoint);
        if commit.stream == Stream::Users && self.trouble.loses_a_commit.swap(false, Ordering::Relaxed) {
            return Ok(PageOutcome::default());
        }
        let effect = async move {
            let outcome = store.commit_page(&lease, &commit).await?;
            books.committed(&lease, &commit, outcome);
            Ok(outcome)
        };
        self.store_operation(label, effect).await
    }

    async fn seen(&self, run: RunId, stream: Stream) -> Result<Vec<Vec<u8>>, StoreError> {
        let store = Arc::clone(&self.store);
        let effect = async move { store.seen(run, stream).await };
        self.store_operation(format!("seen {stream}"), effect).await
    }

    async fn topics_awaiting_replies(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TopicRef>, StoreError> {
        let (store, after) = (Arc::clone(&self.store), after.map(str::to_owned));
        let label = format!("topics after {after:?}");
        let effect = async move {
            store
                .topics_awaiting_replies(connection, after.as_deref(), limit)
                .await
        };
        self.store_operation(label, effect).await
    }

    async fn records(
        &self,
        connection: ConnectionId,
        stream: Stream,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.store.records(connection, stream, after, limit).await
    }
}

#[async_trait]
impl RunStore for Ports {
    async fn renew_lease(&self, lease: &Lease, renewal: &Renewal) -> Result<Renewed, StoreError> {
        let (store, lease, renewal) = (Arc::clone(&self.store), lease.clone(), renewal.clone());
        let effect = async move { store.renew_lease(&lease, &renewal).await };
        self.store_operation("renew".into(), effect).await
    }

    async fn enter_stage(&self, lease: &Lease, stage: Stage, at: DateTime<Utc>) -> Result<(), Fenced> {
        let (store, lease) = (Arc::clone(&self.store), lease.clone());
        let effect = async move { store.enter_stage(&lease, stage, at).await };
        self.store_operation(format!("enter {}", stage.as_str()), effect)
            .await
    }

    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<Run, Fenced> {
        let (store, books) = (Arc::clone(&self.store), Arc::clone(&self.books));
        let (lease, finish) = (lease.clone(), finish.clone());
        let code = finish.cause.as_ref().map(|cause| cause.code);
        let label = format!("finish {} {code:?}", finish.state.as_str());
        let effect = async move {
            let run = store.finish(&lease, &finish).await?;
            books.wrote(&lease, "finish");
            Ok(run)
        };
        self.store_operation(label, effect).await
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), Fenced> {
        let (store, books) = (Arc::clone(&self.store), Arc::clone(&self.books));
        let (lease, release) = (lease.clone(), release.clone());
        let effect = async move {
            store.release(&lease, &release).await?;
            books.wrote(&lease, "release");
            Ok(())
        };
        self.store_operation("release".into(), effect).await
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        let store = Arc::clone(&self.store);
        let effect = async move { store.run(id).await };
        self.store_operation("run".into(), effect).await
    }

    async fn enqueue(&self, new: &NewRun, by: Option<&By>) -> Result<Enqueued, StoreError> {
        self.store.enqueue(new, by).await
    }

    async fn enqueue_due(&self, new: &NewRun, due_at: DateTime<Utc>) -> Result<bool, StoreError> {
        self.store.enqueue_due(new, due_at).await
    }

    async fn last_queued(&self, now: DateTime<Utc>) -> Result<Vec<LastQueued>, StoreError> {
        self.store.last_queued(now).await
    }

    async fn queue(&self, now: DateTime<Utc>) -> Result<Queue, StoreError> {
        self.store.queue(now).await
    }

    async fn cancel(&self, run: RunId, stopped_by: StoppedBy, by: &By) -> Result<Cancelling, StoreError> {
        self.store.cancel(run, stopped_by, by).await
    }

    async fn is_to_stop(&self, lease: &Lease) -> Result<LeaseState, StoreError> {
        self.store.is_to_stop(lease).await
    }

    async fn charge_requests(&self, connection: ConnectionId, requests: u64) -> Result<(), StoreError> {
        self.store.charge_requests(connection, requests).await
    }

    async fn successes_since_full(&self, connection: ConnectionId) -> Result<Option<u32>, StoreError> {
        self.store.successes_since_full(connection).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<ClaimedRun>, StoreError> {
        self.store.claim(request).await
    }

    async fn lease_expires_at(&self, run: RunId) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.store.lease_expires_at(run).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<RunPage, StoreError> {
        self.store.runs(query).await
    }

    async fn runs_before(
        &self,
        connection: Option<ConnectionId>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        self.store.runs_before(connection, before, limit).await
    }

    async fn invalid_groups(&self, run: RunId) -> Result<Vec<InvalidGroup>, StoreError> {
        self.store.invalid_groups(run).await
    }

    async fn invalid_records(
        &self,
        run: RunId,
        group: Option<(Stream, InvalidReason)>,
        offset: u64,
        limit: u32,
    ) -> Result<InvalidPage, StoreError> {
        self.store.invalid_records(run, group, offset, limit).await
    }
}

#[async_trait]
impl ConnectionStore for Ports {
    async fn add_connection(&self, new: &NewConnection, by: &By) -> Result<(), AddConnectionError> {
        self.store.add_connection(new, by).await
    }

    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        self.store.connections().await
    }

    async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        self.store.connection(id).await
    }

    async fn connection_of_tenant(&self, tenant: &TenantId) -> Result<Option<Connection>, StoreError> {
        self.store.connection_of_tenant(tenant).await
    }

    async fn tenant_access(&self, id: ConnectionId) -> Result<Option<TenantAccess>, StoreError> {
        self.store.tenant_access(id).await
    }

    async fn replace_access(
        &self,
        id: ConnectionId,
        access: &Access,
        by: &By,
    ) -> Result<(), AddConnectionError> {
        self.store.replace_access(id, access, by).await
    }

    async fn deactivate(&self, id: ConnectionId, by: &By) -> Result<(), StoreError> {
        self.store.deactivate(id, by).await
    }

    async fn activate(&self, id: ConnectionId, by: &By) -> Result<(), StoreError> {
        self.store.activate(id, by).await
    }
}

#[async_trait]
impl OverviewStore for Ports {
    async fn overview(&self, since: DateTime<Utc>) -> Result<Vec<ConnectionOverview>, StoreError> {
        self.store.overview(since).await
    }

    async fn change_marker(&self) -> Result<i64, StoreError> {
        self.store.change_marker().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

#[async_trait]
impl FiguresStore for Ports {
    async fn figures(&self, since: DateTime<Utc>) -> Result<Figures, StoreError> {
        self.store.figures(since).await
    }

    fn pools(&self) -> Vec<PoolUse> {
        self.store.pools()
    }
}

#[async_trait]
impl ExportStore for Ports {
    async fn export_page(
        &self,
        query: &ExportQuery,
        after: Option<&ExportCursor>,
    ) -> Result<ExportPage, StoreError> {
        self.store.export_page(query, after).await
    }
}

#[async_trait]
impl TrendStore for Ports {
    async fn rebuild_due_trends(&self, connection: ConnectionId) -> Result<u64, StoreError> {
        let store = Arc::clone(&self.store);
        let effect = async move { store.rebuild_due_trends(connection).await };
        self.store_operation("rebuild trends".into(), effect).await
    }

    async fn trends_due(&self) -> Result<Vec<ConnectionId>, StoreError> {
        self.store.trends_due().await
    }

    async fn rebuild_all_trends(&self, connection: ConnectionId) -> Result<u64, StoreError> {
        self.store.rebuild_all_trends(connection).await
    }
}

#[async_trait]
impl ReplayStore for Ports {
    async fn profile_mapping(&self, connection: ConnectionId) -> Result<StoredMapping, StoreError> {
        self.store.profile_mapping(connection).await
    }

    async fn set_profile_mapping(
        &self,
        connection: ConnectionId,
        mapping: &ProfileMapping,
        by: &By,
    ) -> Result<(), StoreError> {
        self.store.set_profile_mapping(connection, mapping, by).await
    }

    async fn profile_fields(
        &self,
        connection: ConnectionId,
        limit: u32,
    ) -> Result<Vec<ProfileFieldCount>, StoreError> {
        self.store.profile_fields(connection, limit).await
    }

    async fn members(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredMember>, StoreError> {
        self.store.members(connection, after, limit).await
    }

    async fn remap_members(
        &self,
        connection: ConnectionId,
        members: &[RemappedMember],
    ) -> Result<u64, StoreError> {
        self.store.remap_members(connection, members).await
    }

    async fn runs_with_set_aside(&self, connection: ConnectionId) -> Result<Vec<RunId>, StoreError> {
        self.store.runs_with_set_aside(connection).await
    }

    async fn set_aside(
        &self,
        run: RunId,
        stream: Stream,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError> {
        self.store.set_aside(run, stream, before, limit).await
    }

    async fn replay(&self, replay: &Replay) -> Result<ReplayOutcome, StoreError> {
        self.store.replay(replay).await
    }

    async fn replays_due(
        &self,
        decoder: i64,
        only: Option<ConnectionId>,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        self.store.replays_due(decoder, only).await
    }

    async fn settle_replay(
        &self,
        connection: ConnectionId,
        mapping_version: i64,
        decoder: i64,
    ) -> Result<(), StoreError> {
        self.store
            .settle_replay(connection, mapping_version, decoder)
            .await
    }
}

#[async_trait]
impl SecretStore for Ports {
    async fn sealed_secrets(
        &self,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Vec<SealedSecret>, StoreError> {
        self.store.sealed_secrets(after, limit).await
    }

    async fn reseal(&self, resealed: &[Resealed], by: &By) -> Result<u64, StoreError> {
        self.store.reseal(resealed, by).await
    }

    async fn installation_secret(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.store.installation_secret(name).await
    }

    async fn keep_installation_secret(&self, name: &str, sealed: &str) -> Result<String, StoreError> {
        self.store.keep_installation_secret(name, sealed).await
    }

    async fn reseal_installation_secret(
        &self,
        name: &str,
        before: &str,
        after: &str,
        by: &By,
    ) -> Result<bool, StoreError> {
        self.store
            .reseal_installation_secret(name, before, after, by)
            .await
    }
}

#[async_trait]
impl ErasureStore for Ports {
    fn use_salt(&self, opener: Arc<dyn OpenSalt>) {
        self.store.use_salt(opener);
    }

    async fn erase(&self, request: &ErasureRequest, by: &By) -> Result<Erasure, StoreError> {
        self.store.erase(request, by).await
    }

    async fn wipe_leftovers(&self, email: &str) -> Result<Leftovers, StoreError> {
        self.store.wipe_leftovers(email).await
    }
}

#[async_trait]
impl ReceiptStore for Ports {
    async fn stored_person(&self, email: &str) -> Result<StoredPerson, StoreError> {
        self.store.stored_person(email).await
    }

    async fn receipt(&self, id: Uuid) -> Result<Option<Receipt>, StoreError> {
        self.store.receipt(id).await
    }

    async fn receipts(&self, limit: u32) -> Result<Vec<Receipt>, StoreError> {
        self.store.receipts(limit).await
    }
}

#[async_trait]
impl RetentionStore for Ports {
    async fn forget_activity(
        &self,
        connection: ConnectionId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.store.forget_activity(connection, before, limit).await
    }

    async fn forget_months_of_activity(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        self.store.forget_months_of_activity(before).await
    }

    async fn forget_invalid_records(
        &self,
        connection: ConnectionId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.store.forget_invalid_records(connection, before, limit).await
    }

    async fn expire_payloads(&self, ended_before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.store.expire_payloads(ended_before, limit).await
    }
}

#[async_trait]
impl CompanyStore for Ports {
    async fn import_companies(
        &self,
        companies: &[Company],
        mode: ImportMode,
        deed: Deed,
        by: &By,
    ) -> Result<ImportOutcome, StoreError> {
        self.store.import_companies(companies, mode, deed, by).await
    }

    async fn import_persons(
        &self,
        persons: &[Person],
        mode: ImportMode,
        by: &By,
    ) -> Result<PersonsImported, StoreError> {
        self.store.import_persons(persons, mode, by).await
    }

    async fn companies(&self, after: Option<&str>, limit: u32) -> Result<Vec<Company>, StoreError> {
        let (store, after) = (Arc::clone(&self.store), after.map(str::to_owned));
        let label = format!("companies after {after:?}");
        let effect = async move { store.companies(after.as_deref(), limit).await };
        self.store_operation(label, effect).await
    }

    async fn persons(&self, after: Option<&str>, limit: u32) -> Result<Vec<Person>, StoreError> {
        let (store, after) = (Arc::clone(&self.store), after.map(str::to_owned));
        let label = format!("persons after {after:?}");
        let effect = async move { store.persons(after.as_deref(), limit).await };
        self.store_operation(label, effect).await
    }

    async fn company(&self, external_id: &str) -> Result<Option<Company>, StoreError> {
        self.store.company(external_id).await
    }

    async fn person(&self, external_id: &str) -> Result<Option<Person>, StoreError> {
        self.store.person(external_id).await
    }

    async fn company_parents(&self) -> Result<HashMap<String, String>, StoreError> {
        self.store.company_parents().await
    }
}

#[async_trait]
impl MatchStore for Ports {
    async fn revision(&self) -> Result<Revision, StoreError> {
        let store = Arc::clone(&self.store);
        let effect = async move { store.revision().await };
        self.store_operation("revision".into(), effect).await
    }

    async fn members_due(&self, connection: ConnectionId, limit: u32) -> Result<Option<DuePage>, StoreError> {
        let store = Arc::clone(&self.store);
        // Few at a time, so that a run is cut between them.
        let effect = async move { store.members_due(connection, limit.min(MEMBERS_AT_ONCE)).await };
        self.store_operation("members due".into(), effect).await
    }

    async fn members_marked(
        &self,
        connection: ConnectionId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<DueMember>, StoreError> {
        let (store, after) = (Arc::clone(&self.store), after.to_owned());
        let label = format!("members marked after {after:?}");
        let limit = limit.min(MEMBERS_AT_ONCE);
        let effect = async move { store.members_marked(connection, &after, limit).await };
        self.store_operation(label, effect).await
    }

    async fn write_matches(
        &self,
        lease: Option<&Lease>,
        commit: MatchCommit,
    ) -> Result<MatchesWritten, Fenced> {
        let (store, books) = (Arc::clone(&self.store), Arc::clone(&self.books));
        let lease = lease.cloned();
        let label = format!("write {} matches", commit.changed.len());
        let effect = async move {
            let written = store.write_matches(lease.as_ref(), commit).await?;
            if let Some(lease) = &lease {
                books.wrote(lease, "match");
            }
            Ok(written)
        };
        self.store_operation(label, effect).await
    }

    async fn sweep_due(&self, connection: ConnectionId) -> Result<Option<Sweep>, StoreError> {
        let store = Arc::clone(&self.store);
        let effect = async move { store.sweep_due(connection).await };
        self.store_operation("sweep due".into(), effect).await
    }

    async fn parties_changed(&self, since: i64) -> Result<PartyChanges, StoreError> {
        let store = Arc::clone(&self.store);
        let effect = async move { store.parties_changed(since).await };
        self.store_operation("parties changed".into(), effect).await
    }

    async fn members_to_sweep(
        &self,
        connection: ConnectionId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        let (store, after) = (Arc::clone(&self.store), after.to_owned());
        let effect = async move { store.members_to_sweep(connection, &after, limit).await };
        self.store_operation("members to sweep".into(), effect).await
    }

    async fn write_sweep(&self, lease: Option<&Lease>, step: &SweepStep) -> Result<MatchesWritten, Fenced> {
        let (store, lease, step) = (Arc::clone(&self.store), lease.cloned(), step.clone());
        let effect = async move { store.write_sweep(lease.as_ref(), &step).await };
        self.store_operation("write a sweep".into(), effect).await
    }

    async fn matching_due(&self) -> Result<Vec<MatchingDue>, StoreError> {
        self.store.matching_due().await
    }

    async fn member_tie(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        history: u32,
    ) -> Result<Option<MemberTie>, StoreError> {
        self.store
            .member_tie(connection, community_user_id, history)
            .await
    }

    async fn set_link(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        link: Option<&Link>,
        by: &By,
    ) -> Result<bool, StoreError> {
        self.store.set_link(connection, community_user_id, link, by).await
    }

    async fn set_left(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        left: Option<&Left>,
        by: &By,
    ) -> Result<bool, StoreError> {
        self.store.set_left(connection, community_user_id, left, by).await
    }

    async fn set_stays(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        stays: Option<&Stays>,
        by: &By,
    ) -> Result<bool, StoreError> {
        self.store
            .set_stays(connection, community_user_id, stays, by)
            .await
    }

    async fn match_counts(&self, connection: ConnectionId) -> Result<MatchCounts, StoreError> {
        self.store.match_counts(connection).await
    }

    async fn members_matched(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DueMember>, StoreError> {
        let (store, after) = (Arc::clone(&self.store), after.map(str::to_owned));
        let label = format!("members matched after {after:?}");
        let limit = limit.min(MEMBERS_AT_ONCE);
        let effect = async move { store.members_matched(connection, after.as_deref(), limit).await };
        self.store_operation(label, effect).await
    }
}

#[async_trait]
impl RuleStore for Ports {
    async fn active_rules(&self) -> Result<Option<RuleVersion>, StoreError> {
        let store = Arc::clone(&self.store);
        let effect = async move { store.active_rules().await };
        self.store_operation("active rules".into(), effect).await
    }

    async fn rules_of(&self, version: i64) -> Result<Option<RuleVersion>, StoreError> {
        self.store.rules_of(version).await
    }

    async fn apply_rules(
        &self,
        base: i64,
        rules: &RuleSet,
        used: &RuleChange,
        by: Option<&By>,
    ) -> Result<RulesApplied, StoreError> {
        let store = Arc::clone(&self.store);
        let (rules, used, by) = (rules.clone(), used.clone(), by.cloned());
        let effect = async move { store.apply_rules(base, &rules, &used, by.as_ref()).await };
        self.store_operation("apply rules".into(), effect).await
    }

    async fn return_to_rules(
        &self,
        base: i64,
        version: i64,
        used: &RuleChange,
        by: &By,
    ) -> Result<RulesApplied, StoreError> {
        self.store.return_to_rules(base, version, used, by).await
    }

    async fn rule_history(&self, limit: u32) -> Result<Vec<RuleUse>, StoreError> {
        self.store.rule_history(limit).await
    }
}

/// What people look up is not the engine's.
#[async_trait]
impl LookUpStore for Ports {
    async fn find_companies(&self, search: &Search) -> Result<FoundPage<FoundCompany>, StoreError> {
        self.store.find_companies(search).await
    }

    async fn find_persons(&self, search: &Search) -> Result<FoundPage<Person>, StoreError> {
        self.store.find_persons(search).await
    }

    async fn party_counts(&self) -> Result<PartyCounts, StoreError> {
        self.store.party_counts().await
    }

    async fn companies_below(&self, external_id: &str) -> Result<Vec<Company>, StoreError> {
        self.store.companies_below(external_id).await
    }

    async fn members_of_company(
        &self,
        external_id: &str,
        offset: u64,
        limit: u32,
    ) -> Result<FoundPage<TiedMember>, StoreError> {
        self.store.members_of_company(external_id, offset, limit).await
    }

    async fn members_by_rule(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.store.members_by_rule().await
    }

    async fn links_by_hand(&self, offset: u64, limit: u32) -> Result<FoundPage<LinkedMember>, StoreError> {
        self.store.links_by_hand(offset, limit).await
    }
}

#[async_trait]
impl AccountStore for Ports {
    async fn add_account(&self, new: &NewAccount, by: &By) -> Result<(), AddAccountError> {
        self.store.add_account(new, by).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.store.accounts().await
    }

    async fn credentials(&self, email: &str) -> Result<Option<Credentials>, StoreError> {
        self.store.credentials(email).await
    }

    async fn set_disabled(&self, id: AccountId, disabled: bool, by: &By) -> Result<(), ChangeAccountError> {
        self.store.set_disabled(id, disabled, by).await
    }

    async fn set_role(&self, id: AccountId, role: Role, by: &By) -> Result<(), ChangeAccountError> {
        self.store.set_role(id, role, by).await
    }

    async fn account_of(&self, identity: &Identity) -> Result<Option<Account>, StoreError> {
        self.store.account_of(identity).await
    }

    async fn sign_on(&self, who: &SignOn, by: &By) -> Result<Account, SignOnError> {
        self.store.sign_on(who, by).await
    }

    async fn set_password(&self, id: AccountId, password_hash: &str, by: &By) -> Result<(), StoreError> {
        self.store.set_password(id, password_hash, by).await
    }

    async fn offer_set_up(&self, new: &NewSetUp, by: &By) -> Result<(), StoreError> {
        self.store.offer_set_up(new, by).await
    }

    async fn set_up(&self, token: &TokenHash, now: DateTime<Utc>) -> Result<Option<SetUp>, StoreError> {
        self.store.set_up(token, now).await
    }

    async fn use_set_up(
        &self,
        token: &TokenHash,
        use_for: &UseSetUp,
        by: &By,
    ) -> Result<AccountId, UseSetUpError> {
        self.store.use_set_up(token, use_for, by).await
    }
}

#[async_trait]
impl SessionStore for Ports {
    async fn try_log_in(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Tried, StoreError> {
        self.store.try_log_in(buckets, now).await
    }

    async fn log_in_failed(&self, account: Option<AccountId>, by: &By) -> Result<(), StoreError> {
        self.store.log_in_failed(account, by).await
    }

    async fn begin_session(&self, new: &NewSession, buckets: &[Bucket], by: &By) -> Result<bool, StoreError> {
        self.store.begin_session(new, buckets, by).await
    }

    async fn session(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Account)>, StoreError> {
        self.store.session(token, now).await
    }

    async fn session_seen(&self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.store.session_seen(id, at).await
    }

    async fn confirm_session(
        &self,
        id: SessionId,
        token: &TokenHash,
        buckets: &[Bucket],
        by: &By,
    ) -> Result<bool, StoreError> {
        self.store.confirm_session(id, token, buckets, by).await
    }

    async fn end_session(
        &self,
        id: SessionId,
        only_of: Option<AccountId>,
        ending: Ending,
        by: &By,
    ) -> Result<bool, StoreError> {
        self.store.end_session(id, only_of, ending, by).await
    }

    async fn sessions(&self, of: Option<AccountId>, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        self.store.sessions(of, now).await
    }

    async fn is_known_device(
        &self,
        device: &TokenHash,
        account: AccountId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.store.is_known_device(device, account, now).await
    }

    async fn sweep_sessions(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.store.sweep_sessions(now).await
    }
}

#[async_trait]
impl TokenStore for Ports {
    async fn add_token(&self, new: &NewToken, by: &By) -> Result<(), StoreError> {
        self.store.add_token(new, by).await
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.store.tokens().await
    }

    async fn token(&self, hash: &TokenHash) -> Result<Option<ApiToken>, StoreError> {
        self.store.token(hash).await
    }

    async fn token_used(&self, id: TokenId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.store.token_used(id, at).await
    }

    async fn revoke_token(&self, id: TokenId, by: &By) -> Result<bool, StoreError> {
        self.store.revoke_token(id, by).await
    }

    async fn sweep_tokens(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.store.sweep_tokens(now).await
    }
}

#[async_trait]
impl AuditStore for Ports {
    async fn audit_found_after(
        &self,
        filter: &AuditFilter,
        number: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.store.audit_found_after(filter, number, limit).await
    }

    async fn audit_found_before(
        &self,
        filter: &AuditFilter,
        number: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.store.audit_found_before(filter, number, limit).await
    }

    async fn audit_found(&self, filter: &AuditFilter) -> Result<u64, StoreError> {
        self.store.audit_found(filter).await
    }

    async fn note(&self, deed: Deed, target: Option<String>, by: &By) -> Result<(), StoreError> {
        self.store.note(deed, target, by).await
    }

    async fn audit_chain(&self) -> Result<Chain, StoreError> {
        self.store.audit_chain().await
    }

    async fn cut_audit(&self, before: DateTime<Utc>, limit: u32, by: &By) -> Result<u64, StoreError> {
        self.store.cut_audit(before, limit, by).await
    }
}

#[async_trait]
impl FailedStore for Ports {
    async fn failed_groups(&self, filter: &FailedFilter, limit: u32) -> Result<Vec<CauseGroup>, StoreError> {
        self.store.failed_groups(filter, limit).await
    }

    async fn failed_causes(&self, filter: &FailedFilter) -> Result<Vec<(WhyNot, u64)>, StoreError> {
        self.store.failed_causes(filter).await
    }

    async fn failed_count(&self, filter: &FailedFilter) -> Result<u64, StoreError> {
        self.store.failed_count(filter).await
    }

    async fn failed_members(
        &self,
        filter: &FailedFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError> {
        self.store.failed_members(filter, offset, limit).await
    }

    async fn create_ticket(&self, new: &NewTicket, by: &By) -> Result<Option<Ticket>, StoreError> {
        self.store.create_ticket(new, by).await
    }

    async fn ticket(&self, number: i64) -> Result<Option<Ticket>, StoreError> {
        self.store.ticket(number).await
    }

    async fn tickets(&self, offset: u64, limit: u32) -> Result<FoundPage<Ticket>, StoreError> {
        self.store.tickets(offset, limit).await
    }

    async fn keep_ticket_post(&self, number: i64, post: &TicketPost, by: &By) -> Result<(), StoreError> {
        self.store.keep_ticket_post(number, post, by).await
    }

    async fn ticket_posts(&self, number: i64, limit: u32) -> Result<Vec<TicketPost>, StoreError> {
        self.store.ticket_posts(number, limit).await
    }

    async fn ticket_members(
        &self,
        number: i64,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError> {
        self.store.ticket_members(number, offset, limit).await
    }
}

#[async_trait]
impl LeaverStore for Ports {
    async fn import_bounces(
        &self,
        bounces: &[Bounce],
        mode: ImportMode,
        by: &By,
    ) -> Result<BouncesImported, StoreError> {
        self.store.import_bounces(bounces, mode, by).await
    }

    async fn bounces(&self, emails: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let (store, emails) = (Arc::clone(&self.store), emails.to_vec());
        let effect = async move { store.bounces(&emails).await };
        self.store_operation("bounces".into(), effect).await
    }

    async fn inactive_since(&self, persons: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let (store, persons) = (Arc::clone(&self.store), persons.to_vec());
        let effect = async move { store.inactive_since(&persons).await };
        self.store_operation("inactive since".into(), effect).await
    }
}

#[async_trait]
impl EngagementStore for Ports {
    async fn company_with_all_below(
        &self,
        external_id: &str,
        limit: u32,
    ) -> Result<Vec<Company>, StoreError> {
        self.store.company_with_all_below(external_id, limit).await
    }

    async fn members_by_company(&self, companies: &[String]) -> Result<Vec<CompanyMembers>, StoreError> {
        self.store.members_by_company(companies).await
    }

    async fn counts_by_company(
        &self,
        companies: &[String],
        days: Days,
    ) -> Result<Vec<CompanyCount>, StoreError> {
        self.store.counts_by_company(companies, days).await
    }

    async fn counts_by_day(&self, companies: &[String], days: Days) -> Result<Vec<DayCount>, StoreError> {
        self.store.counts_by_day(companies, days).await
    }

    async fn active_members(
        &self,
        companies: &[String],
        days: Days,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        self.store.active_members(companies, days).await
    }

    async fn latest_topics(
        &self,
        companies: &[String],
        ideas_only: bool,
        limit: u32,
    ) -> Result<Vec<TopicOfCompany>, StoreError> {
        self.store.latest_topics(companies, ideas_only, limit).await
    }

    async fn ideas_by_status(&self, companies: &[String]) -> Result<Vec<(Option<String>, u64)>, StoreError> {
        self.store.ideas_by_status(companies).await
    }

    async fn engagement_of(
        &self,
        members: &[(String, String)],
        days: Days,
    ) -> Result<Vec<MemberEngagement>, StoreError> {
        self.store.engagement_of(members, days).await
    }
}
