use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{ConnectionId, Run, RunId, RunState, Stream};
use store::{ConnectionOverview, ConnectionStore, ObjectCounts, OverviewStore, RunMark, StoreError};
use store_columns::{Columns, micros};

use crate::{PostgresStore, error::database};

/// Which runs of a connection its card speaks of.
struct Landmarks {
    current: Option<RunId>,
    last: Option<RunId>,
    last_success: Option<RunId>,
    failures_in_a_row: u32,
}

#[async_trait]
impl OverviewStore for PostgresStore {
    async fn overview(&self, since: DateTime<Utc>) -> Result<Vec<ConnectionOverview>, StoreError> {
        let connections = self.connections().await?;
        let mut counts = self.object_counts().await?;
        let mut recent = self.recent_runs(since).await?;
        let mut landmarks = self.landmarks().await?;
        let ids: Vec<RunId> = landmarks
            .values()
            .flat_map(|marks| [marks.current, marks.last, marks.last_success])
            .flatten()
            .collect();
        let runs: HashMap<RunId, Run> = self
            .runs_by_id(&ids)
            .await?
            .into_iter()
            .map(|run| (run.id, run))
            .collect();
        let run = |id: Option<RunId>| id.and_then(|id| runs.get(&id).cloned());
        let overview = connections.into_iter().map(|connection| {
            let marks = landmarks.remove(&connection.id);
            ConnectionOverview {
                counts: counts.remove(&connection.id).unwrap_or_default(),
                current: run(marks.as_ref().and_then(|marks| marks.current)),
                last: run(marks.as_ref().and_then(|marks| marks.last)),
                last_success: run(marks.as_ref().and_then(|marks| marks.last_success)),
                failures_in_a_row: marks.map_or(0, |marks| marks.failures_in_a_row),
                recent: recent.remove(&connection.id).unwrap_or_default(),
                connection,
            }
        });
        Ok(overview.collect())
    }

    async fn change_marker(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT SUM(commits)::bigint FROM change_marker")
            .fetch_one(self.readers())
            .await
            .map_err(database)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM connection LIMIT 1")
            .fetch_optional(self.readers())
            .await
            .map(|_| ())
            .map_err(database)
    }
}

impl PostgresStore {
    async fn object_counts(&self) -> Result<HashMap<ConnectionId, ObjectCounts>, StoreError> {
        let rows = sqlx::query("SELECT connection_id, stream, stored FROM object_count")
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        let mut counts: HashMap<ConnectionId, ObjectCounts> = HashMap::new();
        for row in &rows {
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

    async fn recent_runs(
        &self,
        since: DateTime<Utc>,
    ) -> Result<HashMap<ConnectionId, Vec<RunMark>>, StoreError> {
        let rows = sqlx::query(
            "SELECT run.id, run.connection_id, run.state, run.queued_at, SUM(run_stream.found)::bigint AS found,
                SUM(run_stream.invalid)::bigint AS invalid
             FROM run JOIN run_stream ON run_stream.run_id = run.id
             WHERE run.queued_at >= $1
             GROUP BY run.id ORDER BY run.queued_at, run.id",
        )
        .bind(micros(since))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let mut recent: HashMap<ConnectionId, Vec<RunMark>> = HashMap::new();
        for row in &rows {
            recent
                .entry(row.connection_id("connection_id")?)
                .or_default()
                .push(RunMark {
                    id: row.run_id("id")?,
                    state: row.word("state", RunState::parse)?,
                    queued_at: row.time("queued_at")?,
                    found: row.unsigned("found")?,
                    invalid: row.unsigned("invalid")?,
                });
        }
        Ok(recent)
    }

    async fn landmarks(&self) -> Result<HashMap<ConnectionId, Landmarks>, StoreError> {
        let rows = sqlx::query(
            "SELECT connection.id,
                (SELECT id FROM run WHERE connection_id = connection.id AND state IN ('queued', 'running')) AS current,
                (SELECT id FROM run WHERE connection_id = connection.id
                    AND state IN ('completed', 'completed_with_invalid', 'failed')
                    ORDER BY queued_at DESC, id DESC LIMIT 1) AS last,
                (SELECT id FROM run WHERE connection_id = connection.id
                    AND state IN ('completed', 'completed_with_invalid')
                    ORDER BY queued_at DESC, id DESC LIMIT 1) AS last_success,
                (SELECT COUNT(*) FROM run WHERE connection_id = connection.id AND state = 'failed'
                    AND queued_at > COALESCE((SELECT MAX(queued_at) FROM run WHERE connection_id = connection.id
                        AND state IN ('completed', 'completed_with_invalid')), -1)) AS failures
             FROM connection",
        )
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let mut landmarks = HashMap::new();
        for row in &rows {
            let marks = Landmarks {
                current: row.optional_uuid("current")?.map(RunId),
                last: row.optional_uuid("last")?.map(RunId),
                last_success: row.optional_uuid("last_success")?.map(RunId),
                failures_in_a_row: u32::try_from(row.unsigned("failures")?).unwrap_or(u32::MAX),
            };
            landmarks.insert(row.connection_id("id")?, marks);
        }
        Ok(landmarks)
    }
}
