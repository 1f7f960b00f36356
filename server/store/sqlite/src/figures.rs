//! What monitoring asks.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Ledger, RunState, Stream};
use sqlx::sqlite::SqliteRow;
use store::{Figures, FiguresStore, PoolUse, StoreError};
use store_columns::{Columns, micros};

use crate::{SqliteStore, error::database};

#[async_trait]
impl FiguresStore for SqliteStore {
    async fn figures(&self, since: DateTime<Utc>) -> Result<Figures, StoreError> {
        let runs = sqlx::query(
            "SELECT state, COUNT(*) AS runs, COALESCE(SUM(requests), 0) AS requests
             FROM run WHERE queued_at >= $1 GROUP BY state ORDER BY state",
        )
        .bind(micros(since))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let streams = sqlx::query(
            "SELECT stream, COALESCE(SUM(found), 0) AS found, COALESCE(SUM(new), 0) AS new, COALESCE(SUM(updated), 0) AS updated, COALESCE(SUM(unchanged), 0) AS unchanged, COALESCE(SUM(invalid), 0) AS invalid, COALESCE(SUM(repeated), 0) AS repeated,
                COALESCE(SUM(deleted), 0) AS deleted, COALESCE(SUM(late), 0) AS late, COALESCE(SUM(refused), 0) AS refused, COALESCE(SUM(pages), 0) AS pages
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
        let requests = runs
            .iter()
            .map(|row| row.unsigned("requests"))
            .sum::<Result<u64, _>>()?;
        let runs = runs
            .iter()
            .map(|row| Ok((row.word("state", RunState::parse)?, row.unsigned("runs")?)));
        let leases = leases.iter().map(|row| {
            let tenant = row.word("tenant_id", |text| text.parse().ok())?;
            Ok((tenant, row.time("lease_expires_at")?))
        });
        Ok(Figures {
            runs: runs.collect::<Result<_, StoreError>>()?,
            streams: streams.iter().map(sums).collect::<Result<_, _>>()?,
            requests,
            oldest_queued_at: oldest.optional_time("queued_at")?,
            leases: leases.collect::<Result<_, StoreError>>()?,
        })
    }

    fn pools(&self) -> Vec<PoolUse> {
        let used = |name, pool: &sqlx::SqlitePool| PoolUse {
            name,
            open: pool.size(),
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
        };
        vec![used("readers", self.readers()), used("writer", self.writer())]
    }
}

fn sums(row: &SqliteRow) -> Result<(Stream, Ledger), StoreError> {
    let ledger = Ledger {
        found: row.unsigned("found")?,
        new: row.unsigned("new")?,
        updated: row.unsigned("updated")?,
        unchanged: row.unsigned("unchanged")?,
        invalid: row.unsigned("invalid")?,
        repeated: row.unsigned("repeated")?,
        deleted: row.unsigned("deleted")?,
        late: row.unsigned("late")?,
        refused: row.unsigned("refused")?,
        pages: row.unsigned("pages")?,
    };
    Ok((row.word("stream", Stream::parse)?, ledger))
}
