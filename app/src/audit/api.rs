use leptos::prelude::*;

use super::{place::AuditPlace, view::AuditView};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "audit_trail")]
pub async fn audit_trail(#[server(default)] place: AuditPlace) -> Result<AuditView, AppError> {
    crate::backend::backend()?.audit_trail(place).await
}
