//! View events.

use crate::changes::NewView;
use crate::damage::Flaw;
use crate::mix::{Mix, index};
use crate::people::Member;
use crate::world::World;
use std::fmt::Write;

/// The provider takes this long at most to process an event.
const MAX_PROCESSING_SECONDS: u64 = 90;

/// The only kind of event that a simulated tenant records.
pub(crate) const EVENT_TYPE: &str = "View";

/// One event, oldest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'w> {
    pub(crate) world: &'w World,
    pub(crate) index: u64,
    place: Mix,
}

impl World {
    pub(crate) fn view(&self, index: u64) -> View<'_> {
        View {
            world: self,
            index,
            place: self.activity_place(index),
        }
    }
}

impl<'w> View<'w> {
    pub(crate) fn flaw(self) -> Option<Flaw> {
        self.world.damage.activity(self.index)
    }

    /// What is known of an event that took place after the history's end.
    fn later(self) -> Option<NewView> {
        let place = self.index.checked_sub(self.world.spec.views)?;
        self.world.changes.viewed.get(index(place)).copied()
    }

    pub(crate) fn time(self) -> u64 {
        if let Some(new) = self.later() {
            return new.time;
        }
        self.world.posts.time(self.index, self.world.spec.views)
    }

    pub(crate) fn processed(self, time: u64) -> u64 {
        time + self.place.below(0, MAX_PROCESSING_SECONDS)
    }

    /// The event's number is part of it, so no two are equal.
    pub(crate) fn push_uuid(self, out: &mut String) {
        let (random, number) = (self.place.draw(1), self.index);
        let (high, middle, low) = (random >> 32, (random >> 16) & 0xffff, random & 0xfff);
        // Writing to a string does not fail.
        let _ = write!(out, "{high:08x}-{middle:04x}-4{low:03x}-8000-{number:012x}");
    }

    pub(crate) fn member(self, time: u64) -> Option<Member<'w>> {
        if let Some(new) = self.later() {
            return new.member.map(|number| self.world.member(number));
        }
        self.world.active_member(self.place, 2, time)
    }

    /// Recent topics are read most. Before the first activity only the first topic can have been read.
    pub(crate) fn topic_public_id(self, time: u64) -> Option<u64> {
        let world = self.world;
        if let Some(new) = self.later() {
            return new.topic.map(|number| world.topic(number).public_id());
        }
        let topics = world.posts.count_before(time, world.spec.topics).max(1);
        let back = self.place.skewed(3, topics);
        (world.spec.topics > 0).then(|| world.topic(topics - 1 - back).public_id())
    }
}
