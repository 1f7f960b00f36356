use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, postgres::PgArguments, query::Query};
use store::{Actor, AuditEntry, AuditFilter, AuditStore, By, Chain, Deed, StoreError, targets};
use store_columns::{Columns, audit::read, count, micros};

use crate::{PostgresStore, error::database};

/// Held from the last entry that is read until the next one is committed. Any number will do that is no other lock's.
const TRAIL_LOCK: i64 = 0x7472_6962_0011;

/// What a filter lets pass; [`found`] binds it.
const FOUND: &str = "($1 IS NULL OR deed = $1) AND ($2 IS NULL OR actor = $2)
    AND ($3 IS NULL OR account_id = $3) AND ($4 IS NULL OR token_id = $4)";

/// The last of the first entries that are old, if there is one among them that does not only tell of a cut.
const LAST_TO_GO: &str = "SELECT number, hash FROM audit_entry
    WHERE number < (SELECT MIN(number) FROM audit_entry) + $2
        AND number < COALESCE((SELECT number FROM audit_entry WHERE at >= $1 ORDER BY number LIMIT 1),
            (SELECT MAX(number) + 1 FROM audit_entry))
        AND EXISTS (SELECT 1 FROM audit_entry WHERE at < $1 AND deed <> 'trail_cut')
    ORDER BY number DESC LIMIT 1";

/// Writes the entry of a change into the change's transaction. To be the transaction's last statement: until the commit
/// every other change waits here.
pub(crate) async fn append(
    transaction: &mut PgConnection,
    by: &By,
    deed: Deed,
    target: Option<String>,
) -> Result<(), StoreError> {
    lock(transaction).await?;
    let last = sqlx::query(
        "SELECT number, hash FROM
            (SELECT number, hash FROM audit_entry UNION ALL SELECT number, hash FROM audit_cut) AS entry
         ORDER BY number DESC LIMIT 1",
    )
    .fetch_optional(&mut *transaction)
    .await
    .map_err(database)?;
    let last = last
        .map(|row| Ok::<_, StoreError>((row.unsigned("number")?, row.text("hash")?)))
        .transpose()?;
    let entry = AuditEntry::next(last, by, deed, target);
    sqlx::query(
        "INSERT INTO audit_entry (number, at, actor, account_id, origin, deed, target, hash, token_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(count(entry.number)?)
    .bind(micros(entry.at))
    .bind(&entry.actor)
    .bind(entry.account_id.map(|id| id.0))
    .bind(&entry.origin)
    .bind(&entry.deed)
    .bind(&entry.target)
    .bind(&entry.hash)
    .bind(entry.token_id.map(|id| id.0))
    .execute(transaction)
    .await
    .map(|_| ())
    .map_err(database)
}

async fn lock(transaction: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(TRAIL_LOCK)
        .execute(transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

fn found<'q>(statement: AssertSqlSafe<String>, filter: &AuditFilter) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(statement)
        .bind(filter.deed.map(Deed::as_str))
        .bind(filter.actor.map(Actor::kind))
        .bind(filter.actor.and_then(Actor::account).map(|id| id.0))
        .bind(filter.actor.and_then(Actor::token).map(|id| id.0))
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn audit_found_after(
        &self,
        filter: &AuditFilter,
        number: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let select =
            format!("SELECT * FROM audit_entry WHERE {FOUND} AND number > $5 ORDER BY number LIMIT $6");
        let rows = found(AssertSqlSafe(select), filter)
            .bind(count(number)?)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read).collect()
    }

    async fn audit_found_before(
        &self,
        filter: &AuditFilter,
        number: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let before = number.map(count).transpose()?.unwrap_or(i64::MAX);
        let select =
            format!("SELECT * FROM audit_entry WHERE {FOUND} AND number < $5 ORDER BY number DESC LIMIT $6");
        let rows = found(AssertSqlSafe(select), filter)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read).collect()
    }

    async fn audit_found(&self, filter: &AuditFilter) -> Result<u64, StoreError> {
        let select = format!("SELECT COUNT(*) AS entries FROM audit_entry WHERE {FOUND}");
        let row = found(AssertSqlSafe(select), filter)
            .fetch_one(self.readers())
            .await
            .map_err(database)?;
        row.unsigned("entries")
    }

    async fn note(&self, deed: Deed, target: Option<String>, by: &By) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        append(&mut write, by, deed, target).await?;
        write.commit().await
    }

    async fn audit_chain(&self) -> Result<Chain, StoreError> {
        let cut = sqlx::query("SELECT number, hash FROM audit_cut ORDER BY number DESC LIMIT 1")
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        match cut {
            Some(row) => Ok(Chain::after_cut(row.unsigned("number")?, row.text("hash")?)),
            None => Ok(Chain::default()),
        }
    }

    async fn cut_audit(&self, before: DateTime<Utc>, limit: u32, by: &By) -> Result<u64, StoreError> {
        let mut write = self.begin().await?;
        lock(&mut write).await?;
        let last = sqlx::query(LAST_TO_GO)
            .bind(micros(before))
            .bind(i64::from(limit))
            .fetch_optional(&mut *write)
            .await
            .map_err(database)?;
        let Some(last) = last else { return Ok(0) };
        let number = last.int("number")?;
        sqlx::query("INSERT INTO audit_cut (number, hash) VALUES ($1, $2)")
            .bind(number)
            .bind(last.text("hash")?)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        let gone = sqlx::query("DELETE FROM audit_entry WHERE number <= $1")
            .bind(number)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        sqlx::query("DELETE FROM audit_cut WHERE number < $1")
            .bind(number)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        let target = targets::cut(last.unsigned("number")?);
        append(&mut write, by, Deed::TrailCut, Some(target)).await?;
        write.commit().await?;
        Ok(gone.rows_affected())
    }
}
