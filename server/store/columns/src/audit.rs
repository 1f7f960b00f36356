//! Who did what to what.

use domain::{AccountId, TokenId};
use store::{AuditEntry, StoreError};

use crate::Columns;

pub fn read(row: &impl Columns) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        number: row.unsigned("number")?,
        at: row.time("at")?,
        actor: row.text("actor")?,
        account_id: row.optional_uuid("account_id")?.map(AccountId),
        token_id: row.optional_uuid("token_id")?.map(TokenId),
        origin: row.optional_text("origin")?,
        deed: row.text("deed")?,
        target: row.optional_text("target")?,
        hash: row.text("hash")?,
    })
}
