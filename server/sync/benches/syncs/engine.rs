//! The real connector, engine and store.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use connector::{CommunityApi, Credentials, HttpClient};
use domain::{
    Connection, ConnectionId, Dice, Extent, Mode, Run, RunId, RunState, StoppedBy, Stream, TenantId, Trigger,
};
use store::{
    Actor, By, Cancelling, ClaimRequest, ClaimedRun, ConnectionStore, Enqueued, NewConnection, NewRun,
    RunStore,
};
use store_sqlite::SqliteStore;
use sync::{Clock, Execution, Runner, Settings, Signals, Unifier};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    provider::{SEED, TENANT, start},
    usage::Watch,
};

const DATABASE: &str = "tributary.db";

/// First syncs that are cancelled.
const CANCELS: usize = 10;
/// They are, at a moment of their first so many milliseconds, in which they are far from their end.
const CANCELLED_WITHIN_MS: u64 = 700;
/// As a worker looks whether a run of its is to end.
const LOOKS_EVERY: Duration = Duration::from_millis(500);
const MILLIS_PER_SECOND: f64 = 1e3;

/// Every table that a run writes records into.
const TABLES: [&str; 5] = [
    "community_idea_status",
    "community_category",
    "community_user",
    "community_content",
    "community_activity",
];

/// Runs as fast as the real one, from where the simulated world stands.
struct RunningClock(Instant);

