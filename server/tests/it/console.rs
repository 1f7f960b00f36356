//! `tributary serve`: what it answers, what it refuses, and how it ends.

use std::{fs, time::Duration};

use crate::support::{Home, Running, get, request, submit, text, wait_for};

const PAGE: &str = "/administration/general/community-management";

fn serve(home: &Home) -> (Running, std::net::SocketAddr) {
    home.serve(&["serve", "--listen", "127.0.0.1:0", "--no-worker"])
}

#[test]
fn pages_are_answered_and_what_is_none_says_so() {
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:1");
    let (_console, address) = serve(&home);
    let page = get(address, PAGE);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("customer-en"), "{}", page.body);
    for header in [
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "frame-ancestors 'none'",
        "referrer-policy: same-origin",
        "x-request-id: ",
        "'nonce-",
    ] {
        assert!(page.head.contains(header), "no {header} in {}", page.head);
    }
    let start = get(address, "/");
    assert_eq!(start.status, 303);
    assert!(start.head.contains(&format!("location: {PAGE}")));
    assert_eq!(get(address, "/no/such/page").status, 404);
    assert_eq!(get(address, "/healthz").status, 200);
    assert_eq!(get(address, "/readyz").status, 200);
}

#[test]
fn a_page_shows_what_another_process_has_changed_since() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    assert!(!get(address, PAGE).body.contains("customer-fr"));
    home.connect("customer-fr", "http://127.0.0.1:1");
    assert!(get(address, PAGE).body.contains("customer-fr"));
    home.run(&["connection", "deactivate", "customer-fr"]).succeeded();
    assert!(get(address, PAGE).body.contains("Deactivated"));
}

#[test]
fn other_names_and_other_sites_are_refused() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    let port = address.port();
    assert_eq!(
        request(address, "GET", PAGE, &[("host", "evil.example")]).status,
        421
    );
    let local = format!("localhost:{port}");
    assert_eq!(request(address, "GET", PAGE, &[("host", &local)]).status, 200);

    for headers in [
        [("origin", "http://evil.example")],
        [("sec-fetch-site", "cross-site")],
    ] {
        for path in [PAGE, "/rpc/sync_now", "/rpc/deactivate"] {
            assert_eq!(request(address, "POST", path, &headers).status, 403, "{path}");
        }
    }
    let own = format!("http://{address}");
    let answer = request(address, "POST", "/rpc/list_connections", &[("origin", &own)]);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_public_origin_is_answered_and_trusted() {
    let home = Home::new().with("TRIBUTARY_PUBLIC_ORIGIN", "https://tributary.example");
    let (_console, address) = serve(&home);
    let host = ("host", "tributary.example");
    assert_eq!(request(address, "GET", PAGE, &[host]).status, 200);
    let headers = [host, ("origin", "https://tributary.example")];
    assert_eq!(
        request(address, "POST", "/rpc/list_connections", &headers).status,
        200
    );
}

#[test]
fn files_are_served_with_a_tag_and_nothing_outside_their_folder() {
    let home = Home::new();
    fs::create_dir_all(home.path("site/pkg")).expect("a folder");
    fs::write(home.path("site/pkg/tributary.css"), "body{}").expect("written");
    fs::write(home.path("site/robots.txt"), "User-agent: *").expect("written");
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--no-worker",
        "--site-root",
        "site",
    ];
    let (_console, address) = home.serve(&words);
    let css = get(address, "/pkg/tributary.css");
    assert_eq!((css.status, css.body.as_str()), (200, "body{}"));
    assert!(css.head.contains("cache-control: no-cache"), "{}", css.head);
    let tag = css
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .expect("a tag");
    let again = request(address, "GET", "/pkg/tributary.css", &[("if-none-match", tag)]);
    assert_eq!(again.status, 304);
    assert_eq!(get(address, "/robots.txt").status, 200);
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/pkg/../../secret.txt",
        "/..%2fsecret.txt",
    ] {
        let answer = get(address, path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("simulated-secret"));
    }
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    let own = format!("http://{address}");
    let headers = [("origin", own.as_str()), ("content-length", "10000000")];
    assert_eq!(request(address, "POST", "/rpc/sync_now", &headers).status, 413);
}

#[test]
fn a_signal_ends_it_within_the_deadline() {
    for signal in ["TERM", "INT"] {
        let home = Home::new();
        let (console, address) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(get(address, PAGE).status, 200);
        // A connection that is left open must not hold the end up.
        let open = std::net::TcpStream::connect(address).expect("a connection");
        console.signal(signal);
        let (done, took) = console.wait();
        done.succeeded();
        assert!(took < Duration::from_secs(5), "{took:?}");
        drop(open);
    }
}

#[test]
fn forms_work_without_scripts() {
    let home = Home::new();
    let (_simulator, tenants) = home.simulate("customer-en:users=30,topics=5,views=10,broken=3", &[]);
    home.connect("customer-en", &format!("http://{tenants}"));
    let id = home.run(&["connection", "list", "--json"]).json();
    let field = format!("connection={}", text(&id[0], &"id"));
    let (_console, address) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let completed = |trigger: &str| {
        let runs = home.runs();
        runs.into_iter()
            .find(|run| run["trigger"] == trigger && run["state"] == "completed_with_invalid")
    };
    wait_for("the first run", || completed("scheduled"));

    let asked = submit(address, PAGE, "/rpc/sync_now", &field);
    assert_eq!(asked.status, 302, "{asked:?}");
    assert!(asked.head.contains(&format!("location: http://{address}{PAGE}")));
    let run = wait_for("the run by hand", || completed("manual"));

    let log = get(address, &format!("{PAGE}?tab=activity-logs"));
    assert!(log.body.contains(text(&run, &"id")), "{}", log.body);
    let summary = get(address, &format!("{PAGE}?run={}", text(&run, &"id")));
    assert_eq!(summary.status, 200);
    let unknown = get(
        address,
        &format!("{PAGE}?run=01a20b60-8e7f-7503-a4b7-724f4e449336"),
    );
    assert_eq!(unknown.status, 404);

    assert_eq!(submit(address, PAGE, "/rpc/deactivate", &field).status, 302);
    assert!(get(address, PAGE).body.contains("Deactivated"));
    let refused = submit(address, PAGE, "/rpc/sync_now", &field);
    assert_eq!(refused.status, 302);
    assert!(refused.head.contains("__err="), "{}", refused.head);
    assert_eq!(submit(address, PAGE, "/rpc/activate", &field).status, 302);
    assert!(!get(address, PAGE).body.contains("Deactivated"));
}

#[test]
fn each_answer_has_a_nonce_of_its_own_and_the_page_says_the_same() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    let nonces: Vec<String> = (0..3)
        .map(|_| {
            let page = get(address, PAGE);
            // The head is in lower case here, the body is not.
            let (_, nonce) = page.body.split_once("nonce=\"").expect("a script");
            let nonce = nonce.split('"').next().expect("a nonce").to_owned();
            let allowed = format!("'nonce-{}'", nonce.to_lowercase());
            assert!(page.head.contains(&allowed), "{}", page.head);
            nonce
        })
        .collect();
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2], "{nonces:?}");
}
