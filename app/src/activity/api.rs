use leptos::prelude::*;

use super::view::{ActivityLogQuery, ActivityLogView};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "activity_log")]
pub async fn activity_log(query: ActivityLogQuery) -> Result<ActivityLogView, AppError> {
    crate::backend::backend()?.activity_log(query).await
}
