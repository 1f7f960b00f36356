//! Activity from files.

use std::fs;

use crate::support::{Home, count, get};

const HEADER: &str = "event_id,type,occurred_at,user_id,content_public_id\n";

fn import(home: &Home, text: &str) -> crate::support::Done {
    fs::write(home.path("views.csv"), text).expect("written");
    home.run(&["activity", "import", "customer-en", "views.csv", "--json"])
}

fn exported(home: &Home, object: &str) -> serde_json::Value {
    home.run(&["export", object, "--json"]).succeeded().json()
}

#[test]
fn good_lines_are_kept_and_bad_ones_told_by_number() {
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:1");
    let file = format!(
        "{HEADER}a,view,2026-01-01T10:00:00Z,7,41\nb,view,yesterday,7,41\nc,view,2026-01-02T10:00:00Z,,\n"
    );
    let first = import(&home, &file)
        .ended(1)
        .says(&["line 3:", "yesterday", "next:"]);
    let first = first.json();
    let counts = ["read", "new", "updated", "unchanged", "bad"].map(|name| count(&first, name));
    assert_eq!(counts, [3, 2, 0, 0, 1]);
    assert_eq!(first["bad_lines"][0]["line"], 3);
    assert_eq!(first["source"], "import");

    let corrected = file
        .replace("yesterday", "2026-01-01")
        .replace("c,view", "c,like");
    let second = import(&home, &corrected).succeeded().json();
    let counts = ["read", "new", "updated", "unchanged", "bad"].map(|name| count(&second, name));
    assert_eq!(counts, [3, 1, 1, 1, 0]);
    assert_eq!(exported(&home, "activity").as_array().map(Vec::len), Some(3));
    let trends = exported(&home, "trends");
    assert_eq!(trends[0]["day"], "2026-01-01");
    assert_eq!(
        (&trends[0]["kind"], count(&trends[0], "count")),
        (&"view".into(), 2)
    );

    let (_serving, address) = home.serve(&["serve", "--listen", "127.0.0.1:0", "--no-worker"]);
    let page = get(address, "/administration/general/community-management");
    assert!(
        page.body.contains("imported"),
        "the card says where views come from"
    );
}

#[test]
fn a_file_that_is_none_changes_nothing() {
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:1");
    import(&home, "id,when\n1,2026-01-01\n").ended(2).says(&[
        "views.csv",
        "\"id\"",
        "event_id,type,occurred_at",
        "next:",
    ]);
    import(&home, "").ended(2).says(&["empty", "next:"]);
    home.run(&["activity", "import", "customer-en", "no-such-file.csv"])
        .ended(2)
        .says(&["no-such-file.csv", "next:"]);
    home.run(&["activity", "import", "customer-fr", "views.csv"])
        .ended(1)
        .says(&["customer-fr", "next:"]);
    let listed = home.run(&["connection", "list", "--json"]).succeeded().json();
    assert!(listed[0]["activity_source"].is_null());
}
