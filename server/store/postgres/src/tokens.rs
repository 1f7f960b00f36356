use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{ApiToken, TokenId};
use sqlx::AssertSqlSafe;
use store::{By, Deed, NewToken, StoreError, TOKEN_KEPT, TOKEN_USED_EVERY, TokenHash, TokenStore};
use store_columns::{json_text, micros, tokens::read};

use crate::{PostgresStore, audit::append, error::database};

/// With whether whoever made it may still make one.
const SELECT: &str = "SELECT api_token.*, made_by IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM account WHERE account.id = made_by AND disabled_at IS NULL AND role = 'admin'
    ) AS suspended FROM api_token";

#[async_trait]
impl TokenStore for PostgresStore {
    async fn add_token(&self, new: &NewToken, by: &By) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        sqlx::query(
            "INSERT INTO api_token (id, token_hash, name, scopes, made_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(new.id.0)
        .bind(&new.hash.0)
        .bind(&new.name)
        .bind(json_text(&new.scopes)?)
        .bind(by.actor.account().map(|id| id.0))
        .bind(micros(by.at))
        .bind(micros(new.expires_at))
        .execute(&mut *write)
        .await
        .map_err(database)?;
        let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
        let target = format!("{} for {}", target(new.id), scopes.join(","));
        append(&mut write, by, Deed::TokenAdded, Some(target)).await?;
        write.commit().await
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!("{SELECT} ORDER BY created_at DESC, id")))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read).collect()
    }

    async fn token(&self, hash: &TokenHash) -> Result<Option<ApiToken>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("{SELECT} WHERE token_hash = $1")))
            .bind(&hash.0)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read).transpose()
    }

    async fn token_used(&self, id: TokenId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let written = sqlx::query(
            "UPDATE api_token SET last_used_at = $2
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
        )
        .bind(id.0)
        .bind(micros(at))
        .bind(micros(at - TOKEN_USED_EVERY))
        .execute(&mut *write)
        .await
        .map_err(database)?;
        if written.rows_affected() == 0 {
            return Ok(());
        }
        write.commit().await
    }

    async fn revoke_token(&self, id: TokenId, by: &By) -> Result<bool, StoreError> {
        let mut write = self.begin().await?;
        let revoked =
            sqlx::query("UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
                .bind(id.0)
                .bind(micros(by.at))
                .execute(&mut *write)
                .await
                .map_err(database)?;
        if revoked.rows_affected() == 0 {
            return sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM api_token WHERE id = $1)")
                .bind(id.0)
                .fetch_one(&mut *write)
                .await
                .map_err(database);
        }
        append(&mut write, by, Deed::TokenRevoked, Some(target(id))).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn sweep_tokens(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let gone = sqlx::query("DELETE FROM api_token WHERE expires_at <= $1 OR revoked_at <= $1")
            .bind(micros(now - TOKEN_KEPT))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        if gone.rows_affected() == 0 {
            return Ok(());
        }
        write.commit().await
    }
}

/// As entries of the trail name a token.
fn target(id: TokenId) -> String {
    format!("token {id}")
}
