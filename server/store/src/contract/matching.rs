use domain::{
    ConnectionId, MatchCounts, Object, Owner, Stream,
    record::{Record, User},
    unification::{
        Candidate, CauseGroup, Company, DecidedBy, LeftBecause, Match, MatchStatus, Member, RuleSet, WhyNot,
    },
};
use serde_json::{Value, json};

use super::{
    accounts::operator,
    export::exported,
    fixtures::{Started, assert_lost, at, claim, connection_id, page_of, started},
    sweeps::end_sweep,
};
use crate::{
    Deed, Deletion, DuePage, FailedFilter, ImportMode, Lease, Left, Link, MatchCommit, MatchesWritten,
    MemberTie, NewMatch, NewTicket, PostFailure, Revision, RuleChange, RulesApplied, Store, TicketPost,
};

const WRITTEN: MatchesWritten = MatchesWritten::Yes {
    stop_requested: false,
};

fn user(id: &str, email: &str) -> Record {
    Record::User(Box::new(User {
        community_user_id: id.to_owned(),
        username: format!("user {id}"),
        email: Some(email.to_owned()),
        roles: vec!["member".to_owned()],
        ..User::default()
    }))
}

async fn bring(store: &dyn Store, started: &Started, records: Vec<Record>) {
    let commit = page_of(started.connection, Stream::Users, records);
    store.commit_page(&started.lease, &commit).await.expect("a page");
}

fn change(seconds: i64) -> RuleChange {
    RuleChange {
        by: "admin@example.com".to_owned(),
        at: at(seconds),
        why: Some("\"because\" ✓".to_owned()),
        effect: Some("2 gained".to_owned()),
    }
}

/// A connection with two members, and the shipped rules.
async fn with_members(store: &dyn Store) -> Started {
    let started = started(store, 1).await;
    let applied = store.apply_rules(0, &RuleSet::shipped(), &change(0), None).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(1));
    bring(
        store,
        &started,
        vec![user("1", "a@acme.example"), user("2", "b@other.example")],
    )
    .await;
    started
}

async fn due(store: &dyn Store, connection: ConnectionId) -> Option<DuePage> {
    store.members_due(connection, 10).await.expect("an answer")
}

fn ids(page: &DuePage) -> Vec<&str> {
    page.members
        .iter()
        .map(|due| due.member.community_user_id.as_str())
        .collect()
}

fn matched(company: &str) -> Match {
    Match {
        status: MatchStatus::Matched,
        decided_by: DecidedBy::Rule,
        rule: Some("email-to-person".to_owned()),
        person_external_id: Some("P-1".to_owned()),
        company_external_id: Some(company.to_owned()),
        values: vec!["a@acme.example".to_owned()],
        domain: Some("acme.example".to_owned()),
        ..Match::default()
    }
}

fn ambiguous() -> Match {
    let candidate = |company: &str| Candidate {
        company_external_id: Some(company.to_owned()),
        person_external_id: None,
    };
    Match {
        status: MatchStatus::Ambiguous,
        decided_by: DecidedBy::Rule,
        rule: Some("email-domain-to-company".to_owned()),
        values: vec!["other.example".to_owned()],
        candidates: vec![candidate("C-1"), candidate("C-\"2\"")],
        why_not: Some(WhyNot::Ambiguous),
        domain: Some("other.example".to_owned()),
        ..Match::default()
    }
}

async fn revision(store: &dyn Store) -> Revision {
    store.revision().await.expect("a revision")
}

/// The same outcome for each member of a page.
fn commit_of(page: DuePage, revision: Revision, outcomes: &[(&str, Match)], seconds: i64) -> MatchCommit {
    MatchCommit {
        connection_id: connection_id(1),
        page,
        changed: outcomes
            .iter()
            .map(|(id, outcome)| NewMatch {
                community_user_id: (*id).to_owned(),
                outcome: outcome.clone(),
            })
            .collect(),
        leaving: Vec::new(),
        revision,
        at: at(seconds),
    }
}

async fn write(store: &dyn Store, lease: Option<&Lease>, commit: &MatchCommit) -> MatchesWritten {
    store
        .write_matches(lease, commit.clone())
        .await
        .expect("an answer")
}

/// Everything that is due, as these outcomes.
async fn settle(store: &dyn Store, outcomes: &[(&str, Match)], seconds: i64) {
    let mut outcomes = outcomes;
    while let Some(page) = due(store, connection_id(1)).await {
        let commit = commit_of(page, revision(store).await, outcomes, seconds);
        assert_eq!(write(store, None, &commit).await, WRITTEN);
        outcomes = &[];
    }
}

