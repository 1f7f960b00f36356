//! The pages and their addresses.

use domain::Role;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Redirect, Route, Router, Routes},
    path,
};

use crate::{
    access::{Viewer, start_of},
    accounts::{
        list::Accounts,
        new::{NewAccount, NewLink},
        sessions::Sessions,
        yours::YourSessions,
    },
    audit::page::AuditTrail,
    companies::{company::Company, form::NewCompany, list::Customers},
    erasure::{page::Erase, receipt::Receipt},
    error::AppError,
    layout::Frame,
    page::CommunityManagement,
    tokens::{list::Tokens, new::NewToken},
    ui::problem,
    unification::{
        links::ManualLinks, member::Member, page::Unification, ticket::OneTicket, tickets::Tickets,
        users::UsersWithoutCompany,
    },
};

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|page| format!("{page} · Tributary") />
        <Router>
            <Frame>
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=Start />
                    // Sent when everything on it is known: complete without scripts, with the right status.
                    <Route
                        path=path!("/administration/general/community-management")
                        view=CommunityManagement
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/administration/general/unification")
                        view=Unification
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/administration/general/unification/users")
                        view=UsersWithoutCompany
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/administration/general/unification/links")
                        view=ManualLinks
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/administration/general/unification/tickets")
                        view=Tickets
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/administration/general/unification/ticket")
                        view=OneTicket
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/administration/general/unification/member")
                        view=Member
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("/administration/accounts") view=Accounts ssr=SsrMode::Async />
                    <Route path=path!("/administration/accounts/new") view=NewAccount ssr=SsrMode::Async />
                    <Route path=path!("/administration/accounts/link") view=NewLink ssr=SsrMode::Async />
                    <Route path=path!("/administration/accounts/sessions") view=Sessions ssr=SsrMode::Async />
                    <Route path=path!("/administration/api-tokens") view=Tokens ssr=SsrMode::Async />
                    <Route path=path!("/administration/api-tokens/new") view=NewToken ssr=SsrMode::Async />
                    <Route path=path!("/administration/audit-trail") view=AuditTrail ssr=SsrMode::Async />
                    <Route path=path!("/administration/erase") view=Erase ssr=SsrMode::Async />
                    <Route path=path!("/administration/erase/receipt") view=Receipt ssr=SsrMode::Async />
                    <Route path=path!("/your-sessions") view=YourSessions ssr=SsrMode::Async />
                    <Route path=path!("/customers") view=Customers ssr=SsrMode::Async />
                    <Route path=path!("/customers/company") view=Company ssr=SsrMode::Async />
                    <Route path=path!("/customers/new") view=NewCompany ssr=SsrMode::Async />
                </Routes>
            </Frame>
        </Router>
    }
}

/// The address of the installation leads to the page that the visitor's role begins with.
#[component]
fn Start() -> impl IntoView {
    let role = use_context::<Viewer>().and_then(|viewer| viewer.0);
    let start = start_of(role.unwrap_or(Role::Admin));
    redirect_answer(start);
    view! { <Redirect path=start /> }
}

/// The framework redirects only those who ask for HTML by name; scripts and monitors get the same answer here.
#[cfg(feature = "ssr")]
fn redirect_answer(start: &'static str) {
    use axum::http::{HeaderValue, StatusCode, header::LOCATION};

    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(StatusCode::FOUND);
        response.insert_header(LOCATION, HeaderValue::from_static(start));
    }
}

#[cfg(not(feature = "ssr"))]
fn redirect_answer(_start: &'static str) {}

#[component]
fn NotFound() -> impl IntoView {
    let missing = AppError::NotFound {
        what: "This page".to_owned(),
    };
    problem::answer_status(&missing);
    view! {
        <Title text="Not found" />
        <div class="page narrow">
            <h1>"This page does not exist"</h1>
            <p>"The address may be old or mistyped. Nothing was changed."</p>
            <p>
                <a class="button" href="/" rel="external">
                    "Go to the start"
                </a>
            </p>
        </div>
    }
}
