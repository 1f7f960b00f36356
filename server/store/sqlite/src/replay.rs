//! What is stored, read anew without the API.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use domain::{ConnectionId, ProfileMapping, RunId, Stream};
use serde::Serialize;
use sqlx::{AssertSqlSafe, Sqlite, Transaction};
use store::{
    By, ContentHash, Deed, ERASED_PAYLOAD, EXPIRED_PAYLOAD, ProfileFieldCount, RemappedMember, Replay,
    ReplayFacts, ReplayOutcome, ReplayStore, SetAside, Standing, StoreError, StoredMapping, StoredMember,
    judge_replay, targets,
};
use store_columns::{
    Columns, json_text, micros,
    records::Table,
    replay::{read_mapping, read_member, read_profile_field, read_set_aside, read_standing},
};

use crate::{SqliteStore, audit::append, error::database, pages::store_rows, suppression::screen_if_erased};

/// A member's mapped columns on their way, as JSON.
#[derive(Serialize)]
struct Remapped<'m> {
    id: &'m str,
    before: String,
    hash: String,
    phone: Option<&'m str>,
    first_name: Option<&'m str>,
    last_name: Option<&'m str>,
    company: Option<&'m str>,
    department: Option<&'m str>,
    title: Option<&'m str>,
}

const REMAP: &str =
    "UPDATE community_user SET phone = new.value ->> 'phone', first_name = new.value ->> 'first_name',
        last_name = new.value ->> 'last_name', company_custom = new.value ->> 'company',
        department = new.value ->> 'department', title = new.value ->> 'title',
        content_hash = unhex(new.value ->> 'hash')
    FROM json_each($2) AS new
    WHERE connection_id = $1 AND community_user_id = new.value ->> 'id'
        AND content_hash = unhex(new.value ->> 'before')";

const PROFILE_FIELDS: &str = "SELECT field.key AS name, COUNT(*) AS members
    FROM community_user CROSS JOIN json_each(community_user.profile_fields) AS field
    WHERE connection_id = $1 AND deleted_at IS NULL AND TRIM(field.value) <> ''
    GROUP BY field.key ORDER BY members DESC, name LIMIT $2";

const DUE: &str = "SELECT id FROM connection
    WHERE (replayed_mapping <> mapping_version OR replayed_decoder < $1)
        AND NOT EXISTS (SELECT 1 FROM run WHERE run.connection_id = connection.id AND run.state = 'running')
    ORDER BY tenant_id";

const SETTLE: &str =
    "UPDATE connection SET replayed_mapping = $2, replayed_decoder = MAX(replayed_decoder, $3)
    WHERE id = $1 AND mapping_version = $2
        AND NOT EXISTS (SELECT 1 FROM run WHERE run.connection_id = connection.id AND run.state = 'running')";

/// Whether later runs than the one that set a record aside have read its stream, in part or whole.
const READ_SINCE: &str = "SELECT COALESCE(MAX(pages > 0), 0) AS in_part,
        COALESCE(MAX(later.state IN ('completed', 'completed_with_invalid') AND later.pass_id IS NOT origin.pass_id
            AND ($2 IN ('idea_statuses', 'categories')
                OR (later.mode = 'full' AND ($2 <> 'replies' OR later.all_replies = 1)))), 0) AS whole
    FROM run AS origin
    JOIN run AS later ON later.connection_id = origin.connection_id
        AND (later.queued_at, later.id) > (origin.queued_at, origin.id)
    JOIN run_stream ON run_stream.run_id = later.id AND run_stream.stream = $2
    WHERE origin.id = $1";

const MARK_REPAIRED: &str = "UPDATE invalid_record SET repaired_at = $3
    WHERE run_id = $1 AND id IN (SELECT value FROM json_each($2))";

const RENEW_REASONS: &str =
    "UPDATE invalid_record SET reason = new.value ->> 'reason', name = new.value ->> 'name',
        message = new.value ->> 'message'
    FROM json_each($2) AS new
    WHERE invalid_record.id = new.value ->> 'id' AND run_id = $1 AND repaired_at IS NULL
        AND invalid_record.payload NOT IN ($3, $4)";

