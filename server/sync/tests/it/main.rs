//! The engine with a real store and a real connector, against a simulated tenant whose truth is known.

#[path = "../common/mod.rs"]
mod common;
mod community;
mod deletion;
mod incremental;
mod knowing;
mod large;
mod passing;
mod resuming;
mod truth;
