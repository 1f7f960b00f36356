//! A new account, and the one-time link by which someone comes to a password. The page answers its form itself.

use domain::Role;
use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    api::{AddAccount, OfferLink, check_confirmed},
    place::{ACCOUNTS, NEW_ACCOUNT},
    view::LinkView,
};
use crate::{
    answer::answer_of,
    error::AppError,
    ui::{
        head::{Crumb, sheet_head},
        moment::{self, moment},
        once::shown_once,
        password::password_first,
        problem::{action_problem, answer_status, page_problem},
        words,
    },
};

#[component]
pub fn NewAccount() -> impl IntoView {
    let (added, failed) = match answer_of::<AddAccount>() {
        Some(Ok(link)) => (Some(link), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let may = Resource::new(|| (), |()| check_confirmed());
    let shown = added.map(|link| {
        view! {
            <p class="lead">{format!("{} is added as {}.", link.email, words::role(link.role))}</p>
            {handed_over(&link)}
        }
    });
    let form = shown.is_none().then(|| {
        view! {
            <p class="lead">"You get a one-time link for them. With it they choose their own password."</p>
            {failed.map(|error| failure("The account could not be added", &error))}
            <Transition>
                {move || may.with(|may| may.as_ref().map(|may| match may {
                    Ok(()) => account_form().into_any(),
                    Err(AppError::Unconfirmed) => password_first(NEW_ACCOUNT).into_any(),
                    Err(error) => page_problem(error, NEW_ACCOUNT.to_owned()).into_any(),
                }))}
            </Transition>
        }
    });
    view! {
        <Title text="Add account" />
        {crumbs("Add account")}
        <div class="page">
            <h1>"Add account"</h1>
            {shown}
            {form}
        </div>
    }
}

/// Shows a new link for an account that there is. Without the form's answer there is nothing to show.
#[component]
pub fn NewLink() -> impl IntoView {
    let shown = match answer_of::<OfferLink>() {
        Some(Ok(link)) => view! {
            <p class="lead">{format!("For {}, {}.", link.email, words::role(link.role))}</p>
            {handed_over(&link)}
        }
        .into_any(),
        Some(Err(error)) => view! {
            {failure("The link could not be made", &error)}
            <p><a class="button" href=ACCOUNTS>"Back to the accounts"</a></p>
        }
        .into_any(),
        None => view! {
            <p class="lead">"A link is shown once, when it is made. Make a new one from the account's menu."</p>
            <p><a class="button" href=ACCOUNTS>"Go to the accounts"</a></p>
        }
        .into_any(),
    };
    view! {
        <Title text="One-time link" />
        {crumbs("One-time link")}
        <div class="page">
            <h1>"One-time link"</h1>
            {shown}
        </div>
    }
}

fn crumbs(here: &str) -> impl IntoView + use<> {
    let above = vec![Crumb::group("Administration"), Crumb::page("Accounts", ACCOUNTS)];
    sheet_head(above, here.to_owned())
}

fn failure(title: &'static str, error: &AppError) -> impl IntoView + use<> {
    answer_status(error);
    action_problem(title, error)
}

fn handed_over(link: &LinkView) -> impl IntoView + use<> {
    let until = moment::day_time(link.expires_at, link.as_of);
    view! {
        {shown_once("One-time link", &link.url)}
        <ul class="once-words">
            <li>"Hand it to them yourself, on a way that only they read. Whoever has it chooses the password."</li>
            <li>"It can be used once, until " {moment(link.expires_at, until)} "."</li>
            <li>"It is not shown again. If it is lost, make a new one."</li>
        </ul>
        <p><a class="button" href=ACCOUNTS>"Back to the accounts"</a></p>
    }
}

fn account_form() -> impl IntoView {
    let choice = |role: Role, checked: bool, told: &'static str| {
        view! {
            <label class="choice">
                <input type="radio" name="role" value=role.as_str() checked=checked required />
                <span>{words::role(role)} <span class="small">{told}</span></span>
            </label>
        }
    };
    view! {
        <form class="form" method="post" action=NEW_ACCOUNT>
            <label class="field">
                <span class="field-name">"Email"</span>
                <input type="email" name="email" required maxlength="254" autocomplete="off" />
                <span class="small">"They log in with it."</span>
            </label>
            <fieldset>
                <legend>"Role"</legend>
                {choice(Role::Csm, true, " reads what customers do")}
                {choice(Role::Admin, false, " changes connections, rules, accounts and tokens, and may erase people")}
            </fieldset>
            <div class="form-actions">
                <button class="button primary" type="submit">"Add the account"</button>
                <a class="button" href=ACCOUNTS>"Add none"</a>
            </div>
        </form>
    }
}
