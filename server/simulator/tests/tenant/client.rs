//! A client that sends what the vendor's clients send, and what it makes of the answers.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, header};
use chrono::{DateTime, Utc};
use serde_json::Value;
use simulator::{InvalidReason, Simulator, TrueTopic};
use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use tower::ServiceExt;

/// A Wednesday in May 2026.
pub(crate) const NOW: i64 = 1_779_883_200;
pub(crate) const DAY: u64 = 86_400;

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(crate) fn simulator(specs: &[&str]) -> Simulator {
    let specs = specs.iter().map(|spec| spec.parse().unwrap()).collect();
    Simulator::new(42, specs, || at(NOW)).unwrap()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) struct Client {
    pub(crate) router: Router,
    pub(crate) token: String,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
}

pub(crate) fn send(router: &Router, request: Request<Body>) -> Reply {
    block_on(async {
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            bytes,
        }
    })
}

pub(crate) fn ask_for_token(router: &Router, form: &str) -> Reply {
    let request = Request::post("/oauth2/token")
        .header(header::ACCEPT, "*/*")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(router, request.body(Body::from(form.to_owned())).unwrap())
}

impl Client {
    pub(crate) fn of(simulator: &Simulator, tenant: &str) -> Self {
        Self::with_scope(simulator, tenant, "&scope=read")
    }

    pub(crate) fn with_scope(simulator: &Simulator, tenant: &str, scope: &str) -> Self {
        let router = simulator.router();
        let form =
            format!("grant_type=client_credentials&client_id={tenant}&client_secret=simulated-secret{scope}");
        let answer = ask_for_token(&router, &form);
        assert_eq!(answer.status, 200);
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        Self { router, token }
    }

    pub(crate) fn raw(&self, path: &str) -> Reply {
        let request = Request::get(path)
            .header(header::ACCEPT, "*/*")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        send(&self.router, request.body(Body::empty()).unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let reply = self.raw(path);
        assert_eq!(
            reply.status,
            200,
            "{path}: {}",
            String::from_utf8_lossy(&reply.bytes)
        );
        reply.json()
    }

    /// All pages of a listing whose records stand in `key`.
    pub(crate) fn pages(&self, path: &str, key: &str, size: usize) -> Vec<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1.. {
            let answer = self.get(&format!("{path}{mark}pageSize={size}&page={page}"));
            let records = answer[key].as_array().unwrap();
            all.extend(records.iter().cloned());
            if records.len() < size {
                break;
            }
        }
        all
    }

    pub(crate) fn topics(&self, query: &str) -> Vec<Value> {
        self.pages(&format!("/v2/topics?{query}"), "result", 100)
    }
}

pub(crate) fn text<'v>(record: &'v Value, key: &str) -> Option<&'v str> {
    record[key].as_str()
}

pub(crate) fn id(record: &Value, key: &str) -> u64 {
    record[key]
        .as_u64()
        .or_else(|| record[key].as_str()?.parse().ok())
        .unwrap()
}

pub(crate) fn public_ids(records: &[Value]) -> BTreeSet<u64> {
    records.iter().map(|record| id(record, "publicId")).collect()
}

pub(crate) fn unix(record: &Value, key: &str) -> Option<u64> {
    let time = DateTime::parse_from_rfc3339(text(record, key)?).ok()?;
    u64::try_from(time.timestamp()).ok()
}

pub(crate) fn day(seconds: u64) -> String {
    at(i64::try_from(seconds).unwrap()).format("%Y-%m-%d").to_string()
}

pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

pub(crate) fn true_topics(simulator: &Simulator, tenant: &str) -> Vec<TrueTopic> {
    simulator.true_topics(tenant).unwrap().collect()
}

/// The reason for which a careful reader sets a topic of the common list aside.
pub(crate) fn topic_fault(record: &Value) -> Option<InvalidReason> {
    let known = ["article", "conversation", "question", "idea", "productUpdate"];
    if record.get("id").is_none() || record.get("publicId").is_none() {
        Some(InvalidReason::MissingId)
    } else if unix(record, "createdAt").is_none() {
        Some(InvalidReason::BadTime)
    } else if !known.contains(&text(record, "contentType")?) {
        Some(InvalidReason::UnknownContentType)
    } else {
        None
    }
}

pub(crate) fn time_fault(record: &Value, id: &str, has_time: bool) -> Option<InvalidReason> {
    match (record.get(id), has_time) {
        (None, _) => Some(InvalidReason::MissingId),
        (_, false) => Some(InvalidReason::BadTime),
        _ => None,
    }
}

pub(crate) fn own_path(router: &Router, method: &str, path: &str, peer: Option<&str>) -> Reply {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    if let Some(peer) = peer {
        request
            .extensions_mut()
            .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    }
    send(router, request)
}
