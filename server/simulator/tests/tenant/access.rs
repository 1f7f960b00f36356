//! Tokens, tenants and the two homes of the user paths.

use crate::client::{Client, NOW, ask_for_token, at, send, simulator, text};
use axum::body::Body;
use axum::http::{Request, header};
use simulator::{Simulator, SpecError, TenantSpec};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

#[test]
fn tenants_are_refused_when_named_twice_or_badly() {
    let make = |names: [&str; 2]| Simulator::new(1, names.map(TenantSpec::named).to_vec(), || at(NOW)).err();
    assert_eq!(make(["a", "b"]), None);
    assert_eq!(make(["a", "a"]), Some(SpecError::Duplicate("a".into())));
    assert_eq!(make(["a", "b/c"]), Some(SpecError::Name("b/c".into())));
}

#[test]
fn a_token_is_given_to_the_right_secret_only() {
    let router = simulator(&["acme-en"]).router();
    let form = |id: &str, secret: &str| {
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=read%20write")
    };
    let given = ask_for_token(&router, &form("acme-en%2Fsync", "simulated-secret"));
    assert_eq!(given.status, 200);
    let given = given.json();
    assert_eq!(
        (given["expires_in"].as_u64(), text(&given, "token_type")),
        (Some(7_200), Some("Bearer"))
    );
    assert_eq!(text(&given, "scope"), Some("read write"));
    for refused in [
        form("acme-en", "wrong"),
        form("acme-fr", "simulated-secret"),
        form("", "simulated-secret"),
    ] {
        let answer = ask_for_token(&router, &refused);
        assert_eq!(
            (answer.status, text(&answer.json(), "error")),
            (401, Some("invalid_client")),
            "{refused}"
        );
    }
    assert_eq!(
        ask_for_token(&router, "grant_type=client_credentials").status,
        401
    );
    assert_eq!(
        ask_for_token(&router, "grant_type=password&client_id=acme-en").status,
        400
    );
}

#[test]
fn a_client_may_authenticate_by_http_basic() {
    // acme-en:simulated-secret, and a colon in the wrong place.
    for (credentials, status) in [("YWNtZS1lbjpzaW11bGF0ZWQtc2VjcmV0", 200), ("YWNtZS1lbg==", 401)] {
        let request = Request::post("/oauth2/token")
            .header(header::ACCEPT, "*/*")
            .header(header::AUTHORIZATION, format!("Basic {credentials}"))
            .body(Body::from("grant_type=client_credentials&scope=read"));
        assert_eq!(
            send(&simulator(&["acme-en"]).router(), request.unwrap()).status,
            status
        );
    }
}

#[test]
fn a_token_without_scope_reads_users_but_no_content() {
    let simulator = simulator(&["acme-en"]);
    for (scope, content) in [("", 401), ("&scope=write", 401), ("&scope=read", 200)] {
        let client = Client::with_scope(&simulator, "acme-en", scope);
        assert_eq!(client.raw("/v2/topics").status, content, "{scope}");
        assert_eq!(client.raw("/user").status, 200, "{scope}");
    }
}

#[test]
fn a_token_dies_by_the_clock_and_is_not_guessed() {
    let clock = Arc::new(AtomicI64::new(NOW));
    let hands = Arc::clone(&clock);
    let simulator = Simulator::new(1, vec![TenantSpec::named("a")], move || {
        at(hands.load(Ordering::Relaxed))
    })
    .unwrap();
    let mut client = Client::of(&simulator, "a");
    clock.fetch_add(7_199, Ordering::Relaxed);
    assert_eq!(client.raw("/v2/topics").status, 200);
    clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(client.raw("/v2/topics").status, 401);
    for guess in ["", "x", &"0".repeat(64)] {
        client.token = guess.to_owned();
        assert_eq!(client.raw("/user").status, 401);
    }
}

#[test]
fn the_client_id_selects_the_tenant() {
    let simulator = simulator(&["a-en:users=3", "b-de:users=5"]);
    for (tenant, count) in [("a-en", 3), ("b-de%2Fother", 5)] {
        let users = Client::of(&simulator, tenant).get("/user?_returnIterable=true");
        assert_eq!(users["statistics"]["count"], count);
    }
}

#[test]
fn user_paths_want_an_accept_header_and_live_at_two_places() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let bare = |path: &str| {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", client.token));
        send(&client.router, request.body(Body::empty()).unwrap()).status
    };
    assert_eq!(
        (bare("/user"), bare("/api1/user"), bare("/v2/topics")),
        (500, 500, 200)
    );
    assert_eq!(client.get("/user?page=2"), client.get("/api1/user?page=2"));
}

#[test]
fn short_tokens_die_after_a_few_requests_and_are_renewed() {
    let simulator = simulator(&["acme-en"]);
    assert!(simulator.set_faults("acme-en", "expired-token".parse().unwrap()));
    assert!(!simulator.set_faults("none", "none".parse().unwrap()));
    for _ in 0..2 {
        let client = Client::of(&simulator, "acme-en");
        let statuses: Vec<u16> = (0..7).map(|_| client.raw("/v2/topics").status).collect();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 401, 401]);
    }
}
