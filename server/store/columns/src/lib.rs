#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod audit;
mod column;
pub mod companies;
pub mod connections;
pub mod engagement;
pub mod export;
pub mod failed;
pub mod figures;
pub mod look_up;
pub mod matching;
pub mod overview;
pub mod receipts;
pub mod records;
pub mod replay;
pub mod rules;
pub mod runs;
pub mod sessions;
pub mod sweeps;
pub mod tokens;

pub use column::{Columns, corrupt, count, json_text, micros, time_of};
