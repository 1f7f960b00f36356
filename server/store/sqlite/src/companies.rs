//! Companies and persons, as they were imported.

use std::{borrow::Cow, collections::HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::unification::{Company, Person};
use serde::Serialize;
use sqlx::{Sqlite, Transaction};
use store::{By, CompanyStore, Deed, ImportMode, ImportOutcome, PersonsImported, StoreError, targets};
use store_columns::{
    companies::{read_company, read_person},
    json_text, micros,
};

use crate::{
    SqliteStore, audit::append, error::database, matching::everything_changed, suppression::screen_persons,
};

/// An equal row is not written.
const UPSERT_COMPANIES: &str =
    "INSERT INTO company (external_id, name, domains, parent_external_id, changed_at)
    SELECT value ->> 'external_id', value ->> 'name', value -> 'domains', value ->> 'parent_external_id', $2
    FROM json_each($1) WHERE true
    ON CONFLICT (external_id) DO UPDATE SET name = excluded.name, domains = excluded.domains,
        parent_external_id = excluded.parent_external_id, changed_at = excluded.changed_at
    WHERE company.name <> excluded.name OR company.domains <> excluded.domains
        OR company.parent_external_id IS NOT excluded.parent_external_id";

/// An equal row is not written. Who stays inactive is so since the first time.
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
            ELSE COALESCE(person.inactive_since, excluded.inactive_since) END
    WHERE person.email IS NOT excluded.email OR person.first_name IS NOT excluded.first_name
        OR person.last_name IS NOT excluded.last_name OR person.phone IS NOT excluded.phone
        OR person.company_external_id IS NOT excluded.company_external_id OR person.active <> excluded.active";

const KNOWN_COMPANIES: &str =
    "SELECT COUNT(*) FROM company WHERE external_id IN (SELECT value ->> 'external_id' FROM json_each($1))";
const KNOWN_PERSONS: &str =
    "SELECT COUNT(*) FROM person WHERE external_id IN (SELECT value ->> 'external_id' FROM json_each($1))";

pub(crate) const COMPANY: &str = "SELECT external_id, name, domains, parent_external_id FROM company";
const PERSON: &str =
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
        let rows = import(
            &mut transaction,
            (KNOWN_COMPANIES, UPSERT_COMPANIES),
            companies,
            by.at,
        )
        .await?;
        let done = Imported {
            rows,
            deed,
            company: only(companies),
        };
        settle(transaction, mode, &done, by).await?;
        Ok(rows)
    }

    async fn import_persons(
        &self,
        persons: &[Person],
        mode: ImportMode,
        by: &By,
    ) -> Result<PersonsImported, StoreError> {
        let mut transaction = self.begin().await?;
        let screened: Cow<'_, [Person]> = screen_persons(&mut transaction, &self.salts, persons).await?;
        let kept_out = (persons.len() - screened.len()) as u64;
        let statements = (KNOWN_PERSONS, UPSERT_PERSONS);
        let rows = import(&mut transaction, statements, &screened, by.at).await?;
        let done = Imported {
            rows,
            deed: Deed::PersonsImported,
            company: None,
        };
        settle(transaction, mode, &done, by).await?;
        Ok(PersonsImported { rows, kept_out })
    }

    async fn companies(&self, after: Option<&str>, limit: u32) -> Result<Vec<Company>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{COMPANY} WHERE $1 IS NULL OR external_id > $1 ORDER BY external_id LIMIT $2"
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
            "{PERSON} WHERE $1 IS NULL OR external_id > $1 ORDER BY external_id LIMIT $2"
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

/// Counts what is known, and writes what is new or differs.
async fn import<T: Serialize + Sync>(
    transaction: &mut Transaction<'static, Sqlite>,
    (known, upsert): (&'static str, &'static str),
    rows: &[T],
    at: DateTime<Utc>,
) -> Result<ImportOutcome, StoreError> {
    let list = json_text(&rows)?;
    let total = rows.len() as u64;
    let known: i64 = sqlx::query_scalar(known)
        .bind(&list)
        .fetch_one(&mut **transaction)
        .await
        .map_err(database)?;
    let written = sqlx::query(upsert)
        .bind(&list)
        .bind(micros(at))
        .execute(&mut **transaction)
        .await
        .map_err(database)?
        .rows_affected();
    let new = total.saturating_sub(u64::try_from(known).unwrap_or(0));
    Ok(ImportOutcome {
        new,
        updated: written.saturating_sub(new),
        unchanged: total.saturating_sub(written),
    })
}

async fn settle(
    mut transaction: Transaction<'static, Sqlite>,
    mode: ImportMode,
    done: &Imported<'_>,
    by: &By,
) -> Result<(), StoreError> {
    match mode {
        // Dropped, it is rolled back.
        ImportMode::Try => return Ok(()),
        ImportMode::Write if done.rows.new + done.rows.updated == 0 => return Ok(()),
        ImportMode::Write => {}
    }
    everything_changed(&mut transaction).await?;
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
