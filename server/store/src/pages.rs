use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ActivitySource, ConnectionId, RunId, Stream,
    record::{InvalidRecord, Record, Subtype},
};
use serde::{Deserialize, Serialize};

use crate::{Fenced, Lease, StoreError};

/// The hash of a canonical record; equal hashes mean that nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 16]);

/// A valid record on its way into its table.
#[derive(Clone, Debug)]
pub struct Row {
    pub record: Record,
    pub hash: ContentHash,
    /// Seen before in this run: written if it differs, but not counted as new, updated or unchanged again.
    pub repeated: bool,
}

/// The stream is read to its end with this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    pub at: DateTime<Utc>,
    pub source: ActivitySource,
}

/// All that one transaction writes: rows, invalid records, the ledger and the checkpoint, or nothing.
#[derive(Clone, Debug)]
pub struct PageCommit {
    pub connection_id: ConnectionId,
    pub stream: Stream,
    /// Each key at most once; all of the stream's own kind.
    pub rows: Vec<Row>,
    pub invalid: Vec<InvalidRecord>,
    /// Records that are no rows because they are older than the operator keeps. They count as unchanged: the provider
    /// served them, and nothing is written.
    pub left_out: u64,
    /// Records that the provider served: rows, those left out, invalid ones and those that `repeated` counts.
    pub found: u64,
    /// Records of the page that this run had seen before, those in `rows` included.
    pub repeated: u64,
    /// Items that the provider refused to serve (403).
    pub refused: u64,
    /// Pages of the provider in this commit.
    pub pages: u64,
    /// Requests since the last commit.
    pub requests: u64,
    /// The keys of this commit's records in the engine's own form, so that a run that is taken up again knows what it
    /// has seen. Empty if there are none.
    pub seen: Vec<u8>,
    /// The greatest activity time among the records of this commit.
    pub watermark: Option<DateTime<Utc>>,
    /// Topics whose replies are read to their end with this commit (by public id).
    pub replies_read: Vec<String>,
    /// Where to go on, in the engine's own form.
    pub checkpoint: String,
    pub end: Option<StreamEnd>,
    pub at: DateTime<Utc>,
}

/// How the store accounted for the rows of a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageOutcome {
    pub new: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// The run is to stop at this page boundary.
    pub stop_requested: bool,
}

/// A topic whose replies are to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicRef {
    pub public_id: String,
    pub private_id: String,
    pub subtype: Subtype,
    /// How many replies it says it has.
    #[serde(default)]
    pub reply_count: u64,
}

#[async_trait]
pub trait PageStore: Send + Sync {
    /// Commits a page in one transaction that carries the lease's fencing token.
    ///
    /// A topic that is new with replies, or whose reply count or last activity differs from the stored one, awaits its
    /// replies from then on, until a commit names it in `replies_read`. One without replies, now and before, has none
    /// to read. In a run that reads all replies, every topic that has some awaits them from the end of the topics on.
    ///
    /// New rows whose own time lies before the watermark that the run started from count as late, too.
    async fn commit_page(&self, lease: &Lease, commit: &PageCommit) -> Result<PageOutcome, Fenced>;

    /// What the run's commits of this stream left in [`PageCommit::seen`], in order.
    async fn seen(&self, run: RunId, stream: Stream) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Topics that await their replies, by public id (as text), after the given one.
    async fn topics_awaiting_replies(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TopicRef>, StoreError>;

    /// All stored records of a stream, in the order of their keys, after the given key.
    async fn records(
        &self,
        connection: ConnectionId,
        stream: Stream,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError>;
}
