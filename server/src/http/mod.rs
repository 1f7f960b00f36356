//! The HTTP face: pages, server functions, files and health.

mod assets;
mod health;
mod pages;
mod router;
mod security;
mod server;

pub(crate) use assets::Site;
pub(crate) use pages::Pages;
pub(crate) use router::{Served, router};
pub(crate) use security::{Hosts, cross_site};
pub(crate) use server::serve;
