//! `tributary export …`

use std::{io, path::Path, process::ExitCode};

use domain::Object;
use store::{ExportQuery, fields};

use crate::{
    cli::Export,
    error::{CommandError, with_sources},
    export::{EncodeError, Encoder, Format, Layout, Target},
    installation::Installation,
    output::{Output, say},
};

/// Rows in memory at once. Below it, a page costs more than its rows; a row of a long text is some hundred kilobytes.
const ROWS_PER_PAGE: u32 = 500;

pub(crate) async fn run(
    installation: &Installation,
    options: &Export,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let layout = layout(options, output);
    let query = query(installation, options).await?;
    let path = options.output.as_deref();
    let target = Target::open(path).map_err(|error| not_written(path, &error))?;
    let written = write(installation, &query, layout, target).await;
    told(written, query.object.as_str(), path)
}

/// What is told of a file that was written, or of why it was not.
pub(super) fn told(
    written: Result<u64, WriteError>,
    of: &str,
    path: Option<&Path>,
) -> Result<ExitCode, CommandError> {
    match written {
        Ok(rows) => {
            if let Some(path) = path {
                say(&format!("{rows} rows of {of} are in {}.", path.display()));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(WriteError::Store(error)) => Err(error.into()),
        Err(WriteError::Encode(error)) => Err(CommandError::failed(
            format!("{of} cannot be encoded: {}", with_sources(&error)),
            "Report this to the maintainers.",
        )),
        // A reader that closes early (`| head`) has read what it wanted.
        Err(WriteError::Io(error)) if path.is_none() && error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        Err(WriteError::Io(error)) => Err(not_written(path, &error)),
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Page by page, so that an object of any size takes the same memory.
async fn write(
    installation: &Installation,
    query: &ExportQuery,
    layout: Layout,
    mut target: Target,
) -> Result<u64, WriteError> {
    let mut encoder = Encoder::new(layout, fields(query.object))?;
    target.write(&encoder.head()?).await?;
    let mut after = None;
    loop {
        let page = installation.store.export_page(query, after.as_ref()).await?;
        target.write(&encoder.page(&page.rows)?).await?;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    target.write(&encoder.tail()?).await?;
    target.finish().await?;
    Ok(encoder.rows())
}

fn layout(options: &Export, output: Output) -> Layout {
    match options.format {
        Some(Format::Ndjson) => Layout::Ndjson,
        Some(Format::Parquet) => Layout::Parquet,
        None if output.json => Layout::Array,
        Some(Format::Csv) | None => Layout::Csv,
    }
}

async fn query(installation: &Installation, options: &Export) -> Result<ExportQuery, CommandError> {
    if options.run.is_some() && options.object != Object::InvalidRecords {
        return Err(CommandError::usage(
            format!("{} are not of one run, so --run has no meaning", options.object),
            "Leave --run out, or export invalid-records.",
        ));
    }
    let connection = match &options.tenant {
        Some(tenant) => Some(installation.connection(tenant).await?.id),
        None => None,
    };
    if let Some(run) = options.run
        && installation.store.run(run).await?.is_none()
    {
        return Err(CommandError::failed(
            format!("there is no run {run}"),
            "See which there are with: tributary runs",
        ));
    }
    Ok(ExportQuery {
        object: options.object,
        connection,
        run: options.run,
        companies: None,
        limit: ROWS_PER_PAGE,
    })
}

fn not_written(path: Option<&Path>, error: &io::Error) -> CommandError {
    let place = path.map_or_else(|| "stdout".to_owned(), |path| path.display().to_string());
    CommandError::failed(
        format!("the export cannot be written to {place}: {error}"),
        "Check the folder, its permissions and the disk. No half file was left.",
    )
}
