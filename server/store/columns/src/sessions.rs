//! Who has logged in, and who tried.

use domain::{AccountId, SessionId};
use store::{Session, StoreError, Tries};

use crate::{Columns, corrupt};

pub fn session(row: &impl Columns) -> Result<Session, StoreError> {
    Ok(Session {
        id: SessionId(row.uuid("session_id")?),
        account: AccountId(row.uuid("account_id")?),
        began_at: row.time("began_at")?,
        confirmed_at: row.time("confirmed_at")?,
        last_seen_at: row.time("last_seen_at")?,
        address: row.text("address")?,
        browser: row.text("browser")?,
        signed_on: row.optional_text("signed_on")?,
    })
}

pub fn tries(row: &impl Columns) -> Result<Tries, StoreError> {
    let tries = row.unsigned("tries")?;
    Ok(Tries {
        tries: u32::try_from(tries).map_err(|_| corrupt("tries", "too many"))?,
        last_at: row.time("last_at")?,
        blocked_until: row.time("blocked_until")?,
    })
}
