//! What is stored, read anew: another mapping of profile fields, and records that were set aside.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, Extent, MappedColumn, ProfileMapping, RunId, RunState, Stream,
    record::{InvalidReason, InvalidRecord, Record, User},
};

use super::{
    accounts::operator,
    fixtures::{
        FULL, INCREMENTAL, Started, at, complete, connection_id, end_streams, finish_as, hash,
        invalid_record, next_run, page, page_of, row, run, start_run, started, stored,
    },
    records::{topic, version},
};
use crate::{
    Deletion, Lease, PageCommit, ProfileFieldCount, RemappedMember, Replay, ReplayOutcome, SetAside, Store,
    StoredMember,
};

/// Of a decoder; any number will do.
const DECODER: i64 = 3;

fn phone_from(name: &str) -> ProfileMapping {
    ProfileMapping::default()
        .with(MappedColumn::Phone, vec![name.to_owned()])
        .expect("a mapping")
}

async fn assert_due(store: &dyn Store, decoder: i64, expected: &[ConnectionId]) {
    let due = store.replays_due(decoder, None).await.expect("an answer");
    assert_eq!(due, expected);
    for number in [1, 2] {
        let only = connection_id(number);
        let due = store.replays_due(decoder, Some(only)).await.expect("an answer");
        assert_eq!(due.contains(&only), expected.contains(&only));
    }
}

async fn settle(store: &dyn Store, connection: ConnectionId, mapping_version: i64) {
    store
        .settle_replay(connection, mapping_version, DECODER)
        .await
        .expect("settled");
}

async fn map(store: &dyn Store, connection: ConnectionId, mapping: &ProfileMapping) -> i64 {
    store
        .set_profile_mapping(connection, mapping, &operator(1))
        .await
        .expect("a mapping");
    let kept = store.profile_mapping(connection).await.expect("an answer");
    assert_eq!(&kept.mapping, mapping);
    kept.version
}

pub async fn a_mapping_is_kept_and_makes_a_replay_due(store: &dyn Store) {
    let (first, other) = (started(store, 1).await, started(store, 2).await);
    complete(store, &first, 60).await;
    complete(store, &other, 60).await;
    let usual = store.profile_mapping(first.connection).await.expect("an answer");
    assert_eq!(usual.mapping, ProfileMapping::default());
    // Added while an older decoder read them.
    assert_due(store, DECODER, &[first.connection, other.connection]).await;
    settle(store, first.connection, usual.version).await;
    settle(store, other.connection, 0).await;
    assert_due(store, DECODER, &[]).await;

    let mapping = phone_from("Durchwahl \"é\"");
    let version = map(store, first.connection, &mapping).await;
    assert_due(store, DECODER, &[first.connection]).await;
    let same = map(store, first.connection, &mapping).await;
    assert_eq!(same, version, "nothing has changed");
    settle(store, first.connection, usual.version).await;
    // That was by the mapping before.
    assert_due(store, DECODER, &[first.connection]).await;
    settle(store, first.connection, version).await;
    assert_due(store, DECODER, &[]).await;
}

pub async fn a_newer_decoder_makes_a_replay_due_and_an_older_one_does_not(store: &dyn Store) {
    let first = started(store, 1).await;
    complete(store, &first, 60).await;
    settle(store, first.connection, 0).await;
    assert_due(store, DECODER + 1, &[first.connection]).await;
    assert_due(store, DECODER - 1, &[]).await;
    let older = store.settle_replay(first.connection, 0, DECODER - 1).await;
    older.expect("settled");
    assert_due(store, DECODER, &[]).await;
}

pub async fn a_replay_stays_due_while_a_run_is_under_way(store: &dyn Store) {
    let first = started(store, 1).await;
    let version = map(store, first.connection, &phone_from("Durchwahl")).await;
    // It would have to be done again.
    assert_due(store, DECODER, &[]).await;
    settle(store, first.connection, version).await;
    complete(store, &first, 60).await;
    assert_due(store, DECODER, &[first.connection]).await;
    settle(store, first.connection, version).await;
    assert_due(store, DECODER, &[]).await;
}

fn member(key: &str, fields: &[(&str, &str)]) -> Record {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    Record::User(Box::new(User {
        community_user_id: key.into(),
        username: format!("name of {key}"),
        profile_fields: fields.collect::<BTreeMap<String, String>>(),
        ..User::default()
    }))
}

