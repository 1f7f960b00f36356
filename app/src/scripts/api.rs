use leptos::prelude::*;

use super::session::SessionTimes;
use crate::error::AppError;

/// Asked by the page itself, so the session stays as long as it was.
#[server(prefix = "/rpc", endpoint = "session_left")]
pub async fn session_left() -> Result<SessionTimes, AppError> {
    crate::backend::backend()?.session_times().await
}

#[server(prefix = "/rpc", endpoint = "stay_logged_in")]
pub async fn stay_logged_in() -> Result<SessionTimes, AppError> {
    crate::backend::backend()?.stay_logged_in().await
}
