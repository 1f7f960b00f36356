-- Secrets of the installation itself, sealed by its key; never in clear.
CREATE TABLE installation_secret (
    name text COLLATE "C" PRIMARY KEY,
    sealed text NOT NULL
);
