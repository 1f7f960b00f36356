//! `make bench-postgres`: many connections that are due at once, and four workers that share them. All of it is the real
//! binary: connections are added by its command, its workers' schedulers find what is due, and a simulated provider answers.
//!
//! Arguments: the URL of an empty PostgreSQL database, and the number of connections.

mod common;

use std::{
    collections::{HashMap, HashSet},
    process::ExitCode,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::Run;
use serde_json::Value;
use store::{FiguresStore as _, RunQuery, RunStore as _};
use store_postgres::PostgresStore;

use crate::common::Installation;

const WORKERS: usize = 4;
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
    let installation = Installation::new(url);
    installation.run(&["migrate"]).await;
    let _provider = installation.connect_many(connections).await;
    let store = PostgresStore::open(url).await.expect("the database");
    let began = Instant::now();
    // They share two cores with the server and the provider.
    let words = ["worker", "--concurrent-runs", "1"];
    let logs: Vec<_> = (0..WORKERS).map(|number| format!("worker-{number}")).collect();
    let workers: Vec<_> = logs
        .iter()
        .map(|log| installation.start_logged(&words, log))
        .collect();
    wait_for_all(&store, connections).await;
    let took = began.elapsed();
    drop(workers);
    let runs = all_runs(&store).await;
    check(&runs, connections);
    println!(
        "PostgreSQL, {connections} connections due at once, {WORKERS} worker processes: all run in {:.1} s, each exactly once, every ledger balances",
        took.as_secs_f64()
    );
    let taken_up = read_taken_up(&installation, &logs);
    tell(
        "claim to start",
        runs.iter().map(|run| taken_up[&run.id.to_string()] - asked(run)),
    );
    tell(
        "claim to first stream, with the provider's token",
        runs.iter().map(|run| first_stream(run) - asked(run)),
    );
    store.close().await;
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

fn asked(run: &Run) -> DateTime<Utc> {
    run.started_at.expect("a start")
}

fn first_stream(run: &Run) -> DateTime<Utc> {
    let streams = run.streams.iter().filter_map(|stream| stream.started_at);
    streams.min().expect("a first stream")
}

/// When the engine began with each run, its claim committed and its connection and secret at hand, as the workers log it.
fn read_taken_up(installation: &Installation, logs: &[String]) -> HashMap<String, DateTime<Utc>> {
    let mut taken_up = HashMap::new();
    for log in logs {
        let text = std::fs::read_to_string(installation.folder.path().join(log)).expect("a log");
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            if line["message"] == "run taken up" {
                let run = line["run"].as_str().expect("a run").to_owned();
                let at = line["timestamp"].as_str().expect("a time");
                taken_up.insert(run, at.parse().expect("a time"));
            }
        }
    }
    taken_up
}

fn tell(what: &str, waits: impl Iterator<Item = TimeDelta>) {
    let mut waits: Vec<_> = waits.collect();
    waits.sort();
    let at = |share: usize| {
        let wait = waits[waits.len() * share / 100].num_microseconds();
        f64::from(i32::try_from(wait.unwrap_or_default()).unwrap_or(i32::MAX)) / 1_000.0
    };
    println!(
        "  {what}: median {:.2} ms, 95% {:.2} ms, 99% {:.2} ms",
        at(50),
        at(95),
        at(99)
    );
}
