//! Companies and persons, as they were imported.

use domain::unification::{Company, Person};
use store::StoreError;

use crate::Columns;

pub fn read_company(row: &impl Columns) -> Result<Company, StoreError> {
    Ok(Company {
        external_id: row.text("external_id")?,
        name: row.text("name")?,
        domains: row.json("domains")?,
        parent_external_id: row.optional_text("parent_external_id")?,
    })
}

pub fn read_person(row: &impl Columns) -> Result<Person, StoreError> {
    Ok(Person {
        external_id: row.text("external_id")?,
        email: row.optional_text("email")?,
        first_name: row.optional_text("first_name")?,
        last_name: row.optional_text("last_name")?,
        phone: row.optional_text("phone")?,
        company_external_id: row.optional_text("company_external_id")?,
        active: row.flag("active")?,
    })
}
