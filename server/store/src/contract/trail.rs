//! What people do, in the trail; what the trail keeps of whom, and for how long.

use std::sync::Arc;

use domain::{
    MappedColumn, ProfileMapping, StoppedBy, Stream,
    record::{Activity, Record, User},
    unification::{Company, LeftBecause, Person, RuleSet},
};
use uuid::Uuid;

use super::{
    accounts::operator,
    fixtures::{
        Started, add_connection, at, connection_id, hash, new_connection, new_run, page_of, run_id, started,
    },
};
use crate::{
    Access, AuditEntry, Chain, Deed, Enqueued, Erasure, ErasureRequest, FailedFilter, ImportMode,
    ImportedActivity, Left, Link, NewTicket, OpenSalt, Resealed, RuleChange, SALT_NAME, Salt, Store,
};

/// Nobody else's id holds it, so it is found wherever it is.
const JANE: &str = "jane-4711";
const JANES_ADDRESS: &str = "jane@example.com";

async fn entries(store: &dyn Store) -> Vec<AuditEntry> {
    store.audit_after(0, 1_000).await.expect("entries")
}

/// The deeds after so many entries, with what they were done to.
async fn told(store: &dyn Store, after: u64) -> Vec<(String, String)> {
    let entries = store.audit_after(after, 1_000).await.expect("entries");
    let told = entries.into_iter().map(|entry| {
        let target = entry.target.expect("what it was done to");
        (entry.deed, target)
    });
    told.collect()
}

fn expected(told: &[(&str, String)]) -> Vec<(String, String)> {
    let owned = told
        .iter()
        .map(|(deed, target)| ((*deed).to_owned(), target.clone()));
    owned.collect()
}

/// How many entries the trail holds that were not cut, once all of it was checked.
async fn verified(store: &dyn Store) -> u64 {
    let mut chain = store.audit_chain().await.expect("a chain");
    for entry in entries(store).await {
        chain.check(&entry).expect("an untouched chain");
    }
    chain.end().expect("a whole chain");
    chain.checked()
}

pub async fn what_is_done_to_connections_is_in_the_trail_once(store: &dyn Store) {
    let id = add_connection(store, 1).await;
    for seconds in [1, 2] {
        store
            .deactivate(id, &operator(seconds))
            .await
            .expect("deactivated");
    }
    for seconds in [3, 4] {
        store.activate(id, &operator(seconds)).await.expect("activated");
    }
    let new = new_connection(1);
    let access = Access {
        base_url: new.connection.base_url,
        client_id: "another".into(),
        sealed_secret: "anew".into(),
    };
    store
        .replace_access(id, &access, &operator(5))
        .await
        .expect("replaced");
    let mapping = ProfileMapping::default().with(MappedColumn::Title, vec!["Role".to_owned()]);
    let mapping = mapping.expect("a mapping");
    for seconds in [6, 7] {
        store
            .set_profile_mapping(id, &mapping, &operator(seconds))
            .await
            .expect("mapped");
    }
    let target = format!("connection {id}");
    let deeds = [
        "connection_added",
        "connection_deactivated",
        "connection_activated",
        "access_replaced",
        "mapping_changed",
    ];
    assert_eq!(
        told(store, 0).await,
        expected(&deeds.map(|deed| (deed, target.clone())))
    );
    let times: Vec<_> = entries(store).await.iter().map(|entry| entry.at).collect();
    assert_eq!(times, [0, 1, 3, 5, 6].map(at), "each is of the first time");
}

pub async fn runs_that_the_schedule_queues_are_in_no_entry(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let by = operator(3);
    let by_schedule = store.enqueue(&new_run(1, connection, at(2)), None).await;
    assert_eq!(by_schedule.expect("an answer"), Enqueued::Queued);
    let refused = store.enqueue(&new_run(2, connection, at(3)), Some(&by)).await;
    assert_eq!(refused.expect("an answer"), Enqueued::UnderWay(run_id(1)));
    store
        .cancel(run_id(1), StoppedBy::Operator, &operator(4))
        .await
        .expect("cancelled");
    store
        .cancel(run_id(1), StoppedBy::Operator, &operator(5))
        .await
        .expect("it is over");
    let by_hand = store.enqueue(&new_run(2, connection, at(6)), Some(&by)).await;
    assert_eq!(by_hand.expect("an answer"), Enqueued::Queued);
    let [first, second] = [1, 2].map(|number| format!("run {}", run_id(number)));
    assert_eq!(
        told(store, 1).await,
        expected(&[("run_cancelled", first), ("run_queued", second)])
    );
}

fn company(id: &str) -> Company {
    Company {
        external_id: id.to_owned(),
        name: "Acme".to_owned(),
        ..Company::default()
    }
}

