//! The run after a failed one.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{ActivitySource, Cause, CauseCode, ConnectionId, Extent, Ledger, Mode, Run, RunState, Stream};

use super::{
    accounts::operator,
    fixtures::{
        FULL, INCREMENTAL, Started, add_connection, at, claim_request, complete, end_streams, enqueue,
        finish_as, new_run, next_run, page_of, run, run_id,
    },
    records::{plain, topic},
};
use crate::{ClaimRequest, ClaimedRun, Enqueued, Finish, Lease, NewRun, PageCommit, Store, StreamEnd};

const EVERYTHING: Extent = Extent {
    mode: Mode::Full,
    all_replies: true,
};
/// When the failed runs of these stories ended.
const FAILED_S: i64 = 500;

/// A run that read the members to their end and topics in part, and failed.
async fn failed(store: &dyn Store, number: u128, connection: ConnectionId, extent: Extent, code: CauseCode) {
    let lease = next_run(store, number, connection, extent, 10).await.lease;
    read_a_part(store, &lease, connection).await;
    fail(store, &lease, code, FAILED_S).await;
}

async fn read_a_part(store: &dyn Store, lease: &Lease, connection: ConnectionId) {
    let members = PageCommit {
        seen: vec![1],
        watermark: Some(at(5)),
        end: Some(StreamEnd {
            at: at(20),
            source: ActivitySource::Import,
        }),
        ..page_of(connection, Stream::Users, vec![plain(Stream::Users, "1")])
    };
    let topics = PageCommit {
        seen: vec![2, 3],
        watermark: Some(at(7)),
        checkpoint: "after the first page 🐙".into(),
        ..page_of(connection, Stream::Topics, vec![topic("1", 0, 1)])
    };
    for commit in [members, topics] {
        store.commit_page(lease, &commit).await.expect("a page");
    }
}

async fn fail(store: &dyn Store, lease: &Lease, code: CauseCode, seconds: i64) {
    let finish = Finish {
        cause: Some(Cause::new(code, "tenant-1", "It broke off.")),
        ..finish_as(RunState::Failed, seconds)
    };
    store.finish(lease, &finish).await.expect("an end");
}

async fn seen(store: &dyn Store, of: &ClaimedRun, stream: Stream) -> Vec<Vec<u8>> {
    store.seen(of.run.id, stream).await.expect("an answer")
}

fn assert_goes_on(claimed: &ClaimedRun, from: u128) {
    assert_eq!(claimed.run.resumed_from, Some(run_id(from)));
    assert_eq!(
        claimed.run.mode,
        Mode::Full,
        "it reads what the failed one was to read"
    );
    assert_eq!(claimed.checkpoint.as_deref(), Some("after the first page 🐙"));
    assert_eq!(claimed.run.attempts, 1);
    for stream in &claimed.run.streams {
        assert_eq!(stream.ledger, Ledger::default(), "its own books begin empty");
        let (read, source) = match stream.stream {
            Stream::Users => (Some(at(20)), ActivitySource::Import),
            _ => (None, ActivitySource::Api),
        };
        assert_eq!(
            (stream.finished_at, stream.source),
            (read, source),
            "{}",
            stream.stream
        );
    }
}

pub async fn the_run_after_a_failed_one_goes_on_from_its_last_page(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    failed(store, 1, connection, FULL, CauseCode::ProviderUnavailable).await;
    let before = run(store, run_id(1)).await;
    let second = next_run(store, 2, connection, INCREMENTAL, 600).await;
    assert_goes_on(&second, 1);
    assert_eq!(seen(store, &second, Stream::Topics).await, [vec![2, 3]]);

    // It fails before its first page, so the third begins where it did.
    fail(store, &second.lease, CauseCode::Throttled, 700).await;
    let third = next_run(store, 3, connection, INCREMENTAL, 800).await;
    assert_goes_on(&third, 2);
    assert_eq!(seen(store, &third, Stream::Topics).await, [vec![2, 3]]);
    complete_the_third(store, connection, third).await;
    assert_eq!(
        run(store, run_id(1)).await,
        before,
        "a failed run stays so in the log"
    );

    let next = next_run(store, 4, connection, INCREMENTAL, 1_000).await;
    assert_eq!((next.run.resumed_from, next.checkpoint), (None, None));
    let known = [(Stream::Users, at(5)), (Stream::Topics, at(7))];
    assert_eq!(next.watermarks, known.into(), "of what all three have seen");
}

/// One more page and the ends of the streams that are still unread.
async fn complete_the_third(store: &dyn Store, connection: ConnectionId, third: ClaimedRun) {
    let commit = PageCommit {
        seen: vec![4],
        ..page_of(connection, Stream::Topics, vec![topic("2", 0, 1)])
    };
    store.commit_page(&third.lease, &commit).await.expect("a page");
    assert_eq!(seen(store, &third, Stream::Topics).await, [vec![2, 3], vec![4]]);

    let started = Started {
        connection,
        lease: third.lease,
    };
    let unread = Stream::ALL.into_iter().filter(|stream| *stream != Stream::Users);
    end_streams(store, &started, &unread.collect::<Vec<_>>()).await;
    let over = store
        .finish(&started.lease, &finish_as(RunState::Completed, 900))
        .await;
    let over = over.expect("both books agree");
    assert_eq!((over.total().found, over.resumed_from), (1, Some(run_id(2))));
}

