//! Watermarks, what lies before them, and which runs are full.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, Extent, Ledger, Mode, RunState, Stream,
    record::{Activity, Content, Record, User},
};

use super::{
    fixtures::{
        FULL, INCREMENTAL, Started, add_connection, at, claim_request, complete, end_streams, finish_as,
        next_run, page_of, run,
    },
    records::{plain, topic},
};
use crate::{ClaimRequest, ClaimedRun, Lease, PageCommit, Store};

/// Only what is told matters; other streams have no watermark.
fn known(of: &[(Stream, i64)]) -> BTreeMap<Stream, DateTime<Utc>> {
    of.iter()
        .map(|(stream, seconds)| (*stream, at(*seconds)))
        .collect()
}

async fn see(store: &dyn Store, lease: &Lease, connection: ConnectionId, stream: Stream, seconds: i64) {
    let commit = PageCommit {
        watermark: Some(at(seconds)),
        ..page_of(connection, stream, Vec::new())
    };
    store.commit_page(lease, &commit).await.expect("a page");
}

/// A run that sees these times and ends so.
async fn run_that_sees(
    store: &dyn Store,
    number: u128,
    connection: ConnectionId,
    extent: Extent,
    seen: &[(Stream, i64)],
    state: RunState,
) -> ClaimedRun {
    let seconds = i64::try_from(number).expect("a small number") * 1_000;
    let claimed = next_run(store, number, connection, extent, seconds).await;
    for (stream, seconds) in seen {
        see(store, &claimed.lease, connection, *stream, *seconds).await;
    }
    let started = Started {
        connection,
        lease: claimed.lease.clone(),
    };
    end_streams(store, &started, &Stream::ALL).await;
    store
        .finish(&claimed.lease, &finish_as(state, seconds + 100))
        .await
        .expect("an end");
    claimed
}

pub async fn a_success_moves_the_watermarks_to_what_it_saw(store: &dyn Store) {
    use Stream::{Activity, Topics, Users};
    let connection = add_connection(store, 1).await;
    let other = add_connection(store, 2).await;
    let (done, failed) = (RunState::Completed, RunState::Failed);
    // Number, extent, what the run sees, how it ends; and the watermarks that the next incremental run starts from.
    let runs = [
        (1, INCREMENTAL, &[(Users, 500)][..], failed, &[][..]),
        (
            2,
            FULL,
            &[(Users, 50), (Users, 40), (Topics, 70)],
            done,
            &[(Users, 50), (Topics, 70)],
        ),
        (
            3,
            INCREMENTAL,
            &[(Users, 60), (Topics, 20)],
            done,
            &[(Users, 60), (Topics, 70)],
        ),
        (
            4,
            INCREMENTAL,
            &[(Users, 90)],
            RunState::Cancelled,
            &[(Users, 60), (Topics, 70)],
        ),
        (5, INCREMENTAL, &[], done, &[(Users, 60), (Topics, 70)]),
        (6, FULL, &[(Users, 30)], done, &[(Users, 30), (Topics, 70)]),
        (
            7,
            FULL,
            &[(Activity, 99_000_000)],
            done,
            &[(Users, 30), (Topics, 70), (Activity, 7_001)],
        ),
    ];
    let mut before = known(&[]);
    for (number, extent, seen, state, after) in runs {
        let claimed = run_that_sees(store, number, connection, extent, seen, state).await;
        let expected = if extent == FULL { known(&[]) } else { before };
        assert_eq!(claimed.watermarks, expected, "run {number}");
        before = known(after);
    }
    let claimed = next_run(store, 8, connection, INCREMENTAL, 8_000).await;
    assert_eq!(claimed.watermarks, before, "never beyond the run's own start");
    let stranger = next_run(store, 9, other, INCREMENTAL, 8_000).await;
    assert_eq!(stranger.watermarks, known(&[]));
}

pub async fn a_run_that_is_taken_up_again_starts_from_the_same_watermarks(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let seen = [(Stream::Users, 50)];
    run_that_sees(store, 1, connection, FULL, &seen, RunState::Completed).await;
    let first = next_run(store, 2, connection, INCREMENTAL, 2_000).await;
    see(store, &first.lease, connection, Stream::Users, 1_500).await;
    let request = ClaimRequest {
        only: Some(first.run.id),
        ..claim_request(at(2_100))
    };
    let again = store.claim(&request).await.expect("an answer").expect("the run");
    assert_eq!(again.watermarks, known(&seen));
    assert_eq!(again.watermarks, first.watermarks);
}

fn own_time(stream: Stream, key: &str, seconds: i64) -> Record {
    let time = at(seconds);
    let key = key.to_owned();
    match stream {
        Stream::Users => Record::User(Box::new(User {
            community_user_id: key,
            joined_at: time,
            ..User::default()
        })),
        Stream::Topics => Record::Content(Box::new(Content {
            public_id: key,
            posted_at: time,
            ..Content::default()
        })),
        _ => Record::Activity(Activity {
            event_id: key,
            occurred_at: time,
            ..Activity::default()
        }),
    }
}

