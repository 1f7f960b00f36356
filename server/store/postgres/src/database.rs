use std::{
    collections::{HashMap, HashSet},
    io::ErrorKind,
    ops::{Deref, DerefMut},
    str::FromStr,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection as _, PgConnection, PgPool, Postgres, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgListener, PgSslMode},
};
use store::{Fenced, SaltKeeper, StoreError};
use tokio::sync::Mutex;

use crate::{error::database, months::Months, views};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Of one process, unless the operator says otherwise. A server's default is 100 for all of its clients.
pub const CONNECTIONS: u32 = 17;
/// With fewer there is none left for one of its purposes.
pub const CONNECTIONS_MIN: u32 = 3;

/// A server that restarts is waited for this long before a statement fails: well below the 30 s of a lease.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Whatever takes longer has gone astray. Counting the matches of a million members takes about a second.
const STATEMENT_TIMEOUT: &str = "60s";
/// Waiting for another transaction: below the 30 s of a lease.
const LOCK_TIMEOUT: &str = "20s";
/// A process that is stopped, or cut off, in the middle of a transaction holds its run's row; the server ends the
/// transaction after this, so that the run can be taken up as soon as its lease has run out.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "15s";

/// For statements that find their rows by key, as those of a run do. To make a plan takes longer than such a statement does,
/// so it is made once; and it is one that stays good while a first sync fills a table that was empty when it was made.
const KEPT_PLANS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// For a transaction whose statements are better planned each time, for what they are given: [`KEPT_PLANS`] are left.
const BEGIN_PLANNED: &str = "BEGIN; SET LOCAL plan_cache_mode = force_custom_plan;
    SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on;
    SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on";

/// For what may be lost if the server breaks down within the second: it does not wait for the disk.
const BEGIN_UNSYNCED: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// A writing connection that was used so lately is taken as it is. Others are asked first whether they still stand, which
/// costs one way to the server: a run takes some thirty of them from the pool, a few milliseconds after each other.
const TRUSTED_FOR: Duration = Duration::from_millis(100);

/// On which processes tell each other of queued runs.
const QUEUE: &str = "tributary_queue";

/// The upserts come for each table, and everything else is a few dozen statements.
const STATEMENTS_CACHED: usize = 200;

/// The store on a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    writers: PgPool,
    readers: PgPool,
    /// Opens the hashes by which erased persons are told.
    pub(crate) salts: SaltKeeper,
    /// Hears of queued runs; made when somebody waits for them.
    listener: Mutex<Option<PgListener>>,
    /// For the listener alone, which keeps its connection.
    listening: PgPool,
    pub(crate) months: Months,
    /// Whether the server's certificate is verified in full; `None` if it is reached by a socket of this machine.
    verified: Option<bool>,
}

/// What stands between this process and the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A socket of this machine.
    Socket,
    /// Whoever sits in between can read and change what passes.
    Clear,
    /// `verified` says that the server has shown a certificate for its name, of an authority that is trusted.
    Encrypted { protocol: String, verified: bool },
}

