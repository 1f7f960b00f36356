//! What somebody with a browser, or with a page that is open in one, tries against the console.

use std::{fmt::Write as _, net::SocketAddr};

use crate::support::{Answer, Home, Running, get, request, send, send_raw, submit, text};

const PAGE: &str = "/administration/general/community-management";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn serve(home: &Home) -> (Running, SocketAddr) {
    home.serve(&["serve", "--listen", "127.0.0.1:0", "--no-worker"])
}

/// The console is there, and the connection is as it was.
#[track_caller]
fn unharmed(home: &Home, address: SocketAddr) {
    assert_eq!(get(address, "/readyz").status, 200);
    let connections = home.run(&["connection", "list", "--json"]).json();
    assert_eq!(connections[0]["active"], true, "{connections}");
    assert!(home.runs().is_empty());
}

fn connected() -> (Home, String) {
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:1");
    let id = home.run(&["connection", "list", "--json"]).json();
    let id = text(&id[0], &"id").to_owned();
    (home, id)
}

#[test]
fn nothing_that_another_site_sends_changes_anything() {
    let (home, id) = connected();
    let (_console, address) = serve(&home);
    let field = format!("connection={id}");
    for sign in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost.evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/rpc/deactivate", "/rpc/sync_now"] {
            let answer = send(address, "POST", path, &[FORM, sign], &field);
            assert_eq!(answer.status, 403, "{path} {sign:?} {answer:?}");
        }
    }
    // A link or an image can only ask, and asking changes nothing.
    for path in ["/rpc/deactivate", "/rpc/sync_now"] {
        let answer = get(address, &format!("{path}?{field}"));
        assert!(answer.status >= 400, "{path} {answer:?}");
    }
    unharmed(&home, address);
}

#[test]
fn every_answer_tells_browsers_to_keep_to_themselves() {
    let (home, _) = connected();
    let (_console, address) = serve(&home);
    let own = format!("http://{address}");
    let mut answers: Vec<(&str, Answer)> = [
        "/",
        PAGE,
        "/no/such/page",
        "/healthz",
        "/rpc/nothing",
        "/no/such.svg",
    ]
    .into_iter()
    .map(|path| (path, get(address, path)))
    .collect();
    answers.push((
        "another name",
        request(address, "GET", PAGE, &[("host", "evil.example")]),
    ));
    answers.push((
        "data",
        request(address, "POST", "/rpc/list_connections", &[("origin", &own)]),
    ));
    for (what, answer) in answers {
        for header in [
            "x-frame-options: deny",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: same-origin",
            "permissions-policy: ",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-store",
        ] {
            assert!(
                answer.head.contains(header),
                "{what}: no {header} in {}",
                answer.head
            );
        }
        for header in [
            "strict-transport-security",
            "access-control-allow",
            "server:",
            "'unsafe-inline'",
        ] {
            assert!(
                !answer.head.contains(header),
                "{what}: {header} in {}",
                answer.head
            );
        }
    }
}

#[test]
fn behind_tls_browsers_are_told_to_stay_there() {
    let home = Home::new().with("TRIBUTARY_PUBLIC_ORIGIN", "https://tributary.example");
    let (_console, address) = serve(&home);
    for path in [PAGE, "/healthz"] {
        let answer = request(address, "GET", path, &[("host", "tributary.example")]);
        let header = "strict-transport-security: max-age=31536000; includesubdomains";
        assert!(answer.head.contains(header), "{}", answer.head);
    }
}

