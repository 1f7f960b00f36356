//! What the provider has no more: which stored rows to look for, and marking those that are gone.

use async_trait::async_trait;
use domain::{ConnectionId, RunId, Stream, record::Record};
use sqlx::{AssertSqlSafe, Sqlite, Transaction};
use store::{Deletion, DeletionStore, Fenced, Lease, PageOutcome, StoreError};
use store_columns::{
    Columns, count, json_text, micros,
    records::{Table, read},
};
use uuid::Uuid;

use crate::{
    SqliteStore,
    database::commit,
    error::database,
    pages::{Fence, pass_fence},
};

#[async_trait]
impl DeletionStore for SqliteStore {
    async fn stored_count(&self, connection: ConnectionId, stream: Stream) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT COALESCE(SUM(stored), 0)
                + (SELECT COUNT(*) FROM erased_member WHERE connection_id = $1 AND $2 = 'users') AS stored
             FROM object_count WHERE connection_id = $1 AND stream = $2",
        )
        .bind(connection.0)
        .bind(stream.as_str())
        .fetch_one(self.readers())
        .await
        .map_err(database)?;
        row.unsigned("stored")
    }

    async fn keys_of_pass(
        &self,
        run: RunId,
        stream: Stream,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let table = Table::of(stream);
        let (name, key, kind) = (table.name, table.key, table.kind_condition());
        let of_pass = match stream {
            Stream::Replies => {
                " AND topic_public_id IN (
                    SELECT public_id FROM community_content AS topic
                    WHERE topic.connection_id = (SELECT connection_id FROM run WHERE id = $1) AND topic.kind = 'topic'
                        AND topic.replies_read_pass = (SELECT pass_id FROM run WHERE id = $1))"
            }
            _ => "",
        };
        sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT {key} FROM {name}
             WHERE connection_id = (SELECT connection_id FROM run WHERE id = $1) AND ($2 IS NULL OR {key} > $2){kind}
                AND deleted_at IS NULL{of_pass}
             ORDER BY {key} LIMIT $3"
        )))
        .bind(run.0)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)
    }

    async fn record(
        &self,
        connection: ConnectionId,
        stream: Stream,
        key: &str,
    ) -> Result<Option<Record>, StoreError> {
        let table = Table::of(stream);
        let (name, column, columns, kind) =
            (table.name, table.key, table.column_list(), table.kind_condition());
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT {columns} FROM {name}
             WHERE connection_id = $1 AND {column} = $2{kind} AND deleted_at IS NULL"
        )))
        .bind(connection.0)
        .bind(key)
        .fetch_optional(self.readers())
        .await
        .map_err(database)?;
        row.map(|row| read(stream, &row)).transpose()
    }

    async fn mark_deleted(&self, lease: &Lease, deletion: &Deletion) -> Result<PageOutcome, Fenced> {
        let mut transaction = self.begin().await?;
        let fence = Fence {
            connection_id: deletion.connection_id,
            stream: deletion.stream,
            checkpoint: &deletion.checkpoint,
            requests: deletion.requests,
        };
        let run = pass_fence(&mut transaction, lease, &fence).await?;
        let keys = json_text(&deletion.keys)?;
        let table = Table::of(deletion.stream);
        let condition = format!(
            "{} IN (SELECT value FROM json_each($4)){}",
            table.key,
            table.kind_condition()
        );
        mark(
            &mut transaction,
            lease.run_id,
            deletion,
            deletion.stream,
            &condition,
            &keys,
        )
        .await?;
        if deletion.stream == Stream::Topics {
            let condition = "topic_public_id IN (SELECT value FROM json_each($4)) AND kind = 'reply'";
            mark(
                &mut transaction,
                lease.run_id,
                deletion,
                Stream::Replies,
                condition,
                &keys,
            )
            .await?;
        }
        commit(
            transaction,
            PageOutcome {
                stop_requested: run.stop_requested,
                ..PageOutcome::default()
            },
        )
        .await
    }
}

/// Marks the rows of a stream that the condition names, and takes them out of the count.
async fn mark(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    deletion: &Deletion,
    stream: Stream,
    condition: &str,
    keys: &str,
) -> Result<(), StoreError> {
    let name = Table::of(stream).name;
    let marked = sqlx::query(AssertSqlSafe(format!(
        "UPDATE {name} SET deleted_at = $2, changed_run = $3
         WHERE connection_id = $1 AND deleted_at IS NULL AND {condition}"
    )))
    .bind(deletion.connection_id.0)
    .bind(micros(deletion.at))
    .bind(run.0)
    .bind(keys)
    .execute(&mut **transaction)
    .await
    .map_err(database)?
    .rows_affected();
    let counts: [(&str, Uuid); 2] = [
        (
            "UPDATE object_count SET stored = stored - $3 WHERE connection_id = $1 AND stream = $2",
            deletion.connection_id.0,
        ),
        (
            "UPDATE run_stream SET deleted = deleted + $3 WHERE run_id = $1 AND stream = $2",
            run.0,
        ),
    ];
    for (statement, of) in counts {
        sqlx::query(statement)
            .bind(of)
            .bind(stream.as_str())
            .bind(count(marked)?)
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
    }
    Ok(())
}
