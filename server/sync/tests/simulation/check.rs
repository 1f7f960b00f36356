//! What must hold after every run.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use domain::{ActivitySource, CauseCode, Connection, Mode, Run, RunState, Stream, record::Record};
use simulator::TrueRecord;
use store::RunQuery;
use sync::content_hash;

use crate::{
    common::{agrees, key_and_stream, stored},
    story::Circumstances,
    world::World,
};

/// What was found to be wrong, in words.
pub(crate) type Checked<T> = Result<T, String>;

/// The records of every stream, by key.
pub(crate) type Records = BTreeMap<Stream, BTreeMap<String, Record>>;

fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Checked<()> {
    if holds { Ok(()) } else { Err(wrong()) }
}

pub(crate) async fn stored_of(world: &World, connection: &Connection) -> Records {
    let mut streams = BTreeMap::new();
    for stream in Stream::ALL {
        let records = stored(world.store.as_ref(), connection.id, stream).await;
        streams.insert(stream, records);
    }
    streams
}

/// The rows and runs of a connection, to be compared with themselves.
pub(crate) async fn snapshot(world: &World, connection: &Connection) -> (Records, String) {
    let query = RunQuery {
        connection: Some(connection.id),
        offset: 0,
        limit: 100,
    };
    let runs = world.store.runs(&query).await.expect("runs");
    (stored_of(world, connection).await, format!("{runs:?}"))
}

pub(crate) async fn after_run(world: &World, run: &Run, circumstances: &Circumstances) -> Checked<()> {
    let wrong = world.books.take_wrong();
    ensure(wrong.is_empty(), || format!("the books: {wrong:?}"))?;
    ledgers_are_the_sum_of_their_pages(world, run)?;
    let records = stored_of(world, &world.connection).await;
    stored_is_what_was_committed(world, &records)?;
    match run.state {
        RunState::Failed => failure_is_explained(run, circumstances),
        RunState::Cancelled => ensure(circumstances.disrupted, || "cancelled by nobody".into()),
        _ => {
            ensure(run.cause.is_none(), || format!("green, but {:?}", run.cause))?;
            counted_is_the_truth(world, run, circumstances)?;
            stored_is_the_truth(world, run, circumstances, &records)
        }
    }
}

fn ledgers_are_the_sum_of_their_pages(world: &World, run: &Run) -> Checked<()> {
    for of in &run.streams {
        let (stream, mut ledger) = (of.stream, of.ledger);
        let balance = ledger.check();
        ensure(balance.is_ok(), || format!("the ledger of {stream}: {balance:?}"))?;
        ledger.deleted = 0;
        let pages = world.books.ledger(run.id, stream);
        ensure(ledger == pages, || {
            format!("the ledger of {stream} is {ledger:?}, its pages are {pages:?}")
        })?;
        let read = of.finished_at.is_some() || !run.state.is_success();
        ensure(read, || format!("green, but {stream} was not read to its end"))?;
    }
    Ok(())
}

fn stored_is_what_was_committed(world: &World, records: &Records) -> Checked<()> {
    for (stream, records) in records {
        let committed = world.books.rows(*stream);
        let lost: Vec<_> = committed
            .keys()
            .filter(|key| !records.contains_key(*key))
            .collect();
        ensure(lost.is_empty(), || {
            format!("{stream}: {lost:?} were committed and are not stored")
        })?;
        for (key, record) in records {
            ensure(committed.get(key) == Some(&content_hash(record)), || {
                format!("{stream} {key} is stored as nobody committed it: {record:?}")
            })?;
        }
    }
    Ok(())
}

fn failure_is_explained(run: &Run, circumstances: &Circumstances) -> Checked<()> {
    let Some(cause) = &run.cause else {
        return Err("a failed run names no cause".into());
    };
    ensure(run.stage.is_some() && !cause.message.is_empty(), || {
        format!("a failed run names no stage or no reason: {run:?}")
    })?;
    let is_to_be_expected = match cause.code {
        CauseCode::StoreFailed => circumstances.trouble > 0,
        CauseCode::Throttled | CauseCode::ProviderUnavailable | CauseCode::AnswerMalformed => {
            circumstances.profile != "none" || circumstances.disrupted
        }
        CauseCode::ListingUnsteady => circumstances.lives > 0,
        CauseCode::StreamEndedEarly => circumstances.profile.starts_with("ends-early"),
        _ => false,
    };
    ensure(is_to_be_expected, || {
        format!("{:?} in {:?} fails with {cause:?}", run.mode, run.stage)
    })
}

