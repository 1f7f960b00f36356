use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectionId,
    unification::{Candidate, WhyNot},
};

use crate::{By, StoreError};

/// Which members without a company are meant; those who are deleted or have left are never among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedFilter {
    pub connection: Option<ConnectionId>,
    /// Members whom an admin unlinked are meant only where this says so.
    pub why: Option<WhyNot>,
    pub domain: Option<String>,
    /// The rule that ended the list.
    pub rule: Option<String>,
    /// Those who have stood without a company, as they do now, since then or later.
    pub since: Option<DateTime<Utc>>,
}

/// Members who fail for one cause; those whose domain is unknown, by domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedGroup {
    pub why: WhyNot,
    pub domain: Option<String>,
    pub members: u64,
}

/// A member without a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedMember {
    pub tenant_id: String,
    pub community_user_id: String,
    pub username: String,
    pub email: Option<String>,
    /// What the member typed.
    pub company_custom: Option<String>,
    pub why: WhyNot,
    pub domain: Option<String>,
    pub rule: Option<String>,
    pub candidates: Vec<Candidate>,
    pub since: DateTime<Utc>,
    /// The newest ticket that holds the member, if none has matched the member since.
    pub ticket: Option<i64>,
}

/// A ticket to be made.
#[derive(Clone, Debug)]
pub struct NewTicket {
    pub filter: FailedFilter,
    /// The filter in words.
    pub selection: String,
    pub by: String,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub number: i64,
    pub by: String,
    pub at: DateTime<Utc>,
    /// The rules that decided when it was made.
    pub rule_version: i64,
    pub selection: String,
    /// Members who are still there.
    pub members: u64,
}

/// Members without a company, and tickets of them.
#[async_trait]
pub trait FailedStore: Send + Sync {
    /// By how many they are, the most first.
    async fn failed_groups(&self, filter: &FailedFilter, limit: u32) -> Result<Vec<FailedGroup>, StoreError>;

    async fn failed_count(&self, filter: &FailedFilter) -> Result<u64, StoreError>;

    /// In the order of tenants and ids.
    async fn failed_members(
        &self,
        filter: &FailedFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError>;

    /// Makes one ticket of all members that the filter means; `None` if those are none.
    async fn create_ticket(&self, new: &NewTicket, by: &By) -> Result<Option<Ticket>, StoreError>;

    async fn ticket(&self, number: i64) -> Result<Option<Ticket>, StoreError>;

    /// The newest first.
    async fn tickets(&self, limit: u32) -> Result<Vec<Ticket>, StoreError>;

    /// A ticket's members with the cause as it was then, in the order of tenants and ids.
    async fn ticket_members(
        &self,
        number: i64,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError>;
}
