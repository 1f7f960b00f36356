//! Wide rows that are read by the million come packed as one JSON document a page: the driver copies every value of a row into
//! memory of its own, and hands every row to another thread, which takes longer than the query where there are thirty columns.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use store::StoreError;
use store_columns::{Columns, corrupt};
use uuid::Uuid;

/// The name by which a column is read, and what is selected for it.
pub(crate) type Column = (&'static str, &'static str);

/// The columns side by side, as any other row has them.
pub(crate) fn named(columns: &[Column]) -> String {
    let named: Vec<String> = columns
        .iter()
        .map(|(name, selected)| format!("{selected} AS {name}"))
        .collect();
    named.join(", ")
}

/// Packs the rows of a query that selects such columns.
pub(crate) fn packed(columns: &[Column], rows: &str) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    format!(
        "SELECT json_group_array(json_array({})) FROM ({rows})",
        names.join(", ")
    )
}

/// Reads the values of a packed row by their names.
#[derive(Debug)]
pub(crate) struct PackedRow<'p> {
    pub(crate) columns: &'static [Column],
    pub(crate) values: &'p [Option<&'p RawValue>],
}

impl PackedRow<'_> {
    fn value<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        self.optional(column)?.ok_or_else(|| corrupt(column, "missing"))
    }

    fn optional<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let place = self.columns.iter().position(|(name, _)| *name == column);
        let place = place.ok_or_else(|| corrupt(column, "not selected"))?;
        self.values[place]
            .map(|value| serde_json::from_str(value.get()))
            .transpose()
            .map_err(|error| corrupt(column, &error.to_string()))
    }
}

impl Columns for PackedRow<'_> {
    fn text(&self, column: &str) -> Result<String, StoreError> {
        self.value(column)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.optional(column)
    }

    fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.value(column)
    }

    fn optional_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.optional(column)
    }

    /// SQLite has no other flags.
    fn flag(&self, column: &str) -> Result<bool, StoreError> {
        self.int(column).map(|flag| flag != 0)
    }

    fn uuid(&self, column: &str) -> Result<Uuid, StoreError> {
        self.value(column)
    }

    fn optional_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        self.optional(column)
    }

    fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        Err(corrupt(column, "bytes cannot be packed"))
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

    use super::*;

    const COLUMNS: [Column; 6] = [
        ("escaped", "'\"a\" \\ ' || char(10, 1, 8232, 129408)"),
        ("empty", "''"),
        ("least", "-9223372036854775808"),
        ("flag", "1 = 1"),
        ("id", "'01a22dd5-fd3e-77e5-abeb-e26d1e6d4d3d'"),
        ("absent", "NULL"),
    ];

    type Read = (String, String, i64, bool, Uuid, Option<String>, Option<i64>);

    fn read(row: &impl Columns) -> Result<Read, StoreError> {
        Ok((
            row.text("escaped")?,
            row.text("empty")?,
            row.int("least")?,
            row.flag("flag")?,
            row.uuid("id")?,
            row.optional_text("absent")?,
            row.optional_int("absent")?,
        ))
    }

    async fn pack(rows: &str) -> String {
        let mut database = SqliteConnection::connect("sqlite::memory:")
            .await
            .expect("a database");
        sqlx::query_scalar(AssertSqlSafe(packed(&COLUMNS, rows)))
            .fetch_one(&mut database)
            .await
            .expect("a document")
    }

    fn unpack(page: &str) -> Vec<[Option<&RawValue>; COLUMNS.len()]> {
        serde_json::from_str(page).expect("packed rows")
    }

    #[tokio::test]
    async fn a_packed_row_is_read_as_it_was_selected() {
        let page = pack(&format!("SELECT {}", named(&COLUMNS))).await;
        let rows = unpack(&page);
        let row = PackedRow {
            columns: &COLUMNS,
            values: &rows[0],
        };
        let expected = (
            "\"a\" \\ \n\u{1}\u{2028}🦀".to_owned(),
            String::new(),
            i64::MIN,
            true,
            Uuid::parse_str("01a22dd5-fd3e-77e5-abeb-e26d1e6d4d3d").expect("an id"),
            None,
            None,
        );
        assert_eq!((read(&row).expect("a row"), rows.len()), (expected, 1));
    }

    #[tokio::test]
    async fn of_no_rows_there_is_a_page() {
        let page = pack(&format!("SELECT {} WHERE 1 = 0", named(&COLUMNS))).await;
        assert_eq!(unpack(&page).len(), 0);
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_named_by_its_column() {
        let page = pack(&format!("SELECT {}", named(&COLUMNS))).await;
        let rows = unpack(&page);
        let row = PackedRow {
            columns: &COLUMNS,
            values: &rows[0],
        };
        let told = [
            ("escaped", row.int("escaped").err()),
            ("least", row.text("least").err()),
            ("absent", row.text("absent").err()),
            ("empty", row.uuid("empty").err()),
            ("flag", row.bytes("flag").err()),
            ("nowhere", row.optional_int("nowhere").err()),
        ];
        for (column, error) in told {
            let error = error.expect(column).to_string();
            assert!(error.contains(&format!("column {column}: ")), "{error}");
        }
    }
}
