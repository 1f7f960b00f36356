#![doc = include_str!("../README.md")]

mod activity;
mod column;
mod connections;
mod database;
mod deletion;
mod erasure;
mod error;
mod export;
mod figures;
mod overview;
mod pages;
mod records;
mod replay;
mod retention;
mod runs;
mod secrets;
mod suppression;
mod trends;
mod views;

pub use database::SqliteStore;
