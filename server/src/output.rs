//! What commands print: data on stdout, as JSON or as a table, and messages on stderr.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::error::CommandError;

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints data: one JSON document, or what `text` makes of it.
    pub(crate) fn data<T: Serialize>(
        self,
        data: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), CommandError> {
        let printed = if self.json {
            serde_json::to_string_pretty(data).map_err(|error| {
                CommandError::failed(
                    format!("the answer cannot be written as JSON: {error}"),
                    "Report this to the maintainers.",
                )
            })?
        } else {
            text(data)
        };
        write_line(io::stdout(), printed.trim_end())
    }
}

/// Says something beside the data.
pub(crate) fn say(message: &str) {
    // A closed stderr must not end a sync.
    let _ = writeln!(io::stderr(), "{message}");
}

pub(crate) fn say_error(error: &CommandError) -> ExitCode {
    say(&error.to_string());
    error.exit.into()
}

/// A reader that closes early (`| head`) has read what it wanted.
fn write_line(mut to: impl Write, text: &str) -> Result<(), CommandError> {
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::failed(
            format!("the answer cannot be written to stdout: {error}"),
            "Check where stdout leads: disk space, permissions.",
        )),
        _ => Ok(()),
    }
}

/// Columns as wide as their widest cell; the last one is not padded.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: Vec<&str>| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect::<Vec<_>>();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(
        rows.iter()
            .map(|row| line(row.iter().map(String::as_str).collect())),
    );
    lines.join("\n")
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// A moment for people: UTC to the second, or a dash.
pub(crate) fn moment(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(
        || "–".to_owned(),
        |at| at.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            vec!["ä".to_owned(), "1".to_owned()],
            vec!["long".to_owned(), "2".to_owned()],
        ];
        assert_eq!(table(&["A", "B"], &rows), "A     B\nä     1\nlong  2");
        assert_eq!(table(&["A", "B"], &[]), "A  B");
    }
}
