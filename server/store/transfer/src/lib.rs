#![doc = include_str!("../README.md")]

mod catalogue;
mod rows;

use std::path::Path;

use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection,
    postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use store::StoreError;
use store_postgres::PostgresStore;

use crate::{
    catalogue::{Table, tables},
    rows::{Columns, Digest, Value},
};

/// Rows of one transaction. With members of 2 kB it holds some megabytes.
const ROWS_AT_ONCE: i64 = 2_000;

/// Migrations from here on are PostgreSQL's own.
const OWN_FROM: i64 = 30;

/// Why nothing was moved, or not all.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// Source or target cannot be used as they are; the message says what to do.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Target(#[from] StoreError),
    #[error("{what}: {source}")]
    Database { what: String, source: sqlx::Error },
    /// The rows of a table are not the same on both sides.
    #[error("{table} has {source_rows} rows in the source and {target_rows} in the target{}", if *.source_rows == *.target_rows { ", and they differ" } else { "" })]
    Differs {
        table: String,
        source_rows: u64,
        target_rows: u64,
    },
}

/// What arrived of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    pub table: String,
    pub rows: u64,
    /// Of the content of all rows, whatever their order; equal on both sides.
    pub hash: String,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'t> {
    Copied { table: &'t str, rows: u64, of: u64 },
    Verified { table: &'t str, rows: u64 },
}

/// Moves everything, or goes on with what an earlier call began. The target must have nothing else in it.
pub async fn transfer(
    from: &Path,
    to: &str,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Vec<Moved>, TransferError> {
    PostgresStore::migrate(to).await?;
    let options: PgConnectOptions = to.parse().map_err(|error| failed("the target's URL", error))?;
    let options = options
        .application_name("tributary migrate")
        .disable_statement_logging();
    let mut target = options
        .connect()
        .await
        .map_err(|error| failed("the target", error))?;
    let mut source = open_source(from).await?;
    check_versions(from, &mut source, &mut target).await?;
    let tables = tables(&mut source, &mut target).await?;
    begin(from, &tables, &mut target).await?;
    for table in &tables {
        copy(table, &mut source, &mut target, tell).await?;
    }
    let mut moved = Vec::new();
    for table in &tables {
        moved.push(verify(table, &mut source, &mut target).await?);
        let rows = moved.last().map_or(0, |moved| moved.rows);
        tell(Progress::Verified {
            table: &table.name,
            rows,
        });
    }
    finish(&tables, &mut target).await?;
    // Everything is committed, and the source was only read.
    let _ = (target.close().await, source.close().await);
    Ok(moved)
}

fn failed(what: &str, source: sqlx::Error) -> TransferError {
    TransferError::Database {
        what: what.to_owned(),
        source,
    }
}

/// Reads in one snapshot, however long that takes and whatever others write meanwhile.
async fn open_source(from: &Path) -> Result<SqliteConnection, TransferError> {
    let named = |error| failed(&format!("the source {}", from.display()), error);
    let mut source = SqliteConnectOptions::new()
        .filename(from)
        .read_only(true)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(named)?;
    sqlx::query("BEGIN").execute(&mut source).await.map_err(named)?;
    Ok(source)
}

async fn check_versions(
    from: &Path,
    source: &mut SqliteConnection,
    target: &mut PgConnection,
) -> Result<(), TransferError> {
    let theirs: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version")
        .fetch_all(source)
        .await
        .map_err(|_| {
            TransferError::Refused(format!(
                "The file {} is no database of Tributary.",
                from.display()
            ))
        })?;
    let ours: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE version < $1 ORDER BY version")
            .bind(OWN_FROM)
            .fetch_all(target)
            .await
            .map_err(|error| failed("the target's version", error))?;
    if theirs == ours {
        return Ok(());
    }
    Err(TransferError::Refused(format!(
        "The file {} is of another version of Tributary than this one. Open it once with this one, for instance with: \
         tributary doctor --database-url sqlite://{}.",
        from.display(),
        from.display()
    )))
}

/// Marks the target as being filled, which keeps everybody else away, and switches off what would add rows by itself.
async fn begin(from: &Path, tables: &[Table], target: &mut PgConnection) -> Result<(), TransferError> {
    let named = |error| failed("the target", error);
    let place = std::path::absolute(from).unwrap_or_else(|_| from.to_owned());
    let place = place.display().to_string();
    let under_way: bool = sqlx::query_scalar("SELECT to_regclass('transfer_under_way') IS NOT NULL")
        .fetch_one(&mut *target)
        .await
        .map_err(named)?;
    if under_way {
        let begun: String = sqlx::query_scalar("SELECT source FROM transfer_under_way")
            .fetch_one(&mut *target)
            .await
            .map_err(named)?;
        if begun == place {
            return Ok(());
        }
        return Err(TransferError::Refused(format!(
            "The target is being filled from {begun}. Finish that, or name an empty database."
        )));
    }
    for table in tables {
        let holds: bool = scalar(target, format!("SELECT EXISTS (SELECT 1 FROM {})", table.name)).await?;
        if holds {
            return Err(TransferError::Refused(format!(
                "The target holds data already (in {}). Name an empty database.",
                table.name
            )));
        }
    }
    let mut statements = vec!["CREATE TABLE transfer_under_way (source text NOT NULL)".to_owned()];
    statements.extend(
        tables
            .iter()
            .map(|table| format!("ALTER TABLE {} DISABLE TRIGGER USER", table.name)),
    );
    let mut transaction = target.begin().await.map_err(named)?;
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await
            .map_err(named)?;
    }
    sqlx::query("INSERT INTO transfer_under_way (source) VALUES ($1)")
        .bind(place)
        .execute(&mut *transaction)
        .await
        .map_err(named)?;
    transaction.commit().await.map_err(named)
}

/// Statements are made of names out of the catalogue.
async fn scalar<T>(target: &mut PgConnection, statement: String) -> Result<T, TransferError>
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let named = format!("the target, at: {statement}");
    sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_one(target)
        .await
        .map_err(|error| failed(&named, error))
}

