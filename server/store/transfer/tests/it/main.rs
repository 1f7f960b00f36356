//! Everything that an installation on a file holds arrives on a server, also if the transfer is cut on its way.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ActivitySource, Connection, ConnectionId, Extent, Mode, Object, RunId, RunState, Stream, Trigger,
    record::{Activity, Content, ContentKind, InvalidReason, InvalidRecord, Record, User},
};
use store::{
    By, ClaimRequest, ConnectionStore as _, ContentHash, ExportCursor, ExportQuery, Finish, Lease,
    NewConnection, NewRun, PageCommit, PageStore as _, Row, RunStore as _, Store, StreamEnd, TrendStore as _,
};
use store_postgres::{PostgresStore, testing::TestDatabase};
use store_sqlite::SqliteStore;
use store_transfer::{Progress, TransferError, transfer};
use tempfile::TempDir;
use tokio::sync::Notify;
use uuid::Uuid;

/// More than one transaction of rows.
const USERS: u128 = 4_500;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600 + seconds) + TimeDelta::microseconds(1)
}

fn user(number: u128) -> Record {
    Record::User(Box::new(User {
        community_user_id: number.to_string(),
        username: format!("Zoë 👩‍💻 {number}"),
        email: (!number.is_multiple_of(3)).then(|| format!("user-{number}@example.com")),
        is_moderator: number.is_multiple_of(7),
        joined_at: at(0),
        ..User::default()
    }))
}

fn topic(number: u128) -> Record {
    Record::Content(Box::new(Content {
        kind: ContentKind::Topic,
        public_id: number.to_string(),
        posted_at: at(-86_400 * i64::try_from(number).expect("a small number")),
        reply_count: 1,
        tags: vec!["a".into(), "\"b\"".into()],
        ..Content::default()
    }))
}

fn view(number: u128) -> Record {
    Record::Activity(Activity {
        event_id: format!("event-{number}"),
        activity_type: "view".into(),
        // Over several months, and one that cannot be.
        occurred_at: at(-86_400 * 20 * i64::try_from(number).expect("a small number")),
        user_id: Some("1".into()),
        content_public_id: None,
    })
}

async fn commit(
    store: &SqliteStore,
    connection: ConnectionId,
    lease: &Lease,
    stream: Stream,
    records: Vec<Record>,
) {
    let invalid = vec![InvalidRecord {
        stream,
        reason: InvalidReason::MissingId,
        name: "no id".into(),
        message: "It has no id.".into(),
        payload: "{}".into(),
        payload_cut: false,
        topic_public_id: None,
        repaired_at: None,
    }];
    let page = PageCommit {
        connection_id: connection,
        stream,
        found: records.len() as u64 + 1,
        rows: records
            .into_iter()
            .map(|record| Row {
                record,
                hash: ContentHash([7; 16]),
                repeated: false,
            })
            .collect(),
        invalid,
        left_out: 0,
        repeated: 0,
        refused: 0,
        pages: 1,
        requests: 1,
        seen: vec![1, 2, 3],
        watermark: (stream == Stream::Users).then(|| at(1)),
        replies_read: Vec::new(),
        checkpoint: "half way".into(),
        end: Some(StreamEnd {
            at: at(2),
            source: ActivitySource::Api,
        }),
        at: at(2),
    };
    store.commit_page(lease, &page).await.expect("a page");
}

/// An installation with two tenants: a run that ended, and one under way.
async fn installation(path: &Path) {
    let store = SqliteStore::open(path).await.expect("a database");
    for number in [1, 2] {
        queue(&store, number).await;
    }
    for number in [1, 2] {
        let request = ClaimRequest {
            worker: "worker".into(),
            now: at(1),
            lease_ttl: std::time::Duration::from_secs(30),
            only: Some(RunId(Uuid::from_u128(10 + number))),
        };
        let claimed = store.claim(&request).await.expect("an answer");
        let lease = claimed.expect("the run").lease;
        bring(&store, ConnectionId(Uuid::from_u128(number)), &lease).await;
        if number == 1 {
            end(&store, &lease, 3).await;
            let connection = ConnectionId(Uuid::from_u128(number));
            store.rebuild_due_trends(connection).await.expect("trends");
        }
    }
    store.close().await;
}

async fn queue(store: &SqliteStore, number: u128) {
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
        .add_connection(&new, &By::operator(at(0)))
        .await
        .expect("a connection");
    let run = NewRun {
        id: RunId(Uuid::from_u128(10 + number)),
        connection_id: new.connection.id,
        trigger: Trigger::Manual,
        extent: Extent {
            mode: Mode::Full,
            all_replies: false,
        },
        queued_at: at(0),
    };
    store.enqueue(&run, None).await.expect("a run");
}

/// Every stream to its end.
async fn bring(store: &SqliteStore, connection: ConnectionId, lease: &Lease) {
    let streams = [
        (Stream::Users, (0..USERS).map(user).collect::<Vec<_>>()),
        (Stream::Topics, (0..40).map(topic).collect()),
        (Stream::Activity, (0..40).map(view).collect()),
        (Stream::Categories, Vec::new()),
        (Stream::IdeaStatuses, Vec::new()),
        (Stream::Replies, Vec::new()),
    ];
    for (stream, records) in streams {
        commit(store, connection, lease, stream, records).await;
    }
}

async fn end(store: &dyn Store, lease: &Lease, seconds: i64) {
    let finish = Finish {
        state: RunState::CompletedWithInvalid,
        cause: None,
        at: at(seconds),
        requests: 0,
        pace: store::KeptPace::default(),
    };
    store.finish(lease, &finish).await.expect("an end");
}

