//! The same installation on PostgreSQL, with the real binary, and what happens when many processes share it.

use serde_json::Value;
use store_postgres::testing::TestDatabase;

use crate::{
    crashes::assert_stored_once,
    support::{Home, assert_balanced, assert_truth, count, get, streams, text, wait_for},
};

pub(crate) fn in_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// An installation on an empty database of its own, with its tables.
pub(crate) fn on_postgres() -> Option<(Home, TestDatabase)> {
    let database = in_runtime(TestDatabase::migrated())?;
    Some((on(database.url()), database))
}

pub(crate) fn on(url: &str) -> Home {
    Home::new()
        .with("TRIBUTARY_DATABASE_URL", url)
        .with("TRIBUTARY_SECRET_KEY_FILE", "secret.key")
}

#[test]
fn an_installation_on_a_server_is_migrated_once_and_then_works_as_on_a_file() {
    let Some(database) = in_runtime(TestDatabase::empty()) else {
        return;
    };
    let home = on(database.url());
    home.run(&["runs"])
        .ended(2)
        .says(&["has no tables", "tributary migrate", "next:"]);
    home.run(&["migrate"]).succeeded();
    home.run(&["migrate"]).succeeded();

    let (_simulator, address) = home.simulate("customer-en:users=120,topics=30,views=200,broken=3", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let run = home.sync("customer-en").succeeded().json();
    assert_eq!(run["state"], "completed_with_invalid");
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
    let shown = home.run(&["run", "show", text(&run, &"id"), "--json"]);
    assert_eq!(shown.succeeded().json(), run);
    assert_stored_once(&home, &run, "users", "community_user_id");

    let again = home.sync("customer-en").succeeded().json();
    streams(&again).iter().for_each(assert_balanced);
    assert_eq!(streams(&again).iter().map(|of| count(of, "new")).sum::<u64>(), 0);
    let doctor = home.run(&["doctor"]);
    assert!(
        doctor.stdout.contains("answers and is of this version"),
        "{doctor:?}"
    );
}

/// The latest run, once it has got somewhere.
pub(crate) fn run_with_users(home: &Home) -> Value {
    wait_for("a page of users", || {
        let run = home.runs().into_iter().next()?;
        let users = streams(&run).iter().find(|of| of["stream"] == "users")?;
        (run["state"] == "running" && count(users, "found") > 0).then(|| run.clone())
    })
}

pub(crate) fn completed(home: &Home) -> Value {
    let run = wait_for("the run to end", || {
        let run = home.runs().into_iter().next()?;
        let over = run["state"] != "running" && run["state"] != "queued";
        over.then_some(run)
    });
    assert_eq!(run["state"], "completed", "{run}");
    run
}

/// As long as each page takes, the story has time to do harm.
pub(crate) const SLOWLY: &str = "600";

#[test]
fn a_worker_that_was_frozen_past_its_lease_cannot_write_and_says_so() {
    let Some((home, _database)) = on_postgres() else {
        return;
    };
    let home = home
        .with("TRIBUTARY_LEASE_TTL", "2s")
        .with("TRIBUTARY_REQUESTS_PER_MINUTE", SLOWLY);
    let (_simulator, address) = home.simulate("customer-en:users=2500,topics=60,views=200", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let frozen = home.start(&["worker"]);
    let run = run_with_users(&home);
    frozen.signal("STOP");

    let other = home.start(&["worker"]);
    let taken_up = wait_for("the other worker to take the run up", || {
        home.runs().into_iter().find(|run| count(run, "attempts") == 2)
    });
    assert_eq!(taken_up["id"], run["id"]);
    frozen.signal("CONT");
    // By its token; or, if it was frozen in the middle of a transaction, by the server, which ended that meanwhile.
    wait_for("the woken one to be refused", || {
        let said = frozen.said();
        let refused = ["another worker holds it", "the next worker takes it up"];
        refused.iter().any(|words| said.contains(words)).then_some(())
    });

    let run = completed(&home);
    assert_eq!((&run["id"], count(&run, "attempts")), (&taken_up["id"], 2));
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
    assert_stored_once(&home, &run, "users", "community_user_id");
    for worker in [frozen, other] {
        worker.signal("TERM");
        worker.wait().0.succeeded();
    }
}

/// How often the connections of all processes are cut during one sync.
const CUTS: usize = 3;

#[test]
fn connections_that_are_cut_in_a_loop_lose_and_double_nothing() {
    let Some((home, database)) = on_postgres() else {
        return;
    };
    let home = home
        .with("TRIBUTARY_LEASE_TTL", "1s")
        .with("TRIBUTARY_REQUESTS_PER_MINUTE", SLOWLY);
    let (_simulator, address) = home.simulate("customer-en:users=3000,topics=60,views=200", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let (console, page) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let mut found = 0;
    for _ in 0..CUTS {
        found = wait_for("the run to go on", || {
            let run = home.runs().into_iter().next()?;
            let now: u64 = streams(&run).iter().map(|of| count(of, "found")).sum();
            (run["state"] == "running" && now > found).then_some(now)
        });
        assert!(in_runtime(database.cut_connections()) > 0);
    }
    let run = completed(&home);
    assert_eq!(home.runs().len(), 1, "it is one run");
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
    assert_stored_once(&home, &run, "users", "community_user_id");
    assert_stored_once(&home, &run, "activity", "event_id");
    assert_eq!(get(page, "/readyz").status, 200);
    assert_eq!(
        get(page, "/administration/general/community-management").status,
        200
    );
    console.signal("TERM");
    console.wait().0.succeeded();
}
