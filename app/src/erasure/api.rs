use leptos::prelude::*;

use super::view::{ErasuresView, PersonView, ReceiptView};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "erasures")]
pub async fn erasures() -> Result<ErasuresView, AppError> {
    crate::backend::backend()?.erasures().await
}

/// What is stored with an address.
#[server(prefix = "/rpc", endpoint = "find_person")]
pub async fn find_person(email: String) -> Result<PersonView, AppError> {
    crate::backend::backend()?.find_person(email).await
}

/// Erases whoever has the address, and leads to the receipt.
#[server(prefix = "/rpc", endpoint = "erase_person")]
pub async fn erase_person(email: String) -> Result<(), AppError> {
    let receipt = crate::backend::backend()?.erase_person(email).await?;
    leptos_axum::redirect(&receipt.href());
    Ok(())
}

#[server(prefix = "/rpc", endpoint = "receipt")]
pub async fn receipt(id: String) -> Result<ReceiptView, AppError> {
    crate::backend::backend()?.receipt(id).await
}
