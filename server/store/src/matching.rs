use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, MatchCounts,
    unification::{self, LeftBecause, Match, Member, PartyChanges, RuleSet},
};

use crate::{By, Fenced, Lease, StoreError};

/// What matches depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Grows with every change of companies, persons or rules.
    pub number: i64,
    /// The rule set that decides; 0 until there is one.
    pub rule_version: i64,
}

/// What an admin said of a member: they belong to this company, or to none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub company_external_id: Option<String>,
    pub person_external_id: Option<String>,
    pub reason: String,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// A member to be matched.
#[derive(Clone, Debug)]
pub struct DueMember {
    pub member: Member,
    /// How often the member was marked when this was read; `None` for one who is not.
    pub marks: Option<i64>,
    /// `None` for a member who was never matched.
    pub before: Option<Match>,
    pub link: Option<Link>,
    /// Neither deleted nor left.
    pub counts: bool,
    /// In the community.
    pub deleted: bool,
    /// Set for a member who has left their company.
    pub left: Option<unification::Left>,
    /// An admin said that they are still with their company, whatever the rules say.
    pub stays: bool,
}

impl AsRef<Member> for DueMember {
    fn as_ref(&self) -> &Member {
        &self.member
    }
}

/// Some of a connection's members who are to be matched, in the order of their ids.
#[derive(Clone, Debug)]
pub struct DuePage {
    pub members: Vec<DueMember>,
    /// Of a pass over all members. `None` if these members were marked.
    pub pass: Option<PassPage>,
}

/// Where in a pass over all members a page of them is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassPage {
    /// The last member before it.
    pub after: String,
    /// How often marked members had been matched since the pass became due, when this was asked: before the page was read. What
    /// the page says is outdated once others have been, who may be among its members.
    pub marks_taken: i64,
}

/// What became of a member.
#[derive(Clone, Debug)]
pub struct NewMatch {
    pub community_user_id: String,
    pub outcome: Match,
}

/// What the rules say of whether a member has left, where that is not as before. What an admin said stands above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    pub community_user_id: String,
    /// `None` for a member who is back.
    pub left: Option<unification::Left>,
}

/// The matches of a page.
#[derive(Clone, Debug)]
pub struct MatchCommit {
    pub connection_id: ConnectionId,
    /// The page as it was read.
    pub page: DuePage,
    /// Of those only that are not as before.
    pub changed: Vec<NewMatch>,
    /// Of those only whom the rules have leave, or come back.
    pub leaving: Vec<Leaving>,
    /// What they were decided by.
    pub revision: Revision,
    pub at: DateTime<Utc>,
}

/// How far a sweep is: a look at all members of a connection for those whom changes of companies and persons touch, who are
/// marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The changes are those after this revision.
    pub since: i64,
    /// Members up to this one are done.
    pub after: String,
}

/// What a step of a sweep found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swept {
    Members {
        /// In the order of their ids.
        touched: Vec<String>,
        /// The last one that was looked at; `None` if none is left.
        up_to: Option<String>,
        looked_at: u64,
    },
    /// It cannot be told who is touched: all members are due.
    Anyone,
}

#[derive(Clone, Debug)]
pub struct SweepStep {
    pub connection_id: ConnectionId,
    /// The sweep as it was read.
    pub sweep: Sweep,
    /// As of which the changes were read.
    pub revision: i64,
    pub found: Swept,
}

/// Whether matches were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchesWritten {
    /// With whether the run was asked to stop meanwhile.
    Yes { stop_requested: bool },
    /// Companies, persons or rules have changed since, or somebody else was quicker: nothing was written.
    Outdated,
}

/// A connection with members who are to be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchingDue {
    pub connection_id: ConnectionId,
    /// Members of a pass over all who are done; `None` if no pass is due.
    pub pass_done: Option<u64>,
    /// Members whom a sweep has looked at; `None` if none is due.
    pub sweep_done: Option<u64>,
    /// Members who are marked.
    pub marked: u64,
    /// A run of the connection is under way, which matches them at its end.
    pub run_under_way: bool,
}

/// A former match, with the time until which it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerMatch {
    pub stored: StoredMatch,
    pub until: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMatch {
    pub outcome: Match,
    /// The rule set that decided first as it is.
    pub rule_version: i64,
    pub decided_at: DateTime<Utc>,
}

/// A member who has left their company, and counts no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub because: LeftBecause,
    pub reason: String,
    pub by: String,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// That a member is still with their company, as an admin said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stays {
    pub reason: String,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// A time at which a member had left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerlyLeft {
    pub left: Left,
    /// When they came back, or that was said of them.
    pub until: DateTime<Utc>,
}

/// All that is known of a member's tie.
#[derive(Clone, Debug)]
pub struct MemberTie {
    pub due: DueMember,
    /// `None` for a member who was never matched.
    pub stored: Option<StoredMatch>,
    pub left: Option<Left>,
    pub stays: Option<Stays>,
    /// The last one first.
    pub formerly_left: Vec<FormerlyLeft>,
    pub deleted_at: Option<DateTime<Utc>>,
    /// The last one first.
    pub history: Vec<FormerMatch>,
}

