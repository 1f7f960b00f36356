//! How time passes in a tenant. What happens on a day follows from the seed, the tenant, the day and what is there.

use crate::calendar::SECONDS_PER_DAY;
use crate::changes::{NewReply, NewTopic, NewView, Presence};
use crate::content::{ContentType, REPLY_ID_STRIDE, Topic};
use crate::mix::{Mix, index};
use crate::world::World;
use std::sync::Arc;

/// Things happen from this second of a day on; moments lie before it.
const MORNING_SECONDS: u64 = 6 * 3_600;
/// Draws until somebody or something suitable must have turned up; else the event does not take place.
const MAX_DRAWS: u64 = 32;
/// Types between which a topic is converted; they live in the same categories.
const CONVERTIBLE: [ContentType; 3] = [
    ContentType::Conversation,
    ContentType::Question,
    ContentType::Idea,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Join,
    Visit,
    Start,
    Reply,
    View,
    Edit,
    Move,
    SetStatus,
    Convert,
    Trash,
    Restore,
    DeleteTopic,
    Rename,
    ChangeProfile,
    Erase,
    DeleteMember,
}

/// Which stream's size says how often an event takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Users,
    Topics,
    Views,
}

/// Of each event: one a day for so many records of the stream, and at least so many a day where the stream has any.
const DAILY: [(Event, Measure, u64, u64); 16] = [
    (Event::Join, Measure::Users, 900, 1),
    (Event::Visit, Measure::Users, 200, 1),
    (Event::Start, Measure::Topics, 900, 1),
    (Event::Reply, Measure::Topics, 150, 2),
    (Event::View, Measure::Views, 900, 1),
    (Event::Edit, Measure::Topics, 3_000, 0),
    (Event::Move, Measure::Topics, 3_000, 0),
    (Event::SetStatus, Measure::Topics, 3_000, 0),
    (Event::Convert, Measure::Topics, 9_000, 0),
    (Event::Trash, Measure::Topics, 9_000, 0),
    (Event::Restore, Measure::Topics, 18_000, 0),
    (Event::DeleteTopic, Measure::Topics, 9_000, 0),
    (Event::Rename, Measure::Users, 9_000, 0),
    (Event::ChangeProfile, Measure::Users, 3_000, 0),
    (Event::Erase, Measure::Users, 9_000, 0),
    (Event::DeleteMember, Measure::Users, 9_000, 0),
];
/// What one moment brings that moves every listing.
const MOMENT: [Event; 5] = [Event::Join, Event::Start, Event::Reply, Event::Visit, Event::View];
/// What may happen at any moment, the more usual more often.
const HAPPENINGS: [Event; 20] = [
    Event::Join,
    Event::Visit,
    Event::Visit,
    Event::Start,
    Event::Start,
    Event::Reply,
    Event::Reply,
    Event::Reply,
    Event::View,
    Event::View,
    Event::Edit,
    Event::Move,
    Event::SetStatus,
    Event::Convert,
    Event::Trash,
    Event::DeleteTopic,
    Event::Rename,
    Event::ChangeProfile,
    Event::Erase,
    Event::DeleteMember,
];

impl World {
    /// Lets whole days pass.
    pub(crate) fn advance(&mut self, days: u64) {
        for _ in 0..days {
            let start = self.today();
            let place = self.passing_place(self.changes.days);
            for (time, event, place) in self.day(start, place) {
                self.happen(event, time, place);
            }
            self.changes.days += 1;
            self.changes.moments = 0;
        }
        self.indexes = Arc::default();
    }

    /// Lets a moment of the current day pass: a little of everything that moves a listing.
    pub(crate) fn stir(&mut self) {
        let (time, place) = self.moment();
        for (event, at) in MOMENT.into_iter().zip(0..) {
            if self.size(event) > 0 {
                self.happen(event, time, place.at(at));
            }
        }
        self.indexes = Arc::default();
    }

    /// Lets a moment of the current day pass, in which one thing happens, if it can.
    pub(crate) fn live(&mut self) {
        let (time, place) = self.moment();
        let event = place.pick(0, &HAPPENINGS);
        if self.size(event) > 0 {
            self.happen(event, time, place.at(1));
        }
        self.indexes = Arc::default();
    }

    /// Lets a moment of the current day pass, in which something is viewed, if it can.
    pub(crate) fn be_viewed(&mut self) {
        let (time, place) = self.moment();
        if self.size(Event::View) > 0 {
            self.happen(Event::View, time, place);
        }
        self.indexes = Arc::default();
    }

