//! Faults.

use crate::client::{Client, ask_for_token, block_on, day, id, own_path, simulator, text, true_topics};
use axum::http::{StatusCode, header};
use serde_json::Value;
use simulator::Simulator;
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

#[test]
fn one_category_is_hidden_with_what_is_in_it_but_not_from_the_lists() {
    let simulator = simulator(&["acme-en:topics=300"]);
    let client = Client::of(&simulator, "acme-en");
    let hidden = simulator.hidden_category("acme-en").unwrap();
    let calm = client.topics("");
    simulator.set_faults_everywhere("hidden-category".parse().unwrap());
    assert_eq!(client.topics(""), calm);
    let mut refused = 0;
    for topic in true_topics(&simulator, "acme-en") {
        let item = format!("/v2/{}/{}", topic.path, topic.private_id);
        let inside = topic.category_id == hidden;
        refused += u32::from(inside);
        for path in [item.clone(), format!("{item}/replies")] {
            let answer = client.raw(&path);
            assert_eq!(answer.status, if inside { 403 } else { 200 }, "{path}");
            assert!(!inside || text(&answer.json(), "description").is_some());
        }
    }
    assert!((10..200).contains(&refused), "{refused} of 300 topics are hidden");
    for category in simulator.true_categories("acme-en").unwrap() {
        let status = if category.id == hidden { 403 } else { 200 };
        for path in ["", "/topics"] {
            let path = format!("/v2/categories/{}{path}", category.id);
            assert_eq!(client.raw(&path).status, status, "{path}");
        }
    }
}

#[test]
fn a_tenant_may_have_no_activity_source() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    simulator.set_faults_everywhere("no-activity".parse().unwrap());
    for (path, status) in [
        ("/user/activity", 404),
        ("/api1/user/activity?page=2", 404),
        ("/user", 200),
        ("/v2/topics", 200),
    ] {
        assert_eq!(client.raw(path).status, status, "{path}");
    }
}

#[test]
fn every_second_token_may_fail() {
    let simulator = simulator(&["acme-en"]);
    let router = simulator.router();
    simulator.set_faults_everywhere("token-unavailable".parse().unwrap());
    let ask = |secret: &str| {
        let form =
            format!("grant_type=client_credentials&client_id=acme-en&client_secret={secret}&scope=read");
        ask_for_token(&router, &form).status
    };
    let statuses = ["simulated-secret"; 4].map(ask);
    assert_eq!(statuses, [200, 503, 200, 503]);
    assert_eq!(["wrong"; 2].map(ask), [401, 401]);
}

