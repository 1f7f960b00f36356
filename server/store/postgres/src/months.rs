//! The months that activity is kept in.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};
use domain::record::Activity;
use store::StoreError;
use store_columns::micros;

use crate::{PostgresStore, error::database};

/// Months that are known to be there, by their first moment.
#[derive(Debug, Default)]
pub(crate) struct Months(Mutex<HashSet<i64>>);

impl Months {
    fn knows(&self, month: i64) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&month)
    }

    /// Some were dropped, by this process; others find out by asking again.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn learn(&self, month: i64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(month);
    }
}

impl PostgresStore {
    /// Makes the months of these events, if they are missing: before the transaction that writes them, so that it does not
    /// hold the table's lock for longer than that takes. Events of impossible times lie in the table of all others.
    pub(crate) async fn make_months(&self, events: &[&Activity]) -> Result<(), StoreError> {
        let months: BTreeSet<i64> = events
            .iter()
            .filter_map(|event| month_of(event.occurred_at))
            .collect();
        for month in months {
            if self.months.knows(month) {
                continue;
            }
            let mut write = self.begin().await?;
            let is_there: bool = sqlx::query_scalar("SELECT make_activity_month($1)")
                .bind(month)
                .fetch_one(&mut *write)
                .await
                .map_err(database)?;
            write.commit().await?;
            if is_there {
                self.months.learn(month);
            }
        }
        Ok(())
    }
}

/// The first moment of the month.
fn month_of(time: DateTime<Utc>) -> Option<i64> {
    let first = NaiveDate::from_ymd_opt(time.year(), time.month(), 1)?;
    Some(micros(first.and_time(NaiveTime::MIN).and_utc()))
}
