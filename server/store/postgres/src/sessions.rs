use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Account, AccountId, SessionId};
use sqlx::PgConnection;
use store::{
    Bucket, By, DEVICE_KEPT, Deed, Ending, NewSession, SESSION_AGE_MAX, SESSION_IDLE_MAX, Session,
    SessionStore, StoreError, TRIES_KEPT, TokenHash, Tried, blocked_until, judge_try,
};
use store_columns::{
    accounts::read,
    micros,
    sessions::{session, tries},
};

use crate::{PostgresStore, accounts::target, audit::append, error::database};

#[async_trait]
impl SessionStore for PostgresStore {
    async fn try_log_in(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Result<Tried, StoreError> {
        // Asked first without a lock: a flood of tries that are blocked keeps no writer waiting.
        let mut seen = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let row = sqlx::query("SELECT tries, last_at, blocked_until FROM log_in_try WHERE bucket = $1")
                .bind(&bucket.name)
                .fetch_optional(self.readers())
                .await
                .map_err(database)?;
            seen.extend(row.as_ref().map(tries).transpose()?);
        }
        if let Some(until) = blocked_until(&seen, now) {
            return Ok(Tried::BlockedUntil(until));
        }
        let mut write = self.begin().await?;
        let buckets = in_order(buckets);
        let mut stored = Vec::with_capacity(buckets.len());
        for bucket in &buckets {
            // Sets what is there already, so that the row comes back either way, and is locked.
            let row = sqlx::query(
                "INSERT INTO log_in_try (bucket, tries, last_at, blocked_until) VALUES ($1, 0, $2, $2)
                 ON CONFLICT (bucket) DO UPDATE SET bucket = excluded.bucket
                 RETURNING tries, last_at, blocked_until",
            )
            .bind(&bucket.name)
            .bind(micros(now))
            .fetch_one(&mut *write)
            .await
            .map_err(database)?;
            stored.push(tries(&row)?);
        }
        let (tried, counted) = judge_try(&buckets, &stored, now);
        if let Tried::BlockedUntil(_) = tried {
            return Ok(tried);
        }
        for (bucket, tries) in buckets.iter().zip(counted) {
            sqlx::query(
                "UPDATE log_in_try SET tries = $2, last_at = $3, blocked_until = $4 WHERE bucket = $1",
            )
            .bind(&bucket.name)
            .bind(i64::from(tries.tries))
            .bind(micros(tries.last_at))
            .bind(micros(tries.blocked_until))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        }
        write.commit().await?;
        Ok(tried)
    }