/// The next run, asked for at this time.
async fn next(
    store: &dyn Store,
    number: u128,
    of: ConnectionId,
    extent: Extent,
    queued_at: DateTime<Utc>,
) -> Run {
    let new = NewRun {
        extent,
        ..new_run(number, of, queued_at)
    };
    assert_eq!(
        store.enqueue(&new, None).await.expect("an answer"),
        Enqueued::Queued
    );
    run(store, new.id).await
}

pub async fn a_failed_run_is_gone_on_with_only_for_a_day_and_as_it_was_meant(store: &dyn Store) {
    let unavailable = CauseCode::ProviderUnavailable;
    let day = at(FAILED_S) + TimeDelta::hours(24);
    let late = day + TimeDelta::microseconds(1);
    let soon = at(600);
    let stories = [
        ("within a day", FULL, unavailable, FULL, day, true),
        ("after a day", FULL, unavailable, FULL, late, false),
        (
            "less is asked for",
            EVERYTHING,
            unavailable,
            INCREMENTAL,
            soon,
            true,
        ),
        ("more is asked for", INCREMENTAL, unavailable, FULL, soon, false),
        (
            "all replies are asked for",
            FULL,
            unavailable,
            EVERYTHING,
            soon,
            false,
        ),
        (
            "the books are wrong",
            FULL,
            CauseCode::LedgerUnbalanced,
            FULL,
            soon,
            false,
        ),
    ];
    for (number, (told, of, code, asked, queued_at, goes_on)) in (1_u128..).zip(stories) {
        let connection = add_connection(store, number).await;
        failed(store, number, connection, of, code).await;
        let next = next(store, 100 + number, connection, asked, queued_at).await;
        let expected = if goes_on {
            (Some(run_id(number)), of.mode)
        } else {
            (None, asked.mode)
        };
        assert_eq!((next.resumed_from, next.mode), expected, "{told}");
        assert_handed_on(store, number, &next, goes_on, told).await;
    }
}

/// Whether the next run has what the failed one of this number saw; that one has it no more, in any case.
async fn assert_handed_on(store: &dyn Store, failed: u128, next: &Run, goes_on: bool, told: &str) {
    let request = ClaimRequest {
        only: Some(next.id),
        ..claim_request(next.queued_at)
    };
    let claimed = store.claim(&request).await.expect("an answer").expect("the run");
    assert_eq!(claimed.checkpoint.is_some(), goes_on, "{told}");
    let topics_seen = seen(store, &claimed, Stream::Topics).await;
    assert_eq!(topics_seen.is_empty(), !goes_on, "{told}");
    let kept = store
        .seen(run_id(failed), Stream::Topics)
        .await
        .expect("an answer");
    assert!(
        kept.is_empty(),
        "{told}: nobody needs what the failed one saw any more"
    );
}

pub async fn only_a_run_that_failed_after_a_page_is_gone_on_with(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let other = add_connection(store, 2).await;
    let first = next_run(store, 1, connection, FULL, 10).await;
    fail(store, &first.lease, CauseCode::ProviderUnavailable, 20).await;
    let second = next_run(store, 2, connection, FULL, 30).await;
    assert_eq!(second.run.resumed_from, None, "there was no page to go on from");
    read_a_part(store, &second.lease, connection).await;
    let cancelled = finish_as(RunState::Cancelled, 40);
    store.finish(&second.lease, &cancelled).await.expect("an end");
    let third = next_run(store, 3, connection, FULL, 50).await;
    assert_eq!(third.run.resumed_from, None, "a cancelled run is no failed one");
    read_a_part(store, &third.lease, connection).await;
    fail(store, &third.lease, CauseCode::ProviderUnavailable, 60).await;

    let stranger = enqueue(store, 4, other, 70).await;
    assert_eq!(
        run(store, stranger).await.resumed_from,
        None,
        "it is another tenant's"
    );
    assert_gone_on_with_once(store, connection).await;
}

async fn assert_gone_on_with_once(store: &dyn Store, connection: ConnectionId) {
    let fourth = next_run(store, 5, connection, FULL, 80).await;
    assert_eq!(fourth.run.resumed_from, Some(run_id(3)));
    let started = Started {
        connection,
        lease: fourth.lease,
    };
    complete(store, &started, 90).await;
    let fifth = next_run(store, 6, connection, FULL, 100).await;
    assert_eq!(fifth.run.resumed_from, None, "the one before succeeded");
}

pub async fn what_a_cancelled_run_had_seen_is_forgotten_by_the_next(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    failed(store, 1, connection, FULL, CauseCode::ProviderUnavailable).await;
    let second = enqueue(store, 2, connection, 600).await;
    assert_eq!(run(store, second).await.resumed_from, Some(run_id(1)));
    store
        .deactivate(connection, &operator(610))
        .await
        .expect("deactivated");
    store.activate(connection, &operator(9)).await.expect("activated");
    let third = next_run(store, 3, connection, FULL, 620).await;
    assert_eq!((third.run.resumed_from, third.checkpoint), (None, None));
    for number in [1, 2, 3] {
        let seen = store
            .seen(run_id(number), Stream::Topics)
            .await
            .expect("an answer");
        assert!(seen.is_empty(), "run {number}");
    }
}
