//! A new token. The page answers its form itself, with the token in it.

use domain::Scope;
use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    api::AddToken,
    list::{scope_in_words, scopes_in_words},
    place::{NEW_TOKEN, TOKENS},
    view::NewTokenView,
};
use crate::{
    accounts::api::check_confirmed,
    answer::answer_of,
    error::AppError,
    ui::{
        head::{Crumb, sheet_head},
        moment::{self, moment},
        once::shown_once,
        password::password_first,
        problem::{action_problem, answer_status, page_problem},
    },
};

/// For how many days a token may be good, and what that is called.
pub const LIVES: [(u32, &str); 4] = [(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year")];
/// What is chosen unless someone says otherwise, in days.
const USUAL_LIFE: u32 = 90;
/// Longest name of a token, in characters: more is a mistake, and would break tables.
pub const NAME_MAX_CHARS: usize = 100;

#[component]
pub fn NewToken() -> impl IntoView {
    let (made, failed) = match answer_of::<AddToken>() {
        Some(Ok(made)) => (Some(made), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let may = Resource::new(|| (), |()| check_confirmed());
    let shown = made.map(|made| handed_over(&made));
    let form = shown.is_none().then(|| view! {
        <p class="lead">"One for each program, with no more than it needs, so that each can be taken back alone."</p>
        {failed.map(|error| {
            answer_status(&error);
            action_problem("The token could not be made", &error)
        })}
        <Transition>
            {move || may.with(|may| may.as_ref().map(|may| match may {
                Ok(()) => token_form().into_any(),
                Err(AppError::Unconfirmed) => password_first(NEW_TOKEN).into_any(),
                Err(error) => page_problem(error, NEW_TOKEN.to_owned()).into_any(),
            }))}
        </Transition>
    });
    view! {
        <Title text="Make a token" />
        {sheet_head(
            vec![Crumb::group("Administration"), Crumb::page("API tokens", TOKENS)],
            "Make a token".to_owned(),
        )}
        <div class="page">
            <h1>"Make a token"</h1>
            {shown}
            {form}
        </div>
    }
}

fn handed_over(made: &NewTokenView) -> impl IntoView + use<> {
    let token = &made.token;
    let until = moment::day_time(token.expires_at, made.as_of);
    view! {
        <p class="lead">{format!("{} may {}.", token.name, scopes_in_words(&token.scopes))}</p>
        {shown_once("Token", &made.text)}
        <ul class="once-words">
            <li>"The program sends it with each request: " <code>"Authorization: Bearer …"</code></li>
            <li>"It is good until " {moment(token.expires_at, until)} ", or until it is revoked."</li>
            <li>"It is not shown again. If it is lost, make a new one and revoke this one."</li>
        </ul>
        <p><a class="button" href=TOKENS>"Back to the tokens"</a></p>
    }
}

fn token_form() -> impl IntoView {
    let scopes = Scope::ALL.map(|scope| {
        view! {
            <label class="choice">
                <input type="checkbox" name="scopes[]" value=scope.as_str() checked=scope == Scope::Read />
                <span>{scope_in_words(scope)}</span>
            </label>
        }
    });
    let lives = LIVES.map(|(days, words)| {
        view! {
            <label class="choice">
                <input type="radio" name="days" value=days.to_string() checked=days == USUAL_LIFE required />
                <span>{words}</span>
            </label>
        }
    });
    view! {
        <form class="form" method="post" action=NEW_TOKEN>
            <label class="field">
                <span class="field-name">"Name"</span>
                <input name="name" required maxlength=NAME_MAX_CHARS.to_string() autocomplete="off" />
                <span class="small">"Of the program that will show it, such as nightly export."</span>
            </label>
            <fieldset>
                <legend>"It may"</legend>
                {scopes.into_iter().collect::<Vec<_>>()}
            </fieldset>
            <fieldset>
                <legend>"It is good for"</legend>
                {lives.into_iter().collect::<Vec<_>>()}
            </fieldset>
            <div class="form-actions">
                <button class="button primary" type="submit">"Make the token"</button>
                <a class="button" href=TOKENS>"Make none"</a>
            </div>
        </form>
    }
}
