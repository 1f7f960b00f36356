//! Which records a listing holds, in which order, without holding the records.

use crate::changes::Presence;
use crate::content::{ContentType, Topic};
use crate::mix::index;
use crate::people::{Member, REGISTERED};
use crate::query::Page;
use crate::world::World;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Selections kept per tenant and stream: paging through a few listings at once finds each of them again.
const CACHED_SELECTIONS: usize = 16;

/// Days as `[from, to)` in unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Span {
    fn holds(self, time: u64) -> bool {
        (self.from..self.to).contains(&time)
    }
}

/// Always descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TopicOrder {
    #[default]
    LastActivity,
    Created,
    Likes,
    Votes,
    Replies,
}

/// What is asked of the topics; an empty list asks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TopicFilter {
    pub(crate) kinds: Vec<ContentType>,
    pub(crate) categories: Vec<u64>,
    pub(crate) public_ids: Vec<u64>,
    pub(crate) created: Option<Span>,
    pub(crate) last_active: Option<Span>,
    pub(crate) text: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) trashed: Option<bool>,
    /// Asked for something that no topic of a simulated tenant has.
    pub(crate) nothing: bool,
    pub(crate) order: TopicOrder,
}

/// What is asked of the members; an empty list asks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct UserFilter {
    pub(crate) ids: Vec<u64>,
    pub(crate) roles: Vec<String>,
    pub(crate) badges: Vec<u64>,
    pub(crate) joined: Option<Span>,
    pub(crate) last_active: Option<Span>,
}

/// Part of a list of numbers that is shared.
#[derive(Debug, Clone, Default)]
struct Part {
    numbers: Arc<[u32]>,
    from: usize,
    to: usize,
}

impl Part {
    fn whole(numbers: &Arc<[u32]>) -> Self {
        Self {
            numbers: Arc::clone(numbers),
            from: 0,
            to: numbers.len(),
        }
    }

    /// From the first number that is no longer above to the first that is below, in a falling list.
    fn between(numbers: &Arc<[u32]>, above: impl Fn(u32) -> bool, below: impl Fn(u32) -> bool) -> Self {
        let from = numbers.partition_point(|&number| above(number));
        let to = numbers.partition_point(|&number| !below(number));
        Self {
            numbers: Arc::clone(numbers),
            from: from.min(to),
            to,
        }
    }

    fn slice(&self) -> &[u32] {
        &self.numbers[self.from..self.to]
    }
}

/// The numbers of the records of a listing: a list, then all numbers of a range but its gaps, the greatest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    list: Part,
    from: u64,
    to: u64,
    /// Falling.
    gaps: Part,
}

impl Selection {
    pub(crate) fn run(from: u64, to: u64) -> Self {
        Self {
            from,
            to,
            ..Self::default()
        }
    }

    fn list(numbers: &Arc<[u32]>) -> Self {
        Self {
            list: Part::whole(numbers),
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> u64 {
        let (list, gaps) = (self.list.slice().len(), self.gaps.slice().len());
        list as u64 + (self.to - self.from) - gaps as u64
    }

    /// The number at a position below the length.
    pub(crate) fn at(&self, position: u64) -> u64 {
        let list = self.list.slice();
        let Some(place) = position.checked_sub(list.len() as u64) else {
            return u64::from(list[index(position)]);
        };
        let gaps = self.gaps.slice();
        let kept_above = |gap: usize| self.to - 1 - u64::from(gaps[gap]) - gap as u64;
        let (mut low, mut high) = (0, gaps.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if kept_above(middle) <= place {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.to - 1 - place - low as u64
    }

    /// The numbers of one page.
    pub(crate) fn page(&self, page: Page) -> impl Iterator<Item = u64> + '_ {
        page.positions(self.len()).map(|position| self.at(position))
    }
}

/// The latest selections by their filters.
#[derive(Debug)]
struct Cache<F>(Mutex<VecDeque<(F, Arc<[u32]>)>>);

impl<F> Default for Cache<F> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<F: Clone + PartialEq> Cache<F> {
    /// Builds while the lock is held, so that concurrent pages of a new listing build it once.
    fn get(&self, filter: &F, build: impl FnOnce() -> Vec<u32>) -> Selection {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, numbers)) = entries.iter().find(|(known, _)| known == filter) {
            return Selection::list(numbers);
        }
        let numbers: Arc<[u32]> = build().into();
        entries.truncate(CACHED_SELECTIONS - 1);
        entries.push_front((filter.clone(), Arc::clone(&numbers)));
        Selection::list(&numbers)
    }
}

/// What is computed once about a tenant's history, which no change alters.
#[derive(Debug, Default)]
pub(crate) struct LastingIndexes {
    /// Topic numbers by creation, oldest first.
    created: OnceLock<Vec<u32>>,
    replies: OnceLock<u64>,
}

/// What is computed once about a tenant as it is, and dropped when something changes.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    topics: Cache<TopicFilter>,
    users: Cache<UserFilter>,
    /// Visible topics by category, in the order of the categories.
    visible: OnceLock<Vec<u64>>,
    /// Topics that were active after the history's end, latest first.
    moved: OnceLock<Arc<[u32]>>,
    /// Topics that are no longer at their place in the history; falling.
    missing_topics: OnceLock<Arc<[u32]>>,
    /// Deleted members; falling.
    missing_members: OnceLock<Arc<[u32]>>,
}

