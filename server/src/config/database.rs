use std::{
    fmt,
    path::{Path, PathBuf},
};

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use store_postgres::{CONNECTIONS, CONNECTIONS_MIN};
use url::Url;

use crate::error::CommandError;

const EXAMPLE: &str = "sqlite://data/tributary.db";
const POSTGRES_EXAMPLE: &str = "postgres://tributary@db.example/tributary?sslmode=verify-full";

#[derive(Clone, Debug, Args)]
pub(crate) struct Database {
    #[arg(
        long,
        global = true,
        help = "Where the data is kept, such as sqlite://data/tributary.db, sqlite:///var/lib/tributary.db or postgres://user@host/database",
        help_heading = super::COMMON,
        value_name = "URL",
        env = "TRIBUTARY_DATABASE_URL",
        hide_env_values = true,
        default_value = EXAMPLE
    )]
    pub(crate) database_url: String,
    /// Connections to PostgreSQL that this process holds at most
    #[arg(
        long,
        global = true,
        help_heading = super::COMMON,
        value_name = "N",
        env = "TRIBUTARY_DATABASE_CONNECTIONS",
        default_value_t = CONNECTIONS,
        value_parser = clap::value_parser!(u32).range(i64::from(CONNECTIONS_MIN)..)
    )]
    pub(crate) database_connections: u32,
}

/// A database that this build can open.
#[derive(Clone, Debug)]
pub(crate) enum DatabaseUrl {
    Sqlite(PathBuf),
    /// The whole URL, which may hold a password.
    Postgres(SecretString),
}

impl Database {
    /// Read late, so that commands without a database do not care.
    pub(crate) fn url(&self) -> Result<DatabaseUrl, CommandError> {
        DatabaseUrl::parse(&self.database_url)
    }
}

impl DatabaseUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, CommandError> {
        let next = format!(
            "Give one such as --database-url {EXAMPLE} or {POSTGRES_EXAMPLE} (or TRIBUTARY_DATABASE_URL)."
        );
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            // The URL may hold a password, so it is not repeated.
            return match Url::parse(text) {
                Ok(url) if url.path().len() > 1 => Ok(Self::Postgres(SecretString::from(text))),
                _ => Err(CommandError::usage(
                    "the database URL of PostgreSQL does not name a database",
                    next,
                )),
            };
        }
        let Some(path) = text.strip_prefix("sqlite:") else {
            return Err(CommandError::usage(
                "the database URL begins neither with sqlite:// nor with postgres://",
                next,
            ));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.ends_with('/') || path.contains(['?', '#']) {
            return Err(CommandError::usage(
                format!("the database URL \"{text}\" does not name a file"),
                next,
            ));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    /// The file of the embedded database.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

/// Without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => match Url::parse(url.expose_secret()) {
                Ok(url) => write!(
                    f,
                    "{} on {}",
                    url.path().trim_start_matches('/'),
                    url.host_str().unwrap_or("this machine")
                ),
                Err(_) => write!(f, "PostgreSQL"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    #[test]
    fn files_are_named_relative_or_absolute() {
        for (url, path) in [
            (EXAMPLE, "data/tributary.db"),
            ("sqlite:///var/lib/t.db", "/var/lib/t.db"),
            ("sqlite:t.db", "t.db"),
        ] {
            let parsed = DatabaseUrl::parse(url).expect(url);
            assert_eq!(parsed.file(), Some(Path::new(path)));
        }
    }

    #[test]
    fn a_database_on_a_server_is_shown_without_its_password() {
        for url in [
            "postgres://u:hunter2@db.example:5433/t?sslmode=require",
            "postgresql://u:hunter2@db.example/t",
        ] {
            let parsed = DatabaseUrl::parse(url).expect(url);
            assert_eq!(parsed.to_string(), "t on db.example");
            assert!(!format!("{parsed:?}").contains("hunter2"));
            assert_eq!(parsed.file(), None);
        }
    }

    #[test]
    fn what_cannot_be_opened_is_a_usage_error_without_the_password() {
        for url in [
            "postgres://u:hunter2@db",
            "postgres://u:hunter2@db:port/t",
            "mysql://u:hunter2@db",
            "",
            "sqlite://",
            "sqlite://x/",
            "data/t.db",
        ] {
            let error = DatabaseUrl::parse(url).expect_err(url);
            assert_eq!(error.exit, Exit::Usage);
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
