//! What the Customers pages show.

use domain::unification::{Company, DecidedBy};
use serde::{Deserialize, Serialize};

use super::place::LookUp;
use crate::unification::view::{CompanyName, MemberName};

/// Rows of a page of companies, people or members.
pub const LOOK_UP_ROWS: u32 = 50;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookUpView {
    pub query: LookUp,
    pub rows: FoundRows,
    /// How many match; the rows are one page of them.
    pub total: u64,
    /// How many there are of either kind.
    pub companies: u64,
    pub people: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FoundRows {
    Companies(Vec<CompanyRow>),
    People(Vec<PersonRow>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyRow {
    pub company: CompanyName,
    pub domains: Vec<String>,
    pub parent_external_id: Option<String>,
    /// Members who are tied to it.
    pub members: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRow {
    pub external_id: String,
    pub full_name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub company_external_id: Option<String>,
    pub active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyView {
    pub company: Company,
    /// `None` if there is none, or if it is not imported.
    pub parent: Option<CompanyName>,
    pub children: Vec<CompanyName>,
    pub members: Vec<CompanyMember>,
    pub members_total: u64,
    /// From 1.
    pub page: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyMember {
    pub member: MemberName,
    pub email: Option<String>,
    pub decided_by: DecidedBy,
    /// The rule's id, if one decided.
    pub rule: Option<String>,
}

/// A company as a form has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveCompany {
    pub company: Company,
    /// Must not exist yet.
    pub new: bool,
}
