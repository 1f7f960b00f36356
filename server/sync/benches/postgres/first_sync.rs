//! One first sync, and one of the same tenant unchanged.

use std::sync::Arc;

use connector::{CommunityApi, Credentials, HttpClient};
use domain::{Connection, Extent, Mode, Run, RunId, RunState, Trigger};
use store::{ClaimRequest, Enqueued, NewRun, RunStore as _};
use store_postgres::PostgresStore;
use sync::{Clock as _, Execution, Runner, Settings, Signals, Unifier};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    server::{RunningClock, connect, open, shared},
    usage::Watch,
};

/// A first sync of a tenant and one that finds nothing changed, a line each.
pub(crate) async fn measure(address: &str, url: &str) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = open(url).await;
    let connection = connect(&store, address, 1).await;
    let mut lines = Vec::new();
    for number in 1..=2 {
        let watch = Watch::start();
        let run = sync(&store, &connection, number).await;
        lines.push(watch.read());
        assert_eq!(run.state, RunState::Completed, "{:?}", run.cause);
    }
    store.close().await;
    lines.join("\n")
}

async fn sync(store: &PostgresStore, connection: &Connection, number: u128) -> Run {
    let clock = Arc::new(RunningClock::new());
    let settings = Settings {
        requests_per_minute: 0,
        ..Settings::default()
    };
    let source = CommunityApi::new(
        HttpClient::new(&"127.0.0.1".parse().expect("a host")).expect("a client"),
        connection.tenant_id.clone(),
        connection.base_url.clone(),
        Credentials {
            client_id: connection.client_id.clone(),
            client_secret: "simulated-secret".into(),
        },
        shared(&clock),
    );
    let new = NewRun {
        id: RunId(Uuid::from_u128(number)),
        connection_id: connection.id,
        trigger: Trigger::Manual,
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
    let claim = ClaimRequest {
        worker: "bench".into(),
        now: clock.now(),
        lease_ttl: settings.lease_ttl,
        only: Some(new.id),
    };
    let claimed = store.claim(&claim).await.expect("a queue").expect("the run");
    let runner = Runner {
        store,
        clock: &*clock,
        settings: &settings,
        unifier: &Unifier::default(),
    };
    let signals = Signals::new(&CancellationToken::new());
    let ended = runner
        .execute(&claimed, &connection.tenant_id, &source, &signals)
        .await;
    match ended.expect("the lease is held") {
        Execution::Ended(run) => *run,
        Execution::Released | Execution::GaveWay => panic!("nobody stopped it"),
    }
}
