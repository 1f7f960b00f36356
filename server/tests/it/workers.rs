//! Runs that start by themselves, in `serve` and in `worker`.

use std::time::Duration;

use crate::support::{Home, assert_truth, get, never_answers, request, text, wait_for};

#[test]
fn a_connection_that_never_ran_is_synced_at_start_up_and_only_once() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=50,topics=10,views=20", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let (console, _) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let run = wait_for("the run to complete", || {
        home.runs().into_iter().find(|run| run["state"] == "completed")
    });
    assert_eq!(run["trigger"], "scheduled");
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
    console.signal("TERM");
    console.wait().0.succeeded();

    // The day's run is done, so another start queues nothing; the connection added meanwhile shows that it looked.
    home.add("customer-de", &format!("http://{address}"), "customer-en/de")
        .succeeded();
    let worker = home.start(&["worker"]);
    wait_for("the other connection's run", || {
        home.runs()
            .into_iter()
            .find(|run| run["tenant_id"] == "customer-de" && run["state"] == "completed")
    });
    assert_eq!(home.runs().len(), 2);
    worker.signal("TERM");
    worker.wait().0.succeeded();
}

#[test]
fn a_run_under_way_at_the_end_goes_back_to_the_queue_and_on_from_there() {
    let home = Home::new();
    let (_simulator, address) =
        home.simulate("customer-en:users=900,topics=90,views=200", &["--faults", "slow"]);
    home.connect("customer-en", &format!("http://{address}"));
    let (console, _) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let id = wait_for("a page of users", || {
        let run = home.runs().into_iter().next()?;
        (run["state"] == "running" && run["stage"] == "users").then(|| text(&run, &"id").to_owned())
    });
    console.signal("TERM");
    let (done, took) = console.wait();
    done.succeeded();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(home.runs()[0]["state"], "queued");

    request(address, "POST", "/__faults/customer-en?profile=none", &[]);
    let worker = home.start(&["worker"]);
    let run = wait_for("the run to complete", || {
        home.runs().into_iter().find(|run| run["state"] == "completed")
    });
    assert_eq!(
        (text(&run, &"id"), &run["attempts"]),
        (id.as_str(), &serde_json::json!(2))
    );
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
    worker.signal("INT");
    worker.wait().0.succeeded();
}

#[test]
fn a_deactivated_connection_is_left_alone() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=10,topics=2,views=2", &[]);
    let url = format!("http://{address}");
    home.connect("customer-en", &url);
    home.run(&["connection", "deactivate", "customer-en"]).succeeded();
    home.add("customer-de", &url, "customer-en/de").succeeded();
    let _worker = home.start(&["worker"]);
    wait_for("the other connection's run", || {
        home.runs().into_iter().find(|run| run["state"] == "completed")
    });
    assert!(home.runs().iter().all(|run| run["tenant_id"] == "customer-de"));
}

#[test]
fn a_provider_that_never_answers_holds_no_end_up() {
    for words in [
        ["serve", "--listen", "127.0.0.1:0"].as_slice(),
        &["worker"],
        &["sync", "customer-en"],
    ] {
        let home = Home::new();
        home.connect("customer-en", &format!("http://{}", never_answers()));
        let process = home.start(words);
        wait_for("the run to start", || {
            home.runs().into_iter().find(|run| run["state"] == "running")
        });
        process.signal("TERM");
        let (done, took) = process.wait();
        assert!(took < Duration::from_secs(5), "{words:?} took {took:?}");
        done.ended(i32::from(words[0] == "sync"));
    }
}