pub async fn what_an_admin_makes_of_a_company_is_in_the_trail_by_its_id(store: &dyn Store) {
    let named = Company {
        name: "Acme & Sons".to_owned(),
        ..company("C-1")
    };
    let with_domain = Company {
        domains: vec!["acme.example".to_owned()],
        ..company("C-2")
    };
    for (company, deed) in [(named, Deed::CompanySaved), (with_domain, Deed::DomainAdded)] {
        store
            .import_companies(&[company], ImportMode::Write, deed, &operator(2))
            .await
            .expect("saved");
    }
    assert_eq!(
        told(store, 0).await,
        expected(&[
            ("company_saved", "company C-1".to_owned()),
            ("domain_added", "company C-2".to_owned()),
        ])
    );
}

pub async fn imports_are_in_the_trail_as_counts(store: &dyn Store) {
    add_connection(store, 1).await;
    let both = [company("C-1"), company("C-2")];
    for mode in [ImportMode::Try, ImportMode::Write, ImportMode::Write] {
        store
            .import_companies(&both, mode, Deed::CompaniesImported, &operator(1))
            .await
            .expect("an import");
    }
    let person = Person {
        external_id: "P-1".to_owned(),
        email: Some(JANES_ADDRESS.to_owned()),
        ..Person::default()
    };
    for _ in 0..2 {
        store
            .import_persons(std::slice::from_ref(&person), ImportMode::Write, &operator(3))
            .await
            .expect("an import");
    }
    let activity = Activity {
        event_id: "1".into(),
        activity_type: "view".into(),
        occurred_at: at(0),
        user_id: Some(JANE.into()),
        content_public_id: None,
    };
    let rows = [ImportedActivity {
        hash: hash(&Record::Activity(activity.clone())),
        activity,
    }];
    for _ in 0..2 {
        store
            .import_activity(connection_id(1), &rows, &operator(4))
            .await
            .expect("an import");
    }
    let of_connection = format!("connection {}: 1 new, 0 changed", connection_id(1));
    assert_eq!(
        told(store, 1).await,
        expected(&[
            ("companies_imported", "2 new, 0 changed".to_owned()),
            ("persons_imported", "1 new, 0 changed".to_owned()),
            ("activity_imported", of_connection),
        ])
    );
}

fn change(seconds: i64) -> RuleChange {
    RuleChange {
        by: "an admin".to_owned(),
        at: at(seconds),
        why: Some("a reason that is not in the trail".to_owned()),
        effect: None,
    }
}

pub async fn changes_of_rules_are_in_the_trail_with_their_version(store: &dyn Store) {
    let by = operator(1);
    let shipped = RuleSet::shipped();
    let brought = store.apply_rules(0, &shipped, &change(0), None).await;
    brought.expect("rules that come with the installation");
    store
        .apply_rules(1, &shipped, &change(1), Some(&by))
        .await
        .expect("applied");
    store
        .apply_rules(1, &shipped, &change(2), Some(&by))
        .await
        .expect("overtaken");
    store
        .return_to_rules(2, 9, &change(3), &by)
        .await
        .expect("no such version");
    store
        .return_to_rules(2, 1, &change(4), &by)
        .await
        .expect("returned");
    assert_eq!(
        told(store, 0).await,
        expected(&[
            ("rules_applied", "rules version 2".to_owned()),
            ("rules_returned", "rules version 1".to_owned()),
        ])
    );
}

pub async fn secrets_that_are_sealed_anew_are_in_the_trail_as_a_count(store: &dyn Store) {
    for number in [1, 2] {
        add_connection(store, number).await;
    }
    let anew = |number: u128| Resealed {
        connection_id: connection_id(number),
        before: format!("sealed-{number}"),
        after: "anew".to_owned(),
    };
    let by = operator(1);
    for _ in 0..2 {
        store.reseal(&[anew(1), anew(2)], &by).await.expect("an answer");
    }
    store
        .keep_installation_secret("pepper", "first")
        .await
        .expect("kept");
    for _ in 0..2 {
        let replaced = store
            .reseal_installation_secret("pepper", "first", "second", &by)
            .await;
        replaced.expect("an answer");
    }
    let resealed = |count: u64| ("secrets_resealed", format!("secrets {count}"));
    assert_eq!(told(store, 2).await, expected(&[resealed(2), resealed(1)]));
}

struct Fixed;

impl OpenSalt for Fixed {
    fn open(&self, _sealed: &str) -> Result<Salt, String> {
        Ok(Salt::new([7; 32]))
    }
}

async fn with_jane(store: &dyn Store) -> Started {
    let started = started(store, 1).await;
    let jane = User {
        community_user_id: JANE.to_owned(),
        username: "Jane".to_owned(),
        email: Some(JANES_ADDRESS.to_owned()),
        ..User::default()
    };
    let page = page_of(
        started.connection,
        Stream::Users,
        vec![Record::User(Box::new(jane))],
    );
    store.commit_page(&started.lease, &page).await.expect("a page");
    started
}

fn link(company: Option<&str>) -> Link {
    Link {
        company_external_id: company.map(str::to_owned),
        person_external_id: Some("P-1".to_owned()),
        reason: "Jane told us".to_owned(),
        by: "an admin".to_owned(),
        at: at(5),
    }
}

