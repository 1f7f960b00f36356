use leptos::prelude::*;

use super::{
    place::{CompanyPlace, LookUp},
    view::{CompanyView, LookUpView},
};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "look_up")]
pub async fn find_customers(query: LookUp) -> Result<LookUpView, AppError> {
    crate::backend::backend()?.look_up(query).await
}

#[server(prefix = "/rpc", endpoint = "company")]
pub async fn company(place: CompanyPlace) -> Result<CompanyView, AppError> {
    crate::backend::backend()?.company(place).await
}

/// `domains` are one a line. With `new` there must be no such company yet.
#[server(prefix = "/rpc", endpoint = "save_company")]
pub async fn save_company(
    external_id: String,
    name: String,
    #[server(default)] domains: String,
    #[server(default)] parent: String,
    #[server(default)] new: String,
) -> Result<(), AppError> {
    let company = super::form::read_company(&external_id, &name, &domains, &parent)?;
    let href = super::place::company_href(&company.external_id);
    let save = super::view::SaveCompany {
        company,
        new: new == "yes",
    };
    crate::backend::backend()?.save_company(save).await?;
    leptos_axum::redirect(&href);
    Ok(())
}

/// Adds a domain to a company that there is.
#[server(prefix = "/rpc", endpoint = "add_domain")]
pub async fn add_domain(company: String, domain: String) -> Result<(), AppError> {
    let (company, domain) = (company.trim().to_owned(), domain.trim().to_owned());
    crate::backend::backend()?.add_domain(company, domain).await
}
