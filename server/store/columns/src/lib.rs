#![doc = include_str!("../README.md")]

mod column;

pub use column::{Columns, corrupt, count, json_text, micros, time_of};
