//! What every answer carries, and what is not answered at all.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::csrf::CsrfLayer;
use url::Url;

use crate::error::CommandError;

/// Nobody may frame the console, aim its forms elsewhere or change where its links lead.
const CONTENT_POLICY: &str =
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'; script-src 'self'";

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    // Forms without scripts come back by the Referer, so it stays for our own pages.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// The names under which the console may be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// Host and port of the public origin.
    public: Option<Arc<str>>,
}

impl Hosts {
    pub(crate) fn new(public_origin: Option<&Url>) -> Self {
        let public = public_origin.and_then(|origin| {
            let host = origin.host_str()?;
            Some(match origin.port() {
                Some(port) => format!("{host}:{port}").into(),
                None => host.into(),
            })
        });
        Self { public }
    }

    /// A page on another name that resolves to this machine (DNS rebinding) could read and press everything, since for
    /// the browser it would be the same origin. So only loopback and the operator's own name are answered.
    fn accept(&self, host: &str) -> bool {
        if self
            .public
            .as_deref()
            .is_some_and(|public| public.eq_ignore_ascii_case(host))
        {
            return true;
        }
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

pub(crate) async fn check_host(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match host(&request) {
        Some(host) if hosts.accept(host) => next.run(request).await,
        _ => (
            StatusCode::MISDIRECTED_REQUEST,
            "This console is not served under that name. Use http://127.0.0.1 or http://localhost with its port, \
             or ask the operator to set TRIBUTARY_PUBLIC_ORIGIN.\n",
        )
            .into_response(),
    }
}

/// The name that the browser asked for.
fn host(request: &Request) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request.headers().get(header::HOST)?.to_str().ok(),
    }
}

/// A page's policy: only the scripts that this answer itself carries (by their nonce), our files, and their WASM.
pub(crate) fn page_policy(nonce: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{CONTENT_POLICY} 'nonce-{nonce}' 'wasm-unsafe-eval'")).ok()
}

pub(crate) async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set_headers(response.headers_mut());
    response
}

fn set_headers(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(CONTENT_POLICY));
    // What an admin sees is not kept by browsers or proxies; files say otherwise themselves.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Refuses what another site's page sends in an admin's name.
pub(crate) fn cross_site(public_origin: Option<&Url>) -> Result<CsrfLayer, CommandError> {
    let layer = CsrfLayer::new();
    let Some(origin) = public_origin else {
        return Ok(layer);
    };
    let origin = origin.origin().ascii_serialization();
    layer.add_trusted_origin(&origin).map_err(|error| {
        CommandError::usage(
            format!("the public origin {origin} cannot be used: {error}"),
            "Give scheme, host and port only, such as --public-origin https://tributary.example",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_answered_by_any_of_its_names() {
        let hosts = Hosts::new(None);
        for host in [
            "localhost",
            "LocalHost:3000",
            "127.0.0.1:3000",
            "127.8.8.8",
            "[::1]:3000",
            "[::1]",
        ] {
            assert!(hosts.accept(host), "{host}");
        }
    }

    #[test]
    fn other_names_are_refused_even_if_they_lead_here() {
        let hosts = Hosts::new(None);
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "0.0.0.0:3000",
            "192.168.1.2",
            "tributary.example",
        ] {
            assert!(!hosts.accept(host), "{host}");
        }
    }

    #[test]
    fn the_operators_own_name_is_answered_with_its_port() {
        let origin = Url::parse("https://tributary.example:8443").expect("a URL");
        let hosts = Hosts::new(Some(&origin));
        assert!(hosts.accept("tributary.example:8443"));
        assert!(hosts.accept("localhost:3000"));
        assert!(!hosts.accept("tributary.example"));
        assert!(!hosts.accept("other.example:8443"));
    }
}
