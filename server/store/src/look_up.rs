use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectionId,
    unification::{Company, DecidedBy, Person, WhyNot},
};

use crate::{DueMember, StoreError};

/// What is looked for among companies or persons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// An external id, or part of a name, a domain or an address; all if empty.
    pub text: String,
    pub offset: u64,
    pub limit: u32,
}

/// Some of what was found, and how much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPage<T> {
    pub rows: Vec<T>,
    pub total: u64,
}

/// A company and how many members are tied to it, those who are deleted left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundCompany {
    pub company: Company,
    pub members: u64,
}

/// A member who is tied to a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TiedMember {
    pub tenant_id: String,
    pub community_user_id: String,
    pub username: String,
    pub email: Option<String>,
    pub decided_by: DecidedBy,
    pub rule: Option<String>,
}

/// How many companies and persons there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartyCounts {
    pub companies: u64,
    pub persons: u64,
}

/// Which of the members without a company are asked for; all of them by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithoutCompany {
    pub cause: Option<WhyNot>,
    pub connection: Option<ConnectionId>,
    /// The e-mail's domain as it is compared.
    pub domain: Option<String>,
    /// The rule that ended the list.
    pub rule: Option<String>,
    /// Only those who stand so since then or later.
    pub since: Option<DateTime<Utc>>,
}

/// Members without a company for one cause and with one domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutGroup {
    pub cause: WhyNot,
    pub domain: Option<String>,
    pub members: u64,
}

/// What people look up: companies, persons, and who is tied to whom.
#[async_trait]
pub trait LookUpStore: Send + Sync {
    /// In the order of names, then of external ids.
    async fn find_companies(&self, search: &Search) -> Result<FoundPage<FoundCompany>, StoreError>;

    /// In the order of last names, first names and external ids.
    async fn find_persons(&self, search: &Search) -> Result<FoundPage<Person>, StoreError>;

    async fn party_counts(&self) -> Result<PartyCounts, StoreError>;

    /// Companies whose parent it is, in the order of names.
    async fn companies_below(&self, external_id: &str) -> Result<Vec<Company>, StoreError>;

    /// In the order of tenants and ids, those who are deleted left out.
    async fn members_of_company(
        &self,
        external_id: &str,
        offset: u64,
        limit: u32,
    ) -> Result<FoundPage<TiedMember>, StoreError>;

    /// How many members each rule has tied to a company, by the rule's id, those who are deleted left out.
    async fn members_by_rule(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Members without a company who count, in the order of tenants and ids.
    async fn members_without_company(
        &self,
        asked: &WithoutCompany,
        offset: u64,
        limit: u32,
    ) -> Result<FoundPage<DueMember>, StoreError>;

    /// The same, by cause and domain, the largest groups first.
    async fn groups_without_company(
        &self,
        asked: &WithoutCompany,
        limit: u32,
    ) -> Result<Vec<WithoutGroup>, StoreError>;

    /// The same, by cause alone, the largest first.
    async fn causes_without_company(&self, asked: &WithoutCompany) -> Result<Vec<(WhyNot, u64)>, StoreError>;
}

/// What a search's text looks like within a value, for `LIKE … ESCAPE '\'`.
pub fn like_pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
