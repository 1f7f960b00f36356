//! What holds for this store because it is a file.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Connection, ConnectionId, Extent, Mode, RunId, Stream, Trigger,
    record::{IdeaStatus, Record},
};
use sqlx::{Connection as _, SqliteConnection};
use store::{
    Actor, AuditStore, By, ClaimRequest, ConnectionStore, ContentHash, Deed, Lease, NewConnection, NewRun,
    OverviewStore, PageCommit, PageStore, Row, RunStore, StoreError,
};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use uuid::Uuid;

const TENANT: ConnectionId = ConnectionId(Uuid::from_u128(1));
const RUN: RunId = RunId(Uuid::from_u128(2));

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600 + seconds)
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).await.expect("the database")
}

async fn add_connection(store: &SqliteStore) {
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
        .expect("a connection");
}

async fn start_run(store: &SqliteStore) -> Lease {
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
    claim(store, 1).await.expect("the run")
}

async fn claim(store: &SqliteStore, seconds: i64) -> Option<Lease> {
    let request = ClaimRequest {
        worker: "worker".into(),
        now: at(seconds),
        lease_ttl: std::time::Duration::from_secs(30),
        only: None,
    };
    let claimed = store.claim(&request).await.expect("an answer");
    claimed.map(|claimed| claimed.lease)
}

fn record(id: u32) -> Record {
    Record::IdeaStatus(IdeaStatus {
        idea_status_id: id.to_string(),
        ..IdeaStatus::default()
    })
}

fn page(ids: std::ops::Range<u32>) -> PageCommit {
    let rows: Vec<Row> = ids
        .map(|id| Row {
            record: record(id),
            hash: ContentHash([7; 16]),
            repeated: false,
        })
        .collect();
    PageCommit {
        connection_id: TENANT,
        stream: Stream::IdeaStatuses,
        found: rows.len() as u64,
        rows,
        invalid: Vec::new(),
        repeated: 0,
        left_out: 0,
        refused: 0,
        pages: 1,
        requests: 1,
        seen: vec![1],
        watermark: None,
        replies_read: Vec::new(),
        checkpoint: "half way".into(),
        end: None,
        at: at(2),
    }
}

async fn stored(store: &SqliteStore) -> usize {
    let records = store.records(TENANT, Stream::IdeaStatuses, None, 1_000).await;
    records.expect("records").len()
}

#[tokio::test]
async fn a_reopened_file_keeps_everything() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("a new folder/tributary.db");
    let store = open(&path).await;
    add_connection(&store).await;
    let lease = start_run(&store).await;
    store.commit_page(&lease, &page(0..3)).await.expect("a page");
    let run = store.run(RUN).await.expect("an answer");
    store.close().await;
    let closed = store.activate(TENANT, &By::operator(at(3))).await;
    assert!(matches!(closed, Err(StoreError::Unavailable(_))), "{closed:?}");

    let store = open(&path).await;
    assert_eq!(store.run(RUN).await.expect("an answer"), run);
    assert_eq!(stored(&store).await, 3);
    let seen = store.seen(RUN, Stream::IdeaStatuses).await.expect("an answer");
    assert_eq!(seen, [vec![1]]);
    let access = store.tenant_access(TENANT).await.expect("an answer");
    assert_eq!(access.expect("the connection").sealed_secret, "sealed");
    store
        .commit_page(&lease, &page(3..4))
        .await
        .expect("the lease still holds");
}

#[tokio::test]
async fn processes_that_open_a_new_file_at_once_all_can() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("tributary.db");
    let opening = (0..8).map(|_| {
        let path = path.clone();
        tokio::spawn(async move { open(&path).await })
    });
    let opening: Vec<_> = opening.collect();
    for store in opening {
        let store = store.await.expect("an open store");
        assert!(store.connections().await.expect("an answer").is_empty());
    }
}

#[tokio::test]
async fn a_commit_of_another_process_moves_the_marker_and_its_fence_holds() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("tributary.db");
    let (ours, theirs) = (open(&path).await, open(&path).await);
    let before = ours.change_marker().await.expect("a marker");
    add_connection(&theirs).await;
    let after = ours.change_marker().await.expect("a marker");
    assert_ne!(before, after);
    assert_eq!(ours.change_marker().await.expect("a marker"), after);
    assert_ne!(theirs.change_marker().await.expect("a marker"), before);

    let lease = start_run(&ours).await;
    assert!(claim(&theirs, 2).await.is_none());
    let taken_up = claim(&theirs, 40).await.expect("the lease has run out");
    ours.commit_page(&lease, &page(0..1))
        .await
        .expect_err("the lease is lost");
    theirs.commit_page(&taken_up, &page(0..2)).await.expect("a page");
    assert_eq!(stored(&ours).await, 2);
}

#[tokio::test]
async fn commits_of_two_processes_wait_for_each_other() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("tributary.db");
    let stores = [open(&path).await, open(&path).await];
    add_connection(&stores[0]).await;
    let lease = start_run(&stores[0]).await;
    let writing = stores.map(|store| {
        let lease = lease.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                store.commit_page(&lease, &page(0..5)).await.expect("a page");
            }
        })
    });
    for task in writing {
        task.await.expect("all pages");
    }
    let run = open(&path).await.run(RUN).await.expect("an answer").expect("it");
    let total = run.total();
    assert_eq!((total.found, total.new, total.unchanged), (500, 5, 495));
}

async fn refusal(path: &Path) -> String {
    match SqliteStore::open(path).await {
        Err(StoreError::Unavailable(message)) => message,
        other => panic!("{} is no place for a database: {other:?}", path.display()),
    }
}

#[tokio::test]
async fn what_is_no_database_is_named_and_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let text = folder.path().join("notes.txt");
    let content = "This is not a database. ".repeat(100);
    std::fs::write(&text, &content).expect("a file");
    let message = refusal(&text).await;
    assert!(message.contains("notes.txt"), "{message}");
    assert!(message.contains("not a database"), "{message}");
    assert!(message.contains("--database-url"), "{message}");
    assert_eq!(std::fs::read_to_string(&text).expect("the file"), content);

    let message = refusal(folder.path()).await;
    assert!(
        message.contains(&folder.path().display().to_string()),
        "{message}"
    );
    assert!(message.contains("--database-url"), "{message}");

    let below_a_file = refusal(&text.join("tributary.db")).await;
    assert!(below_a_file.contains("notes.txt"), "{below_a_file}");
}

/// Root may write anywhere but here.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let message = refusal(Path::new("/proc/sys/tributary.db")).await;
    assert!(message.contains("/proc/sys/tributary.db"), "{message}");
    assert!(message.contains("read and write"), "{message}");
}

#[tokio::test]
async fn an_entry_of_the_audit_trail_is_never_changed_or_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tributary.db");
    let store = SqliteStore::open(&path).await.expect("a database");
    let by = By {
        actor: Actor::Operator,
        origin: None,
        at: DateTime::UNIX_EPOCH,
    };
    for _ in 0..2 {
        store.note(Deed::LogInFailed, None, &by).await.expect("noted");
    }
    store.close().await;
    let mut program = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .expect("the file");
    for statement in [
        "UPDATE audit_entry SET origin = 'elsewhere' WHERE number = 1",
        "DELETE FROM audit_entry WHERE number = 2",
        "DELETE FROM audit_entry",
    ] {
        let refused = sqlx::query(statement).execute(&mut program).await;
        assert!(refused.is_err(), "{statement}");
    }
}
