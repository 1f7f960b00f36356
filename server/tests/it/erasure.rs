//! A person is erased, and stays so.

use serde_json::Value;

use crate::support::{Home, assert_balanced, count, holds, request, streams, text};

fn export(home: &Home, object: &str) -> Vec<Value> {
    let done = home.run(&["export", object, "--format", "ndjson"]).succeeded();
    let lines = done.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A member who wrote something, and whose name is in nothing that is not theirs.
fn someone(home: &Home) -> Value {
    let (users, content) = (export(home, "users"), export(home, "content"));
    let alone = |user: &&Value| {
        let (Some(name), Some(email)) = (user["username"].as_str(), user["email"].as_str()) else {
            return false;
        };
        let id = &user["community_user_id"];
        let named = |other: &&Value| other.to_string().contains(name) || other.to_string().contains(email);
        let of_others = content.iter().filter(|post| post["author_user_id"] != *id);
        name.len() >= 6
            && users.iter().filter(named).count() == 1
            && of_others.filter(named).count() == 0
            && content.iter().any(|post| post["author_user_id"] == *id)
    };
    users
        .iter()
        .find(alone)
        .expect("someone who wrote something")
        .clone()
}

#[test]
fn an_erased_person_is_in_no_file_and_does_not_come_back() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=60,topics=40,views=300,broken=8", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    home.sync("customer-en").succeeded();
    let person = someone(&home);
    let (name, email) = (text(&person, &"username"), text(&person, &"email"));
    let (members, posts) = (export(&home, "users").len(), export(&home, "content").len());
    let trends = export(&home, "trends");
    assert!(holds(&home.kept(), name) && holds(&home.kept(), email));

    let spelled = format!("  {} ", email.to_uppercase());
    let told = home
        .run(&["erase", "--email", &spelled, "--dry-run", "--json"])
        .succeeded()
        .json();
    assert_eq!(export(&home, "users").len(), members, "looking changes nothing");
    let receipt = home.run(&["erase", "--email", &spelled, "--json"]).succeeded();
    assert!(
        !receipt.stdout.contains(email) && !receipt.stdout.contains(name),
        "{}",
        receipt.stdout
    );
    let receipt = receipt.json();
    assert_eq!(text(&receipt["tenants"][0], &"tenant_id"), "customer-en");
    assert_eq!(count(&receipt["total"], "users"), 1);
    assert!(count(&receipt["total"], "content") >= 1);
    for kept in ["content", "activity"] {
        assert_eq!(count(&told, kept), count(&receipt["total"], kept), "{kept}");
    }
    assert!(
        ["none", "removed"].contains(&text(&receipt, &"leftovers")),
        "{receipt}"
    );
    let left = home.kept();
    assert!(
        !holds(&left, email) && !holds(&left, name),
        "in a place that is free"
    );
    assert_eq!(export(&home, "trends"), trends);

    for full in [false, true] {
        request(address, "POST", "/__advance/customer-en?days=1", &[]);
        let words: &[&str] = if full {
            &["sync", "customer-en", "--full", "--replies", "--json"]
        } else {
            &["sync", "customer-en", "--json"]
        };
        let run = home.run(words).succeeded().json();
        streams(&run).iter().for_each(assert_balanced);
        let (users, content) = (export(&home, "users"), export(&home, "content"));
        assert!(users.len() >= members - 1 && content.len() >= posts);
        for row in users.iter().chain(&content) {
            let row = row.to_string();
            assert!(!row.contains(email) && !row.contains(name), "{row}");
        }
        assert!(!holds(&home.kept(), email) && !holds(&home.kept(), name));
    }

    home.run(&["erase", "--email", email])
        .ended(1)
        .says(&["erased already", text(&receipt, &"id")]);
}

#[test]
fn an_unknown_address_and_what_is_none_change_nothing() {
    let home = Home::new();
    home.run(&["erase", "--email", "nobody@example.com"])
        .ended(1)
        .says(&[
            "nothing that is stored belongs to this address",
            "nothing was changed",
        ]);
    home.run(&["erase", "--email", "nobody"])
        .ended(2)
        .says(&["address"]);
    home.run(&["erase"]).ended(2).says(&["--email"]);
}

/// The hashes that keep an erased person out are keyed with a secret. Without it nobody can be told, so nothing may be
/// written; with a changed key it still opens.
#[test]
fn what_keeps_a_person_out_needs_the_key_and_outlives_its_change() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=20,topics=10,views=20", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    home.sync("customer-en").succeeded();
    let person = someone(&home);
    let email = text(&person, &"email");
    home.run(&["erase", "--email", email]).succeeded();
    let report = home.run(&["secrets", "rotate", "--json"]).succeeded().json();
    assert_eq!(count(&report, "sealed_anew"), 2, "the client secret and the salt");
    home.sync("customer-en").succeeded();
    assert!(!holds(&home.kept(), email));

    std::fs::remove_file(home.path("data/secret.key")).expect("removed");
    home.run(&["erase", "--email", "another@example.com"])
        .ended(1)
        .says(&["hashes cannot be read", "TRIBUTARY_SECRET_KEY_FILE"]);
}
