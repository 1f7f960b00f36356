//! `/set-up`: a password is chosen with a one-time link, by whoever makes the first account or by someone who has one.

use app::{place::LOG_IN, ui::markup::Text};
use axum::{
    Extension, Form,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use secrecy::SecretString;
use serde::Deserialize;
use store::SetUp;

use super::{
    Entrance,
    form::{Note, full},
    look::{Trouble, hidden, password_field},
};
use crate::{
    accounts::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, SET_UP_PATH, Setting, Token, WeakPassword},
    visitor::Visitor,
};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub(super) struct Filled {
    #[serde(default)]
    token: String,
    /// Of the first account.
    #[serde(default)]
    email: String,
    password: String,
}

/// Looking at a link does not use it up: programs that check mail for bad links look, too.
pub(super) async fn show(State(entrance): State<Entrance>, Query(asked): Query<Asked>) -> Response {
    let Some(token) = Token::read(&asked.token) else {
        return spent(&entrance);
    };
    offer(&entrance, &token, "", None).await
}

pub(super) async fn take(
    State(entrance): State<Entrance>,
    Extension(visitor): Extension<Visitor>,
    Form(filled): Form<Filled>,
) -> Response {
    let Some(token) = Token::read(&filled.token) else {
        return spent(&entrance);
    };
    let by = visitor.by(entrance.door.now());
    let password = SecretString::from(filled.password);
    let set = entrance
        .door
        .choose_password(&token, &filled.email, password, &by);
    let trouble = match set.await {
        Ok(Setting::Done) => return Redirect::to(&Note::PasswordSet.address()).into_response(),
        Ok(Setting::Spent) => return spent(&entrance),
        Ok(Setting::Weak(weak)) => not_taken(weak),
        Ok(Setting::NoAddress) => Trouble::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "That is no email address.",
            "Your turn: correct it.",
        ),
        Ok(Setting::Full) => full(),
        Err(error) => return entrance.look.failed(&error),
    };
    offer(&entrance, &token, &filled.email, Some(trouble)).await
}

fn not_taken(weak: WeakPassword) -> Trouble {
    Trouble::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        format!("The password is not taken: {weak}."),
        "Your turn: choose another one, such as four words that have nothing to do with each other.",
    )
}

/// The form, if the link is good.
async fn offer(entrance: &Entrance, token: &Token, typed: &str, trouble: Option<Trouble>) -> Response {
    let (title, lead, email) = match entrance.door.set_up(token).await {
        Ok(Some(SetUp::Password(account))) => (
            "Choose your password",
            format!(
                "for {} on the console of {}",
                account.email, entrance.look.console
            ),
            // Where a password manager finds whose password it is to keep.
            format!(
                r#"<input class="visually-hidden" type="email" autocomplete="username" value="{}" tabindex="-1" aria-hidden="true" readonly>"#,
                Text(&account.email)
            ),
        ),
        Ok(Some(SetUp::FirstAccount)) => (
            "Make the first account",
            format!("of the console of {}. It is an admin's.", entrance.look.console),
            format!(
                r#"<label class="field"><span class="field-name">Email</span>
<input name="email" type="email" required autocomplete="username" value="{}"></label>"#,
                Text(typed)
            ),
        ),
        Ok(None) => return spent(entrance),
        Err(error) => return entrance.look.failed(&error),
    };
    let limits = format!(
        r#"minlength="{PASSWORD_CHARS_MIN}" maxlength="{PASSWORD_CHARS_MAX}" aria-describedby="password-hint""#
    );
    let status = trouble.as_ref().map_or(StatusCode::OK, |trouble| trouble.status);
    let content = format!(
        r#"<p class="lead">{lead}</p>
{trouble}
<form class="form" method="post" action="{SET_UP_PATH}">{token}
{email}
{password}
<p class="small" id="password-hint">{PASSWORD_CHARS_MIN} characters or more. Four words that have nothing to do with each other are good.</p>
<button class="button primary" type="submit">Set the password</button>
</form>"#,
        lead = Text(&lead),
        trouble = trouble.map_or_else(String::new, |trouble| trouble.to_string()),
        token = hidden("token", token.text()),
        password = password_field("New password", "new-password", &limits),
    );
    entrance.look.page(status, title, &content)
}

/// Whether the link was used, is too old, or never was, is not said to whoever tries links.
fn spent(entrance: &Entrance) -> Response {
    let trouble = Trouble::new(
        StatusCode::NOT_FOUND,
        "This link is good no more.",
        "Your turn: ask an operator for a new one. A link can be used once, and for four days.",
    );
    let content = format!(
        r#"{trouble}
<p class="small">An operator makes it with <code>tributary account reset</code>; while there is no account at all, the log of
<code>tributary serve</code> has a new one after each start.</p>
<p><a class="button" href="{LOG_IN}">Go to the log-in</a></p>"#
    );
    entrance
        .look
        .page(trouble.status, "Choose your password", &content)
}
