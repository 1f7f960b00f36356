use sqlx::error::ErrorKind;
use store::StoreError;

/// `character_not_in_repertoire`, and the same of JSON: from PostgreSQL's documentation ("Error Codes").
const NOT_A_CHARACTER: [&str; 2] = ["22021", "22P05"];

/// A failed statement, as the ports know it.
pub(crate) fn database(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::PoolClosed => {
            StoreError::Unavailable("The database is closed: this process shuts down.".to_owned())
        }
        sqlx::Error::Database(refused)
            if refused
                .code()
                .is_some_and(|code| NOT_A_CHARACTER.contains(&code.as_ref())) =>
        {
            StoreError::Corrupt(format!(
                "a text holds a character that PostgreSQL cannot keep, such as NUL ({})",
                refused.message()
            ))
        }
        _ => StoreError::Database(Box::new(error)),
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
