//! `/metrics`, and what is counted of requests for it.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use store::{Store, StoreError};
use sync::Clock;
use tracing::error;

use super::client::Client;
use crate::{
    error::with_sources,
    metrics::{FIGURES_OF, Metrics, Told},
};

/// As Prometheus names its text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone)]
pub(crate) struct Monitored {
    pub(crate) metrics: Metrics,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) fn routes(monitored: Monitored) -> Router {
    Router::new().route("/metrics", get(answer)).with_state(monitored)
}

/// Figures name every tenant, so only a program on this machine reads them.
async fn answer(State(monitored): State<Monitored>, request: Request) -> Response {
    if !request
        .extensions()
        .get::<Client>()
        .is_some_and(|client| client.local)
    {
        let why = "Metrics are told to programs on the same machine only, without a proxy in between.\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    match monitored.told().await {
        Ok(told) => match monitored.metrics.render(&told) {
            Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
            Err(error) => failed(&error),
        },
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> Response {
    error!(error = %with_sources(error), "metrics cannot be told");
    let why = "The database does not answer; the log says why.\n";
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

impl Monitored {
    async fn told(&self) -> Result<Told, StoreError> {
        let now = self.clock.now();
        Ok(Told {
            now,
            figures: self.store.figures(now - FIGURES_OF).await?,
            // Without the runs of a strip.
            overview: self.store.overview(now).await?.into(),
            pools: self.store.pools(),
        })
    }
}

/// Counts what was asked for, in words that nobody outside can add to.
pub(crate) async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let kind = kind(request.uri().path());
    let began = Instant::now();
    let response = next.run(request).await;
    metrics.answered(kind, response.status().as_u16(), began.elapsed());
    response
}

fn kind(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("rpc") => "rpc",
        Some("api") => "api",
        Some("pkg") => "file",
        Some("metrics" | "healthz" | "readyz") => "monitoring",
        _ => "page",
    }
}
