//! Who is taken up next, who is asked to stop, and what is kept from run to run.

use domain::{Progress, RunState, StoppedBy, Stream};

use super::{
    accounts::operator,
    fixtures::{
        add_connection, assert_lost, at, claim, claim_request, complete, enqueue, finish_as, page_of,
        release, renewal, run, run_id, start_run, started,
    },
};
use crate::{
    Cancelling, ClaimRequest, Finish, KeptPace, Lease, LeaseState, PATIENCE, PROVIDER_WAIT_MAX, Queue,
    Release, Renewal, Store, WaitingRun,
};

fn gave_way(seconds: i64) -> Release {
    Release {
        gave_way_at: Some(at(seconds)),
        ..Release::default()
    }
}

fn waiting(number: u128, gave_way: bool) -> WaitingRun {
    WaitingRun {
        id: run_id(number),
        gave_way,
        waits_for_provider_until: None,
    }
}

async fn queue(store: &dyn Store, seconds: i64) -> Queue {
    store.queue(at(seconds)).await.expect("a queue")
}

pub async fn a_run_that_gave_way_comes_after_those_that_have_had_no_turn(store: &dyn Store) {
    let large = started(store, 1).await;
    for (number, queued_s) in [(2, 12), (3, 11)] {
        let connection = add_connection(store, number).await;
        enqueue(store, number, connection, queued_s).await;
    }
    let page = page_of(large.connection, Stream::Users, Vec::new());
    store.commit_page(&large.lease, &page).await.expect("a page");
    assert_eq!(
        queue(store, 13).await,
        Queue {
            waiting: vec![waiting(3, false), waiting(2, false)],
            running: 1
        }
    );
    store
        .release(&large.lease, &gave_way(13))
        .await
        .expect("released");
    let queued = run(store, run_id(1)).await;
    assert_eq!((queued.state, queued.stage), (RunState::Queued, None));
    assert_lost(store.release(&large.lease, &gave_way(13)).await);
    let expected = vec![waiting(3, false), waiting(2, false), waiting(1, true)];
    assert_eq!(
        queue(store, 14).await,
        Queue {
            waiting: expected,
            running: 0
        }
    );
    for expected in [3, 2] {
        assert_eq!(claim(store, 14).await.expect("a run").run.id, run_id(expected));
    }
    assert_goes_on(store, &large.lease).await;
}

/// The run of the story above is taken up again, after all others.
async fn assert_goes_on(store: &dyn Store, before: &Lease) {
    let again = claim(store, 14).await.expect("a run");
    assert_eq!(
        (again.run.id, again.run.attempts),
        (run_id(1), 1),
        "to give way is no attempt"
    );
    assert_eq!(again.checkpoint.as_deref(), Some("checkpoint"));
    assert!(again.lease.fencing_token > before.fencing_token);
    assert_eq!(queue(store, 15).await.running, 3);
    // Its worker dies: that is an attempt, and the run is like any other.
    let expected = [waiting(1, false), waiting(3, false), waiting(2, false)];
    assert_eq!(queue(store, 44).await.waiting, expected);
    assert_eq!(claim(store, 44).await.expect("a run").run.attempts, 2);
}

pub async fn a_run_that_gave_way_long_ago_comes_first_again(store: &dyn Store) {
    let large = started(store, 1).await;
    store
        .release(&large.lease, &gave_way(10))
        .await
        .expect("released");
    let other = add_connection(store, 2).await;
    enqueue(store, 2, other, 20).await;
    let patience = PATIENCE.num_seconds();
    assert_eq!(queue(store, 9 + patience).await.waiting[0], waiting(2, false));
    let patient = queue(store, 10 + patience).await.waiting;
    assert_eq!(patient, [waiting(1, false), waiting(2, false)]);
    assert_eq!(
        claim(store, 10 + patience).await.expect("a run").run.id,
        run_id(1)
    );
}

pub async fn a_run_that_gave_way_remembers_how_often_it_failed(store: &dyn Store) {
    let started = started(store, 1).await;
    let failing = Release {
        failures_in_a_row: 3,
        ..gave_way(10)
    };
    store.release(&started.lease, &failing).await.expect("released");
    let again = claim(store, 11).await.expect("a run");
    assert_eq!(again.failures_in_a_row, 3);
    let dead = claim(store, 50).await.expect("a run");
    assert_eq!(dead.failures_in_a_row, 0, "it may have come along since");
}