pub async fn a_member_is_due_until_matched_and_again_when_changed(store: &dyn Store) {
    let started = with_members(store).await;
    let page = due(store, started.connection).await.expect("two members");
    assert_eq!(ids(&page), ["1", "2"]);
    let first = &page.members[0];
    assert_eq!(first.member.tenant_id, "tenant-1");
    assert_eq!(first.member.email.as_deref(), Some("a@acme.example"));
    assert_eq!(first.member.roles, ["member"]);
    assert_eq!((first.marks, &first.before, &first.link), (Some(1), &None, &None));

    let outcomes = [("1", matched("C-1")), ("2", ambiguous())];
    settle(store, &outcomes, 5).await;
    let all = store
        .members_matched(started.connection, None, 10)
        .await
        .expect("members");
    let before: Vec<_> = all.iter().filter_map(|due| due.before.clone()).collect();
    assert_eq!(before, [matched("C-1"), ambiguous()], "as they were written");

    // What rules do not compare is no reason to match a member anew.
    let Record::User(mut same) = user("1", "a@acme.example") else {
        return;
    };
    same.posts = 12;
    bring(store, &started, vec![Record::User(same)]).await;
    assert!(due(store, started.connection).await.is_none());

    bring(store, &started, vec![user("2", "b@new.example")]).await;
    let page = due(store, started.connection).await.expect("the changed one");
    assert_eq!(ids(&page), ["2"]);
    assert_eq!(page.members[0].before, Some(ambiguous()));
}

/// Whoever was there before there were rules is marked by coming, so that no pass has to look at them again.
pub async fn the_first_rules_decide_of_members_who_are_marked(store: &dyn Store) {
    let started = started(store, 1).await;
    bring(store, &started, vec![user("1", "a@acme.example")]).await;
    let applied = store.apply_rules(0, &RuleSet::shipped(), &change(0), None).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(1));
    let all = store.matching_due().await.expect("what is due");
    assert_eq!((all.len(), all[0].pass_done, all[0].marked), (1, None, 1));
    settle(store, &[("1", matched("C-1"))], 5).await;
    let stored = tie(store, "1").await.and_then(|tie| tie.stored).expect("a match");
    assert_eq!((stored.outcome, stored.rule_version), (matched("C-1"), 1));
}

pub async fn marked_members_are_read_after_one_another(store: &dyn Store) {
    let started = with_members(store).await;
    for (after, limit, expected) in [
        ("", 10, vec!["1", "2"]),
        ("", 1, vec!["1"]),
        ("1", 10, vec!["2"]),
        ("2", 10, vec![]),
    ] {
        let marked = store.members_marked(started.connection, after, limit).await;
        let members = marked.expect("marked members");
        let page = DuePage { members, pass: None };
        assert_eq!(ids(&page), expected, "after {after:?}, at most {limit}");
    }
}

/// Whatever is written in it, and whichever way they are read.
pub async fn a_member_is_matched_by_what_is_stored(store: &dyn Store) {
    let started = with_members(store).await;
    let odd = "\"quoted\" \\ back, \u{1}\t\n, \u{2028} null, ['Łódź', 東京, 🦀]";
    let stored = User {
        community_user_id: "3".to_owned(),
        username: odd.to_owned(),
        email: Some(format!("{odd}@acme.example")),
        first_name: Some(odd.to_owned()),
        last_name: Some(String::new()),
        phone: Some("0".to_owned()),
        company_custom: Some("null".to_owned()),
        sso_id: None,
        roles: vec![odd.to_owned(), String::new()],
        ..User::default()
    };
    bring(store, &started, vec![Record::User(Box::new(stored.clone()))]).await;
    let outcome = Match {
        values: vec![odd.to_owned()],
        domain: Some(odd.to_owned()),
        ..matched("C-\"1\"")
    };
    let marked = store.members_marked(started.connection, "2", 10).await;
    let marked = marked.expect("marked members");
    settle(store, &[("3", outcome.clone())], 5).await;
    let all = store.members_matched(started.connection, Some("2"), 10).await;
    let all = all.expect("members");
    assert_eq!((marked.len(), all.len()), (1, 1));
    assert_eq!(
        all[0].member,
        Member {
            tenant_id: "tenant-1".to_owned(),
            community_user_id: stored.community_user_id,
            username: stored.username,
            email: stored.email,
            first_name: stored.first_name,
            last_name: stored.last_name,
            phone: stored.phone,
            company_custom: stored.company_custom,
            sso_id: stored.sso_id,
            roles: stored.roles,
        }
    );
    assert_eq!(marked[0].member, all[0].member);
    assert_eq!(all[0].before.as_ref(), Some(&outcome));
    let tie = tie(store, "3").await.expect("a member");
    assert_eq!(
        (&tie.due.member, &tie.due.before),
        (&all[0].member, &all[0].before)
    );
}

