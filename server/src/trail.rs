//! The audit trail, checked entry by entry.

use store::{AuditEntry, BrokenChain, Chain, Store, StoreError};

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
