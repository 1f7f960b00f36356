//! What every command that works with data needs: the open database, the key, the clock and the ids.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use connector::AllowedHosts;
use domain::{Connection, TenantId};
use secrecy::{ExposeSecret as _, SecretString};
use store::{OpenSalt, SALT_NAME, Salt, Store, StoreError};
use store_postgres::{Channel, PostgresStore};
use store_sqlite::SqliteStore;
use sync::{Clock, Unifier};
use unification::{Lists, Threads};

use crate::{
    cli::Cli,
    commands::on_a_server,
    config::{Database, DatabaseUrl, KeyFile},
    error::{CommandError, with_sources},
    metrics::Metrics,
    operations::webhook::Webhook,
    secrets::{Hold, KeyError, KeyRing, OpenError, hold},
    system::{SystemClock, SystemIds},
};

/// Where things are, before anything is opened.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) database: DatabaseUrl,
    pub(crate) key_file: PathBuf,
    /// To a server, at most.
    pub(crate) connections: u32,
}

impl Places {
    pub(crate) fn of(database: &Database, key_file: &KeyFile) -> Result<Self, CommandError> {
        let connections = database.database_connections;
        let database = database.url()?;
        Ok(Self {
            key_file: key_file.path(&database)?,
            database,
            connections,
        })
    }
}

/// The open database. The one place that names the concrete stores.
#[derive(Clone)]
pub(crate) enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    /// Opens the database. The embedded one is made if there is none, and brought to this version; on PostgreSQL
    /// `migrate` does that, since other processes work there.
    pub(crate) async fn open(url: &DatabaseUrl, connections: u32) -> Result<Self, CommandError> {
        let opened = match url {
            DatabaseUrl::Sqlite(path) => SqliteStore::open(path)
                .await
                .map(|store| Self::Sqlite(Arc::new(store))),
            DatabaseUrl::Postgres(url) => PostgresStore::open_with(url.expose_secret(), connections)
                .await
                .map(|store| Self::Postgres(Arc::new(store))),
        };
        opened.map_err(|error| unusable(&error))
    }

    /// Brings a database on a server to this version.
    pub(crate) async fn migrate(url: &DatabaseUrl) -> Result<(), CommandError> {
        match url {
            DatabaseUrl::Sqlite(_) => Ok(()),
            DatabaseUrl::Postgres(url) => PostgresStore::migrate(url.expose_secret())
                .await
                .map_err(|error| unusable(&error)),
        }
    }

    /// What stands between this process and the database's server; `None` if there is none.
    pub(crate) async fn channel(&self) -> Result<Option<Channel>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(store) => store.channel().await.map(Some),
        }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Folds the write-ahead log in, or ends the connections. Everything that was committed is safe without it, too.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

/// The store's message names the database.
fn unusable(error: &StoreError) -> CommandError {
    CommandError::usage(
        with_sources(error),
        "Do what the message says, or name another database with --database-url. Nothing was changed.",
    )
}

/// As many as there are cores.
fn threads() -> Threads {
    std::thread::available_parallelism().unwrap_or(Threads::MIN)
}

/// An open installation.
#[derive(Clone)]
pub(crate) struct Installation {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn sync::Ids>,
    pub(crate) keys: Keys,
    /// Matches members, with one index of companies and persons for the whole process.
    pub(crate) unifier: Arc<Unifier>,
    pub(crate) metrics: Metrics,
    /// The operator's exceptions to the filter for outgoing requests.
    pub(crate) allowed: AllowedHosts,
    /// Where tickets are posted to, if the operator has named it.
    pub(crate) webhook: Option<Webhook>,
    opened: Opened,
}

