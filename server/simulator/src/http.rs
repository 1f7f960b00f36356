//! From a request to an answer: tokens, tenants, faults and the paths of the simulator itself.

use crate::answer::Answer;
use crate::faults::{Fault, FaultProfile, Moment};
use crate::query::Query;
use crate::token::{Scope, TOKEN_LIFE_SECONDS, Token};
use crate::world::World;
use crate::{Shared, Tenant};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError};

/// The secret of every client.
const CLIENT_SECRET: &str = "simulated-secret";
/// A token request is short; more is a mistake.
const MAX_BODY_BYTES: usize = 16 * 1_024;
/// Pages of a listing before which a changing tenant goes on; beyond, even a reader of tiny pages comes to the end.
const CHANGING_PAGES: RangeInclusive<u64> = 2..=50;
/// Days that pass in one request; more would keep the tenant's readers waiting.
const MAX_ADVANCED_DAYS: u64 = 1_000;
/// Some documents show the user paths under this prefix, others at the root.
const USER_PREFIX: &str = "api1";

pub(crate) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return into_response(Answer::error(413, "Payload Too Large"));
    };
    let answer = shared.answer(&parts, &body);
    if let Some(delay) = answer.delay {
        tokio::time::sleep(delay).await;
    }
    tracing::debug!(method = %parts.method, path = parts.uri.path(), status = answer.status, "answered");
    into_response(answer)
}