pub async fn a_mark_that_is_made_meanwhile_stays(store: &dyn Store) {
    let started = with_members(store).await;
    settle(store, &[], 5).await;
    bring(store, &started, vec![user("1", "a@first.example")]).await;
    let page = due(store, started.connection).await.expect("the changed one");
    bring(store, &started, vec![user("1", "a@second.example")]).await;
    let commit = commit_of(page, revision(store).await, &[("1", matched("C-1"))], 6);
    assert_eq!(write(store, None, &commit).await, WRITTEN);
    let page = due(store, started.connection).await.expect("it is due still");
    assert_eq!(page.members[0].member.email.as_deref(), Some("a@second.example"));
}

/// One page of the pass over all members, of one member or none, which is written once.
async fn step(store: &dyn Store, expected: &[&str], done: u64) {
    let all = store.matching_due().await.expect("what is due");
    assert_eq!((all.len(), all[0].pass_done, all[0].marked), (1, Some(done), 0));
    let page = store.members_due(connection_id(1), 1).await.expect("an answer");
    let page = page.expect("a page of the pass");
    assert_eq!((ids(&page).as_slice(), page.pass.is_some()), (expected, true));
    let commit = commit_of(page, revision(store).await, &[], 7);
    assert_eq!(write(store, None, &commit).await, WRITTEN);
    let again = write(store, None, &commit).await;
    assert_eq!(again, MatchesWritten::Outdated, "somebody else was quicker");
}

pub async fn a_change_of_rules_makes_all_members_due_page_by_page(store: &dyn Store) {
    let started = with_a_pass(store).await;
    step(store, &["1"], 0).await;
    step(store, &["2"], 1).await;
    step(store, &[], 2).await;
    assert!(due(store, started.connection).await.is_none());
    assert_eq!(store.matching_due().await.expect("nothing"), []);
}

/// Two members, all of whom are due since the rules have changed.
async fn with_a_pass(store: &dyn Store) -> Started {
    let started = with_members(store).await;
    settle(store, &[("1", matched("C-1"))], 5).await;
    let applied = store.apply_rules(1, &RuleSet::shipped(), &change(6), None).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(2));
    started
}

/// An admin says what member 1 is tied to, and that is matched at once.
async fn link_and_match(store: &dyn Store, by_hand: &Match) {
    assert!(set_link(store, "1", Some(&link())).await);
    let marked = due(store, connection_id(1)).await.expect("the linked one");
    assert_eq!((ids(&marked).as_slice(), &marked.pass), (["1"].as_slice(), &None));
    let commit = commit_of(marked, revision(store).await, &[("1", by_hand.clone())], 7);
    assert_eq!(write(store, None, &commit).await, WRITTEN);
}

/// What somebody else found of a member while the page that they are in was worked on is newer.
pub async fn a_page_of_a_pass_is_outdated_once_marked_members_were_matched(store: &dyn Store) {
    let started = with_a_pass(store).await;
    let read_before = due(store, started.connection).await.expect("a page");
    let by_hand = Match {
        decided_by: DecidedBy::Hand,
        ..matched("C-7")
    };
    link_and_match(store, &by_hand).await;
    let commit = commit_of(read_before, revision(store).await, &[("1", matched("C-2"))], 8);
    assert_eq!(write(store, None, &commit).await, MatchesWritten::Outdated);
    let read_again = due(store, started.connection).await.expect("the page again");
    assert_eq!(read_again.members[0].before, Some(by_hand));
    let commit = commit_of(read_again, revision(store).await, &[], 9);
    assert_eq!(write(store, None, &commit).await, WRITTEN);
}

/// Of the same company as `matched` says, by another rule.
fn by_another_rule(company: &str) -> Match {
    Match {
        rule: Some("sso-id-to-person".to_owned()),
        values: vec!["sso-1".to_owned()],
        ..matched(company)
    }
}

