//! Files of users without a company and of tickets, to be downloaded.

use std::{collections::HashMap, sync::Arc};

use app::unification::place::{TICKET_CSV, TICKET_MARKDOWN, USERS_CSV, UsersFilter};
use axum::{
    body::Body,
    extract::Query,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::unification::{ticket_number, ticket_reference};
use futures_util::TryStreamExt as _;
use store::{StoreError, Ticket};
use tracing::error;

use super::access::Ruled;
use crate::{
    backend::{Console, internal},
    error::with_sources,
    tickets::{Sheet, csv, document},
    users_page::users_sheet,
};

const CSV: &str = "text/csv; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// Why there is no file.
enum NoFile {
    NoSuchTicket,
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
    ]
}

type Asked = Query<HashMap<String, String>>;

async fn users_csv(console: Console, Query(asked): Asked) -> Result<Response, NoFile> {
    let filter = UsersFilter::read(|name| asked.get(name).map(String::as_str));
    let now = console.installation.clock.now();
    let sheet = users_sheet(console.installation.store.as_ref(), &filter, now).await?;
    let name = format!("users-without-a-company-{}.csv", now.format("%Y-%m-%d"));
    Ok(file(&name, CSV, rows(&console, sheet)))
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

/// A file that breaks off is seen to: its last chunk is missing.
fn rows(console: &Console, sheet: Sheet) -> Body {
    let rows = csv(Arc::clone(&console.installation.store), sheet)
        .inspect_err(|failure| error!(error = %with_sources(failure), "a file broke off"));
    Body::from_stream(rows)
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
