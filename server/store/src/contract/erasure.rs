use std::sync::Arc;

use domain::{
    Object, RunState, Stream,
    record::{Activity, Content, ContentKind, InvalidReason, InvalidRecord, Record, User},
};
use uuid::Uuid;

use super::{
    accounts::operator,
    export::exported,
    fixtures::{
        FULL, Started, add_connection, at, complete, end_streams, finish_as, invalid_record, next_run, page,
        page_of, row, run, start_run, stored,
    },
};
use crate::{
    ERASED, ERASED_PAYLOAD, EXPIRED_PAYLOAD, ErasedCounts, Erasure, ErasureRequest, ImportedActivity,
    OpenSalt, PageCommit, PageOutcome, Receipt, Replay, SALT_NAME, Salt, SetAside, Store, StoreError,
    StoredPerson,
};

const JANE: &str = "jane@example.com";

struct Fixed;

impl OpenSalt for Fixed {
    fn open(&self, sealed: &str) -> Result<Salt, String> {
        (sealed == "sealed salt")
            .then(|| Salt::new([7; 32]))
            .ok_or_else(|| sealed.to_owned())
    }
}

pub(super) async fn with_salt(store: &dyn Store) {
    store.use_salt(Arc::new(Fixed));
    store
        .keep_installation_secret(SALT_NAME, "sealed salt")
        .await
        .expect("kept");
}

fn member(id: &str, email: &str, joined_s: i64) -> Record {
    Record::User(Box::new(User {
        community_user_id: id.into(),
        username: format!("name of {id}"),
        email: Some(email.into()),
        joined_at: at(joined_s),
        ..User::default()
    }))
}

fn content(kind: ContentKind, id: &str, author: &str) -> Record {
    Record::Content(Box::new(Content {
        kind,
        public_id: id.into(),
        private_id: id.into(),
        title: (kind == ContentKind::Topic).then(|| format!("Title {id}")),
        topic_public_id: (kind == ContentKind::Reply).then(|| "1".to_owned()),
        author_user_id: Some(author.into()),
        author_username: Some(format!("name of {author}")),
        posted_at: at(0),
        ..Content::default()
    }))
}

fn view(id: &str, user: &str) -> Record {
    Record::Activity(Activity {
        event_id: id.into(),
        activity_type: "view".into(),
        occurred_at: at(0),
        user_id: Some(user.into()),
        content_public_id: None,
    })
}

async fn commit(store: &dyn Store, started: &Started, records: Vec<Record>) -> PageOutcome {
    let stream = records[0].stream();
    let commit = page_of(started.connection, stream, records);
    store.commit_page(&started.lease, &commit).await.expect("a page")
}

fn broken(stream: Stream, payload: &str) -> InvalidRecord {
    InvalidRecord {
        payload: payload.into(),
        ..invalid_record(stream, InvalidReason::UnreadableTime, 1)
    }
}

async fn set_aside(store: &dyn Store, started: &Started, record: InvalidRecord) {
    let commit = PageCommit {
        found: 1,
        invalid: vec![record.clone()],
        ..page(started.connection, record.stream)
    };
    store.commit_page(&started.lease, &commit).await.expect("a page");
}

/// What a community of Jane (7) and another member (8) has.
async fn bring(store: &dyn Store, started: &Started) {
    commit(
        store,
        started,
        vec![
            member("7", " JANE@Example.com", 0),
            member("8", "joe@example.com", 0),
        ],
    )
    .await;
    commit(
        store,
        started,
        vec![
            content(ContentKind::Topic, "1", "7"),
            content(ContentKind::Topic, "2", "8"),
        ],
    )
    .await;
    commit(
        store,
        started,
        vec![
            content(ContentKind::Reply, "1", "8"),
            content(ContentKind::Reply, "2", "7"),
        ],
    )
    .await;
    commit(
        store,
        started,
        vec![view("1", "7"), view("2", "8"), view("3", "7")],
    )
    .await;
}

async fn community(store: &dyn Store, number: u128) -> Started {
    let connection = add_connection(store, number).await;
    let lease = start_run(store, number, connection, 0).await;
    let started = Started { connection, lease };
    bring(store, &started).await;
    started
}

