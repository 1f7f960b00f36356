//! What every answer tells the browser to keep to.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use url::Url;

/// Of answers that are no page: nothing in them is run, shown beside another page, or sent anywhere.
const BARE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
);

/// What a page may use: scripts that this very answer carries (by their nonce) and our own files. No style in the page
/// itself, no frame, nothing from elsewhere; its forms come back here.
const PAGE_SOURCES: &str = "default-src 'none'; base-uri 'none'; font-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; img-src 'self' data:; object-src 'none'; style-src 'self'; ";

/// Of the pages around the log-in: one file of scripts, and nothing that is not in them is sent anywhere.
pub(crate) const OWN_PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; \
     img-src 'self' data:; object-src 'none'; style-src 'self'; script-src 'self'",
);

/// A year, the least that counts.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// The console asks for nothing of the machine.
const PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), \
     geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), \
     midi=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), \
     screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
);

const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    // Forms without scripts come back by the Referer, so it stays for our own pages.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    // A page that opened this one, or was opened by it, gets no hold of it.
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    // No other site may use an answer, not even as an image that it cannot look into.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// The headers of this installation.
#[derive(Clone, Debug)]
pub(crate) struct BrowserRules {
    page: Arc<PagePolicy>,
    https_only: bool,
}

/// A page's policy before and after its nonce.
#[derive(Debug)]
struct PagePolicy {
    before: String,
    after: String,
}

impl BrowserRules {
    /// `reload_port` is where `cargo leptos watch` tells pages to reload.
    pub(crate) fn new(public_origin: Option<&Url>, reload_port: Option<u32>) -> Self {
        let https_only = public_origin.is_some_and(|origin| origin.scheme() == "https");
        let reload = reload_port.map_or_else(String::new, |port| {
            format!(" ws://127.0.0.1:{port} ws://localhost:{port}")
        });
        let upgrade = if https_only {
            "; upgrade-insecure-requests"
        } else {
            ""
        };
        Self {
            page: Arc::new(PagePolicy {
                before: format!("{PAGE_SOURCES}connect-src 'self'{reload}; script-src 'self' 'nonce-"),
                after: format!("' 'wasm-unsafe-eval'{upgrade}"),
            }),
            https_only,
        }
    }

    /// The policy of the page that was rendered with this nonce.
    pub(crate) fn page_policy(&self, nonce: &str) -> Option<HeaderValue> {
        let PagePolicy { before, after } = self.page.as_ref();
        HeaderValue::try_from(format!("{before}{nonce}{after}")).ok()
    }

    fn set(&self, headers: &mut HeaderMap) {
        for (name, value) in HEADERS {
            headers.insert(name, value);
        }
        if self.https_only {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
        }
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(BARE_POLICY);
        // What an admin sees is not kept by browsers or proxies; files say otherwise themselves.
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
}

pub(crate) async fn add_headers(State(rules): State<BrowserRules>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    rules.set(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origin: &str) -> BrowserRules {
        BrowserRules::new(Some(&Url::parse(origin).expect("a URL")), None)
    }

    fn set(rules: &BrowserRules) -> HeaderMap {
        let mut headers = HeaderMap::new();
        rules.set(&mut headers);
        headers
    }

    #[test]
    fn nothing_runs_in_a_page_that_its_answer_does_not_carry() {
        let policy = BrowserRules::new(None, None)
            .page_policy("abc")
            .expect("a policy");
        let policy = policy.to_str().expect("text");
        let of = |directive: &str| {
            let found = policy.split("; ").find_map(|part| part.strip_prefix(directive));
            found
                .unwrap_or_else(|| panic!("no {directive} in {policy}"))
                .trim()
                .to_owned()
        };
        assert_eq!(of("script-src"), "'self' 'nonce-abc' 'wasm-unsafe-eval'");
        assert_eq!(of("style-src"), "'self'");
        assert_eq!(of("connect-src"), "'self'");
        assert_eq!(of("form-action"), "'self'");
        for none in ["default-src", "base-uri", "frame-ancestors", "object-src"] {
            assert_eq!(of(none), "'none'");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
    }

    #[test]
    fn only_where_browsers_come_by_https_they_are_told_to_stay_there() {
        let kept = set(&rules("https://tributary.example"));
        assert_eq!(kept[header::STRICT_TRANSPORT_SECURITY], HTTPS_ONLY);
        let policy = rules("https://tributary.example")
            .page_policy("n")
            .expect("a policy");
        assert!(
            policy
                .to_str()
                .expect("text")
                .ends_with("; upgrade-insecure-requests")
        );
        for rules in [rules("http://tributary.example"), BrowserRules::new(None, None)] {
            assert!(!set(&rules).contains_key(header::STRICT_TRANSPORT_SECURITY));
            let policy = rules.page_policy("n").expect("a policy");
            assert!(!policy.to_str().expect("text").contains("upgrade-insecure"));
        }
    }

    #[test]
    fn a_nonce_that_is_none_makes_no_policy() {
        assert!(
            BrowserRules::new(None, None)
                .page_policy("a\r\nset-cookie: x")
                .is_none()
        );
    }

    #[test]
    fn pages_that_are_watched_may_be_told_to_reload() {
        let policy = BrowserRules::new(None, Some(3001))
            .page_policy("n")
            .expect("a policy");
        assert!(
            policy
                .to_str()
                .expect("text")
                .contains("connect-src 'self' ws://127.0.0.1:3001")
        );
    }
}
