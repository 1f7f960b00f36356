use domain::{
    Stream,
    record::{InvalidReason, InvalidRecord},
};

use super::fixtures::{Started, invalid_record, page, run_id, started};
use crate::{PageCommit, Store};

/// More than one statement takes at once.
const MANY: u32 = 150;

pub async fn invalid_records_are_grouped_and_paged(store: &dyn Store) {
    let started = started(store, 1).await;
    let id = started.lease.run_id;
    let users = |number| invalid_record(Stream::Users, InvalidReason::MissingId, number);
    let late = invalid_record(Stream::Users, InvalidReason::UnreadableTime, 900);
    let topic = |number| invalid_record(Stream::Topics, InvalidReason::UnknownContentType, number);
    let first: Vec<InvalidRecord> = std::iter::once(late.clone())
        .chain((0..MANY).map(users))
        .collect();
    set_aside(store, &started, Stream::Users, first.clone()).await;
    set_aside(store, &started, Stream::Topics, vec![topic(1), topic(2)]).await;

    let groups = store.invalid_groups(id).await.expect("groups");
    let summary: Vec<_> = groups
        .iter()
        .map(|group| (group.stream, group.reason, group.count))
        .collect();
    let expected = [
        (Stream::Users, InvalidReason::MissingId, u64::from(MANY)),
        (Stream::Topics, InvalidReason::UnknownContentType, 2),
        (Stream::Users, InvalidReason::UnreadableTime, 1),
    ];
    assert_eq!(summary, expected);
    for group in groups {
        assert_eq!(
            (group.sample.stream, group.sample.reason),
            (group.stream, group.reason)
        );
    }

    let page = |group, offset, limit| async move {
        let page = store.invalid_records(id, group, offset, limit).await;
        let page = page.expect("a page");
        (page.records, page.total)
    };
    let all: Vec<InvalidRecord> = first.into_iter().chain([topic(1), topic(2)]).collect();
    let total = u64::from(MANY) + 3;
    assert_eq!(page(None, 0, 1_000).await, (all.clone(), total));
    assert_eq!(page(None, 1, 2).await, (all[1..3].to_vec(), total));
    let group = |stream, reason| Some((stream, reason));
    assert_eq!(
        page(group(Stream::Topics, InvalidReason::UnknownContentType), 1, 5).await,
        (vec![topic(2)], 2)
    );
    assert_eq!(
        page(group(Stream::Users, InvalidReason::UnreadableTime), 0, 5).await,
        (vec![late], 1)
    );
    assert_eq!(
        page(group(Stream::Users, InvalidReason::TooLarge), 0, 5).await,
        (Vec::new(), 0)
    );
    assert!(store.invalid_groups(run_id(9)).await.expect("groups").is_empty());
}

async fn set_aside(store: &dyn Store, started: &Started, stream: Stream, invalid: Vec<InvalidRecord>) {
    let commit = PageCommit {
        found: invalid.len() as u64,
        invalid,
        ..page(started.connection, stream)
    };
    let written = store.commit_page(&started.lease, &commit).await.expect("a page");
    assert_eq!(written.new + written.updated + written.unchanged, 0);
}
