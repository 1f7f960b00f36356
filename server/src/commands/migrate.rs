use std::process::ExitCode;

use serde::Serialize;

use crate::{error::CommandError, output::Output};

#[derive(Serialize)]
struct Migrated {
    version: &'static str,
}

/// Opening migrates; this command only says so.
pub(crate) fn run(output: Output) -> Result<ExitCode, CommandError> {
    let migrated = Migrated {
        version: env!("CARGO_PKG_VERSION"),
    };
    output.data(&migrated, |migrated| {
        format!("The database is ready for Tributary {}.", migrated.version)
    })?;
    Ok(ExitCode::SUCCESS)
}