pub async fn a_run_that_waits_for_the_provider_is_left_alone_until_then(store: &dyn Store) {
    let started = started(store, 1).await;
    let waits = Release {
        waits_for_provider_until: Some(at(50)),
        ..gave_way(10)
    };
    store.release(&started.lease, &waits).await.expect("released");
    let other = add_connection(store, 2).await;
    enqueue(store, 2, other, 20).await;
    let left_alone = WaitingRun {
        waits_for_provider_until: Some(at(50)),
        ..waiting(1, true)
    };
    assert_eq!(queue(store, 30).await.waiting, [waiting(2, false), left_alone]);
    assert_eq!(claim(store, 49).await.expect("a run").run.id, run_id(2));
    assert!(claim(store, 49).await.is_none());
    let only = ClaimRequest {
        only: Some(run_id(1)),
        ..claim_request(at(49))
    };
    let claimed = store.claim(&only).await.expect("an answer").expect("the run");
    assert_eq!(claimed.run.progress.waits_for_provider_until, Some(at(50)));
    store.release(&claimed.lease, &waits).await.expect("released");
    assert_eq!(queue(store, 50).await.waiting, [waiting(1, true)]);
    assert_eq!(claim(store, 50).await.expect("a run").run.id, run_id(1));
}

pub async fn a_queued_run_is_cancelled_at_once(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    enqueue(store, 1, connection, 0).await;
    let cancelled = store.cancel(run_id(1), StoppedBy::Admin, &operator(5)).await;
    assert_eq!(cancelled.expect("an answer"), Cancelling::Cancelled);
    let over = run(store, run_id(1)).await;
    assert_eq!((over.state, over.finished_at), (RunState::Cancelled, Some(at(5))));
    assert_eq!(over.progress.stopped_by, Some(StoppedBy::Admin));
    assert!(claim(store, 6).await.is_none());
    enqueue(store, 2, connection, 7).await;
}

pub async fn a_running_run_is_asked_to_stop(store: &dyn Store) {
    let started = started(store, 1).await;
    let lease = &started.lease;
    let is_to_stop = || async { store.is_to_stop(lease).await.expect("an answer") };
    assert_eq!(is_to_stop().await, LeaseState::Held);
    for by in [StoppedBy::Operator, StoppedBy::Admin] {
        let asked = store.cancel(run_id(1), by, &operator(5)).await;
        assert_eq!(asked.expect("an answer"), Cancelling::Asked);
    }
    store
        .deactivate(started.connection, &operator(6))
        .await
        .expect("deactivated");
    assert_eq!(is_to_stop().await, LeaseState::StopRequested);
    let running = run(store, run_id(1)).await;
    assert!(running.is_cancelling());
    assert_eq!(
        running.progress.stopped_by,
        Some(StoppedBy::Operator),
        "the first"
    );
    store
        .finish(lease, &finish_as(RunState::Cancelled, 7))
        .await
        .expect("an end");
    let over = run(store, run_id(1)).await;
    assert_eq!(over.progress.stopped_by, Some(StoppedBy::Operator));
    assert!(!over.is_cancelling());
    assert_eq!(is_to_stop().await, LeaseState::Lost);
}

pub async fn a_run_that_is_over_cannot_be_cancelled(store: &dyn Store) {
    let started = started(store, 1).await;
    let asked = store.cancel(run_id(1), StoppedBy::Admin, &operator(5)).await;
    assert_eq!(asked.expect("an answer"), Cancelling::Asked);
    // It was done before it saw that.
    let done = complete(store, &started, 6).await;
    assert_eq!(done.progress.stopped_by, None);
    for (number, expected) in [
        (1, Cancelling::Over(RunState::Completed)),
        (9, Cancelling::NoSuchRun),
    ] {
        let answer = store.cancel(run_id(number), StoppedBy::Admin, &operator(7)).await;
        assert_eq!(answer.expect("an answer"), expected);
    }
    assert_eq!(run(store, run_id(1)).await, done);
}

