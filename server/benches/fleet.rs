//! `make bench-postgres`: many connections that are due at once, and four workers that share them. All of it is the real
//! binary: connections are added by its command, its workers' schedulers find what is due, and a simulated provider answers.
//!
//! Arguments: the URL of an empty PostgreSQL database, and the number of connections.

use std::{
    collections::HashSet,
    net::TcpListener,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta};
use domain::Run;
use futures_util::{StreamExt as _, stream};
use store::{FiguresStore as _, RunQuery, RunStore as _};
use store_postgres::PostgresStore;
use tokio::task::spawn_blocking;

const WORKERS: usize = 4;
const TENANT: &str = "customer-en";
/// Connections are added so many at a time.
const ADDED_AT_ONCE: usize = 4;
const RUNS_PER_PAGE: u32 = 1_000;
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Without a further run for so long, something is wrong.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::main]
async fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match arguments.as_slice() {
        [url, connections] => measure(url, connections.parse().expect("a number")).await,
        other => {
            eprintln!(
                "error: {other:?} is nothing to measure\n  next: .make/bench-postgres fleet CONNECTIONS"
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

async fn measure(url: &str, connections: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let installation = Installation {
        folder: folder.path(),
        url,
    };
    let provider = free_address();
    let tenant = format!("{TENANT}:users=3,topics=2,views=3");
    let _provider = installation.start(&["simulate", "--listen", &provider, "--tenant", &tenant]);
    installation.run(&["migrate"]).await;
    std::fs::write(folder.path().join("secret"), "simulated-secret").expect("written");
    stream::iter(1..=connections)
        .for_each_concurrent(ADDED_AT_ONCE, |number| installation.connect(&provider, number))
        .await;
    let store = PostgresStore::open(url).await.expect("the database");
    let began = Instant::now();
    let workers: Vec<_> = (0..WORKERS).map(|_| installation.start(&["worker"])).collect();
    wait_for_all(&store, connections).await;
    let took = began.elapsed();
    drop(workers);
    let runs = all_runs(&store).await;
    check(&runs, connections);
    tell(&runs, took);
    store.close().await;
}

struct Installation<'a> {
    folder: &'a Path,
    url: &'a str,
}

impl Installation<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command
            .args(words)
            .current_dir(self.folder)
            .env("TRIBUTARY_DATABASE_URL", self.url)
            .env("TRIBUTARY_SECRET_KEY_FILE", self.folder.join("secret.key"))
            .env("TRIBUTARY_REQUESTS_PER_MINUTE", "0")
            .env("TRIBUTARY_ALLOW_HOSTS", "127.0.0.1")
            .env("TRIBUTARY_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    fn start(&self, words: &[&str]) -> Process {
        Process(self.command(words).spawn().expect("the binary starts"))
    }

    async fn run(&self, words: &[&str]) {
        let mut command = self.command(words);
        let ended = spawn_blocking(move || command.status()).await.expect("no panic");
        let status = ended.expect("the binary starts");
        assert!(status.success(), "{words:?}: {status}");
    }

    /// A connection to the simulated tenant, under a tenant id of its own; what stands before the stroke selects the tenant.
    async fn connect(&self, provider: &str, number: u64) {
        let (tenant, client) = (format!("{TENANT}-{number}"), format!("{TENANT}/{number}"));
        let base_url = format!("http://{provider}");
        let words = [
            ["connection", "add"],
            ["--tenant-id", &tenant],
            ["--base-url", &base_url],
            ["--client-id", &client],
            ["--client-secret-file", "secret"],
        ];
        self.run(&words.concat()).await;
    }
}

/// Ends with the measurement.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is said where it is missed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

async fn wait_for_all(store: &PostgresStore, connections: u64) {
    let (mut ended, mut since) = (0, Instant::now());
    while ended < connections {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let figures = store.figures(DateTime::UNIX_EPOCH).await.expect("figures");
        let over = figures.runs.iter().filter(|(state, _)| state.is_over());
        let now = over.map(|(_, runs)| runs).sum();
        if now > ended {
            (ended, since) = (now, Instant::now());
        }
        assert!(
            since.elapsed() < PATIENCE,
            "{ended} of {connections} have run, and no more do"
        );
    }
}

async fn all_runs(store: &PostgresStore) -> Vec<Run> {
    let mut query = RunQuery {
        limit: RUNS_PER_PAGE,
        ..RunQuery::default()
    };
    let mut all = Vec::new();
    loop {
        let page = store.runs(&query).await.expect("runs");
        if page.runs.is_empty() {
            return all;
        }
        query.offset += page.runs.len() as u64;
        all.extend(page.runs);
    }
}

/// Every connection has one run, taken up once, green, with a ledger that balances.
fn check(runs: &[Run], connections: u64) {
    let mut seen = HashSet::new();
    for run in runs {
        assert!(run.state.is_success(), "{run:?}");
        assert_eq!(run.attempts, 1, "{run:?}");
        for stream in &run.streams {
            stream.ledger.check().expect("a ledger that balances");
        }
        assert!(seen.insert(run.connection_id), "a second run: {run:?}");
    }
    assert_eq!(seen.len() as u64, connections, "every connection ran");
}

/// From asking for a run until its first stream begins: the claim, its connection and its secret.
fn wait_of(run: &Run) -> TimeDelta {
    let asked = run.started_at.expect("a start");
    let streams = run.streams.iter().filter_map(|stream| stream.started_at);
    streams.min().expect("a first stream") - asked
}

fn tell(runs: &[Run], took: Duration) {
    let mut waits: Vec<_> = runs.iter().map(wait_of).collect();
    waits.sort();
    let at = |share: usize| {
        let wait = waits[waits.len() * share / 100].num_microseconds();
        f64::from(i32::try_from(wait.unwrap_or_default()).unwrap_or(i32::MAX)) / 1_000.0
    };
    println!(
        "PostgreSQL, {} connections due at once, {WORKERS} worker processes",
        runs.len()
    );
    println!(
        "  all run in {:.1} s, each exactly once, every ledger balances",
        took.as_secs_f64()
    );
    println!(
        "  claim to start: median {:.2} ms, 95% {:.2} ms, 99% {:.2} ms",
        at(50),
        at(95),
        at(99)
    );
}
