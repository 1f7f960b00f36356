//! Members who have left their company, and the signs of it.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ConnectionId;
use sqlx::{PgConnection, postgres::PgRow};
use store::{
    Bounce, BouncesImported, By, Deed, ImportMode, ImportOutcome, LEFT_BY_RULE, LeaverStore, Left,
    MatchCommit, Stays, StoreError,
};
use store_columns::{Columns, micros};

use crate::{
    PostgresStore,
    audit::append,
    companies::lock_imports,
    error::database,
    matching::everything_changed,
    suppression::{lock_out_erasures, screen_emails},
};

/// The time that ends is kept as history. Of those that an admin said only if the last argument has it so.
const END_LEFT: &str = "WITH ended AS (
        DELETE FROM member_left
        WHERE connection_id = $1 AND community_user_id = ANY($2) AND (because <> 'by_hand' OR $4)
        RETURNING connection_id, community_user_id, because, reason, left_by, left_at)
    INSERT INTO member_left_history (connection_id, community_user_id, because, reason, left_by, left_at, until)
    SELECT connection_id, community_user_id, because, reason, left_by, left_at, $3 FROM ended
    ORDER BY community_user_id";

/// Of members who are there and of whom no admin has said anything: one may have done so meanwhile.
const MARK_LEFT: &str = "INSERT INTO member_left (connection_id, community_user_id, because, reason, left_by, left_at)
    SELECT $1, given.id, given.because, given.reason, $6, given.since
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS given (id, because, reason, since)
    JOIN community_user AS member ON member.connection_id = $1 AND member.community_user_id = given.id
    WHERE NOT EXISTS (SELECT 1 FROM member_stays AS stays
        WHERE stays.connection_id = $1 AND stays.community_user_id = given.id)
    ORDER BY given.id COLLATE \"C\"
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

/// In the order of keys, so that two never wait for each other. The first time stands.
const UPSERT_BOUNCES: &str = "INSERT INTO email_bounce (email, bounced_at)
    SELECT email, bounced_at FROM unnest($1::text[], $2::bigint[]) AS given (email, bounced_at)
    ORDER BY email COLLATE \"C\"
    ON CONFLICT (email) DO UPDATE SET bounced_at = excluded.bounced_at
    WHERE excluded.bounced_at < email_bounce.bounced_at";

