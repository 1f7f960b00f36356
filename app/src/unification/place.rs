//! Where on the Unification page someone is. All of it is in the URL, the draft too.

use domain::{ConnectionId, unification::WhyNot};
use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

use super::view::{DraftText, MemberName, RulesQuery};
use crate::{companies::place::page_of, place::Href};

pub const UNIFICATION: &str = "/administration/general/unification";
pub const USERS: &str = "/administration/general/unification/users";
pub const MEMBER: &str = "/administration/general/unification/member";

/// What is open over the list of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    NewRule,
    Rule(String),
    Lists,
    HowMatchingWorks,
}

/// Where on the Rules tab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesPlace {
    pub query: RulesQuery,
    pub open: Option<Open>,
    /// The version that was just applied, to be told.
    pub applied: Option<u32>,
}

impl RulesPlace {
    /// What cannot be read is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        let number = |name: &str| query.get_str(name).and_then(|text| text.parse().ok());
        let draft = number("base")
            .zip(query.get("draft"))
            .map(|(base, set)| DraftText { base, set });
        let open = match query.get_str("open") {
            Some("new-rule") => Some(Open::NewRule),
            Some("lists") => Some(Open::Lists),
            Some("help") => Some(Open::HowMatchingWorks),
            _ => query.get("rule").map(Open::Rule),
        };
        Self {
            query: RulesQuery {
                restore: number("restore").filter(|_| draft.is_none()),
                draft,
                preview: query.get_str("preview").is_some(),
            },
            open,
            applied: number("applied"),
        }
    }

    pub fn with_draft(draft: DraftText) -> Self {
        Self {
            query: RulesQuery {
                draft: Some(draft),
                ..RulesQuery::default()
            },
            ..Self::default()
        }
    }

    /// A draft equal to an earlier version, with what it would change.
    pub fn restoring(version: u32) -> Self {
        Self {
            query: RulesQuery {
                restore: Some(version),
                preview: true,
                ..RulesQuery::default()
            },
            ..Self::default()
        }
    }

    /// With something open over the list, where no preview is waited for.
    #[must_use]
    pub fn opening(&self, open: Option<Open>) -> Self {
        let query = RulesQuery {
            preview: false,
            ..self.query.clone()
        };
        Self {
            query,
            open,
            applied: None,
        }
    }

    #[must_use]
    pub fn previewing(&self) -> Self {
        let query = RulesQuery {
            preview: true,
            ..self.query.clone()
        };
        Self {
            query,
            ..Self::default()
        }
    }

    pub fn href(&self) -> String {
        let draft = self.query.draft.as_ref();
        let (open, rule) = match &self.open {
            None => (None, None),
            Some(Open::NewRule) => (Some("new-rule"), None),
            Some(Open::Lists) => (Some("lists"), None),
            Some(Open::HowMatchingWorks) => (Some("help"), None),
            Some(Open::Rule(id)) => (None, Some(id)),
        };
        Href::to(UNIFICATION)
            .maybe("applied", self.applied)
            .maybe("restore", self.query.restore)
            .maybe("preview", self.query.preview.then_some("yes"))
            .maybe("open", open)
            .maybe("rule", rule)
            .maybe("base", draft.map(|draft| draft.base))
            .maybe("draft", draft.map(|draft| &draft.set))
            .into_text()
    }
}

/// Which users without a company are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersFilter {
    pub cause: Option<WhyNot>,
    pub connection: Option<ConnectionId>,
    pub domain: Option<String>,
    /// The rule that ended the list.
    pub rule: Option<String>,
    /// Only those who came to stand so within so many days.
    pub days: Option<u32>,
}

/// Where on the list of users without a company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersPlace {
    // Of a filter that asks for nothing, nothing crosses the wire.
    #[serde(default)]
    pub filter: UsersFilter,
    /// From 1.
    pub page: u32,
}

impl UsersPlace {
    /// What cannot be read, or was left empty in the form, is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        let text = |name: &str| query.get_str(name).map(str::trim).filter(|text| !text.is_empty());
        Self {
            filter: UsersFilter {
                cause: text("cause").and_then(WhyNot::parse),
                connection: text("connection").and_then(|id| id.parse().ok()),
                domain: text("domain").map(str::to_lowercase),
                rule: text("rule").map(str::to_owned),
                days: text("days").and_then(|days| days.parse().ok()),
            },
            page: page_of(query),
        }
    }

    pub fn of(filter: UsersFilter) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_page(&self, page: u32) -> Self {
        Self { page, ..self.clone() }
    }

    pub fn href(&self) -> String {
        let filter = &self.filter;
        Href::to(USERS)
            .maybe("cause", filter.cause.map(WhyNot::as_str))
            .maybe("connection", filter.connection)
            .maybe("domain", filter.domain.as_ref())
            .maybe("rule", filter.rule.as_ref())
            .maybe("days", filter.days)
            .maybe("page", (self.page > 1).then_some(self.page))
            .into_text()
    }
}

/// Which member a page is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberKey {
    pub tenant_id: String,
    pub community_user_id: String,
}

impl MemberKey {
    pub fn read(query: &ParamsMap) -> Self {
        Self {
            tenant_id: query.get("tenant").unwrap_or_default(),
            community_user_id: query.get("user").unwrap_or_default(),
        }
    }

    pub fn href(&self) -> String {
        Href::to(MEMBER)
            .with("tenant", &self.tenant_id)
            .with("user", &self.community_user_id)
            .into_text()
    }
}

impl From<&MemberName> for MemberKey {
    fn from(name: &MemberName) -> Self {
        Self {
            tenant_id: name.tenant_id.clone(),
            community_user_id: name.community_user_id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::unification::RuleSet;

    use super::*;
    use crate::unification::draft::Draft;

    fn read_back(place: &RulesPlace) -> RulesPlace {
        let url = url::Url::parse("http://localhost").and_then(|base| base.join(&place.href()));
        let pairs = url.expect("an address");
        let query: ParamsMap = pairs
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        RulesPlace::read(&query)
    }

    #[test]
    fn a_place_is_in_its_link_with_the_whole_draft() {
        let mut set = RuleSet::shipped();
        set.internal_roles.insert("100 % staff & \"friends\"".to_owned());
        let drafted = RulesPlace::with_draft(Draft { base: 3, set }.text());
        for place in [
            RulesPlace::default(),
            RulesPlace::restoring(2),
            drafted.previewing(),
            drafted.opening(Some(Open::NewRule)),
            drafted.opening(Some(Open::Lists)),
            drafted.opening(Some(Open::Rule("email-to-person".to_owned()))),
            drafted,
        ] {
            assert_eq!(read_back(&place), place);
        }
    }

    #[test]
    fn a_shipped_draft_is_a_short_address() {
        let draft = Draft {
            base: 1,
            set: RuleSet::shipped(),
        };
        let href = RulesPlace::with_draft(draft.text()).href();
        assert!(href.len() < 2500, "{} characters", href.len());
    }
}
