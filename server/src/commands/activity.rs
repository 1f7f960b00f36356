//! `tributary activity import`

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    process::ExitCode,
};

use domain::{
    ActivitySource, Connection, TenantId,
    record::{Activity, Record},
};
use serde::Serialize;
use store::ImportedActivity;
use sync::content_hash;

use crate::{
    accounts::operator,
    commands::tally::Tally,
    error::{CommandError, Exit},
    import::{ActivityFile, FileError},
    installation::Installation,
    output::{Output, say},
};

/// Rows of one transaction; others wait for the write lock meanwhile.
const ROWS_AT_ONCE: usize = 2_000;

/// What became of the lines.
#[derive(Default, Serialize)]
struct Imported {
    tenant_id: String,
    source: Option<ActivitySource>,
    #[serde(flatten)]
    lines: Tally,
}

/// An event's place in the batch, by its id: each id is written once.
#[derive(Default)]
struct Batch {
    rows: Vec<ImportedActivity>,
    place: HashMap<String, usize>,
}

impl Batch {
    /// Whether the event replaces one of the batch.
    fn add(&mut self, activity: Activity) -> bool {
        let record = Record::Activity(activity.clone());
        let row = ImportedActivity {
            hash: content_hash(&record),
            activity,
        };
        if let Some(place) = self.place.get(&row.activity.event_id) {
            self.rows[*place] = row;
            return true;
        }
        self.place.insert(row.activity.event_id.clone(), self.rows.len());
        self.rows.push(row);
        false
    }
}

pub(crate) async fn import(
    installation: &Installation,
    tenant: &TenantId,
    path: &Path,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let connection = installation.connection(tenant).await?;
    let file = File::open(path).map_err(|error| unreadable(path, &error.into()))?;
    let mut file = ActivityFile::open(BufReader::new(file)).map_err(|error| unreadable(path, &error))?;
    let mut imported = take_all(installation, &connection, &mut file, path).await?;
    installation.store.rebuild_due_trends(connection.id).await?;
    let connection = installation.connection(tenant).await?;
    imported.source = connection.activity_source;
    output.data(&imported, describe)?;
    if imported.lines.bad == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let error = CommandError::failed(
        format!("{} of {} lines are bad", imported.lines.bad, imported.lines.read),
        "The good ones are kept. Correct the others and import the file again: no event is stored twice.",
    );
    say(&error.to_string());
    Ok(Exit::Failed.into())
}

async fn take_all(
    installation: &Installation,
    connection: &Connection,
    file: &mut ActivityFile<impl BufRead>,
    path: &Path,
) -> Result<Imported, CommandError> {
    let mut imported = Imported {
        tenant_id: connection.tenant_id.to_string(),
        ..Imported::default()
    };
    loop {
        let mut batch = Batch::default();
        let more = fill(&mut batch, file, &mut imported.lines).map_err(|error| cut_short(path, &error))?;
        let done = installation
            .store
            .import_activity(connection.id, &batch.rows, &operator(installation.clock.now()))
            .await?;
        imported.lines.add(done);
        if !more {
            return Ok(imported);
        }
    }
}

/// Reads until the batch is full or the file is at its end, and says whether there may be more.
fn fill(batch: &mut Batch, file: &mut ActivityFile<impl BufRead>, lines: &mut Tally) -> io::Result<bool> {
    while batch.rows.len() < ROWS_AT_ONCE {
        let Some((line, event)) = file.next()? else {
            return Ok(false);
        };
        lines.read += 1;
        match event {
            Ok(activity) => lines.repeated += u64::from(batch.add(activity)),
            Err(message) => lines.set_aside(line, message),
        }
    }
    Ok(true)
}

fn describe(imported: &Imported) -> String {
    format!("{}: {}", imported.tenant_id, imported.lines.words())
}

fn unreadable(path: &Path, error: &FileError) -> CommandError {
    CommandError::usage(
        format!("{} cannot be imported: {error}", path.display()),
        "Give CSV with the header event_id,type,occurred_at,user_id,content_public_id, or JSON lines with these fields. Nothing was changed.",
    )
}

fn cut_short(path: &Path, error: &io::Error) -> CommandError {
    CommandError::failed(
        format!("{} cannot be read to its end: {error}", path.display()),
        "What was read is kept. Import the file again: no event is stored twice.",
    )
}
