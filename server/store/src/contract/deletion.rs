//! Rows that the provider has no more.

use domain::{
    ActivitySource, ConnectionId, Ledger, RunId, RunState, Stream,
    record::{Content, ContentKind, Record},
};

use super::{
    accounts::operator,
    fixtures::{FULL, Started, assert_lost, at, finish_as, next_run, page_of, run, started, stored},
    records::{plain, topic, version},
};
use crate::{Deletion, Lease, PageCommit, PageOutcome, Store, StreamEnd};

fn deletion(of: ConnectionId, stream: Stream, keys: &[&str]) -> Deletion {
    Deletion {
        connection_id: of,
        stream,
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        requests: 2,
        checkpoint: "marked".into(),
        at: at(40),
    }
}

async fn mark(store: &dyn Store, started: &Started, stream: Stream, keys: &[&str]) {
    let marked = store
        .mark_deleted(&started.lease, &deletion(started.connection, stream, keys))
        .await;
    assert_eq!(marked.expect("marked"), PageOutcome::default());
}

async fn commit(
    store: &dyn Store,
    lease: &Lease,
    of: ConnectionId,
    stream: Stream,
    records: Vec<Record>,
) -> PageOutcome {
    let commit = page_of(of, stream, records);
    store.commit_page(lease, &commit).await.expect("a page")
}

async fn keys_of_pass(store: &dyn Store, of: RunId, stream: Stream) -> Vec<String> {
    let (mut keys, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store
            .keys_of_pass(of, stream, after.as_deref(), 2)
            .await
            .expect("keys");
        let Some(last) = page.last() else { return keys };
        after = Some(last.clone());
        keys.extend(page);
    }
}

async fn ledger(store: &dyn Store, started: &Started, stream: Stream) -> Ledger {
    let run = run(store, started.lease.run_id).await;
    let of_stream = run.streams.into_iter().find(|found| found.stream == stream);
    of_stream.expect("the stream").ledger
}

pub async fn rows_that_are_gone_are_marked_and_may_come_back(store: &dyn Store) {
    let first = started(store, 1).await;
    let other = started(store, 2).await;
    for stream in Stream::ALL {
        let records = ["1", "2", "3"].map(|key| version(stream, key, 0));
        for of in [&first, &other] {
            commit(store, &of.lease, of.connection, stream, records.to_vec()).await;
        }
        for _ in 0..2 {
            // The second time there is nothing left to mark.
            mark(store, &first, stream, &["1", "3", "never stored"]).await;
            assert_kept(store, first.connection, stream, &records[1..2]).await;
            let ledger = ledger(store, &first, stream).await;
            let counted = (ledger.deleted, ledger.found, ledger.check());
            assert_eq!(counted, (2, 3, Ok(())), "{stream}");
        }
        assert_kept(store, other.connection, stream, &records).await;
        assert_one_by_one(store, &first, stream).await;

        let back = vec![version(stream, "1", 0)];
        let back = commit(store, &first.lease, first.connection, stream, back).await;
        assert_eq!((back.new, back.updated, back.unchanged), (0, 1, 0), "{stream}");
        assert_kept(store, first.connection, stream, &records[..2]).await;
    }
    let after = run(store, first.lease.run_id).await;
    assert_eq!(after.requests, 6 * (1 + 2 * 2 + 1));
}

async fn assert_kept(store: &dyn Store, of: ConnectionId, stream: Stream, records: &[Record]) {
    assert_eq!(stored(store, of, stream).await, records, "{stream}");
    let count = store.stored_count(of, stream).await.expect("a count");
    assert_eq!(count, records.len() as u64, "{stream}");
}

/// The second of three records is there, the first is deleted.
async fn assert_one_by_one(store: &dyn Store, started: &Started, stream: Stream) {
    for (key, there) in [("1", false), ("2", true), ("9", false)] {
        let record = store
            .record(started.connection, stream, key)
            .await
            .expect("an answer");
        assert_eq!(record, there.then(|| version(stream, key, 0)), "{stream} {key}");
    }
    let keys = keys_of_pass(store, started.lease.run_id, stream).await;
    let expected: &[&str] = if stream == Stream::Replies { &[] } else { &["2"] };
    assert_eq!(keys, expected, "{stream}");
}

