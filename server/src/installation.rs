//! What every command that works with data needs: the open database, the key, the clock and the ids.

use std::{path::PathBuf, sync::Arc};

use domain::{Connection, TenantId};
use secrecy::{ExposeSecret as _, SecretString};
use store::{Store, StoreError};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use sync::Clock;

use crate::{
    cli::Cli,
    config::{Database, DatabaseUrl, KeyFile},
    error::{CommandError, with_sources},
    secrets::{KeyError, OpenError, SecretKey},
    system::{SystemClock, SystemIds},
};

/// Where things are, before anything is opened.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) database: DatabaseUrl,
    pub(crate) key_file: PathBuf,
}

impl Places {
    pub(crate) fn of(database: &Database, key_file: &KeyFile) -> Result<Self, CommandError> {
        let database = database.url()?;
        let key_file = key_file.path(&database)?;
        Ok(Self { database, key_file })
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
    pub(crate) async fn open(url: &DatabaseUrl) -> Result<Self, CommandError> {
        let opened = match url {
            DatabaseUrl::Sqlite(path) => SqliteStore::open(path)
                .await
                .map(|store| Self::Sqlite(Arc::new(store))),
            DatabaseUrl::Postgres(url) => PostgresStore::open(url.expose_secret())
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

/// An open installation.
#[derive(Clone)]
pub(crate) struct Installation {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn sync::Ids>,
    pub(crate) keys: Keys,
    opened: Opened,
}

impl Installation {
    /// Opens the database, and brings an embedded one to this version first.
    pub(crate) async fn open(cli: &Cli) -> Result<Self, CommandError> {
        let places = Places::of(&cli.database, &cli.key_file)?;
        let opened = Opened::open(&places.database).await?;
        Ok(Self {
            store: opened.store(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            keys: Keys {
                file: places.key_file,
            },
            opened,
        })
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
    /// Seals a secret, and makes the key first if there is none.
    pub(crate) fn seal(&self, tenant: &TenantId, secret: &SecretString) -> Result<String, CommandError> {
        let key = SecretKey::load_or_create(&self.file)
            .map_err(|error| CommandError::usage(error.to_string(), error.next_action()))?;
        Ok(key.seal(tenant, secret))
    }

    /// Opens a secret. A key that is missing is not made: it could not open anything.
    pub(crate) fn open(&self, tenant: &TenantId, sealed: &str) -> Result<SecretString, SecretError> {
        Ok(SecretKey::load(&self.file)?.open(tenant, sealed)?)
    }
}
