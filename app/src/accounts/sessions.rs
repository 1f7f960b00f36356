//! Administration > Accounts > Sessions: who is logged in, from where, and until when.

use chrono::{DateTime, Utc};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{EndSession, sessions},
    list::{AccountsTab, page_title, tabs},
    place::{ACCOUNTS, SESSIONS},
    view::{SessionRow, SessionsView},
};
use crate::ui::{
    head::{Crumb, sheet_head},
    moment::{self, Relative, moment},
    problem::{Titles, failure_in_url, page_problem},
};

/// What each action is called when it failed.
const TITLES: &Titles = &[(EndSession::PATH, "The session could not be ended")];

#[component]
pub fn Sessions() -> impl IntoView {
    let query = use_query_map();
    let content = Resource::new(|| (), |()| sessions());
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Sessions" />
        {sheet_head(
            vec![Crumb::group("Administration"), Crumb::page("Accounts", ACCOUNTS)],
            "Sessions".to_owned(),
        )}
        <div class="page">
            {page_title()}
            {failure}
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => view! {
                        {tabs(AccountsTab::Sessions, None, view.rows.len() as u64)}
                        {sessions_table(view, Whose::Everyones)}
                    }
                    .into_any(),
                    Err(error) => page_problem(error, SESSIONS.to_owned()).into_any(),
                }))}
            </Transition>
        </div>
    }
}

/// Whose sessions a table lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Everyones,
    Yours,
}

impl Whose {
    fn caption(self) -> &'static str {
        match self {
            Self::Everyones => "Sessions of all accounts, latest first",
            Self::Yours => "Your sessions, latest first",
        }
    }

    fn end_path(self) -> &'static str {
        match self {
            Self::Everyones => EndSession::PATH,
            Self::Yours => super::api::EndYourSession::PATH,
        }
    }
}

pub fn sessions_table(view: &SessionsView, whose: Whose) -> impl IntoView + use<> {
    let rows: Vec<_> = view
        .rows
        .iter()
        .map(|session| row(session, whose, view.as_of).into_any())
        .collect();
    let account = (whose == Whose::Everyones).then(|| view! { <th scope="col">"Account"</th> });
    view! {
        <table class="stacking">
            <caption class="visually-hidden">{whose.caption()}</caption>
            <thead>
                <tr>
                    {account}
                    <th scope="col">"Browser"</th>
                    <th scope="col">"Address"</th>
                    <th scope="col">"Began"</th>
                    <th scope="col">"Last seen"</th>
                    <th scope="col">"Ends"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn row(session: &SessionRow, whose: Whose, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    let this = session
        .this
        .then(|| view! { " " <span class="tag draft">"this one"</span> });
    let browser = match session.browser.as_str() {
        "" => "Not told".to_owned(),
        told => told.to_owned(),
    };
    let first = match whose {
        Whose::Everyones => view! {
            <th scope="row">{session.email.clone()}{this}</th>
            <td data-label="Browser">{browser}</td>
        }
        .into_any(),
        Whose::Yours => view! { <th scope="row">{browser}{this}</th> }.into_any(),
    };
    view! {
        <tr>
            {first}
            <td data-label="Address"><code>{session.address.clone()}</code></td>
            <td data-label="Began">{moment(session.began_at, moment::day_time(session.began_at, as_of))}</td>
            <td data-label="Last seen">{Relative::Ago.moment(session.last_seen_at, as_of)}</td>
            <td data-label="Ends">{Relative::Until.moment(session.ends_at, as_of)}</td>
            <td class="number">{end(session, whose)}</td>
        </tr>
    }
}

/// The one that asks ends by logging out.
fn end(session: &SessionRow, whose: Whose) -> AnyView {
    if session.this {
        return view! { <span class="small">"Log out ends it"</span> }.into_any();
    }
    let label = format!("End the session of {} from {}", session.email, session.address);
    view! {
        <form method="post" action=whose.end_path()>
            <input type="hidden" name="session" value=session.id.to_string() />
            <button class="button" type="submit" aria-label=label>"End"</button>
        </form>
    }
    .into_any()
}
