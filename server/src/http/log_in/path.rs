use app::place::{CONFIRM, LOG_IN, LOG_OUT};
use axum::http::{HeaderMap, header};
use url::{Url, form_urlencoded};

use crate::accounts::SET_UP_PATH;

/// Longest path to lead back to, in bytes: a search is some hundreds.
const PATH_MAX_BYTES: usize = 2048;
/// What a form without scripts came back with; shown once is enough.
const SHOWN_ONCE: [&str; 2] = ["__path", "__err"];

/// A page of this console, to go on to: never another site, whatever was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnPath(String);

impl OwnPath {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let plain = text.starts_with('/')
            && text.len() <= PATH_MAX_BYTES
            && !text.contains(|sign: char| sign == '\\' || sign.is_control());
        if !plain {
            return None;
        }
        // Read as browsers read it, against an address of our own that it must not leave.
        let own = Url::parse("http://console.invalid").ok()?;
        let url = own.join(text).ok()?;
        (url.origin() == own.origin()).then(|| Self::of(&url)).flatten()
    }

    /// Where the visitor comes from. A Referer of another site was taken away before.
    pub(crate) fn of_referer(headers: &HeaderMap) -> Option<Self> {
        let referer = headers.get(header::REFERER)?.to_str().ok()?;
        Self::of(&Url::parse(referer).ok()?)
    }

    fn of(url: &Url) -> Option<Self> {
        let path = url.path();
        let leads_nowhere = [LOG_IN, LOG_OUT, CONFIRM, SET_UP_PATH].contains(&path)
            || ["/rpc/", "/api/", "//"]
                .iter()
                .any(|begin| path.starts_with(begin));
        if leads_nowhere {
            return None;
        }
        let kept = url
            .query_pairs()
            .filter(|(name, _)| !SHOWN_ONCE.contains(&name.as_ref()));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish();
        Some(Self(if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        }))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a page that leads on to this one.
    pub(crate) fn after(&self, page: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("next", &self.0)
            .finish();
        format!("{page}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(text: &str) -> Option<String> {
        OwnPath::read(text).map(|path| path.0)
    }

    #[test]
    fn a_page_of_the_console_is_led_to_with_its_query() {
        assert_eq!(read("/").as_deref(), Some("/"));
        assert_eq!(
            read("/customers?q=a%26b&page=2#x").as_deref(),
            Some("/customers?q=a%26b&page=2")
        );
        assert_eq!(
            OwnPath::read("/customers?q=1").expect("a path").after("/log-in"),
            "/log-in?next=%2Fcustomers%3Fq%3D1"
        );
        assert_eq!(
            read("/customers?__path=%2Frpc%2Fx&__err=e&q=1").as_deref(),
            Some("/customers?q=1")
        );
    }

    #[test]
    fn nobody_is_led_to_another_site_or_in_a_circle() {
        for other in [
            "",
            "customers",
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n//evil.example",
            "///evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            "javascript:alert(1)",
            "/log-in",
            "/log-in?next=/log-in",
            "/./log-out",
            "/confirm",
            "/set-up?token=x",
            "/rpc/deactivate",
            "/api/v1/users",
        ] {
            assert_eq!(read(other), None, "{other:?}");
        }
        assert_eq!(read(&format!("/{}", "x".repeat(PATH_MAX_BYTES))), None);
    }

    #[test]
    fn where_someone_comes_from_is_a_path_too() {
        let mut headers = HeaderMap::new();
        assert_eq!(OwnPath::of_referer(&headers), None);
        let page = HeaderValue::from_static("http://127.0.0.1:3000/customers?q=1");
        headers.insert(header::REFERER, page);
        assert_eq!(
            read("/customers?q=1"),
            OwnPath::of_referer(&headers).map(|path| path.0)
        );
    }
}