pub async fn a_match_by_another_rule_is_written_and_the_former_kept(store: &dyn Store) {
    with_a_pass(store).await;
    settle(store, &[("1", by_another_rule("C-1"))], 7).await;
    let tie = tie(store, "1").await.expect("a member");
    let stored = tie.stored.expect("a match");
    assert_eq!(
        (stored.outcome, stored.rule_version, stored.decided_at),
        (by_another_rule("C-1"), 2, at(7))
    );
    let former: Vec<_> = tie
        .history
        .iter()
        .map(|former| (&former.stored.outcome, former.until))
        .collect();
    assert_eq!(former, [(&matched("C-1"), at(7))]);
}

/// Several read the same member, and each of them writes something else.
pub async fn a_match_that_is_another_by_now_is_replaced_all_the_same(store: &dyn Store) {
    let started = with_members(store).await;
    settle(store, &[("1", matched("C-1"))], 5).await;
    bring(store, &started, vec![user("1", "a@new.example")]).await;
    let page = due(store, started.connection).await.expect("the changed one");
    let outcomes = [
        (matched("C-2"), 6),
        (by_another_rule("C-1"), 7),
        (ambiguous(), 8),
        (matched("C-3"), 9),
    ];
    for (outcome, seconds) in outcomes {
        let commit = commit_of(
            page.clone(),
            revision(store).await,
            &[("1", outcome.clone())],
            seconds,
        );
        assert_eq!(write(store, None, &commit).await, WRITTEN);
        let stored = tie(store, "1").await.and_then(|tie| tie.stored).expect("a match");
        assert_eq!(stored.outcome, outcome);
    }
}

pub async fn nothing_is_due_where_there_are_no_members(store: &dyn Store) {
    let started = started(store, 1).await;
    let applied = store.apply_rules(0, &RuleSet::shipped(), &change(0), None).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(1));
    let company = Company {
        external_id: "C-1".to_owned(),
        name: "One".to_owned(),
        ..Company::default()
    };
    let imported = store
        .import_companies(&[company], ImportMode::Write, Deed::CompanySaved, &operator(1))
        .await;
    assert_eq!(imported.expect("an import").new, 1);
    assert_eq!(store.matching_due().await.expect("nothing"), []);
    bring(store, &started, vec![user("1", "a@acme.example")]).await;
    let page = due(store, started.connection).await.expect("who has come since");
    assert_eq!(ids(&page), ["1"]);
}

pub async fn what_an_older_revision_decided_is_refused_unless_it_is_reached_again(store: &dyn Store) {
    let started = with_members(store).await;
    settle(store, &[], 5).await;
    let old = revision(store).await;
    bring(store, &started, vec![user("2", "b@new.example")]).await;
    let page = due(store, started.connection).await.expect("the changed one");
    let company = Company {
        external_id: "C-1".to_owned(),
        name: "One".to_owned(),
        ..Company::default()
    };
    let imported = store
        .import_companies(&[company], ImportMode::Write, Deed::CompanySaved, &operator(6))
        .await;
    assert_eq!(imported.expect("an import").new, 1);
    let commit = commit_of(page, old, &[("2", ambiguous())], 7);
    assert_eq!(
        write(store, None, &commit).await,
        WRITTEN,
        "the sweep comes to it"
    );
    end_sweep(store, started.connection).await;

    bring(store, &started, vec![user("1", "a@new.example")]).await;
    let page = due(store, started.connection).await.expect("the changed one");
    settle(store, &[], 8).await;
    let commit = commit_of(page, old, &[("1", ambiguous())], 9);
    assert_eq!(write(store, None, &commit).await, MatchesWritten::Outdated);
    let all = store
        .members_matched(started.connection, None, 10)
        .await
        .expect("members");
    assert_eq!(all[0].before, None);
}

pub async fn matches_of_a_run_are_refused_once_its_lease_is_lost(store: &dyn Store) {
    let started = with_members(store).await;
    let page = due(store, started.connection).await.expect("two members");
    let commit = commit_of(page.clone(), revision(store).await, &[("1", matched("C-1"))], 5);
    claim(store, 100).await.expect("the run, by another worker");
    assert_lost(store.write_matches(Some(&started.lease), commit).await);
    let again = due(store, started.connection).await.expect("nothing was written");
    assert_eq!(ids(&again), ids(&page));
    assert!(again.members.iter().all(|due| due.before.is_none()));
}

