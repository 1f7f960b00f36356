//! A tenant as a client meets it: every request goes through the router.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod access;
mod activity;
mod client;
mod faults;
mod members;
mod own_paths;
mod passing;
mod properties;
mod replies;
mod structure;
mod topics;
