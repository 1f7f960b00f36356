use domain::{
    ConnectionId, Stream,
    record::{Record, User},
    unification::{Changed, Company, PartyChanges, Person, RuleSet},
};

use super::{
    accounts::operator,
    erasure::with_salt,
    fixtures::{Started, assert_lost, at, claim, connection_id, page_of, started},
};
use crate::{
    Deed, DuePage, Erasure, ErasureRequest, ImportMode, Lease, Link, MatchCommit, MatchesWritten,
    MatchingDue, PARTIES_SWEPT_MAX, RuleChange, RulesApplied, Store, Sweep, SweepStep, Swept,
};

const WRITTEN: MatchesWritten = MatchesWritten::Yes {
    stop_requested: false,
};

fn company(id: &str, name: &str) -> Company {
    Company {
        external_id: id.to_owned(),
        name: name.to_owned(),
        domains: vec![format!("{}.example", id.to_lowercase())],
        parent_external_id: None,
    }
}

fn person(id: &str, company: &str) -> Person {
    Person {
        external_id: id.to_owned(),
        email: Some(format!("{id}@mail.example")),
        company_external_id: Some(company.to_owned()),
        active: true,
        ..Person::default()
    }
}

fn new<P>(party: P) -> Changed<P> {
    Changed {
        before: None,
        after: Some(party),
    }
}

async fn import(store: &dyn Store, companies: &[Company]) {
    store
        .import_companies(
            companies,
            ImportMode::Write,
            Deed::CompaniesImported,
            &operator(5),
        )
        .await
        .expect("an import");
}

async fn import_persons(store: &dyn Store, persons: &[Person]) {
    store
        .import_persons(persons, ImportMode::Write, &operator(5))
        .await
        .expect("an import");
}

/// A connection with three members, nobody of whom is due, and the shipped rules.
async fn at_rest(store: &dyn Store) -> Started {
    let started = started(store, 1).await;
    let change = RuleChange {
        by: "admin".to_owned(),
        at: at(0),
        why: None,
        effect: None,
    };
    let applied = store.apply_rules(0, &RuleSet::shipped(), &change, None).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(1));
    let user = |id: &str| {
        Record::User(Box::new(User {
            community_user_id: id.to_owned(),
            email: Some(format!("{id}@one.example")),
            ..User::default()
        }))
    };
    let page = page_of(
        started.connection,
        Stream::Users,
        ["1", "2", "3"].map(user).into(),
    );
    store.commit_page(&started.lease, &page).await.expect("a page");
    while let Some(page) = due(store).await {
        assert_eq!(write(store, page, revision(store).await).await, WRITTEN);
    }
    started
}

async fn due(store: &dyn Store) -> Option<DuePage> {
    let page = store.members_due(connection_id(1), 10).await;
    page.expect("an answer")
}

async fn revision(store: &dyn Store) -> i64 {
    store.revision().await.expect("a revision").number
}

/// Those of a page are done, as they are.
async fn write(store: &dyn Store, page: DuePage, revision: i64) -> MatchesWritten {
    let mut of = store.revision().await.expect("a revision");
    of.number = revision;
    let commit = MatchCommit {
        connection_id: connection_id(1),
        page,
        changed: Vec::new(),
        leaving: Vec::new(),
        revision: of,
        at: at(9),
    };
    store.write_matches(None, commit).await.expect("an answer")
}

async fn marked(store: &dyn Store) -> Vec<String> {
    let page = due(store).await;
    let members = page.map(|page| page.members).unwrap_or_default();
    members
        .into_iter()
        .map(|due| due.member.community_user_id)
        .collect()
}

async fn sweep(store: &dyn Store) -> Sweep {
    let sweep = store.sweep_due(connection_id(1)).await.expect("an answer");
    sweep.expect("a sweep")
}

async fn is_swept(store: &dyn Store) -> bool {
    let sweep = store.sweep_due(connection_id(1)).await;
    sweep.expect("an answer").is_none()
}

async fn changes(store: &dyn Store, since: i64) -> PartyChanges {
    store.parties_changed(since).await.expect("changes")
}

async fn matching(store: &dyn Store) -> MatchingDue {
    store.matching_due().await.expect("what is due")[0]
}

fn step(sweep: &Sweep, revision: i64, touched: &[&str], up_to: Option<&str>) -> SweepStep {
    SweepStep {
        connection_id: connection_id(1),
        sweep: sweep.clone(),
        revision,
        found: Swept::Members {
            touched: touched.iter().map(|id| (*id).to_owned()).collect(),
            up_to: up_to.map(str::to_owned),
            looked_at: 2,
        },
    }
}

async fn take(store: &dyn Store, lease: Option<&Lease>, step: &SweepStep) -> MatchesWritten {
    store.write_sweep(lease, step).await.expect("an answer")
}

async fn moves_on(store: &dyn Store, step: &SweepStep) {
    assert_eq!(take(store, None, step).await, WRITTEN);
}

async fn is_outdated(store: &dyn Store, step: &SweepStep) {
    assert_eq!(take(store, None, step).await, MatchesWritten::Outdated);
}