pub async fn matches_are_counted_without_deleted_members(store: &dyn Store) {
    let started = with_members(store).await;
    bring(
        store,
        &started,
        vec![user("3", "c@acme.example"), user("4", "d@acme.example")],
    )
    .await;
    let counts = store.match_counts(started.connection).await.expect("counts");
    let unmatched = |unmatched| MatchCounts {
        unmatched,
        ..MatchCounts::default()
    };
    assert_eq!(counts, unmatched(4), "who was never matched is unmatched");
    let outcomes = [("1", matched("C-1")), ("2", ambiguous()), ("3", matched("C-1"))];
    let page = due(store, started.connection).await.expect("all of them");
    let commit = commit_of(page, revision(store).await, &outcomes, 5);
    assert_eq!(write(store, Some(&started.lease), &commit).await, WRITTEN);
    bring(store, &started, vec![user("5", "e@acme.example")]).await;
    let deletion = Deletion {
        connection_id: started.connection,
        stream: Stream::Users,
        keys: vec!["3".to_owned(), "5".to_owned()],
        requests: 0,
        checkpoint: String::new(),
        at: at(6),
    };
    store
        .mark_deleted(&started.lease, &deletion)
        .await
        .expect("marked");
    let counts = store.match_counts(started.connection).await.expect("counts");
    let expected = MatchCounts {
        matched: 1,
        ambiguous: 1,
        ..MatchCounts::default()
    };
    assert_eq!(counts, expected);
}

pub async fn exports_tell_what_members_are_tied_to(store: &dyn Store) {
    let started = with_members(store).await;
    settle(store, &[("1", matched("C-1"))], 5).await;
    let users = exported(store, Object::Users, Some(started.connection), None, 1).await;
    let of = |row: usize| {
        [
            "match_status",
            "person_external_id",
            "company_external_id",
            "match_rule",
        ]
        .map(|name| users[row][name].clone())
    };
    assert_eq!(
        of(0),
        ["matched", "P-1", "C-1", "email-to-person"].map(Value::from)
    );
    assert_eq!(of(1), [json!("unmatched"), Value::Null, Value::Null, Value::Null]);
}

async fn apply(store: &dyn Store, base: i64, rules: &RuleSet, seconds: i64) -> RulesApplied {
    let by = operator(seconds);
    let applied = store.apply_rules(base, rules, &change(seconds), Some(&by)).await;
    applied.expect("an answer")
}

async fn active(store: &dyn Store) -> Option<(i64, RuleSet)> {
    let active = store.active_rules().await.expect("an answer");
    active.map(|active| (active.version, active.rules))
}

fn fewer_rules() -> RuleSet {
    let mut rules = RuleSet::shipped();
    rules.rules.truncate(2);
    rules
}

pub async fn of_two_changes_of_the_rules_the_second_is_told(store: &dyn Store) {
    started(store, 1).await;
    let (first, second) = (RuleSet::shipped(), fewer_rules());
    assert_eq!(active(store).await, None);
    assert_eq!(apply(store, 0, &first, 1).await, RulesApplied::Yes(1));
    assert_eq!(apply(store, 0, &second, 2).await, RulesApplied::Overtaken(1));
    assert_eq!(
        store.rules_of(2).await.expect("an answer"),
        None,
        "nothing was written"
    );
    assert_eq!(apply(store, 1, &second, 3).await, RulesApplied::Yes(2));
    assert_eq!(active(store).await, Some((2, second)));
    assert_eq!(revision(store).await.rule_version, 2);
}

pub async fn an_earlier_version_of_the_rules_decides_again(store: &dyn Store) {
    started(store, 1).await;
    let (first, second) = (RuleSet::shipped(), fewer_rules());
    apply(store, 0, &first, 1).await;
    apply(store, 1, &second, 3).await;
    let back = async |base, version| {
        let applied = store
            .return_to_rules(base, version, &change(4), &operator(4))
            .await;
        applied.expect("an answer")
    };
    assert_eq!(back(1, 1).await, RulesApplied::Overtaken(2));
    assert_eq!(back(2, 7).await, RulesApplied::NoSuchVersion);
    assert_eq!(back(2, 1).await, RulesApplied::Yes(1));
    assert_eq!(active(store).await, Some((1, first)));
    assert_eq!(
        apply(store, 1, &second, 5).await,
        RulesApplied::Yes(3),
        "no number comes again"
    );
    let uses = store.rule_history(10).await.expect("a history");
    let versions: Vec<_> = uses.iter().map(|used| used.version).collect();
    assert_eq!(versions, [3, 1, 2, 1]);
    assert_eq!(
        (&uses[0].by, uses[0].at, &uses[0].why, &uses[0].effect),
        (&change(5).by, at(5), &change(5).why, &change(5).effect)
    );
}

