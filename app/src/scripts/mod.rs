//! What scripts add to every page.

pub mod api;
pub mod session;
