//! What is stored with an address before it is erased, and the receipts afterwards.

use async_trait::async_trait;
use domain::TenantId;
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use store::{ErasedOfTenant, Receipt, ReceiptStore, StoreError, StoredPerson};
use store_columns::{Columns, json_text, receipts::read_of_tenant};
use uuid::Uuid;

use crate::{
    SqliteStore,
    erasure::{Members, members_of, persons_of},
    error::database,
};

/// What a member wrote, and what they did: what an erasure leaves without them.
const WRITTEN: &str = "SELECT COUNT(*) FROM community_content
    WHERE connection_id = $1 AND author_user_id IN (SELECT value FROM json_each($2))";
const DONE: &str = "SELECT COUNT(*) FROM community_activity
    WHERE connection_id = $1 AND user_id IN (SELECT value FROM json_each($2))";

#[async_trait]
impl ReceiptStore for SqliteStore {
    async fn stored_person(&self, email: &str) -> Result<StoredPerson, StoreError> {
        let mut read = self.readers().acquire().await.map_err(database)?;
        let members = members_of(&mut read, email).await?;
        let persons = persons_of(&mut read, email).await?;
        Ok(StoredPerson {
            members: by_tenant(&mut read, &members).await?,
            content: rows_of(&mut read, WRITTEN, &members).await?,
            activity: rows_of(&mut read, DONE, &members).await?,
            persons: persons.len() as u64,
        })
    }

    async fn receipt(&self, id: Uuid) -> Result<Option<Receipt>, StoreError> {
        let mut read = self.readers().acquire().await.map_err(database)?;
        let row = sqlx::query("SELECT id, erased_at, persons FROM erasure WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *read)
            .await
            .map_err(database)?;
        match row {
            Some(row) => receipt_of(&mut read, &row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn receipts(&self, limit: u32) -> Result<Vec<Receipt>, StoreError> {
        let mut read = self.readers().acquire().await.map_err(database)?;
        let rows = sqlx::query(
            "SELECT id, erased_at, persons FROM erasure ORDER BY erased_at DESC, id DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *read)
        .await
        .map_err(database)?;
        let mut receipts = Vec::with_capacity(rows.len());
        for row in &rows {
            receipts.push(receipt_of(&mut read, row).await?);
        }
        Ok(receipts)
    }
}

async fn by_tenant(
    read: &mut SqliteConnection,
    members: &Members,
) -> Result<Vec<(TenantId, u64)>, StoreError> {
    let rows = sqlx::query("SELECT id, tenant_id FROM connection ORDER BY tenant_id")
        .fetch_all(read)
        .await
        .map_err(database)?;
    let mut of_tenants = Vec::new();
    for row in &rows {
        if let Some(members) = members.get(&row.connection_id("id")?) {
            let tenant = row.word("tenant_id", |text| text.parse().ok())?;
            of_tenants.push((tenant, members.len() as u64));
        }
    }
    Ok(of_tenants)
}

async fn rows_of(
    read: &mut SqliteConnection,
    statement: &'static str,
    members: &Members,
) -> Result<u64, StoreError> {
    let mut rows = 0;
    for (connection, ids) in members {
        let of_members: i64 = sqlx::query_scalar(statement)
            .bind(connection.0)
            .bind(json_text(ids)?)
            .fetch_one(&mut *read)
            .await
            .map_err(database)?;
        rows += u64::try_from(of_members).unwrap_or(0);
    }
    Ok(rows)
}

/// The receipt of a row with id, time and persons.
pub(crate) async fn receipt_of(read: &mut SqliteConnection, row: &SqliteRow) -> Result<Receipt, StoreError> {
    let id = row.uuid("id")?;
    Ok(Receipt {
        id,
        erased_at: row.time("erased_at")?,
        persons: row.unsigned("persons")?,
        tenants: tenants_of(read, id).await?,
    })
}

/// What an erasure reached, by tenant id.
pub(crate) async fn tenants_of(
    read: &mut SqliteConnection,
    id: Uuid,
) -> Result<Vec<ErasedOfTenant>, StoreError> {
    let rows = sqlx::query(
        "SELECT tenant_id, users, content, activity, invalid_records, mentions
         FROM erasure_count JOIN connection ON connection.id = connection_id
         WHERE erasure_id = $1 ORDER BY tenant_id",
    )
    .bind(id)
    .fetch_all(read)
    .await
    .map_err(database)?;
    rows.iter().map(read_of_tenant).collect()
}
