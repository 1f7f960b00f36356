//! Rows as both engines have them.

use sqlx::{
    Postgres, Row as _, Sqlite,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use uuid::Uuid;

use crate::catalogue::Column;

/// What a column of the target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Real,
    Flag,
    Text,
    Bytes,
    Id,
}

impl Kind {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "bigint" => Self::Int,
            "double precision" => Self::Real,
            "boolean" => Self::Flag,
            "text" => Self::Text,
            "bytea" => Self::Bytes,
            "uuid" => Self::Id,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Int => "bigint",
            Self::Real => "double precision",
            Self::Flag => "boolean",
            Self::Text => "text",
            Self::Bytes => "bytea",
            Self::Id => "uuid",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Missing,
    Int(i64),
    Real(f64),
    Flag(bool),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
}

pub(crate) fn of_sqlite(columns: &[Column], row: &SqliteRow) -> Result<Vec<Value>, sqlx::Error> {
    let value = |(place, column): (usize, &Column)| {
        Ok(match column.kind {
            Kind::Int => row.try_get::<Option<i64>, _>(place)?.map(Value::Int),
            Kind::Real => row.try_get::<Option<f64>, _>(place)?.map(Value::Real),
            Kind::Flag => row
                .try_get::<Option<i64>, _>(place)?
                .map(|flag| Value::Flag(flag != 0)),
            Kind::Text => row.try_get::<Option<String>, _>(place)?.map(Value::Text),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(place)?.map(Value::Bytes),
            Kind::Id => row.try_get::<Option<Uuid>, _>(place)?.map(Value::Id),
        }
        .unwrap_or(Value::Missing))
    };
    columns.iter().enumerate().map(value).collect()
}

pub(crate) fn of_postgres(columns: &[Column], row: &PgRow) -> Result<Vec<Value>, sqlx::Error> {
    let value = |(place, column): (usize, &Column)| {
        Ok(match column.kind {
            Kind::Int => row.try_get::<Option<i64>, _>(place)?.map(Value::Int),
            Kind::Real => row.try_get::<Option<f64>, _>(place)?.map(Value::Real),
            Kind::Flag => row.try_get::<Option<bool>, _>(place)?.map(Value::Flag),
            Kind::Text => row.try_get::<Option<String>, _>(place)?.map(Value::Text),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(place)?.map(Value::Bytes),
            Kind::Id => row.try_get::<Option<Uuid>, _>(place)?.map(Value::Id),
        }
        .unwrap_or(Value::Missing))
    };
    columns.iter().enumerate().map(value).collect()
}

pub(crate) fn bind_sqlite<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    value: &'q Value,
) -> Query<'q, Sqlite, SqliteArguments> {
    match value {
        Value::Missing => query.bind(None::<i64>),
        Value::Int(number) => query.bind(*number),
        Value::Real(number) => query.bind(*number),
        Value::Flag(flag) => query.bind(*flag),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
        Value::Id(id) => query.bind(*id),
    }
}

/// The values of many rows, one array a column.
pub(crate) struct Columns<'r> {
    columns: &'r [Column],
    rows: &'r [Vec<Value>],
}

impl<'r> Columns<'r> {
    pub(crate) fn of(columns: &'r [Column], rows: &'r [Vec<Value>]) -> Self {
        Self { columns, rows }
    }

    pub(crate) fn bind<'q>(
        &self,
        mut query: Query<'q, Postgres, PgArguments>,
    ) -> Query<'q, Postgres, PgArguments> {
        for (place, column) in self.columns.iter().enumerate() {
            query = match column.kind {
                Kind::Int => query.bind(self.each(place, |value| match value {
                    Value::Int(number) => Some(*number),
                    _ => None,
                })),
                Kind::Real => query.bind(self.each(place, |value| match value {
                    Value::Real(number) => Some(*number),
                    _ => None,
                })),
                Kind::Flag => query.bind(self.each(place, |value| match value {
                    Value::Flag(flag) => Some(*flag),
                    _ => None,
                })),
                Kind::Text => query.bind(self.each(place, |value| match value {
                    Value::Text(text) => Some(text.as_str()),
                    _ => None,
                })),
                Kind::Bytes => query.bind(self.each(place, |value| match value {
                    Value::Bytes(bytes) => Some(bytes.as_slice()),
                    _ => None,
                })),
                Kind::Id => query.bind(self.each(place, |value| match value {
                    Value::Id(id) => Some(*id),
                    _ => None,
                })),
            };
        }
        query
    }

    fn each<T>(&self, place: usize, value: impl Fn(&'r Value) -> Option<T>) -> Vec<Option<T>> {
        self.rows.iter().map(|row| value(&row[place])).collect()
    }
}

/// The count of rows, and the sum of their hashes, which does not depend on their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    rows: u64,
    sum: u128,
}

impl Digest {
    pub(crate) fn take(&mut self, row: &[Value]) {
        let mut hasher = blake3::Hasher::new();
        for value in row {
            match value {
                Value::Missing => hasher.update(&[0]),
                Value::Int(number) => hasher.update(&[1]).update(&number.to_be_bytes()),
                Value::Real(number) => hasher.update(&[2]).update(&number.to_bits().to_be_bytes()),
                Value::Flag(flag) => hasher.update(&[3, u8::from(*flag)]),
                Value::Text(text) => hasher
                    .update(&[4])
                    .update(&(text.len() as u64).to_be_bytes())
                    .update(text.as_bytes()),
                Value::Bytes(bytes) => hasher
                    .update(&[5])
                    .update(&(bytes.len() as u64).to_be_bytes())
                    .update(bytes),
                Value::Id(id) => hasher.update(&[6]).update(id.as_bytes()),
            };
        }
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(half));
        self.rows += 1;
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn hash(&self) -> String {
        format!("{:032x}", self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Value]]) -> Digest {
        let mut digest = Digest::default();
        for row in rows {
            digest.take(row);
        }
        digest
    }

    #[test]
    fn rows_in_any_order_have_one_digest_and_any_change_another() {
        let (a, b) = (Value::Text("a".into()), Value::Text("b".into()));
        let (one, two) = ([a.clone(), b.clone()], [b.clone(), Value::Missing]);
        assert_eq!(digest(&[&one, &two]), digest(&[&two, &one]));
        assert_ne!(digest(&[&one, &two]), digest(&[&one]));
        assert_ne!(digest(&[&one]), digest(&[&two]));
        let shifted = [Value::Text("ab".into()), Value::Text(String::new())];
        assert_ne!(digest(&[&one]), digest(&[&shifted]));
        assert_ne!(
            digest(&[&[Value::Missing]]),
            digest(&[&[Value::Text(String::new())]])
        );
    }
}
