//! What holds because many processes share one database.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountId, Connection, ConnectionId, Extent, Mode, Role, RunId, Stream, Trigger,
    record::{Record, User},
};
use sqlx::Connection as _;
use store::{
    AccountStore as _, AuditStore as _, By, Chain, ChangeAccountError, ClaimRequest, ConnectionStore as _,
    ContentHash, Deed, Enqueued, Fenced, KeptPace, LeaseState, NewAccount, NewConnection, NewRun, PageCommit,
    PageStore as _, Renewal, Row, RunStore as _, StoreError,
};
use store_postgres::{PostgresStore, testing::TestDatabase};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600 + seconds)
}

async fn connect(store: &PostgresStore, number: u128) -> ConnectionId {
    let new = NewConnection {
        connection: Connection {
            id: ConnectionId(Uuid::from_u128(number)),
            tenant_id: format!("customer-{number}").parse().expect("a tenant id"),
            name: "Customer".into(),
            base_url: "https://api.example".parse().expect("a base URL"),
            client_id: format!("client-{number}"),
            deactivated_at: None,
            activity_source: None,
            created_at: at(0),
        },
        sealed_secret: "sealed".into(),
        decoder: 1,
    };
    store
        .add_connection(&new, &operator())
        .await
        .expect("a connection");
    new.connection.id
}

fn new_run(number: u128, connection_id: ConnectionId) -> NewRun {
    NewRun {
        id: RunId(Uuid::from_u128(number)),
        connection_id,
        trigger: Trigger::Manual,
        extent: Extent {
            mode: Mode::Full,
            all_replies: false,
        },
        queued_at: at(0),
    }
}

fn claim() -> ClaimRequest {
    ClaimRequest {
        worker: "worker".into(),
        now: at(1),
        lease_ttl: Duration::from_secs(30),
        only: None,
    }
}

fn page(connection_id: ConnectionId, username: &str) -> PageCommit {
    let record = Record::User(Box::new(User {
        community_user_id: "1".into(),
        username: username.into(),
        ..User::default()
    }));
    PageCommit {
        connection_id,
        stream: Stream::Users,
        rows: vec![Row {
            record,
            hash: ContentHash([1; 16]),
            repeated: false,
        }],
        invalid: Vec::new(),
        found: 1,
        left_out: 0,
        repeated: 0,
        refused: 0,
        pages: 1,
        requests: 1,
        seen: Vec::new(),
        watermark: None,
        replies_read: Vec::new(),
        checkpoint: "checkpoint".into(),
        end: None,
        at: at(2),
    }
}

#[tokio::test]
async fn many_claims_at_once_share_the_runs_and_none_is_claimed_twice() {
    const RUNS: u128 = 40;
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let store = PostgresStore::open(database.url()).await.expect("the database");
    for number in 1..=RUNS {
        let connection = connect(&store, number).await;
        store
            .enqueue(&new_run(number, connection), None)
            .await
            .expect("a run");
    }
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = PostgresStore::open(database.url()).await.expect("the database");
        workers.spawn(async move {
            let mut claimed = Vec::new();
            while let Some(run) = store.claim(&claim()).await.expect("an answer") {
                claimed.push(run.run.id);
            }
            claimed
        });
    }
    let mut claimed: Vec<RunId> = workers.join_all().await.into_iter().flatten().collect();
    claimed.sort();
    let all: Vec<RunId> = (1..=RUNS).map(|number| RunId(Uuid::from_u128(number))).collect();
    assert_eq!(claimed, all);
}