/// A sweep that is over with one step.
pub(super) async fn end_sweep(store: &dyn Store, connection: ConnectionId) {
    let sweep = store.sweep_due(connection).await.expect("an answer");
    let last = SweepStep {
        connection_id: connection,
        ..step(&sweep.expect("a sweep"), revision(store).await, &[], None)
    };
    moves_on(store, &last).await;
}

pub async fn a_change_of_companies_is_remembered_with_what_was_before(store: &dyn Store) {
    at_rest(store).await;
    let before = revision(store).await;
    import(store, &[company("C-1", "One"), company("C-2", "Two")]).await;
    let pass = due(store).await.map(|page| page.pass);
    assert_eq!(pass, None, "nobody is due");
    let first = sweep(store).await;
    assert_eq!((first.since, first.after.as_str()), (before, ""));
    assert_eq!(matching(store).await.sweep_done, Some(0));
    let renamed = company("C-1", "First");
    import(store, &[renamed.clone(), company("C-2", "Two")]).await;
    let expected = [
        new(company("C-1", "One")),
        new(company("C-2", "Two")),
        Changed {
            before: Some(company("C-1", "One")),
            after: Some(renamed),
        },
    ];
    assert_eq!(changes(store, first.since).await.companies, expected);
}

pub async fn members_are_looked_through_in_order_with_what_rules_compare(store: &dyn Store) {
    at_rest(store).await;
    let members = store.members_to_sweep(connection_id(1), "", 2).await;
    let members = members.expect("members");
    let told: Vec<_> = members
        .iter()
        .map(|member| (member.community_user_id.as_str(), member.email.as_deref()))
        .collect();
    assert_eq!(told, [("1", Some("1@one.example")), ("2", Some("2@one.example"))]);
    assert_eq!(members[0].tenant_id, "tenant-1");
}

pub async fn a_sweep_marks_whom_it_finds_and_forgets_what_it_looked_for(store: &dyn Store) {
    at_rest(store).await;
    let before = revision(store).await;
    import(store, &[company("C-1", "One")]).await;
    let now = revision(store).await;
    moves_on(store, &step(&sweep(store).await, now, &["2"], Some("2"))).await;
    assert_eq!(marked(store).await, ["2"]);
    assert_eq!(matching(store).await.sweep_done, Some(2));
    let second = sweep(store).await;
    assert_eq!((second.since, second.after.as_str()), (before, "2"));
    // Who was erased meanwhile is not there to be marked.
    moves_on(store, &step(&second, now, &["3", "gone"], None)).await;
    assert_eq!(marked(store).await, ["2", "3"]);
    assert!(is_swept(store).await);
    assert_eq!(changes(store, before).await, PartyChanges::default(), "forgotten");
}

pub async fn a_step_of_a_sweep_is_refused_once_something_changed_or_somebody_was_quicker(store: &dyn Store) {
    at_rest(store).await;
    import(store, &[company("C-1", "One")]).await;
    let (first, before) = (sweep(store).await, revision(store).await);
    import(store, &[company("C-2", "Two")]).await;
    let outdated = step(&first, before, &["1"], Some("2"));
    is_outdated(store, &outdated).await;
    assert!(marked(store).await.is_empty());

    let on = step(&first, revision(store).await, &["1"], Some("2"));
    moves_on(store, &on).await;
    is_outdated(store, &on).await;
    // One more change, and the sweep begins again with all that it is to look for.
    import(store, &[company("C-3", "Three")]).await;
    let again = sweep(store).await;
    assert_eq!(again, first);
    assert_eq!(changes(store, again.since).await.companies.len(), 3);
}

pub async fn a_step_of_a_sweep_whose_lease_was_lost_is_refused(store: &dyn Store) {
    let started = at_rest(store).await;
    import(store, &[company("C-1", "One")]).await;
    claim(store, 100).await.expect("the run, by another worker");
    let last = step(&sweep(store).await, revision(store).await, &["1"], None);
    assert_lost(store.write_sweep(Some(&started.lease), &last).await);
    assert!(!is_swept(store).await);
}

pub async fn changes_are_kept_until_the_last_connection_is_swept(store: &dyn Store) {
    at_rest(store).await;
    super::fixtures::with_a_member(store, 2).await;
    import(store, &[company("C-1", "One")]).await;
    let since = sweep(store).await.since;
    end_sweep(store, connection_id(1)).await;
    assert_eq!(changes(store, since).await.len(), 1);
    // What the one has swept for is no concern of its next sweep.
    import(store, &[company("C-2", "Two")]).await;
    let next = sweep(store).await.since;
    assert_eq!(changes(store, next).await.companies, [new(company("C-2", "Two"))]);
    end_sweep(store, connection_id(2)).await;
    assert_eq!(changes(store, since).await.len(), 1);
    end_sweep(store, connection_id(1)).await;
    assert!(changes(store, 0).await.is_empty());
}

