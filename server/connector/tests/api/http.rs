//! What requests go out, and what each kind of answer becomes.

use std::{sync::Arc, time::Duration};

use crate::support::{SECRET, answer, bare_provider, provider, spawn, token};
use chrono::NaiveDate;
use domain::{CauseCode, record::Subtype};
use futures_util::future::join_all;
use store::TopicRef;
use sync::{Failure, Fetched, Lookup, Page, PageRequest, Presence, Source, TopicFilter};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

static USERS: PageRequest = PageRequest::users(1);
static TOPICS: PageRequest = PageRequest::topics(1);
const ACTIVITY: PageRequest = PageRequest::Activity { page: 1 };
const EMPTY: &str = r#"{"result":[]}"#;
const NO_USERS: &str = r#"{"users":[],"statistics":{"count":0}}"#;

fn replies(private_id: &str) -> PageRequest {
    let topic = TopicRef {
        public_id: "900".into(),
        private_id: private_id.into(),
        subtype: Subtype::ProductUpdate,
        reply_count: 0,
    };
    PageRequest::Replies { topic, page: 3 }
}

const LAST_PAGE: Result<Fetched, Failure> = Ok(Fetched::Page(Page {
    records: Vec::new(),
    last: true,
    announced: None,
}));

/// The failure of a request that meets this status.
async fn failure(status: u16) -> Failure {
    let provider = provider(move |_, _| answer(status, r#"{"message":"s3cret"}"#)).await;
    let failure = provider.api.fetch(&TOPICS).await.unwrap_err();
    assert!(!failure.message.contains("s3cret"), "{failure}");
    failure
}

#[tokio::test]
async fn a_token_is_asked_for_with_the_credentials_in_the_body() {
    let provider = provider(|_, _| answer(200, EMPTY)).await;
    provider.api.connect().await.unwrap();
    assert_eq!(provider.api.fetch(&TOPICS).await, LAST_PAGE);
    let [asked, page] = <[_; 2]>::try_from(provider.log.all()).unwrap();
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("POST", "/oauth2/token")
    );
    assert_eq!(
        asked.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(
        asked.body,
        "grant_type=client_credentials&scope=read&client_id=customer-en&client_secret=s3cret%2F%C3%A4%2B%26"
    );
    assert_eq!(
        (page.method.as_str(), page.path.as_str(), page.query.as_str()),
        ("GET", "/v2/topics", "page=1&pageSize=100")
    );
    assert_eq!(page.header("authorization"), Some("Bearer token-1"));
    for asked in [&asked, &page] {
        assert_eq!(asked.header("accept"), Some("*/*"));
        assert_eq!(asked.header("accept-encoding"), Some("gzip"));
    }
    assert_eq!(
        (provider.api.take_requests(), provider.api.take_requests()),
        (2, 0)
    );
}

#[tokio::test]
async fn basic_is_tried_once_after_a_refusal_and_then_first() {
    let provider = bare_provider(
        |asked, log| match (asked.is_token(), asked.header("authorization")) {
            (true, Some(basic)) if basic.starts_with("Basic ") => token(log.tokens()),
            (true, _) => answer(400, r#"{"error":"invalid_request"}"#),
            _ => answer(200, EMPTY),
        },
    )
    .await;
    provider.api.connect().await.unwrap();
    let asked = provider.log.all();
    assert_eq!(
        asked[1].header("authorization"),
        Some("Basic Y3VzdG9tZXItZW46czNjcmV0L8OkKyY=")
    );
    assert_eq!(asked[1].body, "grant_type=client_credentials&scope=read");
    assert_eq!(provider.api.take_requests(), 2);
    provider.clock.advance(7_200);
    provider.api.fetch(&TOPICS).await.unwrap();
    assert_eq!(
        provider.api.take_requests(),
        2,
        "the second token needs one request"
    );
}

#[tokio::test]
async fn a_refused_secret_is_said_without_the_secret() {
    for status in [401, 400, 403] {
        let provider = bare_provider(move |_, _| answer(status, format!("{{\"error\":\"{SECRET}\"}}"))).await;
        let failure = provider.api.connect().await.unwrap_err();
        assert_eq!(failure.code, CauseCode::CredentialsRefused);
        assert_eq!(
            failure.message,
            format!("The provider refused the client secret ({status}).")
        );
        assert_eq!(provider.api.take_requests(), 2);
    }
}

#[tokio::test]
async fn the_token_endpoint_fails_like_any_other() {
    for (status, body, code) in [
        (503, "", CauseCode::ProviderUnavailable),
        (429, "", CauseCode::Throttled),
        (404, "", CauseCode::AnswerMalformed),
        (200, "", CauseCode::AnswerMalformed),
        (200, "<html>", CauseCode::AnswerMalformed),
        (200, r#"{"access_token":""}"#, CauseCode::AnswerMalformed),
        (200, r#"{"access_token":"a\nb"}"#, CauseCode::AnswerMalformed),
        (200, r#"{"expires_in":7200}"#, CauseCode::AnswerMalformed),
    ] {
        let provider = bare_provider(move |_, _| answer(status, body)).await;
        let failure = provider.api.connect().await.unwrap_err();
        assert_eq!(failure.code, code, "{status} {body}");
        assert!(failure.message.contains("/oauth2/token"), "{failure}");
    }
}

#[tokio::test]
async fn tokens_of_odd_or_unstated_life_are_used() {
    for (life, lives) in [
        ("\"7200\"", 7_139),
        ("7200", 7_139),
        ("null", 3_539),
        ("[]", 3_539),
        ("60", 29),
        ("1e300", 3_539),
    ] {
        let body = format!(r#"{{"access_token":"t","expires_in":{life}}}"#);
        let provider = bare_provider(move |asked, _| {
            answer(
                200,
                if asked.is_token() {
                    body.clone()
                } else {
                    EMPTY.to_owned()
                },
            )
        })
        .await;
        provider.api.connect().await.unwrap();
        provider.clock.advance(lives);
        provider.api.fetch(&TOPICS).await.unwrap();
        assert_eq!(provider.log.tokens(), 1, "{life}");
        provider.clock.advance(1);
        provider.api.fetch(&TOPICS).await.unwrap();
        assert_eq!(provider.log.tokens(), 2, "{life}");
    }
}

#[tokio::test]
async fn twenty_requests_with_an_old_token_ask_for_one_new_one() {
    let provider = provider(|_, _| answer(200, EMPTY)).await;
    provider.api.connect().await.unwrap();
    provider.clock.advance(7_141);
    let fetched = join_all((0..20).map(|_| provider.api.fetch(&TOPICS))).await;
    assert!(fetched.into_iter().all(|fetched| fetched == LAST_PAGE));
    assert_eq!(provider.log.tokens(), 2);
    assert_eq!(provider.api.take_requests(), 22);
}

#[tokio::test]
async fn twenty_requests_with_a_withdrawn_token_ask_for_one_new_one() {
    let provider = provider(|_, number| {
        if number == 1 {
            answer(401, "{}")
        } else {
            answer(200, EMPTY)
        }
    })
    .await;
    provider.api.connect().await.unwrap();
    let fetched = join_all((0..20).map(|_| provider.api.fetch(&TOPICS))).await;
    assert!(fetched.into_iter().all(|fetched| fetched == LAST_PAGE));
    assert_eq!(provider.log.tokens(), 2);
    assert!(provider.api.take_requests() <= 42);
}

#[tokio::test]
async fn twenty_requests_share_one_refusal() {
    let provider = bare_provider(|_, _| answer(401, "{}")).await;
    let fetched = join_all((0..20).map(|_| provider.api.fetch(&TOPICS))).await;
    assert!(
        fetched
            .into_iter()
            .all(|fetched| fetched.unwrap_err().code == CauseCode::CredentialsRefused)
    );
    assert_eq!(
        provider.log.tokens(),
        2,
        "the secret in the body once, and in a header once"
    );
}

#[tokio::test]
async fn a_401_renews_the_token_once() {
    let provider = provider(|_, _| answer(401, "{}")).await;
    let failure = provider.api.fetch(&TOPICS).await.unwrap_err();
    assert_eq!(failure.code, CauseCode::CredentialsRefused);
    assert_eq!(
        provider.log.paths(),
        ["/oauth2/token", "/v2/topics", "/oauth2/token", "/v2/topics"]
    );
}

#[tokio::test]
async fn tokens_that_end_after_use_are_renewed_as_often_as_needed() {
    // Each token serves one page.
    let provider = bare_provider(|asked, log| {
        let used = log
            .all()
            .iter()
            .filter(|seen| seen.header("authorization") == asked.header("authorization"))
            .count();
        match asked.is_token() {
            true => token(log.tokens()),
            false if used > 1 => answer(401, "{}"),
            false => answer(200, EMPTY),
        }
    })
    .await;
    for _ in 0..10 {
        assert_eq!(provider.api.fetch(&TOPICS).await, LAST_PAGE);
    }
    assert_eq!(provider.log.tokens(), 10);
}

#[tokio::test]
async fn the_user_family_is_found_under_either_prefix() {
    let provider = provider(|asked, _| match asked.path.as_str() {
        "/api1/user" => answer(200, NO_USERS),
        "/api1/user/activity" => answer(200, "[]"),
        _ => answer(404, "{}"),
    })
    .await;
    for _ in 0..2 {
        let Fetched::Page(page) = provider.api.fetch(&USERS).await.unwrap() else {
            panic!()
        };
        assert_eq!((page.last, page.announced), (true, Some(0)));
    }
    assert_eq!(provider.api.fetch(&ACTIVITY).await, LAST_PAGE);
    let asked = provider.log.all();
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/oauth2/token",
            "/user",
            "/api1/user",
            "/api1/user",
            "/api1/user/activity"
        ]
    );
    assert_eq!(asked[1].query, "_returnIterable=true&page=1&pageSize=100");
}

#[tokio::test]
async fn without_a_user_family_the_base_url_is_suspected() {
    let provider = provider(|_, _| answer(404, "{}")).await;
    let failure = provider.api.fetch(&USERS).await.unwrap_err();
    assert_eq!(failure.code, CauseCode::AnswerMalformed);
    assert!(
        failure.message.contains("/user (404)") && failure.message.contains("base URL"),
        "{failure}"
    );
}

#[tokio::test]
async fn no_view_source_is_not_zero_views() {
    for status in [404, 501] {
        let provider = provider(move |_, _| answer(status, "{}")).await;
        assert_eq!(provider.api.fetch(&ACTIVITY).await, Ok(Fetched::NoSource));
        let later = provider.api.fetch(&PageRequest::Activity { page: 2 }).await;
        assert!(later.is_err(), "a listing that breaks off is a failure");
    }
}

#[tokio::test]
async fn replies_that_are_refused_are_a_hole() {
    for status in [403, 404, 410] {
        let provider = provider(move |_, _| answer(status, "{}")).await;
        assert_eq!(provider.api.fetch(&replies("41")).await, Ok(Fetched::Refused));
        assert_eq!(provider.log.paths()[1], "/v2/productUpdates/41/replies");
        assert_eq!(provider.log.all()[1].query, "page=3&pageSize=100");
    }
    let provider = provider(|_, _| answer(500, "{}")).await;
    assert!(provider.api.fetch(&replies("41")).await.is_err());
    for id in ["", "..", "1/like", "1?x", "%2e"] {
        assert_eq!(
            provider.api.fetch(&replies(id)).await,
            Ok(Fetched::Refused),
            "{id}"
        );
    }
    assert_eq!(
        provider.log.all().len(),
        2,
        "an id that makes no path makes no request"
    );
}

#[tokio::test]
async fn short_listings_are_served_whole() {
    let provider = provider(|asked, _| {
        let page = asked.query.split(['=', '&']).nth(1).unwrap();
        let records = if page == "3" { 7 } else { 100 };
        answer(
            200,
            format!(
                "{{\"result\":[{}]}}",
                vec![r#"{"id":"1","name":"a"}"#; records].join(",")
            ),
        )
    })
    .await;
    for request in [PageRequest::IdeaStatuses, PageRequest::Categories] {
        let Fetched::Page(page) = provider.api.fetch(&request).await.unwrap() else {
            panic!()
        };
        assert_eq!((page.records.len(), page.last, page.announced), (207, true, None));
    }
    let paths = provider.log.paths();
    assert_eq!(
        (paths[1].as_str(), paths[4].as_str()),
        ("/v2/ideas/ideaStatuses", "/v2/categories")
    );
}

#[tokio::test]
async fn a_listing_without_end_is_malformed() {
    let body = format!("{{\"result\":[{}]}}", vec![r#"{"id":"1"}"#; 100].join(","));
    let provider = provider(move |_, _| answer(200, body.clone())).await;
    let failure = provider.api.fetch(&PageRequest::Categories).await.unwrap_err();
    assert_eq!(failure.code, CauseCode::AnswerMalformed);
    assert_eq!(provider.api.take_requests(), 101);
}

#[tokio::test]
async fn statuses_are_classified() {
    for (status, code, message) in [
        (
            500,
            CauseCode::ProviderUnavailable,
            "The provider could not answer /v2/topics (500).",
        ),
        (
            429,
            CauseCode::Throttled,
            "The provider asked for fewer requests at /v2/topics (429).",
        ),
        (
            403,
            CauseCode::PermissionMissing,
            "The provider does not let these credentials read /v2/topics (403).",
        ),
        (
            422,
            CauseCode::Internal,
            "The provider did not accept our request for /v2/topics (422).",
        ),
    ] {
        let failure = failure(status).await;
        assert_eq!(
            (failure.code, failure.message.as_str(), failure.retry_after),
            (code, message, None)
        );
    }
}

#[tokio::test]
async fn only_a_later_page_of_topics_is_too_far_to_be_served() {
    let provider = provider(|_, _| answer(422, r#"{"message":"","errors":[]}"#)).await;
    let far = provider.api.fetch(&PageRequest::topics(101)).await;
    assert_eq!(far, Ok(Fetched::TooLong));
    let users = provider.api.fetch(&PageRequest::users(101)).await.unwrap_err();
    assert_eq!(users.code, CauseCode::Internal);
}

#[tokio::test]
async fn retry_after_counts_from_the_clock() {
    for (status, value, wait) in [
        (429, "30", Some(30)),
        (503, "Mon, 03 Feb 2025 04:07:06 GMT", Some(120)),
        (429, "Mon, 03 Feb 2025 04:00:00 GMT", Some(0)),
        (429, "soon", None),
        (500, "30", None),
    ] {
        let provider = provider(move |_, _| {
            let mut response = answer(status, "");
            response
                .headers_mut()
                .insert("retry-after", value.parse().unwrap());
            response
        })
        .await;
        let failure = provider.api.fetch(&TOPICS).await.unwrap_err();
        assert_eq!(
            failure.retry_after,
            wait.map(Duration::from_secs),
            "{status} {value}"
        );
    }
}

#[tokio::test]
async fn html_is_named_and_the_base_url_suspected() {
    for (kind, body) in [
        ("text/html; charset=utf-8", "Sign in"),
        ("application/json", " <!doctype html>"),
        ("Text/HTML", "<p>"),
    ] {
        let provider = provider(move |_, _| {
            let mut response = answer(200, body);
            response
                .headers_mut()
                .insert("content-type", kind.parse().unwrap());
            response
        })
        .await;
        let failure = provider.api.fetch(&TOPICS).await.unwrap_err();
        assert_eq!(failure.code, CauseCode::AnswerMalformed);
        assert_eq!(
            failure.message,
            "The provider answered /v2/topics with HTML instead of JSON; the base URL may be the community's and not the API's."
        );
    }
}

#[tokio::test]
async fn json_of_any_content_type_is_read() {
    let provider = provider(|_, _| {
        let mut response = answer(200, EMPTY);
        response.headers_mut().remove("content-type");
        response
    })
    .await;
    assert_eq!(provider.api.fetch(&TOPICS).await, LAST_PAGE);
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_origin_only() {
    let other = provider(|_, _| answer(200, EMPTY)).await;
    let away = format!("{}/v2/topics?token=abc", other.base_url);
    let provider = provider(move |asked, _| {
        let target = match asked.path.as_str() {
            "/v2/categories" => "/v2/categories/",
            "/v2/topics" => &away,
            _ => return answer(200, EMPTY),
        };
        let mut response = answer(302, "");
        response.headers_mut().insert("location", target.parse().unwrap());
        response
    })
    .await;
    assert_eq!(provider.api.fetch(&PageRequest::Categories).await, LAST_PAGE);
    let failure = provider.api.fetch(&TOPICS).await.unwrap_err();
    assert_eq!(failure.code, CauseCode::AnswerMalformed);
    assert!(
        failure.message.contains("to 127.0.0.1 (302)") && !failure.message.contains("abc"),
        "{failure}"
    );
    assert!(other.log.all().is_empty(), "no request and no token went there");
}

#[tokio::test]
async fn a_redirect_to_the_metadata_of_a_cloud_is_not_followed() {
    for target in [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
    ] {
        let provider = provider(move |_, _| {
            let mut response = answer(302, "");
            response.headers_mut().insert("location", target.parse().unwrap());
            response
        })
        .await;
        let failure = provider.api.fetch(&TOPICS).await.unwrap_err();
        assert_eq!(failure.code, CauseCode::AnswerMalformed);
        assert!(failure.message.contains("which is not followed"), "{failure}");
        assert_eq!(provider.log.paths(), ["/oauth2/token", "/v2/topics"], "{target}");
    }
}

#[tokio::test]
async fn an_oversized_answer_is_not_read_to_its_end() {
    let body: Arc<[u8]> = vec![b' '; 33 * 1024 * 1024].into();
    let provider = provider(move |_, _| answer(200, body.to_vec())).await;
    let failure = provider.api.fetch(&TOPICS).await.unwrap_err();
    assert_eq!(failure.code, CauseCode::AnswerMalformed);
    assert!(failure.message.contains("more than 33554432 bytes"), "{failure}");
}

#[tokio::test]
async fn a_packed_answer_is_measured_as_it_is_unpacked() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, &vec![b' '; 33 * 1024 * 1024]).unwrap();
    let packed = gzip.finish().unwrap();
    assert!(packed.len() < 64 * 1024, "{}", packed.len());
    let provider = provider(move |_, _| {
        let mut response = answer(200, packed.clone());
        response
            .headers_mut()
            .insert("content-encoding", "gzip".parse().unwrap());
        response
    })
    .await;
    let failure = provider.api.fetch(&TOPICS).await.unwrap_err();
    assert!(failure.message.contains("more than 33554432 bytes"), "{failure}");
}

/// A provider that answers every request after the token's with these bytes, and closes.
async fn raw_provider(bytes: &'static [u8]) -> Failure {
    let tokens = provider(|_, _| answer(200, EMPTY)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let token_body = r#"{"access_token":"t"}"#;
    let token_head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        token_body.len()
    );
    spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let read = socket.read(&mut request).await.unwrap();
            if request[..read].starts_with(b"POST") {
                socket.write_all(token_head.as_bytes()).await.unwrap();
                socket.write_all(token_body.as_bytes()).await.unwrap();
            } else {
                socket.write_all(bytes).await.unwrap();
            }
            socket.shutdown().await.unwrap();
        }
    });
    let api = crate::support::api(&format!("http://{address}"), &tokens.clock);
    api.fetch(&TOPICS).await.unwrap_err()
}

#[tokio::test]
async fn a_cut_body_is_malformed() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"result\":[]}"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\n{\"result\":[]}\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"result\":[",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-encoding: gzip\r\n\r\n12345",
    ] {
        let failure = raw_provider(bytes).await;
        assert_eq!(failure.code, CauseCode::AnswerMalformed, "{failure}");
        assert!(failure.message.contains("cut off"), "{failure}");
    }
}

#[tokio::test]
async fn a_host_that_says_nothing_or_something_else_is_unavailable() {
    for bytes in [&b""[..], b"SSH-2.0-OpenSSH_9.2\r\n"] {
        let failure = raw_provider(bytes).await;
        assert_eq!(failure.code, CauseCode::ProviderUnavailable, "{failure}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let api = crate::support::api(&format!("http://{address}"), &crate::support::clock());
    let failure = api.connect().await.unwrap_err();
    assert_eq!(failure.code, CauseCode::ProviderUnavailable);
    assert_eq!(
        failure.message,
        "The host 127.0.0.1 refused the connection, asked for /oauth2/token."
    );
    assert_eq!(api.take_requests(), 1);
}

#[tokio::test]
async fn a_host_that_is_no_tls_server_is_unavailable() {
    let provider = provider(|_, _| answer(200, EMPTY)).await;
    let https = provider.base_url.replace("http:", "https:");
    let failure = crate::support::api(&https, &provider.clock)
        .connect()
        .await
        .unwrap_err();
    assert_eq!(failure.code, CauseCode::ProviderUnavailable, "{failure}");
}

#[tokio::test]
async fn an_unknown_host_is_named() {
    let api = crate::support::api("http://no-such-host.invalid", &crate::support::clock());
    let failure = api.connect().await.unwrap_err();
    assert_eq!(failure.code, CauseCode::HostUnknown);
    assert_eq!(
        failure.message,
        "The host no-such-host.invalid cannot be found (no address for this name)."
    );
}

#[tokio::test]
async fn a_probe_says_what_can_be_read() {
    let provider = provider(|asked, _| match asked.path.as_str() {
        "/user" => answer(
            200,
            r#"{"users":[{"userid":1,"joindate":5,"_related":{"userprofilefields":[{"profilefield_name":"City","value":"Ulm"}]}}],
                "statistics":{"count":1}}"#,
        ),
        "/v2/topics" => answer(200, EMPTY),
        _ => answer(404, "{}"),
    })
    .await;
    let probe = provider.api.probe().await.unwrap();
    assert_eq!(
        (
            probe.user_path.as_str(),
            probe.users,
            probe.profile_fields,
            probe.activity
        ),
        ("/user", Some(1), Some(true), false)
    );
    let lines = probe.to_string();
    assert_eq!(lines.lines().count(), 5);
    assert!(
        lines.contains("/user (1 announced)") && lines.contains("no source"),
        "{lines}"
    );
}

#[tokio::test]
async fn nothing_that_is_printed_holds_the_secret() {
    let provider = provider(|_, _| answer(200, EMPTY)).await;
    provider.api.connect().await.unwrap();
    let printed = format!("{:?}", provider.api);
    assert!(
        !printed.contains(SECRET) && !printed.contains("token-1"),
        "{printed}"
    );
}

#[tokio::test]
async fn windows_and_shards_are_asked_for_in_days() {
    let provider = provider(|_, _| answer(200, EMPTY)).await;
    let day = NaiveDate::from_ymd_opt(2025, 2, 3);
    let users = PageRequest::Users {
        active_since: day,
        page: 2,
    };
    let topics = PageRequest::Topics {
        filter: TopicFilter {
            active_since: day,
            subtype: Some(Subtype::Discussion),
            created_from: day,
            created_to: day,
        },
        page: 3,
    };
    for request in [users, topics] {
        // What an empty object is to the members' listing does not matter here.
        let _ = provider.api.fetch(&request).await;
    }
    let log = provider.log.all();
    let queries: Vec<_> = log
        .iter()
        .filter(|asked| !asked.is_token())
        .map(|asked| asked.query.as_str())
        .collect();
    assert_eq!(
        queries,
        [
            "_returnIterable=true&page=2&pageSize=100&filter%5Blastactivity%5D%5Bfrom%5D=2025-02-03",
            "page=3&pageSize=100&lastActivityAt%5Bfrom%5D=2025-02-03&contentTypes%5B%5D=conversation\
             &createdAt%5Bfrom%5D=2025-02-03&createdAt%5Bto%5D=2025-02-03",
        ]
    );
}

#[tokio::test]
async fn one_record_is_asked_for_at_its_own_path() {
    let topic = TopicRef {
        public_id: "9007".into(),
        private_id: "41".into(),
        subtype: Subtype::ProductUpdate,
        reply_count: 0,
    };
    let reply = Lookup::Reply {
        topic: topic.clone(),
        private_id: "7".into(),
    };
    let lookups = [
        (Lookup::Category("3".into()), "/v2/categories/3"),
        (Lookup::User("12".into()), "/user/12"),
        (Lookup::Topic(topic), "/v2/productUpdates/41"),
        (reply, "/v2/productUpdates/41/replies/7"),
    ];
    for (lookup, path) in lookups {
        for (status, presence) in [
            (200, Presence::Present),
            (403, Presence::Present),
            (404, Presence::Gone),
            (410, Presence::Gone),
        ] {
            let provider = provider(move |_, _| answer(status, "{}")).await;
            assert_eq!(
                provider.api.presence(&lookup).await,
                Ok(presence),
                "{path} {status}"
            );
            assert!(provider.log.paths().iter().any(|asked| asked == path), "{path}");
        }
        let provider = provider(|_, _| answer(503, "{}")).await;
        let failure = provider.api.presence(&lookup).await.unwrap_err();
        assert_eq!(failure.code, CauseCode::ProviderUnavailable);
        let provider =
            crate::support::provider(|_, _| answer(200, "<!DOCTYPE html><h1>Back soon</h1>")).await;
        let failure = provider.api.presence(&lookup).await.unwrap_err();
        assert_eq!(
            failure.code,
            CauseCode::AnswerMalformed,
            "a page for people says nothing of {path}"
        );
    }
}

#[tokio::test]
async fn topics_are_counted_where_the_provider_tells() {
    for (status, body, counts) in [
        (
            200,
            r#"{"result":{"1":"2"}}"#,
            Fetched::Counts([("1".to_owned(), 2)].into()),
        ),
        (200, r#"{"result":[]}"#, Fetched::NoSource),
        (403, "{}", Fetched::NoSource),
        (404, "{}", Fetched::NoSource),
    ] {
        let provider = provider(move |_, _| answer(status, body)).await;
        assert_eq!(
            provider.api.fetch(&PageRequest::TopicCounts).await,
            Ok(counts),
            "{status}"
        );
        let path = "/v2/categories/getVisibleTopicsCount";
        assert!(provider.log.paths().iter().any(|asked| asked == path));
    }
    for (status, body, code) in [
        (503, "{}", CauseCode::ProviderUnavailable),
        (429, "{}", CauseCode::Throttled),
        (200, r#"{"result":{"1""#, CauseCode::AnswerMalformed),
    ] {
        let provider = provider(move |_, _| answer(status, body)).await;
        let failure = provider.api.fetch(&PageRequest::TopicCounts).await.unwrap_err();
        assert_eq!(failure.code, code, "{status}");
    }
}

#[tokio::test]
async fn an_idea_status_is_looked_for_in_the_list_and_an_odd_id_nowhere() {
    let provider = provider(|_, _| answer(200, r#"{"result":[{"id":1,"name":"New"}]}"#)).await;
    for (id, presence) in [("1", Presence::Present), ("2", Presence::Gone)] {
        let found = provider.api.presence(&Lookup::IdeaStatus(id.into())).await;
        assert_eq!(found, Ok(presence), "{id}");
    }
    let asked = provider.log.all().len();
    for id in ["", "1/2", "..", "a b", "?x"] {
        let found = provider.api.presence(&Lookup::User(id.into())).await;
        assert_eq!(
            found,
            Ok(Presence::Present),
            "{id}: nothing shows that it is gone"
        );
    }
    assert_eq!(
        provider.log.all().len(),
        asked,
        "no path can be made of such an id"
    );
}