/// From the greatest key that has arrived on.
async fn copy(
    table: &Table,
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<(), TransferError> {
    let of: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name)))
        .fetch_one(&mut *source)
        .await
        .map_err(|error| failed(&table.name, error))?;
    let of = u64::try_from(of).unwrap_or(0);
    let arrived: i64 = scalar(target, format!("SELECT COUNT(*) FROM {}", table.name)).await?;
    let mut rows = u64::try_from(arrived).unwrap_or(0);
    let mut after = greatest_key(table, target).await?;
    loop {
        let chunk = read_chunk(table, source, after.as_deref()).await?;
        let Some(last) = chunk.last() else {
            return Ok(());
        };
        after = Some(table.key_of(last));
        rows += chunk.len() as u64;
        write_chunk(table, target, &chunk).await?;
        tell(Progress::Copied {
            table: &table.name,
            rows,
            of,
        });
    }
}

async fn greatest_key(table: &Table, target: &mut PgConnection) -> Result<Option<Vec<Value>>, TransferError> {
    let order: Vec<String> = table
        .key()
        .map(|column| format!("{} DESC", column.sorted()))
        .collect();
    let statement = format!(
        "SELECT {} FROM {} ORDER BY {} LIMIT 1",
        table.column_list(),
        table.name,
        order.join(", ")
    );
    let row = sqlx::query(AssertSqlSafe(statement))
        .fetch_optional(target)
        .await
        .map_err(|error| failed(&table.name, error))?;
    let row = row.map(|row| rows::of_postgres(&table.columns, &row)).transpose();
    let row = row.map_err(|error| failed(&table.name, error))?;
    Ok(row.map(|row| table.key_of(&row)))
}

async fn read_chunk(
    table: &Table,
    source: &mut SqliteConnection,
    after: Option<&[Value]>,
) -> Result<Vec<Vec<Value>>, TransferError> {
    let key: Vec<&str> = table.key().map(|column| column.name.as_str()).collect();
    let key = key.join(", ");
    let beyond = after.map_or_else(String::new, |after| {
        let values: Vec<String> = (2..after.len() + 2).map(|number| format!("${number}")).collect();
        format!(" WHERE ({key}) > ({})", values.join(", "))
    });
    let statement = format!(
        "SELECT {} FROM {}{beyond} ORDER BY {key} LIMIT $1",
        table.column_list(),
        table.name
    );
    let mut query = sqlx::query(AssertSqlSafe(statement)).bind(ROWS_AT_ONCE);
    for value in after.unwrap_or_default() {
        query = rows::bind_sqlite(query, value);
    }
    let named = |error| failed(&table.name, error);
    let found = query.fetch_all(source).await.map_err(named)?;
    let read = found.iter().map(|row| rows::of_sqlite(&table.columns, row));
    read.collect::<Result<_, _>>().map_err(named)
}

