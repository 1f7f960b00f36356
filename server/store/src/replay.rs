//! What is stored, read anew without the API: members by another mapping of profile fields, and records that were set
//! aside.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, ProfileMapping, RunId, Stream,
    record::{InvalidRecord, User},
};

use crate::{By, ContentHash, PageCommit, Row, StoreError};

/// A connection's mapping of profile fields, and its version, which grows with every change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredMapping {
    pub mapping: ProfileMapping,
    pub version: i64,
}

/// A profile field that members have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFieldCount {
    pub name: String,
    /// Members that have it, not blank; deleted ones left out.
    pub members: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMember {
    pub user: User,
    pub hash: ContentHash,
}

/// A member whose own columns another mapping fills otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemappedMember {
    pub user: User,
    pub hash: ContentHash,
    /// The hash by which it was read: a member that a run has changed since is left as it is.
    pub before: ContentHash,
}

/// A record that is set aside, by the store's own number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    pub id: i64,
    pub record: InvalidRecord,
}

/// Records of one run and stream that can be read now, and those whose reason has changed.
#[derive(Clone, Debug)]
pub struct Replay {
    pub connection_id: ConnectionId,
    /// The run that had set them aside.
    pub run_id: RunId,
    pub stream: Stream,
    /// By the number of the record, newest first.
    pub read: Vec<(i64, Row)>,
    pub still_invalid: Vec<SetAside>,
    pub at: DateTime<Utc>,
}

impl Replay {
    /// Rows of it as a page, of which no ledger counts anything.
    pub fn page(&self, rows: Vec<Row>) -> PageCommit {
        PageCommit {
            connection_id: self.connection_id,
            stream: self.stream,
            rows,
            invalid: Vec::new(),
            found: 0,
            repeated: 0,
            left_out: 0,
            refused: 0,
            pages: 0,
            requests: 0,
            seen: Vec::new(),
            watermark: None,
            replies_read: Vec::new(),
            checkpoint: String::new(),
            end: None,
            at: self.at,
        }
    }
}

/// What became of the records that can be read now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayOutcome {
    /// Stored as new rows, or over older ones.
    pub stored: u64,
    /// Stored already, by the same run or a later one, or just as they are.
    pub known: u64,
    /// Left set aside: a later run may have seen newer data.
    pub outdated: u64,
}

#[async_trait]
pub trait ReplayStore: Send + Sync {
    async fn profile_mapping(&self, connection: ConnectionId) -> Result<StoredMapping, StoreError>;

    /// Replaces the mapping. Unless it is the one that was, its version grows and the connection's replay is due.
    async fn set_profile_mapping(
        &self,
        connection: ConnectionId,
        mapping: &ProfileMapping,
        by: &By,
    ) -> Result<(), StoreError>;

    /// The profile fields that the connection's members have, most frequent first.
    async fn profile_fields(
        &self,
        connection: ConnectionId,
        limit: u32,
    ) -> Result<Vec<ProfileFieldCount>, StoreError>;

    /// Stored members, deleted ones too, in the order of their ids, after the given one.
    async fn members(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredMember>, StoreError>;

    /// Writes the mapped columns and the hash of members that are still as they were read, in one transaction, and says
    /// how many it wrote. No run is named: none of them changed the member.
    async fn remap_members(
        &self,
        connection: ConnectionId,
        members: &[RemappedMember],
    ) -> Result<u64, StoreError>;

    /// The connection's runs that have records set aside, newest first.
    async fn runs_with_set_aside(&self, connection: ConnectionId) -> Result<Vec<RunId>, StoreError>;

    /// Records of a run and stream that are still set aside, newest first, before the given one.
    async fn set_aside(
        &self,
        run: RunId,
        stream: Stream,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError>;

    /// Stores what can be read now and takes it out of what is set aside, in one transaction. The ledger of the run that
    /// had set it aside is history and stays; rows, their count, the replies that a topic awaits and the days of trends
    /// are as if that run had stored it.
    ///
    /// An older payload never replaces newer data. A row that the same run or a later one wrote, or an import, stays and
    /// counts as known. An older row is replaced, but only if no later run has committed pages of the stream: it may
    /// have found the row unchanged, which leaves no trace. A row that is not there is written, unless a later run has
    /// read the stream whole (in another full pass; idea statuses and categories in any): then the provider has the
    /// record no more, or as something else.
    async fn replay(&self, replay: &Replay) -> Result<ReplayOutcome, StoreError>;

    /// Connections whose mapping has changed since the last replay, or that an older decoder replayed; without those
    /// whose run is under way. `only` looks at one.
    async fn replays_due(
        &self,
        decoder: i64,
        only: Option<ConnectionId>,
    ) -> Result<Vec<ConnectionId>, StoreError>;

    /// Notes that everything was read anew with this mapping and decoder. If a run of the connection is under way, or
    /// the mapping has changed meanwhile, the replay stays due: that run may write by another mapping.
    async fn settle_replay(
        &self,
        connection: ConnectionId,
        mapping_version: i64,
        decoder: i64,
    ) -> Result<(), StoreError>;
}
