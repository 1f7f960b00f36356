//! A tenant and its neighbour, a provider that answers for both, and a database, all of one seed.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use connector::{CommunityApi, Credentials, HttpClient};
use domain::{Connection, ConnectionId, Dice, Stream, TenantId};
use simulator::{Simulator, TenantSpec, TrueRecord};
use store::{By, NewConnection, Store};
use store_postgres::{PostgresStore, testing::TestDatabase};
use store_sqlite::SqliteStore;
use sync::{Clock, Settings};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    books::Books,
    common::key_and_stream,
    desk::Desk,
    ports::{Audience, Ports, Trouble},
};

/// A Wednesday, two days and a half after the tenants' history ends.
const START_S: i64 = 1_763_553_600;
/// From the history's end to the start.
const HEAD_START: TimeDelta = TimeDelta::hours(60);
/// After so long a silence the connector gives a request up.
const SILENCE: TimeDelta = TimeDelta::seconds(30);
/// The longest body of a request: a token's.
const BODY_MAX_BYTES: usize = 16 * 1_024;

type Current = Arc<Mutex<Option<(Router, Arc<Desk>)>>>;

/// What the seeds of one process share: an address, an HTTP client, and an engine with an empty database of it.
pub(crate) struct Ground {
    base_url: String,
    client: HttpClient,
    current: Current,
    empty: Empty,
}

/// An engine, and what a new database of it is made from.
enum Empty {
    Sqlite(Vec<u8>),
    Postgres,
}

/// A seed's own database, which goes away with the seed.
enum Database {
    Sqlite {
        store: Arc<SqliteStore>,
        _folder: TempDir,
    },
    Postgres {
        store: Arc<PostgresStore>,
        _database: Box<TestDatabase>,
    },
}

impl Database {
    async fn new(empty: &Empty) -> Self {
        match empty {
            Empty::Sqlite(file) => {
                let folder = tempfile::tempdir().expect("a folder");
                std::fs::write(database_in(&folder), file).expect("a database");
                let store = SqliteStore::open(&database_in(&folder)).await.expect("a store");
                Self::Sqlite {
                    store: Arc::new(store),
                    _folder: folder,
                }
            }
            Empty::Postgres => {
                let database = TestDatabase::migrated()
                    .await
                    .expect("a server, as the ground was laid on it");
                let store = PostgresStore::open(database.url()).await.expect("a store");
                Self::Postgres {
                    store: Arc::new(store),
                    _database: Box::new(database),
                }
            }
        }
    }

    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite { store, .. } => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres { store, .. } => Arc::clone(store) as Arc<dyn Store>,
        }
    }
}

impl Ground {
    /// On the embedded database.
    pub(crate) async fn lay() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = database_in(&folder);
        SqliteStore::open(&path).await.expect("a store").close().await;
        Self::lay_on(Empty::Sqlite(std::fs::read(path).expect("a database"))).await
    }

    /// On PostgreSQL; `None` if there is no server to test on.
    pub(crate) async fn lay_on_postgres() -> Option<Self> {
        TestDatabase::empty().await?;
        Some(Self::lay_on(Empty::Postgres).await)
    }

    async fn lay_on(empty: Empty) -> Self {
        // A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let current = Current::default();
        let service = Router::new().fallback(pass_on).with_state(Arc::clone(&current));
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self {
            base_url: format!("http://{address}"),
            client: HttpClient::new(&"127.0.0.1".parse().expect("a host")).expect("a client"),
            current,
            empty,
        }
    }
}

/// Asks the simulator. What it would answer late is not waited for, and becomes a time-out.
async fn pass_on(State(current): State<Current>, request: Request) -> Response {
    let serving = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some((router, desk)) = serving else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let answer = router.oneshot(Request::from_parts(parts, Body::from(body)));
    tokio::pin!(answer);
    match futures_util::poll!(answer) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => {
            desk.pass(SILENCE);
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

fn database_in(folder: &TempDir) -> PathBuf {
    folder.path().join("tributary.db")
}

/// The desk's time for the connector, which never waits by itself.
struct DeskClock(Arc<Desk>);

#[async_trait]
impl Clock for DeskClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.pass(TimeDelta::from_std(duration).unwrap_or_default());
    }
}

/// A record as it was from one change of the tenant on.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) since: u64,
    pub(crate) record: TrueRecord,
}

