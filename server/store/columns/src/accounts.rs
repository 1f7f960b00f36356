//! Who may log in.

use domain::{Account, AccountId, Role};
use store::{Credentials, StoreError};

use crate::Columns;

pub fn read(row: &impl Columns) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId(row.uuid("id")?),
        email: row.text("email")?,
        role: row.word("role", Role::parse)?,
        set_up: row.optional_text("password_hash")?.is_some(),
        signs_on: row.optional_text("issuer")?.is_some(),
        disabled_at: row.optional_time("disabled_at")?,
        created_at: row.time("created_at")?,
    })
}

pub fn read_credentials(row: &impl Columns) -> Result<Credentials, StoreError> {
    Ok(Credentials {
        account: read(row)?,
        password_hash: row.optional_text("password_hash")?,
    })
}