#[async_trait]
impl ReplayStore for SqliteStore {
    async fn profile_mapping(&self, connection: ConnectionId) -> Result<StoredMapping, StoreError> {
        let row = sqlx::query("SELECT profile_mapping, mapping_version FROM connection WHERE id = $1")
            .bind(connection.0)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map_or(Ok(StoredMapping::default()), read_mapping)
    }

    async fn set_profile_mapping(
        &self,
        connection: ConnectionId,
        mapping: &ProfileMapping,
        by: &By,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE connection SET profile_mapping = $2, mapping_version = mapping_version + 1
             WHERE id = $1 AND profile_mapping <> $2",
        )
        .bind(connection.0)
        .bind(json_text(mapping)?)
        .execute(&mut *transaction)
        .await
        .map_err(database)?;
        if changed.rows_affected() > 0 {
            let target = targets::connection(connection);
            append(&mut transaction, by, Deed::MappingChanged, Some(target)).await?;
        }
        transaction.commit().await.map_err(database)
    }

    async fn profile_fields(
        &self,
        connection: ConnectionId,
        limit: u32,
    ) -> Result<Vec<ProfileFieldCount>, StoreError> {
        let rows = sqlx::query(PROFILE_FIELDS)
            .bind(connection.0)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_profile_field).collect()
    }

    async fn members(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredMember>, StoreError> {
        let columns = Table::of(Stream::Users).column_list();
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {columns}, content_hash FROM community_user
             WHERE connection_id = $1 AND community_user_id > COALESCE($2, '')
             ORDER BY community_user_id LIMIT $3"
        )))
        .bind(connection.0)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_member).collect()
    }

    async fn remap_members(
        &self,
        connection: ConnectionId,
        members: &[RemappedMember],
    ) -> Result<u64, StoreError> {
        if members.is_empty() {
            return Ok(0);
        }
        let list = json_text(&members.iter().map(remapped).collect::<Vec<_>>())?;
        let mut transaction = self.begin().await?;
        let written = sqlx::query(REMAP)
            .bind(connection.0)
            .bind(list)
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        transaction.commit().await.map_err(database)?;
        Ok(written.rows_affected())
    }

    async fn runs_with_set_aside(&self, connection: ConnectionId) -> Result<Vec<RunId>, StoreError> {
        let runs = sqlx::query_scalar(
            "SELECT id FROM run
             WHERE connection_id = $1 AND EXISTS (
                SELECT 1 FROM invalid_record WHERE run_id = run.id AND repaired_at IS NULL)
             ORDER BY queued_at DESC, id DESC",
        )
        .bind(connection.0)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        Ok(runs.into_iter().map(RunId).collect())
    }

    async fn set_aside(
        &self,
        run: RunId,
        stream: Stream,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, stream, reason, name, message, payload, payload_cut, topic_public_id, repaired_at
             FROM invalid_record
             WHERE run_id = $1 AND stream = $2 AND repaired_at IS NULL AND ($3 IS NULL OR id < $3)
             ORDER BY id DESC LIMIT $4",
        )
        .bind(run.0)
        .bind(stream.as_str())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_set_aside).collect()
    }

    async fn replay(&self, replay: &Replay) -> Result<ReplayOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        let judged = judge_replay(replay, &facts(&mut transaction, replay).await?);
        let rows = replay.page(judged.rows);
        let screened = screen_if_erased(&mut transaction, &self.salts, &rows).await?;
        let rows = screened.page.as_ref();
        store_rows(&mut transaction, replay.run_id, rows).await?;
        sqlx::query(MARK_REPAIRED)
            .bind(replay.run_id.0)
            .bind(json_text(&judged.repaired)?)
            .bind(micros(replay.at))
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        sqlx::query(RENEW_REASONS)
            .bind(replay.run_id.0)
            .bind(json_text(
                &replay.still_invalid.iter().map(reason).collect::<Vec<_>>(),
            )?)
            .bind(ERASED_PAYLOAD)
            .bind(EXPIRED_PAYLOAD)
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        transaction.commit().await.map_err(database)?;
        Ok(judged.outcome)
    }

    async fn replays_due(
        &self,
        decoder: i64,
        only: Option<ConnectionId>,
    ) -> Result<Vec<ConnectionId>, StoreError> {
        let due = sqlx::query_scalar(DUE)
            .bind(decoder)
            .bind(only.map(|connection| connection.0))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        Ok(due.into_iter().map(ConnectionId).collect())
    }

    async fn settle_replay(
        &self,
        connection: ConnectionId,
        mapping_version: i64,
        decoder: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(SETTLE)
            .bind(connection.0)
            .bind(mapping_version)
            .bind(decoder)
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        transaction.commit().await.map_err(database)
    }
}

