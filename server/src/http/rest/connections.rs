//! Connections, how they are, and what can be done to them.

use app::{
    backend::Backend as _,
    connections::view::{CardCounts, ConnectionCard},
};
use axum::{
    Json,
    extract::Path,
    http::Method,
    response::Response,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use domain::{Audience, Cause, Connection, Health, RunId};
use serde::Serialize;

use super::{
    Answer, Endpoint, Scope, accepted,
    page::{Page, connection_of},
    problem::Problem,
    runs,
};
use crate::{console::Console, documents::ConnectionDocument};

/// A connection and how it is.
#[derive(Debug, Serialize)]
pub(super) struct ConnectionWithHealth {
    #[serde(flatten)]
    connection: ConnectionDocument,
    /// In one word; `cause` says why, if it fails.
    health: Health,
    cause: Option<Cause>,
    failures_in_a_row: u32,
    last_success_at: Option<DateTime<Utc>>,
    next_sync_at: Option<DateTime<Utc>>,
    /// The run that is queued or running.
    current_run_id: Option<RunId>,
    last_run_id: Option<RunId>,
    /// Rows stored; deleted ones left out.
    counts: CardCounts,
}

impl ConnectionWithHealth {
    pub(super) fn new(connection: &Connection, card: ConnectionCard) -> Self {
        Self {
            connection: connection.into(),
            health: card.health,
            cause: card.cause,
            failures_in_a_row: card.failures_in_a_row,
            last_success_at: card.last_success_at,
            next_sync_at: card.next_sync_at,
            current_run_id: card.current.map(|run| run.id),
            last_run_id: card.last.map(|run| run.id),
            counts: card.counts,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let on_one = |path: &str| format!("/api/v1/connections/{{tenant_id}}{path}");
    vec![
        Endpoint {
            method: Method::GET,
            path: "/api/v1/connections".to_owned(),
            audience: Audience::Admin,
            scope: Scope::Read,
            summary: "All connections with their health, by tenant; one page",
            query: &[],
            answer: Answer::Connections,
            handler: get(list),
        },
        Endpoint {
            method: Method::GET,
            path: on_one(""),
            audience: Audience::Admin,
            scope: Scope::Read,
            summary: "One connection with its health",
            query: &[],
            answer: Answer::Connection,
            handler: get(one),
        },
        Endpoint {
            method: Method::POST,
            path: on_one("/sync"),
            audience: Audience::Admin,
            scope: Scope::Sync,
            summary: "Ask for a sync now; 409 if one is queued or running, or the connection is deactivated",
            query: &[],
            answer: Answer::Accepted,
            handler: post(sync),
        },
        Endpoint {
            method: Method::POST,
            path: on_one("/activate"),
            audience: Audience::Admin,
            scope: Scope::Sync,
            summary: "Let syncs run again",
            query: &[],
            answer: Answer::Connection,
            handler: post(activate),
        },
        Endpoint {
            method: Method::POST,
            path: on_one("/deactivate"),
            audience: Audience::Admin,
            scope: Scope::Sync,
            summary: "Stop syncs; stored rows stay",
            query: &[],
            answer: Answer::Connection,
            handler: post(deactivate),
        },
    ]
}

async fn with_health(console: &Console) -> Result<Vec<ConnectionWithHealth>, Problem> {
    let mut cards = console.connections().await?.cards;
    let connections = console.installation.store.connections().await?;
    // One that was added in between has no card yet, and is told the next time.
    let told = connections.iter().filter_map(|connection| {
        let at = cards.iter().position(|card| card.id == connection.id)?;
        Some(ConnectionWithHealth::new(connection, cards.swap_remove(at)))
    });
    Ok(told.collect())
}

async fn list(console: Console) -> Result<Json<Page<ConnectionWithHealth>>, Problem> {
    Ok(Json(Page {
        items: with_health(&console).await?,
        next: None,
    }))
}

async fn one(console: Console, Path(tenant): Path<String>) -> Result<Json<ConnectionWithHealth>, Problem> {
    let connection = connection_of(&console, &tenant).await?;
    let cards = console.connections().await?.cards;
    let card = cards.into_iter().find(|card| card.id == connection.id);
    let card = card.ok_or_else(|| Problem::not_found("There is no connection to that tenant."))?;
    Ok(Json(ConnectionWithHealth::new(&connection, card)))
}

async fn sync(console: Console, Path(tenant): Path<String>) -> Result<Response, Problem> {
    let connection = connection_of(&console, &tenant).await?;
    let run = console.sync_now(connection.id).await?;
    runs::find(&console, &run.to_string()).await.map(accepted)
}

async fn activate(
    console: Console,
    Path(tenant): Path<String>,
) -> Result<Json<ConnectionWithHealth>, Problem> {
    let connection = connection_of(&console, &tenant).await?;
    console.activate(connection.id).await?;
    one(console, Path(tenant)).await
}

async fn deactivate(
    console: Console,
    Path(tenant): Path<String>,
) -> Result<Json<ConnectionWithHealth>, Problem> {
    let connection = connection_of(&console, &tenant).await?;
    console.deactivate(connection.id).await?;
    one(console, Path(tenant)).await
}
