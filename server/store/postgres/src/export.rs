//! Whole objects, page by page, in the order of their keys.

use std::fmt::Write as _;

use async_trait::async_trait;
use domain::Object;
use sqlx::{AssertSqlSafe, postgres::PgRow};
use store::{
    ExportCursor, ExportPage, ExportPlace, ExportQuery, ExportStore, Field, KeyPart, StoreError, fields,
};
use store_columns::export::{cell, cursor};

use crate::{PostgresStore, error::database};

/// Where an object is kept.
pub(crate) struct Source {
    pub(crate) table: &'static str,
    /// What leads from a row to its connection, and to what stands beside it; empty if the row has all of it.
    pub(crate) join: &'static str,
    /// The column that names a row's connection.
    pub(crate) connection: &'static str,
    /// The key over all connections: an owner's id (16 bytes), then columns of the row.
    owner: &'static str,
    key: &'static [&'static str],
}

const fn keyed(table: &'static str, key: &'static [&'static str]) -> Source {
    Source {
        table,
        join: "",
        connection: "object.connection_id",
        owner: "object.connection_id",
        key,
    }
}

pub(crate) fn source(object: Object) -> Source {
    match object {
        Object::Users => Source {
            join: " LEFT JOIN member_match AS stands ON stands.connection_id = object.connection_id
                AND stands.community_user_id = object.community_user_id",
            ..keyed("community_user", &["community_user_id"])
        },
        Object::Content => keyed("community_content", &["kind", "public_id"]),
        Object::Activity => keyed("community_activity", &["event_id"]),
        Object::Trends => keyed(
            "community_trend",
            &["day", "kind", "subtype", "company_external_id"],
        ),
        Object::Categories => keyed("community_category", &["category_id"]),
        Object::IdeaStatuses => keyed("community_idea_status", &["idea_status_id"]),
        Object::InvalidRecords => Source {
            table: "invalid_record",
            join: " JOIN run ON run.id = object.run_id",
            connection: "run.connection_id",
            owner: "object.run_id",
            key: &["id"],
        },
    }
}

/// A field as it is stored. The table is called `object`.
pub(crate) fn column(object: Object, field: Field) -> String {
    match (object, field.name) {
        (_, "tenant_id") => "connection.tenant_id".to_owned(),
        // A member who was never matched is unmatched.
        (Object::Users, "match_status") => "COALESCE(stands.status, 'unmatched')".to_owned(),
        (Object::Users, "match_rule") => "stands.rule".to_owned(),
        (Object::Users, name @ ("person_external_id" | "company_external_id")) => format!("stands.{name}"),
        (Object::Trends, name @ ("company_external_id" | "subtype")) => format!("NULLIF(object.{name}, '')"),
        (_, name) => format!("object.{name}"),
    }
}

#[async_trait]
impl ExportStore for PostgresStore {
    async fn export_page(
        &self,
        query: &ExportQuery,
        after: Option<&ExportCursor>,
    ) -> Result<ExportPage, StoreError> {
        let after = after.map(|cursor| ExportPlace::read(query.object, cursor));
        let (owner, key) = after.transpose()?.map(|place| (place.owner, place.key)).unzip();
        let mut select = sqlx::query(AssertSqlSafe(select(query, key.is_some())))
            .bind(query.connection.map(|id| id.0))
            .bind(query.run.map(|id| id.0))
            .bind(i64::from(query.limit))
            .bind(owner);
        for part in key.unwrap_or_default() {
            select = match part {
                KeyPart::Int(number) => select.bind(number),
                KeyPart::Text(text) => select.bind(text),
            };
        }
        let rows = select.fetch_all(self.readers()).await.map_err(database)?;
        let full = rows.len() as u64 >= u64::from(query.limit);
        let next = rows.last().filter(|_| full).map(cursor).transpose()?;
        let read = |row: &PgRow| {
            let cells = fields(query.object).iter().map(|field| cell(row, *field));
            cells.collect::<Result<Vec<_>, _>>()
        };
        Ok(ExportPage {
            rows: rows.iter().map(read).collect::<Result<_, _>>()?,
            next,
        })
    }
}

fn select(query: &ExportQuery, from_cursor: bool) -> String {
    let source = source(query.object);
    let mut sql = "SELECT ".to_owned();
    for field in fields(query.object) {
        let _ = write!(sql, "{} AS {}, ", column(query.object, *field), field.name);
    }
    let key = source.key.iter().map(|column| format!("object.{column}"));
    let key = key.collect::<Vec<_>>().join(", ");
    let _ = write!(
        sql,
        "{} AS cursor_owner, json_build_array({key})::text AS cursor_key
         FROM {} AS object{} JOIN connection ON connection.id = {} WHERE true",
        source.owner, source.table, source.join, source.connection,
    );
    if query.connection.is_some() {
        let _ = write!(sql, " AND {} = $1", source.connection);
    }
    if query.run.is_some() && query.object == Object::InvalidRecords {
        let _ = write!(sql, " AND {} = $2", source.owner);
    }
    // Invalid records have ids that no two connections share. Within one connection the rest of the key is a range of
    // the index; naming the connection again would hide that.
    let across = query.object != Object::InvalidRecords && query.connection.is_none();
    if from_cursor {
        let values = |from: usize| (from..5 + source.key.len()).map(|number| format!("${number}"));
        let values = |from| values(from).collect::<Vec<_>>().join(", ");
        let _ = if across {
            write!(sql, " AND ({}, {key}) > ({})", source.owner, values(4))
        } else {
            write!(sql, " AND ({key}) > ({})", values(5))
        };
    }
    let owner = if across {
        format!("{}, ", source.owner)
    } else {
        String::new()
    };
    let _ = write!(sql, " ORDER BY {owner}{key} LIMIT $3");
    sql
}
