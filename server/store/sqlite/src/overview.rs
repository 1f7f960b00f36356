use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{ConnectionId, Run, RunId};
use sqlx::SqliteConnection;
use store::{ConnectionOverview, ObjectCounts, OverviewStore, RunMark, StoreError};
use store_columns::{
    micros,
    overview::{Landmarks, read_landmarks, read_object_counts, read_recent},
};

use crate::{SqliteStore, connections::select, error::database, runs::runs_by_id};

#[async_trait]
impl OverviewStore for SqliteStore {
    /// In one snapshot: read apart, a run could end in between, and would be the current one of its card and over.
    async fn overview(&self, since: DateTime<Utc>) -> Result<Vec<ConnectionOverview>, StoreError> {
        let mut read = self.readers().begin().await.map_err(database)?;
        let connections = select(&mut *read, None, None).await?;
        let mut counts = object_counts(&mut read).await?;
        let mut recent = recent_runs(&mut read, since).await?;
        let mut landmarks = landmarks(&mut read).await?;
        let ids: Vec<RunId> = landmarks.values().flat_map(Landmarks::runs).collect();
        let runs = runs_by_id(&mut *read, &ids).await?;
        let runs: HashMap<RunId, Run> = runs.into_iter().map(|run| (run.id, run)).collect();
        let overview = connections.into_iter().map(|connection| {
            let marks = landmarks.remove(&connection.id).unwrap_or_default();
            let counts = counts.remove(&connection.id).unwrap_or_default();
            let recent = recent.remove(&connection.id).unwrap_or_default();
            marks.overview(connection, counts, recent, |id| runs.get(&id).cloned())
        });
        Ok(overview.collect())
    }

    async fn change_marker(&self) -> Result<i64, StoreError> {
        self.data_version().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM connection LIMIT 1")
            .fetch_optional(self.readers())
            .await
            .map(|_| ())
            .map_err(database)
    }
}

async fn object_counts(
    read: &mut SqliteConnection,
) -> Result<HashMap<ConnectionId, ObjectCounts>, StoreError> {
    let rows = sqlx::query("SELECT connection_id, stream, stored FROM object_count")
        .fetch_all(read)
        .await
        .map_err(database)?;
    read_object_counts(&rows)
}

async fn recent_runs(
    read: &mut SqliteConnection,
    since: DateTime<Utc>,
) -> Result<HashMap<ConnectionId, Vec<RunMark>>, StoreError> {
    let rows = sqlx::query(
        "SELECT run.id, run.connection_id, run.state, run.queued_at, SUM(run_stream.found) AS found,
            SUM(run_stream.invalid) AS invalid
         FROM run JOIN run_stream ON run_stream.run_id = run.id
         WHERE run.queued_at >= $1
         GROUP BY run.id ORDER BY run.queued_at, run.id",
    )
    .bind(micros(since))
    .fetch_all(read)
    .await
    .map_err(database)?;
    read_recent(&rows)
}

async fn landmarks(read: &mut SqliteConnection) -> Result<HashMap<ConnectionId, Landmarks>, StoreError> {
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
    .fetch_all(read)
    .await
    .map_err(database)?;
    rows.iter().map(read_landmarks).collect()
}
