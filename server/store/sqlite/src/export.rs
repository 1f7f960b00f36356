//! Whole objects, page by page, in the order of their keys.

use std::fmt::Write as _;

use async_trait::async_trait;
use domain::Object;
use sqlx::{AssertSqlSafe, sqlite::SqliteRow};
use store::{
    ExportCursor, ExportPage, ExportPlace, ExportQuery, ExportStore, Field, KeyPart, StoreError, fields,
};
use store_columns::{
    export::{cell, cursor},
    json_text,
};

use crate::{SqliteStore, engagement::start, error::database};

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
            join: " CROSS JOIN run ON run.id = object.run_id",
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
impl ExportStore for SqliteStore {
    async fn export_page(
        &self,
        query: &ExportQuery,
        after: Option<&ExportCursor>,
    ) -> Result<ExportPage, StoreError> {
        let after = after.map(|cursor| ExportPlace::read(query.object, cursor));
        let (owner, key) = after.transpose()?.map(|place| (place.owner, place.key)).unzip();
        let companies = query.companies.as_ref();
        let days = companies.map(|of| of.days);
        let mut select = sqlx::query(AssertSqlSafe(select(query, key.is_some())))
            .bind(query.connection.map(|id| id.0))
            .bind(query.run.map(|id| id.0))
            .bind(i64::from(query.limit))
            .bind(companies.map(|of| json_text(&of.external_ids)).transpose()?)
            .bind(days.map(|days| start(days.from)))
            .bind(days.map(|days| start(days.until)))
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
        let read = |row: &SqliteRow| {
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
    let theirs = query.companies.as_ref().map(|_| theirs(query.object));
    let mut sql = "SELECT ".to_owned();
    for field in fields(query.object) {
        let _ = write!(sql, "{} AS {}, ", column(query.object, *field), field.name);
    }
    let key = source.key.iter().map(|column| format!("object.{column}"));
    let key = key.collect::<Vec<_>>().join(", ");
    // CROSS JOIN keeps the order: rows come from the key's index as they are wanted, and none is sorted.
    let _ = write!(
        sql,
        "{} AS cursor_owner, json_array({key}) AS cursor_key
         FROM {}{} CROSS JOIN connection ON connection.id = {} WHERE true",
        source.owner,
        rows_of(source.table, theirs.as_ref()),
        source.join,
        source.connection,
    );
    if let Some(theirs) = &theirs {
        let _ = write!(sql, " AND {}", theirs.condition);
    }
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
        let values = |from: usize| (from..8 + source.key.len()).map(|number| format!("${number}"));
        let values = |from| values(from).collect::<Vec<_>>().join(", ");
        let _ = if across {
            write!(sql, " AND ({}, {key}) > ({})", source.owner, values(7))
        } else {
            write!(sql, " AND ({key}) > ({})", values(8))
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

/// How it is told of an object's rows which are of companies, $4, and of the days from $5 up to $6.
struct Theirs {
    /// The column that names a member; none where rows name the company themselves.
    member: Option<&'static str>,
    condition: &'static str,
}

fn theirs(object: Object) -> Theirs {
    let (member, condition) = match object {
        Object::Users => (
            Some("community_user_id"),
            "object.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM member_left AS gone
                WHERE gone.connection_id = mine.connection_id AND gone.community_user_id = mine.community_user_id)",
        ),
        Object::Content => (
            Some("author_user_id"),
            "object.deleted_at IS NULL AND object.trashed = 0 AND object.posted_at >= $5 AND object.posted_at < $6
                AND NOT EXISTS (SELECT 1 FROM member_left AS gone WHERE gone.connection_id = mine.connection_id
                    AND gone.community_user_id = mine.community_user_id AND gone.left_at <= object.posted_at)",
        ),
        Object::Activity => (
            Some("user_id"),
            "object.deleted_at IS NULL AND object.occurred_at >= $5 AND object.occurred_at < $6
                AND NOT EXISTS (SELECT 1 FROM member_left AS gone WHERE gone.connection_id = mine.connection_id
                    AND gone.community_user_id = mine.community_user_id AND gone.left_at <= object.occurred_at)",
        ),
        Object::Trends => (
            None,
            "object.company_external_id IN (SELECT value FROM json_each($4)) AND object.company_external_id <> ''
                AND object.day >= $5 / 86400000000 AND object.day < $6 / 86400000000",
        ),
        // These are of no company.
        Object::Categories | Object::IdeaStatuses | Object::InvalidRecords => (None, "false"),
    };
    Theirs { member, condition }
}

/// The table, or the way to it from companies, $4, by way of their members. CROSS JOIN keeps the order.
fn rows_of(table: &str, theirs: Option<&Theirs>) -> String {
    match theirs.and_then(|theirs| theirs.member) {
        Some(member) => format!(
            "json_each($4) AS wanted
             CROSS JOIN member_match AS mine ON mine.company_external_id = wanted.value
             CROSS JOIN {table} AS object ON object.connection_id = mine.connection_id
                AND object.{member} = mine.community_user_id"
        ),
        None => format!("{table} AS object"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::{ConnectionId, RunId};
    use sqlx::{Connection as _, Row as _, SqliteConnection};
    use store::{Days, OfCompanies};
    use uuid::Uuid;

    use super::*;

    async fn tables() -> SqliteConnection {
        let mut database = SqliteConnection::connect("sqlite::memory:")
            .await
            .expect("a database");
        sqlx::migrate!().run(&mut database).await.expect("tables");
        database
    }

    async fn plan(database: &mut SqliteConnection, query: &ExportQuery) -> String {
        let explain = format!("EXPLAIN QUERY PLAN {}", select(query, true));
        let plan = sqlx::query(AssertSqlSafe(explain))
            .fetch_all(database)
            .await
            .expect("a plan");
        let plan: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
        plan.join("; ")
    }

    /// So that the file of a small company costs little in a large community.
    #[tokio::test]
    async fn what_is_of_a_company_is_found_by_an_index() {
        let mut database = tables().await;
        for object in [Object::Users, Object::Content, Object::Activity, Object::Trends] {
            let query = ExportQuery {
                object,
                connection: None,
                run: None,
                companies: Some(OfCompanies {
                    external_ids: vec!["C-1".to_owned()],
                    days: Days {
                        from: DateTime::UNIX_EPOCH.date_naive(),
                        until: DateTime::UNIX_EPOCH.date_naive(),
                    },
                }),
                limit: 1,
            };
            let plan = plan(&mut database, &query).await;
            let scanned = ["SCAN object", "SCAN mine"].map(|scan| plan.contains(scan));
            assert_eq!(scanned, [false, false], "{object}: {plan}");
            assert!(plan.contains("(company_external_id="), "{object}: {plan}");
        }
    }

    /// Every page is a range of an index, so that an export costs the same per row however large the table is.
    #[tokio::test]
    async fn no_page_sorts_or_scans() {
        let mut database = tables().await;
        for object in Object::ALL {
            for (connection, run) in [(false, false), (true, false), (false, true)] {
                let query = ExportQuery {
                    object,
                    connection: connection.then_some(ConnectionId(Uuid::nil())),
                    run: run.then_some(RunId(Uuid::nil())),
                    companies: None,
                    limit: 1,
                };
                let plan = plan(&mut database, &query).await;
                assert!(!plan.contains("TEMP B-TREE"), "{object}: {plan}");
                let range = match (object, connection, run) {
                    (Object::InvalidRecords, _, false) => "(rowid>?)",
                    (Object::InvalidRecords, _, true) => "(run_id=? AND ",
                    (_, true, _) => "(connection_id=? AND ",
                    (_, false, _) => "((connection_id,",
                };
                let first = plan.split("; ").next().unwrap_or_default();
                let sound =
                    first.starts_with("SEARCH object") && first.contains(range) && first.contains('>');
                assert!(sound, "{object}: {plan}");
            }
        }
    }
}
