use async_trait::async_trait;
use domain::ConnectionId;
use store::{By, Deed, Resealed, SealedSecret, SecretStore, StoreError, targets};
use store_columns::connections::read_secret;

use crate::{SqliteStore, audit::append, error::database};

#[async_trait]
impl SecretStore for SqliteStore {
    async fn sealed_secrets(
        &self,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Vec<SealedSecret>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, tenant_id, sealed_secret FROM connection
             WHERE ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2",
        )
        .bind(after.map(|id| id.0))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_secret).collect()
    }

    async fn reseal(&self, resealed: &[Resealed], by: &By) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let mut replaced = 0;
        for secret in resealed {
            replaced +=
                sqlx::query("UPDATE connection SET sealed_secret = $3 WHERE id = $1 AND sealed_secret = $2")
                    .bind(secret.connection_id.0)
                    .bind(&secret.before)
                    .bind(&secret.after)
                    .execute(&mut *transaction)
                    .await
                    .map_err(database)?
                    .rows_affected();
        }
        if replaced > 0 {
            let target = targets::secrets(replaced);
            append(&mut transaction, by, Deed::SecretsResealed, Some(target)).await?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(replaced)
    }

    async fn installation_secret(&self, name: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT sealed FROM installation_secret WHERE name = $1")
            .bind(name)
            .fetch_optional(self.readers())
            .await
            .map_err(database)
    }

    async fn keep_installation_secret(&self, name: &str, sealed: &str) -> Result<String, StoreError> {
        let mut transaction = self.begin().await?;
        // Sets what is there already, so that the row comes back either way.
        let kept = sqlx::query_scalar(
            "INSERT INTO installation_secret (name, sealed) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET sealed = installation_secret.sealed RETURNING sealed",
        )
        .bind(name)
        .bind(sealed)
        .fetch_one(&mut *transaction)
        .await
        .map_err(database)?;
        transaction.commit().await.map_err(database)?;
        Ok(kept)
    }

    async fn reseal_installation_secret(
        &self,
        name: &str,
        before: &str,
        after: &str,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query("UPDATE installation_secret SET sealed = $3 WHERE name = $1 AND sealed = $2")
            .bind(name)
            .bind(before)
            .bind(after)
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        let replaced = done.rows_affected() == 1;
        if replaced {
            append(
                &mut transaction,
                by,
                Deed::SecretsResealed,
                Some(targets::secrets(1)),
            )
            .await?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(replaced)
    }
}
