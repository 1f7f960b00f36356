//! Topics and replies. A topic's number is its place in the order of last activity, oldest first.

use crate::calendar::SECONDS_PER_DAY;
use crate::changes::{NewReply, NewTopic, TopicChange};
use crate::damage::{ContentFlaw, Flaw};
use crate::json::push_number;
use crate::mix::{Mix, index};
use crate::people::Member;
use crate::structure::{Category, IdeaStatus};
use crate::world::World;

/// The numbering of public ids starts here: some were used up before the launch.
const FIRST_PUBLIC_ID: u64 = 100;
/// Public ids have gaps where topics were removed for good.
const PUBLIC_ID_STRIDE: u64 = 3;
/// Room for the replies of one topic in the numbering; more than any has.
pub(crate) const REPLY_ID_STRIDE: u64 = 512;
/// The longest that a topic stays alive.
const MAX_LIFE_DAYS: u64 = 200;
/// The first topic has at least this many replies, so that a topic and a reply share a public id for certain.
const FIRST_TOPIC_REPLIES: u64 = 3;
/// The second topic has more replies than one page holds.
const SECOND_TOPIC_REPLIES: u64 = 130;
/// Oddities in titles: markup, quotes, other directions of writing, symbols, characters outside the first plane.
const ODD_TITLES: [&str; 8] = [
    " <b>urgent</b> & more",
    " 🚀🎉",
    " — مرحبا بالعالم",
    " שלום לכולם",
    " \"quoted\" \\ back\\slash",
    "   with   spaces ",
    " 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 👩‍👩‍👧",
    " &lt;escaped&gt;\ttab",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ContentType {
    Article,
    Conversation,
    Question,
    Idea,
    ProductUpdate,
}

impl ContentType {
    pub(crate) const ALL: [Self; 5] = [
        Self::Article,
        Self::Conversation,
        Self::Question,
        Self::Idea,
        Self::ProductUpdate,
    ];

    pub(crate) fn name(self) -> &'static str {
        ["article", "conversation", "question", "idea", "productUpdate"][self as usize]
    }

    /// As in the paths.
    pub(crate) fn plural(self) -> &'static str {
        [
            "articles",
            "conversations",
            "questions",
            "ideas",
            "productUpdates",
        ][self as usize]
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn in_path(plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == plural)
    }

    /// How many of a block of topics have this type.
    fn share(self) -> u64 {
        [2, 5, 9, 3, 1][self as usize]
    }

    /// Where this type begins in a block before shuffling.
    fn block_start(self) -> u64 {
        [0, 2, 7, 16, 19][self as usize]
    }
}

/// Topics are dealt in blocks of this many with fixed shares of each type, which makes private ids computable.
const BLOCK: u64 = 20;
/// Multipliers that permute a block.
const BLOCK_STEPS: [u64; 8] = [1, 3, 7, 9, 11, 13, 17, 19];

/// Salts of a topic's values.
#[derive(Debug, Clone, Copy)]
enum Of {
    PublicId,
    Replies,
    ManyReplies,
    Life,
    Category,
    Author,
    NullAuthor,
    Title,
    Thing,
    OddTitle,
    OddTitleKind,
    Likes,
    Votes,
    Status,
    Trashed,
    Sticky,
    Answered,
    Tags,
    Text,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Topic<'w> {
    pub(crate) world: &'w World,
    pub(crate) index: u64,
    pub(crate) place: Mix,
    pub(crate) kind: ContentType,
    pub(crate) private_id: u64,
    damage: Option<ContentFlaw>,
    change: Option<&'w TopicChange>,
}

