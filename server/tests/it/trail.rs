//! `tributary audit`: what the trail holds of what was done, and what shows when somebody wrote to it.

use std::fs;

use chrono::{DateTime, TimeDelta};
use rusqlite::Connection;
use serde_json::Value;
use store::{AuditEntry, By, Deed};

use crate::support::{Home, Unasked, count, holds, read, text, wait_for};

fn deeds(home: &Home) -> Vec<String> {
    let entries = home.trail();
    entries
        .iter()
        .map(|entry| text(entry, &"deed").to_owned())
        .collect()
}

/// Four entries of an operator.
fn four_entries() -> Home {
    let home = Home::new();
    home.connect("customer-en", &Unasked::new().url());
    home.run(&["connection", "deactivate", "customer-en"]).succeeded();
    home.run(&["connection", "activate", "customer-en"]).succeeded();
    home.run(&["connection", "map", "customer-en", "--title", "Role"])
        .succeeded();
    home
}

/// What somebody does who has the database, past its guards.
fn tamper(home: &Home, statements: &str) {
    let database = Connection::open(home.path("data/tributary.db")).expect("the database");
    database
        .execute_batch("DROP TRIGGER audit_entry_stays; DROP TRIGGER audit_entry_is_kept;")
        .expect("no guards");
    database.execute_batch(statements).expect("a change");
}

#[test]
fn what_an_operator_does_is_in_the_trail_with_who_and_from_where() {
    let home = four_entries();
    let connection = home.run(&["connection", "list", "--json"]).succeeded().json();
    let target = format!("connection {}", text(&connection[0], &"id"));
    assert_eq!(
        deeds(&home),
        [
            "connection_added",
            "connection_deactivated",
            "connection_activated",
            "mapping_changed"
        ]
    );
    for (number, entry) in (1..).zip(home.trail()) {
        assert_eq!(count(&entry, "number"), number);
        assert_eq!(text(&entry, &"actor"), "operator");
        assert!(text(&entry, &"origin").starts_with("user "), "{entry}");
        assert_eq!(text(&entry, &"target"), target);
    }
    let latest = home.run(&["audit", "list", "--limit", "1"]).succeeded();
    assert!(latest.stdout.contains("mapping_changed"), "{}", latest.stdout);
    assert!(!latest.stdout.contains("connection_added"), "{}", latest.stdout);
    let after = home.run(&["audit", "list", "--after", "3", "--json"]).succeeded();
    assert_eq!(after.json().as_array().map(Vec::len), Some(1));
}

#[test]
fn an_untouched_trail_is_whole() {
    let home = Home::new();
    let empty = home.run(&["audit", "verify", "--json"]).succeeded().json();
    assert_eq!((count(&empty, "entries"), text(&empty, &"hash")), (0, ""));
    drop(home);
    let home = four_entries();
    let checked = home.run(&["audit", "verify", "--json"]).succeeded().json();
    assert_eq!((count(&checked, "entries"), count(&checked, "last")), (4, 4));
    let said = home.run(&["audit", "verify"]).succeeded();
    assert!(
        said.stdout.contains("4 entries: none is missing"),
        "{}",
        said.stdout
    );
    let known = format!("4:{}", text(&checked, &"hash"));
    home.run(&["audit", "verify", "--known", &known]).succeeded();
}

#[test]
fn what_is_changed_removed_or_put_in_shows_by_its_number() {
    let tampered: [(&str, &str); 5] = [
        (
            "UPDATE audit_entry SET origin = 'user somebody' WHERE number = 2",
            "entry 2",
        ),
        ("UPDATE audit_entry SET at = at + 1 WHERE number = 3", "entry 3"),
        ("DELETE FROM audit_entry WHERE number = 2", "entry 2 is missing"),
        (
            "DELETE FROM audit_entry WHERE number = 2;
             UPDATE audit_entry SET number = number - 1 WHERE number > 2",
            "entry 2",
        ),
        (
            "INSERT INTO audit_entry (number, at, actor, deed, hash) VALUES (5, 0, 'operator', 'logged_in', 'made up')",
            "entry 5",
        ),
    ];
    for (statements, named) in tampered {
        let home = four_entries();
        tamper(&home, statements);
        home.run(&["audit", "verify"])
            .ended(1)
            .says(&["not as it was written", named, "next:"]);
    }
}

#[test]
fn entries_that_are_taken_off_the_end_show_by_one_that_is_known() {
    let home = four_entries();
    let checked = home.run(&["audit", "verify", "--json"]).succeeded().json();
    let known = format!("4:{}", text(&checked, &"hash"));
    tamper(&home, "DELETE FROM audit_entry WHERE number = 4");
    home.run(&["audit", "verify"]).succeeded();
    home.run(&["audit", "verify", "--known", &known])
        .ended(1)
        .says(&["entry 4, which is known, is gone"]);
    // Another one takes its place.
    home.run(&["connection", "deactivate", "customer-en"]).succeeded();
    home.run(&["audit", "verify", "--known", &known])
        .ended(1)
        .says(&["entry 4 is not the one that is known"]);
    home.run(&["audit", "verify", "--known", "4"]).ended(2);
}

