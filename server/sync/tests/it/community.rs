//! A simulated tenant, a connection to it and a database, all of one test's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use connector::{CommunityApi, Credentials, HttpClient};
use domain::{
    CauseCode, Connection, ConnectionId, Extent, Mode, Run, RunId, TenantId, Trigger, record::Record,
};
use simulator::{FaultProfile, Simulator, TenantSpec};
use store::{By, ClaimRequest, ConnectionStore, Enqueued, NewConnection, NewRun, RunStore};
use store_sqlite::SqliteStore;
use sync::{
    Clock, Execution, Failure, Fetched, Lookup, Page, PageRequest, Presence, RetryPolicy, Runner, Served,
    Settings, Signals, Source, Unifier,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use uuid::Uuid;

/// A Wednesday.
const NOW_S: i64 = 1_763_553_600;
pub(crate) const SEED: u64 = 20_251_119;

/// Stands still, and never lets anyone wait, but for the renewal of a lease, which it never lets happen.
#[derive(Debug)]
pub(crate) struct StillClock;

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(NOW_S)
    }

    async fn sleep(&self, duration: Duration) {
        if duration == settings().lease_ttl / 3 {
            std::future::pending::<()>().await;
        }
    }
}

pub(crate) const FULL: Extent = Extent {
    mode: Mode::Full,
    all_replies: false,
};

pub(crate) const INCREMENTAL: Extent = Extent {
    mode: Mode::Incremental,
    ..FULL
};

pub(crate) fn settings() -> Settings {
    Settings {
        retry: RetryPolicy {
            backoff: vec![Duration::ZERO; 4],
        },
        requests_per_minute: 0,
        // No other wait is as long as its third.
        lease_ttl: Duration::from_millis(30_003),
        pages_ahead: 8,
        ..Settings::default()
    }
}

pub(crate) struct Community {
    pub(crate) simulator: Simulator,
    pub(crate) store: SqliteStore,
    pub(crate) connection: Connection,
    source: CommunityApi,
    runs: u128,
    _folder: TempDir,
}

impl Community {
    /// Starts a tenant given as the command line gives it, such as `customer-en:users=250,broken=9`.
    pub(crate) async fn start(tenant: &str) -> Self {
        // A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let spec: TenantSpec = tenant.parse().expect("a tenant");
        let tenant_id: TenantId = spec.name.parse().expect("a tenant id");
        let simulator = Simulator::new(SEED, vec![spec], || StillClock.now()).expect("a simulator");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = simulator.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });

        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(&folder.path().join("tributary.db"))
            .await
            .expect("a store");
        let connection = Connection {
            id: ConnectionId(Uuid::from_u128(1)),
            name: tenant_id.to_string(),
            client_id: tenant_id.to_string(),
            tenant_id,
            base_url: base_url.parse().expect("a base URL"),
            deactivated_at: None,
            activity_source: None,
            created_at: StillClock.now(),
        };
        let new = NewConnection {
            connection: connection.clone(),
            sealed_secret: "sealed".into(),
            decoder: 1,
        };
        let by = By::operator(StillClock.now());
        store.add_connection(&new, &by).await.expect("a connection");
        let source = CommunityApi::new(
            HttpClient::new(&"127.0.0.1".parse().expect("a host")).expect("a client"),
            connection.tenant_id.clone(),
            connection.base_url.clone(),
            Credentials {
                client_id: connection.client_id.clone(),
                client_secret: "simulated-secret".into(),
            },
            Arc::new(StillClock),
        );
        Self {
            simulator,
            store,
            connection,
            source,
            runs: 0,
            _folder: folder,
        }
    }

    pub(crate) fn tenant(&self) -> &str {
        self.connection.tenant_id.as_str()
    }

    /// Lets the tenant misbehave, as the profile of this name says.
    pub(crate) fn switch_faults(&self, profile: &str) {
        let profile: FaultProfile = profile.parse().expect("a profile");
        assert!(self.simulator.set_faults(self.tenant(), profile));
    }

    /// One sync, from the queue to its end.
    pub(crate) async fn sync(&mut self) -> Run {
        self.sync_extent(FULL).await
    }

    /// One sync that reads this much.
    pub(crate) async fn sync_extent(&mut self, extent: Extent) -> Run {
        let new = self.new_run(extent);
        self.sync_new(&new, &self.source).await
    }

    /// A sync of a provider that answers so many requests and then no more.
    pub(crate) async fn sync_until(&mut self, answers: usize) -> Run {
        let new = self.new_run(FULL);
        let source = Exhausted {
            source: &self.source,
            answers: AtomicUsize::new(answers),
        };
        self.sync_new(&new, &source).await
    }

    /// A sync of a tenant whose topics all lost their replies, since those take a request each.
    pub(crate) async fn sync_without_replies(&mut self) -> Run {
        let new = self.new_run(FULL);
        self.sync_new(&new, &WithoutReplies(&self.source)).await
    }

    /// A sync of a provider that serves its records changed, or not at all. `gone` says whether it has those no more
    /// that it does not serve.
    pub(crate) async fn sync_altered(&mut self, extent: Extent, alter: Alter, gone: bool) -> Run {
        let new = self.new_run(extent);
        let source = Altered {
            source: &self.source,
            alter,
            gone,
        };
        self.sync_new(&new, &source).await
    }

    fn new_run(&mut self, extent: Extent) -> NewRun {
        self.runs += 1;
        let after = TimeDelta::seconds(i64::try_from(self.runs).expect("few runs"));
        NewRun {
            id: RunId(Uuid::from_u128(0x100 + self.runs)),
            connection_id: self.connection.id,
            trigger: Trigger::Manual,
            extent,
            queued_at: StillClock.now() + after,
        }
    }

    async fn sync_new(&self, new: &NewRun, source: &dyn Source) -> Run {
        let id = new.id;
        assert_eq!(
            self.store.enqueue(new, None).await.expect("a queue"),
            Enqueued::Queued
        );
        let settings = settings();
        let claim = ClaimRequest {
            worker: "test".into(),
            now: StillClock.now(),
            lease_ttl: settings.lease_ttl,
            only: Some(id),
        };
        let claimed = self.store.claim(&claim).await.expect("a queue").expect("the run");
        let runner = Runner {
            store: &self.store,
            clock: &StillClock,
            settings: &settings,
            unifier: &Unifier::default(),
        };
        let signals = Signals::default();
        let execution = runner
            .execute(&claimed, &self.connection.tenant_id, source, &signals)
            .await;
        match execution.expect("the lease is held") {
            Execution::Ended(run) => *run,
            Execution::Released | Execution::GaveWay => panic!("nobody stopped it"),
        }
    }
}

