//! What a reader must have found when it has read everything.

use crate::content::{Reply, Topic};
use crate::damage::{InvalidReason, UNKNOWN_CONTENT_TYPE};
use crate::people::Member;
use crate::world::World;
use crate::{activity::View, damage::Flaw};
use serde::{Deserialize, Serialize};

/// Valid and invalid records of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub valid: u64,
    pub invalid: u64,
}

/// The counts of all streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    pub idea_statuses: Counts,
    pub categories: Counts,
    pub users: Counts,
    pub topics: Counts,
    pub replies: Counts,
    pub activity: Counts,
}

/// How many records a tenant serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    pub tenant_id: String,
    pub streams: Streams,
}

/// A record as the provider knows it; where it is served broken, `invalid` says why a reader sets it aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrueRecord {
    IdeaStatus(TrueIdeaStatus),
    Category(TrueCategory),
    User(TrueUser),
    Topic(TrueTopic),
    Reply(TrueReply),
    Activity(TrueActivity),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueIdeaStatus {
    pub id: u64,
    pub name: &'static str,
    /// Empty, `open`, `closed` or `delivered`.
    pub kind: &'static str,
    pub is_default: bool,
    pub display_order: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueCategory {
    pub id: u64,
    pub name: &'static str,
    pub order: u64,
    pub parent_id: Option<u64>,
    /// `community`, `knowledge-base` or `groups`.
    pub module: &'static str,
    pub is_section: bool,
    pub visible_topics: u64,
}

/// A customer of whoever runs the community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueCompany {
    /// From 0; low numbers have most members.
    pub number: u64,
    pub name: String,
    /// Of the members' addresses at work.
    pub domain: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueUser {
    pub id: u64,
    pub username: String,
    /// As served: absent, empty or odd for some.
    pub email: Option<String>,
    /// The company as the member typed it.
    pub company: Option<String>,
    /// The number of the company that employs the member, whatever address and company they gave.
    pub employer: u64,
    pub first_name: &'static str,
    pub last_name: &'static str,
    /// Unix seconds.
    pub joined_at: u64,
    pub last_activity_at: u64,
    /// Names of the roles.
    pub roles: Vec<&'static str>,
    pub invalid: Option<InvalidReason>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueTopic {
    pub public_id: u64,
    /// Unique inside the content type.
    pub private_id: u64,
    /// As in the paths: `articles`, `conversations`, `questions`, `ideas` or `productUpdates`.
    pub path: &'static str,
    /// As served in the list of all topics.
    pub content_type: &'static str,
    pub title: String,
    pub category_id: u64,
    pub author_id: Option<u64>,
    /// Unix seconds.
    pub created_at: u64,
    pub last_activity_at: u64,
    pub reply_count: u64,
    pub likes: u64,
    pub votes: u64,
    pub idea_status: Option<&'static str>,
    pub trashed: bool,
    pub invalid: Option<InvalidReason>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueReply {
    pub public_id: u64,
    /// Unique among the replies of one content type.
    pub private_id: u64,
    pub topic_public_id: u64,
    pub author_id: Option<u64>,
    /// Unix seconds.
    pub replied_at: u64,
    pub likes: u64,
    pub is_answer: bool,
    pub invalid: Option<InvalidReason>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueActivity {
    pub id: String,
    pub kind: &'static str,
    pub user_id: Option<u64>,
    pub topic_public_id: Option<u64>,
    /// Unix seconds.
    pub occurred_at: u64,
    pub invalid: Option<InvalidReason>,
}

impl World {
    pub(crate) fn truth(&self) -> Truth {
        let of = |all: u64, invalid: u64| Counts {
            valid: all - invalid,
            invalid,
        };
        let (damage, structure) = (&self.damage, &self.structure);
        let (gone, broken) = (self.changes.tally.deleted, self.changes.tally.deleted_broken);
        Truth {
            tenant_id: self.spec.name.clone(),
            streams: Streams {
                idea_statuses: of(structure.idea_statuses.len() as u64, 0),
                categories: of(structure.categories.len() as u64, 0),
                users: of(
                    self.member_numbers() - gone.members,
                    damage.broken_users() - broken.members,
                ),
                topics: of(
                    self.topic_numbers() - gone.topics,
                    damage.broken_topics() - broken.topics,
                ),
                replies: of(self.reply_total(), damage.broken_replies() - broken.replies),
                activity: of(self.view_count(), damage.broken_activity()),
            },
        }
    }

    pub(crate) fn true_company(&self, number: u64) -> TrueCompany {
        let (mut name, mut domain) = (String::new(), String::new());
        self.company(number).push_name(self.words, true, &mut name);
        self.company(number).push_domain(&mut domain);
        TrueCompany { number, name, domain }
    }

    pub(crate) fn true_idea_status(&self, order: usize) -> TrueIdeaStatus {
        let status = &self.structure.idea_statuses[order];
        TrueIdeaStatus {
            id: status.id,
            name: status.name,
            kind: status.kind,
            is_default: order == 0,
            display_order: status.order,
        }
    }

    pub(crate) fn true_category(&self, order: usize) -> TrueCategory {
        let category = &self.structure.categories[order];
        TrueCategory {
            id: category.id,
            name: category.name,
            order: category.order,
            parent_id: category.parent,
            module: category.module.name(),
            is_section: category.is_section,
            visible_topics: self.visible_topics()[order],
        }
    }
}

impl Member<'_> {
    pub(crate) fn truth(self) -> TrueUser {
        let joined_at = self.joined();
        let special = self.special_role().map(|role| role.name);
        TrueUser {
            id: self.id(),
            username: self.username(),
            email: self.email(),
            company: self.company_name(),
            employer: self.employer(),
            first_name: self.first_name().0,
            last_name: self.last_name().0,
            joined_at,
            last_activity_at: self.last_active(joined_at),
            roles: std::iter::once(crate::people::REGISTERED.name)
                .chain(special)
                .collect(),
            invalid: self.flaw().map(Flaw::reason),
        }
    }
}

impl Topic<'_> {
    /// As served in the list of all topics.
    pub(crate) fn served_type(self) -> &'static str {
        if self.flaw() == Some(Flaw::UnknownType) {
            UNKNOWN_CONTENT_TYPE
        } else {
            self.kind.name()
        }
    }

    pub(crate) fn truth(self) -> TrueTopic {
        TrueTopic {
            public_id: self.public_id(),
            private_id: self.private_id,
            path: self.kind.plural(),
            content_type: self.served_type(),
            title: self.title(),
            category_id: self.category().id,
            author_id: self.author().map(Member::id),
            created_at: self.created(),
            last_activity_at: self.last_active(),
            reply_count: self.reply_count(),
            likes: self.likes(),
            votes: self.votes(),
            idea_status: self.idea_status().map(|status| status.name),
            trashed: self.trashed(),
            invalid: self.flaw().map(Flaw::reason),
        }
    }
}

impl Reply<'_> {
    pub(crate) fn truth(self) -> TrueReply {
        TrueReply {
            public_id: self.public_id(),
            private_id: self.private_id(),
            topic_public_id: self.topic.public_id(),
            author_id: self.author().map(Member::id),
            replied_at: self.time(),
            likes: self.likes(),
            is_answer: self
                .topic
                .answer()
                .is_some_and(|answer| answer.position == self.position),
            invalid: self.flaw().map(Flaw::reason),
        }
    }
}

impl View<'_> {
    pub(crate) fn truth(self) -> TrueActivity {
        let occurred_at = self.time();
        let mut id = String::new();
        self.push_uuid(&mut id);
        TrueActivity {
            id,
            kind: crate::activity::EVENT_TYPE,
            user_id: self.member(occurred_at).map(Member::id),
            topic_public_id: self.topic_public_id(occurred_at),
            occurred_at,
            invalid: self.flaw().map(Flaw::reason),
        }
    }
}