#[test]
fn the_beginning_goes_only_with_an_entry_that_says_so() {
    let home = four_entries();
    tamper(
        &home,
        "INSERT INTO audit_cut (number, hash) SELECT number, hash FROM audit_entry WHERE number = 2;
         DELETE FROM audit_entry WHERE number <= 2",
    );
    home.run(&["audit", "verify"])
        .ended(1)
        .says(&["entries up to 2 are gone", "no later entry says"]);
}

#[test]
fn a_worker_lets_old_entries_go_and_the_trail_says_which() {
    let home = four_entries().with("TRIBUTARY_KEEP_AUDIT_DAYS", "30");
    age_the_trail(&home);
    home.run(&["audit", "verify"]).succeeded();
    let worker = home.start(&["worker"]);
    let told = wait_for("the cut", || {
        let entries = home.trail();
        entries.iter().find(|entry| entry["deed"] == "trail_cut").cloned()
    });
    worker.signal("TERM");
    worker.wait().0.succeeded();
    assert_eq!(text(&told, &"target"), "entries up to 2");
    assert_eq!(text(&told, &"origin"), "TRIBUTARY_KEEP_AUDIT_DAYS");
    let checked = home.run(&["audit", "verify", "--json"]).succeeded().json();
    assert_eq!((count(&checked, "cut"), count(&checked, "entries")), (2, 2));
    let said = home.run(&["audit", "verify"]).succeeded();
    assert!(said.stdout.contains("Entries up to 2 went"), "{}", said.stdout);
}

/// Two entries of long ago and one of now, as they would have been written.
fn age_the_trail(home: &Home) {
    let database = Connection::open(home.path("data/tributary.db")).expect("the database");
    let now: i64 = database
        .query_row("SELECT MAX(at) FROM audit_entry", [], |row| row.get(0))
        .expect("the latest entry");
    tamper(home, "DELETE FROM audit_entry");
    let mut last = None;
    for days in [90, 60, 0] {
        let now = DateTime::from_timestamp_micros(now).expect("a time");
        let by = By::operator(now - TimeDelta::days(days));
        let entry = AuditEntry::next(last.take(), &by, Deed::LoggedIn, Some("session".into()));
        database
            .execute(
                "INSERT INTO audit_entry (number, at, actor, deed, target, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (
                    i64::try_from(entry.number).expect("a number"),
                    entry.at.timestamp_micros(),
                    &entry.actor,
                    &entry.deed,
                    &entry.target,
                    &entry.hash,
                ),
            )
            .expect("an entry");
        last = Some((entry.number, entry.hash));
    }
}

#[test]
fn an_export_holds_every_entry_with_its_hash() {
    let home = four_entries();
    home.run(&["audit", "export", "--output", "trail.csv"])
        .succeeded()
        .says(&["4 rows of the audit trail are in trail.csv"]);
    let lines = fs::read_to_string(home.path("trail.csv")).expect("the file");
    assert!(
        lines.starts_with("number,at,actor,account_id,token_id,origin,deed,target,hash\r\n1,20"),
        "{lines}"
    );
    assert_eq!(lines.lines().count(), 5);
    let exported = home.run(&["audit", "export", "--format", "ndjson"]).succeeded();
    let exported: Vec<Value> = exported
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(exported, home.trail());
    home.run(&["audit", "export", "--output", "no/folder/trail.csv"])
        .ended(1);
}

#[test]
fn what_the_trail_keeps_of_an_erased_person_is_in_no_byte() {
    let home = Home::new();
    let (_simulator, tenants) = home.simulate("customer-en:users=20,topics=5,views=5", &[]);
    home.connect("customer-en", &format!("http://{tenants}"));
    home.sync("customer-en").succeeded();
    let exported = home.run(&["export", "users", "--json"]).succeeded().json();
    let users = exported.as_array().expect("members");
    let person = users
        .iter()
        .find(|user| user["email"].is_string())
        .expect("a member with an address");
    let (id, email) = (text(person, &"community_user_id"), text(person, &"email"));
    let said = ["member", "unlink", "customer-en", id, "--reason", "They told us"];
    home.run(&said).succeeded();
    home.run(&["member", "left", "customer-en", id, "--reason", "They told us"])
        .succeeded();
    home.run(&["erase", "--email", email, "--json"]).succeeded();
    let told = deeds(&home);
    for deed in ["member_unlinked", "member_left", "person_erased"] {
        assert!(told.iter().any(|told| told == deed), "{deed}: {told:?}");
    }
    home.run(&["audit", "export", "--output", "trail.csv"])
        .succeeded();
    let trail = read(&home.path("trail.csv")).to_ascii_lowercase();
    for of_them in [email, text(person, &"username"), "they told us"] {
        assert!(!holds(&trail, &of_them.to_ascii_lowercase()), "{of_them}");
    }
    assert!(!holds(
        &home.kept().to_ascii_lowercase(),
        &email.to_ascii_lowercase()
    ));
    home.run(&["audit", "verify"]).succeeded();
}
