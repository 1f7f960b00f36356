//! Rules by version, and which one decided since when.

use domain::unification::RuleSet;
use store::{RuleUse, RuleVersion, StoreError};

use crate::Columns;

pub fn read_version(row: &impl Columns) -> Result<RuleVersion, StoreError> {
    Ok(RuleVersion {
        version: row.int("version")?,
        rules: row.json::<RuleSet>("document")?,
    })
}

pub fn read_use(row: &impl Columns) -> Result<RuleUse, StoreError> {
    Ok(RuleUse {
        version: row.int("version")?,
        by: row.text("used_by")?,
        at: row.time("used_at")?,
        why: row.optional_text("why")?,
        effect: row.optional_text("effect")?,
    })
}
