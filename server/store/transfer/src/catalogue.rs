//! What is to be moved: the tables that both sides have, in an order in which each follows those that it refers to.

use std::collections::BTreeSet;

use sqlx::{PgConnection, SqliteConnection};

use crate::{
    TransferError, failed,
    rows::{Kind, Value},
};

/// What only the target has.
const OWN: [&str; 4] = [
    "_sqlx_migrations",
    "change_marker",
    "schema_floor",
    "transfer_under_way",
];

/// Cut by month in the target.
const ACTIVITY: (&str, &str) = ("community_activity", "occurred_at");

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The database numbers its rows.
    pub(crate) counted: bool,
}

impl Column {
    /// As it is sorted in the target: by its bytes, as in the source.
    pub(crate) fn sorted(&self) -> String {
        let collation = if self.kind == Kind::Text {
            " COLLATE \"C\""
        } else {
            ""
        };
        format!("{}{collation}", self.name)
    }
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// Places of the key's columns, in the key's order.
    key: Vec<usize>,
}

impl Table {
    pub(crate) fn column_list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }

    pub(crate) fn key(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().map(|place| &self.columns[*place])
    }

    pub(crate) fn key_of(&self, row: &[Value]) -> Vec<Value> {
        self.key.iter().map(|place| row[*place].clone()).collect()
    }

    /// The place of the column that the table's months are cut by.
    pub(crate) fn months(&self) -> Option<usize> {
        let of = |column: &Column| column.name == ACTIVITY.1;
        (self.name == ACTIVITY.0)
            .then(|| self.columns.iter().position(of))
            .flatten()
    }
}

pub(crate) async fn tables(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
) -> Result<Vec<Table>, TransferError> {
    let theirs: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *source)
    .await
    .map_err(|error| failed("the source's tables", error))?;
    let mut left: BTreeSet<String> = theirs.into_iter().collect();
    let ours: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition",
    )
    .fetch_all(&mut *target)
    .await
    .map_err(|error| failed("the target's tables", error))?;
    let ours: BTreeSet<String> = ours
        .into_iter()
        .filter(|name| !OWN.contains(&name.as_str()))
        .collect();
    if left != ours {
        let differing: Vec<&String> = left.symmetric_difference(&ours).collect();
        return Err(TransferError::Refused(format!(
            "Source and target do not have the same tables: {differing:?}. Nothing was moved. Report this to the maintainers."
        )));
    }
    let references: Vec<(String, String)> = sqlx::query_as(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
         WHERE contype = 'f' AND conrelid <> confrelid AND connamespace = current_schema()::regnamespace",
    )
    .fetch_all(&mut *target)
    .await
    .map_err(|error| failed("the target's references", error))?;
    let mut tables = Vec::new();
    while !left.is_empty() {
        let waits = |name: &String| {
            references
                .iter()
                .any(|(from, to)| from == name && left.contains(to))
        };
        let Some(next) = left.iter().find(|name| !waits(name)).cloned() else {
            return Err(TransferError::Refused(format!(
                "The tables {left:?} refer to each other in a ring."
            )));
        };
        left.remove(&next);
        tables.push(table(next, source, target).await?);
    }
    Ok(tables)
}

async fn table(
    name: String,
    source: &mut SqliteConnection,
    target: &mut PgConnection,
) -> Result<Table, TransferError> {
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT attname::text, format_type(atttypid, atttypmod), attidentity <> '' FROM pg_attribute
         WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    .bind(&name)
    .fetch_all(target)
    .await
    .map_err(|error| failed(&name, error))?;
    let kind = |(column, of, counted): (String, String, bool)| match Kind::of(&of) {
        Some(kind) => Ok(Column {
            name: column,
            kind,
            counted,
        }),
        None => Err(TransferError::Refused(format!(
            "{name}.{column} is a {of}, which cannot be moved. Nothing was moved. Report this to the maintainers."
        ))),
    };
    let columns: Vec<Column> = columns.into_iter().map(kind).collect::<Result<_, _>>()?;
    let key: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk")
            .bind(&name)
            .fetch_all(source)
            .await
            .map_err(|error| failed(&name, error))?;
    let place = |of: &String| columns.iter().position(|column| &column.name == of);
    let key: Vec<usize> = key.iter().filter_map(place).collect();
    if key.is_empty() {
        return Err(TransferError::Refused(format!(
            "{name} has no key to copy it by. Nothing was moved."
        )));
    }
    Ok(Table { name, columns, key })
}
