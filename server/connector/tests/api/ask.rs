//! Requests to somebody who is no tenant's provider.

use std::time::Duration;

use axum::http::{HeaderMap, Method, header};
use connector::{Ask, Asking, HttpClient, NotAnswered, Refused};

use crate::support::{answer, bare_provider};

fn asking(allowed: &str) -> Asking {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Asking::new(HttpClient::new(&allowed.parse().unwrap()).unwrap())
}

fn get(url: &str) -> Ask {
    Ask {
        method: Method::GET,
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Vec::new(),
    }
}

#[tokio::test]
async fn a_request_goes_out_as_it_was_given_and_its_answer_comes_back_whole() {
    let host = bare_provider(|_, _| answer(201, r#"{"ok":true}"#)).await;
    let ask = Ask {
        method: Method::POST,
        headers: HeaderMap::from_iter([
            (header::ACCEPT, "application/json".parse().unwrap()),
            (header::AUTHORIZATION, "Basic c2VjcmV0".parse().unwrap()),
        ]),
        body: b"grant_type=x".to_vec(),
        ..get(&format!("{}/token?a=1", host.base_url))
    };
    let answered = asking("127.0.0.1").ask(ask).await.unwrap();
    assert_eq!(answered.status.as_u16(), 201);
    assert_eq!(answered.headers["content-type"], "application/json");
    assert_eq!(answered.body, br#"{"ok":true}"#);
    let asked = &host.log.all()[0];
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str(), asked.query.as_str()),
        ("POST", "/token", "a=1")
    );
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(asked.header("authorization"), Some("Basic c2VjcmV0"));
    assert_eq!(asked.body, "grant_type=x");
}

#[tokio::test]
async fn an_error_is_an_answer_and_says_what_it_says() {
    let host = bare_provider(|_, _| answer(400, r#"{"error":"invalid_grant"}"#)).await;
    let answered = asking("127.0.0.1").ask(get(&host.base_url)).await.unwrap();
    assert_eq!(answered.status.as_u16(), 400);
    assert_eq!(answered.body, br#"{"error":"invalid_grant"}"#);
}

#[tokio::test]
async fn no_redirect_leaves_its_origin() {
    let other = bare_provider(|_, _| answer(200, "")).await;
    for target in [
        other.base_url.as_str(),
        "http://169.254.169.254/latest/meta-data/",
    ] {
        let target = target.to_owned();
        let host = bare_provider(move |_, _| {
            let mut response = answer(307, "");
            response.headers_mut().insert("location", target.parse().unwrap());
            response
        })
        .await;
        let answered = asking("127.0.0.1").ask(get(&host.base_url)).await.unwrap();
        assert_eq!(answered.status.as_u16(), 307);
        assert_eq!(host.log.all().len(), 1);
    }
    assert!(other.log.all().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_where_the_filter_does_not_let_it_pass() {
    let host = bare_provider(|_, _| answer(200, "")).await;
    let refused = asking("").ask(get(&host.base_url)).await.unwrap_err();
    assert!(
        matches!(refused, NotAnswered::Refused(Refused::Plain { .. })),
        "{refused:?}"
    );
    assert_eq!(refused.entry().as_deref(), Some("127.0.0.1"));
    let private = asking("").ask(get("https://10.1.2.3/hook")).await.unwrap_err();
    assert!(
        matches!(private, NotAnswered::Refused(Refused::Address { .. })),
        "{private:?}"
    );
    assert!(!private.heals_itself());
    assert!(host.log.all().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let host = bare_provider(|_, _| answer(200, vec![b' '; 1024 * 1024 + 1])).await;
    let long = asking("127.0.0.1").ask(get(&host.base_url)).await.unwrap_err();
    assert_eq!(
        long.to_string(),
        "the host 127.0.0.1 answered with more than 1048576 bytes"
    );
}

#[tokio::test]
async fn a_host_that_is_silent_is_waited_for_no_longer_than_the_bound() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?token=s3cret", listener.local_addr().unwrap());
    let asking = asking("127.0.0.1").within(Duration::from_millis(30));
    let silent = asking.ask(get(&url)).await.unwrap_err();
    assert_eq!(silent.to_string(), "the host 127.0.0.1 did not answer in time");
    assert!(silent.heals_itself());
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_told_by_its_name_alone() {
    let ask = get("https://no-such-host.invalid/hook?token=s3cret");
    let unknown = asking("").ask(ask.clone()).await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "the host no-such-host.invalid cannot be found (no address for this name)"
    );
    assert!(!format!("{ask:?} {unknown:?}").contains("s3cret"));
}
