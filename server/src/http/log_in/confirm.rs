//! `/confirm`: someone who is logged in gives the password again, before a change that nobody who finds a browser open
//! should make.

use app::{
    place::{CONFIRM, LOG_IN},
    ui::markup::Text,
};
use axum::{
    Extension, Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    Entrance, OwnPath,
    form::{blocked, full, wrong},
    look::{Trouble, hidden, password_field},
    wait,
};
use crate::{
    accounts::Confirmed,
    visitor::{CONFIRMED_FOR, LoggedIn, Visitor},
};

#[derive(Deserialize)]
pub(super) struct Asked {
    next: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Filled {
    password: String,
    next: Option<String>,
}

/// Leads back to `next`, or to the page that the visitor comes from.
pub(super) async fn show(
    State(entrance): State<Entrance>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let next = match asked.next {
        Some(next) => OwnPath::read(&next),
        None => OwnPath::of_referer(&headers),
    };
    let Some(logged_in) = visitor.logged_in() else {
        return Redirect::to(LOG_IN).into_response();
    };
    if visitor.confirmed(entrance.door.now()) {
        return lead_back(next.as_ref());
    }
    page(&entrance, logged_in, next.as_ref(), None)
}

pub(super) async fn take(
    State(entrance): State<Entrance>,
    Extension(visitor): Extension<Visitor>,
    Form(filled): Form<Filled>,
) -> Response {
    let Some(logged_in) = visitor.logged_in() else {
        return Redirect::to(LOG_IN).into_response();
    };
    let next = filled.next.as_deref().and_then(OwnPath::read);
    let by = visitor.by(entrance.door.now());
    let password = SecretString::from(filled.password);
    let refused = |trouble| page(&entrance, logged_in, next.as_ref(), Some(trouble));
    match entrance.door.confirm(logged_in, password, &by).await {
        Ok(Confirmed::Done(token)) => {
            let mut response = lead_back(next.as_ref());
            entrance.cookies.set_session(&token, response.headers_mut());
            response
        }
        Ok(Confirmed::Wrong { left }) => refused(wrong("That is not your password.", left)),
        Ok(Confirmed::BlockedUntil(until)) => wait::until(refused(blocked(until, by.at)), until, by.at),
        Ok(Confirmed::Full) => refused(full()),
        Ok(Confirmed::Over) => Redirect::to(LOG_IN).into_response(),
        Err(error) => entrance.look.failed(&error),
    }
}

fn lead_back(next: Option<&OwnPath>) -> Response {
    Redirect::to(next.map_or("/", OwnPath::as_str)).into_response()
}

fn page(
    entrance: &Entrance,
    visitor: &LoggedIn,
    next: Option<&OwnPath>,
    trouble: Option<Trouble>,
) -> Response {
    let status = trouble.as_ref().map_or(StatusCode::OK, |trouble| trouble.status);
    let email = Text(&visitor.account.email);
    let content = format!(
        r#"<p class="lead">for {email}, before a change that is hard to take back. It counts for {minutes} minutes.</p>
{trouble}
<form class="form" method="post" action="{CONFIRM}">{hidden}
<input class="visually-hidden" type="email" autocomplete="username" value="{email}" tabindex="-1" aria-hidden="true" readonly>
{password}
<div class="form-actions"><button class="button primary" type="submit">Confirm</button>
<a class="button" href="{back}">Go back</a></div>
</form>"#,
        minutes = CONFIRMED_FOR.num_minutes(),
        trouble = trouble.map_or_else(String::new, |trouble| trouble.to_string()),
        hidden = next.map_or_else(String::new, |next| hidden("next", next.as_str())),
        password = password_field("Password", "current-password", "autofocus"),
        back = Text(next.map_or("/", OwnPath::as_str)),
    );
    entrance.look.page(status, "Give your password", &content)
}