pub(crate) struct World {
    /// What is planned is drawn from here; in which order it happens, at the desk.
    pub(crate) dice: Dice,
    pub(crate) desk: Arc<Desk>,
    pub(crate) simulator: Simulator,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) connection: Connection,
    pub(crate) neighbour: Connection,
    pub(crate) books: Arc<Books>,
    pub(crate) trouble: Arc<Trouble>,
    pub(crate) settings: Arc<Settings>,
    /// How long each answer of the provider takes.
    pub(crate) latency: Duration,
    /// All that the tenant ever had.
    pub(crate) ever: BTreeMap<(Stream, String), Vec<Version>>,
    /// Until when the tenant has lived.
    lived_until: DateTime<Utc>,
    /// How often the tenant has changed.
    pub(crate) changes: u64,
    /// While a run is under way, something happens in the tenant once in so many turns; 0 for never.
    pub(crate) lives: u64,
    /// How often still in this run.
    pub(crate) happenings_left: u32,
    /// How often something is still viewed while the views are read.
    views_left: Arc<AtomicU64>,
    /// How often something is still posted while the topics are read.
    posts_left: Arc<AtomicU64>,
    /// How often both were to be when this was last looked at.
    left_before: u64,
    pub(crate) workers: u32,
    pub(crate) runs: u128,
    base_url: String,
    client: HttpClient,
    database: Database,
}

impl World {
    pub(crate) async fn new(ground: &Ground, seed: u64, tells: bool) -> Self {
        let mut dice = Dice::new(seed);
        let tenant = tenant(&mut dice);
        Self::of_tenant(ground, seed, tells, dice, tenant).await
    }

    /// With a tenant that is not drawn.
    pub(crate) async fn of_tenant(
        ground: &Ground,
        seed: u64,
        tells: bool,
        mut dice: Dice,
        tenant: TenantSpec,
    ) -> Self {
        let start = DateTime::from_timestamp(START_S, 0).expect("a time");
        let desk = Arc::new(Desk::new(Dice::new(!seed), start, tells));
        desk.tell(&format!("{tenant:?}"));
        let neighbour: TenantSpec = "neighbour-fr:users=3,topics=2,views=4".parse().expect("a tenant");
        let names = [tenant.name.clone(), neighbour.name.clone()];
        let clock = Arc::clone(&desk);
        let simulator =
            Simulator::new(seed, vec![tenant, neighbour], move || clock.now()).expect("a simulator");
        let serving = (simulator.router(), Arc::clone(&desk));
        *ground.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
        let database = Database::new(&ground.empty).await;
        let store = database.store();
        let mut connections = Vec::new();
        for (name, number) in names.iter().zip(1..) {
            connections.push(connect(store.as_ref(), name, number, &ground.base_url, start).await);
        }
        let settings = Settings {
            requests_per_minute: dice.pick(&[0, 300]),
            pages_ahead: dice.pick(&[1, 2, 8]),
            ..Settings::default()
        };
        let [connection, neighbour] = connections.try_into().expect("two connections");
        let mut world = Self {
            dice,
            desk,
            simulator,
            store,
            connection,
            neighbour,
            books: Arc::default(),
            trouble: Arc::default(),
            settings: Arc::new(settings),
            latency: Duration::ZERO,
            ever: BTreeMap::new(),
            lived_until: start - HEAD_START,
            changes: 0,
            lives: 0,
            happenings_left: 0,
            views_left: Arc::default(),
            posts_left: Arc::default(),
            left_before: 0,
            workers: 0,
            runs: 0,
            base_url: ground.base_url.clone(),
            client: ground.client.clone(),
            database,
        };
        world.remember();
        world
    }

    pub(crate) async fn close(&self) {
        match &self.database {
            Database::Sqlite { store, .. } => store.close().await,
            Database::Postgres { store, .. } => store.close().await,
        }
    }

    pub(crate) fn tenant(&self) -> &str {
        self.connection.tenant_id.as_str()
    }

    /// A new worker's ports to a connection's tenant.
    pub(crate) fn ports(&mut self, connection: &Connection, books: Arc<Books>) -> Ports {
        self.workers += 1;
        let source = CommunityApi::new(
            self.client.clone(),
            connection.tenant_id.clone(),
            self.base_url.parse().expect("a base URL"),
            Credentials {
                client_id: connection.client_id.clone(),
                client_secret: "simulated-secret".into(),
            },
            Arc::new(DeskClock(Arc::clone(&self.desk))),
        );
        Ports {
            worker: self.workers,
            desk: Arc::clone(&self.desk),
            store: Arc::clone(&self.store),
            source: Arc::new(source),
            books,
            trouble: Arc::clone(&self.trouble),
            audience: Audience {
                simulator: self.simulator.clone(),
                tenant: connection.tenant_id.to_string(),
                views_left: Arc::clone(&self.views_left),
                posts_left: Arc::clone(&self.posts_left),
            },
            latency: self.latency,
        }
    }

