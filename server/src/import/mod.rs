//! Files that operators import: read line by line, in constant memory, keeping what is good.

mod activity;
mod lines;

pub(crate) use activity::{ActivityFile, FileError};
