use std::{
    future::pending,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use store::{Fenced, SaltKeeper, StoreError};
use tokio::{sync::Mutex, task::JoinError};
use tokio_util::task::AbortOnDropHandle;

use crate::{error::database, views};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Connections that serve pages of the console; more would only wait for the same cores.
const READERS: u32 = 4;

/// Another process of this machine may hold the write lock for as long as a large commit takes. Well below the 30 s of a
/// lease, so that a worker that waits here still knows whether its lease holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The write-ahead log is folded in after so many pages, 32 MB: a page that changes often is written into the file less often
/// than with SQLite's own 1,000.
const CHECKPOINT_PAGES: &str = "8000";

/// The upserts come in several widths and lengths, and each is prepared once.
const STATEMENTS_CACHED: usize = 400;

/// A new file's switch to the write-ahead log does not wait for the busy timeout, so it is tried this often ...
const OPEN_ATTEMPTS: u32 = 50;
/// ... with this pause, which adds up to one second.
const OPEN_PAUSE: Duration = Duration::from_millis(20);

/// Primary result codes, from SQLite's documentation ("Result and Error Codes").
pub(crate) const SQLITE_BUSY: i32 = 5;
const SQLITE_READONLY: i32 = 8;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_NOTADB: i32 = 26;

/// The store on one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// Opens the hashes by which erased persons are told.
    pub(crate) salts: SaltKeeper,
    writer: SqlitePool,
    readers: SqlitePool,
    /// Writes nothing itself, so that `PRAGMA data_version` tells it of every commit. `None` once closed.
    observer: Mutex<Option<SqliteConnection>>,
}

impl SqliteStore {
    /// Opens the file, makes it and its folder if they are missing, and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        make_folder(path)?;
        let options = options(path);
        let mut first = connect(path, &options).await?;
        migrate(path, &mut first).await?;
        first.close().await.map_err(|error| unavailable(path, &error))?;
        let reading = options.clone().pragma("query_only", "on");
        let observer = Mutex::new(Some(connect(path, &reading).await?));
        let lasting = PoolOptions::<Sqlite>::new()
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false);
        let writing = options.pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
        let writer = lasting.clone().max_connections(1).connect_with(writing).await;
        let readers = lasting.max_connections(READERS).connect_with(reading).await;
        Ok(Self {
            path: path.to_owned(),
            salts: SaltKeeper::default(),
            writer: writer.map_err(|error| unavailable(path, &error))?,
            readers: readers.map_err(|error| unavailable(path, &error))?,
            observer,
        })
    }

    /// Folds the write-ahead log in and lets go of the file. Later calls fail.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Some(observer) = self.observer.lock().await.take() {
            // It only read: nothing of it can be lost.
            let _ = observer.close().await;
        }
        // The last to go folds the log in.
        self.writer.close().await;
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// For what is no transaction. There is one such connection.
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Writes a whole, consistent copy into a file that is empty or missing. Other processes go on working.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        sqlx::query("VACUUM INTO $1")
            .bind(to.display().to_string())
            .execute(&self.writer)
            .await
            .map(|_| ())
            .map_err(database)
    }

    /// Whether a file is a database of Tributary, and whole. Only reads it.
    pub async fn verify(path: &Path) -> Result<(), StoreError> {
        let reading = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .disable_statement_logging();
        let mut connection = connect(path, &reading).await?;
        let failed = |error| unavailable(path, &error);
        let tables: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('_sqlx_migrations', 'run_stream')",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
        if tables != 2 {
            return Err(StoreError::Unavailable(format!(
                "The file {} is no database of Tributary.",
                path.display()
            )));
        }
        let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        connection.close().await.map_err(failed)?;
        if found == "ok" {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "The file {} is damaged: {found}.",
            path.display()
        )))
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// A writing transaction. It takes the write lock at once: one that began by reading would fail instead of waiting
    /// if another process had written meanwhile.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        begin(&self.writer).await
    }

    pub(crate) async fn data_version(&self) -> Result<i64, StoreError> {
        let mut observer = self.observer.lock().await;
        let observer = observer
            .as_mut()
            .ok_or_else(|| database(sqlx::Error::PoolClosed))?;
        sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(observer)
            .await
            .map_err(database)
    }
}

/// As `SqliteStore::begin` does.
pub(crate) async fn begin(writer: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    writer.begin_with("BEGIN IMMEDIATE").await.map_err(database)
}

/// A task of its own, which goes on while whoever asked for it is busy with something else, and ends with them.
pub(crate) async fn in_own_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let ended = AbortOnDropHandle::new(tokio::spawn(work)).await;
    match ended.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Only the end of the runtime ends it otherwise, and whoever asked as well.
        Err(Err(_)) => pending().await,
    }
}

/// Commits if the write was allowed; a transaction that is dropped is rolled back.
pub(crate) async fn commit<T>(transaction: Transaction<'static, Sqlite>, value: T) -> Result<T, Fenced> {
    transaction.commit().await.map_err(database)?;
    Ok(value)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A power cut may undo the last commits, but never tears one: a run then goes on from an earlier page.
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_CACHED)
        .disable_statement_logging()
}

async fn connect(path: &Path, options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let mut attempt = 1;
    loop {
        match options.connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) if primary_code(&error) == Some(SQLITE_BUSY) && attempt < OPEN_ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(OPEN_PAUSE).await;
            }
            Err(error) => return Err(unavailable(path, &error)),
        }
    }
}

/// In one transaction that holds the write lock: of two processes that open a new file at once, one does it.
async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(|error| unavailable(path, &error))?;
    let migrated = MIGRATIONS.run_direct(None, &mut *transaction, false).await;
    migrated.map_err(|error| migration_failed(path, error))?;
    let refreshed = views::refresh(&mut transaction).await;
    refreshed.map_err(|error| unavailable(path, &error))?;
    transaction
        .commit()
        .await
        .map_err(|error| unavailable(path, &error))
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|error| {
        StoreError::Unavailable(format!(
            "The folder {} for the database cannot be made: {error}. Name a place that this user may write to (--database-url).",
            folder.display()
        ))
    })
}

/// The database's result code without its extension, which is all but the lowest byte.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

fn unavailable(path: &Path, error: &sqlx::Error) -> StoreError {
    let advice = match primary_code(error) {
        Some(SQLITE_BUSY) => "Another process holds it; end that one, or try again when it is done.",
        Some(SQLITE_READONLY) => "Let this user write to the file and to its folder.",
        Some(SQLITE_FULL) => "Make room on the disk.",
        Some(SQLITE_CANTOPEN) => {
            "Name a file in a folder that this user may read and write (--database-url)."
        }
        Some(SQLITE_NOTADB) => {
            "The file is something else; name another one (--database-url), or move it away."
        }
        _ => "Check the file, its folder and the disk, or name another place (--database-url).",
    };
    let reason = error
        .as_database_error()
        .map_or_else(|| error.to_string(), |refusal| refusal.message().to_owned());
    StoreError::Unavailable(format!(
        "The database {} cannot be opened: {reason}. {advice}",
        path.display()
    ))
}

fn migration_failed(path: &Path, error: MigrateError) -> StoreError {
    let path_shown = path.display();
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => unavailable(path, &error),
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) => {
            StoreError::Unavailable(format!(
                "The database {path_shown} was written by another version of Tributary ({error}). Use that version, or a newer one."
            ))
        }
        other => StoreError::Unavailable(format!(
            "The database {path_shown} cannot be brought up to date: {other}."
        )),
    }
}
