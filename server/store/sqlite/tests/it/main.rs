//! The stories that every store must pass, on a new file each, and what holds because the store is a file.

mod file;
mod objects;
mod persons;

use store_sqlite::SqliteStore;
use tempfile::TempDir;

async fn open() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("tributary.db"))
        .await
        .expect("a new database");
    (store, folder)
}

store::contract_tests!(open().await);
