//! `/metrics`, and what is counted of requests for it.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{Audience, Scope};
use store::{Store, StoreError};
use sync::Clock;
use tracing::error;

use super::access::{Face, Ruled};
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

/// Figures name every tenant.
pub(crate) fn routes() -> Vec<Ruled<Monitored>> {
    vec![Ruled {
        path: "/metrics".to_owned(),
        audience: Audience::Admin,
        scope: Some(Scope::Read),
        face: Face::Program,
        handler: get(answer),
    }]
}

async fn answer(State(monitored): State<Monitored>) -> Response {
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