/// Everything that can be said of a member, by hand.
async fn say_everything(store: &dyn Store, started: &Started) {
    let of = started.connection;
    let (linked, unlinked, by) = (link(Some("C-1")), link(None), operator(5));
    for link in [Some(&linked), Some(&unlinked), None, None] {
        let said = store.set_link(of, JANE, link, &by).await;
        assert!(said.expect("an answer"));
    }
    let left = Left {
        because: LeftBecause::ByHand,
        reason: "Jane retired".to_owned(),
        by: "an admin".to_owned(),
        at: at(6),
    };
    for left in [Some(&left), None, None] {
        let said = store.set_left(of, JANE, left, &by).await;
        assert!(said.expect("an answer"));
    }
    let nobody = store.set_link(of, "nobody", Some(&linked), &by).await;
    assert!(!nobody.expect("an answer"));
    let ticket = NewTicket {
        filter: FailedFilter::default(),
        selection: "nobody".to_owned(),
        by: "an admin".to_owned(),
        at: at(7),
    };
    assert_eq!(store.create_ticket(&ticket, &by).await.expect("an answer"), None);
}

/// A ticket is made of members who were matched, which [`super::a_ticket_holds_its_members_until_they_match`] tells.
pub async fn what_the_trail_keeps_of_an_erased_person_identifies_nobody(store: &dyn Store) {
    let started = with_jane(store).await;
    say_everything(store, &started).await;
    store.use_salt(Arc::new(Fixed));
    store
        .keep_installation_secret(SALT_NAME, "sealed salt")
        .await
        .expect("kept");
    let request = ErasureRequest {
        id: Uuid::from_u128(0xe0_4711),
        email: JANES_ADDRESS.to_owned(),
        at: at(9),
    };
    let erased = store.erase(&request, &operator(9)).await.expect("an answer");
    assert!(matches!(erased, Erasure::Done(_)), "{erased:?}");
    let again = store.erase(&request, &operator(10)).await.expect("an answer");
    assert!(matches!(again, Erasure::DoneBefore(_)), "{again:?}");

    let member = format!("a member of connection {}", started.connection);
    assert_eq!(
        told(store, 1).await,
        expected(&[
            ("member_linked", format!("{member} to company C-1")),
            ("member_unlinked", member.clone()),
            ("member_left_to_rules", member.clone()),
            ("member_left", member.clone()),
            ("member_back", member),
            ("person_erased", format!("erasure {}", request.id)),
        ])
    );
    let bytes = format!("{:?}", entries(store).await).to_lowercase();
    for of_jane in [JANE, JANES_ADDRESS, "jane", "p-1"] {
        assert!(!bytes.contains(of_jane), "{of_jane}: {bytes}");
    }
    assert_eq!(verified(store).await, 7);
}

pub async fn old_entries_go_and_the_chain_goes_on_from_the_cut(store: &dyn Store) {
    for seconds in 0..10 {
        let noted = store.note(Deed::LogInFailed, None, &operator(seconds)).await;
        noted.expect("noted");
    }
    let cut = |seconds, limit| async move {
        let cut = store.cut_audit(at(seconds), limit, &operator(100)).await;
        cut.expect("an answer")
    };
    assert_eq!(cut(0, 100).await, 0, "none is older");
    assert_eq!(store.audit_chain().await.expect("a chain"), Chain::default());
    assert_eq!(cut(6, 4).await, 4);
    assert_eq!(cut(6, 4).await, 2);
    assert_eq!(cut(6, 4).await, 0);
    let chain = store.audit_chain().await.expect("a chain");
    assert_eq!((chain.cut(), chain.last()), (6, 6));
    assert_eq!(
        verified(store).await,
        6,
        "those that are younger, and what tells of the cuts"
    );
    let kept = entries(store).await;
    let numbers: Vec<u64> = kept.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [7, 8, 9, 10, 11, 12]);
    let last = kept.last().and_then(|entry| entry.target.as_deref());
    assert_eq!(last, Some("entries up to 6"));
}

pub async fn a_trail_may_be_cut_whole_and_what_tells_of_cuts_is_no_reason_for_one(store: &dyn Store) {
    for seconds in 0..3 {
        let noted = store.note(Deed::LogInFailed, None, &operator(seconds)).await;
        noted.expect("noted");
    }
    let mut gone = Vec::new();
    for seconds in [50, 200, 300] {
        let cut = store.cut_audit(at(seconds), 100, &operator(seconds)).await;
        gone.push(cut.expect("an answer"));
    }
    assert_eq!(gone, [3, 0, 0]);
    assert_eq!(verified(store).await, 1);
    let noted = store.note(Deed::LoggedIn, None, &operator(400)).await;
    noted.expect("noted");
    assert_eq!(entries(store).await.last().map(|entry| entry.number), Some(5));
    assert_eq!(verified(store).await, 2);
}
