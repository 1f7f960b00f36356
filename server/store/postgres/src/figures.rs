//! What monitoring asks.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use store::{Figures, FiguresStore, PoolUse, StoreError};
use store_columns::{figures::read_figures, micros};

use crate::{PostgresStore, error::database};

#[async_trait]
impl FiguresStore for PostgresStore {
    async fn figures(&self, since: DateTime<Utc>) -> Result<Figures, StoreError> {
        let runs = sqlx::query(
            "SELECT state, COUNT(*) AS runs, COALESCE(SUM(requests), 0)::bigint AS requests
             FROM run WHERE queued_at >= $1 GROUP BY state ORDER BY state",
        )
        .bind(micros(since))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let streams = sqlx::query(
            "SELECT stream, COALESCE(SUM(found), 0)::bigint AS found, COALESCE(SUM(new), 0)::bigint AS new, COALESCE(SUM(updated), 0)::bigint AS updated, COALESCE(SUM(unchanged), 0)::bigint AS unchanged, COALESCE(SUM(invalid), 0)::bigint AS invalid, COALESCE(SUM(repeated), 0)::bigint AS repeated,
                COALESCE(SUM(deleted), 0)::bigint AS deleted, COALESCE(SUM(late), 0)::bigint AS late, COALESCE(SUM(refused), 0)::bigint AS refused, COALESCE(SUM(pages), 0)::bigint AS pages
             FROM run JOIN run_stream ON run_stream.run_id = run.id
             WHERE run.queued_at >= $1 GROUP BY stream ORDER BY stream",
        )
        .bind(micros(since))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let oldest = sqlx::query("SELECT MIN(queued_at) AS queued_at FROM run WHERE state = 'queued'")
            .fetch_one(self.readers())
            .await
            .map_err(database)?;
        let leases = sqlx::query(
            "SELECT tenant_id, lease_expires_at FROM run JOIN connection ON connection.id = run.connection_id
             WHERE state = 'running' ORDER BY tenant_id",
        )
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        read_figures(&runs, &streams, &oldest, &leases)
    }

    fn pools(&self) -> Vec<PoolUse> {
        let used = |name, pool: &sqlx::PgPool| PoolUse {
            name,
            open: pool.size(),
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
        };
        vec![used("readers", self.readers()), used("writers", self.writers())]
    }
}
