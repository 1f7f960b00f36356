//! What went wrong, whose turn it is and what to do next.

use domain::Owner;
use leptos::prelude::*;

use super::{
    command,
    icon::{Icon, icon},
    words,
};
use crate::error::AppError;

/// In place of what could not be shown. The frame stays.
pub fn page_problem(error: &AppError, reload: String) -> impl IntoView + use<> {
    answer_status(error);
    let title = match error {
        AppError::NotFound { .. } => "There is nothing here",
        _ => "This part of the page could not be shown",
    };
    view! {
        <section class="problem">
            <h2>{icon(Icon::CrossOctagon)}{title}</h2>
            <p>{error.to_string()}</p>
            {turn(error.owner(), &error.next_action())}
            <p>
                <a class="button" href=reload rel="external">
                    "Reload"
                </a>
            </p>
        </section>
    }
}

/// Beside the action that failed.
pub fn action_problem(title: &'static str, error: &AppError) -> impl IntoView + use<> {
    view! {
        <div class="problem compact" role="alert">
            <p class="problem-title">{icon(Icon::CrossOctagon)}{title}</p>
            <p>{error.to_string()}</p>
            {turn(error.owner(), &error.next_action())}
        </div>
    }
}

/// `Your turn: ask an operator to run`, with the command where there is one.
pub fn turn(owner: Owner, next_action: &str) -> impl IntoView + use<> {
    let (action, command) = command::split(next_action);
    let (lead, action) = match owner {
        Owner::You => ("Your turn: ", words::lower_first(action)),
        Owner::Provider => ("The provider's turn. ", action.to_owned()),
        Owner::Us => ("Our turn. ", action.to_owned()),
    };
    view! {
        <p class="turn">
            <strong>{lead}</strong>
            {action}
        </p>
        {command.map(|text| command::command(text.to_owned()))}
    }
}

/// The page's status follows what it shows. Pages are sent when everything on them is known, so there is time for it.
#[cfg(feature = "ssr")]
pub fn answer_status(error: &AppError) {
    use axum::http::StatusCode;

    let status = match error {
        AppError::NotFound { .. } => StatusCode::NOT_FOUND,
        AppError::Refused { .. } => StatusCode::CONFLICT,
        AppError::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        AppError::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(status);
    }
}

#[cfg(not(feature = "ssr"))]
pub fn answer_status(_error: &AppError) {}
