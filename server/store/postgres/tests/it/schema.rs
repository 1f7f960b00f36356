//! Both engines keep the same: migrations by number and name, tables, columns and their constraints.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Connection as _, PgConnection, SqliteConnection};
use store_postgres::testing::TestDatabase;
use store_sqlite::SqliteStore;

/// From here on migrations are this engine's own.
const OWN_FROM: i64 = 30;

/// What only this engine has: tables of its own migrations, and parts of a table that is cut by month.
fn is_own(table: &str) -> bool {
    ["change_marker", "schema_floor", "_sqlx_migrations"].contains(&table)
        || table.starts_with("community_activity_")
}

/// By table and column, whether it may be missing.
type Columns = BTreeMap<(String, String), bool>;

#[derive(Debug, PartialEq, Eq)]
struct Schema {
    migrations: BTreeMap<i64, String>,
    columns: Columns,
    /// By table, how many CHECKs there are, those that say of a number that it is true or false left out.
    checks: BTreeMap<String, usize>,
    named_constraints: BTreeSet<String>,
}

async fn of_postgres(url: &str) -> Schema {
    let mut database = PgConnection::connect(url).await.expect("the database");
    let migrations: Vec<(i64, String)> = sqlx::query_as("SELECT version, description FROM _sqlx_migrations")
        .fetch_all(&mut database)
        .await
        .expect("migrations");
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, is_nullable = 'YES' FROM information_schema.columns
         JOIN information_schema.tables USING (table_schema, table_name)
         WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'",
    )
    .fetch_all(&mut database)
    .await
    .expect("columns");
    let constraints: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT conrelid::regclass::text, conname::text, contype = 'c' FROM pg_constraint
         WHERE connamespace = current_schema()::regnamespace",
    )
    .fetch_all(&mut database)
    .await
    .expect("constraints");
    let mut checks = BTreeMap::new();
    for (table, _, _) in constraints
        .iter()
        .filter(|(table, _, check)| *check && !is_own(table))
    {
        *checks.entry(table.clone()).or_default() += 1;
    }
    Schema {
        migrations: migrations
            .into_iter()
            .filter(|(version, _)| *version < OWN_FROM)
            .collect(),
        columns: columns
            .into_iter()
            .filter(|(table, ..)| !is_own(table))
            .map(|(table, column, nullable)| ((table, column), nullable))
            .collect(),
        checks,
        named_constraints: constraints.into_iter().map(|(_, name, _)| name).collect(),
    }
}

async fn of_sqlite(path: &std::path::Path) -> Schema {
    SqliteStore::open(path).await.expect("a database").close().await;
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .expect("the file");
    let migrations: Vec<(i64, String)> = sqlx::query_as("SELECT version, description FROM _sqlx_migrations")
        .fetch_all(&mut database)
        .await
        .expect("migrations");
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT sqlite_schema.name, field.name, field.\"notnull\" = 0 AND field.pk = 0
         FROM sqlite_schema JOIN pragma_table_info(sqlite_schema.name) AS field
         WHERE sqlite_schema.type = 'table' AND sqlite_schema.name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(&mut database)
    .await
    .expect("columns");
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(&mut database)
    .await
    .expect("tables");
    let mut checks = BTreeMap::new();
    let mut named_constraints = BTreeSet::new();
    for (table, sql) in tables.iter().filter(|(table, _)| !is_own(table)) {
        let of_table = sql.matches("CHECK (").count() - sql.matches("IN (0, 1))").count();
        if of_table > 0 {
            checks.insert(table.clone(), of_table);
        }
        let named = sql.split("CONSTRAINT ").skip(1);
        named_constraints.extend(
            named
                .filter_map(|rest| rest.split_whitespace().next())
                .map(str::to_owned),
        );
    }
    Schema {
        migrations: migrations.into_iter().collect(),
        columns: columns
            .into_iter()
            .filter(|(table, ..)| !is_own(table))
            .map(|(table, column, nullable)| ((table, column), nullable))
            .collect(),
        checks,
        named_constraints,
    }
}

#[tokio::test]
async fn both_engines_have_the_same_schema() {
    let Some(database) = TestDatabase::migrated().await else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let ours = of_postgres(database.url()).await;
    let theirs = of_sqlite(&folder.path().join("tributary.db")).await;
    assert!(
        theirs.columns.len() > 100 && theirs.checks.len() > 5,
        "{theirs:?}"
    );
    assert_eq!(ours.migrations, theirs.migrations);
    assert_eq!(ours.columns, theirs.columns);
    assert_eq!(ours.checks, theirs.checks);
    let missing: Vec<_> = theirs
        .named_constraints
        .difference(&ours.named_constraints)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
