//! What an erasure reached.

use store::{ErasedCounts, ErasedOfTenant, StoreError};

use crate::Columns;

pub fn read_of_tenant(row: &impl Columns) -> Result<ErasedOfTenant, StoreError> {
    Ok(ErasedOfTenant {
        tenant_id: row.word("tenant_id", |text| text.parse().ok())?,
        counts: ErasedCounts {
            users: row.unsigned("users")?,
            content: row.unsigned("content")?,
            activity: row.unsigned("activity")?,
            invalid_records: row.unsigned("invalid_records")?,
            mentions: row.unsigned("mentions")?,
        },
    })
}
