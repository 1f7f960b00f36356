//! What programs show.

use domain::{AccountId, ApiToken, Scope, TokenId};
use store::StoreError;

use crate::Columns;

pub fn read(row: &impl Columns) -> Result<ApiToken, StoreError> {
    // A scope that a later version knows is good for nothing here.
    let scopes: Vec<String> = row.json("scopes")?;
    let mut scopes: Vec<Scope> = scopes.iter().filter_map(|name| Scope::parse(name)).collect();
    scopes.sort_unstable();
    Ok(ApiToken {
        id: TokenId(row.uuid("id")?),
        name: row.text("name")?,
        scopes,
        made_by: row.optional_uuid("made_by")?.map(AccountId),
        suspended: row.flag("suspended")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        last_used_at: row.optional_time("last_used_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}
