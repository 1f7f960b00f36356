//! What the Customers pages show.

use std::ops::AddAssign;

use chrono::{DateTime, NaiveDate, Utc};
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

/// What a company's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyView {
    pub as_of: DateTime<Utc>,
    pub company: Company,
    /// `None` if there is none, or if it is not imported.
    pub parent: Option<CompanyName>,
    /// External ids of parents that go round, from the company's own on; empty as a rule.
    pub circle: Vec<String>,
    pub engagement: EngagementView,
    /// `None` where there is no company below it.
    pub subsidiaries: Option<SubsidiariesView>,
    pub members: Vec<CompanyMember>,
    pub members_total: u64,
    /// From 1.
    pub page: u32,
}

/// What members did within a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiguresView {
    /// Who count, now.
    pub members: u64,
    /// Of them, who wrote or did something.
    pub active: u64,
    /// Topics that are no ideas.
    pub posts: u64,
    pub replies: u64,
    pub ideas: u64,
    pub views: u64,
}

impl AddAssign for FiguresView {
    fn add_assign(&mut self, other: Self) {
        self.members += other.members;
        self.active += other.active;
        self.posts += other.posts;
        self.replies += other.replies;
        self.ideas += other.ideas;
        self.views += other.views;
    }
}

/// The company alone, or with those below it, as the page was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngagementView {
    pub now: FiguresView,
    /// In as many days before.
    pub before: FiguresView,
    /// Communities in which it has members.
    pub communities: u64,
    /// Tenants of these communities whose views are not counted, since they come from nowhere.
    pub without_views: Vec<String>,
    /// Tenants of these communities, each with the end of its last complete sync.
    pub read_at: Vec<(String, Option<DateTime<Utc>>)>,
    /// Every day of the period with its views.
    pub views_by_day: Vec<(NaiveDate, u64)>,
    /// The newest first.
    pub topics: Vec<TopicView>,
    pub ideas: Vec<TopicView>,
    /// Ideas by their latest status, the most first; `None` for those without one.
    pub idea_statuses: Vec<(Option<String>, u64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicView {
    pub tenant_id: String,
    pub title: String,
    /// `article`, `discussion`, `idea`, `product_update` or `question`.
    pub subtype: String,
    /// In the community.
    pub href: Option<String>,
    pub author: Option<String>,
    pub posted_at: DateTime<Utc>,
    pub replies: u64,
    pub votes: i64,
    pub idea_status: Option<String>,
}

/// A company's figures with those of the companies below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubsidiariesView {
    /// Of the company alone.
    pub own: FiguresView,
    /// Those right below it.
    pub rows: Vec<SubsidiaryRow>,
    /// Of the company with all below it; `None` where they are too many to be added up.
    pub all: Option<FiguresView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubsidiaryRow {
    pub company: CompanyName,
    /// With all below it; `None` where the whole group is too large to be added up.
    pub figures: Option<FiguresView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyMember {
    pub member: MemberName,
    pub email: Option<String>,
    pub decided_by: DecidedBy,
    /// What the rule compares, if one decided: `Email domain`.
    pub rule: Option<String>,
    /// Of the period.
    pub posts: u64,
    pub replies: u64,
    pub ideas: u64,
    /// `None` where views come from nowhere.
    pub views: Option<u64>,
    pub last_active_at: Option<DateTime<Utc>>,
}

/// A company as a form has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveCompany {
    pub company: Company,
    /// Must not exist yet.
    pub new: bool,
}