impl World {
    pub(crate) fn topic(&self, number: u64) -> Topic<'_> {
        let block = number / BLOCK;
        let dealt = self.dealt(block, number % BLOCK);
        let kind = ContentType::ALL
            .into_iter()
            .rfind(|kind| kind.block_start() <= dealt)
            .unwrap_or(ContentType::Article);
        let private_id = block * kind.share() + dealt - kind.block_start() + 1;
        let change = self.changes.topics.get(&number);
        let converted = change.and_then(|change| change.converted);
        let (kind, private_id) = converted.unwrap_or((kind, private_id));
        Topic {
            world: self,
            index: number,
            place: self.topic_place(number),
            kind,
            private_id,
            damage: self.damage.content(number),
            change,
        }
    }

    /// Place in the unshuffled block.
    fn dealt(&self, block: u64, slot: u64) -> u64 {
        // Blocks draw beyond the topics' own numbers.
        let place = self.topic_place(u64::MAX - block);
        (slot * place.pick(0, &BLOCK_STEPS) + place.below(1, BLOCK)) % BLOCK
    }

    pub(crate) fn topic_by_private_id(&self, kind: ContentType, id: u64) -> Option<Topic<'_>> {
        let converted = self.changes.converted_topic(id);
        let number = converted.or_else(|| self.dealt_private_id(kind, id))?;
        self.live_topic(number)
            .filter(|topic| topic.kind == kind && topic.private_id == id)
    }

    /// Who got the private id when the topics were dealt.
    fn dealt_private_id(&self, kind: ContentType, id: u64) -> Option<u64> {
        let position = id.checked_sub(1)?;
        let (block, dealt) = (
            position / kind.share(),
            kind.block_start() + position % kind.share(),
        );
        let slot = (0..BLOCK).find(|&slot| self.dealt(block, slot) == dealt)?;
        block.checked_mul(BLOCK)?.checked_add(slot)
    }

    pub(crate) fn live_topic(&self, number: u64) -> Option<Topic<'_>> {
        (number < self.topic_numbers())
            .then(|| self.topic(number))
            .filter(|topic| !topic.is_deleted())
    }

    pub(crate) fn topic_by_public_id(&self, id: u64) -> Option<Topic<'_>> {
        let number = id.checked_sub(FIRST_PUBLIC_ID)? / PUBLIC_ID_STRIDE;
        self.live_topic(number).filter(|topic| topic.public_id() == id)
    }
}

impl<'w> Topic<'w> {
    fn draw(self, what: Of, bound: u64) -> u64 {
        self.place.below(what as u64, bound)
    }

    pub(crate) fn public_id(self) -> u64 {
        FIRST_PUBLIC_ID + self.index * PUBLIC_ID_STRIDE + self.draw(Of::PublicId, PUBLIC_ID_STRIDE)
    }

    pub(crate) fn flaw(self) -> Option<Flaw> {
        match self.damage {
            Some(ContentFlaw::Topic(flaw)) => Some(flaw),
            _ => None,
        }
    }

    pub(crate) fn is_deleted(self) -> bool {
        self.change.is_some_and(|change| change.deleted)
    }

    pub(crate) fn has_broken_reply(self) -> bool {
        matches!(self.damage, Some(ContentFlaw::Reply(_)))
    }

    /// What is known of a topic that was started after the history's end.
    fn later(self) -> Option<NewTopic> {
        let place = self.index.checked_sub(self.world.spec.topics)?;
        self.world.changes.started.get(index(place)).copied()
    }