fn into_response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let length = answer.body.len();
    let body = if answer.lost {
        never_sent()
    } else if answer.reset {
        broken_off(answer.body)
    } else {
        Body::from(answer.body)
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(answer.content_type),
    );
    if let Some(Ok(wait)) = answer.retry_after.map(HeaderValue::try_from) {
        headers.insert(header::RETRY_AFTER, wait);
    }
    if answer.reset {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// An error before the server has sent anything, upon which it closes the connection.
fn never_sent() -> Body {
    let error = io::Error::from(io::ErrorKind::ConnectionReset);
    Body::from_stream(stream::once(async { Err::<Vec<u8>, _>(error) }))
}

/// Half of a body, and then an error, upon which the server closes the connection.
fn broken_off(mut body: Vec<u8>) -> Body {
    body.truncate(body.len() / 2);
    let sent = stream::once(async { Ok(body) });
    let cut = stream::once(async {
        // Gives the server the time to send what it has.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(sent.chain(cut))
}

impl Shared {
    fn answer(&self, parts: &Parts, body: &[u8]) -> Answer {
        let path: Vec<&str> = parts
            .uri
            .path()
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        if let Some(own) = path.first().and_then(|first| first.strip_prefix("__")) {
            return self.own_answer(parts, own, &path[1..]);
        }
        let community = path.first() == Some(&"v2");
        if !community && !parts.headers.contains_key(header::ACCEPT) {
            return Answer::error(500, "Internal Server Error");
        }
        if path == ["oauth2", "token"] {
            return match parts.method {
                Method::POST => self.issue(&parts.headers, body),
                _ => Answer::error(405, "Method Not Allowed"),
            };
        }
        let (tenant, token) = match self.authorize(&parts.headers) {
            Ok(authorized) => authorized,
            Err(refusal) => return refusal,
        };
        let request = tenant.count_request();
        let faults = tenant.faults();
        if !faults.spares_token(token.requests, request) {
            return unauthorized("The access token expired.");
        }
        if community && !token.scope.read {
            return unauthorized("The access token has no scope that allows this.");
        }
        let moment = Moment {
            request,
            place: tenant.place,
            now: self.unix_now(),
        };
        faults.spoil(moment, || tenant.data_answer(parts, &path, faults, request))
    }

    /// The simulator's own paths, for the machine that it runs on only.
    fn own_answer(&self, parts: &Parts, name: &str, path: &[&str]) -> Answer {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        if !peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) {
            return Answer::described(403, "Forbidden", "Only for this machine");
        }
        let tenant = path.first().and_then(|name| self.tenant(name));
        match (&parts.method, name, path, tenant) {
            (&Method::GET, "truth", [_], Some(tenant)) => tenant.truth(),
            (&Method::POST, "advance", [_], Some(tenant)) => {
                let query = Query::new(parts.uri.query());
                let days = query.get("days").and_then(|days| days.parse().ok());
                match days.filter(|days| (1..=MAX_ADVANCED_DAYS).contains(days)) {
                    Some(days) => {
                        tenant.change(|world| world.advance(days));
                        tenant.truth()
                    }
                    None => Answer::unprocessable(&format!(
                        "days: This value should be a whole number from 1 to {MAX_ADVANCED_DAYS}."
                    )),
                }
            }
            (&Method::POST, "faults", [_], Some(tenant)) => {
                let query = Query::new(parts.uri.query());
                match query.get("profile").unwrap_or_default().parse::<FaultProfile>() {
                    Ok(profile) => {
                        tenant.set_faults(profile);
                        Answer::json(b"{}".to_vec())
                    }
                    Err(error) => Answer::unprocessable(&error.to_string()),
                }
            }
            _ => Answer::not_found("There is no such tenant or path"),
        }
    }

    fn issue(&self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let mut form: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
            return Answer::oauth_error(
                400,
                "unsupported_grant_type",
                "Only client_credentials is supported.",
            );
        }
        let in_body = form.remove("client_id").zip(form.remove("client_secret"));
        let Some((client, secret)) = in_body.or_else(|| basic_credentials(headers)) else {
            return Answer::oauth_error(401, "invalid_client", "Client authentication is missing.");
        };
        let name = client.split('/').next().unwrap_or_default();
        let place = self.tenants.iter().position(|tenant| tenant.name == name);
        let Some(place) = place.filter(|_| secret == CLIENT_SECRET) else {
            return Answer::oauth_error(401, "invalid_client", "Client authentication failed.");
        };
        let Some(scope) = Scope::parse(form.get("scope").map_or("", String::as_str)) else {
            return Answer::oauth_error(400, "invalid_scope", "The requested scope is unknown.");
        };
        let tenant = &self.tenants[place];
        let token = Token {
            tenant: place as u64,
            scope,
            issued: self.unix_now(),
            requests: tenant.requests(),
        };
        let body = serde_json::json!({
            "access_token": token.write(self.secret),
            "expires_in": TOKEN_LIFE_SECONDS,
            "token_type": "Bearer",
            "scope": scope.name(),
        });
        tenant.faults().spoil_token(tenant.count_token(), || {
            Answer::json(body.to_string().into_bytes())
        })
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(&Tenant, Token), Answer> {
        let header = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let text = header.and_then(|value| credentials_of(value, "bearer"));
        let token = text.and_then(|text| Token::read(text, self.secret));
        let Some(token) = token else {
            return Err(unauthorized("The access token is missing or not known."));
        };
        if self.unix_now() >= token.issued.saturating_add(TOKEN_LIFE_SECONDS) {
            return Err(unauthorized("The access token expired."));
        }
        let tenant = self.tenants.get(crate::mix::index(token.tenant));
        tenant
            .map(|tenant| (tenant, token))
            .ok_or_else(|| unauthorized("The access token is not known."))
    }

    fn unix_now(&self) -> u64 {
        u64::try_from((self.now)().timestamp()).unwrap_or(0)
    }
}

impl Tenant {
    fn truth(&self) -> Answer {
        match serde_json::to_vec(&self.world().truth()) {
            Ok(body) => Answer::json(body),
            Err(_) => Answer::error(500, "Internal Server Error"),
        }
    }

    fn data_answer(&self, parts: &Parts, path: &[&str], faults: FaultProfile, request: u64) -> Answer {
        if parts.method != Method::GET {
            return Answer::error(405, "Method Not Allowed");
        }
        let query = Query::new(parts.uri.query()).disordered(faults.disorder(request));
        let later_page = || query.get("page").and_then(|page| page.parse().ok());
        if faults.strikes(Fault::Changing, request)
            && later_page().is_some_and(|page| CHANGING_PAGES.contains(&page))
        {
            self.change(World::stir);
        }
        let world = self.world();
        let answer = match path {
            ["v2", rest @ ..] if faults.strikes(Fault::HiddenCategory, request) && world.hides(rest) => Some(
                Answer::described(403, "Forbidden", "You are not allowed to see this category"),
            ),
            ["v2", rest @ ..] => world.community_answer(rest, &query),
            [USER_PREFIX, rest @ ..] | rest => {
                let hidden = rest == ["user", "activity"] && faults.strikes(Fault::NoActivity, request);
                world.user_answer(rest, &query).filter(|_| !hidden)
            }
        };
        answer.unwrap_or_else(|| Answer::not_found("There is no such path"))
    }

    fn faults(&self) -> FaultProfile {
        *self.faults.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_faults(&self, profile: FaultProfile) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = profile;
    }
}

fn unauthorized(description: &str) -> Answer {
    Answer::described(401, "Unauthorized", description)
}

/// What follows the scheme, whose case does not matter.
fn credentials_of<'h>(header: &'h str, scheme: &str) -> Option<&'h str> {
    let (name, rest) = header.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = String::from_utf8(base64_decoded(credentials_of(header, "basic")?)?).ok()?;
    let (client, secret) = decoded.split_once(':')?;
    // Clients that follow RFC 6749 percent-encode both parts first.
    Some((
        crate::query::percent_decoded(client),
        crate::query::percent_decoded(secret),
    ))
}

/// Standard alphabet; padding may be absent.
fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::with_capacity(text.len()));
    for byte in text.trim_end_matches('=').bytes() {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        bits = (bits << 6 | u32::try_from(digit).ok()?) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_with_and_without_padding() {
        assert_eq!(base64_decoded("YWNtZS1lbjpzZWNyZXQ=").unwrap(), b"acme-en:secret");
        assert_eq!(base64_decoded("YWNtZS1lbjpzZWNyZXQ").unwrap(), b"acme-en:secret");
        assert_eq!(base64_decoded("+/8=").unwrap(), [0xfb, 0xff]);
        assert_eq!(base64_decoded("a!"), None);
    }
}