    async fn log_in_failed(&self, account: Option<AccountId>, by: &By) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        append(&mut write, by, Deed::LogInFailed, account.map(target)).await?;
        write.commit().await
    }

    async fn begin_session(&self, new: &NewSession, buckets: &[Bucket], by: &By) -> Result<bool, StoreError> {
        let mut write = self.begin().await?;
        let stands = sqlx::query(
            "SELECT id FROM account
             WHERE id = $1 AND disabled_at IS NULL AND ($2::text IS NULL OR password_hash = $2) FOR UPDATE",
        )
        .bind(new.account.0)
        .bind(&new.password_hash)
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?;
        if stands.is_none() {
            return Ok(false);
        }
        forget_tries(&mut write, buckets).await?;
        sqlx::query(
            "INSERT INTO session
                (id, token_hash, account_id, began_at, confirmed_at, last_seen_at, address, browser, signed_on)
             VALUES ($1, $2, $3, $4, $4, $4, $5, $6, $7)",
        )
        .bind(new.id.0)
        .bind(&new.token.0)
        .bind(new.account.0)
        .bind(micros(by.at))
        .bind(&new.address)
        .bind(&new.browser)
        .bind(&new.signed_on)
        .execute(&mut *write)
        .await
        .map_err(database)?;
        sqlx::query("DELETE FROM known_device WHERE token_hash = $1 AND account_id = $2")
            .bind(new.former_device.as_ref().map(|device| device.0.as_str()))
            .bind(new.account.0)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        sqlx::query("INSERT INTO known_device (token_hash, account_id, last_seen_at) VALUES ($1, $2, $3)")
            .bind(&new.device.0)
            .bind(new.account.0)
            .bind(micros(by.at))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        append(&mut write, by, Deed::LoggedIn, Some(session_target(new.id))).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn session(
        &self,
        token: &TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Account)>, StoreError> {
        let row = sqlx::query(
            "SELECT account.*, session.id AS session_id, account_id, began_at, confirmed_at, last_seen_at, address,
                browser, signed_on
             FROM session JOIN account ON account.id = account_id
             WHERE token_hash = $1 AND began_at > $2 AND last_seen_at > $3 AND disabled_at IS NULL",
        )
        .bind(&token.0)
        .bind(micros(now - SESSION_AGE_MAX))
        .bind(micros(now - SESSION_IDLE_MAX))
        .fetch_optional(self.readers())
        .await
        .map_err(database)?;
        row.map(|row| Ok((session(&row)?, read(&row)?))).transpose()
    }

    async fn session_seen(&self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        sqlx::query("UPDATE session SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2")
            .bind(id.0)
            .bind(micros(at))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        write.commit().await
    }

    async fn confirm_session(
        &self,
        id: SessionId,
        token: &TokenHash,
        buckets: &[Bucket],
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut write = self.begin().await?;
        let confirmed = sqlx::query(
            "UPDATE session SET token_hash = $2, confirmed_at = $3, last_seen_at = $3 WHERE id = $1",
        )
        .bind(id.0)
        .bind(&token.0)
        .bind(micros(by.at))
        .execute(&mut *write)
        .await
        .map_err(database)?;
        if confirmed.rows_affected() == 0 {
            return Ok(false);
        }
        forget_tries(&mut write, buckets).await?;
        append(&mut write, by, Deed::Confirmed, Some(session_target(id))).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn end_session(
        &self,
        id: SessionId,
        only_of: Option<AccountId>,
        ending: Ending,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut write = self.begin().await?;
        let ended =
            sqlx::query("DELETE FROM session WHERE id = $1 AND ($2::uuid IS NULL OR account_id = $2)")
                .bind(id.0)
                .bind(only_of.map(|id| id.0))
                .execute(&mut *write)
                .await
                .map_err(database)?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        let deed = match ending {
            Ending::LoggedOut => Deed::LoggedOut,
            Ending::Ended => Deed::SessionEnded,
        };
        append(&mut write, by, deed, Some(session_target(id))).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn sessions(&self, of: Option<AccountId>, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        let rows = sqlx::query(
            "SELECT id AS session_id, account_id, began_at, confirmed_at, last_seen_at, address, browser, signed_on
             FROM session
             WHERE ($1::uuid IS NULL OR account_id = $1) AND began_at > $2 AND last_seen_at > $3
             ORDER BY last_seen_at DESC, id",
        )
        .bind(of.map(|id| id.0))
        .bind(micros(now - SESSION_AGE_MAX))
        .bind(micros(now - SESSION_IDLE_MAX))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(session).collect()
    }

    async fn is_known_device(
        &self,
        device: &TokenHash,
        account: AccountId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM known_device
                WHERE token_hash = $1 AND account_id = $2 AND last_seen_at > $3)",
        )
        .bind(&device.0)
        .bind(account.0)
        .bind(micros(now - DEVICE_KEPT))
        .fetch_one(self.readers())
        .await
        .map_err(database)
    }

    async fn sweep_sessions(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        for (statement, before) in [
            ("DELETE FROM session WHERE began_at <= $1", now - SESSION_AGE_MAX),
            (
                "DELETE FROM session WHERE last_seen_at <= $1",
                now - SESSION_IDLE_MAX,
            ),
            ("DELETE FROM set_up_link WHERE expires_at <= $1", now),
            (
                "DELETE FROM known_device WHERE last_seen_at <= $1",
                now - DEVICE_KEPT,
            ),
            ("DELETE FROM log_in_try WHERE last_at <= $1", now - TRIES_KEPT),
        ] {
            sqlx::query(statement)
                .bind(micros(before))
                .execute(&mut *write)
                .await
                .map_err(database)?;
        }
        write.commit().await
    }
}

/// Rows are locked in one order by everybody.
fn in_order(buckets: &[Bucket]) -> Vec<Bucket> {
    let mut buckets = buckets.to_vec();
    buckets.sort_by(|one, other| one.name.cmp(&other.name));
    buckets
}

/// After a try that succeeded.
async fn forget_tries(write: &mut PgConnection, buckets: &[Bucket]) -> Result<(), StoreError> {
    for bucket in in_order(buckets) {
        let statement = if bucket.shared {
            // As if this try had not been.
            "UPDATE log_in_try SET tries = GREATEST(tries - 1, 0), blocked_until = last_at WHERE bucket = $1"
        } else {
            "DELETE FROM log_in_try WHERE bucket = $1"
        };
        sqlx::query(statement)
            .bind(&bucket.name)
            .execute(&mut *write)
            .await
            .map_err(database)?;
    }
    Ok(())
}

fn session_target(id: SessionId) -> String {
    format!("session {id}")
}
