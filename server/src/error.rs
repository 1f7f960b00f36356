//! What a command ends with when it cannot be done: what happened and where, what to do next, and the exit code.

use std::{fmt, process::ExitCode};

use store::StoreError;

/// Exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The work was tried and failed, or was refused as things stand.
    Failed = 1,
    /// The command, its options or what they name cannot be used: nothing was tried.
    Usage = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandError {
    pub(crate) exit: Exit,
    what: String,
    next: String,
}

impl CommandError {
    pub(crate) fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            what: what.into(),
            next: next.into(),
        }
    }

    pub(crate) fn failed(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            what: what.into(),
            next: next.into(),
        }
    }

    pub(crate) fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\nnext:  {}", self.what, self.next)
    }
}

impl std::error::Error for CommandError {}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::failed(
            with_sources(&error),
            "Check the database (tributary doctor), then run the command again. Nothing was half done.",
        )
    }
}

/// The message with those of its sources, which carry the file or the statement.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}
