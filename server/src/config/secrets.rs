use std::{fs, path::PathBuf};

use clap::Args;
use secrecy::SecretString;

use crate::{config::DatabaseUrl, error::CommandError};

/// The key file's name beside the embedded database.
const KEY_FILE_NAME: &str = "secret.key";
const SECRET_VARIABLE: &str = "TRIBUTARY_CLIENT_SECRET";
const SECRET_FILE_VARIABLE: &str = "TRIBUTARY_CLIENT_SECRET_FILE";

#[derive(Clone, Debug, Args)]
pub(crate) struct KeyFile {
    /// Key that seals client secrets; made on first use [default: secret.key beside the database file; on PostgreSQL it must be named]
    #[arg(long, global = true, help_heading = super::COMMON, value_name = "FILE", env = "TRIBUTARY_SECRET_KEY_FILE")]
    secret_key_file: Option<PathBuf>,
}

impl KeyFile {
    /// A database on a server has no folder beside it, and all processes need the same key: there it must be named.
    pub(crate) fn path(&self, database: &DatabaseUrl) -> Result<PathBuf, CommandError> {
        if let Some(path) = &self.secret_key_file {
            return Ok(path.clone());
        }
        let file = database.file().ok_or_else(|| {
            CommandError::usage(
                "the database is on PostgreSQL, and no key file is named",
                "Name the file with the key that seals client secrets with --secret-key-file (or TRIBUTARY_SECRET_KEY_FILE), \
                 the same for all processes. It is made on first use.",
            )
        })?;
        Ok(file.with_file_name(KEY_FILE_NAME))
    }
}

/// A client secret that is given now: from a file or the environment, never from an argument.
#[derive(Clone, Debug, Args)]
pub(crate) struct NewSecret {
    /// File that holds the client secret; without it, the variable `TRIBUTARY_CLIENT_SECRET` is read
    #[arg(long, value_name = "FILE", env = SECRET_FILE_VARIABLE)]
    client_secret_file: Option<PathBuf>,
}

impl NewSecret {
    pub(crate) fn read(&self) -> Result<SecretString, CommandError> {
        let next = format!(
            "Write the secret alone into a file and name it with --client-secret-file, or set {SECRET_VARIABLE}."
        );
        let (text, place) = if let Some(path) = &self.client_secret_file {
            let text = fs::read_to_string(path).map_err(|error| {
                CommandError::usage(
                    format!(
                        "the client secret file {} cannot be read: {error}",
                        path.display()
                    ),
                    next.clone(),
                )
            })?;
            (text, format!("the client secret file {}", path.display()))
        } else {
            let text = secret_from_environment()
                .ok_or_else(|| CommandError::usage("no client secret is given", next.clone()))?;
            (text, SECRET_VARIABLE.to_owned())
        };
        // An editor ends the file with a line break, which is no part of the secret.
        let secret = text.trim();
        if secret.is_empty() || secret.contains(char::is_control) {
            return Err(CommandError::usage(
                format!("{place} does not hold one line with a secret"),
                next,
            ));
        }
        Ok(SecretString::from(secret))
    }
}

/// A password that is given now, from a file: without one, people choose it themselves.
#[derive(Clone, Debug, Args)]
pub(crate) struct NewPassword {
    /// File that holds the password; without it, a one-time link is made with which they choose one
    #[arg(long, value_name = "FILE", env = "TRIBUTARY_PASSWORD_FILE")]
    password_file: Option<PathBuf>,
}

impl NewPassword {
    pub(crate) fn read(&self) -> Result<Option<SecretString>, CommandError> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let text = fs::read_to_string(path).map_err(|error| {
            CommandError::usage(
                format!("the password file {} cannot be read: {error}", path.display()),
                "Write the password alone into a file that only you can read, and name it with --password-file.",
            )
        })?;
        // An editor ends the file with a line break, which is no part of it.
        Ok(Some(SecretString::from(text.trim_end_matches(['\n', '\r']))))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "clap would make this an argument too, and arguments are seen by every user of the machine"
)]
fn secret_from_environment() -> Option<String> {
    std::env::var(SECRET_VARIABLE)
        .ok()
        .filter(|text| !text.is_empty())
}
