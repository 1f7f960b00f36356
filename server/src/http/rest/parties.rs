//! Companies and persons of the customer-success database: looked up, and imported by the same rules as files.

use std::{io::BufReader, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, rejection::QueryRejection},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
};
use domain::{
    Audience,
    unification::{Company, Person},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ImportMode, StoreError};
use tracing::error;

use super::{
    Answer, Endpoint, Parameter, Party, Scope,
    page::{LIMIT_DEFAULT, LIMIT_MAX, Page},
    problem::Problem,
};
use crate::{
    commands::{ImportError, Importable, Imported, Tally, take_all},
    console::Console,
    error::with_sources,
    import::{ColumnNames, JsonRows, PartyFile},
    installation::Installation,
    operations::unify::match_everything,
    secrets::{from_hex, to_hex},
};

/// How long an import waits for members to be matched before it answers that this goes on: well within a request's time.
const MATCHING_PATIENCE: Duration = Duration::from_secs(6);

const LISTED: &[Parameter] = &[
    Parameter {
        name: "limit",
        what: "At most so many, 1 to 1000; 100 if left out.",
    },
    Parameter {
        name: "cursor",
        what: "Where the page before ended: its `next`.",
    },
];

const IMPORTED: &[Parameter] = &[Parameter {
    name: "dry_run",
    what: "Say what would become of the rows, and write nothing.",
}];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = |path: &str, summary, query, answer, handler: MethodRouter<Console>| Endpoint {
        method: Method::GET,
        path: path.to_owned(),
        audience: Audience::LoggedIn,
        scope: Scope::Read,
        summary,
        query,
        answer,
        handler,
    };
    vec![
        read(
            "/api/v1/companies",
            "Companies, by external id",
            LISTED,
            Answer::Parties(Party::Company),
            get(companies),
        ),
        read(
            "/api/v1/companies/{external_id}",
            "One company",
            &[],
            Answer::Party(Party::Company),
            get(company),
        ),
        read(
            "/api/v1/persons",
            "Persons, by external id",
            LISTED,
            Answer::Parties(Party::Person),
            get(persons),
        ),
        read(
            "/api/v1/persons/{external_id}",
            "One person",
            &[],
            Answer::Party(Party::Person),
            get(person),
        ),
    ]
}

/// These have a limit of their own for what is sent.
pub(super) fn imports() -> Vec<Endpoint> {
    let import = |path: &str, summary, party, handler: MethodRouter<Console>| Endpoint {
        method: Method::POST,
        path: path.to_owned(),
        audience: Audience::Admin,
        scope: Scope::Import,
        summary,
        query: IMPORTED,
        answer: Answer::Imported(party),
        handler,
    };
    vec![
        import(
            "/api/v1/companies",
            "Import companies by external id; bad rows are told by number, good ones kept",
            Party::Company,
            post(import_rows::<Company>),
        ),
        import(
            "/api/v1/persons",
            "Import persons by external id; bad rows are told by number, good ones kept",
            Party::Person,
            post(import_rows::<Person>),
        ),
    ]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    limit: Option<u32>,
    cursor: Option<String>,
}

type ListedQuery = Result<Query<Listed>, QueryRejection>;

/// How many are asked for, and after which external id.
fn asked(query: ListedQuery) -> Result<(u32, Option<String>), Problem> {
    let Query(listed) = query.map_err(|rejection| Problem::malformed(rejection.body_text()))?;
    let limit = listed.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::malformed(format!("limit is 1 to {LIMIT_MAX}.")));
    }
    let after = listed.cursor.map(|cursor| read_cursor(&cursor)).transpose()?;
    Ok((limit, after))
}

/// A cursor is the external id of the last row, so that it stands in an address without quotes.
fn read_cursor(text: &str) -> Result<String, Problem> {
    from_hex(text)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Problem::malformed("cursor is not one that this list gave."))
}

fn page<T>(items: Vec<T>, limit: u32, id: impl Fn(&T) -> &str) -> Json<Page<T>> {
    let last = items.last().filter(|_| items.len() >= limit as usize);
    Json(Page {
        next: last.map(|item| to_hex(id(item).as_bytes())),
        items,
    })
}

