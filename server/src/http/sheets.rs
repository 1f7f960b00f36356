//! Files of users without a company, of tickets and of companies, to be downloaded.

use std::{collections::HashMap, sync::Arc};

use app::{
    companies::place::{
        COMPANY_POSTS_CSV, COMPANY_POSTS_NDJSON, COMPANY_USERS_CSV, COMPANY_USERS_NDJSON, CompanyPlace,
    },
    unification::place::{TICKET_CSV, TICKET_MARKDOWN, USERS_CSV, UsersFilter},
};
use axum::{
    body::Body,
    extract::Query,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{
    Audience,
    unification::{ticket_number, ticket_reference},
};
use futures_util::{Stream, TryStreamExt as _};
use store::{StoreError, Ticket};
use tracing::error;

use super::access::Ruled;
use crate::{
    console::{Console, company_files::Held, internal, users::users_sheet},
    error::with_sources,
    export::Layout,
    operations::tickets::{Sheet, SheetError, csv, document},
};

const CSV: &str = "text/csv; charset=utf-8";
const NDJSON: &str = "application/x-ndjson";
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// Why there is no file.
enum NoFile {
    NoSuchTicket,
    NoSuchCompany,
    Store(StoreError),
}

impl From<StoreError> for NoFile {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for NoFile {
    fn into_response(self) -> Response {
        match self {
            Self::NoSuchTicket => (
                StatusCode::NOT_FOUND,
                "This ticket does not exist. Check the address, or go back to the list.\n",
            )
                .into_response(),
            Self::NoSuchCompany => (
                StatusCode::NOT_FOUND,
                "This company does not exist. Check the address, or look it up under Customers.\n",
            )
                .into_response(),
            Self::Store(failure) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                format!(
                    "{} Reload; if it stays, give the reference to an operator.\n",
                    internal(&failure)
                ),
            )
                .into_response(),
        }
    }
}

pub(super) fn routes() -> Vec<Ruled<Console>> {
    vec![
        Ruled::file_for_admins(USERS_CSV, get(users_csv)),
        Ruled::file_for_admins(TICKET_CSV, get(ticket_csv)),
        Ruled::file_for_admins(TICKET_MARKDOWN, get(ticket_markdown)),
        of_company(COMPANY_USERS_CSV, Held::Users, Layout::Csv),
        of_company(COMPANY_USERS_NDJSON, Held::Users, Layout::Ndjson),
        of_company(COMPANY_POSTS_CSV, Held::Posts, Layout::Csv),
        of_company(COMPANY_POSTS_NDJSON, Held::Posts, Layout::Ndjson),
    ]
}

/// For whoever may look at the company's page.
fn of_company(path: &str, held: Held, layout: Layout) -> Ruled<Console> {
    let answer = move |console: Console, Query(asked): Asked| company_file(console, asked, held, layout);
    Ruled::file(path, Audience::LoggedIn, get(answer))
}

type Asked = Query<HashMap<String, String>>;

async fn users_csv(console: Console, Query(asked): Asked) -> Result<Response, NoFile> {
    let filter = UsersFilter::read(|name| asked.get(name).map(String::as_str));
    let now = console.installation.clock.now();
    let sheet = users_sheet(console.installation.store.as_ref(), &filter, now).await?;
    let name = format!("users-without-a-company-{}.csv", now.format("%Y-%m-%d"));
    Ok(file(&name, CSV, rows(&console, sheet)))
}

async fn company_file(
    console: Console,
    asked: HashMap<String, String>,
    held: Held,
    layout: Layout,
) -> Result<Response, NoFile> {
    let place = CompanyPlace::read(&asked.into_iter().collect());
    let file_of = console.company_file(&place, held, layout).await?;
    let file_of = file_of.ok_or(NoFile::NoSuchCompany)?;
    let (ending, kind) = if layout == Layout::Csv {
        ("csv", CSV)
    } else {
        ("ndjson", NDJSON)
    };
    let name = format!("{}.{ending}", file_of.stem(&place.external_id));
    let body = body(file_of.bytes(Arc::clone(&console.installation.store)));
    Ok(file(&name, kind, body))
}

async fn ticket_csv(console: Console, Query(asked): Asked) -> Result<Response, NoFile> {
    let ticket = ticket(&console, &asked).await?;
    let name = format!("{}.csv", ticket_reference(ticket.number));
    Ok(file(&name, CSV, rows(&console, Sheet::OfTicket(ticket))))
}

async fn ticket_markdown(console: Console, Query(asked): Asked) -> Result<Response, NoFile> {
    let ticket = ticket(&console, &asked).await?;
    let document = document(console.installation.store.as_ref(), &ticket).await?;
    let name = format!("{}.md", ticket_reference(ticket.number));
    Ok(file(&name, MARKDOWN, Body::from(document.markdown())))
}

async fn ticket(console: &Console, asked: &HashMap<String, String>) -> Result<Ticket, NoFile> {
    let number = asked.get("number").and_then(|reference| ticket_number(reference));
    let number = number.ok_or(NoFile::NoSuchTicket)?;
    console
        .installation
        .store
        .ticket(number)
        .await?
        .ok_or(NoFile::NoSuchTicket)
}

fn rows(console: &Console, sheet: Sheet) -> Body {
    body(csv(Arc::clone(&console.installation.store), sheet))
}

/// A file that breaks off is seen to: its last chunk is missing.
fn body(bytes: impl Stream<Item = Result<Vec<u8>, SheetError>> + Send + 'static) -> Body {
    Body::from_stream(bytes.inspect_err(|failure| error!(error = %with_sources(failure), "a file broke off")))
}

/// Names are ours: letters, digits, hyphens and a full stop.
fn file(name: &str, kind: &'static str, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, body).into_response()
}
