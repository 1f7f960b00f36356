//! Files that pages lead to: the audit trail and the receipt of an erasure.

use std::sync::Arc;

use app::{audit::place::AUDIT_CSV, erasure::place::RECEIPT_JSON, error::AppError};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use domain::Audience;
use futures_util::stream::try_unfold;
use serde::Deserialize;
use store::{Cell, Deed, Store};
use tracing::error;

use super::access::{Face, Ruled};
use crate::{
    backend::{Console, internal},
    error::with_sources,
    export::{EncodeError, Encoder, Layout},
    trail::{FIELDS, cells},
    visitor::Visitor,
};

/// Entries in memory at once.
const ENTRIES_AT_ONCE: u32 = 1_000;

pub(super) fn routes() -> Vec<Ruled<Console>> {
    let route = |path: &str, handler: MethodRouter<Console>| Ruled {
        path: path.to_owned(),
        audience: Audience::Admin,
        scope: None,
        face: Face::Page,
        handler,
    };
    vec![
        route(AUDIT_CSV, get(audit_csv)),
        route(RECEIPT_JSON, get(receipt_json)),
    ]
}

/// The console as whoever asks has it.
fn of_visitor(console: &Console, request: &Request) -> Console {
    let visitor = request.extensions().get::<Visitor>().cloned();
    console.for_visitor(visitor.unwrap_or_default())
}

/// The whole trail, page by page, so that a long one takes the same memory. That it was taken along is an entry itself.
async fn audit_csv(State(console): State<Console>, request: Request) -> Response {
    let console = of_visitor(&console, &request);
    let store = Arc::clone(&console.installation.store);
    if let Err(error) = store.note(Deed::TrailExported, None, &console.by()).await {
        return refused(&internal(&error));
    }
    let encoder = match Encoder::new(Layout::Csv, FIELDS) {
        Ok(encoder) => encoder,
        Err(error) => return refused(&internal(&error)),
    };
    let pages = try_unfold(Next::Head(store, encoder), next_page);
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    download("audit-trail.csv", kind, Body::from_stream(pages))
}

/// What comes next of an export.
enum Next {
    Head(Arc<dyn Store>, Encoder),
    /// Entries after this number.
    Entries(Arc<dyn Store>, Encoder, u64),
}

#[derive(Debug, thiserror::Error)]
#[error("the export broke off")]
struct BrokeOff;

async fn next_page(next: Next) -> Result<Option<(Bytes, Next)>, BrokeOff> {
    let broke_off = |error: &dyn std::error::Error| {
        error!(error = %with_sources(error), "the audit trail cannot be exported");
        BrokeOff
    };
    let whole = |bytes: Result<Vec<u8>, EncodeError>| bytes.map_err(|error| broke_off(&error));
    match next {
        Next::Head(store, encoder) => {
            let head = whole(encoder.head())?;
            Ok(Some((head.into(), Next::Entries(store, encoder, 0))))
        }
        Next::Entries(store, mut encoder, after) => {
            let entries = store.audit_after(after, ENTRIES_AT_ONCE).await;
            let entries = entries.map_err(|error| broke_off(&error))?;
            let Some(last) = entries.last().map(|entry| entry.number) else {
                return Ok(None);
            };
            let rows: Vec<Vec<Cell>> = entries.into_iter().map(cells).collect();
            let page = whole(encoder.page(&rows))?;
            Ok(Some((page.into(), Next::Entries(store, encoder, last))))
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    id: String,
}

async fn receipt_json(State(console): State<Console>, Query(asked): Query<Asked>) -> Response {
    match console.stored_receipt(&asked.id).await {
        Ok(receipt) => {
            let name = format!("receipt-{}.json", receipt.id);
            let kind = HeaderValue::from_static("application/json");
            download(&name, kind, Json(receipt).into_response().into_body())
        }
        Err(error) => refused(&error),
    }
}

/// `name` is one of ours, of letters that need no quoting.
fn download(name: &str, kind: HeaderValue, body: Body) -> Response {
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    if let Ok(named) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, named);
    }
    answer
}

fn refused(error: &AppError) -> Response {
    let status = match error {
        AppError::NotFound { .. } => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, format!("{error} {}\n", error.next_action())).into_response()
}
