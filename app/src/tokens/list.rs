//! Administration > API tokens: what programs show to be let in.

use chrono::{DateTime, Utc};
use domain::{Scope, TokenState};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{RevokeToken, tokens},
    place::{NEW_TOKEN, TOKENS, TokensPlace},
    view::{TokenRow, TokensView},
};
use crate::{
    error::AppError,
    ui::{
        dialog::Dialog,
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        moment::{self, Relative, moment},
        problem::{Titles, failure_in_url, page_problem},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[(RevokeToken::PATH, "The token could not be revoked")];

#[component]
pub fn Tokens() -> impl IntoView {
    let query = use_query_map();
    let place = Memo::new(move |_| query.with(TokensPlace::read));
    let content = Resource::new(|| (), |()| tokens());
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="API tokens" />
        {sheet_head(vec![Crumb::group("Administration")], "API tokens".to_owned())}
        <div class="page">
            <div class="title-row">
                <div>
                    <h1>"API tokens"</h1>
                    <p class="lead">
                        "A program shows its token with each request to " <code>"/api/v1"</code>
                        ". What there is to ask for is described at "
                        <a class="link" href="/api/openapi.json" rel="external"><code>"/api/openapi.json"</code></a>
                        "."
                    </p>
                </div>
                <a class="button" href=NEW_TOKEN>"Make a token"</a>
            </div>
            {failure}
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) if view.rows.is_empty() => nothing().into_any(),
                    Ok(view) => list(view).into_any(),
                    Err(error) => page_problem(error, TOKENS.to_owned()).into_any(),
                }))}
                {move || question(place, content)}
            </Transition>
        </div>
    }
}

fn nothing() -> impl IntoView {
    view! {
        <section class="empty">
            <h2>"There is no token"</h2>
            <p>"Programs that read the data or start syncs need one each, so that each can be taken back alone."</p>
            <p><a class="button" href=NEW_TOKEN>"Make a token"</a></p>
        </section>
    }
}

fn list(view: &TokensView) -> impl IntoView + use<> {
    let rows: Vec<_> = view
        .rows
        .iter()
        .map(|token| row(token, view.as_of).into_any())
        .collect();
    view! {
        <table class="stacking">
            <caption class="visually-hidden">"API tokens, latest first"</caption>
            <thead>
                <tr>
                    <th scope="col">"Name"</th>
                    <th scope="col">"May"</th>
                    <th scope="col">"State"</th>
                    <th scope="col">"Last used"</th>
                    <th scope="col">"Expires"</th>
                    <th scope="col">"Made"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn row(row: &TokenRow, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    let token = &row.token;
    let day = |at: DateTime<Utc>| moment(at, moment::day_of_year(at.date_naive(), as_of));
    let used = match token.last_used_at {
        Some(at) => Relative::Ago.moment(at, as_of).into_any(),
        None => "Never".into_any(),
    };
    let by = row.made_by.as_deref().unwrap_or("an operator");
    view! {
        <tr>
            <th scope="row">{token.name.clone()}</th>
            <td data-label="May">{scopes_in_words(&token.scopes)}</td>
            <td>{state(row.state)}</td>
            <td data-label="Last used">{used}</td>
            <td data-label="Expires">{day(token.expires_at)}</td>
            <td data-label="Made">{day(token.created_at)} {format!(" by {by}")}</td>
            <td class="number">{revoke(row)}</td>
        </tr>
    }
}

pub fn scopes_in_words(scopes: &[Scope]) -> String {
    let words: Vec<_> = scopes.iter().map(|scope| scope_in_words(*scope)).collect();
    words.join(", ")
}

pub fn scope_in_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read the data",
        Scope::Sync => "start and stop syncs",
        Scope::Import => "import companies and people",
    }
}

fn state(state: TokenState) -> impl IntoView {
    let (tone, shape, word, why) = match state {
        TokenState::Active => ("ok", Icon::TickCircle, "Active", None),
        TokenState::Expired => ("idle", Icon::Clock, "Expired", None),
        TokenState::Revoked => ("idle", Icon::MinusCircle, "Revoked", None),
        TokenState::Suspended => (
            "warn",
            Icon::BarsCircle,
            "Suspended",
            Some("Whoever made it is no active admin."),
        ),
    };
    view! {
        <span class=format!("state {tone}")>{icon(shape)}{word}</span>
        {why.map(|why| view! { " " <span class="small">{why}</span> })}
    }
}

fn revoke(row: &TokenRow) -> Option<impl IntoView + use<>> {
    if matches!(row.state, TokenState::Revoked | TokenState::Expired) {
        return None;
    }
    let place = TokensPlace {
        revoke: Some(row.token.id),
    };
    let label = format!("Revoke the token {}", row.token.name);
    Some(view! { <a class="button" href=place.href() data-noscroll="" aria-label=label>"Revoke…"</a> })
}

/// Asks before a token is revoked: a state of the page at its own URL, with or without scripts.
fn question(place: Memo<TokensPlace>, content: Resource<Result<TokensView, AppError>>) -> Option<AnyView> {
    let id = place.get().revoke?;
    content.with(|content| {
        let view = content.as_ref()?.as_ref().ok()?;
        let row = view.rows.iter().find(|row| row.token.id == id)?;
        (row.state != TokenState::Revoked).then(|| asked(row).into_any())
    })
}

fn asked(row: &TokenRow) -> impl IntoView + use<> {
    let (id, title) = (row.token.id.to_string(), format!("Revoke {}?", row.token.name));
    view! {
        <Dialog class="confirm" labelled_by="confirm-title" close=TOKENS.to_owned()>
            <div class="confirm-body">
                <h2 id="confirm-title">{title}</h2>
                <p>"The program that shows it is refused at once. This cannot be undone; make a new token instead."</p>
                <div class="confirm-actions">
                    <a class="button" href=TOKENS data-noscroll="" autofocus>"Keep it"</a>
                    <form method="post" action=RevokeToken::PATH>
                        <input type="hidden" name="token" value=id />
                        <button class="button danger" type="submit">"Revoke the token"</button>
                    </form>
                </div>
            </div>
        </Dialog>
    }
}