#[test]
fn a_page_carries_no_script_and_no_style_but_those_of_its_nonce() {
    let (home, _) = connected();
    let (_console, address) = serve(&home);
    for path in [PAGE, &format!("{PAGE}?tab=activity-logs"), "/no/such/page"] {
        // Once rendered, once as it was kept.
        for _ in 0..2 {
            let page = get(address, path);
            let (_, policy) = page
                .head
                .split_once("content-security-policy: ")
                .expect("a policy");
            let policy = policy.lines().next().expect("a policy");
            assert!(policy.contains("script-src 'self' 'nonce-"), "{policy}");
            assert!(
                policy.contains("style-src 'self'") && policy.contains("default-src 'none'"),
                "{policy}"
            );
            for script in page.body.split("<script").skip(1) {
                let tag = script.split('>').next().expect("a tag");
                assert!(tag.contains("nonce=") || tag.contains("src=\"/pkg/"), "{tag}");
            }
            assert!(
                !page.body.contains("<style") && !page.body.contains(" style="),
                "{path}"
            );
            for handler in [" onclick=", " onload=", " onerror=", "javascript:"] {
                assert!(!page.body.contains(handler), "{path}: {handler}");
            }
        }
    }
}

#[test]
fn a_script_in_a_name_is_shown_as_text() {
    let evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";
    let home = Home::new().with("TRIBUTARY_NAME", evil);
    home.connect("customer-en", "http://127.0.0.1:1");
    let (_console, address) = serve(&home);
    let id = home.run(&["connection", "list", "--json"]).json();
    let id = text(&id[0], &"id").to_owned();
    for query in [
        String::new(),
        format!("?tab=activity-logs&connection={id}"),
        format!("?confirm=deactivate&connection={id}"),
        format!("?tab={evil}&__path=/rpc/sync_now&__err={evil}")
            .replace('<', "%3C")
            .replace('>', "%3E")
            .replace(' ', "%20"),
    ] {
        let page = get(address, &format!("{PAGE}{query}"));
        assert_eq!(page.status, 200, "{query}");
        for raw in ["<script>alert(1)", "<img src=x"] {
            assert!(!page.body.contains(raw), "{query}: {raw}");
        }
    }
    assert!(get(address, PAGE).body.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn no_path_leads_out_of_the_folder_of_files() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("site/pkg")).expect("a folder");
    std::fs::write(home.path("secret.txt"), "hunter2").expect("written");
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--no-worker",
        "--site-root",
        "site",
    ];
    let (_console, address) = home.serve(&words);
    for path in [
        "/../secret.txt",
        "/pkg/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/pkg/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/pkg/..%5c..%5csecret.txt",
        "/pkg/%252e%252e%252fsecret.txt",
        "//secret.txt",
        "/pkg//../../secret.txt",
        "/pkg/%00/../../secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/tributary.db",
        "/secret.key",
    ] {
        let answer = get(address, path);
        assert!(answer.status >= 400, "{path} {}", answer.status);
        assert!(!answer.body.contains("hunter2"), "{path}");
    }
}

#[test]
fn bodies_that_are_too_large_or_too_deep_are_refused() {
    let (home, id) = connected();
    let (_console, address) = serve(&home);
    let own = format!("http://{address}");
    let origin = ("origin", own.as_str());
    let large = format!("connection={id}&x={}", "y".repeat(100 * 1024));
    assert_eq!(
        send(address, "POST", "/rpc/deactivate", &[origin, FORM], &large).status,
        413
    );

    // Without a stated length, one chunk after the other.
    let mut chunked = format!(
        "POST /rpc/deactivate HTTP/1.1\r\nhost: {address}\r\norigin: {own}\r\nconnection: close\r\n\
         content-type: {}\r\ntransfer-encoding: chunked\r\n\r\n",
        FORM.1
    );
    for part in large.as_bytes().chunks(8 * 1024) {
        let _ = write!(
            chunked,
            "{:x}\r\n{}\r\n",
            part.len(),
            String::from_utf8_lossy(part)
        );
    }
    chunked.push_str("0\r\n\r\n");
    assert_eq!(send_raw(address, chunked.as_bytes()).status, 413);

    for deep in [
        format!("connection{}={id}", "[x]".repeat(5_000)),
        format!("query{}=1", "[]".repeat(20_000)),
        "a&".repeat(20_000),
    ] {
        for path in ["/rpc/deactivate", "/rpc/invalid_records"] {
            let answer = send(address, "POST", path, &[origin, FORM], &deep);
            assert!(answer.status >= 400, "{path} {answer:?}");
            assert!(!answer.body.contains("panicked"), "{answer:?}");
        }
    }
    unharmed(&home, address);
}

