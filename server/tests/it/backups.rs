//! A copy of the embedded database, taken while a sync writes, and what becomes of it elsewhere.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use crate::{
    crashes::assert_stored_once,
    support::{Home, assert_balanced, assert_truth, count, get, read, streams, text, wait_for},
};

/// So that the sync outlasts the backup: 25 pages of members at ten a second.
const SLOWLY: &str = "600";
/// In a restored installation nobody renews the lease that the copy shows.
const LEASE: &str = "1s";

const OBJECTS: [&str; 7] = [
    "users",
    "content",
    "activity",
    "trends",
    "categories",
    "idea-statuses",
    "invalid-records",
];

fn installation() -> Home {
    Home::new().with("TRIBUTARY_LEASE_TTL", LEASE)
}

/// Copies a backup and the key to another machine, so to speak.
fn carry(from: &Home, name: &str, to: &Home) -> PathBuf {
    fs::create_dir_all(to.path("data")).expect("a folder");
    fs::copy(from.path("data/secret.key"), to.path("data/secret.key")).expect("the key");
    fs::copy(from.path(name), to.path(name)).expect("the backup");
    to.path(name)
}

#[test]
fn a_backup_that_is_taken_during_a_sync_holds_a_whole_page_and_goes_on_elsewhere() {
    let home = installation().with("TRIBUTARY_REQUESTS_PER_MINUTE", SLOWLY);
    let (_simulator, address) = home.simulate("customer-en:users=2500,topics=40,views=150,broken=20", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let syncing = home.start(&["sync", "customer-en", "--json"]);
    wait_for("members to be stored", || {
        let run = home.runs().into_iter().next()?;
        let users = streams(&run).iter().find(|of| of["stream"] == "users")?;
        (count(users, "new") > 0).then_some(())
    });
    let told = home.run(&["backup", "half.db", "--json"]).succeeded();
    assert!(told.stderr.contains("secret.key apart"), "{}", told.stderr);
    assert_eq!(
        home.runs()[0]["state"],
        "running",
        "it was taken while the sync went on"
    );
    let bytes = fs::metadata(home.path("half.db")).expect("the backup");
    assert_eq!(told.json()["bytes"], bytes.len());
    assert_eq!(
        bytes.permissions().mode() & 0o077,
        0,
        "its owner alone may read it"
    );
    let (done, _) = syncing.wait();
    let original = done.succeeded().json();
    assert_truth(&original, &get(address, "/__truth/customer-en").json());

    let elsewhere = installation();
    carry(&home, "half.db", &elsewhere);
    let restored = elsewhere.run(&["restore", "half.db", "--json"]).succeeded();
    assert!(!restored.stderr.contains("missing"), "{}", restored.stderr);
    let run = elsewhere.runs().remove(0);
    assert_eq!((&run["id"], &run["state"]), (&original["id"], &"running".into()));
    streams(&run).iter().for_each(assert_balanced);
    assert_stored_once(&elsewhere, &run, "users", "community_user_id");

    // It is an installation like any other: the same run goes on after its last page.
    let run = elsewhere.sync("customer-en").succeeded().json();
    assert_eq!((&run["id"], count(&run, "attempts")), (&original["id"], 2));
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
    for (object, key) in [("users", "community_user_id"), ("activity", "event_id")] {
        assert_stored_once(&elsewhere, &run, object, key);
    }
}

#[test]
fn a_restored_installation_holds_what_was_backed_up_and_replaces_nothing() {
    let home = installation();
    let (_simulator, address) = home.simulate("customer-en:users=250,topics=40,views=150,broken=20", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    home.sync("customer-en").succeeded();
    home.run(&["backup", "whole.db"]).succeeded();
    let before = read(&home.path("whole.db"));
    home.run(&["backup", "whole.db"])
        .ended(2)
        .says(&["whole.db is there already", "next:"]);
    home.run(&["restore", "whole.db"])
        .ended(2)
        .says(&["tributary.db is there already", "next:"]);
    assert_eq!(read(&home.path("whole.db")), before, "a backup replaces nothing");

    let elsewhere = installation();
    carry(&home, "whole.db", &elsewhere);
    // The log of a database that was there before would be taken for a part of this one.
    fs::write(elsewhere.path("data/tributary.db-wal"), "of another").expect("written");
    elsewhere
        .run(&["restore", "whole.db"])
        .ended(2)
        .says(&["tributary.db-wal is there already"]);
    fs::remove_file(elsewhere.path("data/tributary.db-wal")).expect("removed");
    elsewhere
        .run(&["restore", "data/secret.key"])
        .ended(2)
        .says(&["tributary backup wrote"]);
    assert!(!elsewhere.path("data/tributary.db").exists());

    elsewhere.run(&["restore", "whole.db"]).succeeded();
    assert_eq!(elsewhere.runs(), home.runs());
    for object in OBJECTS {
        let exported = |home: &Home| {
            let export = home.run(&["export", object, "--format", "ndjson"]);
            export.succeeded().stdout
        };
        let rows = exported(&home);
        assert!(!rows.is_empty(), "{object}");
        assert_eq!(exported(&elsewhere), rows, "{object}");
    }
    let tested = elsewhere.run(&["connection", "test", "customer-en", "--json"]);
    assert_eq!(text(&tested.succeeded().json(), &"tenant_id"), "customer-en");
}
