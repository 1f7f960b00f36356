/// The database failed or refused. "Not found" is `None`, never an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened or reached; the message names it.
    #[error("{0}")]
    Unavailable(String),
    /// The ledger's CHECK refused a page or the end of a run: records would have been lost or doubled.
    #[error("the ledger does not balance: {0}")]
    LedgerUnbalanced(String),
    /// What is stored cannot be read as what it should be.
    #[error("stored data is unreadable: {0}")]
    Corrupt(String),
    /// The database went away in the middle, as it does when its server restarts. Whether a write that was under way is
    /// committed is not known: whoever goes on reads first what there is.
    #[error("the connection to the database was lost: {0}")]
    ConnectionLost(String),
    #[error("the database refused: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a write under a lease was refused.
#[derive(Debug, thiserror::Error)]
pub enum Fenced {
    /// Another worker holds the run, or it is over: nothing was written.
    #[error("the lease on the run is lost: another worker holds it, or it is over")]
    LeaseLost,
    #[error(transparent)]
    Store(#[from] StoreError),
}
