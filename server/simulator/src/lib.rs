#![doc = include_str!("../README.md")]

mod activity;
mod answer;
mod calendar;
mod changes;
mod community_api;
mod content;
mod damage;
mod faults;
mod http;
mod index;
mod json;
mod mix;
mod passing;
mod people;
mod query;
mod render;
mod spec;
mod structure;
mod token;
mod truth;
mod user_api;
mod words;
mod world;

pub use damage::InvalidReason;
pub use faults::{FaultProfile, UnknownProfile};
pub use spec::{SpecError, TenantSpec};
pub use truth::{
    Counts, Streams, TrueActivity, TrueCategory, TrueCompany, TrueIdeaStatus, TrueRecord, TrueReply,
    TrueTopic, TrueUser, Truth,
};

use axum::Router;
use axum::serve::{Listener, ListenerExt};
use chrono::{DateTime, Utc};
use index::{TopicFilter, UserFilter};
use mix::Mix;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use world::World;

/// Requests under way at shutdown may take this long; one page takes far less.
const SHUTDOWN_GRACE_SECONDS: u64 = 5;

/// Simulated tenants behind one address, told apart by the client id.
#[derive(Debug, Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

struct Shared {
    tenants: Vec<Tenant>,
    now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Marks this simulator's tokens.
    secret: Mix,
}

#[derive(Debug)]
struct Tenant {
    name: String,
    /// Replaced when something happens; requests under way keep the world that they began with.
    world: RwLock<Arc<World>>,
    faults: RwLock<FaultProfile>,
    /// Where faults draw from.
    place: Mix,
    /// Requests with a valid token so far.
    requests: AtomicU64,
    /// Requests for a token so far.
    tokens: AtomicU64,
}

impl Tenant {
    fn world(&self) -> Arc<World> {
        Arc::clone(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets something happen; copies the changes only if someone still looks at the world as it was.
    fn change(&self, change: impl FnOnce(&mut World)) {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut world));
    }

    /// The number of this request, from 1.
    fn count_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The number of this request for a token, from 1.
    fn count_token(&self) -> u64 {
        self.tokens.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("tenants", &self.tenants)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.name == name)
    }
}

