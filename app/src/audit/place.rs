//! Where in the audit trail someone is.

use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

use crate::place::Href;

pub const AUDIT_TRAIL: &str = "/administration/audit-trail";
/// All entries as a file; a route of the server's own.
pub const AUDIT_CSV: &str = "/administration/audit-trail/export.csv";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPlace {
    /// Only entries before this number; the latest if there is none.
    pub before: Option<u64>,
    /// The chain is read anew from its beginning.
    pub check: bool,
}

impl AuditPlace {
    /// What cannot be read is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        Self {
            before: query.get_str("before").and_then(|number| number.parse().ok()),
            check: query.get_str("check").is_some(),
        }
    }

    pub fn before(number: u64) -> Self {
        Self {
            before: Some(number),
            check: false,
        }
    }

    pub fn checking() -> Self {
        Self {
            before: None,
            check: true,
        }
    }

    pub fn href(&self) -> String {
        Href::to(AUDIT_TRAIL)
            .maybe("before", self.before)
            .maybe("check", self.check.then_some("yes"))
            .into_text()
    }
}