#[async_trait]
impl Clock for RunningClock {
    fn now(&self) -> DateTime<Utc> {
        start() + TimeDelta::from_std(self.0.elapsed()).expect("a short time")
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct Engine {
    store: SqliteStore,
    connection: Connection,
    source: CommunityApi,
    clock: Arc<RunningClock>,
    settings: Settings,
    runs: u128,
    folder: TempDir,
}

/// A first sync, an unchanged full one and an unchanged incremental one, a line each.
pub(crate) async fn measure(address: &str) -> String {
    let mut engine = Engine::open(address).await;
    let first = engine.sync(Mode::Full).await;
    let unchanged = engine.sync(Mode::Full).await;
    let incremental = engine.sync(Mode::Incremental).await;
    [first, unchanged, incremental].join("\n")
}

/// A first sync alone.
pub(crate) async fn measure_first(address: &str) -> String {
    Engine::open(address).await.sync(Mode::Full).await
}

/// Cancels, each of a first sync of its own: milliseconds until the wish was written, and from then until the run was over,
/// a line each.
pub(crate) async fn measure_cancelled(address: &str) -> String {
    let mut dice = Dice::new(SEED);
    let mut lines = Vec::new();
    for _ in 0..CANCELS {
        let mut engine = Engine::open(address).await;
        let after = Duration::from_millis(dice.below(CANCELLED_WITHIN_MS));
        lines.push(engine.cancel(after).await);
    }
    lines.join("\n")
}

impl Engine {
    async fn open(address: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Arc::new(RunningClock(Instant::now()));
        let tenant_id: TenantId = TENANT.parse().expect("a tenant id");
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(&folder.path().join(DATABASE))
            .await
            .expect("a store");
        let connection = Connection {
            id: ConnectionId(Uuid::from_u128(1)),
            name: tenant_id.to_string(),
            client_id: tenant_id.to_string(),
            tenant_id: tenant_id.clone(),
            base_url: format!("http://{address}").parse().expect("a base URL"),
            deactivated_at: None,
            activity_source: None,
            created_at: clock.now(),
        };
        let new = NewConnection {
            connection: connection.clone(),
            sealed_secret: "sealed".into(),
            decoder: 1,
        };
        store
            .add_connection(&new, &By::operator(clock.now()))
            .await
            .expect("a connection");
        let source = CommunityApi::new(
            HttpClient::new(&"127.0.0.1".parse().expect("a host")).expect("a client"),
            tenant_id,
            connection.base_url.clone(),
            Credentials {
                client_id: connection.client_id.clone(),
                client_secret: "simulated-secret".into(),
            },
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        Self {
            store,
            connection,
            source,
            clock,
            settings: Settings {
                requests_per_minute: 0,
                ..Settings::default()
            },
            runs: 0,
            folder,
        }
    }

    /// One sync from the queue to its end: wall and CPU seconds, requests, rows written, the process's peak memory in
    /// KiB, and what each stream found.
    async fn sync(&mut self, mode: Mode) -> String {
        let watch = Watch::start();
        let run = self.run(mode).await;
        let (times, peak) = (watch.read(), peak_memory_kib());
        assert_eq!(run.state, RunState::Completed, "{:?}", run.cause);
        let found = |stream| {
            let account = run.streams.iter().find(|account| account.stream == stream);
            account.map_or(0, |account| account.ledger.found).to_string()
        };
        let found: Vec<_> = Stream::ALL.into_iter().map(found).collect();
        let (requests, written) = (run.requests, self.written_by(&run));
        let matching = run.match_started_at.zip(run.trends_started_at);
        let matching_ms = matching.map_or(0, |(began, ended)| (ended - began).num_milliseconds());
        format!(
            "{times} {requests} {written} {peak} {matching_ms} {}",
            found.join(" ")
        )
    }

    /// As the console and a worker do it: the wish is written, and the worker looks for wishes now and then.
    async fn cancel(&mut self, after: Duration) -> String {
        let claimed = self.claim(Mode::Full).await;
        let runner = Runner {
            store: &self.store,
            clock: &*self.clock,
            settings: &self.settings,
            unifier: &Unifier::default(),
        };
        let signals = Signals::default();
        let run = runner.execute(&claimed, &self.connection.tenant_id, &self.source, &signals);
        let cancel = async {
            tokio::time::sleep(after).await;
            let by = By {
                actor: Actor::Operator,
                origin: None,
                at: self.clock.now(),
            };
            let asked_at = Instant::now();
            let asked = self.store.cancel(claimed.run.id, StoppedBy::Admin, &by).await;
            assert_eq!(asked.expect("an answer"), Cancelling::Asked);
            let acknowledged = asked_at.elapsed();
            tokio::time::sleep(LOOKS_EVERY).await;
            signals.cancel.cancel();
            (asked_at, acknowledged)
        };
        let (ended, (asked_at, acknowledged)) = tokio::join!(async { (run.await, Instant::now()) }, cancel);
        match ended.0.expect("the lease is held") {
            Execution::Ended(run) => assert_eq!(run.state, RunState::Cancelled),
            Execution::Released | Execution::GaveWay => panic!("it was cancelled"),
        }
        let millis = |time: Duration| time.as_secs_f64() * MILLIS_PER_SECOND;
        format!("{} {}", millis(acknowledged), millis(ended.1 - asked_at))
    }

    /// Rows that a run wrote, counted in the tables themselves: each write of a row names its run.
    fn written_by(&self, run: &Run) -> u64 {
        let database = rusqlite::Connection::open(self.folder.path().join(DATABASE)).expect("a database");
        let count = |table| {
            let sql = format!("SELECT count(*) FROM {table} WHERE changed_run = ?");
            let run = run.id.0.as_bytes();
            database.query_one(&sql, [run], |row| row.get::<_, i64>(0))
        };
        let counts = TABLES.iter().map(|table| count(table).expect("a count"));
        counts.sum::<i64>().try_into().expect("a count")
    }

    async fn claim(&mut self, mode: Mode) -> ClaimedRun {
        self.runs += 1;
        let id = RunId(Uuid::from_u128(0x100 + self.runs));
        let new = NewRun {
            id,
            connection_id: self.connection.id,
            trigger: Trigger::Manual,
            extent: Extent {
                mode,
                all_replies: false,
            },
            queued_at: self.clock.now(),
        };
        assert_eq!(
            self.store.enqueue(&new, None).await.expect("a queue"),
            Enqueued::Queued
        );
        let claim = ClaimRequest {
            worker: "bench".into(),
            now: self.clock.now(),
            lease_ttl: self.settings.lease_ttl,
            only: Some(id),
        };
        self.store.claim(&claim).await.expect("a queue").expect("the run")
    }

    async fn run(&mut self, mode: Mode) -> Run {
        let claimed = self.claim(mode).await;
        let runner = Runner {
            store: &self.store,
            clock: &*self.clock,
            settings: &self.settings,
            unifier: &Unifier::default(),
        };
        let signals = Signals::default();
        let execution = runner
            .execute(&claimed, &self.connection.tenant_id, &self.source, &signals)
            .await;
        match execution.expect("the lease is held") {
            Execution::Ended(run) => *run,
            Execution::Released | Execution::GaveWay => panic!("nobody stopped it"),
        }
    }
}

/// The most memory that was resident at once since the process began, in KiB.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux machine");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse().ok()).expect("a number of KiB")
}
