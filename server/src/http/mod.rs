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

/// A route with a rule that stands beside it.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct RuledRoute {
    pub(crate) path: String,
    /// That the rule is of: another method of the path may have a rule of its own.
    pub(crate) methods: Vec<axum::http::Method>,
    pub(crate) audience: domain::Audience,
    pub(crate) scope: Option<domain::Scope>,
}

/// All of them, for the tests: the other two lists are in `app::access`.
#[cfg(test)]
pub(crate) fn ruled() -> Vec<RuledRoute> {
    use axum::http::Method;

    fn rules<S>(routes: Vec<access::Ruled<S>>, methods: &[Method]) -> impl Iterator<Item = RuledRoute> {
        routes.into_iter().map(|route| RuledRoute {
            path: route.path,
            methods: methods.to_vec(),
            audience: route.audience,
            scope: route.scope,
        })
    }
    let both = [Method::GET, Method::POST];
    let imports: Vec<_> = rules(rest::imports(), &[Method::POST]).collect();
    let mut others: Vec<_> = rules(rest::routes(), &both)
        .chain(rules(log_in::routes(), &both))
        .chain(rules(metrics::routes(), &both))
        .chain(rules(downloads::routes(), &both))
        .chain(rules(sheets::routes(), &both))
        .chain(rules(health::routes(), &both))
        .collect();
    for route in &mut others {
        if imports.iter().any(|import| import.path == route.path) {
            route.methods = vec![Method::GET];
        }
    }
    others.extend(imports);
    others
}
