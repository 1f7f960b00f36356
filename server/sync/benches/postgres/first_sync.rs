//! One first sync, and one of the same tenant unchanged.

use std::{sync::Arc, time::Instant};

use connector::{CommunityApi, Credentials, HttpClient};
use domain::{Connection, Extent, Mode, Run, RunId, RunState, Trigger};
use store::{ClaimRequest, Enqueued, NewRun, RunStore as _};
use store_postgres::PostgresStore;
use sync::{Clock as _, Execution, Runner, Settings, Signals, Unifier};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    provider::Provider,
    server::{RunningClock, Server, connect, shared},
};

pub(crate) async fn measure(users: u64) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = Provider::start(&format!("users={users},topics=0,views=0"));
    let server = Server::start().await;
    let store = server.open().await;
    let connection = connect(&store, &provider, 1).await;
    println!("PostgreSQL, {users} users");
    for (number, what) in [(1, "first sync"), (2, "nothing changed")] {
        let began = Instant::now();
        let run = sync(&store, &connection, number).await;
        let seconds = began.elapsed().as_secs_f64();
        assert_eq!(run.state, RunState::Completed, "{:?}", run.cause);
        let found = run.total().found;
        println!(
            "  {what:<16} {seconds:>8.2} s {:>9.0} records/s",
            to_f64(found) / seconds
        );
    }
    store.close().await;
}

#[expect(clippy::cast_precision_loss, reason = "a rate is told in whole records")]
fn to_f64(number: u64) -> f64 {
    number as f64
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
    assert_eq!(store.enqueue(&new).await.expect("a queue"), Enqueued::Queued);
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
