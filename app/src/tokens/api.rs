use domain::{Scope, TokenId};
use leptos::prelude::*;

use super::view::{NewTokenView, TokensView};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "tokens")]
pub async fn tokens() -> Result<TokensView, AppError> {
    crate::backend::backend()?.tokens().await
}

/// `days` is for how long it is good.
#[server(prefix = "/rpc", endpoint = "add_token")]
pub async fn add_token(
    name: String,
    #[server(default)] scopes: Vec<Scope>,
    days: u32,
) -> Result<NewTokenView, AppError> {
    crate::backend::backend()?.add_token(name, scopes, days).await
}

#[server(prefix = "/rpc", endpoint = "revoke_token")]
pub async fn revoke_token(token: TokenId) -> Result<(), AppError> {
    crate::backend::backend()?.revoke_token(token).await?;
    // The form was on the page that asks for a yes; going back there would ask again.
    leptos_axum::redirect(super::place::TOKENS);
    Ok(())
}
