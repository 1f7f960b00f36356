//! What the Unification pages show.

use chrono::{DateTime, Utc};
use domain::{
    MatchCounts, Owner,
    unification::{
        CauseGroup, DecidedBy, Explanation, LeftBecause, MatchStatus, RuleOutcome, RuleSet, WhyNot,
    },
};
use serde::{Deserialize, Serialize};

use super::place::UsersFilter;
use crate::activity::view::ConnectionName;

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
    /// Those whom an admin unlinked by hand are not among them.
    pub without_company: u64,
    /// Users whose company was said by hand.
    pub by_hand: u64,
    pub tickets: u64,
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
    /// The reason that was given for it.
    pub reason: Option<String>,
    /// What it did to users, such as `312 gained, 4 moved`; `None` if that was not tried before.
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
    /// The number of the newest ticket that holds the member, for as long as they have had no company since.
    pub ticket: Option<i64>,
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
    /// How many of each cause, whatever cause the filter names; only those that there are.
    pub causes: Vec<(WhyNot, u64)>,
    /// What they have in common, largest first, within the filter.
    pub groups: Vec<CauseGroup>,
    /// There are more groups than these.
    pub more_groups: bool,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserRow {
    pub member: MemberName,
    pub email: Option<String>,
    pub cause: WhyNot,
    /// The number of the newest ticket that holds the user, for as long as they have had no company since.
    pub ticket: Option<i64>,
    /// What each rule came to.
    pub rules: Vec<RuleOutcome>,
}

/// Users who are chosen for one ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub filter: UsersFilter,
    /// Of those of the filter, none but these, by tenant and id; all of them if `None`.
    pub only: Option<Vec<(String, String)>>,
}

/// A ticket as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    pub number: i64,
    pub by: String,
    pub at: DateTime<Utc>,
    pub rule_version: u32,
    /// Which users were chosen, in words.
    pub selection: String,
    pub users: u64,
    /// Those of them who have had no company ever since.
    pub open: u64,
}

/// Tickets of a page of the list.
pub const TICKETS_PAGE_ROWS: u32 = 25;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketsView {
    pub as_of: DateTime<Utc>,
    pub head: HeadView,
    /// The newest first.
    pub rows: Vec<TicketRow>,
    pub total: u64,
    /// From 1.
    pub page: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketView {
    pub as_of: DateTime<Utc>,
    pub ticket: TicketRow,
    /// What its users had in common, the largest first.
    pub groups: Vec<CauseGroup>,
    /// One page of them.
    pub rows: Vec<TicketUser>,
    /// From 1.
    pub page: u32,
    /// The document, in Markdown.
    pub document: String,
    /// Opens a mail with the causes, and with the address of the page.
    pub mail_link: String,
    /// The host of the webhook, if the operator has named one.
    pub webhook: Option<String>,
    /// Whether it was posted, the latest first.
    pub posts: Vec<PostView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketUser {
    pub member: MemberName,
    pub email: Option<String>,
    /// As it was then.
    pub cause: WhyNot,
    pub domain: Option<String>,
    /// The user has had no company ever since.
    pub open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostView {
    pub by: String,
    pub at: DateTime<Utc>,
    /// Of the answer; `None` if none came.
    pub status: Option<u16>,
    /// Why it was not taken; `None` if it was.
    pub failure: Option<PostFailureView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostFailureView {
    pub cause: String,
    pub owner: Owner,
    pub next_action: String,
}

/// Users of a page of those whose company was said by hand.
pub const LINKS_PAGE_ROWS: u32 = 25;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinksView {
    pub as_of: DateTime<Utc>,
    pub head: HeadView,
    /// The latest first.
    pub rows: Vec<LinkRow>,
    pub total: u64,
    /// From 1.
    pub page: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRow {
    pub member: MemberName,
    pub email: Option<String>,
    /// `None` for a user who belongs to none, as was said.
    pub company: Option<CompanyName>,
    pub said: SaidView,
}