impl PostgresStore {
    /// Connects to the database, and refuses one whose tables this build cannot work with.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, CONNECTIONS).await
    }

    /// The same with at most so many connections, or [`CONNECTIONS_MIN`]: one hears of queued runs, half of the others are
    /// for runs and for what people change, and half for pages and exports; apart, so that a crowd of readers does not keep
    /// a run from renewing its lease.
    pub async fn open_with(url: &str, connections: u32) -> Result<Self, StoreError> {
        let readers = (connections.max(CONNECTIONS_MIN) - 1) / 2;
        let writers = connections.max(CONNECTIONS_MIN) - 1 - readers;
        let options = options(url)?;
        let mut first = connect(&options).await?;
        check_version(&options, &mut first).await?;
        // Its answer is known.
        let _ = first.close().await;
        let pool = |connections| {
            PoolOptions::<Postgres>::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
        };
        let reading = options.clone().options([("default_transaction_read_only", "on")]);
        let writing = options.clone().options(KEPT_PLANS);
        Ok(Self {
            listening: pool(1).connect_lazy_with(options.clone()),
            verified: verified(&options),
            writers: pool(writers)
                .test_before_acquire(false)
                .before_acquire(|connection, used| Box::pin(still_stands(connection, used.idle_for)))
                .connect_lazy_with(writing),
            readers: pool(readers).connect_lazy_with(reading),
            salts: SaltKeeper::default(),
            listener: Mutex::default(),
            months: Months::default(),
        })
    }

    /// Brings the database's tables up to date. Of several processes at once one does it, and the others wait.
    pub async fn migrate(url: &str) -> Result<(), StoreError> {
        let options = options(url)?;
        let migrating = options.clone().options([
            ("statement_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
        ]);
        let mut connection = connect(&migrating).await?;
        MIGRATIONS
            .run(&mut connection)
            .await
            .map_err(|error| migration_failed(&options, error))?;
        let refreshed = views::refresh(&mut connection).await;
        refreshed.map_err(|error| unavailable(&options, &error))?;
        // What it did is committed.
        let _ = connection.close().await;
        Ok(())
    }

    /// What stands between this process and the server. A pooler in between speaks for the server: how it speaks with
    /// that it does not tell.
    pub async fn channel(&self) -> Result<Channel, StoreError> {
        let Some(verified) = self.verified else {
            return Ok(Channel::Socket);
        };
        let protocol: Option<String> =
            sqlx::query_scalar("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl")
                .fetch_optional(&self.readers)
                .await
                .map_err(database)?
                .flatten();
        Ok(match protocol {
            None => Channel::Clear,
            Some(protocol) => Channel::Encrypted { protocol, verified },
        })
    }

    /// Ends all connections. Later calls fail.
    pub async fn close(&self) {
        // Else its connection would be waited for. Whoever listens right now hears of the end by it.
        if let Ok(mut listener) = self.listener.try_lock() {
            listener.take();
        }
        self.listening.close().await;
        self.readers.close().await;
        self.writers.close().await;
    }

    /// Returns when some process has queued a run or given one back. It may return for nothing, and while the server is not
    /// to be had it does not return: whoever waits looks from time to time all the same.
    pub async fn queue_moved(&self) {
        let mut listener = self.listener.lock().await;
        if listener.is_none() {
            *listener = self.listen().await.ok();
        }
        let heard = match listener.as_mut() {
            Some(listener) => listener.recv().await.is_ok(),
            None => false,
        };
        if !heard {
            *listener = None;
            drop(listener);
            std::future::pending::<()>().await;
        }
    }

    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.listening).await?;
        listener.listen(QUEUE).await?;
        Ok(listener)
    }

    pub(crate) fn readers(&self) -> &PgPool {
        &self.readers
    }

    pub(crate) fn writers(&self) -> &PgPool {
        &self.writers
    }

    /// [`BEGIN_PLANNED`]
    pub(crate) async fn begin(&self) -> Result<Write, StoreError> {
        self.begin_with(BEGIN_PLANNED).await
    }

    /// [`KEPT_PLANS`]
    pub(crate) async fn begin_by_key(&self) -> Result<Write, StoreError> {
        self.begin_with("BEGIN").await
    }

    /// [`KEPT_PLANS`], [`BEGIN_UNSYNCED`]
    pub(crate) async fn begin_by_key_unsynced(&self) -> Result<Write, StoreError> {
        self.begin_with(BEGIN_UNSYNCED).await
    }

    async fn begin_with(&self, statement: &'static str) -> Result<Write, StoreError> {
        let transaction = self.ask_by_key(|| self.writers.begin_with(statement)).await?;
        Ok(Write { transaction })
    }

    /// Asks on a writing connection, by [`KEPT_PLANS`]. Any of them may have been cut since it was used: then the next is
    /// asked, so it is nothing that must not be done twice.
    pub(crate) async fn ask_by_key<T, F>(&self, ask: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        for _ in 0..self.writers.size() {
            match ask().await {
                Ok(answer) => return Ok(answer),
                // The server was waited for.
                Err(error @ sqlx::Error::PoolTimedOut) => return Err(database(error)),
                Err(error) => match database(error) {
                    StoreError::ConnectionLost(_) => {}
                    other => return Err(other),
                },
            }
        }
        ask().await.map_err(database)
    }
}

/// A writing transaction. Each statement sees what others have committed before it began, so whatever is decided upon is
/// locked first. One that is dropped is rolled back.
#[derive(Debug)]
pub(crate) struct Write {
    transaction: Transaction<'static, Postgres>,
}

impl Write {
    /// Commits, and lets other processes see that something has changed.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        sqlx::query("UPDATE change_marker SET commits = commits + 1 WHERE slot = pg_backend_pid() % 64")
            .execute(&mut *self)
            .await
            .map_err(database)?;
        self.commit_quietly().await
    }

    /// Gives its locks back before the answer is known: one that is dropped keeps them for a moment more, and a claim leaves
    /// out what is locked.
    pub(crate) async fn roll_back(self) -> Result<(), StoreError> {
        self.transaction.rollback().await.map_err(database)
    }

    /// Commits what has marked the change itself, if there is one.
    pub(crate) async fn commit_quietly(self) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(database)
    }
}

