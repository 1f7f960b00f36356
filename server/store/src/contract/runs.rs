use std::{future::poll_fn, task::Poll};

use chrono::{DateTime, Utc};
use domain::{ConnectionId, Ledger, Mode, RunId, RunState, Stage, StoppedBy, Stream, Trigger};

use super::{
    accounts::operator,
    fixtures::{
        INCREMENTAL, add_connection, assert_lost, at, claim, claim_request, complete, connection_id, enqueue,
        finish_as, new_run, page_of, release, renewal, run, run_id, start_run, started,
    },
    records::plain,
};
use crate::{ClaimRequest, Enqueued, LastQueued, Lease, LeaseState, NewRun, RunQuery, Store};

pub async fn a_connection_has_one_run_at_a_time(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let last = || last_queued_at(store, connection, 100);
    assert_eq!(last().await, None);
    let new = NewRun {
        trigger: Trigger::Scheduled,
        extent: INCREMENTAL,
        ..new_run(1, connection, at(3))
    };
    assert_eq!(
        store.enqueue(&new, None).await.expect("an answer"),
        Enqueued::Queued
    );
    assert_new(store).await;
    let again = store.enqueue(&new_run(2, connection, at(4)), None).await;
    assert_eq!(again.expect("an answer"), Enqueued::UnderWay(run_id(1)));
    let lease = claim(store, 5).await.expect("the run").lease;
    let again = store.enqueue(&new_run(2, connection, at(6)), None).await;
    assert_eq!(again.expect("an answer"), Enqueued::UnderWay(run_id(1)));
    assert!(store.run(run_id(2)).await.expect("an answer").is_none());
    assert_eq!(last().await, Some(at(3)));

    store
        .finish(&lease, &finish_as(RunState::Failed, 7))
        .await
        .expect("an end");
    enqueue(store, 2, connection, 8).await;
    assert_eq!(last().await, Some(at(8)));
}

pub async fn a_run_of_the_future_is_not_the_latest(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let lease = start_run(store, 1, connection, 3).await;
    store
        .finish(&lease, &finish_as(RunState::Failed, 5))
        .await
        .expect("an end");
    enqueue(store, 2, connection, 8_000_000).await;
    for (now, expected) in [
        (2, None),
        (3, Some(3)),
        (7_999_999, Some(3)),
        (8_000_000, Some(8_000_000)),
    ] {
        let last = last_queued_at(store, connection, now).await;
        assert_eq!(last, expected.map(at), "at {now}");
    }
}

async fn last_queued_at(store: &dyn Store, connection: ConnectionId, now: i64) -> Option<DateTime<Utc>> {
    let all = store.last_queued(at(now)).await.expect("an answer");
    let of = |last: &&LastQueued| last.connection_id == connection;
    all.iter().find(of).expect("the connection").at
}

pub async fn the_latest_runs_of_all_active_connections_are_told_at_once(store: &dyn Store) {
    let never_ran = add_connection(store, 1).await;
    let ran_twice = add_connection(store, 2).await;
    let deactivated = add_connection(store, 3).await;
    let waits = add_connection(store, 4).await;
    for (number, connection, seconds) in [(1, ran_twice, 3), (2, ran_twice, 8), (3, deactivated, 5)] {
        let lease = start_run(store, number, connection, seconds).await;
        let ended = finish_as(RunState::Failed, seconds + 3);
        store.finish(&lease, &ended).await.expect("an end");
    }
    enqueue(store, 4, waits, 20).await;
    store
        .deactivate(deactivated, &operator(21))
        .await
        .expect("deactivated");

    let last = |number, connection_id, seconds: Option<i64>| LastQueued {
        connection_id,
        tenant_id: format!("tenant-{number}").parse().expect("a tenant id"),
        at: seconds.map(at),
    };
    let mut all = store.last_queued(at(100)).await.expect("an answer");
    all.sort_by_key(|last| last.connection_id.0);
    let expected = [
        last(1, never_ran, None),
        last(2, ran_twice, Some(8)),
        last(4, waits, Some(20)),
    ];
    assert_eq!(all, expected);
}

/// Two processes found it due, and the run of the one is over before the other comes to queue its own.
pub async fn a_connection_that_was_due_runs_once(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let queue = async |number, seconds, due_at| {
        let run = new_run(number, connection, at(seconds));
        store.enqueue_due(&run, at(due_at)).await.expect("an answer")
    };
    assert!(queue(1, 10, 5).await);
    assert!(!queue(2, 11, 5).await, "it is under way");
    let claimed = claim(store, 12).await.expect("the run");
    store
        .finish(&claimed.lease, &finish_as(RunState::Failed, 13))
        .await
        .expect("an end");
    assert!(!queue(3, 14, 5).await, "it ran meanwhile");
    assert!(!queue(4, 14, 10).await);
    assert!(queue(5, 25, 20).await, "it is due again");

    store
        .deactivate(connection, &operator(30))
        .await
        .expect("deactivated");
    assert!(!queue(6, 45, 40).await);
}

