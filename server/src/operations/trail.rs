//! The audit trail, checked entry by entry, and the columns of its exports.

use store::{AuditEntry, BrokenChain, Cell, Chain, Field, FieldKind, Store, StoreError};
use tokio::sync::Mutex;

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
    Field::new("number", FieldKind::Int),
    Field::new("at", FieldKind::Time),
    Field::new("actor", FieldKind::Text),
    Field::new("account_id", FieldKind::Id),
    Field::new("token_id", FieldKind::Id),
    Field::new("origin", FieldKind::Text),
    Field::new("deed", FieldKind::Text),
    Field::new("target", FieldKind::Text),
    Field::new("hash", FieldKind::Text),
];

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

/// Looks at the trail again and again, and reads only what it has not seen yet.
#[derive(Debug, Default)]
pub(crate) struct TrailWatch(Mutex<Option<Chain>>);

impl TrailWatch {
    /// The chain up to the latest entry. What this process has once seen must still be at the end of what it goes on from.
    pub(crate) async fn look(&self, store: &dyn Store) -> Result<Chain, TrailError> {
        let mut kept = self.0.lock().await;
        let gone = store.audit_chain().await?.last();
        let chain = match kept.as_ref() {
            Some(seen) if seen.last() > gone => {
                still_there(store, seen).await?;
                go_on(store, seen.clone(), &mut |_: &AuditEntry| {}).await?
            }
            // The first look, or all that was seen is old and has gone.
            _ => verify(store, |_| {}).await?,
        };
        *kept = Some(chain.clone());
        Ok(chain)
    }
}

async fn still_there(store: &dyn Store, seen: &Chain) -> Result<(), TrailError> {
    let last = seen.last();
    match store.audit_after(last - 1, 1).await?.first() {
        Some(entry) if entry.number == last && entry.hash == seen.head() => Ok(()),
        Some(entry) if entry.number == last => Err(BrokenChain::Changed(last).into()),
        _ => Err(BrokenChain::Missing(last).into()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use rusqlite::Connection;
    use store::{AuditStore as _, By, Deed};
    use store_sqlite::SqliteStore;

    use super::*;

    async fn note(store: &SqliteStore, entries: u32) {
        for _ in 0..entries {
            let by = By::operator(DateTime::UNIX_EPOCH);
            store.note(Deed::LoggedIn, None, &by).await.expect("noted");
        }
    }

    #[tokio::test]
    async fn a_watch_reads_on_and_misses_what_it_has_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.db");
        let store = SqliteStore::open(&path).await.expect("a store");
        let watch = TrailWatch::default();
        assert_eq!(watch.look(&store).await.expect("a chain").last(), 0);
        for expected in [3, 6] {
            note(&store, 3).await;
            let chain = watch.look(&store).await.expect("a chain");
            assert_eq!((chain.last(), chain.checked()), (expected, expected));
        }
        let database = Connection::open(&path).expect("the database");
        let tampered = "DROP TRIGGER audit_entry_is_kept; DELETE FROM audit_entry WHERE number = 6";
        database.execute_batch(tampered).expect("a change");
        assert!(
            verify(&store, |_| {}).await.is_ok(),
            "nothing tells of it but the watch"
        );
        let seen = watch.look(&store).await;
        assert!(
            matches!(seen, Err(TrailError::Broken(BrokenChain::Missing(6)))),
            "{seen:?}"
        );
        let another = By::operator(DateTime::UNIX_EPOCH + TimeDelta::days(1));
        store.note(Deed::LoggedIn, None, &another).await.expect("noted");
        let seen = watch.look(&store).await;
        assert!(
            matches!(seen, Err(TrailError::Broken(BrokenChain::Changed(6)))),
            "another one is in its place: {seen:?}"
        );
    }

    #[tokio::test]
    async fn a_watch_goes_on_after_all_that_it_has_seen_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(&folder.path().join("t.db"))
            .await
            .expect("a store");
        let watch = TrailWatch::default();
        note(&store, 3).await;
        watch.look(&store).await.expect("a chain");
        let later = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let gone = store.cut_audit(later, 100, &By::operator(later)).await;
        assert_eq!(gone.expect("a cut"), 3);
        let chain = watch.look(&store).await.expect("a chain");
        assert_eq!((chain.cut(), chain.checked()), (3, 1));
    }
}
