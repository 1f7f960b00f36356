//! The real process, killed with SIGKILL again and again during one first sync.

use std::{collections::HashSet, thread, time::Duration};

use domain::Dice;
use serde_json::Value;

use crate::support::{Home, assert_balanced, assert_truth, count, get, streams, text};

/// Kills during one first sync, unless `TRIBUTARY_KILLS` says how many.
const KILLS: u64 = 25;
/// Topics of the tenant for each kill: their replies take a request each, so that the sync outlasts the kills.
const TOPICS_PER_KILL: u64 = 40;
/// A worker waits for the lease of the one before to run out, and then works for a while: short enough for all kills to
/// fall into one sync.
const LEASE_MS: u64 = 1_000;
const WORK_MAX_MS: u64 = 450;
const SEED: u64 = 25;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where these tests read the environment: a test has no command line"
)]
fn wanted_kills() -> u64 {
    match std::env::var("TRIBUTARY_KILLS") {
        Ok(kills) => kills
            .parse()
            .unwrap_or_else(|_| panic!("TRIBUTARY_KILLS={kills} is not a number")),
        Err(_) => KILLS,
    }
}

#[test]
fn a_first_sync_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    // The shortest lease lets the next worker take over soon; the pace makes the sync outlast the kills.
    let home = Home::new()
        .with("TRIBUTARY_LEASE_TTL", "1s")
        .with("TRIBUTARY_REQUESTS_PER_MINUTE", "2400");
    let kills = wanted_kills();
    let topics = kills * TOPICS_PER_KILL;
    let tenant = format!("customer-en:users=1500,topics={topics},views=1200,broken=30");
    let (_simulator, address) = home.simulate(&tenant, &[]);
    home.connect("customer-en", &format!("http://{address}"));

    let mut dice = Dice::new(SEED);
    for kill in 1..=kills {
        let worker = home.start(&["sync", "customer-en"]);
        // No waiting for anything: the moment of the kill is what is random.
        thread::sleep(Duration::from_millis(LEASE_MS + dice.below(WORK_MAX_MS)));
        worker.signal("KILL");
        let (done, _) = worker.wait();
        assert_eq!(
            done.code, None,
            "seed {SEED}: the sync was over before kill {kill}"
        );
    }

    let home = home.with("TRIBUTARY_REQUESTS_PER_MINUTE", "0");
    let run = home.sync("customer-en").succeeded().json();
    assert!(
        count(&run, "attempts") > 1,
        "seed {SEED}: the same run was taken up again and again: {run}"
    );
    assert_eq!(home.runs().len(), 1, "seed {SEED}: it is one run");
    streams(&run).iter().for_each(assert_balanced);
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
    assert_stored_once(&home, &run, "users", "community_user_id");
    assert_stored_once(&home, &run, "activity", "event_id");
}

/// As many rows as the run counts as new, each key once.
#[track_caller]
fn assert_stored_once(home: &Home, run: &Value, object: &str, key: &str) {
    let export = home.run(&["export", object, "--format", "ndjson"]).succeeded();
    let keys: Vec<String> = export
        .stdout
        .lines()
        .map(|line| text(&serde_json::from_str::<Value>(line).expect("a row"), &key).to_owned())
        .collect();
    let unique: HashSet<&String> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len(), "seed {SEED}: {object} are stored once");
    let stream = streams(run)
        .iter()
        .find(|stream| stream["stream"] == object)
        .expect("the stream");
    assert_eq!(keys.len() as u64, count(stream, "new"), "seed {SEED}: {object}");
}