/// Every topic's replies are an empty list.
struct WithoutReplies<'s>(&'s CommunityApi);

#[async_trait]
impl Source for WithoutReplies<'_> {
    async fn connect(&self) -> Result<(), Failure> {
        self.0.connect().await
    }

    async fn fetch(&self, request: &PageRequest) -> Result<Fetched, Failure> {
        match request {
            PageRequest::Replies { .. } => Ok(Fetched::Page(Page {
                last: true,
                ..Page::default()
            })),
            _ => self.0.fetch(request).await,
        }
    }

    async fn presence(&self, of: &Lookup) -> Result<Presence, Failure> {
        self.0.presence(of).await
    }

    fn take_requests(&self) -> u64 {
        self.0.take_requests()
    }
}

/// What becomes of a record; `None` if it is not served.
pub(crate) type Alter = Arc<dyn Fn(Record) -> Option<Record> + Send + Sync>;

/// Serves what another source serves, but changed.
struct Altered<'s> {
    source: &'s CommunityApi,
    alter: Alter,
    gone: bool,
}

#[async_trait]
impl Source for Altered<'_> {
    async fn connect(&self) -> Result<(), Failure> {
        self.source.connect().await
    }

    async fn fetch(&self, request: &PageRequest) -> Result<Fetched, Failure> {
        let mut page = match self.source.fetch(request).await? {
            Fetched::Page(page) => page,
            counts @ Fetched::Counts(_) => return Ok(counts),
            other => panic!("{request:?} has no page: {other:?}"),
        };
        // A shorter list would say so.
        page.announced = None;
        let altered = |served| match served {
            Served::Valid(record) => (self.alter)(record).map(Served::Valid),
            invalid @ Served::Invalid(_) => Some(invalid),
        };
        page.records = page.records.into_iter().filter_map(altered).collect();
        Ok(Fetched::Page(page))
    }

    async fn presence(&self, of: &Lookup) -> Result<Presence, Failure> {
        let real = self.source.presence(of).await?;
        assert_eq!(real, Presence::Present, "the simulator has it: {of:?}");
        Ok(if self.gone { Presence::Gone } else { real })
    }

    fn take_requests(&self) -> u64 {
        self.source.take_requests()
    }
}

/// Answers so many requests and then no more.
struct Exhausted<'s> {
    source: &'s CommunityApi,
    answers: AtomicUsize,
}

#[async_trait]
impl Source for Exhausted<'_> {
    async fn connect(&self) -> Result<(), Failure> {
        self.source.connect().await
    }

    async fn fetch(&self, request: &PageRequest) -> Result<Fetched, Failure> {
        let left = |answers: usize| answers.checked_sub(1);
        if self
            .answers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_err()
        {
            return Err(Failure {
                code: CauseCode::ProviderUnavailable,
                message: "The provider could not answer (503).".into(),
                retry_after: None,
            });
        }
        self.source.fetch(request).await
    }

    async fn presence(&self, of: &Lookup) -> Result<Presence, Failure> {
        panic!("nothing is missing, but {of:?} was asked for")
    }

    fn take_requests(&self) -> u64 {
        self.source.take_requests()
    }
}
