//! The HTTP face: pages, server functions, files and health.

mod assets;
mod client;
mod headers;
mod health;
mod metrics;
mod pace;
mod pages;
mod rest;
mod router;
mod security;
mod server;
mod sheets;

pub(crate) use assets::Site;
pub(crate) use client::TrustedProxies;
pub(crate) use headers::BrowserRules;
pub(crate) use pages::Pages;
pub(crate) use router::{Served, router};
pub(crate) use security::{Hosts, cross_site};
pub(crate) use server::serve;
