//! Where in the audit trail someone is.

use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

use crate::place::Href;

pub const AUDIT_TRAIL: &str = "/administration/audit-trail";
/// Entries as a file; a route of the server's own.
pub const AUDIT_CSV: &str = "/administration/audit-trail/export.csv";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPlace {
    /// Only entries before this number; the latest if there is none.
    pub before: Option<u64>,
    /// The chain is read anew from its beginning.
    pub check: bool,
    /// Only deeds of this kind, as the trail names it.
    pub deed: Option<String>,
    /// Only what they did, as the server names them.
    pub who: Option<String>,
}

impl AuditPlace {
    /// A number that cannot be read is as if it were not there. Which kinds and whom there are knows the server.
    pub fn read(query: &ParamsMap) -> Self {
        let chosen = |name: &str| query.get(name).filter(|value| !value.is_empty());
        Self {
            before: query.get_str("before").and_then(|number| number.parse().ok()),
            check: query.get_str("check").is_some(),
            deed: chosen("deed"),
            who: chosen("who"),
        }
    }

    /// Whether only some of the entries are asked for.
    pub fn is_narrowed(&self) -> bool {
        self.deed.is_some() || self.who.is_some()
    }

    /// The same entries, those before a number or the latest.
    #[must_use]
    pub fn turned(&self, before: Option<u64>) -> Self {
        Self {
            before,
            check: false,
            ..self.clone()
        }
    }

    #[must_use]
    pub fn checking(&self) -> Self {
        Self {
            check: true,
            ..self.turned(None)
        }
    }

    pub fn href(&self) -> String {
        self.narrowing(
            Href::to(AUDIT_TRAIL)
                .maybe("before", self.before)
                .maybe("check", self.check.then_some("yes")),
        )
    }

    /// The same entries as a file, of whichever page.
    pub fn csv_href(&self) -> String {
        self.narrowing(Href::to(AUDIT_CSV))
    }

    fn narrowing(&self, href: Href) -> String {
        href.maybe("deed", self.deed.as_ref())
            .maybe("who", self.who.as_ref())
            .into_text()
    }
}
