use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, Owner,
    unification::{CauseGroup, Match, Member, WhyNot},
};

use crate::{By, FoundPage, StoreError};

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
    /// Of those that the rest means, none but these, by tenant and id.
    pub only: Option<Vec<(String, String)>>,
}

/// A member without a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedMember {
    pub member: Member,
    /// Why: the cause, the domain, the rule that ended the list, and the candidates.
    pub outcome: Match,
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
    /// Those of them who have had no company ever since.
    pub open: u64,
}

/// A try to post a ticket to the operator's webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketPost {
    pub by: String,
    pub at: DateTime<Utc>,
    /// Of the answer; `None` if none came.
    pub status: Option<u16>,
    /// Why it was not taken; `None` if it was.
    pub failure: Option<PostFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostFailure {
    pub cause: String,
    pub owner: Owner,
    pub next_action: String,
}

/// Members without a company, and tickets of them.
#[async_trait]
pub trait FailedStore: Send + Sync {
    /// By cause, and by domain where it is one of a domain, the largest first.
    async fn failed_groups(&self, filter: &FailedFilter, limit: u32) -> Result<Vec<CauseGroup>, StoreError>;

    /// By cause alone, the largest first: whatever cause the filter names, and those whom an admin unlinked, too.
    async fn failed_causes(&self, filter: &FailedFilter) -> Result<Vec<(WhyNot, u64)>, StoreError>;

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
    async fn tickets(&self, offset: u64, limit: u32) -> Result<FoundPage<Ticket>, StoreError>;

    /// A ticket's members with the cause as it was then, in the order of tenants and ids. Candidates are those of now, while
    /// the cause is the same. Each tells the ticket for as long as the member has had no company since.
    async fn ticket_members(
        &self,
        number: i64,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError>;

    /// Keeps what came of posting a ticket.
    async fn keep_ticket_post(&self, number: i64, post: &TicketPost, by: &By) -> Result<(), StoreError>;

    /// What came of posting it, the latest first.
    async fn ticket_posts(&self, number: i64, limit: u32) -> Result<Vec<TicketPost>, StoreError>;
}
