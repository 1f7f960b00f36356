//! Finds out who asks, by the session in their cookie or the token that a program shows: one read of the database for each
//! request that brings one.

use std::{convert::Infallible, sync::Arc};

use app::scripts::api::SessionLeft;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::server_fn::ServerFn as _;
use store::StoreError;
use tracing::error;

use super::{client::Client, cookies::Cookies, rest::Problem};
use crate::{
    accounts::{BadToken, Door},
    console::Console,
    error::with_sources,
    visitor::{Visitor, Who},
};

/// What it takes to know a visitor.
#[derive(Clone)]
pub(crate) struct Visits {
    pub(crate) door: Door,
    pub(crate) cookies: Cookies,
}

impl Visits {
    /// A token goes before a cookie: whoever shows one means it, and is told if it is good for nothing. A page that asks how
    /// long its session lasts does so by itself, which is no sign of anybody.
    async fn who(&self, path: &str, headers: &HeaderMap) -> Result<Result<Who, BadToken>, StoreError> {
        if let Some(token) = bearer(headers) {
            let program = self.door.recognize_program(token).await?;
            return Ok(program.map(|token| Who::Program(Arc::new(token))));
        }
        let Some(session) = self.cookies.session(headers) else {
            return Ok(Ok(Who::Nobody));
        };
        let logged_in = if path == SessionLeft::PATH {
            self.door.look_at(&session).await?
        } else {
            self.door.recognize(&session).await?
        };
        Ok(Ok(logged_in.map_or(Who::Nobody, |logged_in| {
            Who::Account(Arc::new(logged_in))
        })))
    }
}

/// What a program shows (RFC 6750); other ways to say who asks are none of ours.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ').unwrap_or((shown, ""));
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// The console as whoever asks has it: what they do with it is done in their name. To be taken instead of the state.
impl FromRequestParts<Self> for Console {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Self) -> Result<Self, Infallible> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        Ok(console.for_visitor(visitor.unwrap_or_default()))
    }
}

/// Names the visitor to all that come after. Not for files, which are everybody's.
pub(crate) async fn resolve(State(visits): State<Visits>, mut request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Client>();
    let address = client.map(|client| client.address);
    let who = match visits.who(request.uri().path(), request.headers()).await {
        Ok(Ok(who)) => who,
        Ok(Err(bad)) => return Problem::bad_token(bad).into_response(),
        Err(error) => {
            error!(error = %with_sources(&error), "who asks cannot be looked up");
            return unavailable();
        }
    };
    request.extensions_mut().insert(Visitor { who, address });
    next.run(request).await
}

/// Whether someone is logged in is not known, so nothing is shown and nobody is sent to log in.
pub(super) fn unavailable() -> Response {
    let why = "The database does not answer, so the console cannot tell who you are. Our turn: the log says why. \
               Reload in a minute.\n";
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}