#[tokio::test]
async fn of_many_that_queue_a_run_of_a_connection_at_once_one_does() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let store = PostgresStore::open(database.url()).await.expect("the database");
    let connection = connect(&store, 1).await;
    let mut processes = tokio::task::JoinSet::new();
    for number in 1..=8 {
        let store = PostgresStore::open(database.url()).await.expect("the database");
        processes.spawn(async move {
            store
                .enqueue(&new_run(number, connection), None)
                .await
                .expect("an answer")
        });
    }
    let answers = processes.join_all().await;
    let queued = answers
        .iter()
        .filter(|answer| **answer == Enqueued::Queued)
        .count();
    assert_eq!(queued, 1, "{answers:?}");
    assert!(
        answers.iter().all(|answer| *answer != Enqueued::Deactivated),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_queued_run_wakes_whoever_waits_in_another_process() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let [ours, theirs] = [
        PostgresStore::open(database.url()).await.expect("the database"),
        PostgresStore::open(database.url()).await.expect("the database"),
    ];
    let connection = connect(&ours, 1).await;
    let waiting = tokio::spawn(async move {
        theirs.queue_moved().await;
        theirs
    });
    // It may begin to wait only after the first is queued, so another run is given back until it hears of one.
    ours.enqueue(&new_run(1, connection), None).await.expect("a run");
    let heard = tokio::time::timeout(PATIENCE, async {
        while !waiting.is_finished() {
            let claimed = ours.claim(&claim()).await.expect("an answer").expect("the run");
            ours.release(&claimed.lease, &store::Release::default())
                .await
                .expect("given back");
        }
    });
    heard.await.expect("it was woken");
    let theirs = waiting.await.expect("no panic");
    let closed = tokio::time::timeout(PATIENCE, theirs.close()).await;
    closed.expect("nothing keeps its connection");
}

#[tokio::test]
async fn a_store_whose_connections_were_cut_goes_on_with_new_ones() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let store = PostgresStore::open(database.url()).await.expect("the database");
    let connection = connect(&store, 1).await;
    store.enqueue(&new_run(1, connection), None).await.expect("a run");
    let lease = store
        .claim(&claim())
        .await
        .expect("an answer")
        .expect("the run")
        .lease;
    assert!(database.cut_connections().await > 0);
    store
        .commit_page(&lease, &page(connection, "Zoë"))
        .await
        .expect("a page");
    assert_eq!(store.connections().await.expect("connections").len(), 1);
}

#[tokio::test]
async fn renewals_beside_pages_of_activity_wait_for_each_other_in_one_order() {
    const TIMES: usize = 60;
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let store = Arc::new(PostgresStore::open(database.url()).await.expect("the database"));
    let connection = connect(&store, 1).await;
    store.enqueue(&new_run(1, connection), None).await.expect("a run");
    let claimed = store.claim(&claim()).await.expect("an answer").expect("the run");
    let pages = {
        let (store, lease) = (Arc::clone(&store), claimed.lease.clone());
        tokio::spawn(async move {
            for _ in 0..TIMES {
                let views = PageCommit {
                    stream: Stream::Activity,
                    rows: Vec::new(),
                    found: 0,
                    ..page(connection, "Zoë")
                };
                store.commit_page(&lease, &views).await.expect("a page");
            }
        })
    };
    let renewals = tokio::spawn(async move {
        for _ in 0..TIMES {
            let renewal = Renewal {
                now: at(2),
                lease_ttl: Duration::from_secs(30),
                waits_for_provider_until: None,
                requests_per_minute: None,
                stage_ends_at: None,
                pace: KeptPace::default(),
            };
            let renewed = store.renew_lease(&claimed.lease, &renewal).await;
            assert_eq!(renewed.expect("renewed").state, LeaseState::Held);
        }
    });
    pages.await.expect("no deadlock");
    renewals.await.expect("no deadlock");
}

#[tokio::test]
async fn a_text_with_nul_is_refused_by_name_and_nothing_is_written() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let store = PostgresStore::open(database.url()).await.expect("the database");
    let connection = connect(&store, 1).await;
    store.enqueue(&new_run(1, connection), None).await.expect("a run");
    let lease = store
        .claim(&claim())
        .await
        .expect("an answer")
        .expect("the run")
        .lease;
    let refused = store.commit_page(&lease, &page(connection, "a\0b")).await;
    match refused {
        Err(Fenced::Store(StoreError::Corrupt(message))) => assert!(message.contains("NUL"), "{message}"),
        other => panic!("{other:?}"),
    }
    let stored = store.records(connection, Stream::Users, None, 10).await;
    assert_eq!(stored.expect("an answer"), []);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_worked_on_unless_it_says_no() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let insert =
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
        VALUES (9000, 'a later one that only adds', now(), true, '', 0)";
    database.execute(insert).await;
    PostgresStore::open(database.url()).await.expect("it only added");
    database.execute("UPDATE schema_floor SET migration = 9000").await;
    let refused = PostgresStore::open(database.url())
        .await
        .expect_err("it took something away");
    assert!(refused.to_string().contains("too old"), "{refused}");
    database
        .execute(
            "UPDATE schema_floor SET migration = 3; DELETE FROM _sqlx_migrations WHERE version IN (3, 9000)",
        )
        .await;
    let behind = PostgresStore::open(database.url())
        .await
        .expect_err("it lacks something");
    assert!(behind.to_string().contains("tributary migrate"), "{behind}");
}

