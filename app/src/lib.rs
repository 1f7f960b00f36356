#![doc = include_str!("../README.md")]

pub mod access;
pub mod accounts;
pub mod activity;
pub mod answer;
pub mod app;
pub mod audit;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod companies;
pub mod connections;
pub mod erasure;
pub mod error;
pub mod layout;
pub mod page;
pub mod place;
pub mod runs;
pub mod scripts;
pub mod shell;
pub mod tokens;
pub mod ui;
pub mod unification;

pub use app::App;
pub use shell::shell;
