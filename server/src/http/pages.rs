//! Rendered pages, kept while they are true.
//!
//! Rendering the first page takes a third of a millisecond, most of it for thousands of small allocations; a refresh by
//! many people at once should not cost that for each. What a page shows depends on its address and the store alone, so
//! a rendered one is good until something is committed, or until the second turns, since pages say when they were made.
//! A page is kept for one session: it names who is logged in, and shows what their role may see.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::SessionId;
use leptos::nonce::Nonce;
use sync::Clock;
use tracing::error;

use super::headers::BrowserRules;
use crate::{error::with_sources, marker::Marker, visitor::Visitor};

/// Addresses kept at a time: the tabs and a few Summaries. With the next bound, 16 MiB at most.
const PAGES_KEPT: usize = 64;
const PAGE_BYTES_KEPT: usize = 256 * 1024;

/// Rendered pages by session and address.
#[derive(Clone)]
pub(crate) struct Pages {
    marker: Arc<Marker>,
    clock: Arc<dyn Clock>,
    rules: BrowserRules,
    kept: Arc<RwLock<HashMap<Key, Page>>>,
}

type Key = (SessionId, String);

/// What a page is true for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    marker: i64,
    second: i64,
}

#[derive(Clone)]
struct Page {
    at: Moment,
    headers: HeaderMap,
    /// The text between the places where the nonce goes: each answer has its own.
    parts: Arc<[Bytes]>,
}

impl Pages {
    pub(crate) fn new(marker: Arc<Marker>, clock: Arc<dyn Clock>, rules: BrowserRules) -> Self {
        Self {
            marker,
            clock,
            rules,
            kept: Arc::default(),
        }
    }

    /// Asked before a page is rendered: what is committed meanwhile makes the page outdated, not wrong.
    async fn moment(&self) -> Option<Moment> {
        let second = self.clock.now().timestamp();
        match self.marker.current().await {
            Ok(marker) => Some(Moment { marker, second }),
            Err(error) => {
                error!(error = %with_sources(&error), "the change marker cannot be read");
                None
            }
        }
    }

    fn get(&self, key: &Key, at: Moment) -> Option<Page> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|page| page.at == at).cloned()
    }

    fn keep(&self, key: Key, page: Page) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= PAGES_KEPT {
            kept.retain(|_, old| old.at == page.at);
        }
        if kept.len() < PAGES_KEPT {
            kept.insert(key, page);
        }
    }
}

impl Page {
    /// `None` if it does not say which nonce it was rendered with.
    fn new(at: Moment, mut headers: HeaderMap, body: &Bytes) -> Option<Self> {
        let policy = headers.remove(header::CONTENT_SECURITY_POLICY)?;
        let (_, nonce) = policy.to_str().ok()?.split_once("'nonce-")?;
        let (nonce, _) = nonce.split_once('\'')?;
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::TRANSFER_ENCODING);
        Some(Self {
            at,
            headers,
            parts: split(body, nonce.as_bytes()).into(),
        })
    }

    fn answer(&self, rules: &BrowserRules) -> Response {
        let nonce = Nonce::new();
        let nonce: &str = &nonce;
        let length = self.parts.iter().map(|part| part.len() + nonce.len()).sum();
        let mut body = Vec::with_capacity(length);
        for (number, part) in self.parts.iter().enumerate() {
            if number > 0 {
                body.extend_from_slice(nonce.as_bytes());
            }
            body.extend_from_slice(part);
        }
        let mut headers = self.headers.clone();
        if let Some(policy) = rules.page_policy(nonce) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        (headers, body).into_response()
    }
}

/// The text before, between and after all occurrences.
fn split(text: &Bytes, separator: &[u8]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while at + separator.len() <= text.len() {
        if text[at..].starts_with(separator) {
            parts.push(text.slice(from..at));
            at += separator.len();
            from = at;
        } else {
            at += 1;
        }
    }
    parts.push(text.slice(from..));
    parts
}

/// `None` for what is never kept: forms, and what someone asks for who is not logged in.
fn key(request: &Request) -> Option<Key> {
    let visitor = request.extensions().get::<Visitor>()?;
    let session = visitor.logged_in()?.session.id;
    let address = request.uri().path_and_query()?;
    (request.method() == Method::GET).then(|| (session, address.to_string()))
}

/// Answers with a kept page, or renders it and keeps it.
pub(crate) async fn kept(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let Some(key) = key(&request) else {
        return next.run(request).await;
    };
    let Some(moment) = pages.moment().await else {
        return next.run(request).await;
    };
    if let Some(page) = pages.get(&key, moment) {
        return page.answer(&pages.rules);
    }
    let response = next.run(request).await;
    if response.status() != StatusCode::OK || response.headers().contains_key(header::SET_COOKIE) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => {
            error!(%error, "a page broke off while it was rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    if body.len() <= PAGE_BYTES_KEPT
        && let Some(page) = Page::new(moment, parts.headers.clone(), &body)
    {
        pages.keep(key, page);
    }
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const AT: Moment = Moment { marker: 1, second: 1 };

    fn page(policy: &'static str, body: &'static str) -> Option<Page> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        Page::new(AT, headers, &Bytes::from_static(body.as_bytes()))
    }

    #[tokio::test]
    async fn every_answer_has_a_nonce_of_its_own() {
        let page = page(
            "script-src 'nonce-abc' 'self'",
            "<script nonce=abc>1</script><script nonce=abc>2",
        )
        .expect("a page");
        let mut seen = Vec::new();
        for _ in 0..2 {
            let answer = page.answer(&BrowserRules::new(None, None));
            let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].clone();
            let policy = policy.to_str().expect("text").to_owned();
            let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
            let body = String::from_utf8(body.to_vec()).expect("text");
            let (_, nonce) = policy.split_once("'nonce-").expect("a nonce");
            let nonce = nonce.split('\'').next().expect("a nonce");
            assert_eq!(
                body,
                format!("<script nonce={nonce}>1</script><script nonce={nonce}>2")
            );
            assert!(!seen.contains(&body));
            seen.push(body);
        }
    }

    #[test]
    fn a_page_without_a_nonce_is_not_kept() {
        assert!(page("script-src 'self'", "<p>").is_none());
    }

    #[test]
    fn a_text_is_split_at_every_occurrence() {
        let parts = |text: &'static str| split(&Bytes::from_static(text.as_bytes()), b"ab");
        assert_eq!(parts("1ab2ab"), ["1", "2", ""]);
        assert_eq!(parts("aab"), ["a", ""]);
        assert_eq!(parts("none"), ["none"]);
        assert_eq!(parts(""), [""]);
    }
}
