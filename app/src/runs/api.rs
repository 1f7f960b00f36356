use domain::RunId;
use leptos::prelude::*;

use super::view::{InvalidRecordsQuery, InvalidRecordsView, LiveView, SummaryView};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "summary")]
pub async fn summary(run: RunId) -> Result<SummaryView, AppError> {
    crate::backend::backend()?.summary(run).await
}

/// Of no more than [`LIVE_RUNS_MAX`](super::view::LIVE_RUNS_MAX) runs.
#[server(prefix = "/rpc", endpoint = "live_runs")]
pub async fn live_runs(runs: Vec<RunId>) -> Result<LiveView, AppError> {
    crate::backend::backend()?.live_runs(runs).await
}

#[server(prefix = "/rpc", endpoint = "invalid_records")]
pub async fn invalid_records(query: InvalidRecordsQuery) -> Result<InvalidRecordsView, AppError> {
    crate::backend::backend()?.invalid_records(query).await
}
