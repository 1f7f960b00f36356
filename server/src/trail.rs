//! The audit trail, checked entry by entry, and the columns of its exports.

use store::{AuditEntry, BrokenChain, Cell, Chain, Field, FieldKind, Store, StoreError};

/// Entries in memory at once.
const ENTRIES_AT_ONCE: u32 = 1_000;

/// Why the trail could not be found whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrailError {
    #[error(transparent)]
    Broken(#[from] BrokenChain),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks every entry that is kept, and shows each to the one who asks.
pub(crate) async fn verify(
    store: &dyn Store,
    mut seen: impl FnMut(&AuditEntry) + Send,
) -> Result<Chain, TrailError> {
    let mut from = store.audit_chain().await?;
    loop {
        match go_on(store, from.clone(), &mut seen).await {
            Err(TrailError::Broken(broken)) => {
                // Old entries may have gone while the others were read.
                let now = store.audit_chain().await?;
                if now == from {
                    return Err(broken.into());
                }
                from = now;
            }
            checked => return checked,
        }
    }
}

/// Checks the entries after those that the chain has checked.
async fn go_on(
    store: &dyn Store,
    mut chain: Chain,
    seen: &mut (impl FnMut(&AuditEntry) + Send),
) -> Result<Chain, TrailError> {
    loop {
        let entries = store.audit_after(chain.last(), ENTRIES_AT_ONCE).await?;
        if entries.is_empty() {
            chain.end()?;
            return Ok(chain);
        }
        for entry in &entries {
            chain.check(entry)?;
            seen(entry);
        }
    }
}

/// Columns of an export, by the names that others rely on.
pub(crate) const FIELDS: &[Field] = &[
    field("number", FieldKind::Int),
    field("at", FieldKind::Time),
    field("actor", FieldKind::Text),
    field("account_id", FieldKind::Id),
    field("token_id", FieldKind::Id),
    field("origin", FieldKind::Text),
    field("deed", FieldKind::Text),
    field("target", FieldKind::Text),
    field("hash", FieldKind::Text),
];

const fn field(name: &'static str, kind: FieldKind) -> Field {
    Field { name, kind }
}

/// In the order of [`FIELDS`].
pub(crate) fn cells(entry: AuditEntry) -> Vec<Cell> {
    let text = |text: Option<String>| text.map_or(Cell::Missing, Cell::Text);
    vec![
        // A trail of more entries than that would not fit a database either.
        Cell::Int(i64::try_from(entry.number).unwrap_or(i64::MAX)),
        Cell::Time(entry.at),
        Cell::Text(entry.actor),
        text(entry.account_id.map(|id| id.to_string())),
        text(entry.token_id.map(|id| id.to_string())),
        text(entry.origin),
        Cell::Text(entry.deed),
        text(entry.target),
        Cell::Text(entry.hash),
    ]
}
