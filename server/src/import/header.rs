//! CSV with a header: which column is where, and the cells of a line.

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
};

use csv_core::{ReadRecordResult, Reader};

use super::lines::{Line, LineError, Lines};

/// Ids, types and names.
const TEXT_MAX_CHARS: usize = 255;

/// Of what a line says, as much as a message repeats.
const QUOTED_MAX_CHARS: usize = 60;

/// Why nothing of a file can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("the file is empty")]
    Empty,
    #[error("line {0}, the header, is {1}")]
    Unreadable(u64, LineError),
    #[error("the header {0:?} lacks the column {1}")]
    ColumnMissing(String, String),
    #[error("the header has a column {0:?}, which is unknown or there twice")]
    ColumnUnknown(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What becomes of columns that nobody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Refused,
    Ignored,
}

/// The names that a file gives to columns, by the names that they have here.
pub(crate) type ColumnNames = BTreeMap<String, String>;

#[derive(Debug)]
pub(crate) struct Header {
    /// Kept, since its tables take longer to make than a line to read.
    reader: Reader,
    /// Where each of the columns that are asked for is, in their order.
    places: Vec<usize>,
    width: usize,
    /// Columns that are ignored.
    pub(crate) ignored: Vec<String>,
}

impl Header {
    pub(crate) fn read(
        line: &str,
        columns: &[&str],
        names: &ColumnNames,
        others: Others,
    ) -> Result<Self, FileError> {
        let mut reader = Reader::new();
        let cells = cells(&mut reader, line).unwrap_or_default();
        let wanted: Vec<&str> = columns
            .iter()
            .map(|column| names.get(*column).map_or(*column, String::as_str))
            .collect();
        let mut found = vec![None; columns.len()];
        let mut ignored = Vec::new();
        for (index, cell) in cells.iter().enumerate() {
            let column = wanted.iter().position(|name| *name == cell.trim());
            match column.map(|column| &mut found[column]) {
                Some(place @ None) => *place = Some(index),
                None if others == Others::Ignored => ignored.push(quoted(cell.trim())),
                _ => return Err(FileError::ColumnUnknown(quoted(cell))),
            }
        }
        let place = |(found, name): (Option<usize>, &str)| {
            found.ok_or_else(|| FileError::ColumnMissing(quoted(line), name.to_owned()))
        };
        Ok(Self {
            reader,
            places: found
                .into_iter()
                .zip(wanted)
                .map(place)
                .collect::<Result<_, _>>()?,
            width: cells.len(),
            ignored,
        })
    }

    /// The cells of a line, in the order of the columns that were asked for.
    pub(crate) fn cells(&mut self, line: &str) -> Result<Vec<String>, String> {
        let mut cells = cells(&mut self.reader, line).ok_or("it cannot be read as CSV")?;
        if cells.len() != self.width {
            return Err(format!(
                "it has {} cells, but the header has {}",
                cells.len(),
                self.width
            ));
        }
        Ok(self
            .places
            .iter()
            .map(|place| std::mem::take(&mut cells[*place]))
            .collect())
    }
}

/// The cells of one line; `None` if they cannot be told apart.
fn cells(reader: &mut Reader, line: &str) -> Option<Vec<String>> {
    // No longer than the line, of which each cell but the last ends with a delimiter.
    let (mut text, mut ends) = (vec![0; line.len()], vec![0; line.len() + 1]);
    reader.reset();
    let (_, read, written, ended) = reader.read_record(line.as_bytes(), &mut text, &mut ends);
    // Nothing more to read ends the last cell.
    let (result, _, _, last) = reader.read_record(&[], &mut text[written..], &mut ends[ended..]);
    if read < line.len() || result != ReadRecordResult::Record {
        return None;
    }
    let mut start = 0;
    let cell = |end: &usize| {
        let bytes = text.get(std::mem::replace(&mut start, *end)..*end)?;
        Some(std::str::from_utf8(bytes).ok()?.to_owned())
    };
    ends[..ended + last].iter().map(cell).collect()
}

/// A line with its number, or why it is no row.
pub(crate) type Numbered<T> = (u64, Result<T, String>);

/// A file whose lines are rows of the same columns.
#[derive(Debug)]
pub(crate) struct Table<R> {
    lines: Lines<R>,
    pub(crate) header: Header,
}

impl<R: BufRead> Table<R> {
    /// Columns that are not asked for are ignored.
    pub(crate) fn open(reader: R, columns: &[&str], names: &ColumnNames) -> Result<Self, FileError> {
        let mut lines = Lines::new(reader);
        let Line { number, text } = lines.next()?.ok_or(FileError::Empty)?;
        let text = text.map_err(|error| FileError::Unreadable(number, error))?;
        let header = Header::read(&text, columns, names, Others::Ignored)?;
        Ok(Self { lines, header })
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> io::Result<Option<Numbered<Vec<String>>>> {
        let line = self.lines.next()?;
        Ok(line.map(|Line { number, text }| {
            let text = text.map_err(|error| error.to_string());
            (number, text.and_then(|text| self.header.cells(&text)))
        }))
    }
}

/// A cell without the spaces around it; `None` if it is empty.
pub(crate) fn text(name: &str, given: &str) -> Result<Option<String>, String> {
    let given = given.trim();
    if given.chars().count() > TEXT_MAX_CHARS {
        return Err(format!("{name} is longer than {TEXT_MAX_CHARS} characters"));
    }
    if given.contains(char::is_control) {
        return Err(format!("{name} {:?} has a control character", quoted(given)));
    }
    Ok((!given.is_empty()).then(|| given.to_owned()))
}

pub(crate) fn quoted(text: &str) -> String {
    if text.chars().count() <= QUOTED_MAX_CHARS {
        return text.to_owned();
    }
    let head: String = text.chars().take(QUOTED_MAX_CHARS).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Quotes at odd places, delimiters, other scripts.
        #[test]
        fn a_line_has_the_cells_that_a_reader_of_whole_files_finds(line in "([^\r\n]|[\",; é]){1,40}") {
            let mut file = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let record = file.records().next().map(|record| record.expect("text"));
            let expected = record.map(|record| record.iter().map(str::to_owned).collect::<Vec<_>>());
            let mut reader = Reader::new();
            prop_assert_eq!(&cells(&mut reader, &line), &expected);
            prop_assert_eq!(cells(&mut reader, &line), expected, "the next line");
        }
    }
}
