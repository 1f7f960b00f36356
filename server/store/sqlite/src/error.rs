use sqlx::error::ErrorKind;
use store::StoreError;

/// A failed statement, as the ports know it.
pub(crate) fn database(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolClosed => {
            StoreError::Unavailable("The database is closed: this process shuts down.".to_owned())
        }
        error => StoreError::Database(Box::new(error)),
    }
}

/// The same where a CHECK guards the ledger.
pub(crate) fn ledger(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(refused) if refused.kind() == ErrorKind::CheckViolation => {
            StoreError::LedgerUnbalanced(refused.message().to_owned())
        }
        _ => database(error),
    }
}
