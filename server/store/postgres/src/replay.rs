//! What is stored, read anew without the API.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use domain::{ConnectionId, ProfileMapping, RunId, Stream};
use sqlx::{AssertSqlSafe, PgConnection};
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

use crate::{
    PostgresStore,
    activity::{event_of, lock_connection},
    audit::append,
    error::database,
    pages::store_rows,
    suppression::{lock_out_erasures, screen_if_erased},
};

const REMAP: &str =
    "UPDATE community_user SET phone = new.phone, first_name = new.first_name, last_name = new.last_name,
        company_custom = new.company, department = new.department, title = new.title, content_hash = new.hash
    FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10)
        AS new (id, before, hash, phone, first_name, last_name, company, department, title)
    WHERE connection_id = $1 AND community_user_id = new.id AND content_hash = new.before";

const PROFILE_FIELDS: &str = "SELECT field.key AS name, COUNT(*) AS members
    FROM community_user CROSS JOIN LATERAL json_each_text(community_user.profile_fields::json) AS field
    WHERE connection_id = $1 AND deleted_at IS NULL AND TRIM(field.value) <> ''
    GROUP BY field.key ORDER BY members DESC, field.key COLLATE \"C\" LIMIT $2";

const DUE: &str = "SELECT id FROM connection
    WHERE (replayed_mapping <> mapping_version OR replayed_decoder < $1) AND ($2 IS NULL OR id = $2)
        AND NOT EXISTS (SELECT 1 FROM run WHERE run.connection_id = connection.id AND run.state = 'running')
    ORDER BY tenant_id";

const SETTLE: &str =
    "UPDATE connection SET replayed_mapping = $2, replayed_decoder = GREATEST(replayed_decoder, $3)
    WHERE id = $1 AND mapping_version = $2
        AND NOT EXISTS (SELECT 1 FROM run WHERE run.connection_id = connection.id AND run.state = 'running')";

/// Whether later runs than the one that set a record aside have read its stream, in part or whole.
const READ_SINCE: &str = "SELECT COALESCE(BOOL_OR(pages > 0), false) AS in_part,
        COALESCE(BOOL_OR(later.state IN ('completed', 'completed_with_invalid') AND later.pass_id IS DISTINCT FROM origin.pass_id
            AND ($2 IN ('idea_statuses', 'categories')
                OR (later.mode = 'full' AND ($2 <> 'replies' OR later.all_replies)))), false) AS whole
    FROM run AS origin
    JOIN run AS later ON later.connection_id = origin.connection_id
        AND (later.queued_at, later.id) > (origin.queued_at, origin.id)
    JOIN run_stream ON run_stream.run_id = later.id AND run_stream.stream = $2
    WHERE origin.id = $1";

const MARK_REPAIRED: &str = "UPDATE invalid_record SET repaired_at = $3
    WHERE run_id = $1 AND id = ANY($2)";

const RENEW_REASONS: &str =
    "UPDATE invalid_record SET reason = new.reason, name = new.name, message = new.message
    FROM unnest($2, $3, $4, $5) AS new (id, reason, name, message)
    WHERE invalid_record.id = new.id AND run_id = $1 AND repaired_at IS NULL
        AND invalid_record.payload NOT IN ($6, $7)";