/// Record numbers are below 50 million.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl World {
    pub(crate) fn select_users(&self, filter: &UserFilter) -> Selection {
        let run = filter.joined.map_or((0, self.member_numbers()), |span| {
            (self.joined_before(span.from), self.joined_before(span.to))
        });
        let (from, to) = (run.0, run.1.max(run.0));
        let only_joined = UserFilter {
            joined: filter.joined,
            ..UserFilter::default()
        };
        if *filter == only_joined {
            return Selection {
                gaps: gaps_between(self.missing_members(), from, to),
                ..Selection::run(from, to)
            };
        }
        self.indexes.users.get(filter, || {
            (from..to)
                .rev()
                .filter(|&number| filter.holds(self.member(number)))
                .map(narrow)
                .collect()
        })
    }

    fn missing_members(&self) -> &Arc<[u32]> {
        self.indexes.missing_members.get_or_init(|| {
            let changed = self.changes.members.iter().rev();
            let deleted = changed.filter(|(_, change)| change.presence == Presence::Deleted);
            deleted.map(|(&number, _)| narrow(number)).collect()
        })
    }

    pub(crate) fn select_topics(&self, filter: &TopicFilter) -> Selection {
        let only_active = TopicFilter {
            last_active: filter.last_active,
            ..TopicFilter::default()
        };
        if *filter == only_active {
            return self.active_topics(filter.last_active);
        }
        self.indexes.topics.get(filter, || self.build_topics(filter))
    }

    /// Topics that were active in a span: those that moved since the history's end, then the others.
    fn active_topics(&self, span: Option<Span>) -> Selection {
        let count = self.spec.topics;
        let Some(span) = span else {
            return Selection {
                list: Part::whole(self.moved_topics()),
                gaps: gaps_between(self.missing_topics(), 0, count),
                ..Selection::run(0, count)
            };
        };
        let time = |number: u32| self.changes.moved_at(u64::from(number));
        let moved = Part::between(
            self.moved_topics(),
            |number| time(number) >= span.to,
            |number| time(number) < span.from,
        );
        let from = self.posts.count_before(span.from, count);
        let to = self.posts.count_before(span.to, count).max(from);
        Selection {
            list: moved,
            gaps: gaps_between(self.missing_topics(), from, to),
            ..Selection::run(from, to)
        }
    }

    fn moved_topics(&self) -> &Arc<[u32]> {
        self.indexes.moved.get_or_init(|| {
            let there = self.changes.topics.iter().filter(|(_, change)| !change.deleted);
            let mut moved: Vec<(u64, u32)> = there
                .filter_map(|(&number, change)| change.last_active.map(|time| (time, narrow(number))))
                .collect();
            moved.sort_unstable_by(|left, right| right.cmp(left));
            moved.into_iter().map(|(_, number)| number).collect()
        })
    }

    fn missing_topics(&self) -> &Arc<[u32]> {
        self.indexes.missing_topics.get_or_init(|| {
            let changed = self.changes.topics.range(..self.spec.topics).rev();
            let missing = changed.filter(|(_, change)| change.deleted || change.last_active.is_some());
            missing.map(|(&number, _)| narrow(number)).collect()
        })
    }

    fn build_topics(&self, filter: &TopicFilter) -> Vec<u32> {
        let mut numbers = self.candidates(filter);
        numbers.retain(|&number| filter.holds(self.topic(u64::from(number))));
        match filter.order {
            TopicOrder::LastActivity if self.changes.topics.is_empty() => {
                numbers.sort_unstable_by(|left, right| right.cmp(left));
            }
            order => numbers.sort_by_cached_key(|&number| {
                std::cmp::Reverse((order.key(self.topic(u64::from(number))), number))
            }),
        }
        numbers
    }

    /// The fewest topics that one of the filter's questions leaves.
    fn candidates(&self, filter: &TopicFilter) -> Vec<u32> {
        if !filter.public_ids.is_empty() {
            let found = |&id: &u64| self.topic_by_public_id(id).map(|topic| narrow(topic.index));
            let mut numbers: Vec<u32> = filter.public_ids.iter().filter_map(found).collect();
            numbers.sort_unstable();
            numbers.dedup();
            return numbers;
        }
        let Some(span) = filter.created else {
            let active = self.active_topics(filter.last_active);
            return (0..active.len())
                .rev()
                .map(|position| narrow(active.at(position)))
                .collect();
        };
        let by_creation = self.topics_by_creation();
        let before =
            |time| by_creation.partition_point(|&number| self.topic(u64::from(number)).created() < time);
        let (first, last) = (before(span.from), before(span.to));
        let started = |time| self.changes.started.partition_point(|new| new.created < time) as u64;
        let new = started(span.from)..started(span.to);
        let old = by_creation[first..last.max(first)].iter().copied();
        old.chain(new.map(|place| narrow(self.spec.topics + place)))
            .collect()
    }

    fn topics_by_creation(&self) -> &[u32] {
        self.lasting.created.get_or_init(|| {
            let mut keyed: Vec<(u64, u32)> = (0..self.spec.topics)
                .map(|number| (self.topic(number).created(), narrow(number)))
                .collect();
            keyed.sort_unstable();
            keyed.into_iter().map(|(_, number)| number).collect()
        })
    }

    /// Visible topics of each category, in the order of the categories.
    pub(crate) fn visible_topics(&self) -> &[u64] {
        self.indexes.visible.get_or_init(|| {
            let categories = &self.structure.categories;
            let mut counts = vec![0; categories.len()];
            for topic in (0..self.topic_numbers())
                .filter_map(|number| self.live_topic(number))
                .filter(|topic| !topic.trashed())
            {
                counts[index(topic.category().order)] += 1;
            }
            counts
        })
    }

    pub(crate) fn reply_total(&self) -> u64 {
        let count = || {
            (0..self.spec.topics)
                .map(|number| self.topic(number).first_replies())
                .sum::<u64>()
        };
        let tally = self.changes.tally;
        *self.lasting.replies.get_or_init(count) + tally.new_replies - tally.deleted.replies
    }
}

