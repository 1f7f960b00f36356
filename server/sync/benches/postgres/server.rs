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
use store::{By, ConnectionStore as _, NewConnection};
use store_postgres::PostgresStore;
use sync::Clock;
use uuid::Uuid;

use crate::{
    provider::{TENANT, start},
    usage::{USER_TIME, seconds, stat},
};

/// Of `stat` without the process id and the program's name (`proc_pid_stat(5)`): the parent, and the user time of children
/// that have ended.
const PARENT: usize = 4 - 3;
const CHILDREN_USER_TIME: usize = 16 - 3;

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

    pub(crate) fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("tributary-bench-{}", std::process::id()));
        let url = Self::control("start", &folder).trim().to_owned();
        Self { folder, url }
    }

    /// What its processes have spent: the first one, those that it has seen the end of, and those of its connections now.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("a running server");
        let first = pid.lines().next().expect("a process id");
        cpu_seconds_with_children(first)
    }
}

/// A store on an empty database, which gets its tables.
pub(crate) async fn open(url: &str) -> PostgresStore {
    PostgresStore::migrate(url).await.expect("tables");
    PostgresStore::open(url).await.expect("a store")
}

impl Drop for Server {
    fn drop(&mut self) {
        Self::control("stop", &self.folder);
    }
}

/// A connection to the simulated tenant, under a tenant id of its own.
pub(crate) async fn connect(store: &PostgresStore, address: &str, number: u128) -> Connection {
    let tenant_id: TenantId = format!("{TENANT}-{number}").parse().expect("a tenant id");
    let connection = Connection {
        id: ConnectionId(Uuid::from_u128(number)),
        name: tenant_id.to_string(),
        // What stands before the stroke selects the simulated tenant.
        client_id: format!("{TENANT}/{number}"),
        tenant_id,
        base_url: format!("http://{address}").parse().expect("a base URL"),
        deactivated_at: None,
        activity_source: None,
        created_at: start(),
    };
    let new = NewConnection {
        connection: connection.clone(),
        sealed_secret: "sealed".into(),
        decoder: 1,
    };
    store
        .add_connection(&new, &By::operator(start()))
        .await
        .expect("a connection");
    connection
}

pub(crate) fn shared(clock: &Arc<RunningClock>) -> Arc<dyn Clock> {
    Arc::clone(clock) as Arc<dyn Clock>
}

/// Seconds of a process and its children: those that have ended, and those that are there.
fn cpu_seconds_with_children(process: &str) -> f64 {
    let parent = stat(process).expect("a process on a Linux machine");
    let ended_and_own = seconds(&parent, USER_TIME) + seconds(&parent, CHILDREN_USER_TIME);
    let others = std::fs::read_dir("/proc").expect("a Linux machine");
    let names = others.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let children = names
        .filter_map(|name| stat(&name))
        .filter(|child| child.get(PARENT).is_some_and(|parent| parent == process));
    ended_and_own + children.map(|child| seconds(&child, USER_TIME)).sum::<f64>()
}
