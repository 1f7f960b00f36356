//! Members who have left their company, and the signs of it.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ConnectionId;
use serde::Serialize;
use sqlx::{Sqlite, Transaction, sqlite::SqliteRow};
use store::{
    Bounce, BouncesImported, By, Deed, ImportMode, ImportOutcome, LEFT_BY_RULE, LeaverStore, Left,
    MatchCommit, Stays, StoreError,
};
use store_columns::{Columns, json_text, micros};

use crate::{
    SqliteStore, audit::append, error::database, matching::everything_changed, suppression::screen_emails,
};

/// The time that ends is kept as history.
const KEEP_FORMERLY_LEFT: &str =
    "INSERT INTO member_left_history (connection_id, community_user_id, because, reason,
        left_by, left_at, until)
    SELECT connection_id, community_user_id, because, reason, left_by, left_at, $3 FROM member_left
    WHERE connection_id = $1 AND community_user_id IN (SELECT value FROM json_each($2))";
const END_LEFT: &str = "DELETE FROM member_left
    WHERE connection_id = $1 AND community_user_id IN (SELECT value FROM json_each($2))";

/// Of members who are there and of whom no admin has said so: one may have done so meanwhile.
const STILL_LEFT_BY_RULE: &str = "SELECT community_user_id FROM member_left
    WHERE connection_id = $1 AND because <> 'by_hand' AND community_user_id IN (SELECT value FROM json_each($2))";
const MARK_LEFT: &str = "INSERT INTO member_left (connection_id, community_user_id, because, reason, left_by, left_at)
    SELECT $1, new.value ->> 'id', new.value ->> 'because', new.value ->> 'reason', $3, new.value ->> 'since'
    FROM json_each($2) AS new CROSS JOIN community_user AS member
        ON member.connection_id = $1 AND member.community_user_id = new.value ->> 'id'
    WHERE NOT EXISTS (SELECT 1 FROM member_stays AS stays
        WHERE stays.connection_id = $1 AND stays.community_user_id = new.value ->> 'id')
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET because = excluded.because, reason = excluded.reason,
        left_by = excluded.left_by, left_at = excluded.left_at
    WHERE member_left.because <> 'by_hand'";

/// The first time stands.
const KEEP_LEFT: &str = "INSERT INTO member_left (connection_id, community_user_id, because, reason, left_by, left_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET because = excluded.because, reason = excluded.reason,
        left_by = excluded.left_by";
const KEEP_STAYS: &str = "INSERT INTO member_stays (connection_id, community_user_id, reason, said_by, said_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET reason = excluded.reason, said_by = excluded.said_by,
        said_at = excluded.said_at";
const FORGET_STAYS: &str = "DELETE FROM member_stays WHERE connection_id = $1 AND community_user_id = $2";

const KNOWN_BOUNCES: &str =
    "SELECT COUNT(*) FROM email_bounce WHERE email IN (SELECT value ->> 'email' FROM json_each($1))";
/// The first time stands.
const UPSERT_BOUNCES: &str = "INSERT INTO email_bounce (email, bounced_at)
    SELECT value ->> 'email', value ->> 'at' FROM json_each($1) WHERE true
    ON CONFLICT (email) DO UPDATE SET bounced_at = excluded.bounced_at
    WHERE excluded.bounced_at < email_bounce.bounced_at";
const DELIVERED_AGAIN: &str =
    "DELETE FROM email_bounce WHERE email IN (SELECT value ->> 'email' FROM json_each($1))";

/// A member whom the rules have leave, on their way as JSON.
#[derive(Serialize)]
struct Marked<'m> {
    id: &'m str,
    because: &'static str,
    reason: &'static str,
    since: i64,
}

/// What the rules say of a page's members, unless an admin said something meanwhile.
pub(crate) async fn write(
    transaction: &mut Transaction<'static, Sqlite>,
    commit: &MatchCommit,
) -> Result<(), StoreError> {
    let (mut back, mut gone) = (Vec::new(), Vec::new());
    for leaving in &commit.leaving {
        match leaving.left {
            None => back.push(leaving.community_user_id.as_str()),
            Some(left) => gone.push(Marked {
                id: &leaving.community_user_id,
                because: left.because.as_str(),
                reason: left.because.label(),
                since: micros(left.since),
            }),
        }
    }
    if !back.is_empty() {
        let back: Vec<String> = sqlx::query_scalar(STILL_LEFT_BY_RULE)
            .bind(commit.connection_id.0)
            .bind(json_text(&back)?)
            .fetch_all(&mut **transaction)
            .await
            .map_err(database)?;
        end(transaction, commit.connection_id, &back, commit.at).await?;
    }
    if !gone.is_empty() {
        sqlx::query(MARK_LEFT)
            .bind(commit.connection_id.0)
            .bind(json_text(&gone)?)
            .bind(LEFT_BY_RULE)
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
    }
    Ok(())
}

