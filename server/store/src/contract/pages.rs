use domain::{Ledger, RunState, Stage, Stream, record::InvalidReason};

use super::{
    fixtures::{
        Started, add_connection, assert_lost, at, claim, finish_as, invalid_record, page, page_of, release,
        row, run, run_id, started, stored,
    },
    records::{full, plain, version},
};
use crate::{Fenced, PageCommit, PageOutcome, Row, Store, StoreError};

/// More rows than any statement takes at once, and no multiple of one.
const MANY_ROWS: u64 = 1_237;

fn outcome(new: u64, updated: u64, unchanged: u64) -> PageOutcome {
    PageOutcome {
        new,
        updated,
        unchanged,
        stop_requested: false,
    }
}

async fn ledger(store: &dyn Store, started: &Started, stream: Stream) -> Ledger {
    let run = run(store, started.lease.run_id).await;
    let of_stream = run.streams.into_iter().find(|found| found.stream == stream);
    of_stream.expect("the stream").ledger
}

/// A page that would write to every table that a page writes to.
fn rich_page(started: &Started) -> PageCommit {
    PageCommit {
        invalid: vec![invalid_record(Stream::Topics, InvalidReason::MissingId, 1)],
        found: 2,
        requests: 3,
        seen: vec![7],
        checkpoint: "not to be kept".into(),
        ..page_of(
            started.connection,
            Stream::Topics,
            vec![plain(Stream::Topics, "1")],
        )
    }
}

async fn assert_nothing_kept(store: &dyn Store, started: &Started, before: &domain::Run) {
    assert_eq!(stored(store, started.connection, Stream::Topics).await, []);
    assert_eq!(&run(store, started.lease.run_id).await, before);
    let seen = store.seen(started.lease.run_id, Stream::Topics).await;
    assert_eq!(seen.expect("an answer"), Vec::<Vec<u8>>::new());
    let invalid = store.invalid_records(started.lease.run_id, None, 0, 10).await;
    assert_eq!(invalid.expect("an answer").total, 0);
    let overview = store.overview(at(0)).await.expect("an overview");
    assert_eq!(overview[0].counts.topics, 0);
}

pub async fn a_lost_lease_writes_nothing(store: &dyn Store) {
    let started = started(store, 1).await;
    let second = claim(store, 31).await.expect("the run");
    let before = run(store, second.run.id).await;
    let old = &started.lease;

    assert_lost(store.commit_page(old, &rich_page(&started)).await);
    assert_lost(store.enter_stage(old, Stage::Topics, at(32)).await);
    for state in [RunState::Failed, RunState::Completed] {
        assert_lost(store.finish(old, &finish_as(state, 32)).await);
    }
    assert_lost(store.release(old, &release(5)).await);
    assert_nothing_kept(store, &started, &before).await;
    let again = claim(store, 61).await.expect("the run");
    assert_eq!(again.checkpoint, None);

    store
        .finish(&again.lease, &finish_as(RunState::Failed, 62))
        .await
        .expect("an end");
    let over = run(store, again.run.id).await;
    assert_lost(store.commit_page(&again.lease, &rich_page(&started)).await);
    assert_lost(
        store
            .finish(&again.lease, &finish_as(RunState::Cancelled, 63))
            .await,
    );
    assert_nothing_kept(store, &started, &over).await;
}

pub async fn a_commit_for_another_connection_is_refused(store: &dyn Store) {
    let started = started(store, 1).await;
    let other = add_connection(store, 2).await;
    let before = run(store, started.lease.run_id).await;
    let stray = PageCommit {
        connection_id: other,
        ..rich_page(&started)
    };
    store
        .commit_page(&started.lease, &stray)
        .await
        .expect_err("the run is not of that connection");
    assert_nothing_kept(store, &started, &before).await;
    assert_eq!(stored(store, other, Stream::Topics).await, []);
}

pub async fn records_come_back_as_they_were_committed(store: &dyn Store) {
    let started = started(store, 1).await;
    for stream in Stream::ALL {
        let mut records = vec![
            full(stream, "1"),
            plain(stream, "2"),
            plain(stream, "3 '\"👾\u{1}"),
        ];
        let commit = page_of(started.connection, stream, records.clone());
        let written = store.commit_page(&started.lease, &commit).await.expect("a page");
        assert_eq!(written, outcome(3, 0, 0), "{stream}");
        assert_eq!(
            stored(store, started.connection, stream).await,
            records,
            "{stream}"
        );

        // The same fields over an update: full and plain change places.
        records[0] = plain(stream, "1");
        records[1] = full(stream, "2");
        let commit = page_of(started.connection, stream, records.clone());
        let written = store.commit_page(&started.lease, &commit).await.expect("a page");
        assert_eq!(written, outcome(0, 2, 1), "{stream}");
        assert_eq!(
            stored(store, started.connection, stream).await,
            records,
            "{stream}"
        );
    }
}