pub async fn the_persons_of_a_new_company_lead_elsewhere(store: &dyn Store) {
    at_rest(store).await;
    let ours = person("P-1", "C-1");
    import_persons(store, &[ours.clone(), person("P-2", "C-2")]).await;
    end_sweep(store, connection_id(1)).await;
    import(store, &[company("C-1", "One")]).await;
    let since = sweep(store).await.since;
    let expected = PartyChanges {
        companies: vec![new(company("C-1", "One"))],
        persons: vec![new(ours)],
    };
    assert_eq!(changes(store, since).await, expected);
    end_sweep(store, connection_id(1)).await;
    import(store, &[company("C-1", "First")]).await;
    let since = sweep(store).await.since;
    assert!(
        changes(store, since).await.persons.is_empty(),
        "it was there before"
    );
}

pub async fn members_whose_link_names_a_person_are_due_with_that_person(store: &dyn Store) {
    at_rest(store).await;
    let link = Link {
        company_external_id: None,
        person_external_id: Some("P-1".to_owned()),
        reason: "known".to_owned(),
        by: "admin".to_owned(),
        at: at(4),
    };
    let linked = store
        .set_link(connection_id(1), "3", Some(&link), &operator(4))
        .await;
    assert!(linked.expect("an answer"));
    let page = due(store).await.expect("the linked one");
    assert_eq!(write(store, page, revision(store).await).await, WRITTEN);
    import_persons(store, &[person("P-1", "C-1"), person("P-2", "C-1")]).await;
    assert_eq!(marked(store).await, ["3"]);
}

pub async fn a_change_of_many_parties_or_of_rules_makes_all_members_due_instead(store: &dyn Store) {
    at_rest(store).await;
    let ids = 0..PARTIES_SWEPT_MAX;
    let many: Vec<Company> = ids.map(|id| company(&format!("C-{id}"), "One")).collect();
    import(store, &many).await;
    assert_eq!(changes(store, 0).await.len(), PARTIES_SWEPT_MAX);
    assert!(!is_swept(store).await && matching(store).await.pass_done.is_none());
    import(store, &[company("one-more", "One")]).await;
    assert!(is_swept(store).await && changes(store, 0).await.is_empty());
    assert_eq!(matching(store).await.pass_done, Some(0));

    import(store, &[company("C-1", "Other")]).await;
    let change = RuleChange {
        by: "admin".to_owned(),
        at: at(6),
        why: None,
        effect: None,
    };
    let applied = store.apply_rules(1, &RuleSet::shipped(), &change, None).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(2));
    assert!(is_swept(store).await && changes(store, 0).await.is_empty());
}

pub async fn a_sweep_that_cannot_tell_makes_all_members_due(store: &dyn Store) {
    at_rest(store).await;
    import(store, &[company("C-1", "One")]).await;
    let anyone = SweepStep {
        found: Swept::Anyone,
        ..step(&sweep(store).await, revision(store).await, &[], None)
    };
    moves_on(store, &anyone).await;
    assert!(is_swept(store).await && changes(store, 0).await.is_empty());
    let page = due(store).await.expect("a pass");
    assert_eq!(
        (
            page.members.len(),
            page.pass.as_ref().map(|pass| pass.after.as_str())
        ),
        (3, Some(""))
    );
}

pub async fn an_older_revision_may_decide_what_a_sweep_will_reach_with_all_changes_since(store: &dyn Store) {
    let started = at_rest(store).await;
    let oldest = revision(store).await;
    import(store, &[company("C-1", "One")]).await;
    end_sweep(store, started.connection).await;
    let since = revision(store).await;
    import(store, &[company("C-2", "Two")]).await;
    // Marked members are due whatever the sweep does.
    let linked = store.set_link(started.connection, "2", None, &operator(6)).await;
    assert!(linked.expect("an answer"));
    let page = due(store).await.expect("the marked one");
    let outdated = async |revision| write(store, page.clone(), revision).await == MatchesWritten::Outdated;
    assert!(outdated(oldest).await, "C-1 is not looked for again");
    let on = step(&sweep(store).await, revision(store).await, &[], Some("2"));
    moves_on(store, &on).await;
    assert!(outdated(since).await, "the sweep has passed them");
    import(store, &[company("C-3", "Three")]).await;
    assert_eq!(write(store, page, since).await, WRITTEN, "it comes to them again");
}

pub async fn an_erasure_leaves_nothing_of_remembered_persons(store: &dyn Store) {
    with_salt(store).await;
    at_rest(store).await;
    import_persons(store, &[person("P-1", "C-1")]).await;
    let moved = Person {
        email: Some("other@mail.example".to_owned()),
        ..person("P-1", "C-1")
    };
    import_persons(store, &[moved]).await;
    // Nobody has this address any more, but what was remembered does.
    let request = ErasureRequest {
        id: uuid::Uuid::from_u128(1),
        email: "p-1@mail.example".to_owned(),
        at: at(7),
    };
    let erased = store.erase(&request, &operator(7)).await;
    assert_eq!(erased.expect("an answer"), Erasure::Unknown);
    assert!(changes(store, 0).await.is_empty() && is_swept(store).await);
    assert_eq!(matching(store).await.pass_done, Some(0), "nothing is lost by it");
}