fn request(number: u128, email: &str, seconds: i64) -> ErasureRequest {
    ErasureRequest {
        id: Uuid::from_u128(0xe0_0000 + number),
        email: email.into(),
        at: at(seconds),
    }
}

async fn erase(store: &dyn Store, number: u128, email: &str, seconds: i64) -> Receipt {
    match store
        .erase(&request(number, email, seconds), &operator(seconds))
        .await
        .expect("an answer")
    {
        Erasure::Done(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

/// Everything that exports show, as one text.
async fn everything(store: &dyn Store) -> String {
    let mut all = Vec::new();
    for object in Object::ALL {
        let rows = exported(store, object, None, None, 100).await;
        all.extend(rows.iter().map(|row| format!("{row:?}")));
    }
    all.join("\n")
}

/// No export holds any of these, whatever the case.
#[track_caller]
fn assert_without(left: &str, traces: &[&str]) {
    let left = left.to_lowercase();
    for trace in traces {
        assert!(!left.contains(trace), "{trace} is in {left}");
    }
}

pub async fn a_person_is_erased_from_every_object_of_every_tenant(store: &dyn Store) {
    with_salt(store).await;
    for number in [1, 2] {
        community(store, number).await;
    }
    add_connection(store, 3).await;
    let receipt = erase(store, 1, JANE, 100).await;
    let counts = ErasedCounts {
        users: 1,
        content: 2,
        activity: 2,
        ..ErasedCounts::default()
    };
    let tenants: Vec<_> = receipt
        .tenants
        .iter()
        .map(|of| (of.tenant_id.as_str(), of.counts))
        .collect();
    assert_eq!(tenants, [("tenant-1", counts), ("tenant-2", counts)]);
    assert_eq!((receipt.id, receipt.erased_at), (request(1, JANE, 0).id, at(100)));
    let left = everything(store).await;
    assert_without(&left, &[JANE, "name of 7", "\"7\""]);
    for of_others in ["joe@example.com", "name of 8", "Title 1"] {
        assert!(left.contains(of_others), "{of_others}");
    }
}

pub async fn what_an_erased_person_wrote_and_did_still_counts(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    let trends = || async {
        store
            .rebuild_due_trends(started.connection)
            .await
            .expect("trends");
        exported(store, Object::Trends, None, None, 100).await
    };
    let before = trends().await;
    erase(store, 1, JANE, 100).await;
    assert_eq!(trends().await, before);
    assert_eq!(stored(store, started.connection, Stream::Topics).await.len(), 2);
    assert_eq!(stored(store, started.connection, Stream::Activity).await.len(), 3);
    let overview = store.overview(at(0)).await.expect("an overview");
    assert_eq!((overview[0].counts.users, overview[0].counts.topics), (1, 2));
}

pub async fn what_was_set_aside_of_an_erased_person_keeps_its_reason_alone(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    let of_another = r#"{"userid":8,"note":"not of Jane"}"#;
    for (stream, payload) in [
        (Stream::Topics, r#"{"author":{"id":7},"title":"x"}"#),
        (Stream::Users, of_another),
        (Stream::Replies, r#"{"note":"write to Jane\u0040example.com"}"#),
    ] {
        set_aside(store, &started, broken(stream, payload)).await;
    }
    let receipt = erase(store, 1, JANE, 100).await;
    assert_eq!(receipt.tenants[0].counts.invalid_records, 2);
    let kept = store.invalid_records(started.lease.run_id, None, 0, 10).await;
    let kept = kept.expect("invalid records").records;
    let payloads: Vec<_> = kept.iter().map(|record| record.payload.as_str()).collect();
    assert_eq!(payloads, [ERASED_PAYLOAD, of_another, ERASED_PAYLOAD]);
    assert_eq!(
        (kept[0].name.as_str(), kept[0].message.as_str(), kept[0].reason),
        (ERASED, ERASED, InvalidReason::UnreadableTime)
    );
}

pub async fn an_unknown_person_changes_nothing_and_an_erased_one_has_a_receipt(store: &dyn Store) {
    with_salt(store).await;
    community(store, 1).await;
    let before = everything(store).await;
    let nobody = store
        .erase(&request(1, "nobody@example.com", 100), &operator(100))
        .await
        .expect("an answer");
    assert_eq!(nobody, Erasure::Unknown);
    assert_eq!(everything(store).await, before);

    let receipt = erase(store, 2, JANE, 100).await;
    let again = store.erase(&request(3, JANE, 200), &operator(200)).await;
    assert_eq!(again.expect("an answer"), Erasure::DoneBefore(receipt));
}

pub async fn a_person_is_looked_for_before_they_are_erased(store: &dyn Store) {
    with_salt(store).await;
    for number in [1, 2] {
        community(store, number).await;
    }
    add_connection(store, 3).await;
    let person = |email: &'static str| async move { store.stored_person(email).await.expect("an answer") };
    let jane = person(JANE).await;
    let members: Vec<_> = jane
        .members
        .iter()
        .map(|(of, count)| (of.as_str(), *count))
        .collect();
    assert_eq!(members, [("tenant-1", 1), ("tenant-2", 1)]);
    assert_eq!((jane.content, jane.activity, jane.persons), (4, 4, 0));
    assert_eq!(person("nobody@example.com").await, StoredPerson::default());
    let receipt = erase(store, 1, JANE, 100).await;
    let counts = receipt.tenants.iter().map(|of| of.counts);
    let left = counts.fold((0, 0), |left, of| (left.0 + of.content, left.1 + of.activity));
    assert_eq!(left, (jane.content, jane.activity), "as much as was told before");
    assert_eq!(person(JANE).await, StoredPerson::default());
}

pub async fn the_receipt_of_an_erasure_is_found_afterwards(store: &dyn Store) {
    with_salt(store).await;
    community(store, 1).await;
    let receipt = erase(store, 1, JANE, 100).await;
    let other = erase(store, 2, "joe@example.com", 200).await;
    assert_eq!(
        store.receipt(receipt.id).await.expect("an answer"),
        Some(receipt.clone())
    );
    assert_eq!(store.receipt(Uuid::nil()).await.expect("an answer"), None);
    let receipts = |limit| async move { store.receipts(limit).await.expect("receipts") };
    assert_eq!(receipts(9).await, [other.clone(), receipt]);
    assert_eq!(receipts(1).await, [other]);
}

pub async fn an_erased_person_does_not_come_back(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    complete(store, &started, 60).await;
    erase(store, 1, JANE, 100).await;

    let claimed = next_run(store, 2, started.connection, FULL, 200).await;
    let started = Started {
        connection: started.connection,
        lease: claimed.lease,
    };
    bring(store, &started).await;
    // With another address, too; and in what cannot be stored.
    let moved = commit(store, &started, vec![member("7", "other@example.com", 0)]).await;
    assert_eq!((moved.new, moved.updated, moved.unchanged), (0, 0, 1));
    for payload in [r#"{"userid":"7"}"#, r#"{"email":"jane@EXAMPLE.com"}"#] {
        set_aside(store, &started, broken(Stream::Users, payload)).await;
    }
    end_streams(store, &started, &Stream::ALL).await;
    let done = finish_as(RunState::CompletedWithInvalid, 300);
    let done = store
        .finish(&started.lease, &done)
        .await
        .expect("the ledger balances");
    let users = done.streams.iter().find(|found| found.stream == Stream::Users);
    let ledger = users.expect("users").ledger;
    assert_eq!((ledger.found, ledger.unchanged, ledger.new), (5, 3, 0));
    assert_without(
        &everything(store).await,
        &[JANE, "name of 7", "\"7\"", "other@example.com"],
    );
    assert_eq!(stored(store, started.connection, Stream::Users).await.len(), 1);
}

/// A replay read the payloads before the erasure, and writes after it.
pub async fn an_erased_person_does_not_come_back_by_a_replay(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    for payload in [r#"{"userid":7}"#, r#"{"userid":8,"note":"not of Jane"}"#] {
        set_aside(store, &started, broken(Stream::Users, payload)).await;
    }
    let run = started.lease.run_id;
    let read = store.set_aside(run, Stream::Users, None, 10).await;
    let [of_another, of_jane] = <[SetAside; 2]>::try_from(read.expect("set aside")).expect("two records");
    complete(store, &started, 60).await;
    erase(store, 1, JANE, 100).await;

    let replay = Replay {
        connection_id: started.connection,
        run_id: run,
        stream: Stream::Users,
        // Jane as the other's record would bring her, and as her own does.
        read: vec![
            (of_another.id, row(member("7", JANE, 0))),
            (of_jane.id, row(member("7", "other@example.com", 0))),
        ],
        still_invalid: vec![of_jane],
        at: at(200),
    };
    store.replay(&replay).await.expect("a replay");
    assert_without(
        &everything(store).await,
        &[JANE, "name of 7", "other@example.com"],
    );
    assert_eq!(stored(store, started.connection, Stream::Users).await.len(), 1);
    let kept = store
        .invalid_records(run, None, 0, 10)
        .await
        .expect("invalid records");
    let erased = kept
        .records
        .iter()
        .filter(|record| record.payload == ERASED_PAYLOAD);
    let told: Vec<_> = erased
        .map(|record| (record.name.as_str(), record.repaired_at))
        .collect();
    assert_eq!(
        told,
        [(ERASED, None)],
        "neither its name comes back, nor is it taken for repaired"
    );
}

pub async fn what_goes_on_around_an_erased_person_is_still_read(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    erase(store, 1, JANE, 100).await;
    let mut edited = content(ContentKind::Topic, "1", "7");
    if let Record::Content(topic) = &mut edited {
        topic.title = Some("Edited".into());
    }
    let written = commit(store, &started, vec![edited]).await;
    assert_eq!((written.new, written.updated, written.unchanged), (0, 1, 0));
    let left = everything(store).await;
    assert!(left.contains("Edited"));
    assert_without(&left, &["name of 7", "\"7\""]);
    let count = store.stored_count(started.connection, Stream::Users).await;
    assert_eq!(
        count.expect("a count"),
        2,
        "for those who look for deleted members one that is kept out is stored"
    );
}

pub async fn what_is_unchanged_without_its_erased_author_writes_no_row(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    erase(store, 1, JANE, 100).await;
    for records in [
        vec![
            content(ContentKind::Topic, "1", "7"),
            content(ContentKind::Topic, "2", "8"),
        ],
        vec![content(ContentKind::Reply, "2", "7")],
        vec![view("1", "7"), view("2", "8")],
    ] {
        let count = records.len() as u64;
        let again = commit(store, &started, records).await;
        assert_eq!((again.new, again.updated, again.unchanged), (0, 0, count));
    }
    let repeated = PageCommit {
        found: 1,
        repeated: 1,
        rows: vec![crate::Row {
            repeated: true,
            ..row(member("7", JANE, 0))
        }],
        ..page(started.connection, Stream::Users)
    };
    let again = store
        .commit_page(&started.lease, &repeated)
        .await
        .expect("a page");
    assert_eq!(again.unchanged, 0, "a repeated one is counted as that");
}

pub async fn whoever_joins_again_is_a_member_again(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    erase(store, 1, JANE, 100).await;
    // A member that joined before the erasure and was not known then is the same person.
    let old = commit(store, &started, vec![member("9", JANE, 99)]).await;
    assert_eq!((old.new, old.unchanged), (0, 1));
    let later = commit(store, &started, vec![member("9", "changed@example.com", 99)]).await;
    assert_eq!((later.new, later.unchanged), (0, 1), "and stays known");
    let back = commit(store, &started, vec![member("10", JANE, 101)]).await;
    assert_eq!((back.new, back.unchanged), (1, 0));
    commit(store, &started, vec![content(ContentKind::Topic, "3", "10")]).await;
    assert!(everything(store).await.contains("name of 10"));

    let second = erase(store, 2, JANE, 200).await;
    assert_eq!(second.tenants[0].counts.users, 1);
    let back = commit(store, &started, vec![member("10", JANE, 101)]).await;
    assert_eq!((back.new, back.unchanged), (0, 1));
}

pub async fn a_person_who_was_only_set_aside_is_erased_too(store: &dyn Store) {
    with_salt(store).await;
    let connection = add_connection(store, 1).await;
    let lease = start_run(store, 1, connection, 0).await;
    let started = Started { connection, lease };
    set_aside(
        store,
        &started,
        broken(Stream::Users, r#"{"userid":7,"email":"Jane@example.com"}"#),
    )
    .await;
    commit(store, &started, vec![content(ContentKind::Topic, "1", "7")]).await;
    let receipt = erase(store, 1, JANE, 100).await;
    let counts = receipt.tenants[0].counts;
    assert_eq!((counts.users, counts.content, counts.invalid_records), (0, 1, 1));
    assert!(!everything(store).await.contains("name of 7"));
    assert_eq!(
        commit(store, &started, vec![member("7", "x@example.com", 0)])
            .await
            .new,
        0
    );
}

pub async fn an_address_is_taken_out_of_the_texts_of_others(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    let mut topic = content(ContentKind::Topic, "5", "8");
    if let Record::Content(topic) = &mut topic {
        topic.title = Some("Ask Jane@Example.com".into());
        topic.tags = vec!["jane@example.com".into(), "help".into()];
    }
    commit(store, &started, vec![topic.clone()]).await;
    let receipt = erase(store, 1, JANE, 100).await;
    assert_eq!(receipt.tenants[0].counts.mentions, 2);
    let left = everything(store).await;
    assert!(left.contains("Ask [erased]") && left.contains("help"), "{left}");
    assert!(!left.to_lowercase().contains(JANE));
    assert_eq!(
        commit(store, &started, vec![topic]).await.unchanged,
        1,
        "as the provider serves it"
    );
    assert!(!everything(store).await.to_lowercase().contains(JANE));
}

pub async fn imported_activity_of_an_erased_member_stays_without_them(store: &dyn Store) {
    with_salt(store).await;
    let started = community(store, 1).await;
    erase(store, 1, JANE, 100).await;
    let imported = |id: &str, user: &str| {
        let row = row(view(id, user));
        let Record::Activity(activity) = row.record else {
            panic!("an activity");
        };
        ImportedActivity {
            activity,
            hash: row.hash,
        }
    };
    let rows = [imported("20", "7"), imported("21", "8")];
    for expected in [(2, 0), (0, 2)] {
        let done = store
            .import_activity(started.connection, &rows, &operator(100))
            .await
            .expect("an import");
        assert_eq!((done.new, done.unchanged), expected);
    }
    let kept = stored(store, started.connection, Stream::Activity).await;
    let of = |id: &str| kept.iter().find(|record| record.key() == id).cloned();
    assert!(matches!(of("20"), Some(Record::Activity(view)) if view.user_id.is_none()));
    assert!(matches!(of("21"), Some(Record::Activity(view)) if view.user_id.as_deref() == Some("8")));
}

pub async fn without_the_salt_nothing_is_written_once_someone_was_erased(store: &dyn Store) {
    let started = community(store, 1).await;
    let refused = store.erase(&request(1, JANE, 100), &operator(100)).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("salt is missing")),
        "{refused:?}"
    );
    store
        .keep_installation_secret(SALT_NAME, "of another key")
        .await
        .expect("kept");
    store.use_salt(Arc::new(Fixed));
    let refused = store.erase(&request(1, JANE, 100), &operator(100)).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("TRIBUTARY_SECRET_KEY_FILE"))
    );
    assert!(
        everything(store).await.contains("name of 7"),
        "nothing was changed"
    );
    commit(store, &started, vec![member("11", "eve@example.com", 0)]).await;
}

pub async fn payloads_expire_some_at_a_time(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let lease = start_run(store, 1, connection, 0).await;
    let started = Started { connection, lease };
    for number in 0..3 {
        set_aside(
            store,
            &started,
            broken(Stream::Users, &format!("{{\"n\":{number}}}")),
        )
        .await;
    }
    assert_eq!(
        store.expire_payloads(at(1_000), 10).await.expect("an answer"),
        0,
        "the run is under way"
    );
    end_streams(store, &started, &Stream::ALL).await;
    let done = store
        .finish(&started.lease, &finish_as(RunState::CompletedWithInvalid, 100))
        .await;
    done.expect("a success");
    for (before, limit, expected) in [(100, 10, 0), (101, 2, 2), (101, 2, 1), (101, 2, 0)] {
        let expired = store.expire_payloads(at(before), limit).await.expect("an answer");
        assert_eq!(expired, expected);
    }
    let kept = store
        .invalid_records(started.lease.run_id, None, 0, 10)
        .await
        .expect("invalid records");
    assert_eq!(kept.total, 3, "their reasons stay");
    assert!(
        kept.records
            .iter()
            .all(|record| record.payload == EXPIRED_PAYLOAD)
    );
    assert_eq!(
        run(store, started.lease.run_id).await.state,
        RunState::CompletedWithInvalid
    );
}
