//! One module per command.

mod connection;
mod doctor;
mod migrate;
mod runs;
mod serve;
mod simulate;
mod sync;
mod worker;

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Cli, Command, Run},
    error::CommandError,
    installation::Installation,
    lifecycle::CLOSE_DEADLINE,
    output::Output,
};

pub(crate) async fn run(cli: Cli, output: Output, stop: CancellationToken) -> Result<ExitCode, CommandError> {
    match &cli.command {
        Command::Simulate(options) => return simulate::run(options, stop).await,
        Command::Doctor(options) => return doctor::run(&cli, options, output).await,
        // The address is tried before the database is: the second `serve` of two should not migrate.
        Command::Serve(options) => return serve::run(&cli, options, stop).await,
        _ => {}
    }
    let installation = Installation::open(&cli).await?;
    let result = with_data(cli.command, &installation, output, stop).await;
    close(installation).await;
    result
}

async fn with_data(
    command: Command,
    installation: &Installation,
    output: Output,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    match command {
        Command::Worker(options) => worker::run(installation, &options, stop).await,
        Command::Migrate => migrate::run(output),
        Command::Connection(command) => connection::run(installation, command, output).await,
        Command::Sync(options) => sync::run(installation, options, output, stop).await,
        Command::Runs { tenant } => runs::list(installation, tenant, output).await,
        Command::Run(Run::Show { id }) => runs::show(installation, id, output).await,
        Command::Serve(_) | Command::Doctor(_) | Command::Simulate(_) => Ok(ExitCode::SUCCESS),
    }
}

pub(crate) async fn close(installation: Installation) {
    if tokio::time::timeout(CLOSE_DEADLINE, installation.close())
        .await
        .is_err()
    {
        tracing::warn!("the database took too long to close; what was committed is safe");
    }
}
