//! What is stored, to be read anew without the API.

use store::{ProfileFieldCount, SetAside, Standing, StoreError, StoredMapping, StoredMember};

use crate::{Columns, records::read_user, runs::read_invalid};

pub fn read_mapping(row: &impl Columns) -> Result<StoredMapping, StoreError> {
    Ok(StoredMapping {
        mapping: row.json("profile_mapping")?,
        version: row.int("mapping_version")?,
    })
}

pub fn read_profile_field(row: &impl Columns) -> Result<ProfileFieldCount, StoreError> {
    Ok(ProfileFieldCount {
        name: row.text("name")?,
        members: row.unsigned("members")?,
    })
}

pub fn read_member(row: &impl Columns) -> Result<StoredMember, StoreError> {
    Ok(StoredMember {
        user: read_user(row)?,
        hash: row.content_hash("content_hash")?,
    })
}

pub fn read_set_aside(row: &impl Columns) -> Result<SetAside, StoreError> {
    Ok(SetAside {
        id: row.int("id")?,
        record: read_invalid(row)?,
    })
}

/// How a record stands that is to be replaced, by its key.
pub fn read_standing(row: &impl Columns) -> Result<(String, Standing), StoreError> {
    let stands = Standing {
        hash: row.content_hash("content_hash")?,
        deleted: row.optional_time("deleted_at")?.is_some(),
        newer: row.flag("newer")?,
    };
    Ok((row.text("record_key")?, stands))
}