#[tokio::test]
async fn an_entry_of_the_audit_trail_is_never_changed_or_removed() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let store = PostgresStore::open(database.url()).await.expect("the database");
    for _ in 0..2 {
        store
            .note(Deed::LogInFailed, None, &operator())
            .await
            .expect("noted");
    }
    let owner: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(
            &mut sqlx::PgConnection::connect(database.url())
                .await
                .expect("the database"),
        )
        .await
        .expect("the owner");
    for statement in [
        "UPDATE audit_entry SET origin = 'elsewhere' WHERE number = 1",
        "DELETE FROM audit_entry WHERE number = 2",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
    ] {
        let refused = database.try_as(&owner, statement).await;
        assert!(refused.is_err(), "{statement}");
    }
    store.close().await;
}

/// Held by whoever writes an entry, so that a change waits with all that it has decided.
const TRAIL_LOCK: i64 = 0x7472_6962_0011;

async fn waiting_for_locks(watch: &mut sqlx::PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .fetch_one(watch)
    .await
    .expect("a count")
}

#[tokio::test]
async fn of_two_admins_who_demote_each_other_at_once_one_stays() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let store = PostgresStore::open(database.url()).await.expect("the database");
    let accounts = [1, 2].map(|number| AccountId(Uuid::from_u128(number)));
    for id in accounts {
        let new = NewAccount {
            id,
            email: format!("{id}@company.example"),
            role: Role::Admin,
            password_hash: None,
        };
        store.add_account(&new, &operator()).await.expect("an account");
    }
    let mut watch = sqlx::PgConnection::connect(database.url())
        .await
        .expect("the database");
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(TRAIL_LOCK)
        .execute(&mut watch)
        .await
        .expect("held");
    let mut processes = tokio::task::JoinSet::new();
    for id in accounts {
        let store = PostgresStore::open(database.url()).await.expect("the database");
        processes.spawn(async move { store.set_role(id, Role::Csm, &operator()).await });
    }
    let both = tokio::time::timeout(PATIENCE, async {
        while waiting_for_locks(&mut watch).await < 2 {}
    });
    both.await.expect("both are about to change a role");
    sqlx::raw_sql("SELECT pg_advisory_unlock_all()")
        .execute(&mut watch)
        .await
        .expect("let go");
    let answers = processes.join_all().await;
    let refused = |answer: &&_| matches!(answer, Err(ChangeAccountError::LastAdmin));
    assert_eq!(answers.iter().filter(refused).count(), 1, "{answers:?}");
    assert_eq!(
        answers.iter().filter(|answer| answer.is_ok()).count(),
        1,
        "{answers:?}"
    );
}

#[tokio::test]
async fn entries_that_are_written_at_once_are_one_chain() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let one = PostgresStore::open(database.url()).await.expect("the database");
    let other = PostgresStore::open(database.url()).await.expect("the database");
    let note = |store: PostgresStore| async move {
        for _ in 0..20 {
            store
                .note(Deed::LogInFailed, None, &operator())
                .await
                .expect("noted");
        }
        store
    };
    let (one, other) = tokio::join!(tokio::spawn(note(one)), tokio::spawn(note(other)));
    let (one, other) = (one.expect("done"), other.expect("done"));
    let mut chain = Chain::default();
    for entry in one.audit_after(0, 100).await.expect("entries") {
        chain.check(&entry).expect("an untouched chain");
    }
    assert_eq!(chain.checked(), 40);
    one.close().await;
    other.close().await;
}

fn operator() -> By {
    By::operator(at(0))
}