#[test]
fn heads_that_are_too_large_or_ambiguous_are_refused() {
    let (home, _) = connected();
    let (_console, address) = serve(&home);
    let long = "x".repeat(20 * 1024);
    assert_eq!(request(address, "GET", PAGE, &[("x-long", &long)]).status, 431);
    assert!((414..=431).contains(&get(address, &format!("{PAGE}?tab={long}")).status));
    let many: Vec<String> = (0..100).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
    assert_eq!(request(address, "GET", PAGE, &many).status, 431);
    // Where two readers could see two requests (request smuggling).
    for twice in [
        "content-length: 4\r\ncontent-length: 5",
        "content-length: 4, 5",
        "content-length: -1",
        "transfer-encoding: chunked, identity",
        "transfer-encoding : chunked",
        "x y: 1",
    ] {
        let head =
            format!("POST {PAGE} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{twice}\r\n\r\nabcd");
        let answer = send_raw(address, head.as_bytes());
        assert_eq!(answer.status, 400, "{twice}");
    }
    assert_eq!(request(address, "TRACE", PAGE, &[]).status, 405);
    unharmed(&home, address);
}

#[test]
fn no_header_of_an_answer_is_written_by_who_asks() {
    let (home, id) = connected();
    let (_console, address) = serve(&home);
    let field = format!("connection={id}");
    for evil in [
        "%0d%0aset-cookie:%20evil=1",
        "%0aset-cookie:evil=1",
        "%E5%98%8A%E5%98%8Dset-cookie:evil=1",
    ] {
        let asked = [
            get(address, &format!("/{evil}")),
            get(address, &format!("{PAGE}?tab={evil}&run={evil}")),
            submit(address, &format!("{PAGE}?x={evil}"), "/rpc/activate", &field),
            submit(
                address,
                &format!("{PAGE}?x={evil}"),
                "/rpc/sync_now",
                &format!("connection={evil}"),
            ),
            request(address, "GET", PAGE, &[("x-request-id", evil)]),
        ];
        for answer in asked {
            assert!(
                !answer.head.lines().any(|line| line.starts_with("set-cookie")),
                "{}",
                answer.head
            );
        }
    }
    // Back goes whoever sends a form to where they came from, but never to another site.
    let own = format!("http://{address}");
    let headers = [
        ("origin", own.as_str()),
        ("accept", "text/html"),
        ("referer", "https://evil.example/"),
        FORM,
    ];
    let answer = send(address, "POST", "/rpc/activate", &headers, &field);
    assert_eq!(answer.status, 302);
    assert!(!answer.head.contains("evil.example"), "{}", answer.head);
}

#[test]
fn one_client_that_asks_without_end_does_not_keep_others_out() {
    let home = Home::new().with("TRIBUTARY_TRUSTED_PROXIES", "127.0.0.1");
    let (_console, address) = serve(&home);
    let ask = |client: &str| request(address, "GET", "/healthz", &[("x-forwarded-for", client)]);
    let refused = |client: &dyn Fn(u32) -> String| {
        let mut answers = (0..20_000).map(|number| ask(&client(number)));
        let refused = answers.find(|answer| answer.status != 200);
        refused.expect("an end of patience")
    };
    let refused_once = refused(&|_| "203.0.113.9".to_owned());
    assert_eq!(refused_once.status, 429);
    assert!(
        refused_once.head.contains("retry-after: "),
        "{}",
        refused_once.head
    );
    assert!(refused_once.body.contains("Wait"), "{}", refused_once.body);
    assert_eq!(ask("203.0.113.10").status, 200);
    // Nor can they pass for others by writing the header themselves: the proxy's word comes last.
    let others = |number| format!("10.0.{}.{}, 203.0.113.9", number / 256, number % 256);
    assert_eq!(refused(&others).status, 429);
}