fn link() -> Link {
    Link {
        company_external_id: Some("C-7".to_owned()),
        person_external_id: None,
        reason: "They \"moved\" 🚚".to_owned(),
        by: "admin@example.com".to_owned(),
        at: at(6),
    }
}

async fn set_link(store: &dyn Store, id: &str, link: Option<&Link>) -> bool {
    store
        .set_link(connection_id(1), id, link, &operator(6))
        .await
        .expect("an answer")
}

async fn tie(store: &dyn Store, id: &str) -> Option<MemberTie> {
    store
        .member_tie(connection_id(1), id, 10)
        .await
        .expect("an answer")
}

pub async fn what_an_admin_says_of_a_member_is_kept(store: &dyn Store) {
    let started = with_members(store).await;
    settle(store, &[("1", matched("C-1"))], 5).await;
    let said = [
        set_link(store, "9", Some(&link())).await,
        set_link(store, "1", Some(&link())).await,
    ];
    assert_eq!((said, tie(store, "9").await.is_none()), ([false, true], true));
    let page = due(store, started.connection).await.expect("the linked one");
    assert_eq!((ids(&page), &page.members[0].link), (vec!["1"], &Some(link())));
    let by_hand = Match {
        decided_by: DecidedBy::Hand,
        ..matched("C-7")
    };
    settle(store, &[("1", by_hand.clone())], 7).await;

    let of = tie(store, "1").await.expect("a member");
    let stored = of.stored.expect("a match");
    assert_eq!(
        (stored.outcome, stored.rule_version, stored.decided_at),
        (by_hand, 1, at(7))
    );
    assert_eq!(of.history.len(), 1);
    assert_eq!(
        (&of.history[0].stored.outcome, of.history[0].until),
        (&matched("C-1"), at(7))
    );

    assert!(set_link(store, "1", None).await);
    settle(store, &[("1", matched("C-1"))], 8).await;
    let of = tie(store, "1").await.expect("a member");
    assert_eq!((of.due.link, of.history.len()), (None, 2));
}

pub async fn a_member_who_has_left_counts_no_more(store: &dyn Store) {
    let started = with_members(store).await;
    settle(store, &[("1", matched("C-1")), ("2", matched("C-1"))], 5).await;
    let left = Left {
        because: LeftBecause::ByHand,
        reason: "The address bounces".to_owned(),
        by: "admin@example.com".to_owned(),
        at: at(6),
    };
    let by = operator(11);
    let set = |id, left| store.set_left(started.connection, id, left, &by);
    assert!(!set("9", Some(&left)).await.expect("an answer"), "nobody");
    assert!(set("1", Some(&left)).await.expect("an answer"));
    let counted = async || {
        store
            .match_counts(started.connection)
            .await
            .expect("counts")
            .matched
    };
    assert_eq!(counted().await, 1);
    let again = Left {
        at: at(9),
        ..left.clone()
    };
    assert!(set("1", Some(&again)).await.expect("an answer"));
    let tie = store
        .member_tie(started.connection, "1", 10)
        .await
        .expect("an answer");
    let tie = tie.expect("a member");
    assert_eq!(
        (tie.left, tie.due.counts),
        (Some(left.clone()), false),
        "since the first time"
    );
    assert!(set("1", None).await.expect("an answer"));
    assert_eq!(counted().await, 2);
}

fn unmatched(domain: &str) -> Match {
    Match {
        why_not: Some(WhyNot::DomainUnknown),
        domain: Some(domain.to_owned()),
        ..Match::default()
    }
}

/// Two members of one unknown domain, one ambiguous, one matched.
async fn with_failed(store: &dyn Store) -> Started {
    let started = with_members(store).await;
    let more = vec![user("3", "c@acme.example"), user("4", "d@acme.example")];
    bring(store, &started, more).await;
    let outcomes = [
        ("1", unmatched("acme.example")),
        ("2", ambiguous()),
        ("3", unmatched("acme.example")),
        ("4", matched("C-1")),
    ];
    settle(store, &outcomes, 5).await;
    started
}

