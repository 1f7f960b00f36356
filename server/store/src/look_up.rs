use async_trait::async_trait;
use domain::unification::{Company, DecidedBy, Person};

use crate::{Link, StoreError};

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

/// A member whose company an admin named by hand, or denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedMember {
    pub tenant_id: String,
    pub community_user_id: String,
    pub username: String,
    pub email: Option<String>,
    pub link: Link,
    /// The company's name; `None` if the link names none, or one that is gone.
    pub company_name: Option<String>,
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

    /// What was said by hand of members' companies, the latest first, members who are deleted left out.
    async fn links_by_hand(&self, offset: u64, limit: u32) -> Result<FoundPage<LinkedMember>, StoreError>;
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
