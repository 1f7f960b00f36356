//! A provider that answers as a test says, and remembers what it was asked.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use chrono::{DateTime, Utc};
use connector::{CommunityApi, Credentials, HttpClient};
use domain::BaseUrl;
use sync::Clock;

pub(crate) const SECRET: &str = "s3cret/ä+&";
pub(crate) const START: i64 = 1_738_555_506;

/// A clock that stands until it is told.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }

    async fn sleep(&self, _: Duration) {}
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn is_token(&self) -> bool {
        self.path == "/oauth2/token"
    }
}

#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<Asked>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.all().into_iter().map(|asked| asked.path).collect()
    }

    pub(crate) fn tokens(&self) -> usize {
        self.all().iter().filter(|asked| asked.is_token()).count()
    }
}

pub(crate) struct Provider {
    pub(crate) api: CommunityApi,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) log: Arc<Log>,
    pub(crate) base_url: String,
}

pub(crate) fn answer(status: u16, body: impl Into<Body>) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

pub(crate) fn token(number: usize) -> Response {
    answer(
        200,
        format!(
            r#"{{"access_token":"token-{number}","expires_in":7200,"token_type":"Bearer","scope":"read"}}"#
        ),
    )
}

pub(crate) fn api(base_url: &str, clock: &Arc<TestClock>) -> CommunityApi {
    api_of(base_url, clock, "customer-en", SECRET)
}

pub(crate) fn api_of(base_url: &str, clock: &Arc<TestClock>, tenant: &str, secret: &str) -> CommunityApi {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let credentials = Credentials {
        client_id: tenant.into(),
        client_secret: secret.into(),
    };
    let base_url: BaseUrl = base_url.parse().unwrap();
    let allowed = "127.0.0.1,no-such-host.invalid".parse().unwrap();
    let client = HttpClient::new(&allowed).unwrap();
    CommunityApi::new(
        client,
        tenant.parse().unwrap(),
        base_url,
        credentials,
        Arc::clone(clock) as Arc<dyn Clock>,
    )
}

pub(crate) fn clock() -> Arc<TestClock> {
    Arc::new(TestClock(AtomicI64::new(START)))
}

/// A provider that issues `token-N` and leaves every other request to `respond`, with the token's number.
pub(crate) async fn provider<F>(respond: F) -> Provider
where
    F: Fn(&Asked, usize) -> Response + Send + Sync + 'static,
{
    bare_provider(move |asked, log| {
        if asked.is_token() {
            token(log.tokens())
        } else {
            let bearer = asked.header("authorization").unwrap_or_default();
            let number = bearer
                .strip_prefix("Bearer token-")
                .and_then(|number| number.parse().ok());
            respond(asked, number.unwrap_or_default())
        }
    })
    .await
}

/// A provider whose every answer the test gives. The log holds the request already.
pub(crate) async fn bare_provider<F>(respond: F) -> Provider
where
    F: Fn(&Asked, &Log) -> Response + Send + Sync + 'static,
{
    let log = Arc::new(Log::default());
    let (seen, respond) = (Arc::clone(&log), Arc::new(respond));
    let handle = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
        let asked = Asked {
            method,
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        seen.0.lock().unwrap().push(asked.clone());
        let response = respond(&asked, &seen);
        async move { response }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    spawn(async move {
        axum::serve(listener, Router::new().fallback(handle))
            .await
            .unwrap();
    });
    let clock = clock();
    Provider {
        api: api(&base_url, &clock),
        clock,
        log,
        base_url,
    }
}

pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}
