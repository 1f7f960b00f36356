//! Canonical records: what a provider's record is once it has been read leniently and written strictly.
//!
//! Field names are those of the Community objects in snake case. IP addresses, private-message counts and bodies of
//! posts are dropped at the edge and have no field here.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Stream;

/// An idea status, as `/v2/ideas/ideaStatuses` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdeaStatus {
    pub idea_status_id: String,
    pub name: String,
    /// Empty, `open`, `closed` or `delivered`.
    pub status_type: String,
    pub is_default: bool,
    pub visible: bool,
    pub display_order: i64,
    pub text_color: Option<String>,
    pub background_color: Option<String>,
}

/// A category: the list gives id, name and order; the tree adds the rest where it may be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    pub category_id: String,
    pub name: String,
    pub display_order: i64,
    pub parent_id: Option<String>,
    pub is_section: bool,
    pub module: Option<String>,
    pub supported_content_types: Vec<String>,
}

/// A member of the community.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub community_user_id: String,
    pub username: String,
    /// As it came; a missing or odd address does not make a record invalid.
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub phone: Option<String>,
    /// The company that the member typed, not the matched one.
    pub company_custom: Option<String>,
    pub department: Option<String>,
    pub title: Option<String>,
    pub sso_id: Option<String>,
    pub profile_picture: Option<String>,
    pub rank_id: Option<String>,
    pub rank_name: Option<String>,
    pub is_moderator: bool,
    pub roles: Vec<String>,
    pub badges: Vec<String>,
    pub joined_at: DateTime<Utc>,
    pub last_activity_at: Option<DateTime<Utc>>,
    pub last_visit_at: Option<DateTime<Utc>>,
    pub posts: i64,
    pub topics: i64,
    pub solved: i64,
    pub likes_received: i64,
    pub likes_given: i64,
    /// All profile fields by name, so that another mapping can be applied without the API.
    pub profile_fields: BTreeMap<String, String>,
}

/// The five kinds of topic, by the vendor's content type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subtype {
    Article,
    #[default]
    Discussion,
    Idea,
    ProductUpdate,
    Question,
}

impl Subtype {
    pub const ALL: [Self; 5] = [
        Self::Article,
        Self::Discussion,
        Self::Idea,
        Self::ProductUpdate,
        Self::Question,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Discussion => "discussion",
            Self::Idea => "idea",
            Self::ProductUpdate => "product_update",
            Self::Question => "question",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subtype| subtype.as_str() == name)
    }

    /// The value of `contentType` in the API.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Discussion => "conversation",
            Self::Idea => "idea",
            Self::ProductUpdate => "productUpdate",
            Self::Question => "question",
        }
    }

    pub fn from_content_type(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|subtype| subtype.content_type() == name)
    }

    /// The family's path segment below `/v2`.
    pub fn path_segment(self) -> &'static str {
        match self {
            Self::Article => "articles",
            Self::Discussion => "conversations",
            Self::Idea => "ideas",
            Self::ProductUpdate => "productUpdates",
            Self::Question => "questions",
        }
    }
}

/// A topic or a reply. A topic and a reply may share a public id, so the kind is part of the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentKind {
    #[default]
    Topic,
    Reply,
}

impl ContentKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Reply => "reply",
        }
    }
}

/// A topic or a reply. What only one of them has is `None` or zero in the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the provider's own flags, independent of each other"
)]
pub struct Content {
    pub kind: ContentKind,
    /// Unique in the platform within its kind; stays through a conversion.
    pub public_id: String,
    /// Unique within its content type only; kept for API paths.
    pub private_id: String,
    /// For a reply, the subtype of its topic.
    pub subtype: Subtype,
    pub topic_public_id: Option<String>,
    pub title: Option<String>,
    pub category_id: Option<String>,
    pub category_name: Option<String>,
    pub idea_status: Option<String>,
    pub author_user_id: Option<String>,
    pub author_username: Option<String>,
    pub posted_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
    pub last_activity_at: Option<DateTime<Utc>>,
    pub reply_count: i64,
    pub likes: i64,
    pub votes: i64,
    /// A question's answered state, or whether a reply is the answer.
    pub is_answer: bool,
    pub highlighted: bool,
    pub sticky: bool,
    pub trashed: bool,
    pub moderation_label: Option<String>,
    pub tags: Vec<String>,
    pub permalink: Option<String>,
}

