use domain::RunId;
use leptos::prelude::*;

use super::view::{InvalidRecordsQuery, InvalidRecordsView, SummaryView};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "summary")]
pub async fn summary(run: RunId) -> Result<SummaryView, AppError> {
    crate::backend::backend()?.summary(run).await
}

#[server(prefix = "/rpc", endpoint = "invalid_records")]
pub async fn invalid_records(query: InvalidRecordsQuery) -> Result<InvalidRecordsView, AppError> {
    crate::backend::backend()?.invalid_records(query).await
}
