use std::{path::Path, time::Duration};

use sqlx::{
    Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
    pool::PoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use store::{Fenced, StoreError};
use tokio::sync::Mutex;

use crate::error::database;

/// Pages and the log are read side by side; a commit does not stop them.
const READERS: u32 = 4;

/// Another process of this machine may hold the writer for as long as a large commit takes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// The upserts come in several widths and lengths, and each is prepared once.
const STATEMENTS_CACHED: usize = 400;

/// The store on one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Writes nothing itself, so that `PRAGMA data_version` tells it of every commit.
    observer: Mutex<SqliteConnection>,
}

impl SqliteStore {
    /// Opens the file, makes it and its folder if they are missing, and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let unavailable = |reason: String| {
            StoreError::Unavailable(format!(
                "the database {} cannot be opened: {reason}. Check that it is a SQLite file of Tributary that this user may read and write, or give another with --database-url sqlite://PATH",
                path.display()
            ))
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| unavailable(error.to_string()))?;
        }
        Self::connect(path)
            .await
            .map_err(|error| unavailable(error.to_string()))
    }

    async fn connect(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With the write-ahead log a crash of the process loses nothing; a power cut loses at most the last
            // commits, together with their checkpoints.
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(STATEMENTS_CACHED);
        let lasting = PoolOptions::<Sqlite>::new().idle_timeout(None).max_lifetime(None);
        let writer = lasting
            .clone()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        let reading = options.clone().pragma("query_only", "on");
        let readers = lasting
            .max_connections(READERS)
            .connect_with(reading.clone())
            .await?;
        let observer = Mutex::new(SqliteConnection::connect_with(&reading).await?);
        Ok(Self {
            writer,
            readers,
            observer,
        })
    }

    /// Folds the write-ahead log in and lets go of the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// A writing transaction. It takes the writer's lock at once: one that began by reading could not wait for it.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(database)
    }

    pub(crate) async fn data_version(&self) -> Result<i64, StoreError> {
        let mut observer = self.observer.lock().await;
        sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut *observer)
            .await
            .map_err(database)
    }
}

/// Commits if the write was allowed; a transaction that is dropped is rolled back.
pub(crate) async fn commit<T>(transaction: Transaction<'static, Sqlite>, value: T) -> Result<T, Fenced> {
    transaction.commit().await.map_err(database)?;
    Ok(value)
}
