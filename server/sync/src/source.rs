use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use chrono::NaiveDate;
use domain::{
    CauseCode, Stream,
    record::{InvalidRecord, Record, Subtype},
};
use store::TopicRef;

/// Records of a full page: the most that the API serves (`pageSize`, community-api 1 to 100). A request fewer is a
/// request saved.
pub const PAGE_SIZE: u32 = 100;

/// Which topics a listing holds; all of them by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicFilter {
    /// Only topics with activity on this day or later.
    pub active_since: Option<NaiveDate>,
    pub subtype: Option<Subtype>,
    /// Only topics created on this day or later.
    pub created_from: Option<NaiveDate>,
    /// Only topics created before this day, or on it: which of the two is not known of the provider.
    pub created_to: Option<NaiveDate>,
}

impl TopicFilter {
    pub const NONE: Self = Self {
        active_since: None,
        subtype: None,
        created_from: None,
        created_to: None,
    };
}

/// One page of one listing. Pages count from 1 and are as large as the listing allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageRequest {
    /// Served whole.
    IdeaStatuses,
    /// Served whole: the list, with the tree's fields where the tree may be read.
    Categories,
    Users {
        /// Only members who were active on this day or later.
        active_since: Option<NaiveDate>,
        page: u32,
    },
    Topics {
        filter: TopicFilter,
        page: u32,
    },
    /// How many topics each category has that can be seen, all of them in one answer.
    TopicCounts,
    Replies {
        topic: TopicRef,
        page: u32,
    },
    Activity {
        page: u32,
    },
}

impl PageRequest {
    /// A page of all members.
    pub const fn users(page: u32) -> Self {
        Self::Users {
            active_since: None,
            page,
        }
    }

    /// A page of all topics.
    pub const fn topics(page: u32) -> Self {
        Self::Topics {
            filter: TopicFilter::NONE,
            page,
        }
    }

    pub fn stream(&self) -> Stream {
        match self {
            Self::IdeaStatuses => Stream::IdeaStatuses,
            Self::Categories => Stream::Categories,
            Self::Users { .. } => Stream::Users,
            Self::Topics { .. } | Self::TopicCounts => Stream::Topics,
            Self::Replies { .. } => Stream::Replies,
            Self::Activity { .. } => Stream::Activity,
        }
    }
}

impl PageRequest {
    /// The page of its listing, from 1.
    pub fn page(&self) -> u32 {
        match self {
            Self::IdeaStatuses | Self::Categories | Self::TopicCounts => 1,
            Self::Users { page, .. }
            | Self::Topics { page, .. }
            | Self::Replies { page, .. }
            | Self::Activity { page } => *page,
        }
    }

    /// Another page of the same listing.
    #[must_use]
    pub fn at_page(&self, page: u32) -> Self {
        match self {
            Self::IdeaStatuses => Self::IdeaStatuses,
            Self::Categories => Self::Categories,
            Self::TopicCounts => Self::TopicCounts,
            Self::Users { active_since, .. } => Self::Users {
                active_since: *active_since,
                page,
            },
            Self::Topics { filter, .. } => Self::Topics {
                filter: filter.clone(),
                page,
            },
            Self::Replies { topic, .. } => Self::Replies {
                topic: topic.clone(),
                page,
            },
            Self::Activity { .. } => Self::Activity { page },
        }
    }
}

/// One record as the source read it.
#[derive(Clone, Debug, PartialEq)]
pub enum Served {
    Valid(Record),
    Invalid(InvalidRecord),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub records: Vec<Served>,
    /// No page follows: it was shorter than its size, or the listing is served whole.
    pub last: bool,
    /// How many records the whole listing has, where the provider says so (users).
    pub announced: Option<u64>,
}

/// What a request ended with.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetched {
    Page(Page),
    /// Topics by category.
    Counts(BTreeMap<String, u64>),
    /// The provider has no such listing (404 on `/user/activity`): not zero records, but no source.
    NoSource,
    /// The provider refuses this one item or category (403): a hole, not an end.
    Refused,
    /// The provider does not serve that far (422 past 10,000 topics): the listing has to be cut into shards.
    TooLong,
}

/// One record to be looked for by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    IdeaStatus(String),
    Category(String),
    User(String),
    Topic(TopicRef),
    Reply { topic: TopicRef, private_id: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The provider has it, or will not say.
    Present,
    /// The provider has it no more (404).
    Gone,
}

/// A request that failed, classified once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub code: CauseCode,
    /// In the provider's terms, with the status code in brackets; never a secret.
    pub message: String,
    /// What the provider asked for with 429 or 503.
    pub retry_after: Option<Duration>,
}

/// A tenant, as the engine reads it. One connection's source; it renews its own token.
#[async_trait]
pub trait Source: Send + Sync {
    /// Gets a token. Called once before the first page.
    async fn connect(&self) -> Result<(), Failure>;

    async fn fetch(&self, request: &PageRequest) -> Result<Fetched, Failure>;

    /// Asks for one record by itself, to learn whether it still exists.
    async fn presence(&self, of: &Lookup) -> Result<Presence, Failure>;

    /// Requests sent since the last call, tokens and retries included.
    fn take_requests(&self) -> u64;
}