async fn companies(console: Console, query: ListedQuery) -> Result<Json<Page<Company>>, Problem> {
    let (limit, after) = asked(query)?;
    let companies = console
        .installation
        .store
        .companies(after.as_deref(), limit)
        .await?;
    Ok(page(companies, limit, |company| &company.external_id))
}

async fn persons(console: Console, query: ListedQuery) -> Result<Json<Page<Person>>, Problem> {
    let (limit, after) = asked(query)?;
    let persons = console
        .installation
        .store
        .persons(after.as_deref(), limit)
        .await?;
    Ok(page(persons, limit, |person| &person.external_id))
}

async fn company(console: Console, Path(id): Path<String>) -> Result<Json<Company>, Problem> {
    let found = console.installation.store.company(&id).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("There is no such company."))
}

async fn person(console: Console, Path(id): Path<String>) -> Result<Json<Person>, Problem> {
    let found = console.installation.store.person(&id).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("There is no such person."))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportOptions {
    #[serde(default)]
    dry_run: bool,
}

/// Whether members are matched by what was imported.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Matching {
    Done,
    /// It goes on after this answer, and is taken up by a worker if it is cut off.
    UnderWay,
    /// Nothing was written.
    None,
}

#[derive(Debug, Serialize)]
struct Answered {
    #[serde(flatten)]
    imported: Imported,
    matching: Matching,
}

async fn import_rows<P: Importable>(
    console: Console,
    options: Result<Query<ImportOptions>, QueryRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Query(options) = options.map_err(|rejection| Problem::malformed(rejection.body_text()))?;
    let mode = if options.dry_run {
        ImportMode::Try
    } else {
        ImportMode::Write
    };
    let mut imported = take::<P>(&console, &headers, &body, mode).await?;
    let matching = match mode {
        ImportMode::Try => Matching::None,
        ImportMode::Write => match_for_a_moment(&console.installation, &mut imported).await?,
    };
    Ok(Json(Answered { imported, matching }).into_response())
}

async fn take<P: Importable>(
    console: &Console,
    headers: &HeaderMap,
    body: &Bytes,
    mode: ImportMode,
) -> Result<Imported, Problem> {
    let (installation, by) = (&console.installation, console.by());
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    let imported = match kind.as_deref() {
        Some("application/json") => {
            let rows: Vec<Value> = serde_json::from_slice(body)
                .map_err(|error| Problem::malformed(format!("This is no JSON array: {error}.")))?;
            take_all::<P>(installation, &mut JsonRows::new(rows), mode, Tally::silent(), &by).await
        }
        Some("text/csv") => {
            let mut file = PartyFile::open::<P>(BufReader::new(body.as_ref()), &ColumnNames::new())
                .map_err(|error| Problem::malformed(format!("This cannot be imported: {error}.")))?;
            take_all::<P>(installation, &mut file, mode, Tally::silent(), &by).await
        }
        _ => return Err(unsupported::<P>()),
    };
    imported.map_err(|error| match error {
        ImportError::Store(error) => error.into(),
        // What is in memory can be read.
        ImportError::Io(error) => StoreError::Corrupt(error.to_string()).into(),
    })
}

fn unsupported<P: Importable>() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported",
        "Rows are read as application/json or text/csv.",
        format!(
            "Send a JSON array of objects or CSV with a header, with {}, and say which by Content-Type.",
            P::COLUMNS.join(", ")
        ),
    )
}

/// What was written is kept, whatever becomes of the matching.
async fn match_for_a_moment(
    installation: &Installation,
    imported: &mut Imported,
) -> Result<Matching, Problem> {
    let installation = installation.clone();
    let task = tokio::spawn(async move { match_everything(&installation).await });
    match tokio::time::timeout(MATCHING_PATIENCE, task).await {
        Ok(Ok(Ok(members))) => {
            imported.members_matched = members;
            Ok(Matching::Done)
        }
        Ok(Ok(Err(failure))) => {
            error!(error = %with_sources(&failure), "members could not be matched again; a worker goes on with it");
            Ok(Matching::UnderWay)
        }
        Ok(Err(panic)) => Err(StoreError::Database(Box::new(panic)).into()),
        Err(_) => Ok(Matching::UnderWay),
    }
}
