//! A database of a test's own.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

use crate::PostgresStore;

/// The server that tests may make databases on.
const SERVER: &str = "TRIBUTARY_TEST_POSTGRES_URL";

/// An empty database with its tables, which is dropped at the end.
#[derive(Debug)]
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
    url: String,
}

impl TestDatabase {
    /// `None` if there is no server to test on: then the caller's test shows nothing, and this says so. With `CI` set that
    /// is a failure.
    pub async fn migrated() -> Option<Self> {
        let database = Self::empty().await?;
        PostgresStore::migrate(database.url()).await.expect("tables");
        Some(database)
    }

    /// The same without tables.
    pub async fn empty() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Some(server) = variable(SERVER) else {
            assert!(
                variable("CI").is_none(),
                "{SERVER} is not set: what the store does on PostgreSQL was not tested"
            );
            eprintln!("NOT TESTED: {SERVER} is not set, so there is no PostgreSQL to test on");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tributary_test_{}_{number}", std::process::id());
        let url = named(&server, &name);
        let server: PgConnectOptions = server.parse().expect("the URL of a server");
        let database = Self { server, name, url };
        let mut connection = database.server.connect().await.expect("the server");
        database.drop_on(&mut connection).await;
        // Its text is made of fixed words and numbers. A collation that is not that of bytes finds sorting that relies on it.
        sqlx::query(AssertSqlSafe(format!(
            "CREATE DATABASE {} TEMPLATE template0",
            database.name
        )))
        .execute(&mut connection)
        .await
        .expect("a database");
        connection.close().await.expect("closed");
        Some(database)
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn drop_on(&self, connection: &mut PgConnection) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        sqlx::query(AssertSqlSafe(drop))
            .execute(connection)
            .await
            .expect("dropped");
    }
}

impl Drop for TestDatabase {
    /// On a thread and in a runtime of its own: a test's runtime cannot be waited for from within.
    fn drop(&mut self) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(async {
                    let mut connection = self.server.connect().await.expect("the server");
                    self.drop_on(&mut connection).await;
                });
            });
        });
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line; the variables are theirs"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The URL of another database on the same server.
fn named(server: &str, name: &str) -> String {
    let (before, options) = server
        .split_once('?')
        .map_or((server, ""), |(before, options)| (before, options));
    let scheme = before.find("://").map_or(0, |at| at + 3);
    let path = before[scheme..].find('/').map_or(before.len(), |at| scheme + at);
    format!("{}/{name}?{options}", &before[..path])
}
