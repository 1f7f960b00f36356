use domain::{
    ActivitySource, Cause, CauseCode, MatchCounts, Run, RunState, Stage, Stream, record::InvalidReason,
};

use super::{
    fixtures::{
        add_connection, at, claim, end_streams, enqueue, finish_as, invalid_record, page, page_of, run,
        started, stored,
    },
    records::{plain, version},
};
use crate::{Fenced, Finish, PageCommit, Store, StoreError, StreamEnd};

pub async fn a_success_is_refused_unless_every_stream_ended(store: &dyn Store) {
    for (number, unread) in (1..).zip(Stream::ALL) {
        let started = started(store, number).await;
        let read: Vec<Stream> = Stream::ALL
            .into_iter()
            .filter(|stream| *stream != unread)
            .collect();
        end_streams(store, &started, &read).await;
        let before = run(store, started.lease.run_id).await;
        for state in [RunState::Completed, RunState::CompletedWithInvalid] {
            let refused = store.finish(&started.lease, &finish_as(state, 60)).await;
            let Err(Fenced::Store(StoreError::LedgerUnbalanced(why))) = refused else {
                panic!("{unread} was not read: {refused:?}");
            };
            assert!(why.contains(unread.as_str()), "{why}");
            assert_eq!(
                run(store, started.lease.run_id).await,
                before,
                "nothing was written"
            );
        }
        end_streams(store, &started, &[unread]).await;
        store
            .finish(&started.lease, &finish_as(RunState::Completed, 61))
            .await
            .expect("a success");
    }
}

pub async fn a_success_is_stored_whole(store: &dyn Store) {
    let started = started(store, 1).await;
    for stream in Stream::ALL {
        let stage = Stage::from(stream);
        store
            .enter_stage(&started.lease, stage, at(5))
            .await
            .expect("a stage");
        let commit = PageCommit {
            invalid: vec![invalid_record(stream, InvalidReason::MissingId, 1)],
            found: 3,
            seen: vec![1],
            ..page_of(
                started.connection,
                stream,
                vec![plain(stream, "1"), plain(stream, "2")],
            )
        };
        store.commit_page(&started.lease, &commit).await.expect("a page");
    }
    end_streams(store, &started, &Stream::ALL).await;
    let finish = Finish {
        requests: 4,
        ..finish_as(RunState::CompletedWithInvalid, 60)
    };
    let over = store.finish(&started.lease, &finish).await.expect("a success");
    assert_eq!(over, run(store, over.id).await);
    assert_whole(&over);
    let again = enqueue(store, 2, started.connection, 70).await;
    assert_eq!(claim(store, 71).await.expect("the next run").run.id, again);
}

fn assert_whole(over: &Run) {
    assert_eq!(over.state, RunState::CompletedWithInvalid);
    assert_eq!((over.finished_at, &over.cause), (Some(at(60)), &None));
    assert_eq!(over.stage, Some(Stage::Activity));
    assert_eq!(over.requests, 16, "one a commit and four more");
    let total = over.total();
    assert_eq!((total.found, total.new, total.invalid), (18, 12, 6));
    for stream in &over.streams {
        assert_eq!(stream.ledger.check(), Ok(()));
        assert_eq!(
            (stream.started_at, stream.finished_at),
            (Some(at(5)), Some(at(50)))
        );
    }
    let unmatched = MatchCounts {
        unmatched: 2,
        ..MatchCounts::default()
    };
    assert_eq!(over.matching, unmatched, "nothing has matched the two users yet");
}

pub async fn a_failure_keeps_its_cause_and_checkpoint(store: &dyn Store) {
    for (number, code) in (1..).zip(CauseCode::ALL) {
        let started = started(store, number).await;
        let tenant = format!("tenant-{number}");
        let commit = PageCommit {
            seen: vec![9],
            ..page_of(started.connection, Stream::Users, vec![plain(Stream::Users, "1")])
        };
        store.commit_page(&started.lease, &commit).await.expect("a page");
        let cause = Cause::new(code, &tenant, "It said \"no\" 🙅 (403).");
        let finish = Finish {
            cause: Some(cause.clone()),
            ..finish_as(RunState::Failed, 60)
        };
        let over = store.finish(&started.lease, &finish).await.expect("an end");
        assert_eq!(
            (over.state, over.cause.as_ref()),
            (RunState::Failed, Some(&cause))
        );
        assert_eq!(over, run(store, over.id).await);
        let seen = store.seen(over.id, Stream::Users).await.expect("an answer");
        assert_eq!(seen, [vec![9]], "the next run may go on from it");
        assert_eq!(stored(store, started.connection, Stream::Users).await.len(), 1);
        assert!(claim(store, 1_000).await.is_none(), "it is over");
    }
}

pub async fn a_cancelled_run_frees_its_connection(store: &dyn Store) {
    let started = started(store, 1).await;
    let over = store
        .finish(&started.lease, &finish_as(RunState::Cancelled, 60))
        .await
        .expect("an end");
    assert_eq!(
        (over.state, over.finished_at),
        (RunState::Cancelled, Some(at(60)))
    );
    assert!(claim(store, 1_000).await.is_none());
    enqueue(store, 2, started.connection, 70).await;
}

pub async fn the_activity_source_is_learned_when_its_stream_ends(store: &dyn Store) {
    let started = started(store, 1).await;
    let other = add_connection(store, 2).await;
    let learned = |id| async move {
        let connection = store.connection(id).await.expect("an answer");
        connection.expect("the connection").activity_source
    };
    let commit = page_of(
        started.connection,
        Stream::Activity,
        vec![version(Stream::Activity, "1", 1)],
    );
    store.commit_page(&started.lease, &commit).await.expect("a page");
    end_streams(store, &started, &[Stream::Users]).await;
    assert_eq!(
        learned(started.connection).await,
        None,
        "not known before the end"
    );
    for source in [ActivitySource::None, ActivitySource::Import, ActivitySource::Api] {
        let end = PageCommit {
            end: Some(StreamEnd { at: at(50), source }),
            ..page(started.connection, Stream::Activity)
        };
        store.commit_page(&started.lease, &end).await.expect("the end");
        assert_eq!(learned(started.connection).await, Some(source));
        let streams = run(store, started.lease.run_id).await.streams;
        assert_eq!(streams[5].source, source);
        assert_eq!(streams[5].finished_at, Some(at(50)));
    }
    assert_eq!(learned(other).await, None);
}
