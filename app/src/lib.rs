#![doc = include_str!("../README.md")]

pub mod activity;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod connections;
pub mod error;
pub mod layout;
pub mod runs;