pub async fn records_are_paged_by_key(store: &dyn Store) {
    let started = started(store, 1).await;
    for stream in Stream::ALL {
        let keys = ["10", "9", "é", "B", "a", "1"];
        let records = keys.map(|key| plain(stream, key)).to_vec();
        let commit = page_of(started.connection, stream, records);
        store.commit_page(&started.lease, &commit).await.expect("a page");
        let mut after: Option<String> = None;
        let mut read = Vec::new();
        while let Some(record) = store
            .records(started.connection, stream, after.as_deref(), 1)
            .await
            .expect("records")
            .pop()
        {
            after = Some(record.key().to_owned());
            read.push(record.key().to_owned());
        }
        assert_eq!(
            read,
            ["1", "10", "9", "B", "a", "é"],
            "{stream}, in the order of the bytes"
        );
    }
}

pub async fn rows_are_new_then_unchanged_then_updated(store: &dyn Store) {
    let started = started(store, 1).await;
    for stream in Stream::ALL {
        let commit = |versions: [(&str, u64); 2]| {
            let records = versions.map(|(key, number)| version(stream, key, number));
            page_of(started.connection, stream, records.to_vec())
        };
        let pages = [
            (commit([("1", 0), ("2", 0)]), outcome(2, 0, 0)),
            (commit([("1", 0), ("2", 0)]), outcome(0, 0, 2)),
            (commit([("2", 1), ("1", 0)]), outcome(0, 1, 1)),
            (commit([("2", 0), ("3", 0)]), outcome(1, 1, 0)),
        ];
        for (commit, expected) in pages {
            let written = store.commit_page(&started.lease, &commit).await.expect("a page");
            assert_eq!(written, expected, "{stream}");
        }
        let expected = ["1", "2", "3"].map(|key| version(stream, key, 0));
        assert_eq!(
            stored(store, started.connection, stream).await,
            expected,
            "{stream}"
        );
        let ledger = ledger(store, &started, stream).await;
        let rows = (ledger.found, ledger.new, ledger.updated, ledger.unchanged);
        assert_eq!(rows, (8, 3, 2, 3), "{stream}");
    }
}

pub async fn a_repeated_row_is_written_but_not_counted(store: &dyn Store) {
    let started = started(store, 1).await;
    for stream in Stream::ALL {
        let first = page_of(
            started.connection,
            stream,
            vec![version(stream, "1", 0), version(stream, "2", 0)],
        );
        store.commit_page(&started.lease, &first).await.expect("a page");
        let again = |key: &str, number| Row {
            repeated: true,
            ..row(version(stream, key, number))
        };
        // One changed, one unchanged, one never stored, and one served twice more that has no row of its own.
        let repeats = PageCommit {
            rows: vec![
                again("1", 1),
                again("2", 0),
                again("3", 0),
                row(version(stream, "4", 0)),
            ],
            found: 5,
            repeated: 4,
            ..page(started.connection, stream)
        };
        let written = store.commit_page(&started.lease, &repeats).await.expect("a page");
        assert_eq!(written, outcome(1, 0, 0), "{stream}");
        let expected = [("1", 1), ("2", 0), ("3", 0), ("4", 0)].map(|(key, n)| version(stream, key, n));
        assert_eq!(
            stored(store, started.connection, stream).await,
            expected,
            "{stream}"
        );
        let ledger = ledger(store, &started, stream).await;
        assert_eq!((ledger.found, ledger.new, ledger.repeated), (7, 3, 4), "{stream}");
    }
    let counts = store.overview(at(0)).await.expect("an overview")[0].counts;
    assert_eq!(counts.users, 4, "rows are counted as they are stored");
}

pub async fn many_rows_are_written_in_one_commit(store: &dyn Store) {
    let started = started(store, 1).await;
    for stream in [Stream::Users, Stream::Replies] {
        // From high to low: the order of the keys is the store's business.
        let records = |number| {
            (0..MANY_ROWS)
                .rev()
                .map(|key| version(stream, &key.to_string(), number))
                .collect()
        };
        let pages = [
            (0, outcome(MANY_ROWS, 0, 0)),
            (1, outcome(0, MANY_ROWS, 0)),
            (1, outcome(0, 0, MANY_ROWS)),
        ];
        for (number, expected) in pages {
            let commit = page_of(started.connection, stream, records(number));
            let written = store.commit_page(&started.lease, &commit).await.expect("a page");
            assert_eq!(written, expected, "{stream}");
        }
        let mut expected = records(1);
        expected.sort_by(|a, b| a.key().cmp(b.key()));
        assert_eq!(
            stored(store, started.connection, stream).await,
            expected,
            "{stream}"
        );
    }
}

