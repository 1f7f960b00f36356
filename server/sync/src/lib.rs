#![doc = include_str!("../README.md")]

mod clock;
mod source;

pub use clock::{Clock, Ids};
pub use source::{Failure, Fetched, Page, PageRequest, Served, Source};
