use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ConnectionId;
use store::{ERASED_PAYLOAD, EXPIRED_PAYLOAD, RetentionStore, StoreError};
use store_columns::{count, micros};

use crate::{SqliteStore, error::database};

/// What was counted as stored, of the rows that went.
const FORGET_ACTIVITY: &str = "DELETE FROM community_activity
    WHERE connection_id = $1 AND event_id IN (
        SELECT event_id FROM community_activity WHERE connection_id = $1 AND occurred_at < $2
        ORDER BY occurred_at LIMIT $3)
    RETURNING deleted_at IS NULL";

const FORGET_INVALID_RECORDS: &str = "DELETE FROM invalid_record WHERE id IN (
        SELECT invalid_record.id FROM run JOIN invalid_record ON invalid_record.run_id = run.id
        WHERE run.connection_id = $1 AND run.queued_at < $2 LIMIT $3)";

#[async_trait]
impl RetentionStore for SqliteStore {
    async fn forget_activity(
        &self,
        connection: ConnectionId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let gone: Vec<bool> = sqlx::query_scalar(FORGET_ACTIVITY)
            .bind(connection.0)
            .bind(micros(before))
            .bind(i64::from(limit))
            .fetch_all(&mut *transaction)
            .await
            .map_err(database)?;
        if gone.is_empty() {
            return Ok(0);
        }
        let counted = gone.iter().filter(|counted| **counted).count();
        sqlx::query(
            "UPDATE object_count SET stored = stored - $2 WHERE connection_id = $1 AND stream = 'activity'",
        )
        .bind(connection.0)
        .bind(count(counted as u64)?)
        .execute(&mut *transaction)
        .await
        .map_err(database)?;
        transaction.commit().await.map_err(database)?;
        Ok(gone.len() as u64)
    }

    /// Activity is one table here.
    async fn forget_months_of_activity(&self, _before: DateTime<Utc>) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn forget_invalid_records(
        &self,
        connection: ConnectionId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let gone = sqlx::query(FORGET_INVALID_RECORDS)
            .bind(connection.0)
            .bind(micros(before))
            .bind(i64::from(limit))
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        transaction.commit().await.map_err(database)?;
        Ok(gone.rows_affected())
    }

    async fn expire_payloads(&self, ended_before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "UPDATE invalid_record SET payload = $2 WHERE id IN (
                SELECT invalid_record.id FROM run CROSS JOIN invalid_record ON invalid_record.run_id = run.id
                WHERE run.finished_at < $1 AND payload NOT IN ($2, $3) LIMIT $4)",
        )
        .bind(micros(ended_before))
        .bind(EXPIRED_PAYLOAD)
        .bind(ERASED_PAYLOAD)
        .bind(i64::from(limit))
        .execute(&mut *transaction)
        .await
        .map_err(database)?;
        transaction.commit().await.map_err(database)?;
        Ok(done.rows_affected())
    }
}
