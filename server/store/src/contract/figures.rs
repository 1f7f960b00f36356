use domain::{Ledger, RunState, Stream, record::InvalidReason};

use super::{
    fixtures::{
        Started, at, complete, connection_id, enqueue, finish_as, invalid_record, new_connection, page_of,
        started,
    },
    records::plain,
};
use crate::{Figures, PageCommit, Store};

/// Two runs under way, each with two members and an invalid record.
async fn two_runs(store: &dyn Store) -> [Started; 2] {
    let both = [started(store, 1).await, started(store, 2).await];
    for started in &both {
        let records = vec![plain(Stream::Users, "1"), plain(Stream::Users, "2")];
        let commit = PageCommit {
            invalid: vec![invalid_record(Stream::Users, InvalidReason::MissingId, 1)],
            found: 3,
            ..page_of(started.connection, Stream::Users, records)
        };
        store.commit_page(&started.lease, &commit).await.expect("a page");
    }
    both
}

async fn figures(store: &dyn Store, since_s: i64) -> Figures {
    let mut figures = store.figures(at(since_s)).await.expect("figures");
    figures.runs.sort_by_key(|(state, _)| state.as_str());
    figures
}

pub async fn figures_tell_the_leases_of_runs_under_way(store: &dyn Store) {
    assert_eq!(figures(store, 0).await, Figures::default());
    two_runs(store).await;
    let told = figures(store, 0).await;
    assert_eq!(told.runs, [(RunState::Running, 2)]);
    let leases: Vec<_> = told.leases.iter().map(|(tenant, _)| tenant.clone()).collect();
    assert_eq!(
        leases,
        [1, 2].map(|number| new_connection(number).connection.tenant_id)
    );
    assert!(told.leases.iter().all(|(_, expires_at)| *expires_at > at(0)));
    assert_eq!(store.pools().len(), 2);
}

pub async fn figures_add_up_what_all_runs_did(store: &dyn Store) {
    let ends = two_runs(store).await;
    let completed = complete(store, &ends[0], 400).await;
    let failed = finish_as(RunState::Failed, 500);
    let failed = store.finish(&ends[1].lease, &failed).await.expect("an end");
    enqueue(store, 7, connection_id(1), 700).await;
    enqueue(store, 8, connection_id(2), 800).await;
    let told = figures(store, 0).await;
    let expected = [
        (RunState::Completed, 1),
        (RunState::Failed, 1),
        (RunState::Queued, 2),
    ];
    assert_eq!(told.runs, expected);
    assert_eq!((told.oldest_queued_at, told.leases), (Some(at(700)), Vec::new()));
    assert_eq!(told.requests, completed.requests + failed.requests);
    let users = told.streams.iter().find(|(stream, _)| *stream == Stream::Users);
    let expected = Ledger {
        found: 6,
        new: 4,
        invalid: 2,
        // The last of them ends the stream, and holds nothing.
        pages: 3,
        ..Ledger::default()
    };
    assert_eq!(users, Some(&(Stream::Users, expected)));

    let later = figures(store, 750).await;
    assert_eq!(
        later.runs,
        [(RunState::Queued, 1)],
        "those of before are left out"
    );
    assert_eq!(
        later.oldest_queued_at,
        Some(at(700)),
        "who waits longest is told all the same"
    );
}
