//! The stories that every store must pass, on a new database each, and what holds because many processes share one.

mod schema;

use store_postgres::{PostgresStore, testing::TestDatabase};

async fn open() -> Option<(PostgresStore, TestDatabase)> {
    let database = TestDatabase::migrated().await?;
    let store = PostgresStore::open(database.url()).await.expect("the database");
    Some((store, database))
}

store::contract_tests! {
    match open().await {
        Some(open) => open,
        None => return,
    }
}
