//! The engine with a real store and a real connector, against a simulated tenant whose truth is known.

#[path = "../common/mod.rs"]
mod common;
mod community;
mod incremental;
mod resuming;
mod truth;
