#![doc = include_str!("../README.md")]

mod column;
mod connections;
mod database;
mod deletion;
mod error;
mod overview;
mod pages;
mod records;
mod runs;

pub use database::SqliteStore;
