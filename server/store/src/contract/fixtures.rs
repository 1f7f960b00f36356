//! What the stories are told with. Times and ids are constants.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ActivitySource, Cause, CauseCode, Connection, ConnectionId, Extent, Mode, Run, RunId, RunState, Stream,
    Trigger,
    record::{InvalidReason, InvalidRecord, Record, User},
};
use uuid::Uuid;

use super::accounts::operator;
use crate::{
    ClaimRequest, ClaimedRun, ContentHash, Enqueued, Fenced, Finish, KeptPace, Lease, NewConnection, NewRun,
    PageCommit, Release, Renewal, Row, Store, StreamEnd,
};

/// 2026-01-01T00:00:00Z.
const BEGINNING_S: i64 = 1_767_225_600;
pub(super) const FULL: Extent = Extent {
    mode: Mode::Full,
    all_replies: false,
};
pub(super) const INCREMENTAL: Extent = Extent {
    mode: Mode::Incremental,
    ..FULL
};
pub(super) const LEASE_TTL: Duration = Duration::from_secs(30);

/// This many seconds after the beginning of the stories; the microsecond shows whether a store keeps those.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(BEGINNING_S + seconds) + TimeDelta::microseconds(1)
}

pub(super) fn connection_id(number: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(0xc0_0000 + number))
}

pub(super) fn run_id(number: u128) -> RunId {
    RunId(Uuid::from_u128(0xa0_0000 + number))
}

/// A connection to the tenant `tenant-N`, with a client of its own.
pub(super) fn new_connection(number: u128) -> NewConnection {
    NewConnection {
        connection: Connection {
            id: connection_id(number),
            tenant_id: format!("tenant-{number}").parse().expect("a tenant id"),
            name: format!("Tenant \"{number}\" 🚀"),
            base_url: "https://api.example/communities".parse().expect("a base URL"),
            client_id: format!("client-{number}"),
            deactivated_at: None,
            activity_source: None,
            created_at: at(0),
        },
        sealed_secret: format!("sealed-{number}"),
        decoder: 1,
    }
}

pub(super) async fn add_connection(store: &dyn Store, number: u128) -> ConnectionId {
    let new = new_connection(number);
    store
        .add_connection(&new, &operator(0))
        .await
        .expect("a connection");
    new.connection.id
}

pub(super) fn new_run(number: u128, connection_id: ConnectionId, queued_at: DateTime<Utc>) -> NewRun {
    NewRun {
        id: run_id(number),
        connection_id,
        trigger: Trigger::Manual,
        extent: FULL,
        queued_at,
    }
}

pub(super) async fn enqueue(store: &dyn Store, number: u128, of: ConnectionId, seconds: i64) -> RunId {
    let new = new_run(number, of, at(seconds));
    let enqueued = store.enqueue(&new, None).await.expect("an answer");
    assert_eq!(enqueued, Enqueued::Queued);
    new.id
}

pub(super) fn claim_request(now: DateTime<Utc>) -> ClaimRequest {
    ClaimRequest {
        worker: "worker 1".into(),
        now,
        lease_ttl: LEASE_TTL,
        only: None,
    }
}

pub(super) async fn claim(store: &dyn Store, seconds: i64) -> Option<ClaimedRun> {
    store.claim(&claim_request(at(seconds))).await.expect("an answer")
}

/// The next run of a connection, incremental or not, claimed a second after it is queued.
pub(super) async fn next_run(
    store: &dyn Store,
    number: u128,
    connection: ConnectionId,
    extent: Extent,
    seconds: i64,
) -> ClaimedRun {
    let new = NewRun {
        extent,
        ..new_run(number, connection, at(seconds))
    };
    assert_eq!(
        store.enqueue(&new, None).await.expect("an answer"),
        Enqueued::Queued
    );
    let request = ClaimRequest {
        only: Some(new.id),
        ..claim_request(at(seconds + 1))
    };
    let claimed = store.claim(&request).await.expect("an answer");
    claimed.expect("the run that was just queued")
}

/// The connection and the run of one number, claimed.
pub(super) struct Started {
    pub(super) connection: ConnectionId,
    pub(super) lease: Lease,
}

pub(super) async fn sealed_secret(store: &dyn Store, connection: ConnectionId) -> Option<String> {
    let access = store.tenant_access(connection).await.expect("an answer");
    access.map(|access| access.sealed_secret)
}

pub(super) async fn started(store: &dyn Store, number: u128) -> Started {
    let connection = add_connection(store, number).await;
    let lease = start_run(store, number, connection, 0).await;
    Started { connection, lease }
}

