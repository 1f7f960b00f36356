//! Runs that wait, that are stopped, and that make room for others.

use std::time::Instant;

use serde_json::Value;

use crate::support::{Home, Running, count, get, never_answers, request, submit, text, wait_for};

const PAGE: &str = "/administration/general/community-management";

fn run_of(home: &Home, tenant: &str) -> Option<Value> {
    home.runs().into_iter().find(|run| run["tenant_id"] == tenant)
}

fn running(home: &Home, tenant: &str) -> Option<Value> {
    run_of(home, tenant).filter(|run| run["state"] == "running")
}

/// Until the run of the tenant is cancelled, which takes less than 5 s.
fn assert_cancelled_soon(home: &Home, tenant: &str) -> Value {
    let asked = Instant::now();
    let run = wait_for("the run to be cancelled", || {
        run_of(home, tenant).filter(|run| run["state"] == "cancelled")
    });
    assert!(asked.elapsed().as_secs() < 5, "{:?}", asked.elapsed());
    run
}

#[test]
fn a_run_that_waits_for_its_provider_says_so_and_ends_at_once_when_it_is_cancelled() {
    let home = Home::new().with("TRIBUTARY_RETRY_BACKOFF", "90s");
    let (_simulator, address) = home.simulate("customer-en:users=50,topics=10,views=20", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    request(address, "POST", "/__faults/customer-en?profile=unavailable", &[]);
    let _worker = home.start(&["worker"]);
    let run = wait_for("the wait", || {
        running(&home, "customer-en").filter(|run| run["waits_for_provider_until"].is_string())
    });
    let id = text(&run, &"id").to_owned();
    let shown = home.run(&["run", "show", &id]).succeeded();
    assert!(
        shown.stdout.contains("waits for the provider, "),
        "{}",
        shown.stdout
    );

    let cancelled = home.run(&["run", "cancel", &id, "--json"]).succeeded();
    assert_eq!(cancelled.json()["stopped_by"], "operator");
    let run = assert_cancelled_soon(&home, "customer-en");
    assert_eq!(run["stopped_by"], "operator");
    assert_eq!(run["waits_for_provider_until"], Value::Null);
    assert_eq!(run["cause"], Value::Null);
    home.run(&["run", "cancel", &id])
        .ended(1)
        .says(&["over already", "nothing was changed"]);
    let nobody = "01a20b60-8e7f-7503-a4b7-724f4e449336";
    home.run(&["run", "cancel", nobody])
        .ended(1)
        .says(&["there is no run", "tributary runs"]);
}

#[test]
fn a_queued_run_tells_its_place_and_is_cancelled_from_the_console() {
    let home = Home::new().with("TRIBUTARY_CONCURRENT_RUNS", "1");
    let silent = format!("http://{}", never_answers());
    home.connect("customer-en", &silent);
    let (_console, address) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
    wait_for("the first run", || running(&home, "customer-en"));
    home.add("customer-de", &silent, "customer-de").succeeded();
    let queued = wait_for("the second run", || {
        run_of(&home, "customer-de").filter(|run| run["queue"].is_object())
    });
    let place = &queued["queue"];
    assert_eq!((count(place, "place"), count(place, "waiting")), (1, 1));
    assert_eq!(text(place, &"why"), "All places are taken.");
    assert!(place["expected_start_at"].is_string());
    let page = get(address, PAGE).body;
    assert!(page.contains("Place 1 of 1, starts about now."), "{page}");

    let cancel = |run: &Value| {
        let field = format!("run={}", text(run, &"id"));
        submit(address, PAGE, "/rpc/cancel_run", &field)
    };
    assert_eq!(cancel(&queued).status, 302);
    let over = run_of(&home, "customer-de").expect("the run");
    assert_eq!(
        (&over["state"], &over["stopped_by"]),
        (&"cancelled".into(), &"admin".into())
    );
    let again = cancel(&queued);
    assert!(again.head.contains("__err="), "{}", again.head);

    // The first hangs in a request, which is not waited for.
    let hanging = running(&home, "customer-en").expect("the first run");
    assert_eq!(cancel(&hanging).status, 302);
    assert_cancelled_soon(&home, "customer-en");
    let log = get(address, &format!("{PAGE}?tab=activity-logs")).body;
    assert!(log.contains("by an admin"), "{log}");
}

/// Starts a worker with one place, and waits until it is at a tenant that takes it many minutes.
fn one_place_and_a_large_tenant(home: &Home) -> (Running, String) {
    let large = "customer-en:users=200000,topics=20,views=0";
    let small = "small-de:users=30,topics=4,views=5";
    let more = ["--tenant", small];
    let (simulator, address) = home.simulate(large, &more);
    let url = format!("http://{address}");
    home.connect("customer-en", &url);
    (simulator, url)
}

#[test]
fn a_large_tenant_makes_room_for_small_ones_and_goes_on_after_them() {
    let home = Home::new()
        .with("TRIBUTARY_CONCURRENT_RUNS", "1")
        .with("TRIBUTARY_REQUESTS_PER_MINUTE", "300");
    let (_simulator, url) = one_place_and_a_large_tenant(&home);
    let _worker = home.start(&["worker"]);
    let found = |run: &Value| -> u64 {
        let streams = run["streams"].as_array().expect("streams");
        streams.iter().map(|stream| count(stream, "found")).sum()
    };
    let large = wait_for("users of the large tenant", || {
        running(&home, "customer-en").filter(|run| found(run) > 500)
    });
    for number in 1..=3 {
        let tenant = format!("small-{number}");
        home.add(&tenant, &url, &format!("small-de/{number}")).succeeded();
    }
    for number in 1..=3 {
        let tenant = format!("small-{number}");
        wait_for("the small tenants' runs", || {
            run_of(&home, &tenant).filter(|run| run["state"] == "completed")
        });
    }
    let later = run_of(&home, "customer-en").expect("the large run");
    assert!(["queued", "running"].contains(&text(&later, &"state")), "{later}");
    let gone_on = wait_for("the large tenant to go on", || {
        running(&home, "customer-en").filter(|run| found(run) > found(&later))
    });
    assert_eq!(gone_on["id"], large["id"]);
    assert_eq!(count(&gone_on, "attempts"), 1, "to make room is no attempt");
    let id = text(&gone_on, &"id").to_owned();
    home.run(&["run", "cancel", &id]).succeeded();
    let cancelled = assert_cancelled_soon(&home, "customer-en");
    let shown = home.run(&["run", "show", &id]).succeeded().stdout;
    assert!(
        shown.contains("are kept; the next run reads them again."),
        "{shown}"
    );
    assert!(found(&cancelled) >= found(&gone_on));
}
