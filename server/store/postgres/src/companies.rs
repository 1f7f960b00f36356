//! Companies and persons, as they were imported.

use std::{borrow::Cow, collections::HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::unification::{Changed, Company, PartyChanges, Person};
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgRow};
use store::{
    By, CompanyStore, Deed, ImportMode, ImportOutcome, PersonsImported, StoreError, changed_parties, targets,
};
use store_columns::{
    companies::{read_company, read_person},
    json_text, micros,
};

use crate::{
    PostgresStore,
    audit::append,
    database::Write,
    error::database,
    suppression::{lock_out_erasures, screen_persons},
    sweep::parties_changed,
};

const UPSERT_COMPANIES: &str =
    "INSERT INTO company (external_id, name, domains, parent_external_id, changed_at)
    SELECT external_id, name, domains, parent_external_id, $5
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS given (external_id, name, domains, parent_external_id)
    ORDER BY external_id COLLATE \"C\"
    ON CONFLICT (external_id) DO UPDATE SET name = excluded.name, domains = excluded.domains,
        parent_external_id = excluded.parent_external_id, changed_at = excluded.changed_at";

/// Who stays inactive is so since the first time.
const UPSERT_PERSONS: &str =
    "INSERT INTO person (external_id, email, first_name, last_name, phone, company_external_id, active, changed_at,
        inactive_since)
    SELECT external_id, email, first_name, last_name, phone, company_external_id, active, $8,
        CASE WHEN active THEN NULL ELSE $8::bigint END
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
        AS given (external_id, email, first_name, last_name, phone, company_external_id, active)
    ORDER BY external_id COLLATE \"C\"
    ON CONFLICT (external_id) DO UPDATE SET email = excluded.email, first_name = excluded.first_name,
        last_name = excluded.last_name, phone = excluded.phone, company_external_id = excluded.company_external_id,
        active = excluded.active, changed_at = excluded.changed_at,
        inactive_since = CASE WHEN excluded.active THEN NULL
            ELSE COALESCE(person.inactive_since, excluded.inactive_since) END";

/// Any number will do that is no other lock's.
const IMPORT_LOCK: i64 = 0x7472_6962_0003;

pub(crate) const COMPANY: &str = "SELECT external_id, name, domains, parent_external_id FROM company";
pub(crate) const PERSON: &str =
    "SELECT external_id, email, first_name, last_name, phone, company_external_id, active FROM person";

#[async_trait]
impl CompanyStore for PostgresStore {
    async fn import_companies(
        &self,
        companies: &[Company],
        mode: ImportMode,
        deed: Deed,
        by: &By,
    ) -> Result<ImportOutcome, StoreError> {
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        lock_imports(&mut write).await?;
        let differing = changed(&mut write, COMPANY, read_company, companies, |company| {
            &company.external_id
        })
        .await?;
        write_companies(&mut write, &differing, by.at).await?;
        let done = Imported {
            rows: ImportOutcome::of(companies.len(), &differing),
            deed,
            company: only(companies),
        };
        let changes = PartyChanges {
            companies: differing,
            persons: Vec::new(),
        };
        settle(write, mode, &done, changes, by).await?;
        Ok(done.rows)
    }

    async fn import_persons(
        &self,
        persons: &[Person],
        mode: ImportMode,
        by: &By,
    ) -> Result<PersonsImported, StoreError> {
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        lock_imports(&mut write).await?;
        let screened: Cow<'_, [Person]> = screen_persons(&mut write, &self.salts, persons).await?;
        let differing = changed(&mut write, PERSON, read_person, &screened, |person| {
            &person.external_id
        })
        .await?;
        write_persons(&mut write, &differing, by.at).await?;
        let done = Imported {
            rows: ImportOutcome::of(screened.len(), &differing),
            deed: Deed::PersonsImported,
            company: None,
        };
        let changes = PartyChanges {
            companies: Vec::new(),
            persons: differing,
        };
        settle(write, mode, &done, changes, by).await?;
        Ok(PersonsImported {
            rows: done.rows,
            kept_out: (persons.len() - screened.len()) as u64,
        })
    }

    async fn companies(&self, after: Option<&str>, limit: u32) -> Result<Vec<Company>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
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
        let rows = sqlx::query(AssertSqlSafe(format!(
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
        let row = sqlx::query(AssertSqlSafe(format!("{COMPANY} WHERE external_id = $1")))
            .bind(external_id)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read_company).transpose()
    }

    async fn person(&self, external_id: &str) -> Result<Option<Person>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("{PERSON} WHERE external_id = $1")))
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

/// One import at a time: what has changed is read before it is written.
pub(crate) async fn lock_imports(write: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(IMPORT_LOCK)
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// Those that are new or differ from what is stored.
async fn changed<P: Clone + PartialEq>(
    write: &mut PgConnection,
    select: &'static str,
    read: fn(&PgRow) -> Result<P, StoreError>,
    given: &[P],
    id: fn(&P) -> &str,
) -> Result<Vec<Changed<P>>, StoreError> {
    let ids: Vec<&str> = given.iter().map(id).collect();
    let rows = sqlx::query(AssertSqlSafe(format!("{select} WHERE external_id = ANY($1)")))
        .bind(&ids)
        .fetch_all(write)
        .await
        .map_err(database)?;
    let stored = rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(changed_parties(given, stored, id))
}

async fn write_companies(
    write: &mut PgConnection,
    changed: &[Changed<Company>],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let companies: Vec<&Company> = changed
        .iter()
        .filter_map(|changed| changed.after.as_ref())
        .collect();
    let texts = |of: fn(&Company) -> Option<&str>| companies.iter().copied().map(of).collect::<Vec<_>>();
    let domains = companies.iter().map(|company| json_text(&company.domains));
    sqlx::query(UPSERT_COMPANIES)
        .bind(texts(|company| Some(&company.external_id)))
        .bind(texts(|company| Some(&company.name)))
        .bind(domains.collect::<Result<Vec<_>, _>>()?)
        .bind(texts(|company| company.parent_external_id.as_deref()))
        .bind(micros(at))
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

async fn write_persons(
    write: &mut PgConnection,
    changed: &[Changed<Person>],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let persons: Vec<&Person> = changed
        .iter()
        .filter_map(|changed| changed.after.as_ref())
        .collect();
    let texts = |of: fn(&Person) -> Option<&str>| persons.iter().copied().map(of).collect::<Vec<_>>();
    sqlx::query(UPSERT_PERSONS)
        .bind(texts(|person| Some(&person.external_id)))
        .bind(texts(|person| person.email.as_deref()))
        .bind(texts(|person| person.first_name.as_deref()))
        .bind(texts(|person| person.last_name.as_deref()))
        .bind(texts(|person| person.phone.as_deref()))
        .bind(texts(|person| person.company_external_id.as_deref()))
        .bind(persons.iter().map(|person| person.active).collect::<Vec<_>>())
        .bind(micros(at))
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

async fn settle(
    mut write: Write,
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
    parties_changed(&mut write, changes).await?;
    append(&mut write, by, done.deed, Some(done.target())).await?;
    write.commit().await
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
