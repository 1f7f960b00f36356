use async_trait::async_trait;
use domain::ConnectionId;
use sqlx::PgConnection;
use store::{StoreError, TrendStore};

use crate::{PostgresStore, error::database};

/// Days of one transaction, so that none takes long.
const DAYS_AT_ONCE: i64 = 60;

/// The marks go first. Whoever writes a row of such a day from now on waits, and marks the day anew; a day that somebody
/// is writing to right now is left for the next time. So the count that follows has all rows whose mark it took away.
const TAKE: &str = "WITH due AS (
        SELECT day FROM trend_day_due WHERE connection_id = $1 ORDER BY day LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM trend_day_due USING due WHERE connection_id = $1 AND trend_day_due.day = due.day
    RETURNING trend_day_due.day";

const FORGET: &str = "DELETE FROM community_trend WHERE connection_id = $1 AND day = ANY($2)";

/// Microseconds of a day are 86,400,000,000. Each day is one range of an index. What a member wrote or did counts for their
/// company up to the time at which they left it.
const COUNT: &str =
    "INSERT INTO community_trend (connection_id, day, kind, subtype, company_external_id, count)
    SELECT $1, due.day, object.kind, object.subtype, COALESCE(stands.company_external_id, ''), COUNT(*)
    FROM unnest($2) AS due (day) JOIN community_content AS object
        ON object.posted_at >= due.day * 86400000000 AND object.posted_at < (due.day + 1) * 86400000000
    LEFT JOIN member_match AS stands
        ON stands.connection_id = $1 AND stands.community_user_id = object.author_user_id
            AND NOT EXISTS (SELECT 1 FROM member_left AS gone WHERE gone.connection_id = $1
                AND gone.community_user_id = object.author_user_id AND gone.left_at <= object.posted_at)
    WHERE object.connection_id = $1 AND object.deleted_at IS NULL AND NOT object.trashed
    GROUP BY due.day, object.kind, object.subtype, stands.company_external_id
    UNION ALL
    SELECT $1, due.day, object.activity_type, '', COALESCE(stands.company_external_id, ''), COUNT(*)
    FROM unnest($2) AS due (day) JOIN community_activity AS object
        ON object.occurred_at >= due.day * 86400000000 AND object.occurred_at < (due.day + 1) * 86400000000
    LEFT JOIN member_match AS stands
        ON stands.connection_id = $1 AND stands.community_user_id = object.user_id
            AND NOT EXISTS (SELECT 1 FROM member_left AS gone WHERE gone.connection_id = $1
                AND gone.community_user_id = object.user_id AND gone.left_at <= object.occurred_at)
    WHERE object.connection_id = $1 AND object.deleted_at IS NULL
    GROUP BY due.day, object.activity_type, stands.company_external_id";

const FORGET_ALL: &str = "DELETE FROM community_trend WHERE connection_id = $1";

/// All days of which there are rows.
const MARK_ALL: &str = "INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT $1, day_of(at) AS day
    FROM (SELECT posted_at AS at FROM community_content WHERE connection_id = $1
          UNION ALL SELECT occurred_at FROM community_activity WHERE connection_id = $1) AS times
    ORDER BY day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day";

#[async_trait]
impl TrendStore for PostgresStore {
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
        let mut write = self.begin().await?;
        for statement in [FORGET_ALL, MARK_ALL] {
            sqlx::query(statement)
                .bind(connection.0)
                .execute(&mut *write)
                .await
                .map_err(database)?;
        }
        write.commit().await?;
        self.rebuild_due_trends(connection).await
    }
}

impl PostgresStore {
    async fn is_any_day_due(&self, connection: ConnectionId) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM trend_day_due WHERE connection_id = $1)")
            .bind(connection.0)
            .fetch_one(self.readers())
            .await
            .map_err(database)
    }

    async fn rebuild_some_trends(&self, connection: ConnectionId) -> Result<u64, StoreError> {
        let mut write = self.begin_by_key().await?;
        lock(
            "SELECT pg_advisory_xact_lock(hashtextextended('trends ' || $1::uuid::text, 0))",
            &mut write,
            connection,
        )
        .await?;
        let days: Vec<i64> = sqlx::query_scalar(TAKE)
            .bind(connection.0)
            .bind(DAYS_AT_ONCE)
            .fetch_all(&mut *write)
            .await
            .map_err(database)?;
        if days.is_empty() {
            return Ok(0);
        }
        for statement in [FORGET, COUNT] {
            sqlx::query(statement)
                .bind(connection.0)
                .bind(&days)
                .execute(&mut *write)
                .await
                .map_err(database)?;
        }
        write.commit().await?;
        Ok(days.len() as u64)
    }
}

/// Whoever ties members to other companies marks the days of what they wrote as it stands, and what others write meanwhile marks
/// its days itself. A rebuild between the two would take the one mark and count by the ties of before; so it waits, and they
/// wait for it. In the order: erasures, a run's row, this.
pub(crate) async fn lock_out_rebuilds(
    write: &mut PgConnection,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    let statement = "SELECT pg_advisory_xact_lock_shared(hashtextextended('trends ' || $1::uuid::text, 0))";
    lock(statement, write, connection).await
}

async fn lock(
    statement: &'static str,
    write: &mut PgConnection,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    sqlx::query(statement)
        .bind(connection.0)
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}
