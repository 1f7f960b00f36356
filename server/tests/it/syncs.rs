//! A sync in the foreground, from an empty folder to a ledger that equals the truth.

use crate::support::{Home, assert_balanced, assert_truth, count, get, request, streams, text, wait_for};

const TENANT: &str = "customer-en:users=230,topics=45,views=210,broken=9";

#[test]
fn a_first_sync_brings_in_what_the_tenant_has_and_a_second_finds_nothing_new() {
    let home = Home::new();
    let (_simulator, address) = home.simulate(TENANT, &[]);
    home.connect("customer-en", &format!("http://{address}"));

    let first = home.sync("customer-en").succeeded().json();
    let truth = get(address, "/__truth/customer-en").json();
    assert_truth(&first, &truth);
    assert_eq!(first["state"], "completed_with_invalid");
    assert_eq!(first["trigger"], "manual");
    assert_eq!(first["mode"], "full");
    assert_eq!(first["attempts"], 1);
    assert!(first["cause"].is_null());
    assert!(count(&first, "requests") > 6);

    let shown = home.run(&["run", "show", text(&first, &"id"), "--json"]);
    assert_eq!(shown.succeeded().json(), first);

    let second = home
        .run(&["sync", "customer-en", "--full", "--json"])
        .succeeded()
        .json();
    for stream in streams(&second) {
        assert_balanced(stream);
        assert_eq!(
            (count(stream, "new"), count(stream, "updated")),
            (0, 0),
            "{stream}"
        );
    }

    let runs = home.runs();
    let ids: Vec<_> = runs.iter().map(|run| text(run, &"id")).collect();
    assert_eq!(ids, [text(&second, &"id"), text(&first, &"id")], "newest first");
    let of_tenant = home.run(&["runs", "customer-en", "--json"]).succeeded().json();
    assert_eq!(of_tenant.as_array().map(Vec::len), Some(2));
}

#[test]
fn without_json_people_read_a_table_and_data_stays_apart_from_messages() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-de:users=20,topics=5,views=10", &[]);
    home.connect("customer-de", &format!("http://{address}"));
    let done = home.run(&["sync", "customer-de"]).succeeded();
    assert!(done.stdout.contains("idea_statuses"), "{}", done.stdout);
    assert!(done.stdout.contains("completed"), "{}", done.stdout);
    let done = done.says(&["started", "is complete"]);
    assert!(!done.stderr.contains('\u{1b}'), "no bar without a terminal");
    assert!(!done.stdout.contains("is complete"));
}

#[test]
fn a_page_cut_in_the_middle_now_and_then_loses_nothing() {
    let home = Home::new();
    let (_simulator, address) = home.simulate(TENANT, &["--faults", "truncated"]);
    home.connect("customer-en", &format!("http://{address}"));
    let run = home.sync("customer-en").succeeded().json();
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
}

#[test]
fn pages_that_are_always_cut_fail_the_run_and_a_later_one_brings_everything() {
    let home = Home::new();
    let (_simulator, address) = home.simulate(TENANT, &["--faults", "truncated:every=1"]);
    home.connect("customer-en", &format!("http://{address}"));

    let failed = home.sync("customer-en").ended(1).says(&["next:"]).json();
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["cause"]["code"], "answer_malformed");
    assert_eq!(failed["cause"]["owner"], "provider");
    streams(&failed).iter().for_each(assert_balanced);

    let calmed = request(address, "POST", "/__faults/customer-en?profile=none", &[]);
    assert!(calmed.status < 300, "{calmed:?}");
    let run = home.sync("customer-en").succeeded().json();
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
}

#[test]
fn a_run_whose_worker_lives_is_busy_and_one_whose_worker_died_is_taken_up() {
    let home = Home::new().with("TRIBUTARY_LEASE_TTL", "2s");
    let (_simulator, address) =
        home.simulate("customer-en:users=900,topics=90,views=200", &["--faults", "slow"]);
    home.connect("customer-en", &format!("http://{address}"));
    let slow = home.start(&["sync", "customer-en", "--json"]);
    let id = wait_for("the run to start", || {
        let runs = home.runs();
        let run = runs.first()?;
        (run["state"] == "running").then(|| text(run, &"id").to_owned())
    });

    let busy = home
        .sync("customer-en")
        .ended(1)
        .says(&["busy", &id, "next:"])
        .json();
    assert_eq!(text(&busy, &"id"), id, "the run document is printed all the same");

    slow.signal("KILL");
    slow.wait();
    request(address, "POST", "/__faults/customer-en?profile=none", &[]);
    let run = home.sync("customer-en").succeeded().json();
    assert_eq!(text(&run, &"id"), id, "the same run");
    assert_eq!(run["attempts"], 2);
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
}

#[test]
fn an_interrupted_sync_goes_back_to_the_queue_and_the_next_one_goes_on() {
    let home = Home::new();
    let (_simulator, address) =
        home.simulate("customer-en:users=900,topics=90,views=200", &["--faults", "slow"]);
    home.connect("customer-en", &format!("http://{address}"));
    let slow = home.start(&["sync", "customer-en", "--json"]);
    wait_for("the run to start", || {
        home.runs()
            .first()
            .filter(|run| run["state"] == "running")
            .cloned()
    });
    slow.signal("INT");
    let (stopped, took) = slow.wait();
    let stopped = stopped.ended(1).says(&["queued again", "next:"]).json();
    assert!(took.as_secs() < 5, "{took:?}");
    assert_eq!(stopped["state"], "queued");

    request(address, "POST", "/__faults/customer-en?profile=none", &[]);
    let run = home.sync("customer-en").succeeded().json();
    assert_eq!(run["id"], stopped["id"]);
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
}
