//! `/log-in`

use app::{place::LOG_IN, ui::markup::Text};
use axum::{
    Extension, Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use store::WAIT_MAX;

use super::{
    Entrance, OwnPath,
    look::{Trouble, hidden, password_field},
    wait,
};
use crate::{
    accounts::{Attempt, Issued, LogIn},
    http::client::Client,
    visitor::Visitor,
};

/// What the page says when something else led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    LoggedOut,
    PasswordSet,
}

impl Note {
    const ALL: [Self; 2] = [Self::LoggedOut, Self::PasswordSet];

    fn name(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged-out",
            Self::PasswordSet => "password-set",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::LoggedOut => "You are logged out.",
            Self::PasswordSet => "Your password is set. Log in with it.",
        }
    }

    /// Of the page with this note.
    pub(super) fn address(self) -> String {
        format!("{LOG_IN}?note={}", self.name())
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    next: Option<String>,
    note: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Filled {
    email: String,
    password: String,
    next: Option<String>,
}

/// Everything that differs from one answer to another.
#[derive(Default)]
struct Shown<'a> {
    email: &'a str,
    next: Option<&'a OwnPath>,
    note: Option<Note>,
    trouble: Option<Trouble>,
}

pub(super) async fn show(
    State(entrance): State<Entrance>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    // A link of a page whose session is over leads back to that page.
    let next = match (&asked.next, &asked.note) {
        (Some(next), _) => OwnPath::read(next),
        (None, None) => OwnPath::of_referer(&headers),
        (None, Some(_)) => None,
    };
    if visitor.logged_in().is_some() {
        return lead_on(next.as_ref());
    }
    let note = asked.note.as_deref();
    let note = Note::ALL.into_iter().find(|known| Some(known.name()) == note);
    page(
        &entrance,
        &Shown {
            next: next.as_ref(),
            note,
            ..Shown::default()
        },
    )
}

pub(super) async fn take(
    State(entrance): State<Entrance>,
    Extension(client): Extension<Client>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Response {
    let next = filled.next.as_deref().and_then(OwnPath::read);
    let attempt = Attempt {
        email: filled.email.clone(),
        password: SecretString::from(filled.password),
        caller: entrance.caller(client, &headers),
    };
    let came_of_it = match entrance.door.log_in(attempt).await {
        Ok(came_of_it) => came_of_it,
        Err(error) => return entrance.look.failed(&error),
    };
    let now = entrance.door.now();
    let refused = |trouble| {
        page(
            &entrance,
            &Shown {
                email: &filled.email,
                next: next.as_ref(),
                trouble: Some(trouble),
                ..Shown::default()
            },
        )
    };
    match came_of_it {
        LogIn::Done(issued) => let_in(&entrance, &visitor, &issued, next.as_ref()).await,
        LogIn::Wrong { left } => refused(wrong("Email and password do not match an account.", left)),
        LogIn::BlockedUntil(until) => wait::until(refused(blocked(until, now)), until, now),
        LogIn::Full => refused(full()),
    }
}

/// Gives the browser its cookies, and leads to where the visitor wanted to be. Whatever session the browser had is over.
async fn let_in(entrance: &Entrance, visitor: &Visitor, issued: &Issued, next: Option<&OwnPath>) -> Response {
    if let Some(former) = visitor.logged_in() {
        let by = visitor.by(entrance.door.now());
        if let Err(error) = entrance.door.log_out(former.session.id, &by).await {
            return entrance.look.failed(&error);
        }
    }
    let mut response = lead_on(next);
    entrance.cookies.issue(issued, response.headers_mut());
    response
}

fn lead_on(next: Option<&OwnPath>) -> Response {
    Redirect::to(next.map_or("/", OwnPath::as_str)).into_response()
}

/// After a password that does not fit.
pub(super) fn wrong(title: &str, left: u32) -> Trouble {
    let next = match left {
        0 => format!(
            "Your turn: wait half a minute, then try again. Each further try makes the wait longer, up to {} minutes.",
            WAIT_MAX.as_secs() / 60
        ),
        1 => "Your turn: try again. 1 try is left, then a wait.".to_owned(),
        left => format!("Your turn: try again. {left} tries are left, then a wait."),
    };
    Trouble::new(StatusCode::UNAUTHORIZED, title, next)
}

pub(super) fn blocked(until: DateTime<Utc>, now: DateTime<Utc>) -> Trouble {
    Trouble::new(
        StatusCode::TOO_MANY_REQUESTS,
        "Too many passwords from here did not fit.",
        format!(
            "Your turn: wait {}, then try again. In a browser that you have logged in with before, what others try \
             does not hold you up.",
            wait::in_words(until - now)
        ),
    )
}

pub(super) fn full() -> Trouble {
    Trouble::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Too many people log in at this moment.",
        "Your turn: try again in some seconds.",
    )
}

fn page(entrance: &Entrance, shown: &Shown<'_>) -> Response {
    let status = shown
        .trouble
        .as_ref()
        .map_or(StatusCode::OK, |trouble| trouble.status);
    let note = shown.note.map_or_else(String::new, |note| {
        format!(r#"<p class="done-note" role="status">{}</p>"#, note.words())
    });
    let trouble = shown
        .trouble
        .as_ref()
        .map_or_else(String::new, Trouble::to_string);
    let next = shown
        .next
        .map_or_else(String::new, |next| hidden("next", next.as_str()));
    let (email_focus, password_focus) = if shown.email.is_empty() {
        ("autofocus", "")
    } else {
        ("", "autofocus")
    };
    let content = format!(
        r#"<p class="lead">to the console of {console}</p>
{note}{trouble}
<form class="form" method="post" action="{LOG_IN}">{next}
<label class="field"><span class="field-name">Email</span>
<input name="email" type="email" required autocomplete="username" value="{email}" {email_focus}></label>
{password}
<button class="button primary" type="submit">Log in</button>
</form>
<p class="small">No account, or a lost password? An operator makes a one-time link with <code>tributary account add</code>
or <code>tributary account reset</code>. The link for the very first account is in the log of <code>tributary serve</code>.</p>"#,
        console = Text(&entrance.look.console),
        email = Text(shown.email),
        password = password_field("Password", "current-password", password_focus),
    );
    entrance.look.page(status, "Log in", &content)
}
