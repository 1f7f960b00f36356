//! What has happened since a tenant's history ended: an overlay on records that are functions of their number.
//!
//! It grows with what happened, never with the size of the tenant. New records continue the numbers of the old.

use crate::content::ContentType;
use crate::mix::index;
use crate::world::World;
use std::collections::BTreeMap;

/// Converted topics take their private ids from here on, beyond those of any topic that was never converted.
const FIRST_CONVERTED_ID: u64 = 1_000_000_000;

/// The overlay of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Whole days that have passed.
    pub(crate) days: u64,
    /// Short moments that have passed since the last whole day.
    pub(crate) moments: u64,
    /// When each new member joined.
    pub(crate) joined: Vec<u64>,
    pub(crate) started: Vec<NewTopic>,
    pub(crate) viewed: Vec<NewView>,
    pub(crate) members: BTreeMap<u64, MemberChange>,
    pub(crate) topics: BTreeMap<u64, TopicChange>,
    /// Topics by conversion: the place gives the new private id.
    pub(crate) converted: Vec<u64>,
    /// Topics that were trashed and may come back.
    pub(crate) trash: Vec<u64>,
    pub(crate) tally: Tally,
}

/// A topic that was started after the history's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewTopic {
    pub(crate) created: u64,
    pub(crate) author: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewReply {
    pub(crate) time: u64,
    pub(crate) author: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewView {
    pub(crate) time: u64,
    pub(crate) member: Option<u64>,
    pub(crate) topic: Option<u64>,
}

/// Whether a member is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Presence {
    #[default]
    Here,
    /// Listed without name, address and profile.
    Erased,
    /// Neither listed nor found.
    Deleted,
}

/// What is different about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MemberChange {
    pub(crate) last_active: Option<u64>,
    pub(crate) renamed: u64,
    pub(crate) profile: u64,
    pub(crate) presence: Presence,
}

/// What is different about a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TopicChange {
    pub(crate) last_active: Option<u64>,
    pub(crate) replies: Vec<NewReply>,
    /// How often the title was edited, and when last.
    pub(crate) edits: u64,
    pub(crate) edited_at: Option<u64>,
    /// Place among the categories.
    pub(crate) category: Option<usize>,
    /// Place among the idea statuses, and since when.
    pub(crate) status: Option<(usize, u64)>,
    /// The new type and private id.
    pub(crate) converted: Option<(ContentType, u64)>,
    pub(crate) trashed: Option<bool>,
    pub(crate) deleted: bool,
}

/// Sums that would otherwise take a walk over the overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) new_replies: u64,
    pub(crate) deleted: Deleted,
    /// Those of the deleted that were served broken.
    pub(crate) deleted_broken: Deleted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Deleted {
    pub(crate) members: u64,
    pub(crate) topics: u64,
    pub(crate) replies: u64,
}

impl Changes {
    /// Gives the topic its next private id.
    pub(crate) fn convert(&mut self, topic: u64, kind: ContentType) {
        let private_id = FIRST_CONVERTED_ID + self.converted.len() as u64;
        self.converted.push(topic);
        self.topic(topic).converted = Some((kind, private_id));
    }

    /// The topic that a conversion once gave this private id; another conversion may have taken it away.
    pub(crate) fn converted_topic(&self, private_id: u64) -> Option<u64> {
        let place = private_id.checked_sub(FIRST_CONVERTED_ID)?;
        self.converted.get(index(place)).copied()
    }

    pub(crate) fn topic(&mut self, number: u64) -> &mut TopicChange {
        self.topics.entry(number).or_default()
    }

    pub(crate) fn member(&mut self, number: u64) -> &mut MemberChange {
        self.members.entry(number).or_default()
    }

    /// When a topic was last active, if that was after the history's end, else 0.
    pub(crate) fn moved_at(&self, topic: u64) -> u64 {
        let change = self.topics.get(&topic);
        change.and_then(|change| change.last_active).unwrap_or(0)
    }
}

impl World {
    /// Numbers given to members so far; some of them may have been deleted.
    pub(crate) fn member_numbers(&self) -> u64 {
        self.spec.users + self.changes.joined.len() as u64
    }

    /// Numbers given to topics so far; some of them may have been deleted.
    pub(crate) fn topic_numbers(&self) -> u64 {
        self.spec.topics + self.changes.started.len() as u64
    }

    pub(crate) fn view_count(&self) -> u64 {
        self.spec.views + self.changes.viewed.len() as u64
    }

    /// Numbers of members who joined before the time.
    pub(crate) fn joined_before(&self, time: u64) -> u64 {
        let new = self.changes.joined.partition_point(|&joined| joined < time);
        self.members.count_before(time, self.spec.users) + new as u64
    }
}
