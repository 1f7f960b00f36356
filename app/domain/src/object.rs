use std::fmt;

use serde::{Deserialize, Serialize};

/// What Tributary keeps and gives away whole, by the names that exports use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Object {
    Users,
    Content,
    Activity,
    Trends,
    Categories,
    IdeaStatuses,
    InvalidRecords,
}

impl Object {
    pub const ALL: [Self; 7] = [
        Self::Users,
        Self::Content,
        Self::Activity,
        Self::Trends,
        Self::Categories,
        Self::IdeaStatuses,
        Self::InvalidRecords,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Content => "content",
            Self::Activity => "activity",
            Self::Trends => "trends",
            Self::Categories => "categories",
            Self::IdeaStatuses => "idea-statuses",
            Self::InvalidRecords => "invalid-records",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|object| object.as_str() == name)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for object in Object::ALL {
            assert_eq!(Object::parse(object.as_str()), Some(object));
        }
    }
}
