//! What is stored of the communities, object by object, in the order of its keys.

use axum::{
    http::Method,
    response::{IntoResponse as _, Response},
    routing::get,
};
use domain::{Audience, ConnectionId, Object, RunId};
use serde::Serialize;
use store::{ExportCursor, ExportQuery, StoreError, fields};

use super::{
    Answer, Endpoint, Scope, cursor,
    page::{Asked, AskedQuery, LISTED, Page},
    problem::Problem,
};
use crate::{console::Console, documents::ObjectRow};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |object: Object| Endpoint {
        method: Method::GET,
        path: format!("/api/v1/{object}"),
        audience: audience(object),
        scope: Scope::Read,
        summary: summary(object),
        query: LISTED,
        answer: Answer::Rows(object),
        handler: get(move |console: Console, query: AskedQuery| async move {
            let asked = Asked::read(query)?;
            let connection = asked.connection(&console).await?.map(|connection| connection.id);
            rows(
                &console,
                Rows {
                    object,
                    connection,
                    run: None,
                },
                &asked,
            )
            .await
        }),
    };
    Object::ALL.map(endpoint).into()
}

/// What customers do is for whoever looks after them; what could not be stored is for whoever repairs it.
fn audience(object: Object) -> Audience {
    match object {
        Object::InvalidRecords => Audience::Admin,
        Object::Users
        | Object::Content
        | Object::Activity
        | Object::Trends
        | Object::Categories
        | Object::IdeaStatuses => Audience::LoggedIn,
    }
}

fn summary(object: Object) -> &'static str {
    match object {
        Object::Users => "Members, matched with companies or not; deleted ones too",
        Object::Content => "Topics and replies; deleted ones too",
        Object::Activity => "What members did, such as viewing",
        Object::Trends => "Counts by day, company, kind and subtype",
        Object::Categories => "Categories and sections",
        Object::IdeaStatuses => "Idea statuses",
        Object::InvalidRecords => "Records that runs set aside, with the reason and what the provider served",
    }
}

/// Which rows are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) object: Object,
    pub(super) connection: Option<ConnectionId>,
    pub(super) run: Option<RunId>,
}

pub(super) async fn rows(console: &Console, rows: Rows, asked: &Asked) -> Result<Response, Problem> {
    let query = ExportQuery {
        object: rows.object,
        connection: rows.connection,
        run: rows.run,
        companies: None,
        limit: asked.limit()?,
    };
    let after = asked
        .cursor
        .as_deref()
        .map(|text| rows.read_cursor(text).ok_or_else(not_ours));
    let after = after.transpose()?;
    let page = console
        .installation
        .store
        .export_page(&query, after.as_ref())
        .await;
    let page = page.map_err(|error| match error {
        StoreError::Corrupt(_) if after.is_some() => not_ours(),
        other => other.into(),
    })?;
    let row = |cells| ObjectRow {
        fields: fields(rows.object),
        cells,
    };
    Ok(json(&Page {
        items: page.rows.iter().map(|cells| row(cells)).collect(),
        next: page.next.map(|cursor| rows.write_cursor(&cursor)),
    }))
}

fn json<T: Serialize>(document: &T) -> Response {
    axum::Json(document).into_response()
}

fn not_ours() -> Problem {
    Problem::malformed("cursor is not one that this list gave, with the same tenant_id.")
}

impl Rows {
    fn write_cursor(&self, cursor: &ExportCursor) -> String {
        cursor::write(&format!("{self:?}"), cursor)
    }

    fn read_cursor(&self, text: &str) -> Option<ExportCursor> {
        cursor::read(&format!("{self:?}"), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: Rows = Rows {
        object: Object::Users,
        connection: None,
        run: None,
    };

    #[test]
    fn a_cursor_comes_back_as_it_went_and_only_to_its_own_list() {
        let cursor = ExportCursor("[\"id\",[\"ü&=\"]]".to_owned());
        let text = USERS.write_cursor(&cursor);
        assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(USERS.read_cursor(&text), Some(cursor));
        let others = Rows {
            object: Object::Content,
            ..USERS
        };
        assert_eq!(others.read_cursor(&text), None);
        for wrong in [
            "",
            "1",
            "zz",
            &text[1..],
            &text[..text.len() - 1],
            &text[..text.len() - 2],
            "ü",
        ] {
            assert_eq!(USERS.read_cursor(wrong), None, "{wrong}");
        }
    }
}
