#![doc = include_str!("../README.md")]

mod accounts;
mod activity;
mod audit;
mod column;
mod connections;
mod database;
mod deletion;
mod erasure;
mod error;
mod export;
mod overview;
mod pages;
mod records;
mod replay;
mod retention;
mod runs;
mod secrets;
mod sessions;
mod suppression;
mod trends;
mod views;

pub use database::SqliteStore;
