//! What is known of companies and rules, and kept from one change to the next.

use domain::unification::{Company, MatchStatus, Member, RuleSet};
use store::{By, CompanyStore as _, Deed, ImportMode, RuleChange, RuleStore as _, RulesApplied};
use store_sqlite::SqliteStore;
use sync::{Clock as _, Unifier};
use tempfile::TempDir;

use crate::community::StillClock;

async fn store() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("tributary.db")).await;
    (store.expect("a store"), folder)
}

fn company(name: &str) -> Company {
    Company {
        external_id: name.to_owned(),
        name: name.to_owned(),
        domains: vec![format!("{name}.example")],
        parent_external_id: None,
    }
}

fn member_of(name: &str) -> Member {
    Member {
        community_user_id: "1".to_owned(),
        username: "ada".to_owned(),
        email: Some(format!("ada@{name}.example")),
        ..Member::default()
    }
}

fn by() -> By {
    By::operator(StillClock.now())
}

async fn import(store: &SqliteStore, name: &str) {
    store
        .import_companies(
            &[company(name)],
            ImportMode::Write,
            Deed::CompaniesImported,
            &by(),
        )
        .await
        .expect("an import");
}

fn change() -> RuleChange {
    RuleChange {
        by: "admin@example.com".to_owned(),
        at: StillClock.now(),
        why: None,
        effect: None,
    }
}

async fn apply(store: &SqliteStore, base: i64, rules: &RuleSet) {
    let applied = store.apply_rules(base, rules, &change(), None).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(base + 1));
}

async fn go_to(store: &SqliteStore, base: i64, version: i64) {
    let applied = store.return_to_rules(base, version, &change(), &by()).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(version));
}

async fn company_of(unifier: &Unifier, store: &SqliteStore, member: &Member) -> Option<String> {
    let known = unifier.known(store, &StillClock).await.expect("an index");
    known.matcher.match_one(member).company_external_id
}

/// No rule is on.
fn off() -> RuleSet {
    let mut rules = RuleSet::shipped();
    for rule in &mut rules.rules {
        rule.active = false;
    }
    rules
}

#[tokio::test]
async fn a_change_of_rules_alone_decides_at_once() {
    let (store, _folder) = store().await;
    let unifier = Unifier::default();
    import(&store, "acme").await;
    let member = member_of("acme");
    assert_eq!(
        company_of(&unifier, &store, &member).await.as_deref(),
        Some("acme")
    );
    apply(&store, 1, &off()).await;
    assert_eq!(company_of(&unifier, &store, &member).await, None);
    go_to(&store, 2, 1).await;
    assert_eq!(
        company_of(&unifier, &store, &member).await.as_deref(),
        Some("acme")
    );
}

/// The version moves on by as much as the revision does, though companies have changed in between.
#[tokio::test]
async fn a_company_that_came_with_other_rules_is_known() {
    let (store, _folder) = store().await;
    let unifier = Unifier::default();
    import(&store, "acme").await;
    assert_eq!(company_of(&unifier, &store, &member_of("hooli")).await, None);
    apply(&store, 1, &off()).await;
    apply(&store, 2, &RuleSet::shipped()).await;
    go_to(&store, 3, 1).await;
    assert_eq!(company_of(&unifier, &store, &member_of("hooli")).await, None);

    import(&store, "hooli").await;
    go_to(&store, 1, 3).await;
    let company = company_of(&unifier, &store, &member_of("hooli")).await;
    assert_eq!(company.as_deref(), Some("hooli"));
}

#[tokio::test]
async fn a_draft_is_tried_on_the_companies_of_now() {
    let (store, _folder) = store().await;
    let unifier = Unifier::default();
    import(&store, "acme").await;
    assert_eq!(company_of(&unifier, &store, &member_of("hooli")).await, None);
    import(&store, "hooli").await;
    let draft = unifier.with_rules(&store, &StillClock, RuleSet::shipped()).await;
    let tried = draft.expect("a matcher").match_one(&member_of("hooli"));
    assert_eq!(tried.status, MatchStatus::Matched);
    let draft = unifier.with_rules(&store, &StillClock, off()).await;
    let tried = draft.expect("a matcher").match_one(&member_of("hooli"));
    assert_eq!(tried.status, MatchStatus::Unmatched);
    // Nothing of a draft decides.
    let company = company_of(&unifier, &store, &member_of("hooli")).await;
    assert_eq!(company.as_deref(), Some("hooli"));
}