impl Deref for Write {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

/// Wakes workers once this transaction is committed. Rare, since a server lets only one transaction at a time notify.
pub(crate) async fn ring(write: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_notify($1, '')")
        .bind(QUEUE)
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// Commits if the write was allowed.
pub(crate) async fn commit<T>(write: Write, value: T) -> Result<T, Fenced> {
    write.commit().await?;
    Ok(value)
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| {
        // The URL may hold a password, so it is not repeated.
        StoreError::Unavailable(format!(
            "The database URL cannot be read: {error}. Give one such as postgres://user@host:5432/tributary?sslmode=verify-full."
        ))
    })?;
    Ok(options
        .application_name("tributary")
        .statement_cache_capacity(STATEMENTS_CACHED)
        .options([
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("lock_timeout", LOCK_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
            // A plan that was made for an empty table would be kept while a first sync fills it; see [`KEPT_PLANS`].
            ("plan_cache_mode", "force_custom_plan"),
            // It pays for long analyses only.
            ("jit", "off"),
        ])
        .disable_statement_logging())
}

fn verified(options: &PgConnectOptions) -> Option<bool> {
    let by_socket = options.get_socket().is_some() || options.get_host().starts_with('/');
    (!by_socket).then(|| matches!(options.get_ssl_mode(), PgSslMode::VerifyFull))
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connecting = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect());
    match connecting.await {
        Ok(connected) => connected.map_err(|error| unavailable(options, &error)),
        Err(_) => Err(unavailable(options, &sqlx::Error::PoolTimedOut)),
    }
}

async fn still_stands(connection: &mut PgConnection, idle_for: Duration) -> Result<bool, sqlx::Error> {
    if idle_for <= TRUSTED_FOR {
        return Ok(true);
    }
    Ok(connection.ping().await.is_ok())
}

/// What is applied is compared with what this build knows.
async fn check_version(options: &PgConnectOptions, connection: &mut PgConnection) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| unavailable(options, &error);
    let name = shown(options);
    let known: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let behind = |what: &str| {
        Err(StoreError::Unavailable(format!(
            "The database {name} {what}. Bring it up to date with: tributary migrate."
        )))
    };
    if !known {
        return behind("has no tables of Tributary yet");
    }
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
    let applied: HashMap<i64, Vec<u8>> = applied.into_iter().collect();
    for migration in MIGRATIONS.iter() {
        match applied.get(&migration.version) {
            None => return behind("is of an older version"),
            Some(checksum) if checksum.as_slice() != migration.checksum.as_ref() => {
                return Err(StoreError::Unavailable(format!(
                    "The database {name} was made by another build of Tributary (migration {} differs). Use that build, or a newer one.",
                    migration.version
                )));
            }
            Some(_) => {}
        }
    }
    let copying: bool = sqlx::query_scalar("SELECT to_regclass('transfer_under_way') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if copying {
        return Err(StoreError::Unavailable(format!(
            "The database {name} is being filled from another one, which is not finished. Run the same tributary migrate --from … --to … again: it goes on where it stopped."
        )));
    }
    let floor: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(migration), 0) FROM schema_floor")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let ours: HashSet<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    if !ours.contains(&floor) {
        return Err(StoreError::Unavailable(format!(
            "The database {name} is of a newer version of Tributary, and this one is too old to work on it. Use the newer one."
        )));
    }
    Ok(())
}

/// The database by name, without the password.
fn shown(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(
        || options.get_host().to_owned(),
        |socket| socket.display().to_string(),
    );
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("{database} on {host}:{}", options.get_port())
}

fn unavailable(options: &PgConnectOptions, error: &sqlx::Error) -> StoreError {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let advice = match code.as_deref() {
        Some("28P01" | "28000") => {
            "Check the user and the password (in the URL, PGPASSWORD or a password file), and that the server lets this host in."
        }
        Some("3D000") => "Make the database first: createdb.",
        Some("42501") => {
            "Give the role its rights; README.md has the statements. Tables are changed by: tributary migrate, as their owner."
        }
        Some("53300") => {
            "The server has no free connection: raise its max_connections, or end what is not needed."
        }
        Some("57P03") => "The server starts or stops: try again in a moment.",
        Some(_) => "The message is the server's.",
        None if is_of_tls(error) => {
            "The connection cannot be encrypted as sslmode asks. With verify-full the server needs a certificate for the host in the URL, of an authority that is known or named with sslrootcert=FILE; with require it must at least offer TLS (ssl = on)."
        }
        None => "Check the host, the port and sslmode in the URL, and that the server runs.",
    };
    let reason = error
        .as_database_error()
        .map_or_else(|| error.to_string(), |refusal| refusal.message().to_owned());
    StoreError::Unavailable(format!(
        "The database {} cannot be used: {reason}. {advice}",
        shown(options)
    ))
}

/// A certificate that is refused comes as a failure of input and output, with the reason within.
fn is_of_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(failed) => failed.kind() == ErrorKind::InvalidData,
        _ => false,
    }
}

fn migration_failed(options: &PgConnectOptions, error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            unavailable(options, &error)
        }
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) => {
            StoreError::Unavailable(format!(
                "The database {} was written by another version of Tributary ({error}). Use that version, or a newer one.",
                shown(options)
            ))
        }
        other => StoreError::Unavailable(format!(
            "The database {} cannot be brought up to date: {other}.",
            shown(options)
        )),
    }
}