async fn failed(store: &dyn Store, filter: &FailedFilter) -> Vec<(String, Option<i64>)> {
    let found = store.failed_members(filter, 0, 10).await.expect("members");
    let count = store.failed_count(filter).await.expect("a count");
    assert_eq!(count, found.len() as u64);
    found
        .into_iter()
        .map(|failed| (failed.member.community_user_id, failed.ticket))
        .collect()
}

fn of_ids(ids: &[&str]) -> Vec<(String, Option<i64>)> {
    ids.iter().map(|id| ((*id).to_owned(), None)).collect()
}

pub async fn members_without_a_company_are_grouped_by_cause(store: &dyn Store) {
    with_failed(store).await;
    let all = FailedFilter::default();
    let groups = store.failed_groups(&all, 10).await.expect("groups");
    let group = |cause, domain: Option<&str>, members| CauseGroup {
        cause,
        domain: domain.map(str::to_owned),
        members,
    };
    let expected = [
        group(WhyNot::DomainUnknown, Some("acme.example"), 2),
        group(WhyNot::Ambiguous, Some("other.example"), 1),
    ];
    assert_eq!(groups, expected);
    let causes = store.failed_causes(&all).await.expect("causes");
    assert_eq!(causes, [(WhyNot::DomainUnknown, 2), (WhyNot::Ambiguous, 1)]);
    let of_one = FailedFilter {
        why: Some(WhyNot::Ambiguous),
        domain: Some("acme.example".to_owned()),
        ..FailedFilter::default()
    };
    let causes = store.failed_causes(&of_one).await.expect("causes");
    assert_eq!(causes, [(WhyNot::DomainUnknown, 2)], "of any cause");
    assert_eq!(failed(store, &all).await, of_ids(&["1", "2", "3"]));
}

pub async fn members_without_a_company_are_filtered(store: &dyn Store) {
    let started = with_failed(store).await;
    let all = FailedFilter::default();
    let narrowed = [
        (
            FailedFilter {
                why: Some(WhyNot::Ambiguous),
                ..all.clone()
            },
            &["2"][..],
        ),
        (
            FailedFilter {
                domain: Some("acme.example".to_owned()),
                ..all.clone()
            },
            &["1", "3"],
        ),
        (
            FailedFilter {
                rule: Some("email-domain-to-company".to_owned()),
                ..all.clone()
            },
            &["2"],
        ),
        (
            FailedFilter {
                connection: Some(started.connection),
                since: Some(at(5)),
                ..all.clone()
            },
            &["1", "2", "3"],
        ),
        (
            FailedFilter {
                connection: Some(connection_id(9)),
                ..all.clone()
            },
            &[],
        ),
        (
            FailedFilter {
                why: Some(WhyNot::UnlinkedByHand),
                ..all.clone()
            },
            &[],
        ),
        (
            only(&[("tenant-1", "3"), ("tenant-1", "4"), ("tenant-9", "1")]),
            &["3"],
        ),
        (only(&[]), &[]),
    ];
    for (filter, ids) in narrowed {
        assert_eq!(failed(store, &filter).await, of_ids(ids), "{filter:?}");
    }
    let found = store.failed_members(&all, 1, 1).await.expect("members");
    assert_eq!((found[0].outcome.candidates.len(), found[0].since), (2, at(5)));
    assert_eq!(found[0].member.roles, ["member"]);
}

fn only(members: &[(&str, &str)]) -> FailedFilter {
    let members = members.iter();
    FailedFilter {
        only: Some(
            members
                .map(|(tenant, id)| ((*tenant).to_owned(), (*id).to_owned()))
                .collect(),
        ),
        ..FailedFilter::default()
    }
}

fn ticket_of(domain: &str) -> NewTicket {
    NewTicket {
        filter: FailedFilter {
            domain: Some(domain.to_owned()),
            ..FailedFilter::default()
        },
        selection: "members of acme.example".to_owned(),
        by: "admin@example.com".to_owned(),
        at: at(6),
    }
}

pub async fn a_ticket_of_nobody_is_not_made(store: &dyn Store) {
    with_failed(store).await;
    let made = store
        .create_ticket(&ticket_of("nobody.example"), &operator(6))
        .await;
    assert_eq!(made.expect("an answer"), None);
    let none = store.tickets(0, 10).await.expect("tickets");
    assert!(none.rows.is_empty() && none.total == 0, "nothing was written");
}

