//! Bad input: a clear message, the right exit code, and nothing lost.

use std::{fs, net::TcpListener};

use crate::support::{Home, Unasked, always_answers, read, text};

#[track_caller]
fn failed_cause(home: &Home, tenant: &str) -> serde_json::Value {
    let run = home
        .sync(tenant)
        .ended(1)
        .says(&["error:", "next:", tenant])
        .json();
    assert_eq!(run["state"], "failed");
    assert!(!text(&run["cause"], &"next_action").is_empty());
    let shown = home.run(&["run", "show", text(&run, &"id"), "--json"]);
    assert_eq!(shown.succeeded().json(), run);
    run
}

#[test]
fn a_wrong_secret_fails_the_run_at_the_start_and_says_who_can_help() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=5,topics=2,views=2", &[]);
    fs::write(home.path("secret.txt"), "wrong-7f3a91").expect("written");
    home.connect("customer-en", &format!("http://{address}"));
    let run = failed_cause(&home, "customer-en");
    assert_eq!(run["stage"], "connect");
    assert_eq!(run["cause"]["code"], "credentials_refused");
    assert_eq!(run["cause"]["owner"], "you");
    assert!(text(&run["cause"], &"next_action").contains("connection rotate customer-en"));

    fs::write(home.path("secret.txt"), "simulated-secret").expect("written");
    home.run(&[
        "connection",
        "rotate",
        "customer-en",
        "--client-secret-file",
        "secret.txt",
    ])
    .succeeded();
    home.sync("customer-en").succeeded();
}

#[test]
fn an_unknown_host_fails_the_run_until_the_base_url_is_put_right() {
    let home = Home::new();
    home.connect("customer-en", "https://no-such-host.invalid");
    let run = failed_cause(&home, "customer-en");
    assert_eq!(run["cause"]["code"], "host_unknown");
    assert_eq!(run["cause"]["owner"], "you");
    assert!(text(&run["cause"], &"next_action").contains("connection rotate customer-en --base-url"));

    let (_simulator, address) = home.simulate("customer-en:users=5,topics=2,views=2", &[]);
    let right = format!("http://{address}");
    let words = [
        "connection",
        "rotate",
        "customer-en",
        "--base-url",
        &right,
        "--client-secret-file",
        "secret.txt",
    ];
    home.run(&words).succeeded();
    home.sync("customer-en").succeeded();
}

#[test]
fn a_base_url_that_answers_html_fails_the_run() {
    let home = Home::new();
    let address = always_answers("<!DOCTYPE html><title>Welcome to our community</title>");
    home.connect("customer-en", &format!("http://{address}"));
    let run = failed_cause(&home, "customer-en");
    assert_eq!(run["cause"]["code"], "answer_malformed");
    assert!(text(&run["cause"], &"next_action").contains("base URL"));
}

#[test]
fn a_key_that_is_gone_fails_the_run_without_a_request() {
    let home = Home::new();
    let tenant = Unasked::new();
    home.connect("customer-en", &tenant.url());
    fs::rename(home.path("data/secret.key"), home.path("key.kept")).expect("moved");
    let run = failed_cause(&home, "customer-en");
    assert_eq!(run["cause"]["code"], "secret_unreadable");
    assert!(!tenant.was_asked());
    assert!(
        !home.path("data/secret.key").exists(),
        "no new key is made to open an old secret"
    );
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let home = Home::new();
    fs::create_dir_all(home.path("data")).expect("a folder");
    let path = home.path("data/tributary.db");
    fs::write(&path, "Dear diary, today nothing was synced.".repeat(200)).expect("written");
    let before = read(&path);
    for words in [
        ["runs", "--json"].as_slice(),
        &["sync", "customer-en"],
        &["migrate"],
    ] {
        home.run(words)
            .ended(2)
            .says(&["error:", "tributary.db", "next:"]);
    }
    assert_eq!(read(&path), before);
    home.run(&["doctor"]).ended(1);

    fs::create_dir_all(home.path("folder.db")).expect("a folder");
    home.run(&["runs", "--database-url", "sqlite://folder.db"])
        .ended(2)
        .says(&["folder.db", "next:"]);
}

#[test]
fn a_database_url_of_another_kind_is_refused_without_its_password() {
    let home = Home::new();
    let done = home
        .run(&["runs", "--database-url", "mysql://tributary:hunter2@db/tributary"])
        .ended(2)
        .says(&["sqlite://", "postgres://", "next:"]);
    assert!(!done.stderr.contains("hunter2"));
}

