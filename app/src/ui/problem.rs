//! What went wrong, whose turn it is and what to do next.

use domain::Owner;
use leptos::{prelude::*, server_fn::error::ServerFnUrlError};
use leptos_router::params::ParamsMap;

use super::{
    command,
    icon::{Icon, icon},
    words,
};
use crate::{
    error::AppError,
    place::{CONFIRM, LOG_IN},
    scripts::Scripts,
};

/// Longest text that is shown of an error that came with the URL.
const URL_TEXT_MAX_CHARS: usize = 300;

/// In place of what could not be shown. The frame stays.
pub fn page_problem(error: &AppError, reload: String) -> impl IntoView + use<> {
    answer_status(error);
    let title = match error {
        AppError::NotFound { .. } => "There is nothing here",
        _ => "This part of the page could not be shown",
    };
    let lost = matches!(error, AppError::Unreachable { .. }).then_some("");
    if let (Some(_), Some(scripts)) = (lost, use_context::<Scripts>()) {
        Effect::new(move || scripts.lost_the_page());
    }
    view! {
        <section class="problem">
            <h2>{icon(Icon::CrossOctagon)}{title}</h2>
            <p>{error.to_string()}</p>
            {turn(error.owner(), &error.next_action())}
            {door(error)}
            <p>
                <a class="button" href=reload rel="external" data-lost=lost>
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
            {door(error)}
        </div>
    }
}

/// Where the visitor gets what the error says is missing. The server leads back to the page that was left.
fn door(error: &AppError) -> Option<impl IntoView + use<>> {
    let (href, words) = match error {
        AppError::NotLoggedIn => (LOG_IN, "Log in"),
        AppError::Unconfirmed => (CONFIRM, "Give your password"),
        _ => return None,
    };
    Some(view! {
        <p>
            <a class="button" href=href rel="external">
                {words}
            </a>
        </p>
    })
}

/// What an action is called when it failed, by the path of its server function.
pub type Titles = [(&'static str, &'static str)];

pub fn title_of(titles: &Titles, path: &str) -> &'static str {
    let known = titles.iter().find(|(known, _)| *known == path);
    known.map_or("This could not be done", |(_, title)| title)
}

/// Without scripts a failed action comes back with the URL. Anyone can write a URL, so only errors of the actions named
/// here are shown, as short plain text under our own heading.
pub fn failure_in_url(query: &ParamsMap, titles: &Titles) -> Option<AnyView> {
    let path = query.get_str("__path")?;
    let (_, title) = titles.iter().find(|(known, _)| *known == path)?;
    let error = query
        .get_str("__err")
        .map(ServerFnUrlError::<AppError>::decode_err)?;
    Some(action_problem(title, &bounded(error)).into_any())
}

fn bounded(error: AppError) -> AppError {
    let cut = |text: String| text.chars().take(URL_TEXT_MAX_CHARS).collect();
    match error {
        AppError::NotFound { what } => AppError::NotFound { what: cut(what) },
        AppError::Refused { what, next_action } => AppError::Refused {
            what: cut(what),
            next_action: cut(next_action),
        },
        AppError::Internal { reference } => AppError::Internal {
            reference: cut(reference),
        },
        AppError::Unreachable { detail } => AppError::Unreachable { detail: cut(detail) },
        named @ (AppError::NotLoggedIn | AppError::NotAllowed | AppError::Unconfirmed) => named,
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
        AppError::NotLoggedIn => StatusCode::UNAUTHORIZED,
        AppError::NotAllowed | AppError::Unconfirmed => StatusCode::FORBIDDEN,
        AppError::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        AppError::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(status);
    }
}

#[cfg(not(feature = "ssr"))]
pub fn answer_status(_error: &AppError) {}
