//! Runs: the log, one of them, what it set aside, and asking it to stop.

use app::backend::Backend as _;
use axum::{
    Json,
    extract::Path,
    http::Method,
    response::Response,
    routing::{get, post},
};
use domain::{Audience, Object, Run, RunId};

use super::{
    Answer, Endpoint, Scope, accepted,
    objects::{self, Rows},
    page::{Asked, AskedQuery, LISTED, Page},
    problem::Problem,
};
use crate::{console::Console, operations::queue::place_all};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint {
            method: Method::GET,
            path: "/api/v1/runs".to_owned(),
            audience: Audience::Admin,
            scope: Scope::Read,
            summary: "Runs, newest first",
            query: LISTED,
            answer: Answer::Runs,
            handler: get(list),
        },
        Endpoint {
            method: Method::GET,
            path: "/api/v1/runs/{run_id}".to_owned(),
            audience: Audience::Admin,
            scope: Scope::Read,
            summary: "One run with its whole ledger",
            query: &[],
            answer: Answer::Run,
            handler: get(one),
        },
        Endpoint {
            method: Method::GET,
            path: "/api/v1/runs/{run_id}/invalid-records".to_owned(),
            audience: Audience::Admin,
            scope: Scope::Read,
            summary: "What the run set aside",
            query: LISTED,
            answer: Answer::Rows(Object::InvalidRecords),
            handler: get(invalid_records),
        },
        Endpoint {
            method: Method::POST,
            path: "/api/v1/runs/{run_id}/cancel".to_owned(),
            audience: Audience::Admin,
            scope: Scope::Sync,
            summary: "Ask the run to stop; what is stored is kept",
            query: &[],
            answer: Answer::Accepted,
            handler: post(cancel),
        },
    ]
}

async fn list(console: Console, query: AskedQuery) -> Result<Json<Page<Run>>, Problem> {
    let asked = Asked::read(query)?;
    let limit = asked.limit()?;
    let connection = asked.connection(&console).await?.map(|connection| connection.id);
    let before = match &asked.cursor {
        Some(cursor) => {
            let run = find(&console, cursor).await;
            Some(
                run.map_err(|_| Problem::malformed("cursor is not one that this list gave."))?
                    .id,
            )
        }
        None => None,
    };
    let mut runs = console
        .installation
        .store
        .runs_before(connection, before, limit)
        .await?;
    place_all(
        console.installation.store.as_ref(),
        &mut runs,
        console.installation.clock.now(),
    )
    .await?;
    let next = runs.last().filter(|_| runs.len() >= limit as usize);
    Ok(Json(Page {
        next: next.map(|run| run.id.to_string()),
        items: runs,
    }))
}

async fn one(console: Console, Path(id): Path<String>) -> Result<Json<Run>, Problem> {
    find(&console, &id).await.map(Json)
}

async fn invalid_records(
    console: Console,
    Path(id): Path<String>,
    query: AskedQuery,
) -> Result<Response, Problem> {
    let asked = Asked::read(query)?;
    let run = find(&console, &id).await?.id;
    let connection = asked.connection(&console).await?.map(|connection| connection.id);
    let rows = Rows {
        object: Object::InvalidRecords,
        connection,
        run: Some(run),
    };
    objects::rows(&console, rows, &asked).await
}

async fn cancel(console: Console, Path(id): Path<String>) -> Result<Response, Problem> {
    let run = find(&console, &id).await?.id;
    console.cancel_run(run).await?;
    find(&console, &id).await.map(accepted)
}

/// The run as it stands, with its place if it waits.
pub(super) async fn find(console: &Console, id: &str) -> Result<Run, Problem> {
    let unknown = || Problem::not_found("There is no such run.");
    let id: RunId = id.parse().map_err(|_| unknown())?;
    let mut run = console.installation.store.run(id).await?.ok_or_else(unknown)?;
    place_all(
        console.installation.store.as_ref(),
        [&mut run],
        console.installation.clock.now(),
    )
    .await?;
    Ok(run)
}