impl Simulator {
    /// Tenants whose history ends at the latest Monday before `now`; the clock also decides when tokens end.
    pub fn new(
        seed: u64,
        tenants: Vec<TenantSpec>,
        now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> Result<Self, SpecError> {
        for (at, spec) in tenants.iter().enumerate() {
            spec.check()?;
            if tenants[..at].iter().any(|earlier| earlier.name == spec.name) {
                return Err(SpecError::Duplicate(spec.name.clone()));
            }
        }
        let start = now();
        let tenant = |spec: TenantSpec| Tenant {
            name: spec.name.clone(),
            place: Mix::new(seed).named(&spec.name).at(u64::MAX),
            world: RwLock::new(Arc::new(World::new(seed, spec, start))),
            faults: RwLock::default(),
            requests: AtomicU64::new(0),
            tokens: AtomicU64::new(0),
        };
        let tenants = tenants.into_iter().map(tenant).collect();
        Ok(Self {
            shared: Arc::new(Shared {
                tenants,
                now: Box::new(now),
                secret: Mix::new(seed),
            }),
        })
    }

    /// All paths. The simulator's own (`/__truth`, `/__faults`) answer only where the service knows its peers
    /// ([`axum::extract::ConnectInfo`]) and the peer is this machine; [`Simulator::serve`] sees to that.
    pub fn router(&self) -> Router {
        Router::new()
            .fallback(http::handle)
            .with_state(Arc::clone(&self.shared))
    }

    /// Serves until `shutdown` completes, then lets requests under way finish for a few seconds.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let listener = listener.tap_io(|socket| {
            if let Err(error) = socket.set_nodelay(true) {
                tracing::warn!(%error, "TCP_NODELAY could not be set");
            }
        });
        tracing::debug!(address = ?listener.local_addr(), "serving simulated tenants");
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let closing = CancellationToken::new();
        let closed = closing.clone();
        let server = axum::serve(listener, service).with_graceful_shutdown(async move {
            shutdown.await;
            closing.cancel();
        });
        let grace = async {
            closed.cancelled().await;
            tokio::time::sleep(Duration::from_secs(SHUTDOWN_GRACE_SECONDS)).await;
        };
        tokio::select! {
            outcome = server => outcome,
            () = grace => Ok(()),
        }
    }

    /// Switches the faults of one tenant, as `POST /__faults/TENANT` does; false if there is no such tenant.
    pub fn set_faults(&self, tenant: &str, profile: FaultProfile) -> bool {
        let found = self.shared.tenant(tenant);
        found.inspect(|tenant| tenant.set_faults(profile)).is_some()
    }

    /// The category that the fault `hidden-category` refuses to show. The truth counts what is in it all the same.
    pub fn hidden_category(&self, tenant: &str) -> Option<u64> {
        self.world(tenant).map(|world| world.structure.hidden().id)
    }

    /// Switches the faults of every tenant.
    pub fn set_faults_everywhere(&self, profile: FaultProfile) {
        for tenant in &self.shared.tenants {
            tenant.set_faults(profile);
        }
    }

    /// Lets days pass in one tenant, as `POST /__advance/TENANT` does; false if there is no such tenant. Where
    /// the days end, and not how many at a time, decides what the tenant is like.
    pub fn advance(&self, tenant: &str, days: u64) -> bool {
        let found = self.shared.tenant(tenant);
        found
            .inspect(|tenant| tenant.change(|world| world.advance(days)))
            .is_some()
    }

    /// Lets a moment pass in one tenant, in which one thing happens that may happen at any time: something new, something
    /// that moves, changes, or goes. False if there is no such tenant. Nothing comes back from the trash at such a moment.
    pub fn live(&self, tenant: &str) -> bool {
        let found = self.shared.tenant(tenant);
        found.inspect(|tenant| tenant.change(World::live)).is_some()
    }

    /// Lets a moment pass in one tenant, in which something is viewed, if there is anything to view. False if there is no
    /// such tenant.
    pub fn view(&self, tenant: &str) -> bool {
        let found = self.shared.tenant(tenant);
        found.inspect(|tenant| tenant.change(World::be_viewed)).is_some()
    }

    /// Lets a moment pass in one tenant, in which a topic begins, or is replied to and so moves to the head, if there is
    /// any. False if there is no such tenant.
    pub fn post(&self, tenant: &str) -> bool {
        let found = self.shared.tenant(tenant);
        found
            .inspect(|tenant| tenant.change(World::be_posted_in))
            .is_some()
    }

    fn world(&self, tenant: &str) -> Option<Arc<World>> {
        self.shared.tenant(tenant).map(Tenant::world)
    }

    /// How many records of each stream a reader must find, as `GET /__truth/TENANT` answers.
    pub fn truth(&self, tenant: &str) -> Option<Truth> {
        self.world(tenant).map(|world| world.truth())
    }

    /// Every record of a tenant, stream by stream, made one at a time.
    pub fn true_records(&self, tenant: &str) -> Option<impl Iterator<Item = TrueRecord> + Send + use<>> {
        let statuses = self.true_idea_statuses(tenant)?.map(TrueRecord::IdeaStatus);
        let categories = self.true_categories(tenant)?.map(TrueRecord::Category);
        let users = self.true_users(tenant)?.map(TrueRecord::User);
        let topics = self.true_topics(tenant)?.map(TrueRecord::Topic);
        let replies = self.true_replies(tenant)?.map(TrueRecord::Reply);
        let activity = self.true_activity(tenant)?.map(TrueRecord::Activity);
        Some(
            statuses
                .chain(categories)
                .chain(users)
                .chain(topics)
                .chain(replies)
                .chain(activity),
        )
    }

    /// The companies whose people are members, and some of which nobody has joined yet.
    pub fn true_companies(&self, tenant: &str) -> Option<impl Iterator<Item = TrueCompany> + Send + use<>> {
        let world = self.world(tenant)?;
        Some((0..world.companies()).map(move |number| world.true_company(number)))
    }

    /// In the order of their creation; the first is the default.
    pub fn true_idea_statuses(
        &self,
        tenant: &str,
    ) -> Option<impl Iterator<Item = TrueIdeaStatus> + Send + use<>> {
        let world = self.world(tenant)?;
        Some((0..world.structure.idea_statuses.len()).map(move |order| world.true_idea_status(order)))
    }

    pub fn true_categories(&self, tenant: &str) -> Option<impl Iterator<Item = TrueCategory> + Send + use<>> {
        let world = self.world(tenant)?;
        Some((0..world.structure.categories.len()).map(move |order| world.true_category(order)))
    }

    /// In the order of joining.
    pub fn true_users(&self, tenant: &str) -> Option<impl Iterator<Item = TrueUser> + Send + use<>> {
        let world = self.world(tenant)?;
        let all = world.select_users(&UserFilter::default());
        Some(
            (0..all.len())
                .rev()
                .map(move |at| world.member(all.at(at)).truth()),
        )
    }

    /// Least recently active first.
    pub fn true_topics(&self, tenant: &str) -> Option<impl Iterator<Item = TrueTopic> + Send + use<>> {
        let world = self.world(tenant)?;
        let all = world.select_topics(&TopicFilter::default());
        Some(
            (0..all.len())
                .rev()
                .map(move |at| world.topic(all.at(at)).truth()),
        )
    }

    /// By topic, oldest first.
    pub fn true_replies(&self, tenant: &str) -> Option<impl Iterator<Item = TrueReply> + Send + use<>> {
        let world = self.world(tenant)?;
        let all = world.select_topics(&TopicFilter::default());
        Some((0..all.len()).rev().flat_map(move |at| {
            let number = all.at(at);
            let world = Arc::clone(&world);
            let count = world.topic(number).reply_count();
            (0..count).map(move |position| world.topic(number).reply(position).truth())
        }))
    }

    /// Oldest first.
    pub fn true_activity(&self, tenant: &str) -> Option<impl Iterator<Item = TrueActivity> + Send + use<>> {
        let world = self.world(tenant)?;
        Some((0..world.view_count()).map(move |number| world.view(number).truth()))
    }
}