    /// Lets a moment of the current day pass, in which a topic begins or moves to the head, if it can.
    pub(crate) fn be_posted_in(&mut self) {
        let (time, place) = self.moment();
        let event = place.pick(0, &[Event::Start, Event::Reply]);
        if self.size(event) > 0 {
            self.happen(event, time, place.at(1));
        }
        self.indexes = Arc::default();
    }

    fn moment(&mut self) -> (u64, Mix) {
        let moment = self.changes.moments;
        self.changes.moments += 1;
        let time = self.today() + moment.min(MORNING_SECONDS - 1);
        (time, self.passing_place(self.changes.days).at(u64::MAX - moment))
    }

    /// Midnight at which the current day began.
    fn today(&self) -> u64 {
        self.members.end() + self.changes.days * SECONDS_PER_DAY
    }

    /// How many records the stream began with that an event belongs to; a stream that began empty stays empty.
    fn size(&self, event: Event) -> u64 {
        let daily = DAILY.into_iter().find(|daily| daily.0 == event);
        daily.map_or(0, |daily| self.size_of(daily.1))
    }

    fn size_of(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Users => self.spec.users,
            Measure::Topics => self.spec.topics,
            Measure::Views => self.spec.views,
        }
    }

    /// The events of a day in their order.
    fn day(&self, start: u64, place: Mix) -> Vec<(u64, Event, Mix)> {
        let mut events = Vec::new();
        for (event, measure, records, least) in DAILY {
            let size = self.size_of(measure);
            let place = place.at(event as u64);
            let count = if size == 0 {
                0
            } else {
                size / records + least + place.below(0, 2)
            };
            events.extend((0..count).map(|at| {
                let place = place.at(at);
                let second = MORNING_SECONDS + place.below(0, SECONDS_PER_DAY - MORNING_SECONDS);
                (start + second, event, place)
            }));
        }
        events.sort_by_key(|&(time, event, _)| (time, event));
        events
    }

    fn happen(&mut self, event: Event, time: u64, place: Mix) {
        match event {
            Event::Join => self.changes.joined.push(time),
            Event::Visit => {
                let member = self.somebody(place);
                self.saw(member, time);
            }
            Event::Start => self.start_topic(time, place),
            Event::Reply => self.reply_somewhere(time, place),
            Event::View => self.view_something(time, place),
            Event::Restore => self.restore_topic(place),
            Event::Rename | Event::ChangeProfile | Event::Erase | Event::DeleteMember => {
                self.change_member(event, place);
            }
            Event::Edit
            | Event::Move
            | Event::SetStatus
            | Event::Convert
            | Event::Trash
            | Event::DeleteTopic => {
                self.change_topic(event, time, place);
            }
        }
    }

    fn start_topic(&mut self, time: u64, place: Mix) {
        let author = self.writer(place);
        let number = self.topic_numbers();
        self.changes.started.push(NewTopic {
            created: time,
            author,
        });
        self.changes.topic(number).last_active = Some(time);
        self.saw(author, time);
    }

    /// A broken topic has no replies, so that every valid reply can be reached.
    fn reply_somewhere(&mut self, time: u64, place: Mix) {
        let open = |topic: Topic<'_>| {
            topic.flaw().is_none() && !topic.trashed() && topic.reply_count() < REPLY_ID_STRIDE
        };
        let Some(number) = self.some_topic(place, open) else {
            return;
        };
        let author = self.writer(place);
        let topic = self.changes.topic(number);
        topic.replies.push(NewReply { time, author });
        topic.last_active = Some(time);
        self.changes.tally.new_replies += 1;
        self.saw(author, time);
    }

    fn view_something(&mut self, time: u64, place: Mix) {
        let member = self.somebody(place);
        let topic = self.some_topic(place, |_| true);
        self.changes.viewed.push(NewView { time, member, topic });
        self.saw(member, time);
    }

    /// None of these moves the topic's last activity.
    fn change_topic(&mut self, event: Event, time: u64, place: Mix) {
        let suits = |topic: Topic<'_>| match event {
            Event::SetStatus => topic.kind == ContentType::Idea,
            Event::Convert => topic.flaw().is_none() && CONVERTIBLE.contains(&topic.kind),
            Event::Trash => !topic.trashed(),
            _ => true,
        };
        let Some(number) = self.some_topic(place, suits) else {
            return;
        };
        match event {
            Event::Edit => {
                let change = self.changes.topic(number);
                change.edits += 1;
                change.edited_at = Some(time);
            }
            Event::Move => self.move_topic(number, place),
            Event::SetStatus => {
                let count = self.structure.idea_statuses.len();
                let now = self.topic(number).idea_status_place();
                let next = (now + 1 + index(place.below(10, count as u64 - 1))) % count;
                self.changes.topic(number).status = Some((next, time));
            }
            Event::Convert => {
                let kind = self.topic(number).kind;
                let others = CONVERTIBLE.into_iter().filter(|&other| other != kind);
                let other = others.clone().nth(index(place.below(11, 2)));
                if let Some(other) = other {
                    self.changes.convert(number, other);
                }
            }
            Event::Trash => {
                self.changes.topic(number).trashed = Some(true);
                self.changes.trash.push(number);
            }
            _ => self.delete_topic(number),
        }
    }

    fn move_topic(&mut self, number: u64, place: Mix) {
        let topic = self.topic(number);
        let here = topic.category().order;
        let leaves = self.structure.leaves(topic.kind);
        let others: Vec<usize> = leaves
            .iter()
            .copied()
            .filter(|&leaf| leaf as u64 != here)
            .collect();
        if !others.is_empty() {
            self.changes.topic(number).category = Some(place.pick(12, &others));
        }
    }

    fn delete_topic(&mut self, number: u64) {
        let topic = self.topic(number);
        let (replies, broken) = (topic.reply_count(), topic.flaw().is_some());
        let broken_reply = topic.has_broken_reply();
        let tally = &mut self.changes.tally;
        tally.deleted.topics += 1;
        tally.deleted.replies += replies;
        tally.deleted_broken.topics += u64::from(broken);
        tally.deleted_broken.replies += u64::from(broken_reply);
        self.changes.topic(number).deleted = true;
    }

    fn restore_topic(&mut self, place: Mix) {
        if self.changes.trash.is_empty() {
            return;
        }
        let at = place.below(13, self.changes.trash.len() as u64);
        let number = self.changes.trash.swap_remove(index(at));
        self.changes.topic(number).trashed = Some(false);
    }

    fn change_member(&mut self, event: Event, place: Mix) {
        let Some(number) = self.somebody(place) else {
            return;
        };
        let broken = self.member(number).flaw().is_some();
        let change = self.changes.member(number);
        match event {
            Event::Rename => change.renamed += 1,
            Event::ChangeProfile => change.profile += 1,
            Event::Erase => change.presence = Presence::Erased,
            _ => {
                change.presence = Presence::Deleted;
                self.changes.tally.deleted.members += 1;
                self.changes.tally.deleted_broken.members += u64::from(broken);
            }
        }
    }

    fn saw(&mut self, member: Option<u64>, time: u64) {
        if let Some(number) = member {
            self.changes.member(number).last_active = Some(time);
        }
    }

    /// Somebody who is there.
    fn somebody(&self, place: Mix) -> Option<u64> {
        let members = self.member_numbers();
        let mut drawn = (0..MAX_DRAWS).map(|draw| place.at(draw).below(1, members));
        drawn.find(|&number| number < members && !self.member(number).is_anonymous())
    }

    /// The author of something new; some are unknown where records stray from the schema.
    fn writer(&self, place: Mix) -> Option<u64> {
        let unknown = self.strays_from_schema() && place.per_mille(2, 15);
        (!unknown).then(|| self.somebody(place)).flatten()
    }

    /// A topic that is there and suits.
    fn some_topic(&self, place: Mix, suits: impl Fn(Topic<'_>) -> bool) -> Option<u64> {
        let topics = self.topic_numbers();
        let mut drawn = (0..MAX_DRAWS).map(|draw| place.at(draw).below(3, topics));
        drawn.find(|&number| {
            let topic = self.topic(number);
            number < topics && !topic.is_deleted() && suits(topic)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{TopicFilter, UserFilter};
    use crate::spec::TenantSpec;

    #[test]
    fn a_large_tenant_keeps_only_what_changed() {
        let spec = TenantSpec {
            users: 40_000_000,
            topics: 400_000,
            ..TenantSpec::named("big-en")
        };
        let now = chrono::DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        let mut world = World::new(1, spec, now);
        world.advance(1);
        let changes = &world.changes;
        let kept = [
            changes.joined.len(),
            changes.started.len(),
            changes.viewed.len(),
            changes.members.len(),
            changes.topics.len(),
            changes.topics.values().map(|change| change.replies.len()).sum(),
        ];
        assert!(kept.iter().sum::<usize>() < 400_000, "{kept:?}");
        let users = world.select_users(&UserFilter::default()).len();
        assert_eq!(users, world.member_numbers() - changes.tally.deleted.members);
        let topics = world.select_topics(&TopicFilter::default()).len();
        assert_eq!(topics, world.topic_numbers() - changes.tally.deleted.topics);
    }
}