pub async fn a_renewal_keeps_how_the_run_comes_along(store: &dyn Store) {
    let started = started(store, 1).await;
    let tells = Renewal {
        waits_for_provider_until: Some(at(62)),
        requests_per_minute: Some(288),
        stage_ends_at: Some(at(500)),
        ..renewal(20)
    };
    store
        .renew_lease(&started.lease, &tells)
        .await
        .expect("an answer");
    let told = Progress {
        waits_for_provider_until: Some(at(62)),
        requests_per_minute: Some(288),
        stage_ends_at: Some(at(500)),
        ..Progress::default()
    };
    assert_eq!(run(store, run_id(1)).await.progress, told);
    // Another worker takes it up, and can go on waiting.
    let claimed = claim(store, 51).await.expect("the run");
    assert_eq!(claimed.run.progress.waits_for_provider_until, Some(at(62)));
    let late = store.renew_lease(&started.lease, &renewal(52)).await;
    assert_eq!(late.expect("an answer").state, LeaseState::Lost);
    assert_eq!(
        run(store, run_id(1)).await.progress,
        told,
        "a lost lease tells nothing"
    );
    store
        .finish(&claimed.lease, &finish_as(RunState::Failed, 53))
        .await
        .expect("an end");
    assert_eq!(run(store, run_id(1)).await.progress, Progress::default());
}

pub async fn the_pace_of_a_connection_is_kept_from_run_to_run(store: &dyn Store) {
    let pace = |seconds, rate_milli| KeptPace {
        next_at: Some(at(seconds)),
        rate_milli,
        owed: 0,
    };
    let connection = add_connection(store, 1).await;
    let lease = start_run(store, 1, connection, 0).await;
    let renewed = Renewal {
        pace: pace(21, Some(150_500)),
        ..renewal(20)
    };
    store.renew_lease(&lease, &renewed).await.expect("an answer");
    let dead = claim(store, 100).await.expect("a run");
    assert_eq!(dead.pace, pace(21, Some(150_500)));

    let released = Release {
        pace: pace(105, Some(160_000)),
        ..release(0)
    };
    store.release(&dead.lease, &released).await.expect("released");
    let again = claim(store, 106).await.expect("the run");
    assert_eq!(again.pace, pace(105, Some(160_000)));
    let finish = Finish {
        pace: pace(110, None),
        ..finish_as(RunState::Failed, 110)
    };
    store.finish(&again.lease, &finish).await.expect("an end");
    enqueue(store, 2, connection, 111).await;
    assert_eq!(claim(store, 112).await.expect("a run").pace, pace(110, None));

    let other = add_connection(store, 2).await;
    enqueue(store, 3, other, 113).await;
    let other = claim(store, 114).await.expect("a run");
    assert_eq!(other.pace, KeptPace::default(), "each connection has its own");
}

pub async fn requests_beside_a_run_are_handed_out_once(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    store.charge_requests(connection, 3).await.expect("charged");
    store.charge_requests(connection, 4).await.expect("charged");
    enqueue(store, 1, connection, 0).await;
    let claimed = claim(store, 1).await.expect("a run");
    assert_eq!(claimed.pace.owed, 7);
    let owed = || async {
        let renewed = store.renew_lease(&claimed.lease, &renewal(5)).await;
        renewed.expect("an answer").owed
    };
    assert_eq!(owed().await, 0);
    store.charge_requests(connection, 2).await.expect("charged");
    assert_eq!(owed().await, 2);
    assert_eq!(owed().await, 0);
    store.charge_requests(connection, 5).await.expect("charged");
    store
        .release(&claimed.lease, &release(0))
        .await
        .expect("released");
    assert_eq!(claim(store, 6).await.expect("a run").pace.owed, 5);
}

pub async fn leases_and_waits_of_a_clock_that_was_wrong_do_not_hold(store: &dyn Store) {
    const YEAR_S: i64 = 365 * 24 * 3600;
    let connection = add_connection(store, 1).await;
    enqueue(store, 1, connection, 0).await;
    let wrong = claim(store, YEAR_S).await.expect("the run");
    // The clock is put right, and the worker is gone: the run need not wait for a year.
    assert_eq!(
        queue(store, 10).await.running,
        1,
        "a lease is a lease until it is claimed"
    );
    let right = claim(store, 10).await.expect("the run");
    assert!(right.lease.fencing_token > wrong.lease.fencing_token);
    assert!(claim(store, 11).await.is_none());
    // A worker that lives simply renews.
    store
        .renew_lease(&right.lease, &renewal(YEAR_S))
        .await
        .expect("an answer");
    let renewed = store.renew_lease(&right.lease, &renewal(12)).await;
    assert_eq!(renewed.expect("an answer").state, LeaseState::Held);
    assert!(claim(store, 13).await.is_none());

    let waits = Release {
        waits_for_provider_until: Some(at(YEAR_S)),
        ..release(0)
    };
    store.release(&right.lease, &waits).await.expect("released");
    assert!(YEAR_S > 14 + PROVIDER_WAIT_MAX.num_seconds());
    assert!(claim(store, 14).await.is_some());
}
