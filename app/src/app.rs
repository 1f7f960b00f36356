//! The pages and their addresses.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Redirect, Route, Router, Routes},
    path,
};

use crate::{
    companies::{company::Company, form::NewCompany, list::Customers},
    error::AppError,
    layout::Frame,
    page::CommunityManagement,
    place::COMMUNITY_MANAGEMENT,
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
                    <Route path=path!("/customers") view=Customers ssr=SsrMode::Async />
                    <Route path=path!("/customers/company") view=Company ssr=SsrMode::Async />
                    <Route path=path!("/customers/new") view=NewCompany ssr=SsrMode::Async />
                </Routes>
            </Frame>
        </Router>
    }
}

/// There is one page so far, so the address of the installation leads to it.
#[component]
fn Start() -> impl IntoView {
    redirect_answer();
    view! { <Redirect path=COMMUNITY_MANAGEMENT /> }
}

/// The framework redirects only those who ask for HTML by name; scripts and monitors get the same answer here.
#[cfg(feature = "ssr")]
fn redirect_answer() {
    use axum::http::{HeaderValue, StatusCode, header::LOCATION};

    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(StatusCode::FOUND);
        response.insert_header(LOCATION, HeaderValue::from_static(COMMUNITY_MANAGEMENT));
    }
}

#[cfg(not(feature = "ssr"))]
fn redirect_answer() {}

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
                <a class="button" href=COMMUNITY_MANAGEMENT>
                    "Go to Community Management"
                </a>
            </p>
        </div>
    }
}
