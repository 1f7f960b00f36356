//! Whole objects as files: the formats, and where the bytes go.

mod columnar;
mod encode;
mod target;

use clap::ValueEnum;

pub(crate) use encode::{EncodeError, Encoder, Layout};
pub(crate) use target::Target;

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// RFC 4180, with a header; what a spreadsheet would take for a formula begins with '
    Csv,
    /// One JSON object a line
    Ndjson,
    /// Columns with their types, compressed with snappy
    Parquet,
}