pub async fn a_lost_lease_marks_nothing(store: &dyn Store) {
    let first = started(store, 1).await;
    commit(
        store,
        &first.lease,
        first.connection,
        Stream::Users,
        vec![plain(Stream::Users, "1")],
    )
    .await;
    let stale = Lease {
        fencing_token: first.lease.fencing_token - 1,
        ..first.lease.clone()
    };
    let gone = deletion(first.connection, Stream::Users, &["1"]);
    assert_lost(store.mark_deleted(&stale, &gone).await);
    assert_eq!(stored(store, first.connection, Stream::Users).await.len(), 1);
    assert_eq!(ledger(store, &first, Stream::Users).await.deleted, 0);
    store
        .deactivate(first.connection, &operator(30))
        .await
        .expect("deactivated");
    let marked = store.mark_deleted(&first.lease, &gone).await.expect("marked");
    assert!(marked.stop_requested, "it stops at this boundary, too");
}

fn reply(key: &str, topic: &str) -> Record {
    Record::Content(Box::new(Content {
        kind: ContentKind::Reply,
        public_id: key.into(),
        topic_public_id: Some(topic.into()),
        ..Content::default()
    }))
}

pub async fn replies_go_with_their_topic_and_are_read_again_when_it_comes_back(store: &dyn Store) {
    let started = started(store, 1).await;
    let (lease, of) = (&started.lease, started.connection);
    commit(
        store,
        lease,
        of,
        Stream::Topics,
        vec![topic("a", 2, 1), topic("b", 1, 1)],
    )
    .await;
    // A reply may bear the id of a topic.
    let replies = vec![reply("a", "b"), reply("r1", "a"), reply("r2", "a")];
    let read = PageCommit {
        replies_read: vec!["a".into(), "b".into()],
        ..page_of(of, Stream::Replies, replies.clone())
    };
    store.commit_page(lease, &read).await.expect("a page");
    mark(store, &started, Stream::Topics, &["a"]).await;
    assert_eq!(stored(store, of, Stream::Topics).await, [topic("b", 1, 1)]);
    assert_eq!(stored(store, of, Stream::Replies).await, replies[..1]);
    let deleted = [Stream::Topics, Stream::Replies].map(|stream| ledger(store, &started, stream));
    let [topics, replies_of] = futures_util::future::join_all(deleted)
        .await
        .try_into()
        .expect("two");
    assert_eq!((topics.deleted, replies_of.deleted), (1, 2));
    assert_eq!(store.stored_count(of, Stream::Replies).await.expect("a count"), 1);

    commit(store, lease, of, Stream::Topics, vec![topic("a", 2, 1)]).await;
    let due = store.topics_awaiting_replies(of, None, 10).await.expect("topics");
    assert_eq!(
        due.len(),
        1,
        "its replies are deleted, so they have to be read again"
    );
}

pub async fn of_replies_only_those_of_topics_that_were_read_in_the_pass_are_looked_for(store: &dyn Store) {
    let first = started(store, 1).await;
    let of = first.connection;
    let replies = vec![
        reply("r1", "a"),
        reply("r2", "a"),
        reply("r3", "b"),
        reply("r4", "c"),
    ];
    commit(
        store,
        &first.lease,
        of,
        Stream::Topics,
        vec![topic("a", 2, 1), topic("b", 1, 1)],
    )
    .await;
    let read = |topic: &str| PageCommit {
        replies_read: vec![topic.into()],
        end: Some(StreamEnd {
            at: at(20),
            source: ActivitySource::Api,
        }),
        ..page_of(of, Stream::Replies, Vec::new())
    };
    commit(store, &first.lease, of, Stream::Replies, replies).await;
    store.commit_page(&first.lease, &read("a")).await.expect("a page");
    assert_eq!(
        keys_of_pass(store, first.lease.run_id, Stream::Replies).await,
        ["r1", "r2"]
    );
    store
        .finish(&first.lease, &finish_as(RunState::Failed, 60))
        .await
        .expect("an end");

    let second = next_run(store, 2, of, FULL, 100).await;
    assert!(second.run.resumed_from.is_some());
    store
        .commit_page(&second.lease, &read("b"))
        .await
        .expect("a page");
    let both = keys_of_pass(store, second.run.id, Stream::Replies).await;
    assert_eq!(both, ["r1", "r2", "r3"], "it is the same pass");
    store
        .finish(&second.lease, &finish_as(RunState::Cancelled, 160))
        .await
        .expect("an end");

    let third = next_run(store, 3, of, FULL, 200).await;
    assert_eq!(
        keys_of_pass(store, third.run.id, Stream::Replies).await,
        Vec::<String>::new()
    );
    assert_eq!(
        keys_of_pass(store, third.run.id, Stream::Topics).await,
        ["a", "b"]
    );
}
