//! Log lines on stderr: for people, or JSON for machines. Nothing here prints a secret, because secrets have no way to
//! print themselves.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::{
    config::{LogFormat, Telemetry},
    error::CommandError,
};

/// A process that stays tells what it does; a command has its own words for that.
pub(crate) fn start(config: &Telemetry, stays: bool) -> Result<(), CommandError> {
    let usual = if stays { "info" } else { "warn" };
    let filter = config.log.as_deref().unwrap_or(usual);
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        CommandError::usage(
            format!("the log filter \"{filter}\" cannot be read: {error}"),
            "Give a level (info) or levels by module (sync=debug,info) in --log or TRIBUTARY_LOG.",
        )
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // A second start can only come from a test in the same process, and the first one's lines are as good.
    let _ = match config.log_format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