    fn new_replies(self) -> &'w [NewReply] {
        self.change.map_or(&[], |change| &change.replies)
    }

    pub(crate) fn reply_count(self) -> u64 {
        self.first_replies() + self.new_replies().len() as u64
    }

    /// Replies by the history's end: most topics have few, a few have very many.
    pub(crate) fn first_replies(self) -> u64 {
        if self.index >= self.world.spec.topics {
            return 0;
        }
        let many = |least: u64, most: u64| least + self.draw(Of::ManyReplies, most - least + 1);
        let count = match self.draw(Of::Replies, 1000) {
            0..300 => 0,
            300..800 => many(1, 5),
            800..950 => many(6, 20),
            950..990 => many(21, 80),
            _ => many(81, 400),
        };
        match (self.damage, self.index) {
            (Some(ContentFlaw::Topic(_)), _) => 0,
            (Some(ContentFlaw::Reply(_)), _) => count.max(1),
            (None, 0) => count.max(FIRST_TOPIC_REPLIES),
            (None, 1) => count.max(SECOND_TOPIC_REPLIES),
            (None, _) => count,
        }
    }

    pub(crate) fn last_active(self) -> u64 {
        let moved = self.change.and_then(|change| change.last_active);
        moved.unwrap_or_else(|| self.first_last_active())
    }

    /// The last activity by the history's end.
    fn first_last_active(self) -> u64 {
        self.world.posts.time(self.index, self.world.spec.topics)
    }

    pub(crate) fn created(self) -> u64 {
        if let Some(new) = self.later() {
            return new.created;
        }
        let last_active = self.first_last_active();
        if self.first_replies() == 0 {
            return last_active;
        }
        let life = 600
            + self.place.skewed(
                Of::Life as u64,
                self.draw(Of::Title, MAX_LIFE_DAYS) * SECONDS_PER_DAY,
            );
        last_active.saturating_sub(life).max(self.world.posts.start())
    }

    pub(crate) fn category(self) -> &'w Category {
        let structure = &self.world.structure;
        match self.change.and_then(|change| change.category) {
            Some(moved) => &structure.categories[moved],
            None => structure.busy(self.kind, self.place, Of::Category as u64),
        }
    }

    pub(crate) fn author(self) -> Option<Member<'w>> {
        if let Some(new) = self.later() {
            return new.author.map(|number| self.world.member(number));
        }
        if self.world.strays_from_schema() && self.place.per_mille(Of::NullAuthor as u64, 15) {
            return None;
        }
        self.world
            .active_member(self.place, Of::Author as u64, self.created())
    }

    pub(crate) fn last_contributor(self) -> Option<Member<'w>> {
        match self.reply_count() {
            0 => self.author(),
            count => self.reply(count - 1).author(),
        }
    }

    pub(crate) fn title(self) -> String {
        let words = self.world.words;
        let pattern = self
            .place
            .pick(Of::Title as u64, words.titles[self.kind as usize]);
        let mut title = pattern.replacen("{}", self.place.pick(Of::Thing as u64, words.things), 1);
        if self.place.per_mille(Of::OddTitle as u64, 60) {
            title.push_str(self.place.pick(Of::OddTitleKind as u64, &ODD_TITLES));
        }
        if let Some(change) = self.change.filter(|change| change.edits > 0) {
            title.push_str(" (");
            push_number(&mut title, change.edits + 1);
            title.push(')');
        }
        title
    }

    /// Sentences of the body.
    pub(crate) fn sentences(self) -> impl Iterator<Item = &'static str> {
        let sentences = self.world.words.sentences;
        let first = self.draw(Of::Text, sentences.len() as u64);
        let count = 2 + self.draw(Of::Likes, 4);
        (first..first + count).map(move |at| sentences[index(at) % sentences.len()])
    }

    pub(crate) fn likes(self) -> u64 {
        let most = if self.place.per_mille(Of::Likes as u64, 50) {
            40
        } else {
            6
        };
        self.place.skewed(Of::Likes as u64 + 100, most)
    }

    pub(crate) fn votes(self) -> u64 {
        if self.kind == ContentType::Idea {
            self.place.skewed(Of::Votes as u64, 60)
        } else {
            0
        }
    }

    pub(crate) fn idea_status(self) -> Option<&'w IdeaStatus> {
        let statuses = &self.world.structure.idea_statuses;
        (self.kind == ContentType::Idea).then(|| &statuses[self.idea_status_place()])
    }

    /// Place of the status that the topic has as long as it is an idea.
    pub(crate) fn idea_status_place(self) -> usize {
        let statuses = self.world.structure.idea_statuses.len();
        let set = self.change.and_then(|change| change.status);
        set.map_or_else(
            || index(self.place.skewed(Of::Status as u64, statuses as u64)),
            |(place, _)| place,
        )
    }

    pub(crate) fn status_changed(self) -> u64 {
        let set = self.change.and_then(|change| change.status);
        set.map_or_else(|| self.settled(), |(_, time)| time)
    }

    pub(crate) fn edited(self) -> u64 {
        let edited = self.change.and_then(|change| change.edited_at);
        edited.unwrap_or_else(|| self.created())
    }

    /// A time at which whatever replies come later do not change it.
    fn settled(self) -> u64 {
        self.later()
            .map_or_else(|| self.first_last_active(), |new| new.created)
    }

    pub(crate) fn trashed(self) -> bool {
        let trashed = self.change.and_then(|change| change.trashed);
        trashed.unwrap_or_else(|| self.place.per_mille(Of::Trashed as u64, 4))
    }

    pub(crate) fn sticky(self) -> bool {
        self.place.per_mille(Of::Sticky as u64, 5)
    }

    /// The reply that answers a question.
    pub(crate) fn answer(self) -> Option<Reply<'w>> {
        let count = self.first_replies();
        let answered = self.kind == ContentType::Question && count > 0 && self.draw(Of::Answered, 3) > 0;
        answered.then(|| self.reply(self.draw(Of::Text, count)))
    }

    pub(crate) fn tags(self) -> impl Iterator<Item = &'static str> {
        let tags = self.world.words.tags;
        let first = self.draw(Of::Tags, tags.len() as u64);
        let count = self.draw(Of::Votes, 3);
        (first..first + count).map(move |at| tags[index(at) % tags.len()])
    }

    pub(crate) fn reply(self, position: u64) -> Reply<'w> {
        Reply {
            topic: self,
            position,
            place: self.world.reply_place(self.index, position),
        }
    }

    pub(crate) fn reply_by_private_id(self, id: u64) -> Option<Reply<'w>> {
        let position = id
            .checked_sub(1)?
            .checked_sub((self.private_id - 1) * REPLY_ID_STRIDE)?;
        (position < self.reply_count()).then(|| self.reply(position))
    }
}