/// All that the console and the exports show.
async fn shown(store: &dyn Store) -> Vec<String> {
    let mut shown = vec![format!(
        "{:?}",
        store.overview(at(-1)).await.expect("an overview")
    )];
    for object in Object::ALL {
        let query = ExportQuery {
            object,
            connection: None,
            run: None,
            companies: None,
            limit: 1_000,
        };
        let mut after: Option<ExportCursor> = None;
        loop {
            let page = store.export_page(&query, after.as_ref()).await.expect("a page");
            shown.extend(page.rows.iter().map(|row| format!("{object} {row:?}")));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    shown
}

struct Ground {
    folder: TempDir,
    target: TestDatabase,
}

async fn ground() -> Option<Ground> {
    let target = TestDatabase::empty().await?;
    let folder = tempfile::tempdir().expect("a folder");
    let ground = Ground { folder, target };
    installation(&ground.source()).await;
    Some(ground)
}

impl Ground {
    fn source(&self) -> PathBuf {
        self.folder.path().join("tributary.db")
    }

    /// Cuts the transfer as soon as so many users have arrived.
    async fn cut_at_users(&self, many: u64) {
        let (enough, source) = (Arc::new(Notify::new()), self.source());
        let bell = Arc::clone(&enough);
        let mut tell = move |progress: Progress<'_>| {
            if matches!(progress, Progress::Copied { table: "community_user", rows, .. } if rows >= many) {
                bell.notify_one();
            }
        };
        tokio::select! {
            biased;
            () = enough.notified() => {}
            done = transfer(&source, self.target.url(), &mut tell) => panic!("it was not cut: {done:?}"),
        }
    }
}

#[tokio::test]
async fn a_transfer_that_is_cut_goes_on_and_everything_arrives_on_postgres() {
    let Some(ground) = ground().await else { return };
    let before = std::fs::read(ground.source()).expect("the file");
    ground.cut_at_users(2_000).await;
    let refused = PostgresStore::open(ground.target.url())
        .await
        .expect_err("half of it");
    assert!(refused.to_string().contains("being filled"), "{refused}");

    let moved = transfer(&ground.source(), ground.target.url(), &mut |_| {}).await;
    let moved = moved.expect("everything");
    let users = moved
        .iter()
        .find(|moved| moved.table == "community_user")
        .expect("users");
    assert_eq!(u128::from(users.rows), 2 * USERS);
    assert_eq!(
        std::fs::read(ground.source()).expect("the file"),
        before,
        "it was only read"
    );

    let theirs = SqliteStore::open(&ground.source()).await.expect("the source");
    let ours = PostgresStore::open(ground.target.url())
        .await
        .expect("the target");
    let (theirs, ours_shown) = (shown(&theirs).await, shown(&ours).await);
    assert!(theirs.len() > 9_000, "{}", theirs.len());
    assert_eq!(theirs, ours_shown);
    goes_on(&ours).await;

    let again = transfer(&ground.source(), ground.target.url(), &mut |_| {}).await;
    assert!(matches!(again, Err(TransferError::Refused(_))), "{again:?}");
}

/// The run that was under way is taken up there, and new rows get numbers of their own.
async fn goes_on(store: &PostgresStore) {
    let request = ClaimRequest {
        worker: "another".into(),
        now: at(100),
        lease_ttl: std::time::Duration::from_secs(30),
        only: None,
    };
    let claimed = store.claim(&request).await.expect("an answer");
    let claimed = claimed.expect("the run");
    assert_eq!(claimed.checkpoint.as_deref(), Some("half way"));
    end(store, &claimed.lease, 103).await;
    let rebuilt = store.rebuild_due_trends(claimed.run.connection_id).await;
    assert!(
        rebuilt.expect("trends") > 30,
        "days that were due are due there, too"
    );
}

#[tokio::test]
async fn a_row_that_differs_on_postgres_is_found() {
    let Some(ground) = ground().await else { return };
    ground.cut_at_users(4_000).await;
    ground
        .target
        .execute("UPDATE community_user SET title = 'tampered with' WHERE community_user_id = '1'")
        .await;
    let found = transfer(&ground.source(), ground.target.url(), &mut |_| {}).await;
    match found {
        Err(TransferError::Differs {
            table,
            source_rows,
            target_rows,
        }) => {
            assert_eq!((table.as_str(), source_rows), ("community_user", target_rows));
        }
        other => panic!("{other:?}"),
    }
    PostgresStore::open(ground.target.url())
        .await
        .expect_err("it is not to be used");
}

#[tokio::test]
async fn a_postgres_database_that_holds_something_is_left_alone() {
    let Some(ground) = ground().await else { return };
    let nothing = ground.folder.path().join("notes.db");
    std::fs::write(&nothing, "not a database").expect("a file");
    let refused = transfer(&nothing, ground.target.url(), &mut |_| {}).await;
    assert!(refused.is_err(), "{refused:?}");
    ground.target.execute("INSERT INTO connection (id, tenant_id, name, base_url, base_authority, client_id, sealed_secret, created_at) \
        VALUES (gen_random_uuid(), 'other', '', '', '', '', '', 0)").await;
    let refused = transfer(&ground.source(), ground.target.url(), &mut |_| {}).await;
    assert!(
        refused
            .expect_err("it has a connection")
            .to_string()
            .contains("empty database")
    );
}
