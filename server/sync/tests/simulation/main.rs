//! The whole loop in one process, seed by seed: the real engine, connector and database against a simulated tenant,
//! under a clock that jumps, with a provider, a database and workers that fail wherever the seed says.
//!
//! `story` says what happens in a seed, `driver` what happens to workers, `desk` in which order operations take effect and
//! are answered, and `check` what must hold after every run. `books` is the account that the store's is compared with.
//!
//! A seed that fails is printed with the command that replays it and tells its trace. `make simulate SEEDS=1000000` runs
//! more of them.
//!
//! Tried by hand, one by one: the first five on 2026-11-24 on the 504 seeds of an ordinary run, the others earlier on the
//! first 180 (the numbers are those of that day; a change of the story moves them):
//!
//! | Mistake | Seeds | Caught by |
//! |---|---|---|
//! | the checkpoint is committed before its rows | 9, 14, 21, 29, 34 and at least 70 others | `counted_is_the_truth`, `stored_is_the_truth`: rows are lost; the store: a stream was not read to its end |
//! | the watermark is taken from the clock | nearly all | `Books::claimed`: it is ahead of the data, or no commit is taken at all |
//! | repeated rows are counted as new | nearly all | `Account::enter`: a record is counted twice; `failure_is_explained`: the ledger's CHECK refuses it |
//! | a lost lease still writes | 14, 105, 108, 121, 127 and 26 others | `Books::wrote` |
//! | rows are deleted that an incomplete pass has not met: an incremental one, or a full one that was cut and is judged by its last part | most, each | `stored_is_the_truth`: they are lost |
//! | what a run had seen is forgotten when it is taken up again | nearly all | `Account::enter`: a record is counted twice |
//! | the head is not read again, nor what lost something | 90, 166 | `counted_is_the_truth`: a row has moved or slipped past |
//! | a page for people is taken for the record that was asked for | 107 | `gone_is_deleted` |
//!
//! Not caught: pages that are not asked for again though the records have moved, which is too rare a chance for so few
//! seeds (1294 and 1362 met one before the tenant lived on meanwhile; none of the 504 does now). `reading::tests::living`
//! tells that story in each run of the tests.

mod books;
mod check;
#[path = "../common/mod.rs"]
mod common;
mod desk;
mod driver;
mod ports;
mod story;
mod throttled;
mod world;

use std::{ops::Range, time::Duration};

use domain::{CauseCode, RunState};
use sync::Settings;

use crate::{story::Outcome, world::Ground};

/// Seeds of an ordinary run of the tests.
const SEEDS: u64 = 504;
/// Tests that share the seeds, and run side by side.
const SHARES: u64 = 6;
/// Failing seeds that are told; where there are more, they have one cause.
const TOLD_MAX: usize = 20;
/// Lines of the trace of a seed that is replayed.
const LINES_MAX: usize = 4_000;

/// Which seeds to run.
struct Wanted {
    seeds: Range<u64>,
    /// Just one, with its trace.
    replays: bool,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulation reads the environment: a test has no command line"
)]
fn wanted() -> Wanted {
    let number = |name: &str| {
        let value = std::env::var(name).ok()?;
        Some(
            value
                .parse::<u64>()
                .unwrap_or_else(|_| panic!("{name}={value} is not a number")),
        )
    };
    if let Some(seed) = number("TRIBUTARY_SEED") {
        return Wanted {
            seeds: seed..seed + 1,
            replays: true,
        };
    }
    Wanted {
        seeds: 0..number("TRIBUTARY_SEEDS").unwrap_or(SEEDS),
        replays: false,
    }
}

fn in_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

fn simulate_share(share: u64) {
    let wanted = wanted();
    let seeds: Vec<u64> = wanted.seeds.filter(|seed| seed % SHARES == share).collect();
    let failed = in_runtime(async {
        let ground = Ground::lay().await;
        simulate(&ground, &seeds, wanted.replays).await
    });
    assert_none(&failed);
}

/// The seeds that failed, each with the command that replays it.
async fn simulate(ground: &Ground, seeds: &[u64], replays: bool) -> Vec<String> {
    let mut failed = Vec::new();
    for seed in seeds {
        let Outcome { told, checked, .. } = story::tell(ground, *seed, replays).await;
        for line in told.iter().take(LINES_MAX) {
            println!("{line}");
        }
        if let Err(wrong) = checked {
            let replay = format!("TRIBUTARY_SEED={seed} cargo nextest run -p sync --test simulation");
            failed.push(format!("{replay}\n    {wrong}"));
        }
        if failed.len() == TOLD_MAX {
            break;
        }
    }
    failed
}

