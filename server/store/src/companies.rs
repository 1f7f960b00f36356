use std::collections::HashMap;

use async_trait::async_trait;
use domain::unification::{Company, Person};

use crate::{By, Deed, ImportOutcome, StoreError};

/// What became of imported persons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PersonsImported {
    pub rows: ImportOutcome,
    /// Persons who were erased, and stay out.
    pub kept_out: u64,
}

/// Whether an import is written, or only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMode {
    Write,
    Try,
}

/// The companies and persons of the customer-success database.
#[async_trait]
pub trait CompanyStore: Send + Sync {
    /// Writes companies in one transaction, by external id, each at most once. If any is new or changed, all members are due,
    /// and the trail has the deed: an import, or what was done to the one company.
    async fn import_companies(
        &self,
        companies: &[Company],
        mode: ImportMode,
        deed: Deed,
        by: &By,
    ) -> Result<ImportOutcome, StoreError>;

    /// The same with persons. Those who were erased are left out.
    async fn import_persons(
        &self,
        persons: &[Person],
        mode: ImportMode,
        by: &By,
    ) -> Result<PersonsImported, StoreError>;

    /// In the order of external ids, after the given one.
    async fn companies(&self, after: Option<&str>, limit: u32) -> Result<Vec<Company>, StoreError>;

    /// In the order of external ids, after the given one.
    async fn persons(&self, after: Option<&str>, limit: u32) -> Result<Vec<Person>, StoreError>;

    async fn company(&self, external_id: &str) -> Result<Option<Company>, StoreError>;

    async fn person(&self, external_id: &str) -> Result<Option<Person>, StoreError>;

    /// The parent of every company that has one, by external id.
    async fn company_parents(&self) -> Result<HashMap<String, String>, StoreError>;
}
