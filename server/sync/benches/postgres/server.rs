//! A database server of its own, which ends with the measurement.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Connection, ConnectionId, TenantId};
use store::{ConnectionStore as _, NewConnection};
use store_postgres::PostgresStore;
use sync::Clock;
use uuid::Uuid;

use crate::provider::{Provider, TENANT, start};

/// Runs as fast as the real one, from where the simulated world stands.
pub(crate) struct RunningClock(Instant);

impl RunningClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for RunningClock {
    fn now(&self) -> DateTime<Utc> {
        start() + TimeDelta::from_std(self.0.elapsed()).expect("a short time")
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A PostgreSQL with its defaults, in a folder of its own.
pub(crate) struct Server {
    folder: PathBuf,
    pub(crate) url: String,
}

impl Server {
    fn control(action: &str, folder: &Path) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.make/postgres");
        let output = Command::new(script)
            .arg(action)
            .arg(folder)
            .stderr(Stdio::inherit())
            .output();
        let output = output.expect("the script");
        assert!(output.status.success(), "the server does not {action}");
        String::from_utf8(output.stdout).expect("text")
    }

    pub(crate) async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("tributary-bench-{}", std::process::id()));
        let url = Self::control("start", &folder).trim().to_owned();
        PostgresStore::migrate(&url).await.expect("tables");
        Self { folder, url }
    }

    pub(crate) async fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.url).await.expect("a store")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        Self::control("stop", &self.folder);
    }
}

/// A connection to the simulated tenant, under a tenant id of its own.
pub(crate) async fn connect(store: &PostgresStore, provider: &Provider, number: u128) -> Connection {
    let tenant_id: TenantId = format!("{TENANT}-{number}").parse().expect("a tenant id");
    let connection = Connection {
        id: ConnectionId(Uuid::from_u128(number)),
        name: tenant_id.to_string(),
        // What stands before the stroke selects the simulated tenant.
        client_id: format!("{TENANT}/{number}"),
        tenant_id,
        base_url: format!("http://{}", provider.address)
            .parse()
            .expect("a base URL"),
        deactivated_at: None,
        activity_source: None,
        created_at: start(),
    };
    let new = NewConnection {
        connection: connection.clone(),
        sealed_secret: "sealed".into(),
    };
    store.add_connection(&new).await.expect("a connection");
    connection
}

pub(crate) fn shared(clock: &Arc<RunningClock>) -> Arc<dyn Clock> {
    Arc::clone(clock) as Arc<dyn Clock>
}
