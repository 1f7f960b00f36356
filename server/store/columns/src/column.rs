//! How values of the domain are written into columns and read back.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{ConnectionId, RunId};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{ColumnIndex, Decode, Row, Type};
use store::{ContentHash, StoreError};
use uuid::Uuid;

pub fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

pub fn count(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Corrupt(format!("{value} is too large for a column")))
}

/// Reading of columns by name, with errors that say which one is wrong.
pub trait Columns {
    fn text(&self, column: &str) -> Result<String, StoreError>;
    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError>;
    fn int(&self, column: &str) -> Result<i64, StoreError>;
    fn optional_int(&self, column: &str) -> Result<Option<i64>, StoreError>;
    fn flag(&self, column: &str) -> Result<bool, StoreError>;
    fn uuid(&self, column: &str) -> Result<Uuid, StoreError>;
    fn optional_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError>;
    fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError>;

    fn unsigned(&self, column: &str) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| corrupt(column, "negative"))
    }

    fn optional_unsigned(&self, column: &str) -> Result<Option<u64>, StoreError> {
        self.optional_int(column)?
            .map(|value| u64::try_from(value).map_err(|_| corrupt(column, "negative")))
            .transpose()
    }

    fn time(&self, column: &str) -> Result<DateTime<Utc>, StoreError> {
        self.optional_time(column)?
            .ok_or_else(|| corrupt(column, "missing"))
    }

    fn optional_time(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.optional_int(column)?
            .map(|micros| time_of(column, micros))
            .transpose()
    }

    /// A day as trends have it.
    fn day(&self, column: &str) -> Result<NaiveDate, StoreError> {
        let number = self.int(column)?;
        TimeDelta::try_days(number)
            .and_then(|days| DateTime::UNIX_EPOCH.checked_add_signed(days))
            .map(|time| time.date_naive())
            .ok_or_else(|| corrupt(column, &number.to_string()))
    }

    fn run_id(&self, column: &str) -> Result<RunId, StoreError> {
        self.uuid(column).map(RunId)
    }

    fn connection_id(&self, column: &str) -> Result<ConnectionId, StoreError> {
        self.uuid(column).map(ConnectionId)
    }

    fn content_hash(&self, column: &str) -> Result<ContentHash, StoreError> {
        let hash = self.bytes(column)?.try_into();
        hash.map(ContentHash).map_err(|_| corrupt(column, "not 16 bytes"))
    }

    /// A name of the domain, such as a state.
    fn word<T>(&self, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(&text).ok_or_else(|| corrupt(column, &text))
    }

    fn optional_word<T>(
        &self,
        column: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.optional_text(column)?
            .map(|text| parse(&text).ok_or_else(|| corrupt(column, &text)))
            .transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|error| corrupt(column, &error.to_string()))
    }
}

/// A row of either engine: what a column may be decoded as is what both of them keep.
impl<R> Columns for R
where
    R: Row,
    for<'c> &'c str: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> bool: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Uuid: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn text(&self, column: &str) -> Result<String, StoreError> {
        decoded(self, column)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        decoded(self, column)
    }

    fn int(&self, column: &str) -> Result<i64, StoreError> {
        decoded(self, column)
    }

    fn optional_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        decoded(self, column)
    }

    fn flag(&self, column: &str) -> Result<bool, StoreError> {
        decoded(self, column)
    }

    fn uuid(&self, column: &str) -> Result<Uuid, StoreError> {
        decoded(self, column)
    }

    fn optional_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        decoded(self, column)
    }

    fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        decoded(self, column)
    }
}

fn decoded<'r, R, T>(row: &'r R, column: &str) -> Result<T, StoreError>
where
    R: Row,
    for<'c> &'c str: ColumnIndex<R>,
    T: Decode<'r, R::Database> + Type<R::Database>,
{
    row.try_get(column)
        .map_err(|error| corrupt(column, &error.to_string()))
}

pub fn time_of(column: &str, micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| corrupt(column, &micros.to_string()))
}

pub fn corrupt(column: &str, what: &str) -> StoreError {
    StoreError::Corrupt(format!("column {column}: {what}"))
}

/// Lists and maps as JSON text.
pub fn json_text<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use domain::RunState;
    use sqlx::{Connection as _, SqliteConnection};

    use super::*;

    #[tokio::test]
    async fn what_makes_no_sense_is_named_by_its_column() {
        let mut database = SqliteConnection::connect("sqlite::memory:")
            .await
            .expect("a database");
        let row = sqlx::query(
            "SELECT -1 AS found, 'sideways' AS state, NULL AS queued_at, 'a' AS id, X'00' AS content_hash, '{' AS roles",
        )
        .fetch_one(&mut database)
        .await
        .expect("a row");
        let told = [
            ("found", row.unsigned("found").err()),
            ("state", row.word("state", RunState::parse).err()),
            ("queued_at", row.time("queued_at").err()),
            ("id", row.run_id("id").err()),
            ("content_hash", row.content_hash("content_hash").err()),
            ("roles", row.json::<Vec<String>>("roles").err()),
            ("nowhere", row.text("nowhere").err()),
        ];
        for (column, error) in told {
            let error = error.expect(column).to_string();
            assert!(error.contains(&format!("column {column}: ")), "{error}");
        }
    }
}
