//! Log lines on stderr: for people, or JSON for machines. Nothing here prints a secret, because secrets have no way to
//! print themselves.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::{
    config::{LogFormat, Telemetry},
    error::CommandError,
};

pub(crate) fn start(config: &Telemetry) -> Result<(), CommandError> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| {
        CommandError::usage(
            format!("the log filter \"{}\" cannot be read: {error}", config.log),
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
