use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{ActivitySource, unification::Company};

use crate::StoreError;

/// Whole days, UTC: from the first up to, but without, the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub from: NaiveDate,
    pub until: NaiveDate,
}

/// Members of a company in one community who count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyMembers {
    pub company_external_id: String,
    pub tenant_id: String,
    /// Where the community's activity comes from; `None` while that is not known.
    pub activity_source: Option<ActivitySource>,
    pub members: u64,
}

/// How much members of a company did, of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyCount {
    pub company_external_id: String,
    /// `topic`, `reply`, or the type of an activity.
    pub kind: String,
    /// Of content.
    pub subtype: Option<String>,
    pub count: u64,
}

/// How much was done on a day, of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCount {
    pub day: NaiveDate,
    pub kind: String,
    pub count: u64,
}

/// A topic by a member of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicOfCompany {
    pub tenant_id: String,
    pub public_id: String,
    pub subtype: String,
    pub title: Option<String>,
    pub permalink: Option<String>,
    pub author: Option<String>,
    pub posted_at: DateTime<Utc>,
    pub replies: u64,
    /// Of an idea.
    pub votes: i64,
    pub idea_status: Option<String>,
}

/// What a member did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberEngagement {
    pub tenant_id: String,
    pub community_user_id: String,
    /// Topics that are no ideas.
    pub posts: u64,
    pub replies: u64,
    pub ideas: u64,
    pub views: u64,
    /// As the community says.
    pub last_active_at: Option<DateTime<Utc>>,
}

/// What members of companies do in their communities: by Community Trend where days are asked for, and so up to the last
/// rebuild of it.
#[async_trait]
pub trait EngagementStore: Send + Sync {
    /// A company and those below it that there are, at most so many, in the order of external ids. Each is met once, even if
    /// parents go round.
    async fn company_with_all_below(&self, external_id: &str, limit: u32)
    -> Result<Vec<Company>, StoreError>;

    /// In the order of companies and tenants.
    async fn members_by_company(&self, companies: &[String]) -> Result<Vec<CompanyMembers>, StoreError>;

    /// In the order of companies, kinds and subtypes.
    async fn counts_by_company(
        &self,
        companies: &[String],
        days: Days,
    ) -> Result<Vec<CompanyCount>, StoreError>;

    /// All companies together, in the order of days and kinds.
    async fn counts_by_day(&self, companies: &[String], days: Days) -> Result<Vec<DayCount>, StoreError>;

    /// Members who count and who wrote or did something on one of the days, by company.
    async fn active_members(
        &self,
        companies: &[String],
        days: Days,
    ) -> Result<Vec<(String, u64)>, StoreError>;

    /// The latest topics that members wrote for their company, the newest first; or the latest ideas.
    async fn latest_topics(
        &self,
        companies: &[String],
        ideas_only: bool,
        limit: u32,
    ) -> Result<Vec<TopicOfCompany>, StoreError>;

    /// How many ideas of theirs have each status, the most first.
    async fn ideas_by_status(&self, companies: &[String]) -> Result<Vec<(Option<String>, u64)>, StoreError>;

    /// What members, by tenant and id, did on these days; those whom there are.
    async fn engagement_of(
        &self,
        members: &[(String, String)],
        days: Days,
    ) -> Result<Vec<MemberEngagement>, StoreError>;
}
