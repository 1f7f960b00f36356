//! REST, for programs: `/api/v1/…`, described by `/api/openapi.json`.
//!
//! [`endpoints`] is the one list: the router, the description and the rule of who may use what are made from it. Another
//! endpoint is one more entry.

mod connections;
mod description;
mod objects;
mod page;
mod problem;
mod runs;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json,
    extract::FromRequestParts,
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get},
};
use domain::{Audience, Object, Scope};
use store::Store;
use sync::Clock;

pub(crate) use self::problem::{Problem, as_problems};
use super::access::{Face, Ruled};
use crate::{backend::Console, visitor::Visitor};

/// What the endpoints answer from. An endpoint takes it as the visitor's own.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) console: Console,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl FromRequestParts<Self> for Api {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Self) -> Result<Self, Infallible> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        Ok(Self {
            console: api.console.for_visitor(visitor.unwrap_or_default()),
            ..api.clone()
        })
    }
}

/// What a request may name in its query.
#[derive(Clone, Copy, Debug)]
struct Parameter {
    name: &'static str,
    what: &'static str,
}

/// What a request that succeeds is answered with.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Connection,
    Connections,
    Run,
    Runs,
    Rows(Object),
    /// A run that was asked for: 202.
    Accepted,
}

struct Endpoint {
    method: Method,
    /// As both axum and `OpenAPI` write it.
    path: String,
    /// Of people with a session.
    audience: Audience,
    scope: Scope,
    summary: &'static str,
    query: &'static [Parameter],
    answer: Answer,
    handler: MethodRouter<Api>,
}

fn endpoints() -> Vec<Endpoint> {
    [connections::endpoints(), runs::endpoints(), objects::endpoints()]
        .into_iter()
        .flatten()
        .collect()
}

pub(crate) fn routes() -> Vec<Ruled<Api>> {
    let endpoints = endpoints();
    let description = Arc::new(description::of(&endpoints));
    let described = get(move || {
        let description = Arc::clone(&description);
        async move { Json(description.as_ref()).into_response() }
    });
    let route = |path: String, audience, scope, handler| Ruled {
        path,
        audience,
        scope: Some(scope),
        face: Face::Program,
        handler,
    };
    let mut routes = vec![
        route(
            "/api/openapi.json".to_owned(),
            Audience::LoggedIn,
            Scope::Read,
            described,
        ),
        route(
            "/api/{*rest}".to_owned(),
            Audience::LoggedIn,
            Scope::Read,
            any(nothing_there),
        ),
    ];
    routes.extend(
        endpoints
            .into_iter()
            .map(|endpoint| route(endpoint.path, endpoint.audience, endpoint.scope, endpoint.handler)),
    );
    routes
}

async fn nothing_there() -> Problem {
    Problem::not_found("There is no such endpoint.")
}

/// A document with the status that its request was accepted, and not yet done.
fn accepted<T: serde::Serialize>(document: T) -> Response {
    (StatusCode::ACCEPTED, Json(document)).into_response()
}