/// Whether anyone of them had left.
async fn end(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    members: &[String],
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let members = json_text(&members)?;
    let mut ended = 0;
    for statement in [KEEP_FORMERLY_LEFT, END_LEFT] {
        ended = sqlx::query(statement)
            .bind(connection.0)
            .bind(&members)
            .bind(micros(at))
            .execute(&mut **transaction)
            .await
            .map_err(database)?
            .rows_affected();
    }
    Ok(ended > 0)
}

/// Whatever it was said by. Whether they had left.
pub(crate) async fn come_back(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    member: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    end(transaction, connection, &[member.to_owned()], at).await
}

pub(crate) async fn keep_left(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    member: &str,
    left: &Left,
) -> Result<(), StoreError> {
    forget_stays(transaction, connection, member).await?;
    sqlx::query(KEEP_LEFT)
        .bind(connection.0)
        .bind(member)
        .bind(left.because.as_str())
        .bind(&left.reason)
        .bind(&left.by)
        .bind(micros(left.at))
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

pub(crate) async fn keep_stays(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    member: &str,
    stays: &Stays,
) -> Result<(), StoreError> {
    come_back(transaction, connection, member, stays.at).await?;
    sqlx::query(KEEP_STAYS)
        .bind(connection.0)
        .bind(member)
        .bind(&stays.reason)
        .bind(&stays.by)
        .bind(micros(stays.at))
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

/// Whether anything was said.
pub(crate) async fn forget_stays(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    member: &str,
) -> Result<bool, StoreError> {
    sqlx::query(FORGET_STAYS)
        .bind(connection.0)
        .bind(member)
        .execute(&mut **transaction)
        .await
        .map(|forgotten| forgotten.rows_affected() > 0)
        .map_err(database)
}

/// A bounce on its way, as JSON.
#[derive(Serialize)]
struct Written<'b> {
    email: &'b str,
    at: Option<i64>,
}

#[async_trait]
impl LeaverStore for SqliteStore {
    async fn import_bounces(
        &self,
        bounces: &[Bounce],
        mode: ImportMode,
        by: &By,
    ) -> Result<BouncesImported, StoreError> {
        let mut transaction = self.begin().await?;
        let emails: Vec<&str> = bounces.iter().map(|bounce| bounce.email.as_str()).collect();
        let erased: BTreeSet<String> = screen_emails(&mut transaction, &self.salts, &emails).await?;
        let kept: Vec<_> = bounces
            .iter()
            .filter(|bounce| !erased.contains(&bounce.email))
            .collect();
        let rows = write_bounces(&mut transaction, &kept).await?;
        if mode == ImportMode::Write && rows.new + rows.updated > 0 {
            everything_changed(&mut transaction).await?;
            append(&mut transaction, by, Deed::BouncesImported, None).await?;
            transaction.commit().await.map_err(database)?;
        }
        Ok(BouncesImported {
            rows,
            kept_out: (bounces.len() - kept.len()) as u64,
        })
    }

    async fn bounces(&self, emails: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let rows = sqlx::query(
            "SELECT email AS name, bounced_at AS at FROM email_bounce
             WHERE email IN (SELECT value FROM json_each($1))",
        )
        .bind(json_text(&emails)?)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(named_time).collect()
    }

    async fn inactive_since(&self, persons: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let rows = sqlx::query(
            "SELECT external_id AS name, COALESCE(inactive_since, changed_at) AS at FROM person
             WHERE active = 0 AND external_id IN (SELECT value FROM json_each($1))",
        )
        .bind(json_text(&persons)?)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(named_time).collect()
    }
}

async fn write_bounces(
    transaction: &mut Transaction<'static, Sqlite>,
    bounces: &[&Bounce],
) -> Result<ImportOutcome, StoreError> {
    let (came_back, delivered): (Vec<_>, Vec<_>) = bounces
        .iter()
        .map(|bounce| Written {
            email: &bounce.email,
            at: bounce.bounced_at.map(micros),
        })
        .partition(|written| written.at.is_some());
    let list = json_text(&came_back)?;
    let known: i64 = sqlx::query_scalar(KNOWN_BOUNCES)
        .bind(&list)
        .fetch_one(&mut **transaction)
        .await
        .map_err(database)?;
    let mut written = 0;
    for (statement, list) in [(UPSERT_BOUNCES, list), (DELIVERED_AGAIN, json_text(&delivered)?)] {
        let done = sqlx::query(statement)
            .bind(list)
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
        written += done.rows_affected();
    }
    let new = (came_back.len() as u64).saturating_sub(u64::try_from(known).unwrap_or(0));
    Ok(ImportOutcome {
        new,
        updated: written.saturating_sub(new),
        unchanged: (bounces.len() as u64).saturating_sub(written),
    })
}

fn named_time(row: &SqliteRow) -> Result<(String, DateTime<Utc>), StoreError> {
    Ok((row.text("name")?, row.time("at")?))
}