pub async fn a_ticket_holds_its_members_until_they_match(store: &dyn Store) {
    let started = with_failed(store).await;
    let made = store
        .create_ticket(&ticket_of("acme.example"), &operator(6))
        .await;
    let ticket = made.expect("an answer").expect("a ticket");
    assert_eq!((ticket.members, ticket.open), (2, 2));
    assert_eq!((ticket.rule_version, ticket.at), (1, at(6)));
    let last = store.audit_after(0, 100).await.expect("entries").pop();
    let told = last.map(|entry| (entry.deed, entry.target));
    let target = format!("ticket T-{}", ticket.number);
    assert_eq!(told, Some(("ticket_created".to_owned(), Some(target))));
    let number = Some(ticket.number);
    let held = |one, three| {
        vec![
            ("1".to_owned(), one),
            ("2".to_owned(), None),
            ("3".to_owned(), three),
        ]
    };
    let all = FailedFilter::default();
    assert_eq!(failed(store, &all).await, held(number, number));
    for (outcome, seconds) in [(matched("C-1"), 7), (unmatched("acme.example"), 8)] {
        let changed = vec![user("1", &format!("a{seconds}@acme.example"))];
        bring(store, &started, changed).await;
        settle(store, &[("1", outcome)], seconds).await;
    }
    assert_eq!(
        failed(store, &all).await,
        held(None, number),
        "it matched meanwhile"
    );
    let members = store.ticket_members(ticket.number, 0, 10).await.expect("members");
    let told: Vec<_> = members.iter().map(|of| (of.outcome.why_not, of.ticket)).collect();
    let then = Some(WhyNot::DomainUnknown);
    assert_eq!(told, [(then, None), (then, number)]);
}

pub async fn tickets_are_listed_with_how_many_of_their_members_are_left(store: &dyn Store) {
    let started = with_failed(store).await;
    for domain in ["acme.example", "other.example"] {
        let made = store.create_ticket(&ticket_of(domain), &operator(6)).await;
        assert!(made.expect("an answer").is_some());
    }
    bring(store, &started, vec![user("1", "a7@acme.example")]).await;
    settle(store, &[("1", matched("C-1"))], 7).await;
    let found = store.tickets(0, 10).await.expect("tickets");
    let told: Vec<_> = found.rows.iter().map(|of| (of.members, of.open)).collect();
    assert_eq!((told, found.total), (vec![(1, 1), (2, 1)], 2), "the newest first");
    let second = store.tickets(1, 10).await.expect("tickets");
    assert_eq!((second.rows.len(), second.total), (1, 2));
}

pub async fn what_came_of_posting_a_ticket_is_kept(store: &dyn Store) {
    with_failed(store).await;
    let new = NewTicket {
        filter: only(&[("tenant-1", "2")]),
        selection: "1 chosen".to_owned(),
        by: "admin@example.com".to_owned(),
        at: at(6),
    };
    let ticket = store.create_ticket(&new, &operator(6)).await.expect("an answer");
    let number = ticket.expect("a ticket").number;
    let members = store.ticket_members(number, 0, 10).await.expect("members");
    let candidates: Vec<_> = members.iter().map(|of| of.outcome.candidates.len()).collect();
    assert_eq!(candidates, [2], "the ambiguous one with its candidates");
    let failed = TicketPost {
        by: "admin@example.com".to_owned(),
        at: at(7),
        status: Some(503),
        failure: Some(PostFailure {
            cause: "the receiver answered 503".to_owned(),
            owner: Owner::You,
            next_action: "Try again.".to_owned(),
        }),
    };
    let taken = TicketPost {
        at: at(8),
        status: Some(202),
        failure: None,
        ..failed.clone()
    };
    for post in [&failed, &taken] {
        store
            .keep_ticket_post(number, post, &operator(8))
            .await
            .expect("written");
    }
    assert_eq!(
        store.ticket_posts(number, 10).await.expect("posts"),
        [taken, failed]
    );
    assert_eq!(store.ticket_posts(number + 1, 10).await.expect("posts"), []);
    let nobody = TicketPost {
        status: None,
        ..store.ticket_posts(number, 1).await.expect("posts").remove(0)
    };
    assert!(
        store
            .keep_ticket_post(number + 1, &nobody, &operator(8))
            .await
            .is_err(),
        "there is no such ticket"
    );
}
