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
use store::{AuditFilter, Cell, Deed, Store, targets};
use tracing::error;

use super::access::Ruled;
use crate::{
    console::{Console, audit::filter_of, internal},
    error::with_sources,
    export::{EncodeError, Encoder, Layout},
    operations::trail::{FIELDS, cells},
};

/// Entries in memory at once.
const ENTRIES_AT_ONCE: u32 = 1_000;

pub(super) fn routes() -> Vec<Ruled<Console>> {
    vec![
        Ruled::file_for_admins(AUDIT_CSV, get(audit_csv)),
        Ruled::file_for_admins(RECEIPT_JSON, get(receipt_json)),
    ]
}

/// What the trail is narrowed to, as in the address of its page.
#[derive(Deserialize)]
struct Narrowed {
    deed: Option<String>,
    who: Option<String>,
}

/// The trail, page by page, so that a long one takes the same memory. That it was taken along is an entry itself.
async fn audit_csv(console: Console, Query(asked): Query<Narrowed>) -> Response {
    let filter = match filter_of(asked.deed.as_deref(), asked.who.as_deref()) {
        Ok(filter) => filter,
        Err(error) => return refused(&error),
    };
    let store = Arc::clone(&console.installation.store);
    let target = targets::entries(&filter);
    if let Err(error) = store.note(Deed::TrailExported, target, &console.by()).await {
        return refused(&internal(&error));
    }
    let encoder = match Encoder::new(Layout::Csv, FIELDS) {
        Ok(encoder) => encoder,
        Err(error) => return refused(&internal(&error)),
    };
    let export = Export {
        store,
        filter,
        encoder,
        after: None,
    };
    let pages = try_unfold(export, next_page);
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    download("audit-trail.csv", kind, Body::from_stream(pages))
}

/// An export that is under way.
struct Export {
    store: Arc<dyn Store>,
    filter: AuditFilter,
    encoder: Encoder,
    /// The last entry that was sent; `None` before the head.
    after: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
#[error("the export broke off")]
struct BrokeOff;

async fn next_page(mut export: Export) -> Result<Option<(Bytes, Export)>, BrokeOff> {
    let broke_off = |error: &dyn std::error::Error| {
        error!(error = %with_sources(error), "the audit trail cannot be exported");
        BrokeOff
    };
    let whole = |bytes: Result<Vec<u8>, EncodeError>| bytes.map_err(|error| broke_off(&error));
    let Some(after) = export.after else {
        let head = whole(export.encoder.head())?;
        export.after = Some(0);
        return Ok(Some((head.into(), export)));
    };
    let entries = export
        .store
        .audit_found_after(&export.filter, after, ENTRIES_AT_ONCE)
        .await;
    let entries = entries.map_err(|error| broke_off(&error))?;
    let Some(last) = entries.last().map(|entry| entry.number) else {
        return Ok(None);
    };
    export.after = Some(last);
    let rows: Vec<Vec<Cell>> = entries.into_iter().map(cells).collect();
    let page = whole(export.encoder.page(&rows))?;
    Ok(Some((page.into(), export)))
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
        AppError::Refused { .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, format!("{error} {}\n", error.next_action())).into_response()
}
