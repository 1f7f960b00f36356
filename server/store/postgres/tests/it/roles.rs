//! The roles that `roles.sql` makes: the one that works cannot change tables, and can do all the work.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ActivitySource, Connection, ConnectionId, Extent, Mode, RunId, RunState, Stream, Trigger,
    record::{Activity, Record},
};
use store::{
    By, ClaimRequest, ConnectionStore as _, ContentHash, Finish, Lease, NewConnection, NewRun,
    OverviewStore as _, PageCommit, PageStore as _, RetentionStore as _, Row, RunStore as _, StreamEnd,
    TrendStore as _,
};
use store_postgres::{PostgresStore, testing::TestDatabase};
use uuid::Uuid;

const TENANT: ConnectionId = ConnectionId(Uuid::from_u128(1));
const RUN: RunId = RunId(Uuid::from_u128(2));

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600 + seconds)
}

async fn connect(store: &PostgresStore) {
    let new = NewConnection {
        connection: Connection {
            id: TENANT,
            tenant_id: "customer-en".parse().expect("a tenant id"),
            name: "Customer".into(),
            base_url: "https://api.example".parse().expect("a base URL"),
            client_id: "client".into(),
            deactivated_at: None,
            activity_source: None,
            created_at: at(0),
        },
        sealed_secret: "sealed".into(),
        decoder: 1,
    };
    store
        .add_connection(&new, &By::operator(at(0)))
        .await
        .expect("a connection, and its views");
}

async fn start_run(store: &PostgresStore) -> Lease {
    let new = NewRun {
        id: RUN,
        connection_id: TENANT,
        trigger: Trigger::Manual,
        extent: Extent {
            mode: Mode::Full,
            all_replies: false,
        },
        queued_at: at(0),
    };
    store.enqueue(&new, None).await.expect("a run");
    let request = ClaimRequest {
        worker: "worker".into(),
        now: at(1),
        lease_ttl: std::time::Duration::from_secs(30),
        only: None,
    };
    let claimed = store.claim(&request).await.expect("an answer");
    claimed.expect("the run").lease
}

/// The end of a stream, with views of two months if it is theirs.
fn page(stream: Stream) -> PageCommit {
    let views = if stream == Stream::Activity { 0..2 } else { 0..0 };
    let row = |number: i64| Row {
        record: Record::Activity(Activity {
            event_id: number.to_string(),
            activity_type: "view".into(),
            occurred_at: at(-40 * 86_400 * number),
            ..Activity::default()
        }),
        hash: ContentHash([1; 16]),
        repeated: false,
    };
    let rows: Vec<Row> = views.map(row).collect();
    PageCommit {
        connection_id: TENANT,
        stream,
        found: rows.len() as u64,
        rows,
        invalid: Vec::new(),
        repeated: 0,
        left_out: 0,
        refused: 0,
        pages: 1,
        requests: 1,
        seen: Vec::new(),
        watermark: None,
        replies_read: Vec::new(),
        checkpoint: "checkpoint".into(),
        end: Some(StreamEnd {
            at: at(2),
            source: ActivitySource::Api,
        }),
        at: at(2),
    }
}

#[tokio::test]
async fn a_role_that_may_not_change_tables_can_do_all_the_work() {
    let Some(database) = TestDatabase::empty().await else {
        return;
    };
    let (owner, worker) = (database.role("owner"), database.role("worker"));
    let roles = include_str!("../../roles.sql")
        .replace("tributary_owner", &owner)
        .replace("TO tributary;", &format!("TO {worker};"))
        .replace("ROLE tributary LOGIN", &format!("ROLE {worker} LOGIN"));
    database.execute(roles).await;
    let behind = PostgresStore::open(&database.url_as(&worker))
        .await
        .expect_err("no tables");
    assert!(behind.to_string().contains("tributary migrate"), "{behind}");
    PostgresStore::migrate(&database.url_as(&worker))
        .await
        .expect_err("it may not make tables");
    PostgresStore::migrate(&database.url_as(&owner))
        .await
        .expect("tables");

    let store = PostgresStore::open(&database.url_as(&worker))
        .await
        .expect("the database");
    connect(&store).await;
    let lease = start_run(&store).await;
    for stream in Stream::ALL {
        store.commit_page(&lease, &page(stream)).await.expect("a page");
    }
    let finish = Finish {
        state: RunState::Completed,
        cause: None,
        at: at(3),
        requests: 0,
        pace: store::KeptPace::default(),
    };
    store.finish(&lease, &finish).await.expect("a success");
    assert_eq!(store.rebuild_due_trends(TENANT).await.expect("trends"), 2);
    let forgotten = store.forget_months_of_activity(at(-86_400)).await;
    assert_eq!(forgotten.expect("a month"), 1);
    let overview = store.overview(at(0)).await.expect("an overview");
    assert_eq!(overview[0].counts.activity, 1);
    store.close().await;
    for statement in [
        "DROP TABLE run",
        "ALTER TABLE run ADD COLUMN more text",
        "CREATE TABLE more (id bigint)",
    ] {
        let refused = database.try_as(&worker, statement).await;
        assert!(refused.is_err(), "{statement}");
    }
    for statement in [
        format!("REASSIGN OWNED BY {owner} TO CURRENT_USER"),
        format!("DROP OWNED BY {owner}"),
        format!("DROP OWNED BY {worker}"),
        format!("DROP ROLE {owner}, {worker}"),
    ] {
        database.execute(statement).await;
    }
}
