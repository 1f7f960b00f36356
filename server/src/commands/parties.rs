//! `tributary company import`, `tributary person import` and `tributary member bounces`

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader},
    path::Path,
    process::ExitCode,
};

use async_trait::async_trait;
use domain::unification::{Company, Person};
use serde::Serialize;
use store::{Bounce, By, Deed, ImportMode, ImportOutcome, StoreError};

use crate::{
    accounts::operator,
    cli::ImportParties,
    commands::tally::Tally,
    error::{CommandError, Exit},
    import::{ColumnNames, FileError, Parents, Party, PartyFile, Rows},
    installation::Installation,
    operations::unify::match_everything,
    output::{Output, counted, say},
};

/// Rows of one transaction; others wait for the write lock meanwhile.
const ROWS_AT_ONCE: usize = 2_000;

/// What became of the lines, and of the members.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Imported {
    /// Nothing was written: this is what would have become of the lines.
    pub(crate) dry_run: bool,
    #[serde(flatten)]
    pub(crate) lines: Tally,
    /// Persons who were erased, and stay out.
    pub(crate) kept_out: u64,
    /// Members that were compared anew.
    pub(crate) members_matched: u64,
}

/// What can be imported.
#[async_trait]
pub(crate) trait Importable: Party + 'static {
    /// Writes rows, or tries to, and says how many were kept out.
    async fn write(
        installation: &Installation,
        rows: &[Self],
        mode: ImportMode,
        by: &By,
    ) -> Result<(ImportOutcome, u64), StoreError>;

    /// What refuses a row that is sound in itself.
    fn check(&self, parents: &mut Parents) -> Result<(), String>;
}

#[async_trait]
impl Importable for Company {
    async fn write(
        installation: &Installation,
        rows: &[Self],
        mode: ImportMode,
        by: &By,
    ) -> Result<(ImportOutcome, u64), StoreError> {
        let imported = installation
            .store
            .import_companies(rows, mode, Deed::CompaniesImported, by)
            .await?;
        Ok((imported, 0))
    }

    fn check(&self, parents: &mut Parents) -> Result<(), String> {
        parents.set(self)
    }
}

#[async_trait]
impl Importable for Person {
    async fn write(
        installation: &Installation,
        rows: &[Self],
        mode: ImportMode,
        by: &By,
    ) -> Result<(ImportOutcome, u64), StoreError> {
        let imported = installation.store.import_persons(rows, mode, by).await?;
        Ok((imported.rows, imported.kept_out))
    }

    fn check(&self, _: &mut Parents) -> Result<(), String> {
        Ok(())
    }
}

#[async_trait]
impl Importable for Bounce {
    async fn write(
        installation: &Installation,
        rows: &[Self],
        mode: ImportMode,
        by: &By,
    ) -> Result<(ImportOutcome, u64), StoreError> {
        let imported = installation.store.import_bounces(rows, mode, by).await?;
        Ok((imported.rows, imported.kept_out))
    }

    fn check(&self, _: &mut Parents) -> Result<(), String> {
        Ok(())
    }
}

pub(crate) async fn import<P: Importable>(
    installation: &Installation,
    options: &ImportParties,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let path = options.file.as_path();
    let names = column_names::<P>(&options.map)?;
    let file = File::open(path).map_err(|error| unreadable::<P>(path, &error.into()))?;
    let mut file =
        PartyFile::open::<P>(BufReader::new(file), &names).map_err(|error| unreadable::<P>(path, &error))?;
    if !file.ignored().is_empty() {
        say(&format!(
            "Columns that are not read: {}.",
            file.ignored().join(", ")
        ));
    }
    let mode = if options.dry_run {
        ImportMode::Try
    } else {
        ImportMode::Write
    };
    let by = operator(installation.clock.now());
    let mut imported = take_all::<P>(installation, &mut file, mode, Tally::default(), &by)
        .await
        .map_err(|error| stopped(path, error))?;
    if mode == ImportMode::Write {
        imported.members_matched = match_everything(installation).await?;
    }
    output.data(&imported, describe)?;
    if imported.lines.bad == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let what = format!("{} of {} lines are bad", imported.lines.bad, imported.lines.read);
    let next = if imported.dry_run {
        "Correct them, or import the file all the same: the good ones are kept then."
    } else {
        "The good ones are kept. Correct the others and import the file again: nothing is stored twice."
    };
    say(&CommandError::failed(what, next).to_string());
    Ok(Exit::Failed.into())
}

