//! `tributary backup FILE` and `tributary restore FILE`, for the embedded database. A server has its own tools.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;
use store_sqlite::SqliteStore;

use crate::{
    cli::Cli,
    config::DatabaseUrl,
    error::{CommandError, with_sources},
    installation::{Installation, Places},
    output::{Output, say},
};

#[derive(Serialize)]
struct Done<'a> {
    file: &'a Path,
    bytes: u64,
}

/// A whole, consistent copy while everybody goes on working. It is there whole or not at all.
pub(crate) async fn run(
    installation: &Installation,
    cli: &Cli,
    file: &Path,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let not_written = |error: &dyn std::error::Error| {
        CommandError::failed(
            format!(
                "the backup {} cannot be written: {}",
                file.display(),
                with_sources(error)
            ),
            "Name a file in a folder that this user may write to, with room for the whole database.",
        )
    };
    if file.exists() {
        return Err(CommandError::usage(
            format!("{} is there already", file.display()),
            "Name a new file: a backup replaces nothing.",
        ));
    }
    // Only its owner can read it: it holds members' addresses.
    let beside = temporary_beside(file).map_err(|error| not_written(&error))?;
    installation.backup(&beside).await?;
    let written = std::fs::File::open(&beside).and_then(|copy| copy.sync_all());
    written.map_err(|error| not_written(&error))?;
    beside
        .persist_noclobber(file)
        .map_err(|error| not_written(&error))?;
    let bytes = std::fs::metadata(file).map_or(0, |data| data.len());
    let key_file = Places::of(&cli.database, &cli.key_file)?.key_file;
    output.data(&Done { file, bytes }, |done| {
        format!(
            "{} holds the whole database ({} bytes).",
            done.file.display(),
            done.bytes
        )
    })?;
    say(&format!(
        "The key that opens the connections' secrets is NOT in it: keep {} apart from it, as safely.",
        key_file.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Puts a backup where the database is to be. Nothing is replaced.
pub(crate) async fn restore(cli: &Cli, file: &Path, output: Output) -> Result<ExitCode, CommandError> {
    let places = Places::of(&cli.database, &cli.key_file)?;
    let DatabaseUrl::Sqlite(database) = &places.database else {
        return Err(on_a_server("pg_restore --clean --if-exists --dbname=… FILE"));
    };
    // What SQLite keeps beside a database that is no more would be taken for a part of the restored one.
    let in_the_way = ["", "-wal", "-shm", "-journal"].map(|ending| beside_database(database, ending));
    if let Some(there) = in_the_way.iter().find(|file| file.exists()) {
        return Err(CommandError::usage(
            format!("{} is there already", there.display()),
            "End what uses it and move it away, or name another place with --database-url. Nothing was changed.",
        ));
    }
    SqliteStore::verify(file).await.map_err(|error| {
        CommandError::usage(with_sources(&error), "Name a file that tributary backup wrote.")
    })?;
    let not_restored = |error: &dyn std::error::Error| {
        CommandError::failed(
            format!(
                "{} cannot be restored: {}",
                database.display(),
                with_sources(error)
            ),
            "Name a place that this user may write to, with room for the whole database.",
        )
    };
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder).map_err(|error| not_restored(&error))?;
    }
    let beside = temporary_beside(database).map_err(|error| not_restored(&error))?;
    let bytes = std::fs::copy(file, &beside).map_err(|error| not_restored(&error))?;
    let copied = std::fs::File::open(&beside).and_then(|copy| copy.sync_all());
    copied.map_err(|error| not_restored(&error))?;
    beside
        .persist_noclobber(database)
        .map_err(|error| not_restored(&error))?;
    output.data(
        &Done {
            file: database,
            bytes,
        },
        |done| format!("{} is restored ({} bytes).", done.file.display(), done.bytes),
    )?;
    if !places.key_file.exists() {
        say(&format!(
            "The key file {} is missing. Put it back: without it no connection's secret can be opened.",
            places.key_file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn on_a_server(command: &str) -> CommandError {
    CommandError::usage(
        "the database is on PostgreSQL, which has its own tools for that",
        format!("Use, for instance: {command}. The key file is not in the database: keep it apart."),
    )
}

fn beside_database(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn temporary_beside(file: &Path) -> io::Result<tempfile::TempPath> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = tempfile::Builder::new()
        .prefix(".tributary-backup-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    Ok(beside.into_temp_path())
}
