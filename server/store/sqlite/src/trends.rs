use async_trait::async_trait;
use domain::ConnectionId;
use store::{StoreError, TrendStore};
use store_columns::json_text;

use crate::{SqliteStore, error::database};

/// Days of one transaction: others wait for the write lock while it counts them, so it should take well under a second.
const DAYS_AT_ONCE: i64 = 60;

const DUE: &str = "SELECT day FROM trend_day_due WHERE connection_id = $1 ORDER BY day LIMIT $2";

const FORGET: &str = "DELETE FROM community_trend
    WHERE connection_id = $1 AND day IN (SELECT value FROM json_each($2))";

/// Microseconds of a day are 86,400,000,000. CROSS JOIN keeps the order: each day is one range of an index. What a member wrote
/// or did counts for their company up to the time at which they left it.
const COUNT: &str =
    "INSERT INTO community_trend (connection_id, day, kind, subtype, company_external_id, count)
    SELECT $1, due.value, object.kind, object.subtype, COALESCE(stands.company_external_id, '') AS company, COUNT(*)
    FROM json_each($2) AS due CROSS JOIN community_content AS object
    LEFT JOIN member_match AS stands
        ON stands.connection_id = $1 AND stands.community_user_id = object.author_user_id
            AND NOT EXISTS (SELECT 1 FROM member_left AS gone WHERE gone.connection_id = $1
                AND gone.community_user_id = object.author_user_id AND gone.left_at <= object.posted_at)
    WHERE object.connection_id = $1 AND object.posted_at >= due.value * 86400000000
        AND object.posted_at < (due.value + 1) * 86400000000
        AND object.deleted_at IS NULL AND object.trashed = 0
    GROUP BY due.value, object.kind, object.subtype, company
    UNION ALL
    SELECT $1, due.value, object.activity_type, '', COALESCE(stands.company_external_id, '') AS company, COUNT(*)
    FROM json_each($2) AS due CROSS JOIN community_activity AS object
    LEFT JOIN member_match AS stands
        ON stands.connection_id = $1 AND stands.community_user_id = object.user_id
            AND NOT EXISTS (SELECT 1 FROM member_left AS gone WHERE gone.connection_id = $1
                AND gone.community_user_id = object.user_id AND gone.left_at <= object.occurred_at)
    WHERE object.connection_id = $1 AND object.occurred_at >= due.value * 86400000000
        AND object.occurred_at < (due.value + 1) * 86400000000
        AND object.deleted_at IS NULL
    GROUP BY due.value, object.activity_type, company";

const SETTLE: &str = "DELETE FROM trend_day_due
    WHERE connection_id = $1 AND day IN (SELECT value FROM json_each($2))";

const FORGET_ALL: &str = "DELETE FROM community_trend WHERE connection_id = $1";

/// All days of which there are rows; the division rounds down, before 1970 too.
const MARK_ALL: &str = "INSERT INTO trend_day_due (connection_id, day)
    SELECT $1, (at - (at % 86400000000 + 86400000000) % 86400000000) / 86400000000
    FROM (SELECT posted_at AS at FROM community_content WHERE connection_id = $1
          UNION ALL SELECT occurred_at FROM community_activity WHERE connection_id = $1)
    WHERE true
    ON CONFLICT DO NOTHING";

#[async_trait]
impl TrendStore for SqliteStore {
    async fn rebuild_due_trends(&self, connection: ConnectionId) -> Result<u64, StoreError> {
        let mut rebuilt = 0;
        // Asked before anything is locked: mostly nothing is due.
        while self.is_any_day_due(connection).await? {
            let days = self.rebuild_some_trends(connection).await?;
            rebuilt += days;
            if days == 0 {
                // Somebody else is at it.
                break;
            }
        }
        Ok(rebuilt)
    }

    async fn trends_due(&self) -> Result<Vec<ConnectionId>, StoreError> {
        let due: Vec<uuid::Uuid> = sqlx::query_scalar(
            "SELECT id FROM connection WHERE EXISTS (
                SELECT 1 FROM trend_day_due WHERE trend_day_due.connection_id = connection.id)
                AND NOT EXISTS (SELECT 1 FROM run WHERE run.connection_id = connection.id AND run.state = 'running')
             ORDER BY tenant_id",
        )
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        Ok(due.into_iter().map(ConnectionId).collect())
    }

    async fn rebuild_all_trends(&self, connection: ConnectionId) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        for statement in [FORGET_ALL, MARK_ALL] {
            sqlx::query(statement)
                .bind(connection.0)
                .execute(&mut *transaction)
                .await
                .map_err(database)?;
        }
        transaction.commit().await.map_err(database)?;
        self.rebuild_due_trends(connection).await
    }
}

impl SqliteStore {
    async fn is_any_day_due(&self, connection: ConnectionId) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM trend_day_due WHERE connection_id = $1)")
            .bind(connection.0)
            .fetch_one(self.readers())
            .await
            .map_err(database)
    }

    async fn rebuild_some_trends(&self, connection: ConnectionId) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let days: Vec<i64> = sqlx::query_scalar(DUE)
            .bind(connection.0)
            .bind(DAYS_AT_ONCE)
            .fetch_all(&mut *transaction)
            .await
            .map_err(database)?;
        if days.is_empty() {
            return Ok(0);
        }
        let list = json_text(&days)?;
        for statement in [FORGET, COUNT, SETTLE] {
            sqlx::query(statement)
                .bind(connection.0)
                .bind(&list)
                .execute(&mut *transaction)
                .await
                .map_err(database)?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(days.len() as u64)
    }
}
