//! Reads what is stored anew, without the API: members by their connection's mapping of profile fields, and records that
//! were set aside by the decoder of this version.
//!
//! It is due when a mapping or the decoder has changed. A worker does it by itself, at its start and from then on; the
//! mark that it is due stays until all of it is done, so that it may be cut off anywhere.

use std::{collections::HashMap, time::Duration};

use connector::{DECODER_VERSION, Unreplayable, decode_again};
use domain::{
    ConnectionId, ProfileMapper, ProfileMapping, RunId, Stream,
    record::{Content, Record},
};
use serde::Serialize;
use store::{RemappedMember, Replay, Row, SetAside, StoreError, StoredMember, TopicRef};
use sync::content_hash;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{error::with_sources, installation::Installation, operations::unify::match_connection};

/// Members in memory at once, and of one transaction: others wait for the write lock meanwhile.
const MEMBERS_AT_ONCE: u32 = 1_000;
/// Records in memory at once; the longest payload has 256 KiB.
const RECORDS_AT_ONCE: u32 = 100;
/// How often a worker looks for what is due: a mapping is rarely changed, and whoever changes it does not wait for this.
const TICK: Duration = Duration::from_secs(30);

/// What reading anew came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ReadAnew {
    pub(crate) members: MembersRead,
    pub(crate) records: RecordsTried,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct MembersRead {
    pub(crate) read: u64,
    /// Those of which a column is filled otherwise now.
    pub(crate) changed: u64,
}

/// What became of the records that were set aside; `tried` is the sum of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RecordsTried {
    pub(crate) tried: u64,
    pub(crate) stored: u64,
    /// A later run, or the same one, had stored them already.
    pub(crate) known: u64,
    /// Readable, but a later run may have seen newer data.
    pub(crate) outdated: u64,
    pub(crate) still_invalid: u64,
    /// Their payload was longer than is kept.
    pub(crate) cut: u64,
    /// Replies whose topic is not stored.
    pub(crate) without_topic: u64,
}

impl RecordsTried {
    pub(crate) fn repaired(&self) -> u64 {
        self.stored + self.known
    }
}

/// Reads all of a connection anew, and notes that it is done.
pub(crate) async fn read_anew(
    installation: &Installation,
    connection: ConnectionId,
) -> Result<ReadAnew, StoreError> {
    let store = &installation.store;
    let stored = store.profile_mapping(connection).await?;
    let members = remap(installation, connection, &stored.mapping).await?;
    let mut records = RecordsTried::default();
    for run in store.runs_with_set_aside(connection).await? {
        replay_run(installation, connection, run, &stored.mapping, &mut records).await?;
    }
    match_connection(installation, connection).await?;
    store.rebuild_due_trends(connection).await?;
    store
        .settle_replay(connection, stored.version, DECODER_VERSION)
        .await?;
    Ok(ReadAnew { members, records })
}

/// Tries the records again that one run set aside.
pub(crate) async fn read_run_anew(
    installation: &Installation,
    connection: ConnectionId,
    run: RunId,
) -> Result<ReadAnew, StoreError> {
    let stored = installation.store.profile_mapping(connection).await?;
    let mut anew = ReadAnew::default();
    replay_run(installation, connection, run, &stored.mapping, &mut anew.records).await?;
    match_connection(installation, connection).await?;
    installation.store.rebuild_due_trends(connection).await?;
    Ok(anew)
}

/// If it is due.
pub(crate) async fn keep_up_one(installation: &Installation, connection: ConnectionId) {
    match installation
        .store
        .replays_due(DECODER_VERSION, Some(connection))
        .await
    {
        Ok(due) if due.is_empty() => {}
        Ok(_) => keep_up_with(installation, connection).await,
        Err(error) => log(&error),
    }
}

