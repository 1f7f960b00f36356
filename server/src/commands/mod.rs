//! One module per command.

mod account;
mod activity;
mod audit;
mod backup;
mod connection;
mod doctor;
mod erase;
mod export;
mod failed;
mod mapping;
mod member;
mod migrate;
mod parties;
mod replay;
mod rules;
mod runs;
mod secrets;
mod serve;
mod simulate;
mod sync;
mod tally;
mod token;
mod worker;

use std::process::ExitCode;

pub(crate) use account::role;
pub(crate) use backup::on_a_server;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Activity, Cli, Command, Company, Person, Run, WithData},
    error::CommandError,
    installation::Installation,
    lifecycle::CLOSE_DEADLINE,
    output::Output,
};

/// Who does what commands do, for histories: whoever may run them.
const OPERATOR: &str = "operator";

pub(crate) async fn run(cli: Cli, output: Output, stop: CancellationToken) -> Result<ExitCode, CommandError> {
    match &cli.command {
        Command::Simulate(options) => simulate::run(options, stop).await,
        Command::Doctor(options) => doctor::run(&cli, options, output).await,
        Command::Migrate(options) => or_stopped(migrate::run(&cli, options, output), &stop).await,
        Command::Restore { file } => backup::restore(&cli, file, output).await,
        // The address is tried before the database is: the second `serve` of two should not migrate.
        Command::Serve(options) => serve::run(&cli, options, stop).await,
        Command::WithData(command) => {
            let installation = Installation::open(&cli).await?;
            let result = with_data(&installation, &cli, command, output, stop).await;
            close(installation).await;
            result
        }
    }
}

#[expect(
    clippy::cognitive_complexity,
    reason = "one arm for each command, and nothing else"
)]
async fn with_data(
    installation: &Installation,
    cli: &Cli,
    command: &WithData,
    output: Output,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    match command {
        WithData::Worker(options) => worker::run(installation, options, stop).await,
        WithData::Sync(options) => sync::run(installation, options, output, stop).await,
        WithData::Connection(command) => {
            or_stopped(connection::run(installation, command, output), &stop).await
        }
        WithData::Account(command) => or_stopped(account::run(installation, command, output), &stop).await,
        WithData::Token(command) => or_stopped(token::run(installation, command, output), &stop).await,
        WithData::Audit(command) => or_stopped(audit::run(installation, command, output), &stop).await,
        WithData::Backup { file } => or_stopped(backup::run(installation, cli, file, output), &stop).await,
        WithData::Runs { tenant } => {
            or_stopped(runs::list(installation, tenant.as_ref(), output), &stop).await
        }
        WithData::Activity(Activity::Import { tenant, file }) => {
            or_stopped(activity::import(installation, tenant, file, output), &stop).await
        }
        WithData::Rules(command) => or_stopped(rules::run(installation, command, output), &stop).await,
        WithData::Failed(options) => or_stopped(failed::list(installation, options, output), &stop).await,
        WithData::Ticket(command) => or_stopped(failed::ticket(installation, command, output), &stop).await,
        WithData::Member(command) => or_stopped(member::run(installation, command, output), &stop).await,
        WithData::Company(Company::Import(options)) => {
            let import = parties::import::<domain::unification::Company>(installation, options, output);
            or_stopped(import, &stop).await
        }
        WithData::Person(Person::Import(options)) => {
            let import = parties::import::<domain::unification::Person>(installation, options, output);
            or_stopped(import, &stop).await
        }
        WithData::Replay(options) => or_stopped(replay::run(installation, options, output), &stop).await,
        WithData::Erase(options) => or_stopped(erase::run(installation, options, output), &stop).await,
        WithData::Secrets(command) => or_stopped(secrets::run(installation, command, output), &stop).await,
        WithData::Export(options) => or_stopped(export::run(installation, options, output), &stop).await,
        WithData::Run(Run::Show { id }) => or_stopped(runs::show(installation, *id, output), &stop).await,
        WithData::Run(Run::Cancel { id }) => or_stopped(runs::cancel(installation, *id, output), &stop).await,
    }
}

/// For commands that leave nothing half done wherever they are cut: their writes are single transactions.
async fn or_stopped(
    command: impl Future<Output = Result<ExitCode, CommandError>>,
    stop: &CancellationToken,
) -> Result<ExitCode, CommandError> {
    tokio::select! {
        result = command => result,
        () = stop.cancelled() => Err(CommandError::failed("stopped before the end", "Run the command again.")),
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
