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
    Answer, Api, Endpoint, Scope, accepted,
    objects::{self, Rows},
    page::{Asked, AskedQuery, LISTED, Page},
    problem::Problem,
};
use crate::queue::place_all;

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

async fn list(api: Api, query: AskedQuery) -> Result<Json<Page<Run>>, Problem> {
    let asked = Asked::read(query)?;
    let limit = asked.limit()?;
    let connection = asked.connection(&api).await?.map(|connection| connection.id);
    let before = match &asked.cursor {
        Some(cursor) => {
            let run = find(&api, cursor).await;
            Some(
                run.map_err(|_| Problem::malformed("cursor is not one that this list gave."))?
                    .id,
            )
        }
        None => None,
    };
    let mut runs = api.store.runs_before(connection, before, limit).await?;
    place_all(api.store.as_ref(), &mut runs, api.clock.now()).await?;
    let next = runs.last().filter(|_| runs.len() >= limit as usize);
    Ok(Json(Page {
        next: next.map(|run| run.id.to_string()),
        items: runs,
    }))
}

async fn one(api: Api, Path(id): Path<String>) -> Result<Json<Run>, Problem> {
    find(&api, &id).await.map(Json)
}

async fn invalid_records(api: Api, Path(id): Path<String>, query: AskedQuery) -> Result<Response, Problem> {
    let asked = Asked::read(query)?;
    let run = find(&api, &id).await?.id;
    let connection = asked.connection(&api).await?.map(|connection| connection.id);
    let rows = Rows {
        object: Object::InvalidRecords,
        connection,
        run: Some(run),
    };
    objects::rows(&api, rows, &asked).await
}

async fn cancel(api: Api, Path(id): Path<String>) -> Result<Response, Problem> {
    let run = find(&api, &id).await?.id;
    api.console.cancel_run(run).await?;
    find(&api, &id).await.map(accepted)
}

/// The run as it stands, with its place if it waits.
pub(super) async fn find(api: &Api, id: &str) -> Result<Run, Problem> {
    let unknown = || Problem::not_found("There is no such run.");
    let id: RunId = id.parse().map_err(|_| unknown())?;
    let mut run = api.store.run(id).await?.ok_or_else(unknown)?;
    place_all(api.store.as_ref(), [&mut run], api.clock.now()).await?;
    Ok(run)
}
