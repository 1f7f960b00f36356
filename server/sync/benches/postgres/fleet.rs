//! Many connections that are due at once, and four workers that share them.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use connector::{CommunityApi, Credentials, HttpClient};
use domain::{Extent, Mode, RunId, Trigger};
use futures_util::{StreamExt as _, stream};
use store::{ClaimRequest, ConnectionStore as _, Enqueued, NewRun, RunQuery, RunStore as _};
use store_postgres::PostgresStore;
use sync::{Clock as _, Execution, Runner, Settings, Signals, Source, Unifier};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    provider::Provider,
    server::{RunningClock, Server, connect, open, shared},
};

const WORKERS: usize = 4;
/// Runs that a worker has under way at a time.
const CONCURRENT_RUNS: usize = 2;
/// Connections are added, and runs checked, so many at a time.
const AT_ONCE: usize = 4;
const RUNS_PER_PAGE: u32 = 1_000;

/// What the workers saw: from asking for a run until it is theirs and its first request may be sent.
type Waits = Arc<Mutex<Vec<Duration>>>;

pub(crate) async fn measure(connections: u128) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = Provider::start("users=3,topics=2,views=3");
    let server = Server::start();
    let store = open(&server.url).await;
    stream::iter(1..=connections)
        .for_each_concurrent(AT_ONCE, |number| {
            let (store, address) = (&store, &provider.address);
            async move {
                connect(store, address, number).await;
            }
        })
        .await;
    let clock = Arc::new(RunningClock::new());
    let began = Instant::now();
    enqueue(&store, &clock).await;
    let queued_in = began.elapsed();
    let waits = Waits::default();
    let began = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..WORKERS {
        let store = Arc::new(PostgresStore::open(&server.url).await.expect("a store"));
        for place in 0..CONCURRENT_RUNS {
            let name = format!("worker {worker}, place {place}");
            workers.spawn(work(
                Arc::clone(&store),
                Arc::clone(&clock),
                Arc::clone(&waits),
                name,
            ));
        }
    }
    while let Some(ended) = workers.join_next().await {
        ended.expect("a worker's end");
    }
    let took = began.elapsed();
    let runs = check(&store, connections).await;
    tell(runs, queued_in, took, &waits);
    store.close().await;
}

async fn enqueue(store: &PostgresStore, clock: &RunningClock) {
    let connections = store.connections().await.expect("connections");
    stream::iter(connections)
        .for_each_concurrent(AT_ONCE, |connection| async move {
            let new = NewRun {
                id: RunId(Uuid::from_u128(connection.id.0.as_u128())),
                connection_id: connection.id,
                trigger: Trigger::Scheduled,
                extent: Extent {
                    mode: Mode::Full,
                    all_replies: false,
                },
                queued_at: clock.now(),
            };
            assert_eq!(
                store.enqueue(&new, None).await.expect("a queue"),
                Enqueued::Queued
            );
        })
        .await;
}

/// Until nothing waits.
async fn work(store: Arc<PostgresStore>, clock: Arc<RunningClock>, waits: Waits, name: String) {
    let client = HttpClient::new(&"127.0.0.1".parse().expect("a host")).expect("a client");
    let settings = Settings {
        requests_per_minute: 0,
        ..Settings::default()
    };
    loop {
        let asked = Instant::now();
        let claim = ClaimRequest {
            worker: name.clone(),
            now: clock.now(),
            lease_ttl: settings.lease_ttl,
            only: None,
        };
        let Some(claimed) = store.claim(&claim).await.expect("a queue") else {
            return;
        };
        let found = store
            .connection(claimed.run.connection_id)
            .await
            .expect("an answer");
        let connection = found.expect("the run's connection");
        let source = CommunityApi::new(
            client.clone(),
            connection.tenant_id.clone(),
            connection.base_url.clone(),
            Credentials {
                client_id: connection.client_id.clone(),
                client_secret: "simulated-secret".into(),
            },
            shared(&clock),
        );
        waits.lock().expect("no panic").push(asked.elapsed());
        let runner = Runner {
            store: store.as_ref(),
            clock: &*clock,
            settings: &settings,
            unifier: &Unifier::default(),
        };
        let source: &dyn Source = &source;
        let ended = runner
            .execute(
                &claimed,
                &connection.tenant_id,
                source,
                &Signals::new(&CancellationToken::new()),
            )
            .await;
        match ended.expect("the lease is held") {
            Execution::Ended(_) => {}
            Execution::Released | Execution::GaveWay => panic!("nobody stopped it"),
        }
    }
}

/// Every connection has one run, taken up once, green, with a ledger that balances.
async fn check(store: &PostgresStore, connections: u128) -> u64 {
    let mut query = RunQuery {
        limit: RUNS_PER_PAGE,
        ..RunQuery::default()
    };
    let mut seen = std::collections::HashSet::new();
    loop {
        let page = store.runs(&query).await.expect("runs");
        if page.runs.is_empty() {
            break;
        }
        query.offset += page.runs.len() as u64;
        for run in page.runs {
            assert!(run.state.is_success(), "{run:?}");
            assert_eq!(run.attempts, 1, "{run:?}");
            for stream in &run.streams {
                let ledger = stream.ledger;
                ledger.check().expect("a ledger that balances");
            }
            assert!(
                seen.insert(run.connection_id),
                "a second run of {}",
                run.connection_id
            );
        }
    }
    assert_eq!(seen.len() as u128, connections, "every connection ran");
    query.offset
}

fn tell(runs: u64, queued_in: Duration, took: Duration, waits: &Waits) {
    let mut waits = waits.lock().expect("no panic").clone();
    waits.sort();
    let at = |share: usize| waits[waits.len() * share / 100].as_secs_f64() * 1_000.0;
    println!(
        "PostgreSQL, {runs} connections due at once, {WORKERS} workers with {CONCURRENT_RUNS} places each"
    );
    println!(
        "  queued in {:.1} s, all run in {:.1} s, each exactly once, every ledger balances",
        queued_in.as_secs_f64(),
        took.as_secs_f64()
    );
    println!(
        "  claim to start: median {:.2} ms, 95% {:.2} ms, 99% {:.2} ms",
        at(50),
        at(95),
        at(99)
    );
}
