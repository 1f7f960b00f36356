//! The rules that tie members to companies: tried on all stored members, applied, taken back. Commands and the console call
//! these.

use std::{collections::HashMap, ops::ControlFlow};

use domain::{
    ConnectionId, Stream,
    unification::{Preview, RuleSet},
};
use store::{By, DueMember, RuleChange, RuleVersion, RulesApplied, StoreError};
use unification::{Matcher, UnusableRuleSet};

use crate::installation::Installation;

/// Members in memory at once, and between two looks at whether to go on.
const MEMBERS_AT_ONCE: u32 = 5_000;

/// Why rules are not applied, or not tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    #[error("{0}")]
    Unusable(#[from] UnusableRuleSet),
    /// Somebody else has changed the rules since they were read.
    #[error("version {0} decides by now; another change came before this one, and nothing was overwritten")]
    Overtaken(i64),
    #[error("there is no version {0}")]
    NoSuchVersion(i64),
    #[error("it was stopped")]
    Cancelled,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The rules that decide; those that are shipped are brought in where there are none yet.
pub(crate) async fn active(installation: &Installation) -> Result<RuleVersion, StoreError> {
    let store = installation.store.as_ref();
    if store.revision().await?.rule_version == 0 {
        installation
            .unifier
            .bring_shipped_rules(store, installation.clock.as_ref())
            .await?;
    }
    let active = store.active_rules().await?;
    active.ok_or_else(|| StoreError::Corrupt("there is no rule set".to_owned()))
}

/// Whether rules can be used, with the lists of this installation.
pub(crate) fn check(installation: &Installation, rules: &RuleSet) -> Result<(), RulesError> {
    installation.unifier.builder(rules.clone())?;
    Ok(())
}

/// How many members there are to look at, for a bar.
pub(crate) async fn members(installation: &Installation) -> Result<u64, StoreError> {
    let mut members = 0;
    for connection in installation.store.connections().await? {
        members += installation
            .store
            .stored_count(connection.id, Stream::Users)
            .await?;
    }
    Ok(members)
}

/// What other rules would change, over all members that count. Nothing is written. After each part `progress` is told how
/// many members were looked at, and may end the work.
pub(crate) async fn preview(
    installation: &Installation,
    rules: &RuleSet,
    progress: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
) -> Result<Preview, RulesError> {
    check(installation, rules)?;
    let store = installation.store.as_ref();
    let clock = installation.clock.as_ref();
    let matcher = installation
        .unifier
        .with_rules(store, clock, rules.clone())
        .await?;
    let mut preview = Preview::default();
    let mut looked_at = 0;
    for connection in store.connections().await? {
        let mut members = page(installation, connection.id, None).await?;
        while let Some(last) = members.last() {
            let after = last.member.community_user_id.as_str();
            // The next page is asked for before this one is worked on, which takes the thread.
            let (next, added) = tokio::join!(
                biased;
                page(installation, connection.id, Some(after)),
                add(installation, &mut preview, &matcher, &members),
            );
            added?;
            looked_at += members.len() as u64;
            if progress(looked_at).is_break() {
                return Err(RulesError::Cancelled);
            }
            members = next?;
        }
    }
    Ok(preview)
}

async fn page(
    installation: &Installation,
    connection: ConnectionId,
    after: Option<&str>,
) -> Result<Vec<DueMember>, StoreError> {
    installation
        .store
        .members_matched(connection, after, MEMBERS_AT_ONCE)
        .await
}

async fn add(
    installation: &Installation,
    preview: &mut Preview,
    matcher: &Matcher,
    members: &[DueMember],
) -> Result<(), StoreError> {
    let unifier = &installation.unifier;
    let leaving = unifier
        .leaving(installation.store.as_ref(), matcher, members)
        .await?;
    let outcomes = unifier.outcomes(matcher, members);
    let leaving: HashMap<&str, bool> = leaving
        .iter()
        .map(|of| (of.community_user_id.as_str(), of.left.is_some()))
        .collect();
    for (due, after) in members.iter().zip(outcomes).filter(|(due, _)| !due.deleted) {
        let before = due.before.clone().unwrap_or_default();
        // One who has left stays so unless the rules say otherwise.
        let has_left = due.left.is_some();
        let will_have_left = leaving
            .get(due.member.community_user_id.as_str())
            .copied()
            .unwrap_or(has_left);
        match (has_left, will_have_left) {
            (false, false) => preview.add(&due.member, &before, &after),
            (false, true) => preview.add_leaving(&before),
            (true, false) => preview.add_coming_back(&after),
            (true, true) => {}
        }
    }
    Ok(())
}

/// Lets rules decide from now on, if the version that they were made from still does. Then all members are due.
pub(crate) async fn apply(
    installation: &Installation,
    base: i64,
    rules: &RuleSet,
    change: &RuleChange,
    by: &By,
) -> Result<i64, RulesError> {
    check(installation, rules)?;
    let applied = installation
        .store
        .apply_rules(base, rules, change, Some(by))
        .await?;
    taken(applied, base)
}

/// Lets an earlier version decide again. Then all members are due.
pub(crate) async fn return_to(
    installation: &Installation,
    base: i64,
    version: i64,
    change: &RuleChange,
    by: &By,
) -> Result<i64, RulesError> {
    let applied = installation
        .store
        .return_to_rules(base, version, change, by)
        .await?;
    taken(applied, version)
}

fn taken(applied: RulesApplied, asked: i64) -> Result<i64, RulesError> {
    match applied {
        RulesApplied::Yes(version) => Ok(version),
        RulesApplied::Overtaken(active) => Err(RulesError::Overtaken(active)),
        RulesApplied::NoSuchVersion => Err(RulesError::NoSuchVersion(asked)),
    }
}
