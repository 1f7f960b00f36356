//! Files that operators import: read line by line, in constant memory, keeping what is good.

mod activity;
mod bounces;
mod header;
mod lines;
mod parties;

pub(crate) use activity::ActivityFile;
pub(crate) use header::{ColumnNames, FileError};
pub(crate) use parties::{JsonRows, Parents, Party, PartyFile, Rows};
