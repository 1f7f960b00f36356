//! Rows as parquet: columns that may be missing, in groups of rows.

use std::sync::Arc;

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type},
    errors::{ParquetError, Result},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};
use store::{Cell, Field, FieldKind};

/// Bytes of text after which a group of rows is written: it is in memory as a whole, a few times over.
const GROUP_BYTES: usize = 4 * 1024 * 1024;
/// What a cell without text counts for.
const CELL_BYTES: usize = 16;

/// 1970-01-01 in days since the beginning of our era.
const EPOCH_DAY: i32 = 719_163;

type Group<'g> = SerializedRowGroupWriter<'g, Vec<u8>>;

/// Turns rows of one object into a parquet file, piece by piece.
pub(crate) struct Columnar {
    writer: SerializedFileWriter<Vec<u8>>,
    fields: &'static [Field],
    rows: Vec<Vec<Cell>>,
    bytes: usize,
}

impl Columnar {
    pub(crate) fn new(fields: &'static [Field]) -> Result<Self> {
        let columns = fields.iter().map(column).collect::<Result<_>>()?;
        let schema = group("row", None, None, columns)?;
        let properties = WriterProperties::builder()
            .set_created_by(concat!("tributary ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::SNAPPY)
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?,
            fields,
            rows: Vec::new(),
            bytes: 0,
        })
    }

    /// Takes rows, and gives what can be written of the file.
    pub(crate) fn page(&mut self, rows: &[Vec<Cell>]) -> Result<Vec<u8>> {
        for row in rows {
            self.bytes += row.iter().map(size).sum::<usize>();
            self.rows.push(row.clone());
            if self.bytes >= GROUP_BYTES {
                self.write_group()?;
            }
        }
        self.take()
    }

    /// The last rows, and what says where everything is.
    pub(crate) fn tail(&mut self) -> Result<Vec<u8>> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        self.writer.finish()?;
        self.take()
    }

    fn take(&mut self) -> Result<Vec<u8>> {
        self.writer.flush()?;
        Ok(std::mem::take(self.writer.inner_mut()))
    }

    fn write_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for (place, field) in self.fields.iter().enumerate() {
            let cells: Vec<&Cell> = self.rows.iter().filter_map(|row| row.get(place)).collect();
            write_column(&mut group, field.kind, &cells)?;
        }
        group.close()?;
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }
}

fn size(cell: &Cell) -> usize {
    let text = match cell {
        Cell::Text(text) => text.len(),
        Cell::List(items) => items.iter().map(String::len).sum(),
        Cell::Map(map) => map.iter().map(|(name, value)| name.len() + value.len()).sum(),
        Cell::Missing | Cell::Int(_) | Cell::Flag(_) | Cell::Time(_) | Cell::Day(_) => 0,
    };
    text + CELL_BYTES
}

/// Lists and maps have the three levels that the format's specification asks for ("LogicalTypes.md").
fn column(field: &Field) -> Result<TypePtr> {
    let (name, optional) = (field.name, Repetition::OPTIONAL);
    let text = |name, repetition| leaf(name, Physical::BYTE_ARRAY, Some(LogicalType::String), repetition);
    let nested = |logical, repeated, leaves| {
        let repeated = group(repeated, Some(Repetition::REPEATED), None, leaves)?;
        group(name, Some(optional), Some(logical), vec![repeated])
    };
    match field.kind {
        FieldKind::Text | FieldKind::Id => text(name, optional),
        FieldKind::Int => leaf(name, Physical::INT64, None, optional),
        FieldKind::Flag => leaf(name, Physical::BOOLEAN, None, optional),
        FieldKind::Time => {
            let time = LogicalType::timestamp(true, TimeUnit::MICROS);
            leaf(name, Physical::INT64, Some(time), optional)
        }
        FieldKind::Day => leaf(name, Physical::INT32, Some(LogicalType::Date), optional),
        FieldKind::List => nested(
            LogicalType::List,
            "list",
            vec![text("element", Repetition::REQUIRED)?],
        ),
        FieldKind::Map => nested(
            LogicalType::Map,
            "key_value",
            vec![
                text("key", Repetition::REQUIRED)?,
                text("value", Repetition::REQUIRED)?,
            ],
        ),
    }
}

fn leaf(
    name: &str,
    physical: Physical,
    logical: Option<LogicalType>,
    repetition: Repetition,
) -> Result<TypePtr> {
    let leaf = Type::primitive_type_builder(name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical);
    leaf.build().map(Arc::new)
}

fn group(
    name: &str,
    repetition: Option<Repetition>,
    logical: Option<LogicalType>,
    fields: Vec<TypePtr>,
) -> Result<TypePtr> {
    let mut group = Type::group_type_builder(name)
        .with_fields(fields)
        .with_logical_type(logical);
    if let Some(repetition) = repetition {
        group = group.with_repetition(repetition);
    }
    group.build().map(Arc::new)
}

