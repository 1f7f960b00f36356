//! Which records are served broken, and how.
//!
//! A quarter of a tenant's broken records are members, a quarter activity, and half content, of which every
//! second one is a reply. They lie at even distances, and the kinds of damage take turns. No stream has more
//! than a third of its records broken. A broken topic has no replies, so that every valid reply can be reached.
//! The provider's own index is sound: filters, order and single reads treat a broken record by its true values.

use crate::spec::TenantSpec;

/// At most one record of this many is broken.
const MIN_DISTANCE: u64 = 3;
/// A content type that no client knows.
pub(crate) const UNKNOWN_CONTENT_TYPE: &str = "podcast";

/// Why a reader must set a record aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvalidReason {
    MissingId,
    /// The creation time is absent or cannot be read.
    BadTime,
    UnknownContentType,
}

impl InvalidReason {
    /// `missing_id`, `bad_time` or `unknown_content_type`
    pub fn code(self) -> &'static str {
        match self {
            Self::MissingId => "missing_id",
            Self::BadTime => "bad_time",
            Self::UnknownContentType => "unknown_content_type",
        }
    }
}

/// What is wrong with a record as served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// All id keys are absent.
    NoId,
    /// The creation time is `0000-00-00`.
    ZeroTime,
    /// The creation time is null.
    NullTime,
    UnknownType,
}

impl Flaw {
    pub(crate) fn reason(self) -> InvalidReason {
        match self {
            Self::NoId => InvalidReason::MissingId,
            Self::ZeroTime | Self::NullTime => InvalidReason::BadTime,
            Self::UnknownType => InvalidReason::UnknownContentType,
        }
    }
}

const RECORD_FLAWS: [Flaw; 3] = [Flaw::NoId, Flaw::ZeroTime, Flaw::NullTime];
const TOPIC_FLAWS: [Flaw; 4] = [Flaw::NoId, Flaw::ZeroTime, Flaw::UnknownType, Flaw::NullTime];

/// What a broken place among the topics means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentFlaw {
    Topic(Flaw),
    /// One reply of the topic is broken.
    Reply(Flaw),
}

/// The broken records of a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Damage {
    users: Spread,
    content: Spread,
    activity: Spread,
}

impl Damage {
    pub(crate) fn of(spec: &TenantSpec) -> Self {
        let users = Spread::new(spec.broken.div_ceil(4), spec.users);
        let activity = Spread::new((spec.broken + 2) / 4, spec.views);
        let rest = spec.broken.saturating_sub(users.broken + activity.broken);
        Self {
            users,
            content: Spread::new(rest, spec.topics),
            activity,
        }
    }

    pub(crate) fn user(&self, index: u64) -> Option<Flaw> {
        self.users.turn(index).map(|turn| in_turn(&RECORD_FLAWS, turn))
    }

    pub(crate) fn activity(&self, index: u64) -> Option<Flaw> {
        self.activity.turn(index).map(|turn| in_turn(&RECORD_FLAWS, turn))
    }

    pub(crate) fn content(&self, topic: u64) -> Option<ContentFlaw> {
        self.content.turn(topic).map(|turn| match turn % 2 {
            0 => ContentFlaw::Topic(in_turn(&TOPIC_FLAWS, turn / 2)),
            _ => ContentFlaw::Reply(in_turn(&RECORD_FLAWS, turn / 2)),
        })
    }

    pub(crate) fn broken_users(&self) -> u64 {
        self.users.broken
    }

    pub(crate) fn broken_topics(&self) -> u64 {
        self.content.broken.div_ceil(2)
    }

    pub(crate) fn broken_replies(&self) -> u64 {
        self.content.broken / 2
    }

    pub(crate) fn broken_activity(&self) -> u64 {
        self.activity.broken
    }
}

fn in_turn(flaws: &[Flaw], turn: u64) -> Flaw {
    flaws[crate::mix::index(turn) % flaws.len()]
}

/// `broken` of `count` places at even distances.
#[derive(Debug, Clone, Copy)]
struct Spread {
    broken: u64,
    count: u64,
}

impl Spread {
    fn new(wanted: u64, count: u64) -> Self {
        Self {
            broken: wanted.min(count / MIN_DISTANCE),
            count,
        }
    }

    /// The number of the broken place, if this is one.
    fn turn(self, place: u64) -> Option<u64> {
        if place >= self.count {
            return None;
        }
        let (before, after) = (
            place * self.broken / self.count,
            (place + 1) * self.broken / self.count,
        );
        (after > before).then_some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exactly_the_promised_number_of_places_is_broken(
            users in 0_u64..400, topics in 0_u64..400, views in 0_u64..400, broken in 0_u64..500
        ) {
            let spec = TenantSpec { name: "x".into(), users, topics, views, broken };
            let damage = Damage::of(&spec);
            let count = |flawed: &dyn Fn(u64) -> bool| (0..500).filter(|&place| flawed(place)).count() as u64;
            prop_assert_eq!(count(&|place| damage.user(place).is_some()), damage.broken_users());
            prop_assert_eq!(count(&|place| damage.activity(place).is_some()), damage.broken_activity());
            let topics = count(&|place| matches!(damage.content(place), Some(ContentFlaw::Topic(_))));
            let replies = count(&|place| matches!(damage.content(place), Some(ContentFlaw::Reply(_))));
            prop_assert_eq!((topics, replies), (damage.broken_topics(), damage.broken_replies()));
            let all = damage.broken_users() + damage.broken_activity() + topics + replies;
            prop_assert!(all <= broken);
            prop_assert!(all == broken || broken > users.min(topics).min(views) / 3);
        }
    }
}
