//! Views for people who query the database directly, with readable times: each object over all tenants
//! (`all_community_user`), and of each tenant (`community_customer_en_user`).

use std::{collections::HashSet, fmt::Write as _};

use domain::{Object, TenantId};
use sqlx::{AssertSqlSafe, SqliteConnection};
use store::{Field, FieldKind, StoreError, fields};

use crate::{error::database, export};

/// Objects that have views, and what their names end with.
const OBJECTS: [(Object, &str); 6] = [
    (Object::Users, "user"),
    (Object::Content, "content"),
    (Object::Activity, "activity"),
    (Object::Trends, "trend"),
    (Object::Categories, "category"),
    (Object::IdeaStatuses, "idea_status"),
];

/// A view as the database keeps it: its name and its statement.
type Kept = (String, String);

/// Makes what is missing, and makes anew what an older version made. A change of the tables that the views stand in the
/// way of may drop those over all tenants: they come back here.
pub(crate) async fn refresh(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let kept = kept(connection).await?;
    for (object, suffix) in OBJECTS {
        let name = over_all(suffix);
        let statement = format!("CREATE VIEW {name} AS {}", select(object));
        if kept.contains(&(name.clone(), statement.clone())) {
            continue;
        }
        execute(connection, format!("DROP VIEW IF EXISTS {name}")).await?;
        execute(connection, statement).await?;
    }
    let of_tenants: HashSet<String> = sqlx::query_scalar(
        "SELECT substr(sql, instr(sql, ' WHERE ') + 1) FROM sqlite_schema WHERE type = 'view' AND name LIKE 'community_%'",
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .collect();
    let tenants: Vec<String> = sqlx::query_scalar("SELECT tenant_id FROM connection ORDER BY created_at, id")
        .fetch_all(&mut *connection)
        .await?;
    for tenant in tenants
        .iter()
        .filter(|tenant| !of_tenants.contains(&condition(tenant)))
    {
        make_of_tenant(connection, tenant).await?;
    }
    Ok(())
}

/// The views of a tenant that was just connected.
pub(crate) async fn add(connection: &mut SqliteConnection, tenant: &TenantId) -> Result<(), StoreError> {
    make_of_tenant(connection, tenant.as_str())
        .await
        .map_err(database)
}

async fn make_of_tenant(connection: &mut SqliteConnection, tenant: &str) -> Result<(), sqlx::Error> {
    let condition = condition(tenant);
    let middle = free_middle(connection, tenant).await?;
    for (_, suffix) in OBJECTS {
        let from = over_all(suffix);
        let statement =
            format!("CREATE VIEW community_{middle}_{suffix} AS SELECT * FROM {from} {condition}");
        execute(connection, statement).await?;
    }
    Ok(())
}

/// What the statement of a tenant's view ends with.
fn condition(tenant: &str) -> String {
    format!("WHERE tenant_id = '{}'", tenant.replace('\'', "''"))
}

/// The tenant id as part of a name that needs no quotes. Of two that would be the same, such as `a-b` and `a_b`, the
/// later gets a number.
async fn free_middle(connection: &mut SqliteConnection, tenant: &str) -> Result<String, sqlx::Error> {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let plain: String = tenant.chars().map(safe).collect();
    let mut middle = plain.clone();
    let mut number = 1;
    loop {
        let taken: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema WHERE name = $1")
            .bind(format!("community_{middle}_user"))
            .fetch_one(&mut *connection)
            .await?;
        if taken == 0 {
            return Ok(middle);
        }
        number += 1;
        middle = format!("{plain}_{number}");
    }
}

async fn kept(connection: &mut SqliteConnection) -> Result<Vec<Kept>, sqlx::Error> {
    sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'view' AND name LIKE 'all_community_%'")
        .fetch_all(connection)
        .await
}

async fn execute(connection: &mut SqliteConnection, statement: String) -> Result<(), sqlx::Error> {
    // Its text is made of fixed names, and of a tenant id reduced to letters, digits and underscores.
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

fn over_all(suffix: &str) -> String {
    format!("all_community_{suffix}")
}

fn select(object: Object) -> String {
    let source = export::source(object);
    let mut sql = "SELECT ".to_owned();
    for (index, field) in fields(object).iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}{} AS {}", readable(object, *field), field.name);
    }
    let _ = write!(
        sql,
        " FROM {} AS object{} JOIN connection ON connection.id = {}",
        source.table, source.join, source.connection
    );
    sql
}

fn readable(object: Object, field: Field) -> String {
    let column = export::column(object, field);
    match field.kind {
        FieldKind::Time => format!("strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000000, 'unixepoch')"),
        FieldKind::Day => format!("date({column} * 86400, 'unixepoch')"),
        _ => column,
    }
}
