//! What changed of companies and persons, and sweeps for whom that touches.

use domain::unification::PartyChanges;
use store::{StoreError, Sweep};

use crate::{Columns, corrupt, json_text};

const COMPANY: &str = "company";
const PERSON: &str = "person";

/// A row of `party_change`, without its revision.
#[derive(Debug)]
pub struct ChangeRow<'c> {
    pub kind: &'static str,
    pub external_id: &'c str,
    /// The change as JSON.
    pub change: String,
}

pub fn change_rows(changes: &PartyChanges) -> Result<Vec<ChangeRow<'_>>, StoreError> {
    let mut rows = Vec::with_capacity(changes.len());
    for changed in &changes.companies {
        rows.push(ChangeRow {
            kind: COMPANY,
            external_id: changed.external_id(),
            change: json_text(changed)?,
        });
    }
    for changed in &changes.persons {
        rows.push(ChangeRow {
            kind: PERSON,
            external_id: changed.external_id(),
            change: json_text(changed)?,
        });
    }
    Ok(rows)
}

pub fn read_changes(rows: &[impl Columns]) -> Result<PartyChanges, StoreError> {
    let mut changes = PartyChanges::default();
    for row in rows {
        match row.text("kind")?.as_str() {
            COMPANY => changes.companies.push(row.json("change")?),
            PERSON => changes.persons.push(row.json("change")?),
            other => return Err(corrupt("kind", other)),
        }
    }
    Ok(changes)
}

pub fn read_sweep(row: &impl Columns) -> Result<Sweep, StoreError> {
    Ok(Sweep {
        since: row.int("since_revision")?,
        after: row.text("after_user")?,
    })
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, SqliteConnection};

    use super::*;

    #[tokio::test]
    async fn a_change_of_an_unknown_kind_is_not_taken_for_another() {
        let mut database = SqliteConnection::connect("sqlite::memory:")
            .await
            .expect("a database");
        let rows = sqlx::query("SELECT 'team' AS kind, '{}' AS change")
            .fetch_all(&mut database)
            .await
            .expect("a row");
        let error = read_changes(&rows).expect_err("no such kind").to_string();
        assert!(error.contains("column kind: team"), "{error}");
    }
}