/// What a member did; so far, that a member viewed a post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    pub event_id: String,
    /// An open enumeration; `view` first.
    pub activity_type: String,
    pub occurred_at: DateTime<Utc>,
    pub user_id: Option<String>,
    pub content_public_id: Option<String>,
}

/// One valid record of any stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    IdeaStatus(IdeaStatus),
    Category(Category),
    User(Box<User>),
    Content(Box<Content>),
    Activity(Activity),
}

impl Record {
    /// The id under which the provider knows the record, unique within its stream.
    pub fn key(&self) -> &str {
        match self {
            Self::IdeaStatus(status) => &status.idea_status_id,
            Self::Category(category) => &category.category_id,
            Self::User(user) => &user.community_user_id,
            Self::Content(content) => &content.public_id,
            Self::Activity(activity) => &activity.event_id,
        }
    }

    pub fn stream(&self) -> Stream {
        match self {
            Self::IdeaStatus(_) => Stream::IdeaStatuses,
            Self::Category(_) => Stream::Categories,
            Self::User(_) => Stream::Users,
            Self::Content(content) => match content.kind {
                ContentKind::Topic => Stream::Topics,
                ContentKind::Reply => Stream::Replies,
            },
            Self::Activity(_) => Stream::Activity,
        }
    }

    /// The record's own time: joined, posted, occurred.
    pub fn own_time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::IdeaStatus(_) | Self::Category(_) => None,
            Self::User(user) => Some(user.joined_at),
            Self::Content(content) => Some(content.posted_at),
            Self::Activity(activity) => Some(activity.occurred_at),
        }
    }

    /// The time by which the provider's filters judge the record: the latest activity where it names one, else its own
    /// time. `None` where no filter exists.
    pub fn activity_time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::IdeaStatus(_) | Self::Category(_) => None,
            Self::User(user) => user.last_activity_at.or(Some(user.joined_at)),
            Self::Content(content) => match content.kind {
                ContentKind::Topic => content.last_activity_at.or(Some(content.posted_at)),
                ContentKind::Reply => None,
            },
            Self::Activity(activity) => Some(activity.occurred_at),
        }
    }
}

/// Why a record cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvalidReason {
    MissingId,
    UnreadableTime,
    UnknownContentType,
    /// Not an object, or a field of a type that cannot be read.
    UnreadableRecord,
    /// Longer than a bound; the message names which.
    TooLarge,
}

impl InvalidReason {
    pub const ALL: [Self; 5] = [
        Self::MissingId,
        Self::UnreadableTime,
        Self::UnknownContentType,
        Self::UnreadableRecord,
        Self::TooLarge,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingId => "missing_id",
            Self::UnreadableTime => "unreadable_time",
            Self::UnknownContentType => "unknown_content_type",
            Self::UnreadableRecord => "unreadable_record",
            Self::TooLarge => "too_large",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }
}

/// A record that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidRecord {
    pub stream: Stream,
    pub reason: InvalidReason,
    /// How a person would look for it, such as `user 912`.
    pub name: String,
    /// What exactly could not be read, such as `joindate "0000-00-00" is not a time`.
    pub message: String,
    /// The record as the provider served it (JSON text), private fields dropped.
    pub payload: String,
    /// Something in the payload was longer than is kept, so that the record cannot be tried again from it.
    pub payload_cut: bool,
    /// Of a reply, the topic that it was served for: the payload does not say.
    pub topic_public_id: Option<String>,
    /// When a later attempt at the payload found the record stored; `None` while it is set aside.
    pub repaired_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtypes_and_reasons_are_read_back() {
        for subtype in Subtype::ALL {
            assert_eq!(Subtype::parse(subtype.as_str()), Some(subtype));
            assert_eq!(Subtype::from_content_type(subtype.content_type()), Some(subtype));
        }
        for reason in InvalidReason::ALL {
            assert_eq!(InvalidReason::parse(reason.as_str()), Some(reason));
        }
    }
}