/// What a clock that was wrong has queued in the future is no reason.
pub async fn a_run_of_the_future_does_not_keep_a_connection_from_being_due(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let ahead = new_run(1, connection, at(9_999));
    assert!(store.enqueue_due(&ahead, at(9_000)).await.expect("an answer"));
    store
        .cancel(run_id(1), StoppedBy::Admin, &operator(10))
        .await
        .expect("cancelled");
    let now = new_run(2, connection, at(20));
    assert!(store.enqueue_due(&now, at(15)).await.expect("an answer"));
}

/// The first run of the story above, right after it was queued.
async fn assert_new(store: &dyn Store) {
    let queued = run(store, run_id(1)).await;
    assert_eq!(queued.tenant_id, "tenant-1");
    assert_eq!(queued.connection_id, connection_id(1));
    assert_eq!(
        (queued.trigger, queued.mode),
        (Trigger::Scheduled, Mode::Incremental)
    );
    assert_eq!((queued.state, queued.stage), (RunState::Queued, None));
    assert_eq!((queued.queued_at, queued.started_at), (at(3), None));
    assert_eq!((queued.attempts, queued.requests), (0, 0));
    let streams: Vec<Stream> = queued.streams.iter().map(|stream| stream.stream).collect();
    assert_eq!(streams, Stream::ALL);
    for stream in queued.streams {
        assert_eq!(stream.ledger, Ledger::default());
        assert_eq!((stream.started_at, stream.finished_at), (None, None));
    }
}

pub async fn the_longest_waiting_run_is_claimed_first_and_once(store: &dyn Store) {
    assert!(claim(store, 0).await.is_none());
    for (number, queued_s) in [(1, 30), (2, 10), (3, 20)] {
        let connection = add_connection(store, number).await;
        enqueue(store, number, connection, queued_s).await;
    }
    for expected in [2, 3, 1] {
        let claimed = claim(store, 40).await.expect("a run");
        assert_eq!(claimed.run.id, run_id(expected));
        assert_eq!(claimed.lease.run_id, run_id(expected));
        assert_eq!(claimed.checkpoint, None);
        assert_eq!(claimed.run.state, RunState::Running);
        assert_eq!((claimed.run.started_at, claimed.run.attempts), (Some(at(40)), 1));
        assert_eq!(run(store, run_id(expected)).await, claimed.run);
    }
    assert!(claim(store, 41).await.is_none());
}

pub async fn of_two_claims_at_once_one_wins(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    enqueue(store, 1, connection, 0).await;
    let (first, second) = futures_util::join!(claim(store, 1), claim(store, 1));
    assert_eq!(
        u8::from(first.is_some()) + u8::from(second.is_some()),
        1,
        "{first:?} {second:?}"
    );
    assert_eq!(run(store, run_id(1)).await.attempts, 1);
}

pub async fn a_run_whose_lease_ran_out_is_taken_up_with_a_higher_token(store: &dyn Store) {
    let started = started(store, 1).await;
    let runs_out = store.lease_expires_at(started.lease.run_id).await;
    assert_eq!(runs_out.expect("an answer"), Some(at(31)));
    assert!(claim(store, 30).await.is_none(), "the lease still holds");

    let second = claim(store, 31).await.expect("the run");
    assert_eq!(second.run.id, started.lease.run_id);
    assert!(second.lease.fencing_token > started.lease.fencing_token);
    assert_eq!(second.run.attempts, 2);
    assert_eq!(second.run.started_at, Some(at(1)), "it is the same run");
    let runs_out = store.lease_expires_at(second.run.id).await;
    assert_eq!(runs_out.expect("an answer"), Some(at(61)));
    let first = store.renew_lease(&started.lease, &renewal(32)).await;
    assert_eq!(first.expect("an answer").state, LeaseState::Lost);
    assert_eq!(run(store, second.run.id).await.state, RunState::Running);
}

pub async fn a_claim_may_ask_for_one_run_only(store: &dyn Store) {
    for number in [1, 2] {
        let connection = add_connection(store, number).await;
        let queued_s = i64::try_from(number).expect("a small number");
        enqueue(store, number, connection, queued_s).await;
    }
    let only = |number| ClaimRequest {
        only: Some(run_id(number)),
        ..claim_request(at(5))
    };
    let claimed = store.claim(&only(2)).await.expect("an answer");
    assert_eq!(claimed.expect("a run").run.id, run_id(2));
    assert!(store.claim(&only(2)).await.expect("an answer").is_none());
    assert!(store.claim(&only(9)).await.expect("an answer").is_none());
    assert_eq!(claim(store, 5).await.expect("a run").run.id, run_id(1));
}

