//! What is not answered at all: other names, and what other sites send.

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::csrf::CsrfLayer;
use url::Url;

use crate::error::CommandError;

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

/// Reads a request's body to its end before anything looks at it, so that one that is too long is refused as such.
pub(crate) async fn whole_body(State(limit): State<usize>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match to_bytes(body, limit).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        Err(_) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The request is longer than {limit} bytes, or broke off. Nothing was changed.\n"),
        )
            .into_response(),
    }
}

/// Whoever sends a form without scripts is led back to the page that they came from; only one of ours is such a page.
pub(crate) async fn own_referer(mut request: Request, next: Next) -> Response {
    let own = host(&request).map(str::to_ascii_lowercase);
    let headers = request.headers_mut();
    let from = headers
        .get(header::REFERER)
        .and_then(|value| value.to_str().ok()?.parse::<Uri>().ok());
    let from = from.and_then(|from| Some(from.authority()?.as_str().to_ascii_lowercase()));
    if from != own {
        headers.remove(header::REFERER);
    }
    next.run(request).await
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