impl TopicOrder {
    fn key(self, topic: Topic<'_>) -> u64 {
        match self {
            Self::LastActivity => topic.world.changes.moved_at(topic.index),
            Self::Created => topic.created(),
            Self::Likes => topic.likes(),
            Self::Votes => topic.votes(),
            Self::Replies => topic.reply_count(),
        }
    }
}

/// The gaps of a range, from a falling list.
fn gaps_between(gaps: &Arc<[u32]>, from: u64, to: u64) -> Part {
    Part::between(gaps, |gap| u64::from(gap) >= to, |gap| u64::from(gap) < from)
}

fn allows<T: PartialEq>(list: &[T], value: &T) -> bool {
    list.is_empty() || list.contains(value)
}

impl TopicFilter {
    /// The cheap questions come first.
    fn holds(&self, topic: Topic<'_>) -> bool {
        !self.nothing
            && !topic.is_deleted()
            && allows(&self.kinds, &topic.kind)
            && self.trashed.is_none_or(|trashed| trashed == topic.trashed())
            && (self.categories.is_empty() || self.categories.contains(&topic.category().id))
            && (self.public_ids.is_empty() || self.public_ids.contains(&topic.public_id()))
            && self
                .last_active
                .is_none_or(|span| span.holds(topic.last_active()))
            && self.created.is_none_or(|span| span.holds(topic.created()))
            && (self.tags.is_empty()
                || topic
                    .tags()
                    .any(|tag| self.tags.iter().any(|wanted| wanted == tag)))
            && self.text.as_deref().is_none_or(|text| mentions(topic, text))
    }
}

fn mentions(topic: Topic<'_>, text: &str) -> bool {
    let wanted = text.to_lowercase();
    let mut parts =
        std::iter::once(topic.title().to_lowercase()).chain(topic.sentences().map(str::to_lowercase));
    parts.any(|part| part.contains(&wanted))
}

impl UserFilter {
    fn holds(&self, member: Member<'_>) -> bool {
        let has_role = |wanted: &String| {
            wanted == REGISTERED.name || member.special_role().is_some_and(|role| role.name == wanted)
        };
        !member.is_deleted()
            && allows(&self.ids, &member.id())
            && (self.roles.is_empty() || self.roles.iter().any(has_role))
            && (self.badges.is_empty() || member.badges().any(|badge| self.badges.contains(&badge.id)))
            && self
                .last_active
                .is_none_or(|span| span.holds(member.last_active(member.joined())))
    }
}
