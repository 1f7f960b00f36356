//! What a simulated tenant is made of.

use std::str::FromStr;

/// Members of a tenant that names no number: a small community of a few years.
const DEFAULT_USERS: u64 = 1_200;
/// Topics of a tenant that names no number.
const DEFAULT_TOPICS: u64 = 400;
/// View events of a tenant that names no number.
const DEFAULT_VIEWS: u64 = 5_000;
/// Largest number of records of one kind: positions are kept in 32 bits in the sorted indexes.
const MAX_RECORDS: u64 = 50_000_000;

/// Name and size of a tenant. Written as `NAME` or `NAME:users=N,topics=N,views=N,broken=N`.
///
/// The language of its texts follows the end of the name: `-de`, `-fr` and `-es`, otherwise English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSpec {
    pub name: String,
    pub users: u64,
    pub topics: u64,
    /// Events in the activity stream.
    pub views: u64,
    /// About this many records are served broken, spread over users, topics, replies and activity.
    pub broken: u64,
}

/// Why a tenant cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpecError {
    #[error("`{0}` is not a tenant name: letters, digits, `-`, `_` and `.` only, and at least one of them")]
    Name(String),
    #[error("`{0}` is not of the form key=number")]
    Pair(String),
    #[error("unknown key `{0}`: a tenant has users, topics, views and broken")]
    Key(String),
    #[error("`{key}` is not a whole number up to {MAX_RECORDS}: `{value}`")]
    Number { key: String, value: String },
    #[error("the tenant `{0}` is named twice")]
    Duplicate(String),
}

impl TenantSpec {
    /// A small community with nothing broken.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            users: DEFAULT_USERS,
            topics: DEFAULT_TOPICS,
            views: DEFAULT_VIEWS,
            broken: 0,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SpecError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if self.name.is_empty() || !self.name.bytes().all(plain) {
            return Err(SpecError::Name(self.name.clone()));
        }
        let sizes = [
            ("users", self.users),
            ("topics", self.topics),
            ("views", self.views),
            ("broken", self.broken),
        ];
        match sizes.into_iter().find(|(_, size)| *size > MAX_RECORDS) {
            Some((key, size)) => Err(SpecError::Number {
                key: key.into(),
                value: size.to_string(),
            }),
            None => Ok(()),
        }
    }

    fn set(&mut self, pair: &str) -> Result<(), SpecError> {
        let (key, value) = pair.split_once('=').ok_or_else(|| SpecError::Pair(pair.into()))?;
        let size = match key {
            "users" => &mut self.users,
            "topics" => &mut self.topics,
            "views" => &mut self.views,
            "broken" => &mut self.broken,
            _ => return Err(SpecError::Key(key.into())),
        };
        *size = value.parse().map_err(|_| SpecError::Number {
            key: key.into(),
            value: value.into(),
        })?;
        Ok(())
    }
}

impl FromStr for TenantSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (name, sizes) = match text.split_once(':') {
            Some((name, sizes)) => (name, Some(sizes)),
            None => (text, None),
        };
        let mut spec = Self::named(name);
        for pair in sizes.into_iter().flat_map(|sizes| sizes.split(',')) {
            spec.set(pair)?;
        }
        spec.check()?;
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bare_name_is_a_small_community() {
        let spec: TenantSpec = "acme-de".parse().unwrap();
        assert_eq!(spec, TenantSpec::named("acme-de"));
        assert_eq!(
            (spec.users, spec.topics, spec.views, spec.broken),
            (1_200, 400, 5_000, 0)
        );
    }

    #[test]
    fn errors_name_the_bad_part() {
        let error = |text: &str| text.parse::<TenantSpec>().unwrap_err();
        assert_eq!(error(""), SpecError::Name(String::new()));
        assert_eq!(error("a b:users=1"), SpecError::Name("a b".into()));
        assert_eq!(error("a:"), SpecError::Pair(String::new()));
        assert_eq!(error("a:users"), SpecError::Pair("users".into()));
        assert_eq!(error("a:members=3"), SpecError::Key("members".into()));
        assert!(error("a:views=many").to_string().contains("`views`"));
        assert!(error("a:users=50000001").to_string().contains("50000001"));
        assert!(error("a:users=-1").to_string().contains("`-1`"));
    }

    proptest! {
        #[test]
        fn sizes_are_read_in_any_order(
            users in 0..MAX_RECORDS, topics in 0..MAX_RECORDS, views in 0..MAX_RECORDS, broken in 0..MAX_RECORDS
        ) {
            let text = format!("t.x_1-es:broken={broken},views={views},topics={topics},users={users}");
            let spec = TenantSpec { name: "t.x_1-es".into(), users, topics, views, broken };
            prop_assert_eq!(text.parse::<TenantSpec>(), Ok(spec));
        }
    }
}