pub async fn profile_fields_are_counted(store: &dyn Store) {
    let (first, other) = (started(store, 1).await, started(store, 2).await);
    let members = vec![
        member("1", &[("Phone", "1"), ("Say \"hi\" \\ é", "x")]),
        member("2", &[("Phone", "2"), ("Blank", "  ")]),
        member("3", &[]),
    ];
    let commit = page_of(first.connection, Stream::Users, members.clone());
    store.commit_page(&first.lease, &commit).await.expect("a page");
    let commit = page_of(other.connection, Stream::Users, members);
    store.commit_page(&other.lease, &commit).await.expect("a page");
    let counted = |name: &str, members| ProfileFieldCount {
        name: name.into(),
        members,
    };
    let fields = store.profile_fields(first.connection, 10).await.expect("fields");
    assert_eq!(fields, [counted("Phone", 2), counted("Say \"hi\" \\ é", 1)]);
    let fields = store.profile_fields(first.connection, 1).await.expect("fields");
    assert_eq!(fields, [counted("Phone", 2)]);
}

/// With every mapped column filled by one value.
fn remapped(stored: &StoredMember, value: &str) -> RemappedMember {
    let text = || Some(format!("{value} \"of\" {}", stored.user.community_user_id));
    let user = User {
        phone: text(),
        first_name: text(),
        last_name: text(),
        company_custom: text(),
        department: text(),
        title: None,
        ..stored.user.clone()
    };
    RemappedMember {
        hash: hash(&Record::User(Box::new(user.clone()))),
        before: stored.hash,
        user,
    }
}

async fn members(store: &dyn Store, of: ConnectionId) -> Vec<StoredMember> {
    let mut members = Vec::new();
    loop {
        let after = members
            .last()
            .map(|last: &StoredMember| last.user.community_user_id.clone());
        let page = store.members(of, after.as_deref(), 2).await.expect("members");
        if page.is_empty() {
            return members;
        }
        members.extend(page);
    }
}

async fn remap(store: &dyn Store, of: ConnectionId, members: &[RemappedMember]) -> u64 {
    store.remap_members(of, members).await.expect("an answer")
}

pub async fn members_are_remapped_unless_a_run_has_changed_them(store: &dyn Store) {
    let (first, other) = (started(store, 1).await, started(store, 2).await);
    let of = first.connection;
    for of in [&first, &other] {
        let members = ["1", "2", "3"].map(|key| version(Stream::Users, key, 0));
        commit(store, &of.lease, of.connection, Stream::Users, members.to_vec()).await;
    }
    delete_user(store, &first, "3").await;
    let before = members(store, of).await;
    let changed = version(Stream::Users, "2", 7);
    commit(store, &first.lease, of, Stream::Users, vec![changed.clone()]).await;

    let new: Vec<_> = before.iter().map(|member| remapped(member, "new")).collect();
    let written = [
        remap(store, of, &new).await,
        remap(store, of, &new).await,
        remap(store, of, &[]).await,
    ];
    assert_eq!(written, [2, 0, 0]);
    let after = members(store, of).await;
    let expected = [
        (Record::User(Box::new(new[0].user.clone())), new[0].hash),
        (changed.clone(), hash(&changed)),
        (Record::User(Box::new(new[2].user.clone())), new[2].hash),
    ];
    let after = after
        .into_iter()
        .map(|member| (Record::User(Box::new(member.user)), member.hash));
    assert_eq!(after.collect::<Vec<_>>(), expected);
    assert_eq!(members(store, other.connection).await, before, "another tenant's");
}

pub async fn the_next_sync_finds_members_as_they_were_remapped(store: &dyn Store) {
    let first = started(store, 1).await;
    let of = first.connection;
    let users = ["1", "2"].map(|key| version(Stream::Users, key, 0));
    commit(store, &first.lease, of, Stream::Users, users.to_vec()).await;
    delete_user(store, &first, "2").await;
    let new: Vec<_> = members(store, of)
        .await
        .iter()
        .map(|member| remapped(member, "new"))
        .collect();
    remap(store, of, &new).await;
    assert_eq!(
        stored(store, of, Stream::Users).await.len(),
        1,
        "what is deleted stays so"
    );
    let again = vec![Record::User(Box::new(new[0].user.clone()))];
    let again = page_of(of, Stream::Users, again);
    let again = store.commit_page(&first.lease, &again).await.expect("a page");
    assert_eq!((again.updated, again.unchanged), (0, 1));
}