pub async fn new_rows_from_before_the_watermark_are_late(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let streams = [Stream::Users, Stream::Topics, Stream::Activity];
    let seen = streams.map(|stream| (stream, 50));
    run_that_sees(store, 1, connection, FULL, &seen, RunState::Completed).await;
    for (number, extent, late) in [(2, INCREMENTAL, 2), (3, FULL, 0)] {
        let claimed = next_run(
            store,
            number,
            connection,
            extent,
            i64::try_from(number).unwrap_or(0) * 1_000,
        )
        .await;
        for stream in streams {
            let key = |name: &str| format!("{name} {number}");
            let mut rows = vec![
                own_time(stream, &key("early"), 10),
                own_time(stream, &key("just before"), 49),
                own_time(stream, &key("at"), 50),
                own_time(stream, &key("after"), 60),
            ];
            let commit = page_of(connection, stream, rows.clone());
            store.commit_page(&claimed.lease, &commit).await.expect("a page");
            // Known by now, so neither new nor late.
            rows.truncate(1);
            let commit = page_of(connection, stream, rows);
            store.commit_page(&claimed.lease, &commit).await.expect("a page");
            let ledger = ledger_of(store, &claimed, stream).await;
            assert_eq!((ledger.new, ledger.late), (4, late), "{stream}");
        }
        // What has no time of its own, or no watermark, is never late.
        for stream in [Stream::Categories, Stream::Replies] {
            let commit = page_of(connection, stream, vec![plain(stream, "1")]);
            store.commit_page(&claimed.lease, &commit).await.expect("a page");
            assert_eq!(ledger_of(store, &claimed, stream).await.late, 0);
        }
        let started = Started {
            connection,
            lease: claimed.lease,
        };
        complete(store, &started, 9_000).await;
    }
}

async fn ledger_of(store: &dyn Store, claimed: &ClaimedRun, stream: Stream) -> Ledger {
    let run = run(store, claimed.run.id).await;
    let of_stream = run.streams.into_iter().find(|found| found.stream == stream);
    of_stream.expect("the stream").ledger
}

pub async fn successes_are_counted_since_the_last_full_one(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let other = add_connection(store, 2).await;
    let (done, amber) = (RunState::Completed, RunState::CompletedWithInvalid);
    let runs = [
        (INCREMENTAL, done, None),
        (FULL, RunState::Failed, None),
        (FULL, RunState::Cancelled, None),
        (FULL, amber, Some(0)),
        (INCREMENTAL, amber, Some(1)),
        (INCREMENTAL, RunState::Failed, Some(1)),
        (INCREMENTAL, done, Some(2)),
        (FULL, RunState::Cancelled, Some(2)),
        (FULL, done, Some(0)),
    ];
    for (number, (extent, state, expected)) in (1..).zip(runs) {
        run_that_sees(store, number, connection, extent, &[], state).await;
        let counted = store.successes_since_full(connection).await.expect("an answer");
        assert_eq!(counted, expected, "run {number}");
    }
    let counted = store.successes_since_full(other).await.expect("an answer");
    assert_eq!(counted, None);
}

pub async fn a_run_may_read_all_replies_again(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let other = add_connection(store, 2).await;
    let topics = vec![topic("busy", 2, 1), topic("idle", 1, 1), topic("quiet", 0, 1)];
    let everything = Extent {
        mode: Mode::Full,
        all_replies: true,
    };
    for (number, of, extent) in [
        (1, connection, FULL),
        (2, other, FULL),
        (3, connection, everything),
    ] {
        let seconds = i64::try_from(number).unwrap_or(0) * 1_000;
        let lease = next_run(store, number, of, extent, seconds).await.lease;
        let commit = page_of(of, Stream::Topics, topics.clone());
        store.commit_page(&lease, &commit).await.expect("a page");
        let started = Started {
            connection: of,
            lease,
        };
        let due = || async {
            let topics = store
                .topics_awaiting_replies(of, None, 10)
                .await
                .expect("an answer");
            topics
                .into_iter()
                .map(|topic| topic.public_id)
                .collect::<Vec<_>>()
        };
        let before = due().await;
        end_streams(store, &started, &[Stream::Topics]).await;
        let expected = if number == 3 {
            Vec::new()
        } else {
            vec!["busy".to_owned(), "idle".into()]
        };
        assert_eq!(before, expected, "run {number}");
        assert_eq!(due().await, ["busy", "idle"], "run {number}");
        let read = PageCommit {
            replies_read: vec!["busy".into(), "idle".into()],
            ..page_of(of, Stream::Replies, Vec::new())
        };
        store.commit_page(&started.lease, &read).await.expect("a page");
        complete(store, &started, seconds + 500).await;
    }
    let due = store.topics_awaiting_replies(other, None, 10).await;
    assert_eq!(due.expect("an answer"), [], "another tenant's stay as they are");
}