pub async fn a_miscounted_page_is_refused_whole(store: &dyn Store) {
    let started = started(store, 1).await;
    let before = run(store, started.lease.run_id).await;
    let good = rich_page(&started);
    let miscounts = [
        PageCommit {
            found: good.found + 1,
            ..good.clone()
        },
        PageCommit {
            found: good.found - 1,
            ..good.clone()
        },
        PageCommit {
            repeated: 1,
            ..good.clone()
        },
        PageCommit {
            invalid: Vec::new(),
            ..good.clone()
        },
        PageCommit {
            rows: Vec::new(),
            ..good.clone()
        },
    ];
    for commit in miscounts {
        let refused = store.commit_page(&started.lease, &commit).await;
        assert!(
            matches!(refused, Err(Fenced::Store(StoreError::LedgerUnbalanced(_)))),
            "{refused:?}"
        );
        assert_nothing_kept(store, &started, &before).await;
    }
    store
        .commit_page(&started.lease, &good)
        .await
        .expect("the page, counted right");
}

pub async fn a_row_of_another_stream_is_refused(store: &dyn Store) {
    let started = started(store, 1).await;
    let before = run(store, started.lease.run_id).await;
    for (stream, of) in [(Stream::Topics, Stream::Users), (Stream::Topics, Stream::Replies)] {
        let commit = page_of(started.connection, stream, vec![plain(of, "1")]);
        store
            .commit_page(&started.lease, &commit)
            .await
            .expect_err("the row has no place in that table");
        assert_nothing_kept(store, &started, &before).await;
    }
}

pub async fn the_next_claimant_gets_checkpoint_and_seen(store: &dyn Store) {
    let started = started(store, 1).await;
    for (checkpoint, seen) in [
        ("one", &[1, 2][..]),
        ("two", &[][..]),
        ("three 🐙", &[0, 255][..]),
    ] {
        let commit = PageCommit {
            seen: seen.to_vec(),
            checkpoint: checkpoint.into(),
            ..page(started.connection, Stream::Users)
        };
        store.commit_page(&started.lease, &commit).await.expect("a page");
    }
    let claimed = claim(store, 31).await.expect("the run");
    assert_eq!(claimed.checkpoint.as_deref(), Some("three 🐙"));
    let more = PageCommit {
        seen: vec![3],
        ..page(started.connection, Stream::Users)
    };
    store.commit_page(&claimed.lease, &more).await.expect("a page");
    let seen = |stream| async move {
        let mut seen = store.seen(run_id(1), stream).await.expect("an answer");
        // Whether a page that saw nothing is among them makes no difference.
        seen.retain(|part| !part.is_empty());
        seen
    };
    assert_eq!(seen(Stream::Users).await, [vec![1, 2], vec![0, 255], vec![3]]);
    assert_eq!(seen(Stream::Topics).await, Vec::<Vec<u8>>::new());
}

pub async fn ledgers_add_up_over_pages(store: &dyn Store) {
    let started = started(store, 1).await;
    for number in 0..3 {
        let commit = PageCommit {
            invalid: vec![invalid_record(Stream::Users, InvalidReason::MissingId, number)],
            found: 3,
            repeated: 1,
            refused: 2,
            pages: 4,
            requests: 5,
            ..page_of(
                started.connection,
                Stream::Users,
                vec![plain(Stream::Users, &number.to_string())],
            )
        };
        store.commit_page(&started.lease, &commit).await.expect("a page");
    }
    let expected = Ledger {
        found: 9,
        new: 3,
        invalid: 3,
        repeated: 3,
        refused: 6,
        pages: 12,
        ..Ledger::default()
    };
    assert_eq!(ledger(store, &started, Stream::Users).await, expected);
    let run = run(store, started.lease.run_id).await;
    assert_eq!(run.requests, 15);
    assert_eq!(run.total(), expected);
}

pub async fn tenants_do_not_touch_each_other(store: &dyn Store) {
    let first = started(store, 1).await;
    let second = started(store, 2).await;
    for stream in Stream::ALL {
        let commit = |of: &Started, number| {
            let record = version(stream, "1", number);
            PageCommit {
                invalid: vec![invalid_record(stream, InvalidReason::MissingId, 1)],
                found: 2,
                replies_read: vec!["1".into()],
                ..page_of(of.connection, stream, vec![record])
            }
        };
        for (started, number) in [(&first, 1), (&second, 2)] {
            let written = store
                .commit_page(&started.lease, &commit(started, number))
                .await
                .expect("a page");
            assert_eq!(
                written,
                outcome(1, 0, 0),
                "{stream}: the same id is another record"
            );
        }
        let before = stored(store, first.connection, stream).await;
        assert_eq!(before, [version(stream, "1", 1)]);
        store
            .commit_page(&second.lease, &commit(&second, 3))
            .await
            .expect("a page");
        assert_eq!(stored(store, first.connection, stream).await, before);
        assert_eq!(ledger(store, &first, stream).await.found, 2);
    }
    let invalid = store.invalid_records(run_id(1), None, 0, 100).await;
    assert_eq!(invalid.expect("an answer").total, 6);
    let overview = store.overview(at(0)).await.expect("an overview");
    assert_eq!(overview[0].counts, overview[1].counts);
    assert_eq!(overview[0].counts.replies, 1);
}
