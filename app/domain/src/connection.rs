use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{ActivitySource, ConnectionId};

/// A DNS label's length, which a tenant id is (RFC 1035, section 2.3.4).
const TENANT_ID_MAX_CHARS: usize = 63;

/// The name of a tenant, such as `customer-en`: the first label of its Control URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTenantId {
    #[error("the tenant id is empty; it is the first label of the Control URL, such as customer-en")]
    Empty,
    #[error(
        "the tenant id \"{0}\" has {len} characters, but at most {TENANT_ID_MAX_CHARS} are possible",
        len = .0.chars().count()
    )]
    TooLong(String),
    #[error(
        "the tenant id \"{id}\" has the character {character:?}; only letters, digits, - and _ are possible, as in customer-en"
    )]
    Character { id: String, character: char },
    #[error("\"{0}\" is not a Control URL; give one such as https://customer-en.control.example/")]
    ControlUrl(String),
}

impl TenantId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tenant id in a Control URL: the first label of its host.
    pub fn from_control_url(text: &str) -> Result<Self, InvalidTenantId> {
        let url = Url::parse(text).map_err(|_| InvalidTenantId::ControlUrl(text.to_owned()))?;
        match url.host() {
            Some(url::Host::Domain(host)) if host.contains('.') => {
                host.split('.').next().unwrap_or(host).parse()
            }
            _ => Err(InvalidTenantId::ControlUrl(text.to_owned())),
        }
    }

    /// The two-letter language that a tenant id usually ends with, as in `customer-en`.
    pub fn language(&self) -> Option<&str> {
        let (_, last) = self.0.rsplit_once('-')?;
        (last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(last)
    }
}

impl FromStr for TenantId {
    type Err = InvalidTenantId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidTenantId::Empty);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(InvalidTenantId::Character {
                id: text.to_owned(),
                character,
            });
        }
        if text.len() > TENANT_ID_MAX_CHARS {
            return Err(InvalidTenantId::TooLong(text.to_owned()));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidTenantId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The root of a tenant's REST API, such as `https://api2-eu-west-1.insided.com`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(Url);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    #[error("\"{text}\" is not a base URL ({reason}); give one such as https://api2-eu-west-1.insided.com")]
    Unreadable { text: String, reason: String },
    #[error("the base URL \"{0}\" must begin with https:// or http:// and name a host")]
    NotHttp(String),
    #[error("the base URL must not hold a user name, a password, a query or a fragment")]
    Extra,
}

impl BaseUrl {
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Host and port, which tell one installation of the API from another.
    pub fn authority(&self) -> String {
        format!(
            "{}:{}",
            self.host(),
            self.0.port_or_known_default().unwrap_or_default()
        )
    }

    /// The URL of an absolute path such as `/v2/topics`, below this root.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// The vendor's region as its host names it: `EU` or `US`.
    pub fn region(&self) -> Option<&'static str> {
        let host = self.host();
        if host.contains("eu-west") {
            Some("EU")
        } else if host.contains("us-west") {
            Some("US")
        } else {
            None
        }
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| InvalidBaseUrl::Unreadable {
            text: text.to_owned(),
            reason: error.to_string(),
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(InvalidBaseUrl::NotHttp(text.to_owned()));
        }
        let extra = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        if extra {
            Err(InvalidBaseUrl::Extra)
        } else {
            Ok(Self(url))
        }
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = InvalidBaseUrl;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// One connection to one tenant, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub tenant_id: TenantId,
    /// As the tenant writes it.
    pub name: String,
    pub base_url: BaseUrl,
    pub client_id: String,
    /// When an admin turned it off; `None` while it is active.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// What the last run learned; `None` before the first.
    pub activity_source: Option<ActivitySource>,
    pub created_at: DateTime<Utc>,
}

impl Connection {
    pub fn is_active(&self) -> bool {
        self.deactivated_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_url_names_the_tenant_by_its_first_label() {
        let id = TenantId::from_control_url("https://customer-en.control.example/settings?x=1");
        assert_eq!(id.as_ref().map(TenantId::as_str), Ok("customer-en"));
        for not_one in [
            "customer-en",
            "https://localhost/",
            "https://127.0.0.1/",
            "",
            "mailto:a@b.example",
        ] {
            assert!(TenantId::from_control_url(not_one).is_err(), "{not_one}");
        }
    }

    #[test]
    fn a_tenant_id_with_a_space_is_refused_and_the_space_is_named() {
        let error = "customer en".parse::<TenantId>().expect_err("a space");
        assert_eq!(
            error,
            InvalidTenantId::Character {
                id: "customer en".into(),
                character: ' '
            }
        );
        assert!(error.to_string().contains("' '"));
    }

    #[test]
    fn the_language_is_the_last_part_if_it_looks_like_one() {
        let language = |id: &str| {
            id.parse::<TenantId>()
                .ok()
                .and_then(|id| id.language().map(str::to_owned))
        };
        assert_eq!(language("customer-en").as_deref(), Some("en"));
        assert_eq!(language("customer-emea"), None);
        assert_eq!(language("customer"), None);
    }

    #[test]
    fn paths_are_joined_below_a_base_with_or_without_a_slash() {
        for base in ["http://127.0.0.1:4010", "http://127.0.0.1:4010/"] {
            let base: BaseUrl = base.parse().expect("a base URL");
            assert_eq!(
                base.join("/v2/topics").as_str(),
                "http://127.0.0.1:4010/v2/topics"
            );
            assert_eq!(base.to_string(), "http://127.0.0.1:4010");
        }
        let nested: BaseUrl = "https://proxy.example/communities/".parse().expect("a base URL");
        assert_eq!(
            nested.join("/user").as_str(),
            "https://proxy.example/communities/user"
        );
    }

    #[test]
    fn base_urls_that_cannot_work_are_refused() {
        for url in [
            "ftp://x.example",
            "nonsense",
            "https://u:p@x.example",
            "https://x.example/?a=1",
            "data:text/plain,x",
        ] {
            assert!(url.parse::<BaseUrl>().is_err(), "{url}");
        }
    }
}