/// What the rules say of a page's members, unless an admin said something meanwhile.
pub(crate) async fn write(write: &mut PgConnection, commit: &MatchCommit) -> Result<(), StoreError> {
    let back: Vec<&str> = commit
        .leaving
        .iter()
        .filter(|leaving| leaving.left.is_none())
        .map(|leaving| leaving.community_user_id.as_str())
        .collect();
    if !back.is_empty() {
        end(write, commit.connection_id, &back, commit.at, false).await?;
    }
    let gone: Vec<_> = commit
        .leaving
        .iter()
        .filter_map(|leaving| Some((leaving.community_user_id.as_str(), leaving.left?)))
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    sqlx::query(MARK_LEFT)
        .bind(commit.connection_id.0)
        .bind(gone.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(
            gone.iter()
                .map(|(_, left)| left.because.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            gone.iter()
                .map(|(_, left)| left.because.label())
                .collect::<Vec<_>>(),
        )
        .bind(
            gone.iter()
                .map(|(_, left)| micros(left.since))
                .collect::<Vec<_>>(),
        )
        .bind(LEFT_BY_RULE)
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// Whether anyone of them had left.
async fn end(
    write: &mut PgConnection,
    connection: ConnectionId,
    members: &[&str],
    at: DateTime<Utc>,
    by_hand_too: bool,
) -> Result<bool, StoreError> {
    sqlx::query(END_LEFT)
        .bind(connection.0)
        .bind(members)
        .bind(micros(at))
        .bind(by_hand_too)
        .execute(write)
        .await
        .map(|ended| ended.rows_affected() > 0)
        .map_err(database)
}

/// Whatever it was said by. Whether they had left.
pub(crate) async fn come_back(
    write: &mut PgConnection,
    connection: ConnectionId,
    member: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    end(write, connection, &[member], at, true).await
}

pub(crate) async fn keep_left(
    write: &mut PgConnection,
    connection: ConnectionId,
    member: &str,
    left: &Left,
) -> Result<(), StoreError> {
    forget_stays(write, connection, member).await?;
    sqlx::query(KEEP_LEFT)
        .bind(connection.0)
        .bind(member)
        .bind(left.because.as_str())
        .bind(&left.reason)
        .bind(&left.by)
        .bind(micros(left.at))
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

pub(crate) async fn keep_stays(
    write: &mut PgConnection,
    connection: ConnectionId,
    member: &str,
    stays: &Stays,
) -> Result<(), StoreError> {
    come_back(write, connection, member, stays.at).await?;
    sqlx::query(KEEP_STAYS)
        .bind(connection.0)
        .bind(member)
        .bind(&stays.reason)
        .bind(&stays.by)
        .bind(micros(stays.at))
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// Whether anything was said.
pub(crate) async fn forget_stays(
    write: &mut PgConnection,
    connection: ConnectionId,
    member: &str,
) -> Result<bool, StoreError> {
    sqlx::query(FORGET_STAYS)
        .bind(connection.0)
        .bind(member)
        .execute(write)
        .await
        .map(|forgotten| forgotten.rows_affected() > 0)
        .map_err(database)
}

#[async_trait]
impl LeaverStore for PostgresStore {
    async fn import_bounces(
        &self,
        bounces: &[Bounce],
        mode: ImportMode,
        by: &By,
    ) -> Result<BouncesImported, StoreError> {
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        lock_imports(&mut write).await?;
        let emails: Vec<&str> = bounces.iter().map(|bounce| bounce.email.as_str()).collect();
        let erased: BTreeSet<String> = screen_emails(&mut write, &self.salts, &emails).await?;
        let kept: Vec<_> = bounces
            .iter()
            .filter(|bounce| !erased.contains(&bounce.email))
            .collect();
        let rows = write_bounces(&mut write, &kept).await?;
        if mode == ImportMode::Write && rows.new + rows.updated > 0 {
            everything_changed(&mut write).await?;
            append(&mut write, by, Deed::BouncesImported, None).await?;
            write.commit().await?;
        }
        Ok(BouncesImported {
            rows,
            kept_out: (bounces.len() - kept.len()) as u64,
        })
    }

    async fn bounces(&self, emails: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let rows =
            sqlx::query("SELECT email AS name, bounced_at AS at FROM email_bounce WHERE email = ANY($1)")
                .bind(emails)
                .fetch_all(self.readers())
                .await
                .map_err(database)?;
        rows.iter().map(named_time).collect()
    }

    async fn inactive_since(&self, persons: &[String]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
        let rows = sqlx::query(
            "SELECT external_id AS name, COALESCE(inactive_since, changed_at) AS at FROM person
             WHERE NOT active AND external_id = ANY($1)",
        )
        .bind(persons)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(named_time).collect()
    }
}

async fn write_bounces(write: &mut PgConnection, bounces: &[&Bounce]) -> Result<ImportOutcome, StoreError> {
    let (mut emails, mut times, mut delivered) = (Vec::new(), Vec::new(), Vec::new());
    for bounce in bounces {
        match bounce.bounced_at {
            Some(at) => {
                emails.push(bounce.email.as_str());
                times.push(micros(at));
            }
            None => delivered.push(bounce.email.as_str()),
        }
    }
    let known: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM email_bounce WHERE email = ANY($1)")
        .bind(&emails)
        .fetch_one(&mut *write)
        .await
        .map_err(database)?;
    let new = (emails.len() as u64).saturating_sub(u64::try_from(known).unwrap_or(0));
    let came_back = sqlx::query(UPSERT_BOUNCES)
        .bind(&emails)
        .bind(&times)
        .execute(&mut *write)
        .await
        .map_err(database)?;
    let again = sqlx::query("DELETE FROM email_bounce WHERE email = ANY($1)")
        .bind(&delivered)
        .execute(write)
        .await
        .map_err(database)?;
    let written = came_back.rows_affected() + again.rows_affected();
    Ok(ImportOutcome {
        new,
        updated: written.saturating_sub(new),
        unchanged: (bounces.len() as u64).saturating_sub(written),
    })
}

fn named_time(row: &PgRow) -> Result<(String, DateTime<Utc>), StoreError> {
    Ok((row.text("name")?, row.time("at")?))
}
