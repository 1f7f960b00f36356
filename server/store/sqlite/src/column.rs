//! How values of the domain are written into columns and read back.

use chrono::{DateTime, Utc};
use domain::{ConnectionId, RunId};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, sqlite::SqliteRow};
use store::StoreError;
use uuid::Uuid;

pub(crate) fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

pub(crate) fn count(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Corrupt(format!("{value} is too large for a column")))
}

/// Reading of columns by name, with errors that say which one is wrong.
pub(crate) trait Columns {
    fn text(&self, column: &str) -> Result<String, StoreError>;
    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError>;
    fn int(&self, column: &str) -> Result<i64, StoreError>;
    fn uuid(&self, column: &str) -> Result<Uuid, StoreError>;
    fn optional_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError>;
    fn optional_time(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError>;
    fn optional_unsigned(&self, column: &str) -> Result<Option<u64>, StoreError>;

    fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    fn unsigned(&self, column: &str) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| corrupt(column, "negative"))
    }

    fn time(&self, column: &str) -> Result<DateTime<Utc>, StoreError> {
        self.optional_time(column)?
            .ok_or_else(|| corrupt(column, "missing"))
    }

    fn run_id(&self, column: &str) -> Result<RunId, StoreError> {
        self.uuid(column).map(RunId)
    }

    fn connection_id(&self, column: &str) -> Result<ConnectionId, StoreError> {
        self.uuid(column).map(ConnectionId)
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

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<String, StoreError> {
        self.try_get(column)
            .map_err(|error| corrupt(column, &error.to_string()))
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.try_get(column)
            .map_err(|error| corrupt(column, &error.to_string()))
    }

    fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.try_get(column)
            .map_err(|error| corrupt(column, &error.to_string()))
    }

    fn uuid(&self, column: &str) -> Result<Uuid, StoreError> {
        self.try_get(column)
            .map_err(|error| corrupt(column, &error.to_string()))
    }

    fn optional_uuid(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        self.try_get(column)
            .map_err(|error| corrupt(column, &error.to_string()))
    }

    fn optional_time(&self, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let micros: Option<i64> = self
            .try_get(column)
            .map_err(|error| corrupt(column, &error.to_string()))?;
        micros.map(|micros| time_of(column, micros)).transpose()
    }

    fn optional_unsigned(&self, column: &str) -> Result<Option<u64>, StoreError> {
        let value: Option<i64> = self
            .try_get(column)
            .map_err(|error| corrupt(column, &error.to_string()))?;
        value
            .map(|value| u64::try_from(value).map_err(|_| corrupt(column, "negative")))
            .transpose()
    }
}

pub(crate) fn time_of(column: &str, micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| corrupt(column, &micros.to_string()))
}

pub(crate) fn corrupt(column: &str, what: &str) -> StoreError {
    StoreError::Corrupt(format!("column {column}: {what}"))
}

/// Lists and maps as JSON text.
pub(crate) fn json_text<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}
