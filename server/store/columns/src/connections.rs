//! Who is synced.

use domain::{ActivitySource, Connection};
use store::{SealedSecret, StoreError, TenantAccess};

use crate::{Columns, corrupt};

pub fn read(row: &impl Columns) -> Result<Connection, StoreError> {
    Ok(Connection {
        id: row.connection_id("id")?,
        tenant_id: row.word("tenant_id", |text| text.parse().ok())?,
        name: row.text("name")?,
        base_url: row
            .text("base_url")?
            .parse()
            .map_err(|error| corrupt("base_url", &format!("{error}")))?,
        client_id: row.text("client_id")?,
        deactivated_at: row.optional_time("deactivated_at")?,
        activity_source: row.optional_word("activity_source", ActivitySource::parse)?,
        created_at: row.time("created_at")?,
    })
}

pub fn read_access(row: &impl Columns) -> Result<TenantAccess, StoreError> {
    Ok(TenantAccess {
        connection: read(row)?,
        sealed_secret: row.text("sealed_secret")?,
        mapping: row.json("profile_mapping")?,
    })
}

pub fn read_secret(row: &impl Columns) -> Result<SealedSecret, StoreError> {
    Ok(SealedSecret {
        connection_id: row.connection_id("id")?,
        tenant_id: row.word("tenant_id", |text| text.parse().ok())?,
        sealed: row.text("sealed_secret")?,
    })
}
