use std::fmt;

use serde::{Deserialize, Serialize};

/// What a sync reads, in the order in which it reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    IdeaStatuses,
    Categories,
    Users,
    Topics,
    Replies,
    Activity,
}

impl Stream {
    pub const ALL: [Self; 6] = [
        Self::IdeaStatuses,
        Self::Categories,
        Self::Users,
        Self::Topics,
        Self::Replies,
        Self::Activity,
    ];

    /// The name in the database, the API and exports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdeaStatuses => "idea_statuses",
            Self::Categories => "categories",
            Self::Users => "users",
            Self::Topics => "topics",
            Self::Replies => "replies",
            Self::Activity => "activity",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.as_str() == name)
    }

    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|later| *later > self)
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a run has come: connecting, one stage for each stream, then what is derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Connect,
    IdeaStatuses,
    Categories,
    Users,
    Topics,
    Replies,
    Activity,
    /// New and changed members are tied to companies.
    Match,
    /// Trends of the days that changed.
    Trends,
}

impl Stage {
    pub const ALL: [Self; 9] = [
        Self::Connect,
        Self::IdeaStatuses,
        Self::Categories,
        Self::Users,
        Self::Topics,
        Self::Replies,
        Self::Activity,
        Self::Match,
        Self::Trends,
    ];

    /// The name in the database, the API and exports.
    pub fn as_str(self) -> &'static str {
        match (self, self.stream()) {
            (_, Some(stream)) => stream.as_str(),
            (Self::Match, _) => "match",
            (Self::Trends, _) => "trends",
            (_, None) => "connect",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// From 1, as in "Replies, 6 of 9".
    pub fn position(self) -> usize {
        self as usize + 1
    }

    pub fn stream(self) -> Option<Stream> {
        match self {
            Self::Connect | Self::Match | Self::Trends => None,
            Self::IdeaStatuses => Some(Stream::IdeaStatuses),
            Self::Categories => Some(Stream::Categories),
            Self::Users => Some(Stream::Users),
            Self::Topics => Some(Stream::Topics),
            Self::Replies => Some(Stream::Replies),
            Self::Activity => Some(Stream::Activity),
        }
    }
}

impl From<Stream> for Stage {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::IdeaStatuses => Self::IdeaStatuses,
            Stream::Categories => Self::Categories,
            Stream::Users => Self::Users,
            Stream::Topics => Self::Topics,
            Stream::Replies => Self::Replies,
            Stream::Activity => Self::Activity,
        }
    }
}

/// Where a connection's view activity comes from. "None" is not zero views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivitySource {
    /// `/user/activity` answers.
    Api,
    /// Files that an operator imports.
    Import,
    /// The tenant offers no view source.
    None,
}

impl ActivitySource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Import => "import",
            Self::None => "none",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Api, Self::Import, Self::None]
            .into_iter()
            .find(|source| source.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for stream in Stream::ALL {
            assert_eq!(Stream::parse(stream.as_str()), Some(stream));
            assert_eq!(Stage::from(stream).stream(), Some(stream));
        }
        for stage in Stage::ALL {
            assert_eq!(Stage::parse(stage.as_str()), Some(stage));
        }
    }

    #[test]
    fn streams_follow_each_other_and_end() {
        let mut order = vec![Stream::IdeaStatuses];
        while let Some(next) = order.last().and_then(|last| last.next()) {
            order.push(next);
        }
        assert_eq!(order, Stream::ALL);
    }

    #[test]
    fn stages_count_from_one() {
        assert_eq!(Stage::Connect.position(), 1);
        assert_eq!(Stage::Replies.position(), 6);
    }
}