pub async fn a_run_of_a_deactivated_connection_is_not_taken_up(store: &dyn Store) {
    let started = started(store, 1).await;
    store
        .deactivate(started.connection, &operator(5))
        .await
        .expect("deactivated");
    assert!(claim(store, 1_000).await.is_none());
    let orphan = run(store, started.lease.run_id).await;
    assert_eq!(
        orphan.state,
        RunState::Cancelled,
        "its worker is gone, so nobody else would stop it"
    );
    assert_eq!(orphan.progress.stopped_by, Some(StoppedBy::Deactivation));
    store
        .activate(started.connection, &operator(9))
        .await
        .expect("activated");
    assert!(claim(store, 1_000).await.is_none());
}

pub async fn a_lease_is_renewed_until_it_is_lost(store: &dyn Store) {
    let started = started(store, 1).await;
    let lease = &started.lease;
    let renewed = store.renew_lease(lease, &renewal(20)).await;
    assert_eq!(renewed.expect("an answer").state, LeaseState::Held);
    let runs_out = store.lease_expires_at(lease.run_id).await;
    assert_eq!(runs_out.expect("an answer"), Some(at(50)));
    assert!(claim(store, 40).await.is_none());
    assert_not_leased(store, run_id(9)).await;
    assert_lost_with_the_end(store, lease).await;
}

async fn assert_lost_with_the_end(store: &dyn Store, lease: &Lease) {
    store
        .finish(lease, &finish_as(RunState::Failed, 45))
        .await
        .expect("an end");
    let after = store.renew_lease(lease, &renewal(46)).await;
    assert_eq!(after.expect("an answer").state, LeaseState::Lost);
    assert_not_leased(store, lease.run_id).await;
}

async fn assert_not_leased(store: &dyn Store, run: RunId) {
    assert_eq!(store.lease_expires_at(run).await.expect("an answer"), None);
}

pub async fn a_released_run_stands_at_the_head_of_the_queue(store: &dyn Store) {
    let started = started(store, 1).await;
    let other = add_connection(store, 2).await;
    enqueue(store, 2, other, 5).await;
    store
        .enter_stage(&started.lease, Stage::Users, at(6))
        .await
        .expect("a stage");
    let first = page_of(started.connection, Stream::Users, Vec::new());
    store.commit_page(&started.lease, &first).await.expect("a page");
    store
        .release(&started.lease, &release(7))
        .await
        .expect("released");

    let released = run(store, run_id(1)).await;
    assert_eq!((released.state, released.stage), (RunState::Queued, None));
    assert_eq!(released.queued_at, at(0));
    assert_eq!(released.requests, 8, "the page's one and seven more");
    assert_not_leased(store, run_id(1)).await;
    assert_lost(store.release(&started.lease, &release(7)).await);
    assert_eq!(run(store, run_id(1)).await, released);

    let claimed = claim(store, 9).await.expect("a run");
    assert_eq!(claimed.run.id, run_id(1));
    assert_eq!(claimed.run.attempts, 2);
    assert_eq!(claimed.checkpoint.as_deref(), Some("checkpoint"));
    assert!(claimed.lease.fencing_token > started.lease.fencing_token);
}

pub async fn a_run_that_was_to_stop_and_is_released_is_cancelled_at_the_next_claim(store: &dyn Store) {
    let started = started(store, 1).await;
    store
        .deactivate(started.connection, &operator(5))
        .await
        .expect("deactivated");
    store
        .release(&started.lease, &release(0))
        .await
        .expect("released");
    store
        .activate(started.connection, &operator(9))
        .await
        .expect("activated");
    assert!(claim(store, 9).await.is_none());
    let stopped = run(store, started.lease.run_id).await;
    assert_eq!(
        (stopped.state, stopped.finished_at),
        (RunState::Cancelled, Some(at(9)))
    );
}

pub async fn a_stage_starts_its_streams_clock_once(store: &dyn Store) {
    let started = started(store, 1).await;
    for (stage, seconds) in [
        (Stage::Connect, 2),
        (Stage::Users, 3),
        (Stage::Users, 4),
        (Stage::Topics, 5),
    ] {
        store
            .enter_stage(&started.lease, stage, at(seconds))
            .await
            .expect("a stage");
        assert_eq!(run(store, run_id(1)).await.stage, Some(stage));
    }
    for stream in run(store, run_id(1)).await.streams {
        let expected = match stream.stream {
            Stream::Users => Some(at(3)),
            Stream::Topics => Some(at(5)),
            _ => None,
        };
        assert_eq!(stream.started_at, expected, "{}", stream.stream);
        assert_eq!(stream.finished_at, None);
    }
}

