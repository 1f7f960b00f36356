//! Which records a listing holds, in which order, without holding the records.

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

/// The numbers of the records of a listing.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    /// All records with a number in the range, the greatest first.
    Run {
        from: u64,
        to: u64,
    },
    List(Arc<[u32]>),
}

impl Selection {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Run { from, to } => to - from,
            Self::List(numbers) => numbers.len() as u64,
        }
    }

    /// The numbers of one page.
    pub(crate) fn page(&self, page: Page) -> impl Iterator<Item = u64> + '_ {
        let start = page.start().min(self.len());
        let end = start.saturating_add(page.size).min(self.len());
        (start..end).map(|position| match self {
            Self::Run { to, .. } => to - 1 - position,
            Self::List(numbers) => u64::from(numbers[index(position)]),
        })
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
            return Selection::List(Arc::clone(numbers));
        }
        let numbers: Arc<[u32]> = build().into();
        entries.truncate(CACHED_SELECTIONS - 1);
        entries.push_front((filter.clone(), Arc::clone(&numbers)));
        Selection::List(numbers)
    }
}

/// Everything about a tenant that is computed once and kept.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    /// Topic numbers by creation, oldest first.
    created: OnceLock<Vec<u32>>,
    topics: Cache<TopicFilter>,
    users: Cache<UserFilter>,
    /// Visible topics by category, in the order of the categories.
    visible: OnceLock<Vec<u64>>,
    replies: OnceLock<u64>,
}

/// Record numbers are below 50 million.
fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl World {
    pub(crate) fn select_users(&self, filter: &UserFilter) -> Selection {
        let count = self.spec.users;
        let run = filter.joined.map_or((0, count), |span| {
            (
                self.members.count_before(span.from, count),
                self.members.count_before(span.to, count),
            )
        });
        let (from, to) = (run.0, run.1.max(run.0));
        let only_joined = UserFilter {
            joined: filter.joined,
            ..UserFilter::default()
        };
        if *filter == only_joined {
            return Selection::Run { from, to };
        }
        self.indexes.users.get(filter, || {
            (from..to)
                .rev()
                .filter(|&number| filter.holds(self.member(number)))
                .map(narrow)
                .collect()
        })
    }

    pub(crate) fn select_topics(&self, filter: &TopicFilter) -> Selection {
        let count = self.spec.topics;
        let run = filter.last_active.map_or((0, count), |span| {
            (
                self.posts.count_before(span.from, count),
                self.posts.count_before(span.to, count),
            )
        });
        let (from, to) = (run.0, run.1.max(run.0));
        let only_active = TopicFilter {
            last_active: filter.last_active,
            ..TopicFilter::default()
        };
        if *filter == only_active {
            return Selection::Run { from, to };
        }
        self.indexes
            .topics
            .get(filter, || self.build_topics(filter, from, to))
    }

    fn build_topics(&self, filter: &TopicFilter, from: u64, to: u64) -> Vec<u32> {
        let mut numbers = self.candidates(filter, from, to);
        numbers.retain(|&number| filter.holds(self.topic(u64::from(number))));
        match filter.order {
            TopicOrder::LastActivity => numbers.sort_unstable_by(|left, right| right.cmp(left)),
            order => numbers.sort_by_cached_key(|&number| {
                std::cmp::Reverse((order.key(self.topic(u64::from(number))), number))
            }),
        }
        numbers
    }

    /// The smaller of the ranges that the filter's dates allow.
    fn candidates(&self, filter: &TopicFilter, from: u64, to: u64) -> Vec<u32> {
        if !filter.public_ids.is_empty() {
            let found = |&id: &u64| self.topic_by_public_id(id).map(|topic| narrow(topic.index));
            let mut numbers: Vec<u32> = filter.public_ids.iter().filter_map(found).collect();
            numbers.sort_unstable();
            numbers.dedup();
            return numbers;
        }
        let Some(span) = filter.created else {
            return (narrow(from)..narrow(to)).collect();
        };
        let by_creation = self.topics_by_creation();
        let before =
            |time| by_creation.partition_point(|&number| self.topic(u64::from(number)).created() < time);
        let (first, last) = (before(span.from), before(span.to));
        by_creation[first..last.max(first)].to_vec()
    }

    fn topics_by_creation(&self) -> &[u32] {
        self.indexes.created.get_or_init(|| {
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
            for topic in (0..self.spec.topics)
                .map(|number| self.topic(number))
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
                .map(|number| self.topic(number).reply_count())
                .sum()
        };
        *self.indexes.replies.get_or_init(count)
    }
}

impl TopicOrder {
    fn key(self, topic: Topic<'_>) -> u64 {
        match self {
            Self::LastActivity => topic.index,
            Self::Created => topic.created(),
            Self::Likes => topic.likes(),
            Self::Votes => topic.votes(),
            Self::Replies => topic.reply_count(),
        }
    }
}

fn allows<T: PartialEq>(list: &[T], value: &T) -> bool {
    list.is_empty() || list.contains(value)
}

impl TopicFilter {
    /// The cheap questions come first.
    fn holds(&self, topic: Topic<'_>) -> bool {
        !self.nothing
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
        allows(&self.ids, &member.id())
            && (self.roles.is_empty() || self.roles.iter().any(has_role))
            && (self.badges.is_empty() || member.badges().any(|badge| self.badges.contains(&badge.id)))
            && self
                .last_active
                .is_none_or(|span| span.holds(member.last_active(member.joined())))
    }
}
