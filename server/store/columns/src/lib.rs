#![doc = include_str!("../README.md")]

mod column;
pub mod companies;
pub mod engagement;
pub mod failed;
pub mod figures;
pub mod look_up;
pub mod matching;
pub mod runs;

pub use column::{Columns, corrupt, count, json_text, micros, time_of};
