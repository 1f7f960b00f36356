//! Your sessions, and your password.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{ChangePassword, EndYourOtherSessions, EndYourSession, check_confirmed, your_sessions},
    place::YOUR_SESSIONS,
    sessions::{Whose, sessions_table},
    view::SessionsView,
};
use crate::{
    error::AppError,
    ui::{
        head::sheet_head,
        password::password_first,
        problem::{Titles, failure_in_url, page_problem},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[
    (EndYourSession::PATH, "The session could not be ended"),
    (EndYourOtherSessions::PATH, "The sessions could not be ended"),
    (ChangePassword::PATH, "The password could not be changed"),
];

/// As the server wants them; more than this is no phrase.
const PASSWORD_CHARS_MIN: usize = 12;
const PASSWORD_CHARS_MAX: usize = 256;

#[component]
pub fn YourSessions() -> impl IntoView {
    let query = use_query_map();
    let content = Resource::new(|| (), |()| your_sessions());
    let may = Resource::new(|| (), |()| check_confirmed());
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Your sessions" />
        {sheet_head(Vec::new(), "Your sessions".to_owned())}
        <div class="page">
            <h1>"Your sessions"</h1>
            <p class="lead">"Where you are logged in. End what you do not know, then change your password."</p>
            {failure}
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => yours(view).into_any(),
                    Err(error) => page_problem(error, YOUR_SESSIONS.to_owned()).into_any(),
                }))}
            </Transition>
            <section class="own-password" aria-labelledby="password-title">
                <h2 class="section-title" id="password-title">"Change your password"</h2>
                <Transition>
                    {move || may.with(|may| may.as_ref().map(|may| match may {
                        Ok(()) => password_form().into_any(),
                        Err(AppError::Unconfirmed) => password_first(YOUR_SESSIONS).into_any(),
                        Err(error) => page_problem(error, YOUR_SESSIONS.to_owned()).into_any(),
                    }))}
                </Transition>
            </section>
        </div>
    }
}

fn yours(view: &SessionsView) -> impl IntoView + use<> {
    let others = view.rows.iter().filter(|session| !session.this).count();
    let end_others = (others > 0).then(|| {
        view! {
            <form class="after-table" method="post" action=EndYourOtherSessions::PATH>
                <button class="button danger" type="submit">"End all others"</button>
            </form>
        }
    });
    view! {
        {sessions_table(view, Whose::Yours)}
        {end_others}
    }
}

fn password_form() -> impl IntoView {
    let field = |name: &'static str, words: &'static str, told: Option<&'static str>| {
        view! {
            <label class="field">
                <span class="field-name">{words}</span>
                <input
                    type="password"
                    name=name
                    required
                    minlength=PASSWORD_CHARS_MIN.to_string()
                    maxlength=PASSWORD_CHARS_MAX.to_string()
                    autocomplete="new-password"
                />
                {told.map(|told| view! { <span class="small">{told}</span> })}
            </label>
        }
    };
    view! {
        <form class="form" method="post" action=ChangePassword::PATH>
            {field("password", "New password", Some("12 characters or more, such as four words that have nothing to do with each other."))}
            {field("again", "The same again", None)}
            <div class="form-actions">
                <button class="button primary" type="submit">"Change the password"</button>
            </div>
            <p class="small">"All your sessions end, this one too. You log in again with the new password."</p>
        </form>
    }
}