pub async fn runs_are_paged_newest_first(store: &dyn Store) {
    let first = add_connection(store, 1).await;
    let second = add_connection(store, 2).await;
    let runs = [
        (1, first, 10),
        (2, second, 20),
        (3, first, 30),
        (4, second, 40),
        (5, first, 50),
    ];
    for (number, connection, seconds) in runs {
        let lease = start_run(store, number, connection, seconds).await;
        store
            .finish(&lease, &finish_as(RunState::Failed, seconds + 5))
            .await
            .expect("an end");
    }
    let page = |connection, offset, limit| async move {
        let query = RunQuery {
            connection,
            offset,
            limit,
        };
        let page = store.runs(&query).await.expect("a page");
        let ids: Vec<_> = page.runs.iter().map(|run| run.id).collect();
        for listed in page.runs {
            assert_eq!(run(store, listed.id).await, listed);
        }
        (ids, page.total)
    };
    let ids = |numbers: &[u128]| numbers.iter().map(|number| run_id(*number)).collect::<Vec<_>>();
    assert_eq!(page(None, 0, 2).await, (ids(&[5, 4]), 5));
    assert_eq!(page(None, 3, 10).await, (ids(&[2, 1]), 5));
    assert_eq!(page(None, 5, 10).await, (ids(&[]), 5));
    assert_eq!(page(Some(first), 1, 2).await, (ids(&[3, 1]), 3));
    assert_eq!(page(Some(second), 0, 1).await, (ids(&[4]), 2));
    assert_eq!(page(Some(connection_id(9)), 0, 10).await, (ids(&[]), 0));
}

pub async fn runs_after_a_run_are_those_before_it(store: &dyn Store) {
    let first = add_connection(store, 1).await;
    let second = add_connection(store, 2).await;
    // Two were queued in the same moment.
    let runs = [
        (1, first, 10),
        (2, second, 20),
        (3, first, 20),
        (4, second, 40),
        (5, first, 50),
    ];
    for (number, connection, seconds) in runs {
        let lease = start_run(store, number, connection, seconds).await;
        let failed = finish_as(RunState::Failed, seconds + 5);
        store.finish(&lease, &failed).await.expect("an end");
    }
    let page = |connection, before: Option<u128>, limit| async move {
        let page = store.runs_before(connection, before.map(run_id), limit).await;
        let page = page.expect("a page");
        page.iter().map(|run| run.id).collect::<Vec<_>>()
    };
    let ids = |numbers: &[u128]| numbers.iter().map(|number| run_id(*number)).collect::<Vec<_>>();
    assert_eq!(page(None, None, 2).await, ids(&[5, 4]));
    assert_eq!(page(None, Some(4), 1).await, ids(&[3]));
    assert_eq!(page(None, Some(3), 9).await, ids(&[2, 1]));
    assert_eq!(page(None, Some(1), 9).await, ids(&[]));
    assert_eq!(page(Some(first), None, 2).await, ids(&[5, 3]));
    assert_eq!(page(Some(first), Some(3), 9).await, ids(&[1]));
    assert_eq!(page(None, Some(9), 9).await, ids(&[]), "there is no such run");
}

/// Comes back by itself, since the other side may be over by then.
async fn let_the_other_side_go_on() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Read while it is written: a run that is shown as completed shows all that it committed.
pub async fn a_run_is_read_as_of_one_moment(store: &dyn Store) {
    const RUNS: u128 = 25;
    let syncs = async {
        for number in 1..=RUNS {
            let started = started(store, number).await;
            let users = page_of(started.connection, Stream::Users, vec![plain(Stream::Users, "1")]);
            store.commit_page(&started.lease, &users).await.expect("a page");
            complete(store, &started, 60).await;
        }
    };
    let reads = async {
        for number in 1..=RUNS {
            loop {
                let run = store.run(run_id(number)).await.expect("an answer");
                let Some(run) = run.filter(|run| run.state.is_success()) else {
                    let_the_other_side_go_on().await;
                    continue;
                };
                let found: u64 = run.streams.iter().map(|stream| stream.ledger.found).sum();
                let ended = run.streams.iter().filter(|stream| stream.finished_at.is_some());
                assert_eq!((found, ended.count()), (1, Stream::ALL.len()), "{run:?}");
                break;
            }
        }
    };
    futures_util::join!(syncs, reads);
}
