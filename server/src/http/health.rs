use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, routing::get};
use store::Store;
use tracing::error;

use crate::error::with_sources;

/// For supervisors: alive, and able to work. They may ask by any name, so these stand before the host check.
pub(crate) fn routes(store: Arc<dyn Store>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(store)
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
