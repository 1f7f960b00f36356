//! `tributary account`: who may log in.

use std::fs;

use crate::support::{Home, holds, text};

#[test]
fn an_account_is_added_listed_disabled_and_reset() {
    let home = Home::new();
    let add = [
        "account",
        "add",
        "--email",
        " Ana@Company.Example ",
        "--role",
        "admin",
        "--json",
    ];
    let added = home.run(&add).succeeded().json();
    assert_eq!(text(&added, &"email"), "ana@company.example");
    assert_eq!(added["set_up"], false);
    let link = text(&added, &"set_up_link");
    let (_, token) = link
        .split_once("http://127.0.0.1:3000/set-up?token=")
        .expect("a link to the console");
    assert_eq!(token.len(), 64);
    assert!(!holds(&home.kept(), token), "only its hash is kept");
    home.run(&add).ended(1).says(&["already", "account reset"]);

    let again = home
        .run(&["account", "reset", "ana@company.example", "--json"])
        .succeeded();
    assert_ne!(text(&again.json(), &"set_up_link"), link);
    home.run(&["account", "disable", "ana@company.example"])
        .ended(1)
        .says(&["last active admin", "account add"]);
    home.add_account("cleo@company.example", "admin").succeeded();
    let disabled = home
        .run(&["account", "disable", "ana@company.example"])
        .succeeded();
    assert!(disabled.stdout.contains("can no longer log in"));
    home.run(&["account", "reset", "ana@company.example"])
        .ended(1)
        .says(&["account enable"]);
    let listed = home.run(&["account", "list", "--json"]).succeeded().json();
    assert!(listed[0]["disabled_at"].is_string(), "{listed}");
    home.run(&["account", "enable", "ana@company.example"])
        .succeeded();
    home.run(&["account", "disable", "ben@company.example"])
        .ended(1)
        .says(&["account list"]);
}

#[test]
fn a_password_comes_from_a_file_and_is_kept_as_a_hash() {
    let home = Home::new();
    fs::write(home.path("password.txt"), "correct horse battery\n").expect("a file");
    fs::write(home.path("short.txt"), "hunter2").expect("a file");
    let add = |file| {
        let words = [
            "account",
            "add",
            "--email",
            "ana@company.example",
            "--role",
            "csm",
        ];
        home.run(&[&words[..], &["--password-file", file, "--json"]].concat())
    };
    add("missing.txt")
        .ended(2)
        .says(&["missing.txt", "--password-file"]);
    add("short.txt")
        .ended(2)
        .says(&["too short", "nothing was changed"]);
    let added = add("password.txt").succeeded();
    assert_eq!(added.json()["set_up"], true);
    assert!(added.json()["set_up_link"].is_null());
    assert!(!added.stdout.contains("argon2"), "{}", added.stdout);
    assert!(!holds(&home.kept(), "correct horse battery"));
    home.run(&["account", "add", "--email", "x", "--role", "csm"])
        .ended(2);
    home.run(&["account", "add", "--email", "x@y.example", "--role", "owner"])
        .ended(2)
        .says(&["admin and csm"]);
}
