use std::{process::ExitCode, time::Instant};

use secrecy::ExposeSecret as _;
use serde::Serialize;
use store_transfer::{Moved, Progress, TransferError, transfer};

use crate::{
    cli::{Cli, Migrate},
    config::DatabaseUrl,
    error::{CommandError, with_sources},
    installation::Opened,
    lifecycle::CLOSE_DEADLINE,
    output::{Output, say},
};

/// How often a table's progress is told: seldom enough for a log.
const TELL_EVERY_S: u64 = 2;

#[derive(Serialize)]
struct Migrated {
    version: &'static str,
    /// What was moved, if anything was.
    moved: Vec<Moved>,
}

/// On PostgreSQL this is the one command that changes tables. An embedded database is brought up to date by being opened.
pub(crate) async fn run(cli: &Cli, options: &Migrate, output: Output) -> Result<ExitCode, CommandError> {
    let moved = if let (Some(from), Some(to)) = (&options.from, &options.to) {
        move_all(&DatabaseUrl::parse(from)?, &DatabaseUrl::parse(to)?).await?
    } else {
        let url = cli.database.url()?;
        Opened::migrate(&url).await?;
        let opened = Opened::open(&url, cli.database.database_connections).await?;
        // What was done is committed.
        let _ = tokio::time::timeout(CLOSE_DEADLINE, opened.close()).await;
        Vec::new()
    };
    let migrated = Migrated {
        version: env!("CARGO_PKG_VERSION"),
        moved,
    };
    output.data(&migrated, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(migrated: &Migrated) -> String {
    let mut lines: Vec<String> = migrated
        .moved
        .iter()
        .map(|moved| format!("{:<24} {:>12} rows  {}", moved.table, moved.rows, moved.hash))
        .collect();
    lines.push(format!(
        "The database is ready for Tributary {}.",
        migrated.version
    ));
    lines.join("\n")
}

async fn move_all(from: &DatabaseUrl, to: &DatabaseUrl) -> Result<Vec<Moved>, CommandError> {
    let (DatabaseUrl::Sqlite(from), DatabaseUrl::Postgres(to)) = (from, to) else {
        return Err(CommandError::usage(
            "an installation moves from SQLite to PostgreSQL, and in no other direction",
            "Give --from sqlite://FILE and --to postgres://…",
        ));
    };
    let mut told = Instant::now();
    let mut tell = |progress: Progress<'_>| match progress {
        Progress::Copied { table, rows, of } if told.elapsed().as_secs() >= TELL_EVERY_S => {
            told = Instant::now();
            say(&format!("{table}: {rows} of {of} rows"));
        }
        Progress::Copied { .. } => {}
        Progress::Verified { table, rows } => say(&format!("{table}: {rows} rows, the same on both sides")),
    };
    transfer(from, to.expose_secret(), &mut tell).await.map_err(|error| {
        let next = match &error {
            TransferError::Refused(_) | TransferError::Target(_) => "Do what the message says. The source was only read.",
            TransferError::Database { .. } => {
                "Run the same command again: it goes on where it stopped. The source was only read."
            }
            TransferError::Differs { .. } => {
                "End what writes to the source, make the target anew (dropdb, createdb), and run the command again. \
                 The source was only read."
            }
        };
        CommandError::failed(with_sources(&error), next)
    })
}
