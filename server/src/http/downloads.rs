//! Files that pages lead to: the audit trail and the receipt of an erasure.

use std::sync::Arc;

use app::{audit::place::AUDIT_CSV, erasure::place::RECEIPT_JSON, error::AppError};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::Query,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream::try_unfold;
use serde::Deserialize;
use store::{Cell, Deed, Store};
use tracing::error;

use super::access::Ruled;
use crate::{
    backend::{Console, internal},
    error::with_sources,
    export::{EncodeError, Encoder, Layout},
    trail::{FIELDS, cells},
};

/// Entries in memory at once.
const ENTRIES_AT_ONCE: u32 = 1_000;

pub(super) fn routes() -> Vec<Ruled<Console>> {
    vec![
        Ruled::file_for_admins(AUDIT_CSV, get(audit_csv)),
        Ruled::file_for_admins(RECEIPT_JSON, get(receipt_json)),
    ]
}

/// The whole trail, page by page, so that a long one takes the same memory. That it was taken along is an entry itself.
async fn audit_csv(console: Console) -> Response {
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

async fn receipt_json(console: Console, Query(asked): Query<Asked>) -> Response {
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