/// Members' ties to companies.
///
/// Every write of what rules compare of a member marks the member, in the transaction of the write; every change of rules
/// makes all members due, and one of companies or persons a sweep, or all members where it is a change of many.
#[async_trait]
pub trait MatchStore: Send + Sync {
    async fn revision(&self) -> Result<Revision, StoreError>;

    /// Some members who are to be matched: those that are marked first, then those of a pass over all. `None` if nobody is.
    async fn members_due(&self, connection: ConnectionId, limit: u32) -> Result<Option<DuePage>, StoreError>;

    /// Members who are marked, in the order of ids, after the given one.
    async fn members_marked(
        &self,
        connection: ConnectionId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<DueMember>, StoreError>;

    /// Writes the matches of a page, keeps the former ones as history, and takes away the marks that the page was read with,
    /// in one transaction. What was decided by an older revision is written only if a pass over all is yet to reach it, or a
    /// sweep for all that has changed since.
    async fn write_matches(
        &self,
        lease: Option<&Lease>,
        commit: MatchCommit,
    ) -> Result<MatchesWritten, Fenced>;

    /// `None` if no sweep is due.
    async fn sweep_due(&self, connection: ConnectionId) -> Result<Option<Sweep>, StoreError>;

    /// What has changed of companies and persons since a revision from which a sweep is due.
    async fn parties_changed(&self, since: i64) -> Result<PartyChanges, StoreError>;

    /// Members of a connection as rules compare them, but for their roles; in the order of ids, after the given one.
    async fn members_to_sweep(
        &self,
        connection: ConnectionId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError>;

    /// Marks whom a step of a sweep has found, and moves the sweep on, in one transaction. Nothing is written if companies,
    /// persons or rules have changed since, or somebody else was quicker.
    async fn write_sweep(&self, lease: Option<&Lease>, step: &SweepStep) -> Result<MatchesWritten, Fenced>;

    /// Connections with members who are to be matched.
    async fn matching_due(&self) -> Result<Vec<MatchingDue>, StoreError>;

    /// `None` if there is no such member.
    async fn member_tie(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        history: u32,
    ) -> Result<Option<MemberTie>, StoreError>;

    /// Keeps what an admin said of a member, or forgets it, so that rules decide again; the member is due. False if there is no
    /// such member.
    async fn set_link(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        link: Option<&Link>,
        by: &By,
    ) -> Result<bool, StoreError>;

    /// Keeps that a member has left, as an admin said, or forgets it at that time, so that rules decide again; the member is
    /// due. False if there is no such member.
    async fn set_left(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        left: Option<&Left>,
        by: &By,
    ) -> Result<bool, StoreError>;

    /// Keeps that a member is still with their company, as an admin said, or forgets it, so that rules decide again; the member
    /// is due. False if there is no such member.
    async fn set_stays(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        stays: Option<&Stays>,
        by: &By,
    ) -> Result<bool, StoreError>;

    /// How a connection's members stand to companies; deleted members and those who have left are not counted.
    async fn match_counts(&self, connection: ConnectionId) -> Result<MatchCounts, StoreError>;

    /// Members of a connection with their matches, in the order of ids, after the given one; deleted members, too.
    async fn members_matched(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DueMember>, StoreError>;
}

/// A rule set that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVersion {
    pub version: i64,
    pub rules: RuleSet,
}

/// When a rule set began to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleUse {
    pub version: i64,
    pub by: String,
    pub at: DateTime<Utc>,
    /// The reason that was given.
    pub why: Option<String>,
    /// What it did to members, such as `312 gained, 4 moved`, if that was known.
    pub effect: Option<String>,
}

/// Whether a change of the rules was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesApplied {
    /// With the version that decides now.
    Yes(i64),
    /// Another change came before it: this version decides, and nothing was written.
    Overtaken(i64),
    NoSuchVersion,
}

/// The rules, by version.
#[async_trait]
pub trait RuleStore: Send + Sync {
    /// The rule set that decides; `None` until there is one.
    async fn active_rules(&self) -> Result<Option<RuleVersion>, StoreError>;

    async fn rules_of(&self, version: i64) -> Result<Option<RuleVersion>, StoreError>;

    /// Adds a rule set and lets it decide from now on, if `base` still does; all members are due. `base` is 0 where there is
    /// none yet. Rules that come with a new installation are nobody's deed.
    async fn apply_rules(
        &self,
        base: i64,
        rules: &RuleSet,
        used: &RuleChange,
        by: Option<&By>,
    ) -> Result<RulesApplied, StoreError>;

    /// Lets an earlier rule set decide again, if `base` still does; all members are due.
    async fn return_to_rules(
        &self,
        base: i64,
        version: i64,
        used: &RuleChange,
        by: &By,
    ) -> Result<RulesApplied, StoreError>;

    /// Which rule set decided since when, the last one first.
    async fn rule_history(&self, limit: u32) -> Result<Vec<RuleUse>, StoreError>;
}

/// Who changed the rules, and why.
#[derive(Clone, Debug)]
pub struct RuleChange {
    pub by: String,
    pub at: DateTime<Utc>,
    /// The reason that is given.
    pub why: Option<String>,
    /// What it does to members, if that was tried before.
    pub effect: Option<String>,
}