/// Why an import ended before the file did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in all rows that are good.
pub(crate) async fn take_all<P: Importable>(
    installation: &Installation,
    file: &mut impl Rows,
    mode: ImportMode,
    lines: Tally,
    by: &By,
) -> Result<Imported, ImportError> {
    let mut parents = Parents::new(installation.store.company_parents().await?);
    let mut imported = Imported {
        dry_run: mode == ImportMode::Try,
        lines,
        ..Imported::default()
    };
    loop {
        let mut batch = Batch::default();
        let has_more = fill::<P>(&mut batch, file, &mut parents, &mut imported.lines)?;
        let (outcome, kept_out) = P::write(installation, &batch.rows, mode, by).await?;
        imported.lines.add(outcome);
        imported.kept_out += kept_out;
        if !has_more {
            return Ok(imported);
        }
    }
}

/// Each external id is written once.
struct Batch<P> {
    rows: Vec<P>,
    place: HashMap<String, usize>,
}

impl<P> Default for Batch<P> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            place: HashMap::new(),
        }
    }
}

impl<P: Party> Batch<P> {
    /// Whether the row replaces one of the batch.
    fn add(&mut self, row: P) -> bool {
        if let Some(place) = self.place.get(row.external_id()) {
            self.rows[*place] = row;
            return true;
        }
        self.place.insert(row.external_id().to_owned(), self.rows.len());
        self.rows.push(row);
        false
    }
}

/// Reads until the batch is full or the file is at its end, and says whether there may be more.
fn fill<P: Importable>(
    batch: &mut Batch<P>,
    file: &mut impl Rows,
    parents: &mut Parents,
    lines: &mut Tally,
) -> io::Result<bool> {
    while batch.rows.len() < ROWS_AT_ONCE {
        let Some((line, row)) = file.next::<P>()? else {
            return Ok(false);
        };
        lines.read += 1;
        match row.and_then(|row| row.check(parents).map(|()| row)) {
            Ok(row) => lines.repeated += u64::from(batch.add(row)),
            Err(message) => lines.set_aside(line, message),
        }
    }
    Ok(true)
}

/// `COLUMN=HEADER`, each.
fn column_names<P: Party>(given: &[String]) -> Result<ColumnNames, CommandError> {
    let mut names = ColumnNames::new();
    for pair in given {
        let (column, name) = pair.split_once('=').unwrap_or((pair, ""));
        let known = P::COLUMNS.contains(&column.trim());
        if !known || name.trim().is_empty() {
            return Err(CommandError::usage(
                format!("--map {pair:?} names no column"),
                format!(
                    "Give COLUMN=HEADER, with one of {} and the name that the file gives to it, as in --map {}=AccountId.",
                    P::COLUMNS.join(", "),
                    P::COLUMNS[0],
                ),
            ));
        }
        names.insert(column.trim().to_owned(), name.trim().to_owned());
    }
    Ok(names)
}

fn describe(imported: &Imported) -> String {
    let mut text = imported.lines.words();
    if imported.kept_out > 0 {
        text = format!("{text}, {} kept out since they were erased", imported.kept_out);
    }
    if imported.dry_run {
        return format!("{text}. Nothing was written.");
    }
    format!(
        "{text}. {} compared anew.",
        counted(imported.members_matched, "member was", "members were")
    )
}

fn unreadable<P: Party>(path: &Path, error: &FileError) -> CommandError {
    CommandError::usage(
        format!("{} cannot be imported: {error}", path.display()),
        format!(
            "Give CSV in UTF-8 with the header {}; lists are separated by `;`, cells may be empty. If the file gives other names to columns, say so: --map {}=NAME. Nothing was changed.",
            P::COLUMNS.join(","),
            P::COLUMNS[0],
        ),
    )
}

fn stopped(path: &Path, error: ImportError) -> CommandError {
    match error {
        ImportError::Store(error) => error.into(),
        ImportError::Io(error) => CommandError::failed(
            format!("{} cannot be read to its end: {error}", path.display()),
            "What was read is kept. Import the file again: nothing is stored twice.",
        ),
    }
}
