//! Faults.

use crate::client::{Client, id, own_path, simulator};
use axum::http::{StatusCode, header};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn faults_are_switched_by_request() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let switch = |profile: &str| {
        let path = format!("/__faults/acme-en?profile={profile}");
        own_path(&client.router, "POST", &path, Some("127.0.0.1:1")).status
    };
    assert_eq!((switch("fire"), switch("throttle:every=1")), (422, 200));
    let throttled = client.raw("/v2/topics");
    assert_eq!(
        (
            throttled.status,
            throttled.headers[header::RETRY_AFTER].as_bytes()
        ),
        (429, &b"1"[..])
    );
    assert_eq!(switch("throttle-bare:every=1"), 200);
    let throttled = client.raw("/user");
    assert_eq!(
        (throttled.status, throttled.headers.get(header::RETRY_AFTER)),
        (429, None)
    );
    assert_eq!(switch("unavailable"), 200);
    assert_eq!(
        client.raw("/user").status,
        StatusCode::SERVICE_UNAVAILABLE.as_u16()
    );
    assert_eq!(switch("html:every=1"), 200);
    let page = client.raw("/user");
    assert_eq!(
        (page.status, page.headers[header::CONTENT_TYPE].to_str().unwrap()),
        (200, "text/html; charset=utf-8")
    );
    assert_eq!(switch("none"), 200);
    assert_eq!(client.raw("/user").status, 200);
}

#[test]
fn a_truncated_answer_is_cut_in_the_middle() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let whole = client.raw("/v2/topics");
    simulator.set_faults_everywhere("truncated:every=1".parse().unwrap());
    let cut = client.raw("/v2/topics");
    assert_eq!(
        (cut.status, cut.bytes.as_slice()),
        (200, &whole.bytes[..whole.bytes.len() / 2])
    );
    assert!(serde_json::from_slice::<Value>(&cut.bytes).is_err());
}

#[test]
fn shifting_pages_repeat_records_and_lose_none() {
    let simulator = simulator(&["acme-en:users=97,topics=110"]);
    let client = Client::of(&simulator, "acme-en");
    let paths = [
        ("/user?_returnIterable=true", "users", "userid", 97),
        ("/v2/topics", "result", "publicId", 110),
    ];
    for (path, key, id_key, count) in paths {
        simulator.set_faults_everywhere("none".parse().unwrap());
        let calm = client.pages(path, key, 20);
        simulator.set_faults_everywhere("shifting".parse().unwrap());
        let moved = client.pages(path, key, 20);
        assert_eq!((calm.len(), moved.len()), (count, count + 3));
        let ids = |records: &[Value]| {
            records
                .iter()
                .map(|record| id(record, id_key))
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(ids(&calm), ids(&moved));
        assert_eq!(moved[17..20], moved[20..23]);
    }
}
