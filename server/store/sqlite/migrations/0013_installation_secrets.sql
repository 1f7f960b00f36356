-- Secrets of the installation itself, sealed by its key; never in clear.
CREATE TABLE installation_secret (
    name TEXT PRIMARY KEY,
    sealed TEXT NOT NULL
) STRICT, WITHOUT ROWID;
