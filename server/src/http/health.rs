use std::sync::Arc;

use axum::{extract::State, http::StatusCode, routing::get};
use domain::Audience;
use store::Store;
use tracing::error;

use super::access::{Face, Ruled};
use crate::error::with_sources;

/// For supervisors: alive, and able to work. They may ask by any name, so these stand before the host check.
pub(crate) fn routes() -> Vec<Ruled<Arc<dyn Store>>> {
    let route = |path: &str, handler| Ruled {
        path: path.to_owned(),
        audience: Audience::Public,
        scope: None,
        face: Face::Program,
        handler,
    };
    vec![
        route("/healthz", get(|| async { "ok\n" })),
        route("/readyz", get(ready)),
    ]
}

async fn ready(State(store): State<Arc<dyn Store>>) -> (StatusCode, &'static str) {
    match store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            error!(error = %with_sources(&error), "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
