//! Connections: added, listed, tested, turned off and on; and what never shows.

use std::fs;

use crate::support::{Home, SECRET, Unasked, holds, text};

#[test]
fn a_secret_shows_nowhere() {
    let home = Home::new().with("TRIBUTARY_LOG", "trace");
    let secret = "Zq4-never-to-be-seen-91c7";
    fs::write(home.path("secret.txt"), secret).expect("written");
    let (_simulator, address) = home.simulate("customer-en:users=5,topics=2,views=2", &[]);
    let id = "0123456789abcdef-client";
    let mut outputs = vec![
        home.add("customer-en", &format!("http://{address}"), id)
            .succeeded(),
    ];
    outputs.extend(
        [
            ["connection", "list", "--json"].as_slice(),
            &["connection", "list"],
            &["connection", "test", "customer-en"],
            &["sync", "customer-en", "--json"],
            &["runs"],
            &[
                "connection",
                "rotate",
                "customer-en",
                "--client-secret-file",
                "secret.txt",
                "--json",
            ],
            &["doctor", "--json"],
        ]
        .map(|words| home.run(words)),
    );
    for done in &outputs {
        let printed = format!("{}{}", done.stdout, done.stderr);
        assert!(!printed.contains(secret), "{printed}");
        assert!(
            !printed.contains(id),
            "the client id is shown in part only: {printed}"
        );
    }
    assert!(!holds(&home.kept(), secret));
}

#[test]
fn a_list_shows_the_end_of_a_client_id_and_no_secret_field() {
    let home = Home::new();
    home.add("customer-en", "http://127.0.0.1:1", "0123456789abcdef")
        .succeeded();
    let list = home.run(&["connection", "list", "--json"]).succeeded().json();
    assert_eq!(list[0]["tenant_id"], "customer-en");
    assert_eq!(list[0]["client_id"], "…cdef");
    assert_eq!(list[0]["active"], true);
    assert!(list[0].get("sealed_secret").is_none());
}

#[test]
fn an_empty_installation_lists_nothing() {
    let home = Home::new();
    let list = home.run(&["connection", "list", "--json"]).succeeded();
    assert_eq!(list.json(), serde_json::json!([]));
    assert_eq!(home.runs(), Vec::<serde_json::Value>::new());
    home.run(&["migrate", "--json"]).succeeded();
    home.run(&["doctor"]).succeeded();
}

#[test]
fn a_control_url_names_the_tenant() {
    let home = Home::new();
    let added = home.run(&[
        "connection",
        "add",
        "--control-url",
        "https://customer-fr.control.example/settings",
        "--base-url",
        "http://127.0.0.1:1",
        "--client-id",
        "c",
        "--client-secret-file",
        "secret.txt",
        "--json",
    ]);
    assert_eq!(added.succeeded().json()["tenant_id"], "customer-fr");
}

#[test]
fn a_deactivated_connection_is_not_asked() {
    let home = Home::new();
    let tenant = Unasked::new();
    home.connect("customer-en", &tenant.url());
    home.run(&["connection", "deactivate", "customer-en"]).succeeded();
    home.sync("customer-en")
        .ended(1)
        .says(&["deactivated", "tributary connection activate customer-en"]);
    assert!(!tenant.was_asked());
    assert_eq!(home.runs().len(), 0);

    let active = home
        .run(&["connection", "activate", "customer-en", "--json"])
        .succeeded()
        .json();
    assert_eq!(active["active"], true);
}

#[test]
fn a_test_says_what_the_credentials_can_read() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=5,topics=2,views=2", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let tested = home
        .run(&["connection", "test", "customer-en", "--json"])
        .succeeded()
        .json();
    assert_eq!(tested["ok"], true);
    assert!(tested["cause"].is_null());

    fs::write(home.path("secret.txt"), "wrong").expect("written");
    home.run(&[
        "connection",
        "rotate",
        "customer-en",
        "--client-secret-file",
        "secret.txt",
    ])
    .succeeded();
    let tested = home.run(&["connection", "test", "--json"]).ended(1).json();
    assert_eq!(tested[0]["ok"], false);
    assert_eq!(text(&tested[0]["cause"], &"code"), "credentials_refused");
    assert!(!tested.to_string().contains(SECRET));
}