impl Installation {
    /// Opens the database, and brings an embedded one to this version first.
    pub(crate) async fn open(cli: &Cli) -> Result<Self, CommandError> {
        let places = Places::of(&cli.database, &cli.key_file)?;
        let webhook = cli.webhook.read()?;
        let opened = Opened::open(&places.database, places.connections).await?;
        let (store, keys) = (opened.store(), Keys::of(places.key_file));
        store.use_salt(Arc::new(keys.clone()));
        Ok(Self {
            store,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            keys,
            unifier: Arc::new(Unifier::new(Lists::shipped(), threads())),
            metrics: Metrics::new(SystemClock.now()),
            allowed: cli.outbound.allow_hosts.clone(),
            webhook,
            opened,
        })
    }

    /// Returns when another process has queued a run, if the database can tell. Whoever waits looks from time to time, too.
    pub(crate) async fn queue_moved(&self) {
        match &self.opened {
            Opened::Sqlite(_) => std::future::pending().await,
            Opened::Postgres(store) => store.queue_moved().await,
        }
    }

    /// Writes a whole copy of the embedded database into an empty file.
    pub(crate) async fn backup(&self, file: &Path) -> Result<(), CommandError> {
        match &self.opened {
            Opened::Sqlite(store) => Ok(store.backup(file).await?),
            Opened::Postgres(_) => Err(on_a_server("pg_dump --format=custom --file=FILE …")),
        }
    }

    pub(crate) async fn close(self) {
        drop(self.store);
        self.opened.close().await;
    }

    /// The connection to a tenant, or what to do about there being none.
    pub(crate) async fn connection(&self, tenant: &TenantId) -> Result<Connection, CommandError> {
        self.store.connection_of_tenant(tenant).await?.ok_or_else(|| {
            CommandError::failed(
                format!("there is no connection to the tenant {tenant}"),
                "See which there are with: tributary connection list. Add one with: tributary connection add.",
            )
        })
    }
}

/// The installation's key, read when it is needed: a command that needs no secret works without it.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    file: PathBuf,
}

/// Why a stored secret does not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Keys {
    pub(crate) fn of(file: PathBuf) -> Self {
        Self { file }
    }

    /// The keys that seal, made first if there are none. They do not change until the answer is dropped: hold it until
    /// what was sealed is stored.
    pub(crate) fn sealing(&self) -> Result<Sealing, CommandError> {
        let failed = |error: KeyError| CommandError::usage(error.to_string(), error.next_action());
        KeyRing::load_or_create(&self.file).map_err(failed)?;
        let held = tokio::task::block_in_place(|| hold(&self.file, Hold::Seal)).map_err(failed)?;
        Ok(Sealing {
            keys: KeyRing::load(&self.file).map_err(failed)?,
            _held: held,
        })
    }

    /// Opens a tenant's secret. A key that is missing is not made: it could not open anything.
    pub(crate) fn open(&self, tenant: &TenantId, sealed: &str) -> Result<SecretString, SecretError> {
        Ok(KeyRing::load(&self.file)?.open_text(tenant.as_str(), sealed)?)
    }

    /// The keys that open. One that is missing is not made: it could not open anything.
    pub(crate) fn ring(&self) -> Result<KeyRing, KeyError> {
        KeyRing::load(&self.file)
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}

impl OpenSalt for Keys {
    fn open(&self, sealed: &str) -> Result<Salt, String> {
        let ring = KeyRing::load(&self.file).map_err(|error| error.to_string())?;
        let opened = ring.open(SALT_NAME, sealed).map_err(|error| error.to_string())?;
        let salt: [u8; 32] = opened
            .as_slice()
            .try_into()
            .map_err(|_| "the salt is damaged".to_owned())?;
        Ok(Salt::new(salt))
    }
}

/// Seals, and holds off a change of keys meanwhile.
pub(crate) struct Sealing {
    keys: KeyRing,
    _held: File,
}

impl Sealing {
    pub(crate) fn ring(&self) -> &KeyRing {
        &self.keys
    }

    /// A secret of the installation itself.
    pub(crate) fn seal_own(&self, name: &str, secret: &[u8]) -> String {
        self.keys.seal(name, secret)
    }

    pub(crate) fn seal(&self, tenant: &TenantId, secret: &SecretString) -> String {
        self.keys.seal(tenant.as_str(), secret.expose_secret().as_bytes())
    }
}