    /// Keeps what the tenant has, before it changes or goes.
    pub(crate) fn remember(&mut self) {
        let truth = self.simulator.true_records(self.tenant()).expect("the tenant");
        for record in truth {
            let (stream, key, _) = key_and_stream(&record);
            let versions = self.ever.entry((stream, key)).or_default();
            if versions.last().is_none_or(|last| last.record != record) {
                versions.push(Version {
                    since: self.changes,
                    record,
                });
            }
        }
    }

    /// What a record was like since a change of the tenant, if it was there at that time.
    pub(crate) fn versions_since(&self, stream: Stream, key: &str, since: u64) -> &[Version] {
        let versions = self.ever.get(&(stream, key.to_owned()));
        let versions = versions.map(Vec::as_slice).unwrap_or_default();
        let known = versions.partition_point(|version| version.since <= since);
        if known == 0 { &[] } else { &versions[known - 1..] }
    }

    /// Something may happen in the tenant while a run is under way.
    pub(crate) fn live(&mut self) {
        let left = self.left();
        if left < self.left_before {
            self.left_before = left;
            self.changes += 1;
            self.remember();
        }
        if self.lives > 0 && self.happenings_left > 0 && self.dice.one_in(self.lives) {
            self.happenings_left -= 1;
            assert!(self.simulator.live(self.tenant()));
            self.changes += 1;
            self.desk.tell("something happens");
            self.remember();
        }
    }

    fn left(&self) -> u64 {
        self.views_left.load(Ordering::Relaxed) + self.posts_left.load(Ordering::Relaxed)
    }

    /// So often something is viewed in the next run while the views are read, and posted while the topics are.
    pub(crate) fn will_act(&mut self, views: u64, posts: u64) {
        self.views_left.store(views, Ordering::Relaxed);
        self.posts_left.store(posts, Ordering::Relaxed);
        self.left_before = self.left();
    }

    /// Days pass in the tenant. It is never ahead of the clock, but often behind.
    pub(crate) fn advance(&mut self, days: u32) {
        if days > 0 {
            self.simulator.advance(self.tenant(), u64::from(days));
            self.changes += 1;
        }
        self.lived_until += TimeDelta::days(days.into());
        let ahead = self.lived_until - self.desk.now();
        self.desk.pass(ahead.max(TimeDelta::zero()));
        self.desk.tell(&format!("{days} days pass"));
        self.remember();
    }
}

fn tenant(dice: &mut Dice) -> TenantSpec {
    let users = dice.pick(&[0, 3, 40, 99, 100, 101, 130, 205]);
    // More than a page; more than two, so that two of them are asked for side by side once the first is read.
    let topics = if dice.one_in(8) {
        dice.pick(&[104, 230])
    } else {
        dice.pick(&[0, 1, 4, 9, 16])
    };
    let views = dice.pick(&[0, 5, 60, 100, 140, 210, 330, 470]);
    let broken = dice.pick(&[0, 0, 5, 12]);
    let language = dice.pick(&["en", "de", "fr", "es"]);
    TenantSpec {
        name: format!("customer-{language}"),
        users,
        topics,
        views,
        broken,
    }
}

async fn connect(
    store: &dyn Store,
    name: &str,
    number: u128,
    base_url: &str,
    created_at: DateTime<Utc>,
) -> Connection {
    let tenant_id: TenantId = name.parse().expect("a tenant id");
    let connection = Connection {
        id: ConnectionId(Uuid::from_u128(number)),
        name: tenant_id.to_string(),
        client_id: tenant_id.to_string(),
        tenant_id,
        base_url: base_url.parse().expect("a base URL"),
        deactivated_at: None,
        activity_source: None,
        created_at,
    };
    let new = NewConnection {
        connection: connection.clone(),
        sealed_secret: "sealed".into(),
        decoder: 1,
    };
    let by = By::operator(created_at);
    store.add_connection(&new, &by).await.expect("a connection");
    connection
}