/// All that is sent before the connection ends.
fn served_over_a_socket(simulator: Simulator, token: &str, path: &str) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { simulator.serve(listener, std::future::pending()).await });
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: */*\r\nauthorization: Bearer {token}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut served = Vec::new();
        let mut buffer = [0; 4096];
        // The end of the connection, however it ends.
        while let Ok(read @ 1..) = socket.read(&mut buffer).await {
            served.extend_from_slice(&buffer[..read]);
        }
        task.abort();
        served
    })
}

#[test]
fn a_lost_answer_is_not_begun() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    simulator.set_faults_everywhere("lost:every=1".parse().unwrap());
    let served = served_over_a_socket(simulator, &client.token, "/v2/topics");
    assert_eq!(String::from_utf8(served).unwrap(), "");
}

#[test]
fn a_list_that_ends_early_says_that_there_is_more() {
    let simulator = simulator(&["acme-en:users=97,topics=110,views=90"]);
    let client = Client::of(&simulator, "acme-en");
    simulator.set_faults_everywhere("ends-early:every=1".parse().unwrap());
    let served: Vec<(usize, u64)> = (0..4)
        .map(|_| {
            let page = client.raw("/user?_returnIterable=true&pageSize=20").json();
            let users = page["users"].as_array().unwrap().len();
            (users, page["statistics"]["count"].as_u64().unwrap())
        })
        .collect();
    assert!(
        served
            .iter()
            .all(|(users, count)| *count == 97 && matches!(users, 0 | 10)),
        "{served:?}"
    );
    assert!(
        served.contains(&(0, 97)) && served.contains(&(10, 97)),
        "{served:?}"
    );
    // Topics do not say how many they are.
    assert_eq!(client.topics("").len(), 110);
}

#[test]
fn a_reset_cuts_the_connection_in_the_middle_of_the_body() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let whole = client.raw("/v2/topics").bytes;
    simulator.set_faults_everywhere("reset:every=1".parse().unwrap());
    let served = served_over_a_socket(simulator, &client.token, "/v2/topics");
    let served = String::from_utf8(served).unwrap();
    let (headers, body) = served.split_once("\r\n\r\n").unwrap();
    assert!(headers.starts_with("HTTP/1.1 200 OK"), "{headers}");
    assert!(
        headers
            .to_lowercase()
            .contains(&format!("content-length: {}", whole.len())),
        "{headers}"
    );
    assert_eq!(body.as_bytes(), &whole[..whole.len() / 2]);
}

#[test]
fn some_records_are_served_twice_and_none_is_lost() {
    let simulator = simulator(&["acme-en:users=97,topics=110,views=90"]);
    let client = Client::of(&simulator, "acme-en");
    let reply_list = {
        let topic = &true_topics(&simulator, "acme-en")[1];
        format!("/v2/{}/{}/replies", topic.path, topic.private_id)
    };
    for (path, key, id_key) in [
        ("/user?_returnIterable=true", "users", "userid"),
        ("/v2/topics", "result", "publicId"),
        ("/v2/topics?sort=likes", "result", "publicId"),
        ("/v2/categories", "result", "id"),
        (&reply_list, "result", "publicReplyId"),
    ] {
        simulator.set_faults_everywhere("none".parse().unwrap());
        let calm = client.pages(path, key, 20);
        simulator.set_faults_everywhere("duplicated:every=10".parse().unwrap());
        let mut doubled = client.pages(path, key, 20);
        assert_eq!(doubled.len(), calm.len() + calm.len() / 10, "{path}");
        doubled.dedup_by_key(|record| id(record, id_key));
        assert_eq!(doubled, calm, "{path}");
    }
}

/// Reads a listing page by page as it changes, and counts how often a record came again.
fn read_while_it_changes(client: &Client, path: &str, key: &str, id_key: &str) -> (BTreeSet<u64>, usize) {
    let served = client.pages(path, key, 20);
    let ids: BTreeSet<u64> = served.iter().map(|record| id(record, id_key)).collect();
    let again = served.len() - ids.len();
    (ids, again)
}

#[test]
fn a_tenant_changes_while_it_is_read_and_the_truth_goes_along() {
    let simulator = simulator(&["acme-en:users=97,topics=110"]);
    let client = Client::of(&simulator, "acme-en");
    let before = simulator.truth("acme-en").unwrap().streams;
    simulator.set_faults_everywhere("changing".parse().unwrap());
    let (users, users_again) = read_while_it_changes(&client, "/user?_returnIterable=1", "users", "userid");
    let (topics, topics_again) = read_while_it_changes(&client, "/v2/topics", "result", "publicId");
    assert!(users_again > 0 && topics_again > 0);
    simulator.set_faults_everywhere("none".parse().unwrap());
    let after = simulator.truth("acme-en").unwrap().streams;
    assert!(before.users.valid + 8 < after.users.valid && before.topics.valid + 8 < after.topics.valid);
    assert!(
        before.replies.valid + 8 < after.replies.valid && before.activity.valid + 8 < after.activity.valid
    );
    // What came to the front after the first page was read is found by reading from the day when it began.
    let (mut all_users, mut all_topics) = (users, topics);
    let head = client.pages("/user?_returnIterable=1", "users", 20);
    all_users.extend(head.iter().map(|user| id(user, "userid")));
    let days: BTreeSet<String> = true_topics(&simulator, "acme-en")
        .iter()
        .map(|topic| day(topic.last_activity_at))
        .collect();
    let since = client.topics(&format!("lastActivityAt[from]={}", days.last().unwrap()));
    all_topics.extend(since.iter().map(|topic| id(topic, "publicId")));
    let known = simulator.true_users("acme-en").unwrap().map(|user| user.id);
    assert_eq!(all_users, known.collect());
    let known = true_topics(&simulator, "acme-en");
    assert_eq!(all_topics, known.iter().map(|topic| topic.public_id).collect());
    let calm = client.pages("/v2/topics", "result", 7);
    assert!(
        calm.iter()
            .rev()
            .map(|topic| id(topic, "publicId"))
            .eq(known.iter().map(|topic| topic.public_id))
    );
}

#[test]
fn even_tiny_pages_of_a_changing_listing_come_to_an_end() {
    let simulator = simulator(&["acme-en:users=60,topics=60"]);
    let client = Client::of(&simulator, "acme-en");
    simulator.set_faults_everywhere("changing".parse().unwrap());
    assert!(client.pages("/user?_returnIterable=1", "users", 1).len() > 60);
    assert!(client.pages("/v2/topics", "result", 1).len() > 60);
}
