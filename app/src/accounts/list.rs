//! Administration > Accounts: who may log in, and what they may do.

use chrono::{DateTime, Utc};
use domain::Role;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{ChangeRole, DisableAccount, EnableAccount, accounts},
    place::{ACCOUNTS, AccountsPlace, Ask, NEW_ACCOUNT, SESSIONS},
    question::question,
    view::{AccountRow, AccountState, AccountsView},
};
use crate::{
    error::AppError,
    ui::{
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        moment::{self, moment},
        number::grouped,
        problem::{Titles, failure_in_url, page_problem},
        words,
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[
    (ChangeRole::PATH, "The role could not be changed"),
    (DisableAccount::PATH, "The account could not be disabled"),
    (EnableAccount::PATH, "The account could not be enabled"),
];

/// Why the last admin stays one; the server refuses it with the same words.
pub const LAST_ADMIN: &str = "The last admin stays one";

pub type AccountsResource = Resource<Result<AccountsView, AppError>>;

#[component]
pub fn Accounts() -> impl IntoView {
    let query = use_query_map();
    let place = Memo::new(move |_| query.with(AccountsPlace::read));
    let content = Resource::new(|| (), |()| accounts());
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Accounts" />
        {sheet_head(vec![Crumb::group("Administration")], "Accounts".to_owned())}
        <div class="page">
            {page_title()}
            {failure}
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => list(view).into_any(),
                    Err(error) => page_problem(error, ACCOUNTS.to_owned()).into_any(),
                }))}
                {move || question(place, content)}
            </Transition>
        </div>
    }
}

/// The head that stays while one goes from tab to tab.
pub fn page_title() -> impl IntoView {
    view! {
        <div class="title-row">
            <div>
                <h1>"Accounts"</h1>
                <p class="lead">"Who may log in to this console. An admin changes things; a CSM reads what customers do."</p>
            </div>
            <a class="button" href=NEW_ACCOUNT>"Add account"</a>
        </div>
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountsTab {
    Accounts,
    Sessions,
}

/// Each with its number, as far as the open one knows it.
pub fn tabs(open: AccountsTab, accounts: Option<u64>, sessions: u64) -> impl IntoView {
    let current = |tab: AccountsTab| (tab == open).then_some("page");
    let count = |number: u64| view! { " " <span class="count">{grouped(number)}</span> };
    view! {
        <nav class="tabs" aria-label="Accounts">
            <a href=ACCOUNTS aria-current=current(AccountsTab::Accounts)>"Accounts" {accounts.map(count)}</a>
            <a href=SESSIONS aria-current=current(AccountsTab::Sessions)>"Sessions" {count(sessions)}</a>
        </nav>
    }
}

fn list(view: &AccountsView) -> impl IntoView + use<> {
    let rows: Vec<_> = view
        .rows
        .iter()
        .map(|account| row(account, view.as_of).into_any())
        .collect();
    view! {
        {tabs(AccountsTab::Accounts, Some(view.rows.len() as u64), view.sessions)}
        <table class="stacking">
            <caption class="visually-hidden">"Accounts, by address"</caption>
            <thead>
                <tr>
                    <th scope="col">"Address"</th>
                    <th scope="col">"Role"</th>
                    <th scope="col">"State"</th>
                    <th scope="col">"Since"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn row(account: &AccountRow, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    let since = moment::day_time(account.since, as_of);
    view! {
        <tr>
            <th scope="row">
                {account.email.clone()} " "
                {account.you.then(|| view! { <span class="tag draft">"you"</span> })}
            </th>
            <td data-label="Role">{words::role(account.role)}</td>
            <td>{state(account.state)}</td>
            <td data-label="Since">{moment(account.since, since)}</td>
            <td class="number">{menu(account)}</td>
        </tr>
    }
}

fn state(state: AccountState) -> impl IntoView {
    let (tone, shape, word) = match state {
        AccountState::Active => ("ok", Icon::TickCircle, "Active"),
        AccountState::NoPassword => ("warn", Icon::Clock, "No password yet"),
        AccountState::Disabled => ("idle", Icon::BarsCircle, "Disabled"),
    };
    view! { <span class=format!("state {tone}")>{icon(shape)}{word}</span> }
}

/// What can be done to an account. No item is hidden; one that cannot be used says why.
fn menu(account: &AccountRow) -> impl IntoView + use<> {
    let target = format!("menu-{}", account.id);
    let items = if account.state == AccountState::Disabled {
        enable_form(account).into_any()
    } else {
        view! {
            {item(account, Ask::Link, Icon::Link, "New one-time link…", None)}
            {item(account, Ask::Role, Icon::Key, other_role_words(account.role), last_admin(account))}
            {item(account, Ask::Disable, Icon::BarsCircle, "Disable…", last_admin(account))}
        }
        .into_any()
    };
    view! {
        <button
            class="icon-button"
            type="button"
            popovertarget=target.clone()
            aria-label=format!("Actions for {}", account.email)
            inner_html=Icon::Dots.svg()
        ></button>
        <div class="menu" id=target popover="auto">{items}</div>
    }
}

fn last_admin(account: &AccountRow) -> Option<&'static str> {
    account.last_admin.then_some(LAST_ADMIN)
}

fn other_role_words(role: Role) -> &'static str {
    match role {
        Role::Admin => "Make a CSM…",
        Role::Csm => "Make an admin…",
    }
}

/// A link to the question, or why it is not asked.
fn item(account: &AccountRow, ask: Ask, shape: Icon, words: &str, why_not: Option<&str>) -> AnyView {
    let class = if ask == Ask::Disable {
        "menu-item danger"
    } else {
        "menu-item"
    };
    if let Some(why) = why_not {
        let told = format!("{shape}<span>{words} <small>{why}</small></span>");
        return view! { <button class="menu-item" type="button" aria-disabled="true" inner_html=told></button> }
            .into_any();
    }
    let href = AccountsPlace::asking(ask, account.id).href();
    view! { <a class=class href=href data-noscroll="" inner_html=format!("{shape}{words}")></a> }.into_any()
}

/// It asks nothing first: what was disabled can be disabled again.
fn enable_form(account: &AccountRow) -> impl IntoView + use<> {
    view! {
        <form method="post" action=EnableAccount::PATH>
            <input type="hidden" name="account" value=account.id.to_string() />
            <button class="menu-item" type="submit" inner_html=format!("{}Enable", Icon::TickCircle)></button>
        </form>
    }
}
