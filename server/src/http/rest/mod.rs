//! REST, for programs: `/api/v1/…`, described by `/api/openapi.json`.
//!
//! [`endpoints`] is the one list: the router, the description and the rule of who may use what are made from it. Another
//! endpoint is one more entry.

mod connections;
mod cursor;
mod description;
mod objects;
mod page;
mod parties;
mod problem;
mod runs;

use std::sync::Arc;

use axum::{
    Json,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get},
};
use domain::{Audience, Object, Scope};

pub(crate) use self::problem::{Problem, as_problems};
use super::access::{Face, Ruled};
use crate::console::Console;

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
    Party(Party),
    Parties(Party),
    /// What became of rows that were sent.
    Imported(Party),
    /// A run that was asked for: 202.
    Accepted,
}

/// What of the customer-success database an endpoint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Company,
    Person,
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
    handler: MethodRouter<Console>,
}

fn endpoints() -> Vec<Endpoint> {
    [
        connections::endpoints(),
        runs::endpoints(),
        objects::endpoints(),
        parties::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Requests that may be longer than others.
pub(crate) fn imports() -> Vec<Ruled<Console>> {
    parties::imports().into_iter().map(ruled).collect()
}

fn ruled(endpoint: Endpoint) -> Ruled<Console> {
    route(endpoint.path, endpoint.audience, endpoint.scope, endpoint.handler)
}

fn route(path: String, audience: Audience, scope: Scope, handler: MethodRouter<Console>) -> Ruled<Console> {
    Ruled {
        path,
        audience,
        scope: Some(scope),
        face: Face::Program,
        handler,
    }
}

pub(crate) fn routes() -> Vec<Ruled<Console>> {
    let endpoints = endpoints();
    let imports = parties::imports();
    let description = Arc::new(description::of(endpoints.iter().chain(&imports)));
    let described = get(move || {
        let description = Arc::clone(&description);
        async move { Json(description.as_ref()).into_response() }
    });
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
    routes.extend(endpoints.into_iter().map(ruled));
    routes
}

async fn nothing_there() -> Problem {
    Problem::not_found("There is no such endpoint.")
}

/// A document with the status that its request was accepted, and not yet done.
fn accepted<T: serde::Serialize>(document: T) -> Response {
    (StatusCode::ACCEPTED, Json(document)).into_response()
}
