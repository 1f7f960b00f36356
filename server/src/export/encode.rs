//! Rows as bytes.

use chrono::SecondsFormat;
use store::{Cell, Field};

use super::columnar::Columnar;
use crate::documents::ObjectRow;

/// Spreadsheets take a cell that begins with one of these for a formula (OWASP, "CSV Injection").
const FORMULA_STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// Makes a spreadsheet take the cell for text.
const TEXT_MARK: char = '\'';

const LIST_SEPARATOR: &str = ";";

/// How rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Csv,
    Ndjson,
    /// One JSON document: an array of objects.
    Array,
    Parquet,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error(transparent)]
    Csv(#[from] csv::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Turns rows of one object into bytes, page by page.
pub(crate) struct Encoder {
    shape: Shape,
    fields: &'static [Field],
    rows: u64,
}

enum Shape {
    Csv,
    Ndjson,
    Array,
    Parquet(Box<Columnar>),
}

impl Encoder {
    pub(crate) fn new(layout: Layout, fields: &'static [Field]) -> Result<Self, EncodeError> {
        Ok(Self {
            shape: match layout {
                Layout::Csv => Shape::Csv,
                Layout::Ndjson => Shape::Ndjson,
                Layout::Array => Shape::Array,
                Layout::Parquet => Shape::Parquet(Box::new(Columnar::new(fields)?)),
            },
            fields,
            rows: 0,
        })
    }

    /// Rows encoded so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// What comes before the rows, which is there even if there are none.
    pub(crate) fn head(&self) -> Result<Vec<u8>, EncodeError> {
        match self.shape {
            Shape::Csv => csv_lines([self.fields.iter().map(|field| field.name.to_owned())]),
            Shape::Ndjson | Shape::Parquet(_) => Ok(Vec::new()),
            Shape::Array => Ok(b"[".to_vec()),
        }
    }

    pub(crate) fn page(&mut self, rows: &[Vec<Cell>]) -> Result<Vec<u8>, EncodeError> {
        let bytes = match &mut self.shape {
            Shape::Csv => csv_lines(rows.iter().map(|row| row.iter().map(csv_cell)))?,
            Shape::Ndjson => self.json_lines(rows, false)?,
            Shape::Array => self.json_lines(rows, true)?,
            Shape::Parquet(columnar) => columnar.page(rows)?,
        };
        self.rows += rows.len() as u64;
        Ok(bytes)
    }

    /// What comes after the last row.
    pub(crate) fn tail(&mut self) -> Result<Vec<u8>, EncodeError> {
        Ok(match &mut self.shape {
            Shape::Csv | Shape::Ndjson => Vec::new(),
            Shape::Array => b"\n]\n".to_vec(),
            Shape::Parquet(columnar) => columnar.tail()?,
        })
    }

    fn json_lines(&self, rows: &[Vec<Cell>], array: bool) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        for (number, cells) in (self.rows..).zip(rows) {
            if array {
                bytes.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
            }
            let row = ObjectRow {
                fields: self.fields,
                cells,
            };
            serde_json::to_writer(&mut bytes, &row)?;
            if !array {
                bytes.push(b'\n');
            }
        }
        Ok(bytes)
    }
}

fn csv_lines<R: IntoIterator<Item = String>>(
    rows: impl IntoIterator<Item = R>,
) -> Result<Vec<u8>, EncodeError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

/// Text that came from a provider may not become a formula; numbers, times and flags are ours and cannot be one.
fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Missing => String::new(),
        Cell::Text(text) => harmless(text.clone()),
        Cell::Int(number) => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Time(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        Cell::Day(day) => day.to_string(),
        Cell::List(items) => harmless(items.join(LIST_SEPARATOR)),
        // Begins with a brace.
        Cell::Map(map) => serde_json::to_string(map).unwrap_or_default(),
    }
}

fn harmless(mut text: String) -> String {
    if text.starts_with(FORMULA_STARTS) {
        text.insert(0, TEXT_MARK);
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use store::FieldKind;

    use super::*;

    const FIELDS: &[Field] = &[
        Field::new("name", FieldKind::Text),
        Field::new("roles", FieldKind::List),
        Field::new("posts", FieldKind::Int),
    ];

    fn row(name: &str) -> Vec<Cell> {
        vec![
            Cell::Text(name.to_owned()),
            Cell::List(vec!["a".to_owned(), "b".to_owned()]),
            Cell::Int(-1),
        ]
    }

    fn encoded(layout: Layout, pages: &[Vec<Vec<Cell>>]) -> String {
        let mut encoder = Encoder::new(layout, FIELDS).expect("an encoder");
        let mut bytes = encoder.head().expect("a head");
        for page in pages {
            bytes.extend(encoder.page(page).expect("a page"));
        }
        bytes.extend(encoder.tail().expect("a tail"));
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn csv_quotes_what_must_be_quoted_and_has_a_header_without_rows() {
        let pages = [vec![row("plain"), row("a,b")], vec![row("\"q\"\nnext")]];
        assert_eq!(
            encoded(Layout::Csv, &pages),
            "name,roles,posts\r\nplain,a;b,-1\r\n\"a,b\",a;b,-1\r\n\"\"\"q\"\"\nnext\",a;b,-1\r\n"
        );
        assert_eq!(encoded(Layout::Csv, &[]), "name,roles,posts\r\n");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for evil in [
            "=1+1",
            "+49 30",
            "-2",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "=HYPERLINK(\"http://x\")",
        ] {
            let lines = encoded(Layout::Csv, &[vec![row(evil)]]);
            let mut reader = csv::Reader::from_reader(lines.as_bytes());
            let read = reader.records().next().expect("a row").expect("a row");
            assert_eq!(&read[0], format!("'{evil}"));
        }
        let list = csv_cell(&Cell::List(vec!["=1".to_owned()]));
        assert_eq!(list, "'=1");
        assert_eq!(csv_cell(&Cell::Text("a=1".to_owned())), "a=1");
        assert_eq!(csv_cell(&Cell::Int(-2)), "-2");
    }

    #[test]
    fn json_is_exact_and_a_document_or_lines() {
        let pages = [vec![row("=1\n")], vec![row("ü")]];
        assert_eq!(
            encoded(Layout::Ndjson, &pages),
            "{\"name\":\"=1\\n\",\"roles\":[\"a\",\"b\"],\"posts\":-1}\n\
             {\"name\":\"ü\",\"roles\":[\"a\",\"b\"],\"posts\":-1}\n"
        );
        for pages in [&pages[..], &[]] {
            let document = encoded(Layout::Array, pages);
            let rows: Vec<serde_json::Value> = serde_json::from_str(&document).expect("one document");
            assert_eq!(rows.len(), pages.len());
        }
    }

    #[test]
    fn times_are_iso_8601_utc() {
        let time = |micros| Cell::Time(DateTime::from_timestamp_micros(micros).expect("a time"));
        assert_eq!(csv_cell(&time(1_767_225_600_000_000)), "2026-01-01T00:00:00Z");
        assert_eq!(csv_cell(&time(1)), "1970-01-01T00:00:00.000001Z");
        assert_eq!(csv_cell(&Cell::Missing), "");
    }
}
