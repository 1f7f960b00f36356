use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use store::{AuditEntry, AuditStore, By, Chain, Deed, StoreError, targets};
use store_columns::{Columns, audit::read, count, micros};

use crate::{SqliteStore, error::database};

/// The last of the first entries that are old, if there is one among them that does not only tell of a cut.
const LAST_TO_GO: &str = "SELECT number, hash FROM audit_entry
    WHERE number < (SELECT MIN(number) FROM audit_entry) + $2
        AND number < COALESCE((SELECT number FROM audit_entry WHERE at >= $1 ORDER BY number LIMIT 1),
            (SELECT MAX(number) + 1 FROM audit_entry))
        AND EXISTS (SELECT 1 FROM audit_entry WHERE at < $1 AND deed <> 'trail_cut')
    ORDER BY number DESC LIMIT 1";

/// Writes the entry of a change into the change's transaction. The writer is alone, so nobody takes the number meanwhile.
pub(crate) async fn append(
    transaction: &mut SqliteConnection,
    by: &By,
    deed: Deed,
    target: Option<String>,
) -> Result<(), StoreError> {
    let last = sqlx::query(
        "SELECT number, hash FROM
            (SELECT number, hash FROM audit_entry UNION ALL SELECT number, hash FROM audit_cut)
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

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit_after(&self, number: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = sqlx::query("SELECT * FROM audit_entry WHERE number > $1 ORDER BY number LIMIT $2")
            .bind(count(number)?)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read).collect()
    }

    async fn audit_before(&self, number: Option<u64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let before = number.map(count).transpose()?.unwrap_or(i64::MAX);
        let rows = sqlx::query("SELECT * FROM audit_entry WHERE number < $1 ORDER BY number DESC LIMIT $2")
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read).collect()
    }

    async fn note(&self, deed: Deed, target: Option<String>, by: &By) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        append(&mut transaction, by, deed, target).await?;
        transaction.commit().await.map_err(database)
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
        write.commit().await.map_err(database)?;
        Ok(gone.rows_affected())
    }
}
