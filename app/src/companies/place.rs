//! Where on the Customers pages someone is.

use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

use crate::place::Href;

pub const CUSTOMERS: &str = "/customers";
pub const COMPANY: &str = "/customers/company";
pub const NEW_COMPANY: &str = "/customers/new";
/// Files of a company, of the same address as its page: see [`CompanyPlace::file_href`].
pub const COMPANY_USERS_CSV: &str = "/customers/company/users.csv";
pub const COMPANY_USERS_NDJSON: &str = "/customers/company/users.ndjson";
pub const COMPANY_POSTS_CSV: &str = "/customers/company/posts.csv";
pub const COMPANY_POSTS_NDJSON: &str = "/customers/company/posts.ndjson";

pub fn company_href(external_id: &str) -> String {
    Href::to(COMPANY).with("id", &external_id).into_text()
}

/// What is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listed {
    #[default]
    Companies,
    People,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookUp {
    pub listed: Listed,
    /// Part of a name, a domain or an address, or an external id; all if empty.
    pub text: String,
    /// From 1.
    pub page: u32,
}

impl LookUp {
    /// What cannot be read is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        Self {
            listed: if query.get_str("tab") == Some("people") {
                Listed::People
            } else {
                Listed::Companies
            },
            text: query.get_str("q").unwrap_or_default().trim().to_owned(),
            page: page_of(query),
        }
    }

    #[must_use]
    pub fn of(listed: Listed) -> Self {
        Self {
            listed,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_page(&self, page: u32) -> Self {
        Self { page, ..self.clone() }
    }

    pub fn href(&self) -> String {
        Href::to(CUSTOMERS)
            .maybe("tab", (self.listed == Listed::People).then_some("people"))
            .maybe("q", (!self.text.is_empty()).then_some(&self.text))
            .maybe("page", (self.page > 1).then_some(self.page))
            .into_text()
    }
}

/// The company that a page is about, and which of its members are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyPlace {
    pub external_id: String,
    /// Of the members; from 1.
    pub page: u32,
    pub edit: bool,
    pub period: Period,
    /// Whether the figures are those of the company with all below it.
    pub below: bool,
}

/// Over which time figures are added up, and compared with as many days before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Period {
    #[default]
    Month,
    Quarter,
}

impl Period {
    pub const ALL: [Self; 2] = [Self::Month, Self::Quarter];

    pub fn days(self) -> u32 {
        match self {
            Self::Month => 30,
            Self::Quarter => 90,
        }
    }
}

impl CompanyPlace {
    pub fn read(query: &ParamsMap) -> Self {
        Self {
            external_id: query.get("id").unwrap_or_default(),
            page: page_of(query),
            edit: query.get_str("edit").is_some(),
            period: if query.get_str("days") == Some("90") {
                Period::Quarter
            } else {
                Period::Month
            },
            below: query.get_str("with") == Some("subsidiaries"),
        }
    }

    #[must_use]
    pub fn with_page(&self, page: u32) -> Self {
        Self {
            page,
            edit: false,
            ..self.clone()
        }
    }

    pub fn href(&self) -> String {
        self.address(COMPANY)
    }

    /// The file at the given path, of the figures that are shown.
    pub fn file_href(&self, path: &str) -> String {
        self.with_page(1).address(path)
    }

    fn address(&self, path: &str) -> String {
        Href::to(path)
            .with("id", &self.external_id)
            .maybe("page", (self.page > 1).then_some(self.page))
            .maybe("edit", self.edit.then_some("yes"))
            .maybe(
                "days",
                (self.period == Period::Quarter).then_some(self.period.days()),
            )
            .maybe("with", self.below.then_some("subsidiaries"))
            .into_text()
    }
}

/// From 1.
pub fn page_of(query: &ParamsMap) -> u32 {
    let page = query.get_str("page").and_then(|page| page.parse().ok());
    page.unwrap_or(1).max(1)
}
