//! Finds out who asks, by the session in their cookie: one read of the database for each request that brings one.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::error;

use super::{client::Client, cookies::Cookies};
use crate::{
    accounts::Door,
    error::with_sources,
    visitor::{Visitor, Who},
};

/// What it takes to know a visitor.
#[derive(Clone)]
pub(crate) struct Visits {
    pub(crate) door: Door,
    pub(crate) cookies: Cookies,
}

/// Names the visitor to all that come after. Not for files, which are everybody's.
pub(crate) async fn resolve(State(visits): State<Visits>, mut request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Client>();
    let address = client.map(|client| client.address);
    let who = match visits.cookies.session(request.headers()) {
        None => Who::Nobody,
        Some(token) => match visits.door.recognize(&token).await {
            Ok(Some(logged_in)) => Who::Account(Arc::new(logged_in)),
            Ok(None) => Who::Nobody,
            Err(error) => {
                error!(error = %with_sources(&error), "a session cannot be looked up");
                return unavailable();
            }
        },
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