#[test]
fn a_server_that_is_not_there_is_named_without_the_password() {
    let home = Home::new();
    let url = "postgres://tributary:hunter2@127.0.0.1:1/nothing";
    let words = ["runs", "--database-url", url];
    home.run(&words).ended(2).says(&["--secret-key-file", "next:"]);
    let done = home
        .run(&[&words[..], &["--secret-key-file", "secret.key"]].concat())
        .ended(2)
        .says(&["nothing on 127.0.0.1:1", "sslmode", "next:"]);
    assert!(!done.stderr.contains("hunter2"));
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for words in [
        ["serve", "--listen", &address].as_slice(),
        &["simulate", "--tenant", "customer-en", "--listen", &address],
    ] {
        home.run(words).ended(2).says(&["in use", &address, "--listen"]);
    }
    assert!(
        !home.path("data").exists(),
        "nothing was made for a server that did not start"
    );
}

#[test]
fn only_loopback_is_listened_on() {
    let home = Home::new();
    home.run(&["serve", "--listen", "0.0.0.0:0"]).ended(2).says(&[
        "0.0.0.0:0",
        "in clear",
        "--public-origin",
        "next:",
    ]);
    home.run(&["simulate", "--tenant", "customer-en", "--listen", "0.0.0.0:0"])
        .ended(2)
        .says(&["0.0.0.0:0"]);
}

#[test]
fn a_second_connection_to_the_same_tenant_changes_nothing() {
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:1");
    let before = home.run(&["connection", "list", "--json"]).succeeded().json();

    home.add("customer-en", "http://127.0.0.1:2", "another")
        .ended(1)
        .says(&["customer-en", "already", "nothing was changed", "next:"]);
    home.add("customer-de", "http://127.0.0.1:1", "customer-en")
        .ended(1)
        .says(&["client id", "customer-en", "next:"]);
    let after = home.run(&["connection", "list", "--json"]).succeeded().json();
    assert_eq!(before, after);

    home.add("customer-de", "http://127.0.0.1:2", "customer-en")
        .succeeded();
}

#[test]
fn what_cannot_name_a_tenant_or_an_api_is_a_usage_error() {
    let home = Home::new();
    home.add("customer en", "http://127.0.0.1:1", "c")
        .ended(2)
        .says(&["customer en", "' '"]);
    home.run(&["sync", "customer en"]).ended(2).says(&["customer en"]);
    for base_url in ["nonsense", "ftp://x.example", "https://u:p@x.example"] {
        home.add("customer-en", base_url, "c")
            .ended(2)
            .says(&["--base-url"]);
    }
    home.run(&["run", "show", "17"]).ended(2);
    home.run(&["synchronise"]).ended(2);
    home.run(&["sync", "customer-en"])
        .ended(1)
        .says(&["no connection", "customer-en", "next:"]);
    let unknown = "01a20b60-8e7f-7503-a4b7-724f4e449336";
    home.run(&["run", "show", unknown])
        .ended(1)
        .says(&[unknown, "next:"]);
}

#[test]
fn a_secret_comes_from_a_file_or_the_environment_alone() {
    let home = Home::new();
    let add = [
        "connection",
        "add",
        "--tenant-id",
        "customer-en",
        "--base-url",
        "http://127.0.0.1:1",
        "--client-id",
        "c",
    ];
    home.run(&add)
        .ended(2)
        .says(&["no client secret", "--client-secret-file", "next:"]);
    home.run(&[&add[..], &["--client-secret", "x"]].concat()).ended(2);
    home.run(&[&add[..], &["--client-secret-file", "missing.txt"]].concat())
        .ended(2)
        .says(&["missing.txt", "next:"]);
    fs::write(home.path("empty.txt"), "\n").expect("written");
    home.run(&[&add[..], &["--client-secret-file", "empty.txt"]].concat())
        .ended(2)
        .says(&["empty.txt"]);
    let home = home.with("TRIBUTARY_CLIENT_SECRET", "from-the-environment");
    home.run(&add).succeeded();
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:1");
    let key = home.path("data/secret.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changed");
    home.add("customer-de", "http://127.0.0.1:2", "c")
        .ended(2)
        .says(&["secret.key", "0644", "chmod 600"]);
    home.run(&["doctor"]).ended(1);
    assert_eq!(
        home.run(&["connection", "list", "--json"])
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}
