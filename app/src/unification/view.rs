//! What the Unification pages show.

use chrono::{DateTime, Utc};
use domain::{
    MatchCounts,
    unification::{DecidedBy, Explanation, LeftBecause, MatchStatus, RuleOutcome, RuleSet, WhyNot},
};
use serde::{Deserialize, Serialize};

use crate::{activity::view::ConnectionName, ui::number::grouped};

/// What someone asks of the Rules tab.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesQuery {
    pub draft: Option<DraftText>,
    /// A version whose rules are to be used again: a draft equal to it.
    pub restore: Option<u32>,
    /// Whether the draft is to be tried on every member.
    pub preview: bool,
}

/// A draft as it stands in an address or a form: the version that it was made from, and the rule set as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftText {
    pub base: u32,
    pub set: String,
}

/// What is to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apply {
    /// The version that the draft was made from.
    pub base: u32,
    pub set: RuleSet,
    /// The version that it brings back, if it does.
    pub restores: Option<u32>,
}

/// What came of applying a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Applied {
    /// The draft is the version in use now.
    Version(u32),
    /// Somebody else has applied another version meanwhile; nothing was changed.
    Outdated,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulesView {
    pub as_of: DateTime<Utc>,
    pub head: HeadView,
    pub in_use: RuleSet,
    /// How members stand by the version in use.
    pub counts: MatchCounts,
    /// Members that each rule has decided, by its id.
    pub by_rule: Vec<(String, u64)>,
    pub draft: Option<DraftView>,
    /// Newest first.
    pub history: Vec<VersionView>,
    /// Every tenant, for its default country.
    pub connections: Vec<ConnectionName>,
    /// Domains on the list of free-mail providers that is shipped.
    pub free_mail_shipped: u64,
    /// Set while members are matched again.
    pub rematching: Option<Working>,
}

/// What the head of every tab shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadView {
    /// The version in use.
    pub version: u32,
    pub rules: u64,
    pub without_company: u64,
}

/// How far a longer work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Working {
    pub done: u64,
    pub all: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DraftView {
    pub base: u32,
    pub set: RuleSet,
    /// The version that it brings back, if it does.
    pub restores: Option<u32>,
    /// What differs from the version in use, one sentence each.
    pub changes: Vec<String>,
    /// Why it cannot be applied as it is.
    pub problem: Option<String>,
    /// `None` unless it was asked for and the draft can be applied.
    pub preview: Option<PreviewState>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PreviewState {
    UnderWay(Working),
    Ready(Box<PreviewView>),
}

/// What a draft would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewView {
    pub took_ms: u64,
    pub now: MatchCounts,
    pub after: MatchCounts,
    pub gained: ChangesView,
    pub lost: ChangesView,
    pub moved: ChangesView,
    pub newly_ambiguous: ChangesView,
    /// Who count now, and will have left.
    pub leaving: u64,
    /// Who have left, and will count.
    pub coming_back: u64,
}

impl PreviewView {
    /// `312 gained, 4 moved`
    pub fn effect(&self) -> String {
        let parts = [
            (self.gained.members, "gained"),
            (self.lost.members, "lost"),
            (self.moved.members, "moved"),
            (self.newly_ambiguous.members, "ambiguous"),
            (self.leaving, "left"),
            (self.coming_back, "back"),
        ];
        let told: Vec<_> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", grouped(count)))
            .collect();
        if told.is_empty() {
            "no user changed".to_owned()
        } else {
            told.join(", ")
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesView {
    pub members: u64,
    /// The first of them.
    pub samples: Vec<ChangeView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    pub member: MemberName,
    pub before: Option<CompanyName>,
    pub after: Option<CompanyName>,
}

/// A member, as far as a link to their page needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberName {
    pub tenant_id: String,
    pub community_user_id: String,
    pub username: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyName {
    pub external_id: String,
    pub name: String,
}

/// One version of the rules, as it came into use. A version that is restored is there twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    pub version: u32,
    pub applied_at: DateTime<Utc>,
    pub applied_by: String,
    /// What differs from the version before, one sentence each; empty for the first.
    pub changes: Vec<String>,
    /// What it did to users, such as `312 gained, 4 moved`; `None` for the version that an installation begins with.
    pub effect: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberView {
    pub as_of: DateTime<Utc>,
    pub member: MemberName,
    pub full_name: Option<String>,
    pub email: Option<String>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub status: MatchStatus,
    pub decided_by: DecidedBy,
    pub rule: Option<String>,
    pub company: Option<CompanyName>,
    pub person_external_id: Option<String>,
    /// Since when the match stands; `None` for a member who was never matched.
    pub decided_at: Option<DateTime<Utc>>,
    /// What each rule came to, as of now.
    pub explanation: Explanation,
    /// The companies that are spoken of, candidates first.
    pub names: Vec<CompanyName>,
    /// What an admin said of the member.
    pub said: Option<SaidView>,
    /// Set for a member who has left their company.
    pub left: Option<LeftView>,
    /// What an admin said of a member whom rules would have leave.
    pub stays: Option<SaidView>,
    /// The latest first.
    pub formerly_left: Vec<FormerlyLeftView>,
    /// The latest first.
    pub history: Vec<FormerView>,
}

/// What somebody said of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidView {
    pub reason: String,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// That a member has left their company: why, who said so, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftView {
    pub because: LeftBecause,
    pub said: SaidView,
}

/// A time at which a member had left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerlyLeftView {
    pub left: LeftView,
    pub until: DateTime<Utc>,
}

/// What an admin says of a member's leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaidOfLeaving {
    /// They have left, with how that is known.
    Left { reason: String },
    /// They count again, whatever the rules say.
    Back,
    /// Nothing: the rules decide.
    Nothing,
}

/// A match that stood once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerView {
    pub status: MatchStatus,
    pub decided_by: DecidedBy,
    pub rule: Option<String>,
    pub rule_version: u32,
    pub company: Option<CompanyName>,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// What an admin says of a member's company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// They belong to this company.
    Company { external_id: String, reason: String },
    /// They belong to none.
    NoCompany { reason: String },
    /// Nothing: the rules decide.
    Nothing,
}

/// Members of a page of users without a company.
pub const USERS_PAGE_ROWS: u32 = 25;

/// Users without a company.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsersView {
    pub as_of: DateTime<Utc>,
    pub head: HeadView,
    /// How many of each cause, whatever the filter; only those that there are.
    pub causes: Vec<(WhyNot, u64)>,
    /// What they have in common, largest first, within the filter.
    pub groups: Vec<GroupView>,
    /// The rules in use, for the heads of the table.
    pub rules: RuleSet,
    pub rows: Vec<UserRow>,
    /// How many there are within the filter; the rows are one page of them.
    pub total: u64,
    /// Every tenant, for the choice of one.
    pub connections: Vec<ConnectionName>,
    /// Set while members are matched again.
    pub rematching: Option<Working>,
}

/// Users without a company for one cause, and with one domain where it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    pub cause: WhyNot,
    pub domain: Option<String>,
    pub members: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserRow {
    pub member: MemberName,
    pub email: Option<String>,
    pub cause: WhyNot,
    /// What each rule came to.
    pub rules: Vec<RuleOutcome>,
}