async fn delete_user(store: &dyn Store, of: &Started, key: &str) {
    let deletion = Deletion {
        connection_id: of.connection,
        stream: Stream::Users,
        keys: vec![key.into()],
        requests: 0,
        checkpoint: "marked".into(),
        at: at(20),
    };
    store.mark_deleted(&of.lease, &deletion).await.expect("marked");
}

/// Sets records aside; their numbers, newest first.
async fn set_aside(
    store: &dyn Store,
    of: &Started,
    stream: Stream,
    records: Vec<InvalidRecord>,
) -> Vec<SetAside> {
    let commit = PageCommit {
        found: records.len() as u64,
        invalid: records,
        ..page(of.connection, stream)
    };
    store.commit_page(&of.lease, &commit).await.expect("a page");
    let all = store.set_aside(of.lease.run_id, stream, None, 1_000).await;
    all.expect("what is set aside")
}

fn odd(stream: Stream, number: u32) -> InvalidRecord {
    invalid_record(stream, InvalidReason::UnreadableTime, number)
}

fn three(stream: Stream) -> Vec<InvalidRecord> {
    vec![odd(stream, 1), odd(stream, 2), odd(stream, 3)]
}

fn replay_of(of: &Started, stream: Stream, read: Vec<(i64, Record)>) -> Replay {
    Replay {
        connection_id: of.connection,
        run_id: of.lease.run_id,
        stream,
        read: read.into_iter().map(|(id, record)| (id, row(record))).collect(),
        still_invalid: Vec::new(),
        at: at(900),
    }
}

async fn replay(store: &dyn Store, of: &Started, stream: Stream, read: Vec<(i64, Record)>) -> ReplayOutcome {
    store
        .replay(&replay_of(of, stream, read))
        .await
        .expect("a replay")
}

const STORED: ReplayOutcome = ReplayOutcome {
    stored: 1,
    known: 0,
    outdated: 0,
};
const KNOWN: ReplayOutcome = ReplayOutcome {
    stored: 0,
    known: 1,
    outdated: 0,
};
const OUTDATED: ReplayOutcome = ReplayOutcome {
    stored: 0,
    known: 0,
    outdated: 1,
};

async fn repaired(store: &dyn Store, of: RunId) -> u64 {
    let groups = store.invalid_groups(of).await.expect("groups");
    groups.iter().map(|group| group.repaired).sum()
}

pub async fn what_can_be_read_now_is_stored_as_its_run_would_have(store: &dyn Store) {
    let first = started(store, 1).await;
    let other = started(store, 2).await;
    for stream in Stream::ALL {
        let aside = set_aside(store, &first, stream, three(stream)).await;
        set_aside(store, &other, stream, three(stream)).await;
        let before = run(store, first.lease.run_id).await;
        let record = version(stream, "7", 0);
        let read = vec![
            (aside[0].id, record.clone()),
            (aside[1].id, version(stream, "7", 9)),
        ];
        let outcome = replay(store, &first, stream, read).await;
        let expected = ReplayOutcome { known: 1, ..STORED };
        assert_eq!(outcome, expected, "{stream}: of one key the newest counts");
        assert_eq!(
            run(store, first.lease.run_id).await,
            before,
            "the ledger is history"
        );
        assert_stored_once(store, &first, stream, record).await;
    }
    assert_eq!(repaired(store, other.lease.run_id).await, 0);
    assert!(store.rebuild_due_trends(first.connection).await.expect("trends") > 0);
}

/// It stands, counts, and the next page finds it as it is.
async fn assert_stored_once(store: &dyn Store, of: &Started, stream: Stream, record: Record) {
    let records = vec![record];
    assert_eq!(stored(store, of.connection, stream).await, records);
    let count = store.stored_count(of.connection, stream).await;
    let next = page_of(of.connection, stream, records);
    let next = store.commit_page(&of.lease, &next).await.expect("a page");
    let counts = (count.expect("a count"), next.new, next.updated, next.unchanged);
    assert_eq!(counts, (1, 0, 0, 1), "{stream}");
}

