#![doc = include_str!("../README.md")]

mod accounts;
mod activity;
mod audit;
mod companies;
mod connections;
mod database;
mod deletion;
mod engagement;
mod erasure;
mod error;
mod export;
mod failed;
mod figures;
mod leaving;
mod look_up;
mod matching;
mod overview;
mod packed;
mod pages;
mod receipts;
mod records;
mod replay;
mod retention;
mod rules;
mod runs;
mod secrets;
mod sessions;
mod suppression;
mod sweep;
mod tokens;
mod trends;
mod views;

pub use database::SqliteStore;
