use domain::{ConnectionId, RunId};
use leptos::prelude::*;

use super::view::ConnectionsView;
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "list_connections")]
pub async fn list_connections() -> Result<ConnectionsView, AppError> {
    crate::backend::backend()?.connections().await
}

#[server(prefix = "/rpc", endpoint = "sync_now")]
pub async fn sync_now(connection: ConnectionId) -> Result<RunId, AppError> {
    crate::backend::backend()?.sync_now(connection).await
}

#[server(prefix = "/rpc", endpoint = "cancel_run")]
pub async fn cancel_run(run: RunId) -> Result<(), AppError> {
    crate::backend::backend()?.cancel_run(run).await
}

#[server(prefix = "/rpc", endpoint = "deactivate")]
pub async fn deactivate(connection: ConnectionId) -> Result<(), AppError> {
    crate::backend::backend()?.deactivate(connection).await?;
    // The form was on the page that asks for a yes; going back there would ask again.
    leptos_axum::redirect(crate::place::COMMUNITY_MANAGEMENT);
    Ok(())
}

#[server(prefix = "/rpc", endpoint = "activate")]
pub async fn activate(connection: ConnectionId) -> Result<(), AppError> {
    crate::backend::backend()?.activate(connection).await
}
