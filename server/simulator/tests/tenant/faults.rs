//! Faults.

use crate::client::{Client, own_path, simulator};
use axum::http::{StatusCode, header};
use serde_json::Value;

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