pub async fn a_record_is_repaired_once_and_says_when(store: &dyn Store) {
    let first = started(store, 1).await;
    let of_run = first.lease.run_id;
    for stream in Stream::ALL {
        let aside = set_aside(store, &first, stream, three(stream)).await;
        let kept: Vec<_> = aside.iter().rev().map(|one| one.record.clone()).collect();
        assert_eq!(kept, three(stream), "{stream}");
        let page = store.set_aside(of_run, stream, Some(aside[0].id), 1).await;
        assert_eq!(page.expect("a page"), aside[1..2], "{stream}");

        let read = |key| vec![(aside[1].id, version(stream, key, 0))];
        assert_eq!(replay(store, &first, stream, read("7")).await, STORED, "{stream}");
        let again = replay(store, &first, stream, read("8")).await;
        assert_eq!(
            again,
            ReplayOutcome::default(),
            "{stream}: it is repaired already"
        );
        assert_marked(store, of_run, stream, [None, Some(at(900)), None]).await;
    }
    assert_eq!(repaired(store, of_run).await, 6);
    let runs = store.runs_with_set_aside(first.connection).await;
    assert_eq!(runs.expect("runs"), [of_run]);
}

async fn assert_marked(store: &dyn Store, of: RunId, stream: Stream, marks: [Option<DateTime<Utc>>; 3]) {
    let group = Some((stream, InvalidReason::UnreadableTime));
    let listed = store
        .invalid_records(of, group, 0, 10)
        .await
        .expect("a page")
        .records;
    let listed: Vec<_> = listed.iter().map(|record| record.repaired_at).collect();
    assert_eq!(listed, marks, "{stream}");
    let left = store.set_aside(of, stream, None, 10).await.expect("the rest");
    let open = marks.iter().filter(|mark| mark.is_none()).count();
    assert_eq!(left.len(), open, "{stream}");
}

pub async fn a_topic_that_is_repaired_awaits_its_replies(store: &dyn Store) {
    let first = started(store, 1).await;
    let aside = set_aside(store, &first, Stream::Topics, vec![odd(Stream::Topics, 1)]).await;
    replay(
        store,
        &first,
        Stream::Topics,
        vec![(aside[0].id, topic("41", 3, 5))],
    )
    .await;
    let due = store.topics_awaiting_replies(first.connection, None, 10).await;
    let due: Vec<_> = due
        .expect("topics")
        .into_iter()
        .map(|topic| topic.public_id)
        .collect();
    assert_eq!(due, ["41"]);
}

pub async fn a_record_that_is_still_invalid_has_its_newest_reason(store: &dyn Store) {
    let first = started(store, 1).await;
    let of_run = first.lease.run_id;
    let aside = set_aside(
        store,
        &first,
        Stream::Users,
        vec![odd(Stream::Users, 1), odd(Stream::Users, 2)],
    )
    .await;
    let newest = InvalidRecord {
        reason: InvalidReason::TooLarge,
        name: "user \"2\"".into(),
        message: "it's too long".into(),
        ..aside[0].record.clone()
    };
    let still = SetAside {
        id: aside[0].id,
        record: newest.clone(),
    };
    let replay = Replay {
        still_invalid: vec![still],
        ..replay_of(&first, Stream::Users, Vec::new())
    };
    assert_eq!(
        store.replay(&replay).await.expect("a replay"),
        ReplayOutcome::default()
    );
    let left = store
        .set_aside(of_run, Stream::Users, None, 10)
        .await
        .expect("the rest");
    assert_eq!(left[0].record, newest);
    assert_eq!(left[1], aside[1]);
    assert_eq!(repaired(store, of_run).await, 0);
}

/// The run after: queued when the one before is over.
async fn next(store: &dyn Store, number: u128, of: ConnectionId, extent: Extent, seconds: i64) -> Started {
    let claimed = next_run(store, number, of, extent, seconds).await;
    Started {
        connection: of,
        lease: claimed.lease,
    }
}

async fn commit(store: &dyn Store, lease: &Lease, of: ConnectionId, stream: Stream, records: Vec<Record>) {
    let commit = page_of(of, stream, records);
    store.commit_page(lease, &commit).await.expect("a page");
}

async fn try_user(store: &dyn Store, of: &Started, set_aside: &SetAside, record: Record) -> ReplayOutcome {
    replay(store, of, Stream::Users, vec![(set_aside.id, record)]).await
}

