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

use app::backend::Backend;
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use domain::Object;
use store::Store;
use sync::Clock;

use self::problem::Problem;
pub(crate) use self::problem::as_problems;
use super::client::Client;
use crate::installation::Installation;

/// What the endpoints answer from.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// For imports, which match members anew.
    pub(crate) installation: Installation,
}

/// What somebody is allowed who uses an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// To read what is stored.
    Read,
    /// To start and stop syncs.
    Sync,
    /// To import companies and persons.
    Import,
}

impl Scope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Sync => "sync",
            Self::Import => "import",
        }
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
    scope: Scope,
    summary: &'static str,
    query: &'static [Parameter],
    answer: Answer,
    handler: MethodRouter<Api>,
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
pub(crate) fn imports(api: Api) -> Router {
    let imports = parties::imports().into_iter();
    imports.fold(Router::new(), guarded).with_state(api)
}

fn guarded(router: Router<Api>, endpoint: Endpoint) -> Router<Api> {
    let guarded = endpoint
        .handler
        .layer(middleware::from_fn_with_state(endpoint.scope, allow));
    router.route(&endpoint.path, guarded)
}

pub(crate) fn router(api: Api) -> Router {
    let endpoints = endpoints();
    let imports = parties::imports();
    let description = Arc::new(description::of(endpoints.iter().chain(&imports)));
    let described = get(move || {
        let description = Arc::clone(&description);
        async move { Json(description.as_ref()).into_response() }
    });
    let described = described.layer(middleware::from_fn_with_state(Scope::Read, allow));
    let router = Router::new().route("/api/openapi.json", described);
    endpoints
        .into_iter()
        .fold(router, guarded)
        .route("/api/{*rest}", axum::routing::any(nothing_there))
        .with_state(api)
}

/// Until there are tokens, only who is on this machine may use it.
async fn allow(State(_scope): State<Scope>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Client>() {
        Some(client) if client.local => next.run(request).await,
        _ => Problem::forbidden().into_response(),
    }
}

async fn nothing_there() -> Problem {
    Problem::not_found("There is no such endpoint.")
}

/// A document with the status that its request was accepted, and not yet done.
fn accepted<T: serde::Serialize>(document: T) -> Response {
    (StatusCode::ACCEPTED, Json(document)).into_response()
}