async fn write_chunk(
    table: &Table,
    target: &mut PgConnection,
    chunk: &[Vec<Value>],
) -> Result<(), TransferError> {
    let named = |error| failed(&table.name, error);
    let mut transaction = target.begin().await.map_err(named)?;
    if let Some(time) = table.months() {
        let times = chunk.iter().filter_map(|row| match row[time] {
            Value::Int(at) => Some(at),
            _ => None,
        });
        // Days are few among many events, and looking a month up costs nothing.
        sqlx::query(
            "SELECT COUNT(make_activity_month(day * 86400000000))
             FROM (SELECT DISTINCT day_of(at) AS day FROM unnest($1) AS times (at)) AS days",
        )
        .bind(times.collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await
        .map_err(named)?;
    }
    let columns = Columns::of(&table.columns, chunk);
    let arrays: Vec<String> = (1..)
        .zip(&table.columns)
        .map(|(number, column)| format!("${number}::{}[]", column.kind.name()))
        .collect();
    let statement = format!(
        "INSERT INTO {} ({}) SELECT * FROM unnest({})",
        table.name,
        table.column_list(),
        arrays.join(", ")
    );
    columns
        .bind(sqlx::query(AssertSqlSafe(statement)))
        .execute(&mut *transaction)
        .await
        .map_err(named)?;
    transaction.commit().await.map_err(named)
}

async fn verify(
    table: &Table,
    source: &mut SqliteConnection,
    target: &mut PgConnection,
) -> Result<Moved, TransferError> {
    let named = |error| failed(&table.name, error);
    let statement = format!("SELECT {} FROM {}", table.column_list(), table.name);
    let mut theirs = Digest::default();
    let mut rows = sqlx::query(AssertSqlSafe(statement.clone())).fetch(source);
    while let Some(row) = rows.try_next().await.map_err(named)? {
        theirs.take(&rows::of_sqlite(&table.columns, &row).map_err(named)?);
    }
    let mut ours = Digest::default();
    let mut rows = sqlx::query(AssertSqlSafe(statement)).fetch(target);
    while let Some(row) = rows.try_next().await.map_err(named)? {
        ours.take(&rows::of_postgres(&table.columns, &row).map_err(named)?);
    }
    if theirs != ours {
        return Err(TransferError::Differs {
            table: table.name.clone(),
            source_rows: theirs.rows(),
            target_rows: ours.rows(),
        });
    }
    Ok(Moved {
        table: table.name.clone(),
        rows: ours.rows(),
        hash: ours.hash(),
    })
}

/// Makes the target an installation like any other.
async fn finish(tables: &[Table], target: &mut PgConnection) -> Result<(), TransferError> {
    let named = |error| failed("the end of the transfer", error);
    let mut transaction = target.begin().await.map_err(named)?;
    let mut statements = Vec::new();
    for table in tables {
        statements.push(format!("ALTER TABLE {} ENABLE TRIGGER USER", table.name));
        for column in table.columns.iter().filter(|column| column.counted) {
            // The next row gets the number after the greatest.
            let (name, column) = (&table.name, &column.name);
            statements.push(format!(
                "SELECT setval(pg_get_serial_sequence('{name}', '{column}'),
                    COALESCE((SELECT MAX({column}) FROM {name}), 0) + 1, false)"
            ));
        }
    }
    statements.push("SELECT make_tenant_views(tenant_id) FROM connection".to_owned());
    statements.push("UPDATE change_marker SET commits = commits + 1 WHERE slot = 0".to_owned());
    statements.push("DROP TABLE transfer_under_way".to_owned());
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await
            .map_err(named)?;
    }
    transaction.commit().await.map_err(named)?;
    sqlx::query("ANALYZE")
        .execute(target)
        .await
        .map(|_| ())
        .map_err(named)
}
