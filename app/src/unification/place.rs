//! Where on the Unification page someone is. All of it is in the URL, the draft too.

use domain::{
    ConnectionId,
    unification::{WhyNot, ticket_number, ticket_reference},
};
use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

use super::view::{DraftText, MemberName, RulesQuery};
use crate::{companies::place::page_of, place::Href};

pub const UNIFICATION: &str = "/administration/general/unification";
pub const USERS: &str = "/administration/general/unification/users";
pub const LINKS: &str = "/administration/general/unification/links";
pub const TICKETS: &str = "/administration/general/unification/tickets";
pub const TICKET: &str = "/administration/general/unification/ticket";
pub const MEMBER: &str = "/administration/general/unification/member";
/// Files to be downloaded.
pub const USERS_CSV: &str = "/administration/general/unification/users.csv";
pub const TICKET_CSV: &str = "/administration/general/unification/ticket.csv";
pub const TICKET_MARKDOWN: &str = "/administration/general/unification/ticket.md";

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

impl UsersFilter {
    /// What cannot be read, or was left empty in the form, is as if it were not there.
    pub fn read<'v>(value: impl Fn(&str) -> Option<&'v str>) -> Self {
        let text = |name: &str| value(name).map(str::trim).filter(|text| !text.is_empty());
        Self {
            cause: text("cause").and_then(WhyNot::parse),
            connection: text("connection").and_then(|id| id.parse().ok()),
            domain: text("domain").map(str::to_lowercase),
            rule: text("rule").map(str::to_owned),
            days: text("days").and_then(|days| days.parse().ok()),
        }
    }

    /// The fields that there are, by the names that [`UsersFilter::read`] knows.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        [
            ("cause", self.cause.map(|cause| cause.as_str().to_owned())),
            ("connection", self.connection.map(|id| id.to_string())),
            ("domain", self.domain.clone()),
            ("rule", self.rule.clone()),
            ("days", self.days.map(|days| days.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    fn href(&self, path: &str) -> Href {
        self.fields()
            .iter()
            .fold(Href::to(path), |href, (name, value)| href.with(name, value))
    }

    /// The file of all of them.
    pub fn csv_href(&self) -> String {
        self.href(USERS_CSV).into_text()
    }
}

/// Which of the users are ticked when the list comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ticked {
    #[default]
    None,
    /// Those on the page, one by one.
    Page,
    /// All of the filter, on whatever page.
    All,
}

impl Ticked {
    fn read(text: Option<&str>) -> Self {
        match text {
            Some("page") => Self::Page,
            Some("all") => Self::All,
            _ => Self::None,
        }
    }

    fn as_text(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Page => Some("page"),
            Self::All => Some("all"),
        }
    }
}

/// Where on the list of users without a company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersPlace {
    // Of a filter that asks for nothing, nothing crosses the wire.
    #[serde(default)]
    pub filter: UsersFilter,
    /// From 1.
    pub page: u32,
    pub ticked: Ticked,
    /// Whether more is told of what they have in common than the most important.
    pub every_group: bool,
}

impl UsersPlace {
    /// What cannot be read, or was left empty in the form, is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        Self {
            filter: UsersFilter::read(|name| query.get_str(name)),
            page: page_of(query),
            ticked: Ticked::read(query.get_str("select")),
            every_group: query.get_str("groups") == Some("all"),
        }
    }

    pub fn of(filter: UsersFilter) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }

    /// A selection of one page is none of another; one of all goes along.
    #[must_use]
    pub fn with_page(&self, page: u32) -> Self {
        let ticked = if self.ticked == Ticked::All {
            Ticked::All
        } else {
            Ticked::None
        };
        Self {
            page,
            ticked,
            ..self.clone()
        }
    }

    #[must_use]
    pub fn with_ticked(&self, ticked: Ticked) -> Self {
        Self {
            ticked,
            ..self.clone()
        }
    }

    pub fn href(&self) -> String {
        self.filter
            .href(USERS)
            .maybe("page", (self.page > 1).then_some(self.page))
            .maybe("select", self.ticked.as_text())
            .maybe("groups", self.every_group.then_some("all"))
            .into_text()
    }
}

/// A page of a list that has nothing but pages.
pub fn page_href(path: &str, page: u32) -> String {
    Href::to(path)
        .maybe("page", (page > 1).then_some(page))
        .into_text()
}

/// Which ticket a page is about, and which page of its users it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketPlace {
    /// 0 is none that there is.
    pub number: i64,
    /// From 1.
    pub page: u32,
}

impl TicketPlace {
    pub fn read(query: &ParamsMap) -> Self {
        Self {
            number: query
                .get_str("number")
                .and_then(ticket_number)
                .unwrap_or_default(),
            page: page_of(query),
        }
    }

    pub fn of(number: i64) -> Self {
        Self { number, page: 1 }
    }

    #[must_use]
    pub fn with_page(self, page: u32) -> Self {
        Self { page, ..self }
    }

    pub fn href(self) -> String {
        Href::to(TICKET)
            .with("number", &ticket_reference(self.number))
            .maybe("page", (self.page > 1).then_some(self.page))
            .into_text()
    }

    /// Its document, as the file at the given path.
    pub fn file_href(self, path: &str) -> String {
        Href::to(path)
            .with("number", &ticket_reference(self.number))
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

    fn query_of(href: &str) -> ParamsMap {
        let url = url::Url::parse("http://localhost").and_then(|base| base.join(href));
        let pairs = url.expect("an address");
        pairs
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    fn read_back(place: &RulesPlace) -> RulesPlace {
        RulesPlace::read(&query_of(&place.href()))
    }

    #[test]
    fn a_place_among_users_and_tickets_is_in_its_link() {
        let users = UsersPlace {
            filter: UsersFilter {
                cause: Some(WhyNot::DomainUnknown),
                connection: "01934f5e-0000-7000-8000-000000000001".parse().ok(),
                domain: Some("acme.io".to_owned()),
                rule: Some("email-domain".to_owned()),
                days: Some(7),
            },
            page: 3,
            ticked: Ticked::All,
            every_group: true,
        };
        assert_eq!(UsersPlace::read(&query_of(&users.href())), users);
        assert_eq!(users.with_page(4).ticked, Ticked::All);
        let page = users.with_ticked(Ticked::Page);
        assert_eq!(UsersPlace::read(&query_of(&page.href())), page);
        assert_eq!(
            page.with_page(4).ticked,
            Ticked::None,
            "the ticks of another page"
        );
        let ticket = TicketPlace { number: 12, page: 2 };
        assert_eq!(ticket.href(), format!("{TICKET}?number=T-12&page=2"));
        assert_eq!(TicketPlace::read(&query_of(&ticket.href())), ticket);
        assert_eq!(TicketPlace::read(&query_of(TICKET)).number, 0);
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
