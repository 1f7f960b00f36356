//! The HTTP face: pages, server functions, files and health.

mod access;
mod answered;
mod assets;
mod client;
mod cookies;
mod downloads;
mod headers;
mod health;
mod log_in;
mod metrics;
mod pace;
mod pages;
mod rest;
mod router;
mod security;
mod server;
mod sheets;
mod visit;

pub(crate) use assets::Site;
pub(crate) use client::TrustedProxies;
pub(crate) use cookies::Cookies;
pub(crate) use headers::BrowserRules;
pub(crate) use log_in::Look;
pub(crate) use pages::Pages;
pub(crate) use router::{Served, router};
pub(crate) use security::{Hosts, cross_site};
pub(crate) use server::serve;
pub(crate) use visit::Visits;

/// All routes with a rule that stands beside them, for the tests: the other two lists are in `app::access`.
#[cfg(test)]
pub(crate) fn ruled() -> Vec<(String, domain::Audience, Option<domain::Scope>)> {
    type Rule = (String, domain::Audience, Option<domain::Scope>);
    fn rules<S>(routes: Vec<access::Ruled<S>>) -> impl Iterator<Item = Rule> {
        routes
            .into_iter()
            .map(|route| (route.path, route.audience, route.scope))
    }
    rules(rest::routes())
        .chain(rules(log_in::routes()))
        .chain(rules(metrics::routes()))
        .chain(rules(downloads::routes()))
        .chain(rules(health::routes()))
        .collect()
}