#[async_trait]
impl ReplayStore for PostgresStore {
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
        let mut write = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE connection SET profile_mapping = $2, mapping_version = mapping_version + 1
             WHERE id = $1 AND profile_mapping <> $2",
        )
        .bind(connection.0)
        .bind(json_text(mapping)?)
        .execute(&mut *write)
        .await
        .map_err(database)?;
        if changed.rows_affected() > 0 {
            let target = targets::connection(connection);
            append(&mut write, by, Deed::MappingChanged, Some(target)).await?;
        }
        write.commit().await
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
        let each = |value: fn(&RemappedMember) -> Option<&str>| members.iter().map(value).collect::<Vec<_>>();
        let hashes = |value: fn(&RemappedMember) -> &ContentHash| {
            members.iter().map(|of| &value(of).0[..]).collect::<Vec<_>>()
        };
        let mut write = self.begin().await?;
        let written = sqlx::query(REMAP)
            .bind(connection.0)
            .bind(each(|of| Some(&of.user.community_user_id)))
            .bind(hashes(|of| &of.before))
            .bind(hashes(|of| &of.hash))
            .bind(each(|of| of.user.phone.as_deref()))
            .bind(each(|of| of.user.first_name.as_deref()))
            .bind(each(|of| of.user.last_name.as_deref()))
            .bind(each(|of| of.user.company_custom.as_deref()))
            .bind(each(|of| of.user.department.as_deref()))
            .bind(each(|of| of.user.title.as_deref()))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        write.commit().await?;
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
        if replay.stream == Stream::Activity {
            let events: Vec<_> = replay.read.iter().filter_map(|(_, row)| event_of(row)).collect();
            self.make_months(&events).await?;
        }
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        lock_connection(&mut write, replay.connection_id).await?;
        lock_runs(&mut write, replay.connection_id).await?;
        let judged = judge_replay(replay, &facts(&mut write, replay).await?);
        let rows = replay.page(judged.rows);
        let screened = screen_if_erased(&mut write, &self.salts, &rows).await?;
        let rows = screened.page.as_ref();
        store_rows(&mut write, replay.run_id, rows).await?;
        sqlx::query(MARK_REPAIRED)
            .bind(replay.run_id.0)
            .bind(&judged.repaired)
            .bind(micros(replay.at))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        let renewed = &replay.still_invalid;
        let each = |value: fn(&SetAside) -> &str| renewed.iter().map(value).collect::<Vec<_>>();
        sqlx::query(RENEW_REASONS)
            .bind(replay.run_id.0)
            .bind(renewed.iter().map(|of| of.id).collect::<Vec<_>>())
            .bind(each(|of| of.record.reason.as_str()))
            .bind(each(|of| &of.record.name))
            .bind(each(|of| &of.record.message))
            .bind(ERASED_PAYLOAD)
            .bind(EXPIRED_PAYLOAD)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        write.commit().await?;
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
        let mut write = self.begin_by_key().await?;
        sqlx::query(SETTLE)
            .bind(connection.0)
            .bind(mapping_version)
            .bind(decoder)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        write.commit().await
    }
}

async fn facts(write: &mut PgConnection, replay: &Replay) -> Result<ReplayFacts, StoreError> {
    let open = still_set_aside(write, replay).await?;
    let standing = standing(write, replay).await?;
    let since = sqlx::query(READ_SINCE)
        .bind(replay.run_id.0)
        .bind(replay.stream.as_str())
        .fetch_one(&mut *write)
        .await
        .map_err(database)?;
    Ok(ReplayFacts {
        open,
        standing,
        read_in_part: since.flag("in_part")?,
        read_whole: since.flag("whole")?,
    })
}

async fn still_set_aside(write: &mut PgConnection, replay: &Replay) -> Result<HashSet<i64>, StoreError> {
    let ids: Vec<i64> = replay.read.iter().map(|(id, _)| *id).collect();
    let open: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM invalid_record
         WHERE run_id = $1 AND repaired_at IS NULL AND payload NOT IN ($3, $4) AND id = ANY($2)",
    )
    .bind(replay.run_id.0)
    .bind(ids)
    .bind(ERASED_PAYLOAD)
    .bind(EXPIRED_PAYLOAD)
    .fetch_all(&mut *write)
    .await
    .map_err(database)?;
    Ok(open.into_iter().collect())
}

async fn standing(
    write: &mut PgConnection,
    replay: &Replay,
) -> Result<HashMap<String, Standing>, StoreError> {
    let table = Table::of(replay.stream);
    let (name, key, kind) = (table.name, table.key, table.kind_condition());
    let keys: Vec<_> = replay.read.iter().map(|(_, row)| row.record.key()).collect();
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT {key} AS record_key, content_hash, deleted_at, changed.id IS NULL
            OR (changed.queued_at, changed.id) >= (origin.queued_at, origin.id) AS newer
         FROM {name} AS stored JOIN run AS origin ON origin.id = $3 LEFT JOIN run AS changed ON changed.id = changed_run
         WHERE stored.connection_id = $1{kind} AND {key} = ANY($2)"
    )))
    .bind(replay.connection_id.0)
    .bind(keys)
    .bind(replay.run_id.0)
    .fetch_all(&mut *write)
    .await
    .map_err(database)?;
    rows.iter().map(read_standing).collect()
}

/// No run writes to the connection until the replay is committed: what is judged stays so. Called with the connection
/// locked, so that no run is queued meanwhile; one that waits is skipped by who would claim it.
async fn lock_runs(write: &mut PgConnection, connection: ConnectionId) -> Result<(), StoreError> {
    sqlx::query("SELECT id FROM run WHERE connection_id = $1 AND state IN ('queued', 'running') FOR UPDATE")
        .bind(connection.0)
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}
