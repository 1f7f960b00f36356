//! What people look up.

use domain::unification::DecidedBy;
use store::{FoundCompany, FoundPage, Link, LinkedMember, StoreError, TiedMember};

use crate::{Columns, companies::read_company};

/// Each row says how many there are; without a row there are none on this page.
pub fn found<R: Columns, T>(
    rows: &[R],
    read: impl Fn(&R) -> Result<T, StoreError>,
) -> Result<FoundPage<T>, StoreError> {
    let total = rows.first().map_or(Ok(0), |row| row.unsigned("total"))?;
    Ok(FoundPage {
        rows: rows.iter().map(read).collect::<Result<_, _>>()?,
        total,
    })
}

pub fn read_found_company(row: &impl Columns) -> Result<FoundCompany, StoreError> {
    Ok(FoundCompany {
        company: read_company(row)?,
        members: row.unsigned("members")?,
    })
}

pub fn read_tied(row: &impl Columns) -> Result<TiedMember, StoreError> {
    Ok(TiedMember {
        tenant_id: row.text("tenant_id")?,
        community_user_id: row.text("community_user_id")?,
        username: row.text("username")?,
        email: row.optional_text("email")?,
        decided_by: row.word("decided_by", DecidedBy::parse)?,
        rule: row.optional_text("rule")?,
    })
}

pub fn read_linked(row: &impl Columns) -> Result<LinkedMember, StoreError> {
    Ok(LinkedMember {
        tenant_id: row.text("tenant_id")?,
        community_user_id: row.text("community_user_id")?,
        username: row.text("username")?,
        email: row.optional_text("email")?,
        link: Link {
            company_external_id: row.optional_text("company_external_id")?,
            person_external_id: row.optional_text("person_external_id")?,
            reason: row.text("reason")?,
            by: row.text("linked_by")?,
            at: row.time("linked_at")?,
        },
        company_name: row.optional_text("company_name")?,
    })
}
