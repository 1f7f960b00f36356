//! A company as a form, new or known.

use domain::unification::Company;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::SaveCompany,
    place::{CUSTOMERS, company_href},
};
use crate::{
    error::AppError,
    ui::{
        head::{Crumb, sheet_head},
        problem::{Titles, failure_in_url},
    },
};

/// What saving is called when it failed.
pub const TITLES: &Titles = &[(SaveCompany::PATH, "The company could not be saved")];

/// As many characters as a name or an id may have: more is a mistake, and would break tables.
const TEXT_MAX_CHARS: usize = 200;

/// Reads the fields strictly, and says which cannot be used.
pub fn read_company(external_id: &str, name: &str, domains: &str, parent: &str) -> Result<Company, AppError> {
    let field = |text: &str, what: &str| {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > TEXT_MAX_CHARS {
            return Err(AppError::Refused {
                what: format!("{what} is empty or too long."),
                next_action: format!("Give 1 to {TEXT_MAX_CHARS} characters."),
            });
        }
        Ok(text.to_owned())
    };
    let parent = parent.trim();
    let company = Company {
        external_id: field(external_id, "The external id")?,
        name: field(name, "The name")?,
        domains: domains
            .split(['\n', ';', ','])
            .map(str::trim)
            .filter(|domain| !domain.is_empty())
            .map(str::to_owned)
            .collect(),
        parent_external_id: (!parent.is_empty()).then(|| parent.to_owned()),
    };
    if company.parent_external_id.as_ref() == Some(&company.external_id) {
        return Err(AppError::Refused {
            what: "A company cannot be its own parent.".to_owned(),
            next_action: "Give another parent, or none.".to_owned(),
        });
    }
    Ok(company)
}

#[component]
pub fn NewCompany() -> impl IntoView {
    let query = use_query_map();
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    // Failed users lead here with what is known already.
    let given = Memo::new(move |_| {
        query.with(|query| Company {
            external_id: query.get("id").unwrap_or_default(),
            name: query.get("name").unwrap_or_default(),
            domains: query.get("domain").into_iter().collect(),
            parent_external_id: None,
        })
    });
    view! {
        <Title text="New company" />
        {sheet_head(vec![Crumb::page("Customers", CUSTOMERS)], "New company".to_owned())}
        <div class="page">
            <h1>"New company"</h1>
            <p class="lead">"Users with one of its domains are tied to it as soon as it is saved."</p>
            {failure}
            {move || company_form(&given.get(), true, CUSTOMERS.to_owned())}
        </div>
    }
}

pub fn company_form(company: &Company, new: bool, back: String) -> impl IntoView + use<> {
    let id = if new {
        view! {
            <label class="field">
                <span class="field-name">"External id"</span>
                <input name="external_id" required maxlength=TEXT_MAX_CHARS.to_string() autocomplete="off" value=company.external_id.clone() />
                <span class="small">"Its key in your customer-success data; an import with the same id updates it."</span>
            </label>
            <input type="hidden" name="new" value="yes" />
        }
        .into_any()
    } else {
        view! { <input type="hidden" name="external_id" value=company.external_id.clone() /> }.into_any()
    };
    let rows = (company.domains.len() + 1).clamp(2, 8).to_string();
    view! {
        <form class="form" method="post" action=SaveCompany::PATH>
            {id}
            <label class="field">
                <span class="field-name">"Name"</span>
                <input name="name" required maxlength=TEXT_MAX_CHARS.to_string() autocomplete="off" value=company.name.clone() />
            </label>
            <label class="field">
                <span class="field-name">"Email domains"</span>
                <textarea name="domains" rows=rows>{company.domains.join("\n")}</textarea>
                <span class="small">"One a line, such as halden.example. Domains below one count as well."</span>
            </label>
            <label class="field">
                <span class="field-name">"Parent company"</span>
                <input name="parent" autocomplete="off" value=company.parent_external_id.clone().unwrap_or_default() />
                <span class="small">"Its external id, or nothing. Figures roll up to it."</span>
            </label>
            <div class="form-actions">
                <button class="button primary" type="submit">"Save the company"</button>
                <a class="button" href=back>"Leave it as it is"</a>
            </div>
        </form>
    }
}

/// Where the form of a known company leads back to.
pub fn back_to(company: &Company) -> String {
    company_href(&company.external_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_strictly() {
        let company = read_company(" C-1 ", "Acme", "acme.io\r\nacme.example;a.example", "C-0");
        let company = company.expect("a company");
        assert_eq!(company.external_id, "C-1");
        assert_eq!(company.domains, ["acme.io", "acme.example", "a.example"]);
        assert_eq!(company.parent_external_id.as_deref(), Some("C-0"));
        for (id, name, parent) in [("", "Acme", ""), ("C-1", " ", ""), ("C-1", "Acme", "C-1")] {
            assert!(
                read_company(id, name, "", parent).is_err(),
                "{id} {name} {parent}"
            );
        }
        assert!(read_company("C-1", &"x".repeat(201), "", "").is_err());
    }
}
