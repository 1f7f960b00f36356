use domain::{AccountId, Role, SessionId};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::place::{ACCOUNTS, YOUR_SESSIONS};
use super::view::{AccountsView, LinkView, SessionsView};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "accounts")]
pub async fn accounts() -> Result<AccountsView, AppError> {
    crate::backend::backend()?.accounts().await
}

/// Whether the password was given a short while ago, as sensitive changes need it. Asked before their forms are filled in,
/// so that nothing that was typed is lost.
#[server(prefix = "/rpc", endpoint = "check_confirmed")]
pub async fn check_confirmed() -> Result<(), AppError> {
    crate::backend::backend()?.check_confirmed().await
}

/// Answers with the link by which whoever has the account comes to a password.
#[server(prefix = "/rpc", endpoint = "add_account")]
pub async fn add_account(email: String, role: Role) -> Result<LinkView, AppError> {
    crate::backend::backend()?.add_account(email, role).await
}

/// A new link, for someone who has no password or a lost one; an earlier one is good no more.
#[server(prefix = "/rpc", endpoint = "offer_link")]
pub async fn offer_link(account: AccountId) -> Result<LinkView, AppError> {
    crate::backend::backend()?.offer_link(account).await
}

#[server(prefix = "/rpc", endpoint = "change_role")]
pub async fn change_role(account: AccountId, role: Role) -> Result<(), AppError> {
    crate::backend::backend()?.change_role(account, role).await?;
    // The form was on the page that asks for a yes; going back there would ask again.
    leptos_axum::redirect(ACCOUNTS);
    Ok(())
}

#[server(prefix = "/rpc", endpoint = "disable_account")]
pub async fn disable_account(account: AccountId) -> Result<(), AppError> {
    crate::backend::backend()?.set_disabled(account, true).await?;
    leptos_axum::redirect(ACCOUNTS);
    Ok(())
}

#[server(prefix = "/rpc", endpoint = "enable_account")]
pub async fn enable_account(account: AccountId) -> Result<(), AppError> {
    crate::backend::backend()?.set_disabled(account, false).await?;
    leptos_axum::redirect(ACCOUNTS);
    Ok(())
}

/// Of everyone.
#[server(prefix = "/rpc", endpoint = "sessions")]
pub async fn sessions() -> Result<SessionsView, AppError> {
    crate::backend::backend()?.sessions().await
}

#[server(prefix = "/rpc", endpoint = "your_sessions")]
pub async fn your_sessions() -> Result<SessionsView, AppError> {
    crate::backend::backend()?.your_sessions().await
}

/// Anyone's.
#[server(prefix = "/rpc", endpoint = "end_session")]
pub async fn end_session(session: SessionId) -> Result<(), AppError> {
    crate::backend::backend()?.end_session(session).await
}

#[server(prefix = "/rpc", endpoint = "end_your_session")]
pub async fn end_your_session(session: SessionId) -> Result<(), AppError> {
    crate::backend::backend()?.end_your_session(session).await
}

/// Your own, but the one that asks.
#[server(prefix = "/rpc", endpoint = "end_your_other_sessions")]
pub async fn end_your_other_sessions() -> Result<(), AppError> {
    crate::backend::backend()?.end_your_other_sessions().await?;
    leptos_axum::redirect(YOUR_SESSIONS);
    Ok(())
}

/// Ends all sessions of the account: whoever had the old password is out.
#[server(prefix = "/rpc", endpoint = "change_password")]
pub async fn change_password(password: String, again: String) -> Result<(), AppError> {
    if password != again {
        return Err(AppError::Refused {
            what: "The two passwords are not the same.".to_owned(),
            next_action: "Type the new one twice. Nothing was changed.".to_owned(),
        });
    }
    crate::backend::backend()?.change_password(password).await?;
    leptos_axum::redirect(crate::place::LOG_IN);
    Ok(())
}
