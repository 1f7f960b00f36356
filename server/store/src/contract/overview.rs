use std::sync::atomic::{AtomicBool, Ordering};

use domain::{RunState, Stream, record::InvalidReason};

use super::{
    accounts::operator,
    fixtures::{
        Started, add_connection, at, claim, complete, connection_id, end_streams, enqueue, finish_as,
        invalid_record, new_connection, page_of, renewal, run, run_id, start_run, started, stored,
    },
    records::{plain, version},
};
use crate::{ConnectionOverview, ObjectCounts, PageCommit, RunMark, Store};

pub async fn an_empty_store_has_nothing_to_show(store: &dyn Store) {
    store.ping().await.expect("an answer");
    assert!(store.overview(at(0)).await.expect("an overview").is_empty());
    add_connection(store, 1).await;
    let overview = store.overview(at(0)).await.expect("an overview");
    let [card] = overview.as_slice() else {
        panic!("one connection: {overview:?}");
    };
    assert_eq!(card.connection, new_connection(1).connection);
    assert_eq!(card.counts, ObjectCounts::default());
    assert!(card.current.is_none() && card.last.is_none() && card.last_success.is_none());
    assert_eq!((card.failures_in_a_row, card.recent.len()), (0, 0));
}

async fn card(store: &dyn Store, since_s: i64) -> ConnectionOverview {
    let mut overview = store.overview(at(since_s)).await.expect("an overview");
    assert_eq!(overview.len(), 2);
    let card = overview.remove(1);
    assert_eq!(card.connection.id, connection_id(2));
    card
}

/// One run of the second connection: it stores a user of its own, and one invalid record.
async fn end_run(store: &dyn Store, number: u128, seconds: i64, state: RunState) {
    let connection = connection_id(2);
    let lease = start_run(store, number, connection, seconds).await;
    let started = Started { connection, lease };
    let commit = PageCommit {
        invalid: vec![invalid_record(Stream::Users, InvalidReason::MissingId, 1)],
        found: 2,
        ..page_of(
            connection,
            Stream::Users,
            vec![plain(Stream::Users, &number.to_string())],
        )
    };
    store.commit_page(&started.lease, &commit).await.expect("a page");
    if state.is_success() {
        end_streams(store, &started, &Stream::ALL).await;
    }
    store
        .finish(&started.lease, &finish_as(state, seconds + 50))
        .await
        .expect("an end");
}

pub async fn the_overview_counts_and_ranks_runs(store: &dyn Store) {
    add_connection(store, 2).await;
    let quiet = add_connection(store, 1).await;
    let ended = [
        (1, 100, RunState::Failed),
        (2, 200, RunState::Completed),
        (3, 300, RunState::CompletedWithInvalid),
        (4, 400, RunState::Failed),
        (5, 500, RunState::Failed),
        (6, 600, RunState::Cancelled),
    ];
    for (number, seconds, state) in ended {
        end_run(store, number, seconds, state).await;
    }
    let card = card(store, 300).await;
    let ids = |run: Option<domain::Run>| run.map(|run| run.id);
    assert_eq!(card.counts.users, 6);
    assert_eq!(card.failures_in_a_row, 2, "a cancelled run is no failure");
    let marks = ended.iter().filter(|(_, seconds, _)| *seconds >= 300);
    let expected: Vec<RunMark> = marks
        .map(|(number, seconds, state)| RunMark {
            id: run_id(*number),
            state: *state,
            queued_at: at(*seconds),
            found: 2,
            invalid: 1,
        })
        .collect();
    assert_eq!(card.recent, expected);
    assert_eq!(card.last, Some(run(store, run_id(5)).await));
    assert_eq!(card.last_success, Some(run(store, run_id(3)).await));
    assert_eq!(ids(card.current), None);
    assert_under_way_shows(store).await;

    let overview = store.overview(at(0)).await.expect("an overview");
    assert_eq!(overview[0].connection.id, quiet);
    assert_eq!(overview[0].counts, ObjectCounts::default());
    assert!(overview[0].last.is_none() && overview[0].recent.is_empty());
}

pub async fn a_card_is_of_one_moment_while_runs_begin_and_end(store: &dyn Store) {
    const RUNS: u128 = 40;
    for number in [1, 2] {
        add_connection(store, number).await;
    }
    let done = AtomicBool::new(false);
    let running = async {
        for number in 1..=RUNS {
            let seconds = 100 * i64::try_from(number).expect("a time");
            end_run(store, number, seconds, RunState::Completed).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let looking = async {
        while !done.load(Ordering::Relaxed) {
            let card = card(store, 0).await;
            assert!(card.current.as_ref().is_none_or(|run| !run.state.is_over()));
            for run in [card.current, card.last, card.last_success].into_iter().flatten() {
                let mark = card.recent.iter().find(|mark| mark.id == run.id);
                assert_eq!(mark.map(|mark| mark.state), Some(run.state), "{}", run.id);
            }
        }
    };
    futures_util::join!(running, looking);
}

async fn assert_under_way_shows(store: &dyn Store) {
    enqueue(store, 7, connection_id(2), 700).await;
    let queued = card(store, 700).await;
    assert_eq!(queued.current, Some(run(store, run_id(7)).await));
    let lease = claim(store, 701).await.expect("the run").lease;
    let running = card(store, 700).await;
    assert_eq!(running.current.map(|run| run.state), Some(RunState::Running));
    assert_eq!(running.recent.len(), 1);
    let started = Started {
        connection: connection_id(2),
        lease,
    };
    complete(store, &started, 750).await;
    let over = card(store, 700).await;
    assert!(over.current.is_none());
    assert_eq!(over.failures_in_a_row, 0);
    assert_eq!(over.last_success.map(|run| run.id), Some(run_id(7)));
}

pub async fn the_change_marker_moves_with_every_commit(store: &dyn Store) {
    let mut markers = vec![marker(store).await];
    let started = started(store, 1).await;
    markers.push(marker(store).await);
    for number in 0..3 {
        let commit = page_of(
            started.connection,
            Stream::Users,
            vec![version(Stream::Users, "1", number)],
        );
        store.commit_page(&started.lease, &commit).await.expect("a page");
        markers.push(marker(store).await);
    }
    store
        .renew_lease(&started.lease, &renewal(20))
        .await
        .expect("an answer");
    markers.push(marker(store).await);
    store
        .deactivate(started.connection, &operator(21))
        .await
        .expect("done");
    markers.push(marker(store).await);
    store
        .finish(&started.lease, &finish_as(RunState::Cancelled, 22))
        .await
        .expect("an end");
    markers.push(marker(store).await);
    for pair in markers.windows(2) {
        assert_ne!(pair[0], pair[1], "{markers:?}");
    }

    let before = marker(store).await;
    stored(store, started.connection, Stream::Users).await;
    store.overview(at(0)).await.expect("an overview");
    assert_eq!(marker(store).await, before, "reading changes nothing");
}

async fn marker(store: &dyn Store) -> i64 {
    store.change_marker().await.expect("a marker")
}
