//! Objects as people see them who open the file with another program, and rows that are deleted.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Connection, ConnectionId, Extent, Mode, Object, RunId, Stream, Trigger,
    record::{Content, Record, User},
};
use sqlx::{Connection as _, SqliteConnection};
use store::{
    By, Cell, ClaimRequest, ConnectionStore as _, ContentHash, ExportQuery, ExportStore as _, NewConnection,
    NewRun, PageCommit, PageStore as _, Row, RunStore as _, TrendStore as _, fields,
};
use store_sqlite::SqliteStore;
use uuid::Uuid;

const AT_MICROS: i64 = 1_767_225_600_000_000;

fn at() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::microseconds(AT_MICROS)
}

async fn connect(store: &SqliteStore, number: u128, tenant: &str) -> ConnectionId {
    let new = NewConnection {
        connection: Connection {
            id: ConnectionId(Uuid::from_u128(number)),
            tenant_id: tenant.parse().expect("a tenant id"),
            name: tenant.into(),
            base_url: "https://api.example".parse().expect("a base URL"),
            client_id: format!("client-{number}"),
            deactivated_at: None,
            activity_source: None,
            created_at: at(),
        },
        sealed_secret: "sealed".into(),
        decoder: 1,
    };
    store
        .add_connection(&new, &By::operator(at()))
        .await
        .expect("a connection");
    new.connection.id
}

/// A run that brings one user and one topic, each with the id 1.
async fn bring(store: &SqliteStore, connection: ConnectionId) {
    let run = RunId(Uuid::from_u128(connection.0.as_u128() + 1_000));
    let new = NewRun {
        id: run,
        connection_id: connection,
        trigger: Trigger::Manual,
        extent: Extent {
            mode: Mode::Full,
            all_replies: false,
        },
        queued_at: at(),
    };
    store.enqueue(&new, None).await.expect("a run");
    let request = ClaimRequest {
        worker: "worker".into(),
        now: at(),
        lease_ttl: std::time::Duration::from_secs(30),
        only: Some(run),
    };
    let claimed = store.claim(&request).await.expect("an answer").expect("the run");
    let user = Record::User(Box::new(User {
        community_user_id: "1".into(),
        joined_at: at(),
        ..User::default()
    }));
    let topic = Record::Content(Box::new(Content {
        public_id: "1".into(),
        posted_at: at(),
        ..Content::default()
    }));
    for record in [user, topic] {
        let commit = PageCommit {
            connection_id: connection,
            stream: record.stream(),
            rows: vec![Row {
                hash: ContentHash([1; 16]),
                record,
                repeated: false,
            }],
            invalid: Vec::new(),
            found: 1,
            repeated: 0,
            left_out: 0,
            refused: 0,
            pages: 1,
            requests: 1,
            seen: Vec::new(),
            watermark: None,
            replies_read: Vec::new(),
            checkpoint: "checkpoint".into(),
            end: None,
            at: at(),
        };
        store.commit_page(&claimed.lease, &commit).await.expect("a page");
    }
}

async fn other_program(path: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .expect("the file")
}

async fn texts(path: &Path, sql: &'static str) -> Vec<String> {
    let mut program = other_program(path).await;
    sqlx::query_scalar(sql)
        .fetch_all(&mut program)
        .await
        .expect("rows")
}

#[tokio::test]
async fn every_tenant_has_views_with_readable_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tributary.db");
    let store = SqliteStore::open(&path).await.expect("a database");
    for (number, tenant) in [(1, "customer-en"), (2, "customer_en"), (3, "2nd")] {
        let connection = connect(&store, number, tenant).await;
        bring(&store, connection).await;
        store.rebuild_due_trends(connection).await.expect("trends");
    }
    store.close().await;
    // Opening anew makes nothing twice, and again what a change of the tables had to drop.
    sqlx::query("DROP VIEW all_community_user")
        .execute(&mut other_program(&path).await)
        .await
        .expect("dropped");
    SqliteStore::open(&path)
        .await
        .expect("the database")
        .close()
        .await;

    let joined = texts(
        &path,
        "SELECT tenant_id || ' ' || joined_at FROM community_customer_en_user",
    )
    .await;
    assert_eq!(joined, ["customer-en 2026-01-01T00:00:00Z"]);
    let joined = texts(&path, "SELECT tenant_id FROM community_customer_en_2_user").await;
    assert_eq!(joined, ["customer_en"], "a name that was taken");
    let days = texts(
        &path,
        "SELECT day || ' ' || kind || ' ' || count FROM community_2nd_trend",
    )
    .await;
    assert_eq!(days, ["2026-01-01 topic 1"]);
    let all = texts(&path, "SELECT tenant_id FROM all_community_content ORDER BY 1").await;
    assert_eq!(all, ["2nd", "customer-en", "customer_en"]);
    let views = texts(&path, "SELECT name FROM sqlite_schema WHERE type = 'view'").await;
    assert_eq!(views.len(), 6 + 3 * 6, "{views:?}");
    for view in views {
        let mut program = other_program(&path).await;
        let select = sqlx::AssertSqlSafe(format!("SELECT * FROM {view}"));
        sqlx::query(select).fetch_all(&mut program).await.expect("rows");
    }
}

#[tokio::test]
async fn deleted_rows_are_exported_and_no_trend_counts_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tributary.db");
    let store = SqliteStore::open(&path).await.expect("a database");
    let connection = connect(&store, 1, "customer-en").await;
    bring(&store, connection).await;
    assert_eq!(store.rebuild_due_trends(connection).await.expect("trends"), 1);

    let mut program = other_program(&path).await;
    for sql in [
        "UPDATE community_user SET deleted_at = 1767225600000000",
        "UPDATE community_content SET deleted_at = 1767225600000000",
    ] {
        sqlx::query(sql).execute(&mut program).await.expect("deleted");
    }
    assert_eq!(store.rebuild_due_trends(connection).await.expect("trends"), 1);

    for (object, rows) in [(Object::Users, 1), (Object::Content, 1), (Object::Trends, 0)] {
        let query = ExportQuery {
            object,
            connection: None,
            run: None,
            companies: None,
            limit: 10,
        };
        let page = store.export_page(&query, None).await.expect("a page");
        assert_eq!(page.rows.len(), rows, "{object}");
        for row in page.rows {
            let deleted_at = fields(object).iter().position(|field| field.name == "deleted_at");
            assert_eq!(deleted_at.map(|index| &row[index]), Some(&Cell::Time(at())));
        }
    }
    let stored = store.records(connection, Stream::Users, None, 10).await;
    assert_eq!(stored.expect("records"), [], "deleted");
}