fn write_column(group: &mut Group<'_>, kind: FieldKind, cells: &[&Cell]) -> Result<()> {
    match kind {
        FieldKind::Text | FieldKind::Id => write::<ByteArrayType>(group, cells, |cell| match cell {
            Cell::Text(text) => Some(bytes(text)),
            _ => None,
        }),
        FieldKind::Int => write::<Int64Type>(group, cells, |cell| match cell {
            Cell::Int(number) => Some(*number),
            _ => None,
        }),
        FieldKind::Flag => write::<BoolType>(group, cells, |cell| match cell {
            Cell::Flag(flag) => Some(*flag),
            _ => None,
        }),
        FieldKind::Time => write::<Int64Type>(group, cells, |cell| match cell {
            Cell::Time(time) => Some(time.timestamp_micros()),
            _ => None,
        }),
        FieldKind::Day => write::<Int32Type>(group, cells, |cell| match cell {
            Cell::Day(day) => Some(chrono::Datelike::num_days_from_ce(day) - EPOCH_DAY),
            _ => None,
        }),
        FieldKind::List => write_nested(group, cells, |cell| match cell {
            Cell::List(items) => Some(items.iter().map(|item| bytes(item)).collect()),
            _ => None,
        }),
        FieldKind::Map => {
            write_nested(group, cells, |cell| match cell {
                Cell::Map(map) => Some(map.keys().map(|key| bytes(key)).collect()),
                _ => None,
            })?;
            write_nested(group, cells, |cell| match cell {
                Cell::Map(map) => Some(map.values().map(|value| bytes(value)).collect()),
                _ => None,
            })
        }
    }
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text)
}

/// A column of which each row has one value or none.
fn write<T: DataType>(
    group: &mut Group<'_>,
    cells: &[&Cell],
    value: impl Fn(&Cell) -> Option<T::T>,
) -> Result<()> {
    let values: Vec<Option<T::T>> = cells.iter().map(|cell| value(cell)).collect();
    let definitions: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    write_batch::<T>(group, &values, &definitions, None)
}

/// A column of which each row has any number of texts, or is missing.
fn write_nested(
    group: &mut Group<'_>,
    cells: &[&Cell],
    items: impl Fn(&Cell) -> Option<Vec<ByteArray>>,
) -> Result<()> {
    const MISSING: i16 = 0;
    const EMPTY: i16 = 1;
    const ITEM: i16 = 2;
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        let found = items(cell);
        let items = found.as_ref().map_or(0, Vec::len);
        if items == 0 {
            definitions.push(if found.is_some() { EMPTY } else { MISSING });
            repetitions.push(0);
        }
        for place in 0..items {
            definitions.push(ITEM);
            // Zero begins a row.
            repetitions.push(i16::from(place > 0));
        }
        values.extend(found.into_iter().flatten());
    }
    write_batch::<ByteArrayType>(group, &values, &definitions, Some(&repetitions))
}

fn write_batch<T: DataType>(
    group: &mut Group<'_>,
    values: &[T::T],
    definitions: &[i16],
    repetitions: Option<&[i16]>,
) -> Result<()> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("a field without a column".to_owned()))?;
    column
        .typed::<T>()
        .write_batch(values, Some(definitions), repetitions)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, NaiveDate};
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    const FIELDS: &[Field] = &[
        Field::new("name", FieldKind::Text),
        Field::new("posts", FieldKind::Int),
        Field::new("trashed", FieldKind::Flag),
        Field::new("at", FieldKind::Time),
        Field::new("day", FieldKind::Day),
        Field::new("roles", FieldKind::List),
        Field::new("profile", FieldKind::Map),
    ];

    fn full(name: &str) -> Vec<Cell> {
        vec![
            Cell::Text(name.to_owned()),
            Cell::Int(-7),
            Cell::Flag(true),
            Cell::Time(DateTime::from_timestamp_micros(1_767_225_600_000_001).expect("a time")),
            Cell::Day(NaiveDate::from_ymd_opt(1969, 12, 31).expect("a day")),
            Cell::List(vec!["a".into(), "ü;b".into()]),
            Cell::Map(BTreeMap::from([
                ("k".into(), "v".into()),
                ("l".into(), String::new()),
            ])),
        ]
    }

    fn empty() -> Vec<Cell> {
        let mut row = vec![Cell::Missing; FIELDS.len()];
        row[5] = Cell::List(Vec::new());
        row
    }

    fn read(pages: &[Vec<Vec<Cell>>]) -> (Vec<String>, usize) {
        let mut columnar = Columnar::new(FIELDS).expect("a schema");
        let mut file = Vec::new();
        for page in pages {
            file.extend(columnar.page(page).expect("a page"));
        }
        file.extend(columnar.tail().expect("the end"));
        let reader = SerializedFileReader::new(axum::body::Bytes::from(file)).expect("a parquet file");
        let rows = reader.get_row_iter(None).expect("rows");
        let rows = rows.map(|row| row.expect("a row").to_string()).collect();
        (rows, reader.metadata().num_row_groups())
    }

    #[test]
    fn every_kind_of_field_comes_back_and_missing_is_not_empty() {
        let (rows, _) = read(&[vec![full("=1 \"q\"")], vec![empty()], vec![]]);
        assert_eq!(rows.len(), 2);
        for part in [
            "name: \"=1 \"q\"\"",
            "posts: -7",
            "trashed: true",
            "2026-01-01 00:00:00.000001",
            "1969-12-31",
            "[\"a\", \"ü;b\"]",
            "\"k\" -> \"v\"",
        ] {
            assert!(rows[0].contains(part), "{part} in {}", rows[0]);
        }
        assert!(
            rows[1].contains("name: null") && rows[1].contains("roles: []"),
            "{}",
            rows[1]
        );
        assert!(rows[1].contains("profile: null"), "{}", rows[1]);
    }

    #[test]
    fn a_file_without_rows_is_a_file() {
        assert_eq!(read(&[]).0.len(), 0);
    }

    #[test]
    fn rows_are_written_in_groups_as_they_come() {
        let long = "x".repeat(GROUP_BYTES / 3);
        let (rows, groups) = read(&[vec![full(&long); 5], vec![full(&long); 2]]);
        assert_eq!((rows.len(), groups), (7, 3));
    }
}