/// The same, with a member.
pub(super) async fn with_a_member(store: &dyn Store, number: u128) -> Started {
    let started = started(store, number).await;
    let member = User {
        community_user_id: "1".to_owned(),
        ..User::default()
    };
    let page = page_of(
        started.connection,
        Stream::Users,
        vec![Record::User(Box::new(member))],
    );
    store.commit_page(&started.lease, &page).await.expect("a page");
    started
}

/// Enqueues a run and claims it a second later.
pub(super) async fn start_run(
    store: &dyn Store,
    number: u128,
    connection: ConnectionId,
    seconds: i64,
) -> Lease {
    let run = enqueue(store, number, connection, seconds).await;
    let request = ClaimRequest {
        only: Some(run),
        ..claim_request(at(seconds + 1))
    };
    let claimed = store.claim(&request).await.expect("an answer");
    claimed.expect("the run that was just queued").lease
}

/// An empty commit; the stories fill it.
pub(super) fn page(connection_id: ConnectionId, stream: Stream) -> PageCommit {
    PageCommit {
        connection_id,
        stream,
        rows: Vec::new(),
        invalid: Vec::new(),
        found: 0,
        left_out: 0,
        repeated: 0,
        refused: 0,
        pages: 1,
        requests: 1,
        seen: Vec::new(),
        watermark: None,
        replies_read: Vec::new(),
        checkpoint: "checkpoint".into(),
        end: None,
        at: at(10),
    }
}

/// A commit of these records, each served once.
pub(super) fn page_of(connection_id: ConnectionId, stream: Stream, records: Vec<Record>) -> PageCommit {
    PageCommit {
        found: records.len() as u64,
        rows: records.into_iter().map(row).collect(),
        ..page(connection_id, stream)
    }
}

pub(super) fn row(record: Record) -> Row {
    Row {
        hash: hash(&record),
        record,
        repeated: false,
    }
}

/// Any hash will do that differs when a record does.
pub(super) fn hash(record: &Record) -> ContentHash {
    let json = serde_json::to_string(record).expect("JSON");
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &json).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    ContentHash((half(0) << 64 | half(1)).to_be_bytes())
}

pub(super) fn invalid_record(stream: Stream, reason: InvalidReason, number: u32) -> InvalidRecord {
    InvalidRecord {
        stream,
        reason,
        name: format!("record {number}"),
        message: format!("field \"x\" of {number} is odd 🤷"),
        payload: format!("{{\"n\":{number},\"text\":\"it's \\\"odd\\\"\"}}"),
        payload_cut: false,
        topic_public_id: None,
        repaired_at: None,
    }
}

/// Reads every stream to its end, with what it was given so far.
pub(super) async fn end_streams(store: &dyn Store, started: &Started, streams: &[Stream]) {
    for stream in streams {
        let end = PageCommit {
            end: Some(StreamEnd {
                at: at(50),
                source: ActivitySource::Api,
            }),
            ..page(started.connection, *stream)
        };
        store
            .commit_page(&started.lease, &end)
            .await
            .expect("the end of a stream");
    }
}

pub(super) fn finish_as(state: RunState, seconds: i64) -> Finish {
    Finish {
        state,
        cause: (state == RunState::Failed)
            .then(|| Cause::new(CauseCode::ProviderUnavailable, "customer-en", "503.")),
        at: at(seconds),
        requests: 0,
        pace: KeptPace::default(),
    }
}

/// A renewal that tells nothing of the run.
pub(super) fn renewal(seconds: i64) -> Renewal {
    Renewal {
        now: at(seconds),
        lease_ttl: LEASE_TTL,
        waits_for_provider_until: None,
        requests_per_minute: None,
        stage_ends_at: None,
        pace: KeptPace::default(),
    }
}

/// As a worker that shuts down gives a run back.
pub(super) fn release(requests: u64) -> Release {
    Release {
        requests,
        ..Release::default()
    }
}

pub(super) async fn complete(store: &dyn Store, started: &Started, seconds: i64) -> Run {
    end_streams(store, started, &Stream::ALL).await;
    store
        .finish(&started.lease, &finish_as(RunState::Completed, seconds))
        .await
        .expect("a success")
}

pub(super) async fn stored(store: &dyn Store, connection: ConnectionId, stream: Stream) -> Vec<Record> {
    store
        .records(connection, stream, None, 10_000)
        .await
        .expect("records")
}

pub(super) async fn run(store: &dyn Store, id: RunId) -> Run {
    store.run(id).await.expect("an answer").expect("the run")
}

pub(super) fn assert_lost<T: std::fmt::Debug>(result: Result<T, Fenced>) {
    let error = result.expect_err("the lease is lost");
    assert!(matches!(error, Fenced::LeaseLost), "{error:?}");
}