/// Reads anew whatever is due, until it is told to stop.
pub(crate) async fn keep_up(installation: Installation, stop: CancellationToken) {
    let work = async {
        loop {
            match installation.store.replays_due(DECODER_VERSION, None).await {
                Ok(due) => {
                    for connection in due {
                        keep_up_with(&installation, connection).await;
                    }
                }
                Err(error) => log(&error),
            }
            installation.clock.sleep(TICK).await;
        }
    };
    // Each page is a transaction of its own, so it can be cut off anywhere.
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

async fn keep_up_with(installation: &Installation, connection: ConnectionId) {
    match read_anew(installation, connection).await {
        Ok(ReadAnew { members, records }) => info!(
            %connection,
            members = members.read,
            changed = members.changed,
            tried = records.tried,
            repaired = records.repaired(),
            "stored records were read anew"
        ),
        Err(error) => log(&error),
    }
}

fn log(error: &StoreError) {
    error!(error = %with_sources(error), "stored records cannot be read anew; it is tried again");
}

async fn remap(
    installation: &Installation,
    connection: ConnectionId,
    mapping: &ProfileMapping,
) -> Result<MembersRead, StoreError> {
    let store = &installation.store;
    let mut mapper = ProfileMapper::new(mapping);
    let mut done = MembersRead::default();
    let mut after: Option<String> = None;
    loop {
        let members = store
            .members(connection, after.as_deref(), MEMBERS_AT_ONCE)
            .await?;
        let Some(last) = members.last() else {
            return Ok(done);
        };
        after = Some(last.user.community_user_id.clone());
        done.read += members.len() as u64;
        let changed: Vec<_> = members
            .into_iter()
            .filter_map(|member| remapped(member, &mut mapper))
            .collect();
        done.changed += store.remap_members(connection, &changed).await?;
    }
}

/// The member as a sync by the mapping would store it; `None` if that is how it is stored.
fn remapped(member: StoredMember, mapper: &mut ProfileMapper<'_>) -> Option<RemappedMember> {
    let mut user = member.user;
    mapper.fill(&mut user);
    let record = Record::User(Box::new(user));
    let hash = content_hash(&record);
    match record {
        Record::User(user) if hash != member.hash => Some(RemappedMember {
            user: *user,
            hash,
            before: member.hash,
        }),
        _ => None,
    }
}

async fn replay_run(
    installation: &Installation,
    connection: ConnectionId,
    run: RunId,
    mapping: &ProfileMapping,
    done: &mut RecordsTried,
) -> Result<(), StoreError> {
    let store = &installation.store;
    // In the order of the streams: a reply needs its topic.
    for stream in Stream::ALL {
        let mut before = None;
        loop {
            let page = store.set_aside(run, stream, before, RECORDS_AT_ONCE).await?;
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            done.tried += page.len() as u64;
            let mut replay = Replay {
                connection_id: connection,
                run_id: run,
                stream,
                read: Vec::new(),
                still_invalid: Vec::new(),
                at: installation.clock.now(),
            };
            decode_page(installation, page, mapping, &mut replay, done).await?;
            let outcome = store.replay(&replay).await?;
            done.stored += outcome.stored;
            done.known += outcome.known;
            done.outdated += outcome.outdated;
        }
    }
    Ok(())
}

async fn decode_page(
    installation: &Installation,
    page: Vec<SetAside>,
    mapping: &ProfileMapping,
    replay: &mut Replay,
    done: &mut RecordsTried,
) -> Result<(), StoreError> {
    let mut topics = HashMap::new();
    for SetAside { id, record } in page {
        if let Some(topic) = &record.topic_public_id
            && !topics.contains_key(topic)
        {
            let found = topic_ref(installation, replay.connection_id, topic).await?;
            topics.insert(topic.clone(), found);
        }
        let topic = record
            .topic_public_id
            .as_ref()
            .and_then(|topic| topics.get(topic)?.as_ref());
        match decode_again(&record, topic, mapping) {
            Ok(Ok(record)) => {
                let row = Row {
                    hash: content_hash(&record),
                    record,
                    repeated: false,
                };
                replay.read.push((id, row));
            }
            Ok(Err(flawed)) => {
                done.still_invalid += 1;
                if flawed != record {
                    replay.still_invalid.push(SetAside { id, record: flawed });
                }
            }
            Err(Unreplayable::Cut) => done.cut += 1,
            Err(Unreplayable::NoTopic) => done.without_topic += 1,
        }
    }
    Ok(())
}

async fn topic_ref(
    installation: &Installation,
    connection: ConnectionId,
    public_id: &str,
) -> Result<Option<TopicRef>, StoreError> {
    let topic = installation
        .store
        .record(connection, Stream::Topics, public_id)
        .await?;
    Ok(match topic {
        Some(Record::Content(topic)) => {
            let Content {
                public_id,
                private_id,
                subtype,
                reply_count,
                ..
            } = *topic;
            Some(TopicRef {
                public_id,
                private_id,
                subtype,
                reply_count: u64::try_from(reply_count).unwrap_or(0),
            })
        }
        _ => None,
    })
}