/// A reply, by its place in the topic, oldest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply<'w> {
    pub(crate) topic: Topic<'w>,
    pub(crate) position: u64,
    pub(crate) place: Mix,
}

impl<'w> Reply<'w> {
    /// Unique among the replies of one content type.
    pub(crate) fn private_id(self) -> u64 {
        (self.topic.private_id - 1) * REPLY_ID_STRIDE + self.position + 1
    }

    pub(crate) fn public_id(self) -> u64 {
        FIRST_PUBLIC_ID + self.topic.index * REPLY_ID_STRIDE + self.position
    }

    pub(crate) fn flaw(self) -> Option<Flaw> {
        match self.topic.damage {
            Some(ContentFlaw::Reply(flaw)) => {
                let broken = self.topic.place.below(50, self.topic.first_replies());
                (broken == self.position).then_some(flaw)
            }
            _ => None,
        }
    }

    /// What is known of a reply that was given after the history's end.
    fn later(self) -> Option<NewReply> {
        let place = self.position.checked_sub(self.topic.first_replies())?;
        self.topic.new_replies().get(index(place)).copied()
    }

    /// Replies come quickly at first; the last one is the topic's last activity.
    pub(crate) fn time(self) -> u64 {
        if let Some(new) = self.later() {
            return new.time;
        }
        let (created, last) = (self.topic.created(), self.topic.first_last_active());
        let (part, whole) = (self.position + 1, self.topic.first_replies());
        created + (last - created) * part * part / (whole * whole)
    }

    pub(crate) fn author(self) -> Option<Member<'w>> {
        let world = self.topic.world;
        if let Some(new) = self.later() {
            return new.author.map(|number| world.member(number));
        }
        if world.strays_from_schema() && self.place.per_mille(1, 15) {
            return None;
        }
        world.active_member(self.place, 0, self.time())
    }

    pub(crate) fn likes(self) -> u64 {
        self.place.skewed(2, 8)
    }

    pub(crate) fn text(self) -> &'static str {
        self.place.pick(3, self.topic.world.words.answers)
    }
}