fn user(key: &str, number: u64) -> Record {
    version(Stream::Users, key, number)
}

pub async fn a_payload_replaces_what_an_earlier_run_stored(store: &dyn Store) {
    let first = started(store, 1).await;
    let of = first.connection;
    commit(store, &first.lease, of, Stream::Users, vec![user("older", 0)]).await;
    complete(store, &first, 60).await;
    let second = next(store, 2, of, INCREMENTAL, 100).await;
    let aside = set_aside(store, &second, Stream::Users, three(Stream::Users)).await;
    commit(store, &second.lease, of, Stream::Users, vec![user("same run", 1)]).await;
    let outcomes = [
        try_user(store, &second, &aside[0], user("older", 5)).await,
        try_user(store, &second, &aside[1], user("same run", 5)).await,
    ];
    assert_eq!(outcomes, [STORED, KNOWN]);
    let standing = stored(store, of, Stream::Users).await;
    assert_eq!(standing, [user("older", 5), user("same run", 1)]);
}

pub async fn an_older_payload_never_replaces_newer_data(store: &dyn Store) {
    let first = started(store, 1).await;
    let of = first.connection;
    commit(store, &first.lease, of, Stream::Users, vec![user("unmoved", 0)]).await;
    complete(store, &first, 60).await;
    let second = next(store, 2, of, INCREMENTAL, 100).await;
    let aside = (0..8).map(|number| odd(Stream::Users, number)).collect();
    let aside = set_aside(store, &second, Stream::Users, aside).await;
    complete(store, &second, 160).await;
    let third = next(store, 3, of, INCREMENTAL, 200).await;
    let later = vec![user("later run", 8), user("gone", 8), user("unmoved", 0)];
    commit(store, &third.lease, of, Stream::Users, later).await;
    delete_user(store, &third, "gone").await;

    let before = stored(store, of, Stream::Users).await;
    for (place, record, expected) in [
        (0, user("later run", 5), KNOWN),
        (1, user("gone", 5), OUTDATED),
        // Seen by the later run, which left no trace.
        (2, user("unmoved", 5), OUTDATED),
        // Just as it is stored.
        (3, user("unmoved", 0), KNOWN),
    ] {
        let outcome = try_user(store, &second, &aside[place], record.clone()).await;
        assert_eq!(outcome, expected, "{record:?}");
    }
    assert_eq!(stored(store, of, Stream::Users).await, before);
    // An incremental run shows nothing of what it does not read.
    let missing = try_user(store, &second, &aside[4], user("missing", 5)).await;
    assert_eq!((missing, repaired(store, second.lease.run_id).await), (STORED, 3));
}

pub async fn a_record_that_a_later_full_pass_has_not_met_is_not_brought_back(store: &dyn Store) {
    let first = started(store, 1).await;
    let of = first.connection;
    let mut aside = BTreeMap::new();
    for stream in Stream::ALL {
        aside.insert(stream, set_aside(store, &first, stream, three(stream)).await);
    }
    complete(store, &first, 60).await;
    let outcomes = async |place: usize| {
        let mut stored = Vec::new();
        for stream in Stream::ALL {
            let read = vec![(aside[&stream][place].id, version(stream, &format!("n{place}"), 0))];
            if replay(store, &first, stream, read).await == STORED {
                stored.push(stream);
            }
        }
        stored
    };
    let second = next(store, 2, of, INCREMENTAL, 100).await;
    complete(store, &second, 160).await;
    let selective = [Stream::Users, Stream::Topics, Stream::Replies, Stream::Activity];
    assert_eq!(
        outcomes(0).await,
        selective,
        "statuses and categories are read whole each time"
    );

    let third = next(store, 3, of, FULL, 200).await;
    end_streams(store, &third, &Stream::ALL).await;
    store
        .finish(&third.lease, &finish_as(RunState::Failed, 260))
        .await
        .expect("the end");
    assert_eq!(outcomes(1).await, selective, "a pass that failed shows nothing");

    let lease = start_run(store, 4, of, 100_000).await;
    let fourth = Started {
        connection: of,
        lease,
    };
    complete(store, &fourth, 100_060).await;
    assert_eq!(
        outcomes(2).await,
        [Stream::Replies],
        "only topics that moved had theirs read"
    );
}
