//! Tokens: what programs show to be let in, and what they are refused.

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::{Answer, Home, Running, holds, request, text, wait_for};

fn add(home: &Home, scope: &str) -> Value {
    let words = ["token", "add", "--name", "nightly", "--scope", scope, "--json"];
    home.run(&words).succeeded().json()
}

fn serve(home: &Home) -> (Running, SocketAddr) {
    home.serve_to_nobody(&["serve", "--listen", "127.0.0.1:0", "--no-worker"])
}

fn asked(address: SocketAddr, method: &str, path: &str, token: &str) -> Answer {
    request(
        address,
        method,
        path,
        &[("authorization", &format!("Bearer {token}"))],
    )
}

fn listed(home: &Home) -> Value {
    let tokens = home.run(&["token", "list", "--json"]).succeeded().json();
    tokens[0].clone()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, cause: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["cause"], cause, "{problem}");
    assert!(!text(&problem, &"next_action").is_empty());
    let asks = answer
        .head
        .contains("www-authenticate: bearer realm=\"tributary\"");
    assert_eq!(asks, status == 401, "{}", answer.head);
}

#[test]
fn a_token_is_shown_once_and_kept_as_a_hash() {
    let home = Home::new();
    let added = add(&home, "read");
    let token = text(&added, &"token");
    let digits = token.strip_prefix("trb_").expect("a prefix that scanners know");
    assert_eq!(digits.len(), 64);
    assert!(!holds(&home.kept(), digits), "only its hash is kept");
    let listed = listed(&home);
    assert_eq!(
        (&listed["name"], &listed["state"]),
        (&"nightly".into(), &"active".into())
    );
    assert_eq!(listed["scopes"], serde_json::json!(["read"]));
    assert!(listed["last_used_at"].is_null() && listed.get("token").is_none());
    let said = home
        .run(&["token", "add", "--name", "n", "--scope", "sync,read"])
        .succeeded();
    assert!(said.stdout.contains("may read,sync until"), "{}", said.stdout);
    assert!(
        said.stdout
            .trim_end()
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("trb_"))
    );
    for refused in [
        &["--name", "n", "--scope", "write"][..],
        &["--name", "n", "--scope", "read", "--expires-in", "2y"],
        &["--name", "n", "--scope", "read", "--expires-in", "400d"],
        &["--name", " ", "--scope", "read"],
        &["--name", "n"],
    ] {
        home.run(&[&["token", "add"], refused].concat()).ended(2);
    }
}

#[test]
fn programs_are_let_in_by_their_token_alone() {
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:9");
    let (read, both) = (add(&home, "read"), add(&home, "read,sync"));
    let (read, both) = (text(&read, &"token").to_owned(), text(&both, &"token").to_owned());
    let (_console, address) = serve(&home);
    let other_digit = if read.ends_with('0') { '1' } else { '0' };
    let guessed = format!("{}{other_digit}", &read[..read.len() - 1]);
    for path in ["/api/v1/connections", "/api/openapi.json", "/metrics"] {
        assert_refused(&request(address, "GET", path, &[]), 401, "unauthorized");
        for wrong in ["", "trb_", "trb_0", &"0".repeat(64), &guessed] {
            assert_refused(&asked(address, "GET", path, wrong), 401, "token_unknown");
        }
        let basic = [("authorization", "Basic YTpi")];
        assert_refused(&request(address, "GET", path, &basic), 401, "unauthorized");
        assert_eq!(asked(address, "GET", path, &read).status, 200, "{path}");
    }
    let sync = "/api/v1/connections/customer-en/sync";
    assert_refused(&asked(address, "POST", sync, &read), 403, "scope_missing");
    assert_eq!(asked(address, "POST", sync, &both).status, 202);
    let audit = home
        .run(&["audit", "list", "--limit", "1", "--json"])
        .succeeded()
        .json();
    assert_eq!(
        (text(&audit[0], &"actor"), text(&audit[0], &"deed")),
        ("token", "run_queued")
    );
    assert_eq!(text(&audit[0], &"origin"), "127.0.0.1");
    let table = home.run(&["audit", "list"]).succeeded().stdout;
    assert!(table.contains("token nightly"), "{table}");
}

#[test]
fn a_token_that_is_revoked_is_good_for_nothing_at_once() {
    let home = Home::new();
    let added = add(&home, "read");
    let (id, token) = (text(&added, &"id"), text(&added, &"token"));
    let (_console, address) = serve(&home);
    assert_eq!(asked(address, "GET", "/api/v1/runs", token).status, 200);
    let used = wait_for("the last use", || {
        listed(&home)["last_used_at"].as_str().map(str::to_owned)
    });
    assert!(used.starts_with("20"), "{used}");
    home.run(&["token", "revoke", id]).succeeded();
    assert_refused(
        &asked(address, "GET", "/api/v1/runs", token),
        401,
        "token_revoked",
    );
    assert_eq!(listed(&home)["state"], "revoked");
    home.run(&["token", "revoke", "00000000-0000-0000-0000-000000000000"])
        .ended(1)
        .says(&["token list"]);
    let told = home.run(&["audit", "list", "--json"]).succeeded().json();
    let told = told.as_array().expect("entries").iter();
    let of_tokens = told.filter(|entry| text(entry, &"deed").starts_with("token_"));
    assert_eq!(of_tokens.count(), 2, "made and revoked; a use is no change");
}

#[test]
fn a_token_opens_no_page_of_the_console() {
    let home = Home::new();
    let added = add(&home, "read,sync");
    let (_console, address) = serve(&home);
    let page = asked(
        address,
        "GET",
        "/administration/general/community-management",
        text(&added, &"token"),
    );
    assert_ne!(page.status, 200, "{page:?}");
}

#[test]
fn a_token_is_in_no_line_of_the_log_and_no_answer() {
    let home = Home::new().with("TRIBUTARY_LOG", "trace");
    let added = add(&home, "read");
    let token = text(&added, &"token");
    let digits = token.trim_start_matches("trb_");
    let (console, address) = serve(&home);
    let cut = &token[..token.len() - 1];
    let mut said = String::new();
    for (method, path, shown) in [
        ("GET", "/api/v1/runs", token),
        ("GET", "/api/v1/runs?limit=none", token),
        ("POST", "/api/v1/runs/7/cancel", token),
        ("GET", "/metrics", token),
        ("GET", "/api/v1/runs", cut),
    ] {
        let answer = asked(address, method, path, shown);
        said.push_str(&answer.head);
        said.push_str(&answer.body);
    }
    console.signal("TERM");
    let done = console.wait().0;
    said.push_str(&done.stdout);
    said.push_str(&done.stderr);
    for words in [
        &["token", "list"][..],
        &["token", "list", "--json"],
        &["audit", "list"],
    ] {
        said.push_str(&home.run(words).succeeded().stdout);
    }
    assert!(said.contains("runs"), "{said}");
    assert!(!said.contains(&digits[..digits.len() - 1]), "the log was: {said}");
}
