use std::collections::HashMap;

use async_trait::async_trait;
use domain::unification::{Changed, Company, Person};

use crate::{By, Deed, ImportOutcome, StoreError};

/// So many changed companies and persons are remembered until members were looked through for those whom they touch. More are
/// the better part of an import: they touch a good part of the members, and matching all costs less than finding out whom.
pub const PARTIES_SWEPT_MAX: usize = 1_000;

/// Those given that are not as they are stored, in the order of the given ones.
pub fn changed_parties<P: Clone + PartialEq>(
    given: &[P],
    stored: Vec<P>,
    id: fn(&P) -> &str,
) -> Vec<Changed<P>> {
    let mut stored: HashMap<String, P> = stored
        .into_iter()
        .map(|party| (id(&party).to_owned(), party))
        .collect();
    let changed = given.iter().map(|after| Changed {
        before: stored.remove(id(after)),
        after: Some(after.clone()),
    });
    changed
        .filter(|changed| changed.before != changed.after)
        .collect()
}

impl ImportOutcome {
    /// Of so many rows these have changed.
    pub fn of<P>(rows: usize, changed: &[Changed<P>]) -> Self {
        let new = changed.iter().filter(|changed| changed.before.is_none()).count() as u64;
        Self {
            new,
            updated: changed.len() as u64 - new,
            unchanged: (rows - changed.len()) as u64,
        }
    }
}

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
    /// Writes companies in one transaction, by external id, each at most once. If any is new or changed, a sweep for the members
    /// whom that touches is due, or all members are if more than [`PARTIES_SWEPT_MAX`] have changed; and the trail has the deed:
    /// an import, or what was done to the one company.
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
