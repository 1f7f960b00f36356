//! What the cards of the connections show.

use std::collections::HashMap;

use domain::{Connection, ConnectionId, Run, RunId, RunState, Stream};
use store::{ConnectionOverview, ObjectCounts, RunMark, StoreError};

use crate::Columns;

/// Which runs of a connection its card speaks of.
#[derive(Debug, Default)]
pub struct Landmarks {
    current: Option<RunId>,
    last: Option<RunId>,
    last_success: Option<RunId>,
    failures_in_a_row: u32,
}

impl Landmarks {
    pub fn runs(&self) -> impl Iterator<Item = RunId> + use<> {
        [self.current, self.last, self.last_success].into_iter().flatten()
    }

    pub fn overview(
        self,
        connection: Connection,
        counts: ObjectCounts,
        recent: Vec<RunMark>,
        run: impl Fn(RunId) -> Option<Run>,
    ) -> ConnectionOverview {
        let run = |id: Option<RunId>| id.and_then(&run);
        ConnectionOverview {
            connection,
            counts,
            current: run(self.current),
            last: run(self.last),
            last_success: run(self.last_success),
            failures_in_a_row: self.failures_in_a_row,
            recent,
        }
    }
}

pub fn read_landmarks(row: &impl Columns) -> Result<(ConnectionId, Landmarks), StoreError> {
    let marks = Landmarks {
        current: row.optional_uuid("current")?.map(RunId),
        last: row.optional_uuid("last")?.map(RunId),
        last_success: row.optional_uuid("last_success")?.map(RunId),
        failures_in_a_row: u32::try_from(row.unsigned("failures")?).unwrap_or(u32::MAX),
    };
    Ok((row.connection_id("id")?, marks))
}

pub fn read_object_counts(rows: &[impl Columns]) -> Result<HashMap<ConnectionId, ObjectCounts>, StoreError> {
    let mut counts: HashMap<ConnectionId, ObjectCounts> = HashMap::new();
    for row in rows {
        let of = counts.entry(row.connection_id("connection_id")?).or_default();
        let count = match row.word("stream", Stream::parse)? {
            Stream::IdeaStatuses => &mut of.idea_statuses,
            Stream::Categories => &mut of.categories,
            Stream::Users => &mut of.users,
            Stream::Topics => &mut of.topics,
            Stream::Replies => &mut of.replies,
            Stream::Activity => &mut of.activity,
        };
        *count = row.unsigned("stored")?;
    }
    Ok(counts)
}

pub fn read_recent(rows: &[impl Columns]) -> Result<HashMap<ConnectionId, Vec<RunMark>>, StoreError> {
    let mut recent: HashMap<ConnectionId, Vec<RunMark>> = HashMap::new();
    for row in rows {
        let of = recent.entry(row.connection_id("connection_id")?).or_default();
        of.push(RunMark {
            id: row.run_id("id")?,
            state: row.word("state", RunState::parse)?,
            queued_at: row.time("queued_at")?,
            found: row.unsigned("found")?,
            invalid: row.unsigned("invalid")?,
        });
    }
    Ok(recent)
}