/// The streams that a run reads whole in a full pass.
const WHOLE: [Stream; 5] = [
    Stream::IdeaStatuses,
    Stream::Categories,
    Stream::Users,
    Stream::Topics,
    Stream::Activity,
];

/// A full pass counts every record that is there all the while, and each once; over a tenant at rest, no other.
fn counted_is_the_truth(world: &World, run: &Run, circumstances: &Circumstances) -> Checked<()> {
    if run.mode != Mode::Full {
        return Ok(());
    }
    let mut truth: BTreeMap<Stream, BTreeSet<String>> = BTreeMap::new();
    let records = world.simulator.true_records(world.tenant()).expect("the tenant");
    for (stream, key, valid) in records.map(|record| key_and_stream(&record)) {
        if valid && !world.versions_since(stream, &key, circumstances.since).is_empty() {
            truth.entry(stream).or_default().insert(key);
        }
    }
    for stream in WHOLE {
        if stream == Stream::Activity && source_of(run) != ActivitySource::Api {
            continue;
        }
        let truth = truth.remove(&stream).unwrap_or_default();
        let counted: BTreeSet<String> = world.books.counted(run.id, stream).into_iter().collect();
        let lost: Vec<_> = truth.difference(&counted).collect();
        ensure(lost.is_empty(), || {
            format!("{stream}: a full pass did not count {lost:?}")
        })?;
        let made_up: Vec<_> = counted.difference(&truth).collect();
        ensure(made_up.is_empty() || !circumstances.at_rest, || {
            format!("{stream}: a full pass counted {made_up:?}")
        })?;
    }
    Ok(())
}

fn source_of(run: &Run) -> ActivitySource {
    let activity = run.streams.iter().find(|of| of.stream == Stream::Activity);
    activity.map_or(ActivitySource::None, |of| of.source)
}

fn stored_is_the_truth(
    world: &World,
    run: &Run,
    circumstances: &Circumstances,
    records: &Records,
) -> Checked<()> {
    for (stream, records) in records {
        let unknown = records
            .keys()
            .find(|key| !world.ever.contains_key(&(*stream, (*key).clone())));
        ensure(unknown.is_none(), || {
            format!("{stream}: {unknown:?} is stored, and never was the tenant's")
        })?;
    }
    let refused = world.books.refused(run.id);
    for truth in world.simulator.true_records(world.tenant()).expect("the tenant") {
        let (stream, key, valid) = key_and_stream(&truth);
        let not_served = match stream {
            Stream::Replies => refused,
            Stream::Activity => source_of(run) != ActivitySource::Api,
            _ => false,
        };
        let versions = world.versions_since(stream, &key, circumstances.since);
        // What came while the run was under way may be left to the next one.
        if !valid || not_served || versions.is_empty() {
            continue;
        }
        let record = records.get(&stream).and_then(|records| records.get(&key));
        let Some(record) = record else {
            return Err(format!(
                "{stream} {key} is lost after a {:?} run: {truth:?}",
                run.mode
            ));
        };
        let is_silent = |truth: &TrueRecord| run.mode == Mode::Incremental && moved_silently(truth, record);
        let is_true = versions
            .iter()
            .any(|version| agrees(&version.record, record) || is_silent(&version.record));
        ensure(is_true, || {
            format!("after a {:?} run {truth:?} is stored as {record:?}", run.mode)
        })?;
    }
    if run.mode == Mode::Full && circumstances.at_rest {
        gone_is_deleted(world, records)?;
    }
    Ok(())
}

/// After a full pass over a tenant at rest nothing is left of what it has no more.
fn gone_is_deleted(world: &World, records: &Records) -> Checked<()> {
    let truth = world.simulator.true_records(world.tenant()).expect("the tenant");
    let there: BTreeSet<(Stream, String)> = truth
        .map(|record| key_and_stream(&record))
        .map(|(stream, key, _)| (stream, key))
        .collect();
    for (stream, records) in records {
        let left = records
            .keys()
            .find(|key| !there.contains(&(*stream, (*key).clone())));
        ensure(left.is_none(), || {
            format!("{stream} {left:?} is gone, and still stored after a full pass")
        })?;
    }
    Ok(())
}

/// Edits, moves and the like do not move the activity time, so that only a full pass can see them.
fn moved_silently(truth: &TrueRecord, record: &Record) -> bool {
    let seconds = match truth {
        TrueRecord::User(user) => user.last_activity_at,
        TrueRecord::Topic(topic) => topic.last_activity_at,
        _ => return false,
    };
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.is_some() && time == record.activity_time()
}
