//! The two cookies: of the session, and by which a browser is known as one that somebody logged in with before.
//!
//! Where browsers come over https both carry the prefix `__Host-`, which they keep only if it is `Secure`, for all paths
//! and for this host alone: no neighbour of the domain, and nobody on the wire, can set or read them. A console in clear
//! on loopback cannot have that: browsers keep no `Secure` cookie that came over http from 127.0.0.1. There the names go
//! without the prefix.

use axum::http::{HeaderMap, HeaderValue, header};
use store::{DEVICE_KEPT, SESSION_AGE_MAX};
use url::Url;

use crate::accounts::{Issued, Token};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    https: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Session,
    Device,
}

impl Cookies {
    pub(crate) fn new(public_origin: Option<&Url>) -> Self {
        Self {
            https: public_origin.is_some_and(|origin| origin.scheme() == "https"),
        }
    }

    fn name(self, kind: Kind) -> &'static str {
        match (kind, self.https) {
            (Kind::Session, true) => "__Host-tributary-session",
            (Kind::Session, false) => "tributary-session",
            (Kind::Device, true) => "__Host-tributary-device",
            (Kind::Device, false) => "tributary-device",
        }
    }

    pub(crate) fn session(self, headers: &HeaderMap) -> Option<Token> {
        self.read(Kind::Session, headers)
    }

    pub(crate) fn device(self, headers: &HeaderMap) -> Option<Token> {
        self.read(Kind::Device, headers)
    }

    /// Of two with the same name one may be somebody else's work, so neither counts.
    fn read(self, kind: Kind, headers: &HeaderMap) -> Option<Token> {
        let name = self.name(kind);
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        let mut values = pairs.filter_map(|pair| {
            let (known, value) = pair.trim().split_once('=')?;
            (known == name).then_some(value)
        });
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Token::read(value)
    }

    /// Of someone who has logged in.
    pub(crate) fn issue(self, issued: &Issued, headers: &mut HeaderMap) {
        self.set_session(&issued.session, headers);
        self.set(
            Kind::Device,
            issued.device.text(),
            DEVICE_KEPT.num_seconds(),
            headers,
        );
    }

    pub(crate) fn set_session(self, token: &Token, headers: &mut HeaderMap) {
        self.set(
            Kind::Session,
            token.text(),
            SESSION_AGE_MAX.num_seconds(),
            headers,
        );
    }

    pub(crate) fn end_session(self, headers: &mut HeaderMap) {
        self.set(Kind::Session, "", 0, headers);
    }

    fn set(self, kind: Kind, value: &str, lives_s: i64, headers: &mut HeaderMap) {
        let secure = if self.https { "; Secure" } else { "" };
        let name = self.name(kind);
        let cookie = format!("{name}={value}; Path=/; Max-Age={lives_s}; HttpOnly; SameSite=Lax{secure}");
        let mut cookie = HeaderValue::try_from(cookie).expect("digits and our own words");
        cookie.set_sensitive(true);
        headers.append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(origin: Option<&str>) -> Cookies {
        let origin = origin.map(|origin| Url::parse(origin).expect("a URL"));
        Cookies::new(origin.as_ref())
    }

    fn sent(line: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(line).expect("a header"));
        headers
    }

    #[test]
    fn over_https_nobody_but_this_host_sets_or_reads_it() {
        let mut headers = HeaderMap::new();
        let token = Token::random();
        cookies(Some("https://tributary.example")).set_session(&token, &mut headers);
        let cookie = headers[header::SET_COOKIE].to_str().expect("text");
        let begin = format!("__Host-tributary-session={}; ", token.text());
        assert!(cookie.starts_with(&begin), "{cookie}");
        for word in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(word), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }

    #[test]
    fn in_clear_it_has_another_name_and_one_of_https_does_not_count() {
        let token = Token::random();
        let line = format!("__Host-tributary-session={}", token.text());
        assert!(cookies(None).session(&sent(&line)).is_none());
        let line = format!("a=b; tributary-session={}; c", token.text());
        let read = cookies(None).session(&sent(&line)).expect("a token");
        assert_eq!(read.hash(), token.hash());
        assert!(cookies(Some("https://x.example")).session(&sent(&line)).is_none());
    }

    #[test]
    fn of_two_neither_counts() {
        let token = Token::random();
        let twice = format!("tributary-session={0}; tributary-session={0}", token.text());
        assert!(cookies(None).session(&sent(&twice)).is_none());
        assert!(cookies(None).session(&sent("tributary-session=x")).is_none());
    }
}
