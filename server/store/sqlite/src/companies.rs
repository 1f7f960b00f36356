//! Companies and persons, as they were imported.

use std::{borrow::Cow, collections::HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::unification::{Changed, Company, PartyChanges, Person};
use serde::Serialize;
use sqlx::{Sqlite, Transaction, sqlite::SqliteRow};
use store::{
    By, CompanyStore, Deed, ImportMode, ImportOutcome, PersonsImported, StoreError, changed_parties, targets,
};
use store_columns::{
    companies::{read_company, read_person},
    json_text, micros,
};

use crate::{
    SqliteStore, audit::append, error::database, suppression::screen_persons, sweep::parties_changed,
};

const UPSERT_COMPANIES: &str =
    "INSERT INTO company (external_id, name, domains, parent_external_id, changed_at)
    SELECT value ->> 'external_id', value ->> 'name', value -> 'domains', value ->> 'parent_external_id', $2
    FROM json_each($1) WHERE true
    ON CONFLICT (external_id) DO UPDATE SET name = excluded.name, domains = excluded.domains,
        parent_external_id = excluded.parent_external_id, changed_at = excluded.changed_at";

/// Who stays inactive is so since the first time.
const UPSERT_PERSONS: &str =
    "INSERT INTO person (external_id, email, first_name, last_name, phone, company_external_id, active, changed_at,
        inactive_since)
    SELECT value ->> 'external_id', value ->> 'email', value ->> 'first_name', value ->> 'last_name',
        value ->> 'phone', value ->> 'company_external_id', value ->> 'active', $2,
        CASE WHEN value ->> 'active' THEN NULL ELSE $2 END
    FROM json_each($1) WHERE true
    ON CONFLICT (external_id) DO UPDATE SET email = excluded.email, first_name = excluded.first_name,
        last_name = excluded.last_name, phone = excluded.phone, company_external_id = excluded.company_external_id,
        active = excluded.active, changed_at = excluded.changed_at,
        inactive_since = CASE WHEN excluded.active THEN NULL
            ELSE COALESCE(person.inactive_since, excluded.inactive_since) END";

pub(crate) const COMPANY: &str = "SELECT external_id, name, domains, parent_external_id FROM company";
pub(crate) const PERSON: &str =
    "SELECT external_id, email, first_name, last_name, phone, company_external_id, active FROM person";

#[async_trait]
impl CompanyStore for SqliteStore {
    async fn import_companies(
        &self,
        companies: &[Company],
        mode: ImportMode,
        deed: Deed,
        by: &By,
    ) -> Result<ImportOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        let differing = changed(&mut transaction, COMPANY, read_company, companies, |company| {
            &company.external_id
        })
        .await?;
        upsert(&mut transaction, UPSERT_COMPANIES, &differing, by.at).await?;
        let done = Imported {
            rows: ImportOutcome::of(companies.len(), &differing),
            deed,
            company: only(companies),
        };
        let changes = PartyChanges {
            companies: differing,
            persons: Vec::new(),
        };
        settle(transaction, mode, &done, changes, by).await?;
        Ok(done.rows)
    }

    async fn import_persons(
        &self,
        persons: &[Person],
        mode: ImportMode,
        by: &By,
    ) -> Result<PersonsImported, StoreError> {
        let mut transaction = self.begin().await?;
        let screened: Cow<'_, [Person]> = screen_persons(&mut transaction, &self.salts, persons).await?;
        let differing = changed(&mut transaction, PERSON, read_person, &screened, |person| {
            &person.external_id
        })
        .await?;
        upsert(&mut transaction, UPSERT_PERSONS, &differing, by.at).await?;
        let done = Imported {
            rows: ImportOutcome::of(screened.len(), &differing),
            deed: Deed::PersonsImported,
            company: None,
        };
        let changes = PartyChanges {
            companies: Vec::new(),
            persons: differing,
        };
        settle(transaction, mode, &done, changes, by).await?;
        Ok(PersonsImported {
            rows: done.rows,
            kept_out: (persons.len() - screened.len()) as u64,
        })
    }

    async fn companies(&self, after: Option<&str>, limit: u32) -> Result<Vec<Company>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{COMPANY} WHERE external_id > COALESCE($1, '') ORDER BY external_id LIMIT $2"
        )))
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_company).collect()
    }

    async fn persons(&self, after: Option<&str>, limit: u32) -> Result<Vec<Person>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{PERSON} WHERE external_id > COALESCE($1, '') ORDER BY external_id LIMIT $2"
        )))
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_person).collect()
    }

    async fn company(&self, external_id: &str) -> Result<Option<Company>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COMPANY} WHERE external_id = $1")))
            .bind(external_id)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read_company).transpose()
    }

    async fn person(&self, external_id: &str) -> Result<Option<Person>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{PERSON} WHERE external_id = $1")))
            .bind(external_id)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read_person).transpose()
    }

    async fn company_parents(&self) -> Result<HashMap<String, String>, StoreError> {
        let parents: Vec<(String, String)> = sqlx::query_as(
            "SELECT external_id, parent_external_id FROM company WHERE parent_external_id IS NOT NULL",
        )
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        Ok(parents.into_iter().collect())
    }
}

/// Those that are new or differ from what is stored.
async fn changed<P: Clone + PartialEq>(
    transaction: &mut Transaction<'static, Sqlite>,
    select: &'static str,
    read: fn(&SqliteRow) -> Result<P, StoreError>,
    given: &[P],
    id: fn(&P) -> &str,
) -> Result<Vec<Changed<P>>, StoreError> {
    let ids: Vec<&str> = given.iter().map(id).collect();
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{select} WHERE external_id IN (SELECT value FROM json_each($1))"
    )))
    .bind(json_text(&ids)?)
    .fetch_all(&mut **transaction)
    .await
    .map_err(database)?;
    let stored = rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(changed_parties(given, stored, id))
}

async fn upsert<P: Serialize + Sync>(
    transaction: &mut Transaction<'static, Sqlite>,
    statement: &'static str,
    changed: &[Changed<P>],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let rows: Vec<&P> = changed
        .iter()
        .filter_map(|changed| changed.after.as_ref())
        .collect();
    sqlx::query(statement)
        .bind(json_text(&rows)?)
        .bind(micros(at))
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

async fn settle(
    mut transaction: Transaction<'static, Sqlite>,
    mode: ImportMode,
    done: &Imported<'_>,
    changes: PartyChanges,
    by: &By,
) -> Result<(), StoreError> {
    match mode {
        // Dropped, it is rolled back.
        ImportMode::Try => return Ok(()),
        ImportMode::Write if done.rows.new + done.rows.updated == 0 => return Ok(()),
        ImportMode::Write => {}
    }
    parties_changed(&mut transaction, changes).await?;
    append(&mut transaction, by, done.deed, Some(done.target())).await?;
    transaction.commit().await.map_err(database)
}

/// What an import did, as the trail tells it.
struct Imported<'c> {
    rows: ImportOutcome,
    deed: Deed,
    /// The only company of it.
    company: Option<&'c Company>,
}

impl Imported<'_> {
    fn target(&self) -> String {
        match self.company {
            Some(company) if self.deed != Deed::CompaniesImported => targets::company(&company.external_id),
            _ => targets::imported(&self.rows),
        }
    }
}

fn only(companies: &[Company]) -> Option<&Company> {
    match companies {
        [company] => Some(company),
        _ => None,
    }
}