async fn facts(
    transaction: &mut Transaction<'static, Sqlite>,
    replay: &Replay,
) -> Result<ReplayFacts, StoreError> {
    let open = still_set_aside(transaction, replay).await?;
    let standing = standing(transaction, replay).await?;
    let since = sqlx::query(READ_SINCE)
        .bind(replay.run_id.0)
        .bind(replay.stream.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(database)?;
    Ok(ReplayFacts {
        open,
        standing,
        read_in_part: since.flag("in_part")?,
        read_whole: since.flag("whole")?,
    })
}

async fn still_set_aside(
    transaction: &mut Transaction<'static, Sqlite>,
    replay: &Replay,
) -> Result<HashSet<i64>, StoreError> {
    let ids: Vec<i64> = replay.read.iter().map(|(id, _)| *id).collect();
    let open: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM invalid_record
         WHERE run_id = $1 AND repaired_at IS NULL AND payload NOT IN ($3, $4) AND id IN (SELECT value FROM json_each($2))",
    )
    .bind(replay.run_id.0)
    .bind(json_text(&ids)?)
    .bind(ERASED_PAYLOAD)
    .bind(EXPIRED_PAYLOAD)
    .fetch_all(&mut **transaction)
    .await
    .map_err(database)?;
    Ok(open.into_iter().collect())
}

async fn standing(
    transaction: &mut Transaction<'static, Sqlite>,
    replay: &Replay,
) -> Result<HashMap<String, Standing>, StoreError> {
    let table = Table::of(replay.stream);
    let (name, key, kind) = (table.name, table.key, table.kind_condition());
    let keys: Vec<_> = replay.read.iter().map(|(_, row)| row.record.key()).collect();
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT {key} AS record_key, content_hash, deleted_at, changed.id IS NULL
            OR (changed.queued_at, changed.id) >= (origin.queued_at, origin.id) AS newer
         FROM {name} AS stored JOIN run AS origin ON origin.id = $3 LEFT JOIN run AS changed ON changed.id = changed_run
         WHERE stored.connection_id = $1{kind} AND {key} IN (SELECT value FROM json_each($2))"
    )))
    .bind(replay.connection_id.0)
    .bind(json_text(&keys)?)
    .bind(replay.run_id.0)
    .fetch_all(&mut **transaction)
    .await
    .map_err(database)?;
    rows.iter().map(read_standing).collect()
}

/// The newest reason of a record that is still set aside, as JSON.
fn reason(set_aside: &SetAside) -> serde_json::Value {
    let record = &set_aside.record;
    serde_json::json!({
        "id": set_aside.id,
        "reason": record.reason.as_str(),
        "name": record.name,
        "message": record.message,
    })
}

fn remapped(member: &RemappedMember) -> Remapped<'_> {
    let user = &member.user;
    let hex = |hash: ContentHash| format!("{:032x}", u128::from_be_bytes(hash.0));
    Remapped {
        id: &user.community_user_id,
        before: hex(member.before),
        hash: hex(member.hash),
        phone: user.phone.as_deref(),
        first_name: user.first_name.as_deref(),
        last_name: user.last_name.as_deref(),
        company: user.company_custom.as_deref(),
        department: user.department.as_deref(),
        title: user.title.as_deref(),
    }
}
