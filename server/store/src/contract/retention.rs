//! What is older than the operator keeps.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Object, Stream,
    record::{Activity, InvalidReason, Record},
};

use super::{
    export::exported,
    fixtures::{Started, at, complete, invalid_record, page_of, run_id, start_run, started, stored},
};
use crate::{PageCommit, Store};

fn views(numbers: std::ops::Range<i64>, occurred_at: impl Fn(i64) -> DateTime<Utc>) -> Vec<Record> {
    let view = |number: i64| {
        Record::Activity(Activity {
            event_id: number.to_string(),
            activity_type: "view".into(),
            occurred_at: occurred_at(number),
            ..Activity::default()
        })
    };
    numbers.map(view).collect()
}

async fn stored_views(store: &dyn Store, started: &Started) -> usize {
    stored(store, started.connection, Stream::Activity).await.len()
}

/// Ninety days of views, one a day, of two connections.
async fn ninety_days(store: &dyn Store) -> [Started; 2] {
    let both = [started(store, 1).await, started(store, 2).await];
    for of in &both {
        let records = views(0..90, |number| at(0) - TimeDelta::days(number));
        let commit = page_of(of.connection, Stream::Activity, records);
        store.commit_page(&of.lease, &commit).await.expect("a page");
        store.rebuild_due_trends(of.connection).await.expect("trends");
    }
    both
}

pub async fn activity_past_its_retention_is_forgotten_bit_by_bit(store: &dyn Store) {
    let [first, second] = ninety_days(store).await;
    let before = at(0) - TimeDelta::days(60);
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        let some = store.forget_activity(first.connection, before, 12).await;
        forgotten.push(some.expect("forgotten"));
    }
    assert_eq!(forgotten, [12, 12, 5, 0]);
    assert_eq!(
        stored_views(store, &first).await,
        61,
        "what is as old as that stays"
    );
    assert_eq!(stored_views(store, &second).await, 90, "of another connection");
    let overview = store.overview(at(0)).await.expect("an overview");
    let counts: Vec<u64> = overview.iter().map(|card| card.counts.activity).collect();
    assert_eq!(counts, [61, 90]);
    let due = store.rebuild_due_trends(first.connection).await.expect("trends");
    assert_eq!(due, 29);
    let trends = exported(store, Object::Trends, Some(first.connection), None, 100).await;
    assert_eq!(trends.len(), 61);
}

/// A full sync reads what is past its retention again, and writes nothing of it.
pub async fn what_is_left_out_of_a_page_counts_as_unchanged(store: &dyn Store) {
    let started = started(store, 1).await;
    let commit = PageCommit {
        left_out: 5,
        found: 7,
        ..page_of(started.connection, Stream::Activity, views(0..2, |_| at(0)))
    };
    let outcome = store.commit_page(&started.lease, &commit).await.expect("a page");
    assert_eq!((outcome.new, outcome.unchanged), (2, 5));
    let run = complete(store, &started, 20).await;
    assert_eq!(
        (run.total().found, run.total().new, run.total().unchanged),
        (7, 2, 5)
    );
    assert_eq!(stored_views(store, &started).await, 2);
}

/// An engine that keeps activity by month forgets whole months; whatever it forgets lies before the time, is counted, and
/// the rest goes row by row.
pub async fn months_of_activity_are_forgotten_for_all_connections(store: &dyn Store) {
    let both = ninety_days(store).await;
    let before = at(0) - TimeDelta::days(45);
    let at_once = store.forget_months_of_activity(before).await.expect("forgotten");
    let mut one_by_one = 0;
    for of in &both {
        let some = store.forget_activity(of.connection, before, 1_000).await;
        one_by_one += some.expect("forgotten");
        assert_eq!(stored_views(store, of).await, 46);
    }
    assert_eq!(at_once + one_by_one, 2 * 44);
    for card in store.overview(at(0)).await.expect("an overview") {
        assert_eq!(card.counts.activity, 46);
        store
            .rebuild_due_trends(card.connection.id)
            .await
            .expect("trends");
        let trends = exported(store, Object::Trends, Some(card.connection.id), None, 100).await;
        assert_eq!(trends.len(), 46);
    }
    assert_eq!(
        store.forget_months_of_activity(before).await.expect("an answer"),
        0
    );
}

pub async fn invalid_records_of_old_runs_are_forgotten(store: &dyn Store) {
    let first = started(store, 1).await;
    let set_aside = |number| invalid_record(Stream::Users, InvalidReason::MissingId, number);
    let commit = PageCommit {
        invalid: (0..5).map(set_aside).collect(),
        found: 5,
        ..page_of(first.connection, Stream::Users, Vec::new())
    };
    store.commit_page(&first.lease, &commit).await.expect("a page");
    complete(store, &first, 20).await;
    let lease = start_run(store, 2, first.connection, 100).await;
    store.commit_page(&lease, &commit).await.expect("a page");

    let mut forgotten = Vec::new();
    for _ in 0..3 {
        let some = store.forget_invalid_records(first.connection, at(50), 3).await;
        forgotten.push(some.expect("forgotten"));
    }
    assert_eq!(forgotten, [3, 2, 0]);
    for (number, left) in [(1, 0), (2, 5)] {
        let page = store.invalid_records(run_id(number), None, 0, 10).await;
        assert_eq!(page.expect("an answer").total, left);
    }
    let run = store.run(run_id(1)).await.expect("an answer").expect("the run");
    assert_eq!(run.total().invalid, 5, "the ledger is history");
}