fn assert_none(failed: &[String]) {
    assert!(
        failed.is_empty(),
        "{} seeds failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn the_first_share_of_the_seeds() {
    simulate_share(0);
}

#[test]
fn the_second_share_of_the_seeds() {
    simulate_share(1);
}

#[test]
fn the_third_share_of_the_seeds() {
    simulate_share(2);
}

#[test]
fn the_fourth_share_of_the_seeds() {
    simulate_share(3);
}

#[test]
fn the_fifth_share_of_the_seeds() {
    simulate_share(4);
}

#[test]
fn the_sixth_share_of_the_seeds() {
    simulate_share(5);
}

/// Of so many seeds one is told on PostgreSQL, too: there each operation asks a server, several times.
const POSTGRES_ONE_IN: usize = 42;

/// With `TRIBUTARY_SEEDS` or `make simulate` as many more.
#[test]
fn some_of_the_seeds_on_postgres() {
    let wanted = wanted();
    let one_in = if wanted.replays { 1 } else { POSTGRES_ONE_IN };
    let seeds: Vec<u64> = wanted.seeds.step_by(one_in).collect();
    let failed = in_runtime(async {
        match Ground::lay_on_postgres().await {
            Some(ground) => simulate(&ground, &seeds, wanted.replays).await,
            None => Vec::new(),
        }
    });
    assert_none(&failed);
}

#[test]
fn the_same_seed_is_the_same_run() {
    if wanted().replays {
        return;
    }
    in_runtime(async {
        let ground = Ground::lay().await;
        for seed in (0..SEEDS).step_by(120) {
            let once = story::tell(&ground, seed, false).await;
            let again = story::tell(&ground, seed, false).await;
            assert_eq!(once.trace, again.trace, "seed {seed}");
        }
    });
}

/// The bound that the requests set by themselves: their number at the budget's pace.
#[test]
fn a_throttled_first_sync_takes_as_long_as_its_requests_need() {
    in_runtime(async {
        let ground = Ground::lay().await;
        let cases = [
            (throttled::TENANT, 50),
            (throttled::TENANT, 200),
            (throttled::TENANT, 400),
            (throttled::LARGER, 1_000),
        ];
        for (tenant, latency_ms) in cases {
            let sync = throttled::first_sync(&ground, tenant, latency_ms, Settings::default(), "none").await;
            assert!(sync.run.state.is_success(), "{:?}", sync.run);
            let ratio = sync.ratio(300);
            println!(
                "{latency_ms} ms: {} requests, {} of their time",
                sync.run.requests, ratio
            );
            assert!(
                ratio <= 1.05,
                "{ratio} at {latency_ms} ms, seed {}",
                throttled::SEED
            );
            assert!(ratio > 0.95, "{ratio}: more than the budget at {latency_ms} ms");
        }
    });
}

/// The provider bears less than the budget, and says neither how much nor for how long to wait.
#[test]
fn a_provider_that_bears_less_is_asked_more_slowly() {
    in_runtime(async {
        let ground = Ground::lay().await;
        let sync = throttled::first_sync(
            &ground,
            throttled::TENANT,
            50,
            Settings::default(),
            "throttle-bare:every=60",
        )
        .await;
        assert!(sync.run.state.is_success(), "{:?}", sync.run);
        let claimed = sync.kept.as_ref().expect("the run after it");
        let rate = claimed.pace.rate_milli.expect("a narrowed pace");
        assert!(rate < 300_000, "{rate} thousandths of a request a minute");
        assert!(sync.ratio(300) > 1.05, "{}", sync.ratio(300));
    });
}

/// Whatever the reason: the checkpoint has passed a page that is not there.
#[test]
fn a_commit_that_is_confirmed_and_not_there_fails_the_run() {
    in_runtime(async {
        let ground = Ground::lay().await;
        let run = throttled::sync_that_loses_a_commit(&ground).await;
        assert_eq!(run.state, RunState::Failed);
        let cause = run.cause.expect("a cause");
        assert_eq!(cause.code, CauseCode::LedgerUnbalanced, "{cause:?}");
        assert!(
            cause
                .message
                .contains("confirmed 205 records of users, and its ledger has 105"),
            "{cause:?}"
        );
    });
}

/// Its pages are kept, and the next run goes on from them.
#[test]
fn a_run_that_takes_too_long_fails_and_is_gone_on_with() {
    in_runtime(async {
        let ground = Ground::lay().await;
        let settings = Settings {
            run_time_max: Duration::from_mins(1),
            ..Settings::default()
        };
        let sync = throttled::first_sync(&ground, throttled::TENANT, 50, settings, "none").await;
        assert_eq!(sync.run.state, RunState::Failed);
        let cause = sync.run.cause.as_ref().expect("a cause");
        assert_eq!(cause.code, CauseCode::RunTooLong, "{cause:?}");
        assert!(cause.heals_itself && sync.run.total().found > 0, "{cause:?}");
        let next = sync.kept.expect("the next run");
        assert_eq!(next.run.resumed_from, Some(sync.run.id));
        assert!(next.checkpoint.is_some());
    });
}
