use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::CommandError;

const EXAMPLE: &str = "sqlite://data/tributary.db";

#[derive(Clone, Debug, Args)]
pub(crate) struct Database {
    #[arg(
        long,
        global = true,
        help = "Where the data is kept, such as sqlite://data/tributary.db or sqlite:///var/lib/tributary.db",
        help_heading = super::COMMON,
        value_name = "URL",
        env = "TRIBUTARY_DATABASE_URL",
        hide_env_values = true,
        default_value = EXAMPLE
    )]
    pub(crate) database_url: String,
}

/// A database that this build can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    Sqlite(PathBuf),
}

impl Database {
    /// Read late, so that commands without a database do not care.
    pub(crate) fn url(&self) -> Result<DatabaseUrl, CommandError> {
        DatabaseUrl::parse(&self.database_url)
    }
}

impl DatabaseUrl {
    fn parse(text: &str) -> Result<Self, CommandError> {
        let next = format!("Give one such as --database-url {EXAMPLE} (or TRIBUTARY_DATABASE_URL).");
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            // The URL may hold a password, so it is not repeated.
            return Err(CommandError::usage(
                "the database URL names PostgreSQL, but this build has no PostgreSQL store yet",
                next,
            ));
        }
        let Some(path) = text.strip_prefix("sqlite:") else {
            return Err(CommandError::usage(
                "the database URL does not begin with sqlite://",
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

    pub(crate) fn path(&self) -> &Path {
        let Self::Sqlite(path) = self;
        path
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
            assert_eq!(DatabaseUrl::parse(url), Ok(DatabaseUrl::Sqlite(path.into())));
        }
    }

    #[test]
    fn what_cannot_be_opened_is_a_usage_error_without_the_password() {
        for url in [
            "postgres://u:hunter2@db/t",
            "postgresql://u:hunter2@db/t",
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
        let error = DatabaseUrl::parse("postgres://db/t").expect_err("not yet");
        assert!(error.to_string().contains("no PostgreSQL store yet"));
    }
}
