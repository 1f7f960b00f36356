//! Views for people who query the database directly, with readable times: each object over all tenants
//! (`all_community_user`), and of each tenant (`community_customer_en_user`).

use std::fmt::Write as _;

use domain::{Object, TenantId};
use sqlx::{AssertSqlSafe, PgConnection};
use store::{Field, FieldKind, StoreError, fields};

use crate::{error::database, export};

/// Objects that have views, and what their names end with; the migration that makes `make_tenant_views` has the same.
const OBJECTS: [(Object, &str); 6] = [
    (Object::Users, "user"),
    (Object::Content, "content"),
    (Object::Activity, "activity"),
    (Object::Trends, "trend"),
    (Object::Categories, "category"),
    (Object::IdeaStatuses, "idea_status"),
];

/// Makes what is missing, and makes anew what an older version made: the comment of a view over all tenants holds the
/// statement that made it. A tenant's views go and come back with those.
pub(crate) async fn refresh(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for (object, suffix) in OBJECTS {
        let name = format!("all_community_{suffix}");
        let statement = select(object);
        let kept: Option<String> = sqlx::query_scalar("SELECT obj_description(to_regclass($1), 'pg_class')")
            .bind(&name)
            .fetch_one(&mut *connection)
            .await?;
        if kept.as_ref() == Some(&statement) {
            continue;
        }
        let comment = statement.replace('\'', "''");
        // Its text is made of fixed names.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "BEGIN; DROP VIEW IF EXISTS {name} CASCADE; CREATE VIEW {name} AS {statement};
             COMMENT ON VIEW {name} IS '{comment}'; COMMIT"
        )))
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query("SELECT make_tenant_views(tenant_id) FROM (SELECT tenant_id FROM connection ORDER BY created_at, id) AS every")
        .execute(connection)
        .await
        .map(|_| ())
}

/// The views of a tenant that was just connected. A function of the tables' owner makes them, since whoever connects
/// tenants need not be allowed to make anything else.
pub(crate) async fn add(connection: &mut PgConnection, tenant: &TenantId) -> Result<(), StoreError> {
    sqlx::query("SELECT make_tenant_views($1)")
        .bind(tenant.as_str())
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(database)
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
        FieldKind::Time => format!("timestamptz 'epoch' + {column} * interval '1 microsecond'"),
        FieldKind::Day => format!("date '1970-01-01' + {column}::integer"),
        FieldKind::List | FieldKind::Map => format!("{column}::jsonb"),
        FieldKind::Text if column == "NULL" => "NULL::text".to_owned(),
        _ => column,
    }
}
