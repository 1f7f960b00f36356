use std::process::ExitCode;

use serde::Serialize;

use crate::{cli::Cli, error::CommandError, installation::Opened, lifecycle::CLOSE_DEADLINE, output::Output};

#[derive(Serialize)]
struct Migrated {
    version: &'static str,
}

/// On PostgreSQL this is the one command that changes tables. An embedded database is brought up to date by being opened.
pub(crate) async fn run(cli: &Cli, output: Output) -> Result<ExitCode, CommandError> {
    let url = cli.database.url()?;
    Opened::migrate(&url).await?;
    let opened = Opened::open(&url).await?;
    // What was done is committed.
    let _ = tokio::time::timeout(CLOSE_DEADLINE, opened.close()).await;
    let migrated = Migrated {
        version: env!("CARGO_PKG_VERSION"),
    };
    output.data(&migrated, |migrated| {
        format!("The database is ready for Tributary {}.", migrated.version)
    })?;
    Ok(ExitCode::SUCCESS)
}
