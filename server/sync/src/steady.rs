//! Whether a listing held still while its pages were read.
//!
//! Lists are offset-paged, the newest first, so rows move between pages while these are read. Read forward, a row is met
//! twice if something comes in above it, which does no harm, and not at all
//!
//! - if it moves from the unread part to the head: so once a list of more than one page is at its end, its head is read
//!   again, until a page has a record that was on the first page and has not changed since, and once more until that takes
//!   a single page, which shows one moment;
//! - if something above it goes, so that it slips into the pages that were read. Members announce how many they are: a
//!   number that falls, or that is more than were met, is the evidence. Topics do not; but each category counts its visible
//!   ones, and one that has fewer than before and have come since has lost some. On such evidence the list is read again.
//!
//! A list of a single page shows one moment, and none of this is owed. Views are events: they neither move nor go, so their head is read again only if
//! more are announced than were met.
//!
//! Nor is a list taken to be at its end because a page is short, as long as more is told to come: by the number that is
//! announced with each page, or by the topics that were counted. The pages after it are read, and then the whole list once
//! more. What is announced and was left out each time fails the run as `stream_ended_early`: a green run that has lost a
//! page is the worst there is. Two things are let be, since failing would bring nothing and would not end: a list that was
//! served to its announced end, each time, and has fewer different records than places; and topics that are counted by
//! category and not listed, since those counts are told elsewhere, may be late and may count what is hidden.
//!
//! What cannot be seen: a member that comes into the middle of a filtered list between the same two pages between which
//! another goes; and a topic that goes while another comes back from the trash of the same category.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use domain::{CauseCode, Stream};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// How often a listing is read that does not hold still. A pass over the longest that the provider serves of topics takes
/// 20 s at 300 requests a minute: what is changed in each of so many minutes is being worked on, and the next run may
/// meet it at rest.
const PASSES_MAX: u32 = 5;
/// How often the head is read again until that takes a single page. Each time only that counts which has come since the
/// time before, so even a second one is rare.
const HEADS_MAX: u32 = 20;
/// One record in so many of the first page is remembered, to know what has not changed since. Ten of them: those at the
/// top are the likeliest to move, those at the bottom the first to leave the page.
const ANCHOR_EVERY: usize = 10;

/// A record as it was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) key: u64,
    /// Changes with any of its fields.
    pub(crate) content: u64,
}

/// What a page brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) marks: Vec<Mark>,
    /// Records that the run had not seen before.
    pub(crate) fresh: u64,
    pub(crate) newest: Option<DateTime<Utc>>,
}

impl Met {
    pub(crate) fn keys(&self) -> BTreeSet<u64> {
        self.marks.iter().map(|mark| mark.key).collect()
    }
}

/// Which page it was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) stream: Stream,
    pub(crate) page: u32,
    /// Nothing of the listing follows it.
    pub(crate) ends: bool,
}

/// How many records there are, and how many of them the run has seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// As the page says; `None` if it does not, or if not all of them are wanted.
    pub(crate) announced: Option<u64>,
    pub(crate) seen: u64,
}

/// What is being asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    #[default]
    Pages,
    /// How many topics the categories have, before the pages are read and after.
    CountBefore,
    CountAfter,
    /// The head of the listing again.
    Head,
}

/// What follows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Page,
    /// The listing begins anew, with another step or another pass.
    Anew,
    Over,
}

/// The account of one listing, or of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that a checkpoint keeps by name"
)]
pub(crate) struct Steady {
    pub(crate) step: Step,
    /// Pages of the listing have been read before in this run, so what is known is not found once more.
    again: bool,
    /// The listing has been read to its end before in this run.
    ended_before: bool,
    /// A page of this pass was shorter than it must be with what is told to come, or the one before it once more.
    gap: bool,
    /// The page behind the window, in a pass before. What the run has seen tells nothing of the order any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<u32>,
    /// Something has gone, so that something else may have slipped past.
    torn: bool,
    /// The greatest number of records announced in this pass.
    announced: u64,
    /// Records met in this pass that the run had not seen.
    fresh: u64,
    /// Some records of the first page, by content.
    anchors: Vec<u64>,
    /// Those of the head that is being read again.
    head_anchors: Vec<u64>,
    /// The greatest activity time before the topics were counted: what was posted later has come since.
    newest: Option<DateTime<Utc>>,
    /// Of each category, how many topics have gone: those before, and those that came, without those after.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<BTreeMap<String, i64>>,
    /// The counts were asked for; the provider may not give them.
    counted: bool,
    /// The last day on which anything is known to have happened.
    pub(crate) latest: Option<NaiveDate>,
    /// Of this worker; the next one may try as often.
    #[serde(skip)]
    passes: u32,
    #[serde(skip)]
    heads: u32,
}

impl Steady {
    /// Of another listing, or of a part.
    pub(crate) fn anew(&mut self) {
        *self = Self {
            latest: self.latest,
            ..Self::default()
        };
    }

    /// What is known of the listing is read again.
    pub(crate) fn again() -> Self {
        Self {
            again: true,
            ..Self::default()
        }
    }

    /// It is long for certain, so its first page need not be seen before the topics are counted.
    pub(crate) fn count_first(&mut self) {
        self.step = Step::CountBefore;
        self.counted = true;
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Pages are read that were read before.
    pub(crate) fn rereads(&self) -> bool {
        self.again || self.step == Step::Head
    }

    /// A topic that the run had not seen, as long as the topics are counted.
    pub(crate) fn came(&mut self, category: &str, posted_at: DateTime<Utc>) {
        if let Some(count) = self.counts.as_mut().and_then(|counts| counts.get_mut(category))
            && self.newest.is_none_or(|newest| posted_at > newest)
        {
            *count += 1;
        }
    }

    pub(crate) fn is_counting(&self) -> bool {
        self.counts.is_some()
    }

    /// Whether the provider was asked how many topics there are.
    pub(crate) fn is_counted(&self) -> bool {
        self.counted
    }

    /// How many topics were counted before the pages were read, and came since; 0 if the provider does not tell.
    pub(crate) fn counted(&self) -> u64 {
        let counts = self.counts.iter().flat_map(BTreeMap::values);
        counts.fold(0, |all, count| all.saturating_add(count.unsigned_abs()))
    }

    /// The number of topics of each category; `None` if the provider does not tell.
    pub(crate) fn count(&mut self, topics: Option<BTreeMap<String, u64>>) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        if self.step == Step::CountBefore {
            self.step = Step::Pages;
            let topics = topics.map(|topics| {
                topics
                    .into_iter()
                    .map(|(category, count)| (category, number(count)))
            });
            self.counts = topics.map(Iterator::collect);
            return;
        }
        self.step = Step::Head;
        self.counts = self.counts.take().zip(topics).map(|(mut counts, after)| {
            for (category, count) in &mut counts {
                *count = count.saturating_sub(after.get(category).copied().map_or(0, number));
            }
            counts
        });
    }

    /// The first page was read.
    pub(crate) fn begin(&mut self, met: &Met) {
        self.anchors = anchors(met);
        (self.announced, self.fresh, self.gap) = (0, 0, false);
        if self.counts.is_none() || self.newest.is_none() {
            self.newest = met.newest;
        }
        self.latest = met.newest.map(|newest| newest.date_naive()).max(self.latest);
    }

    /// Not all of a page of this pass has come.
    pub(crate) fn lacks_some(&mut self) {
        self.gap = true;
    }

    /// A page was taken in.
    pub(crate) fn page(&mut self, at: Place, met: &Met, told: Told) -> Result<Next, Failure> {
        self.fresh += met.fresh;
        if let Some(announced) = told.announced {
            self.torn |= announced < self.announced;
            self.announced = self.announced.max(announced);
        }
        if !at.ends {
            if at.stream == Stream::Topics && !self.counted {
                self.count_first();
                self.again = true;
                return Ok(Next::Anew);
            }
            return Ok(Next::Page);
        }
        self.until.get_or_insert(at.page.saturating_add(1));
        let lacks = self.lacks(told);
        if !lacks && (at.page == 1 || at.stream == Stream::Activity) {
            return Ok(Next::Over);
        }
        if lacks && (at.page == 1 || (self.gap && self.may_bring_more())) {
            // It is read again from its head on in any case.
            return self.conclude(at.stream, met, told);
        }
        self.step = if self.counts.is_some() {
            Step::CountAfter
        } else {
            Step::Head
        };
        Ok(Next::Anew)
    }

    /// A page of the head was read again.
    pub(crate) fn head(&mut self, at: Place, met: &Met, told: Told) -> Result<Next, Failure> {
        if at.page == 1 {
            self.head_anchors = anchors(met);
        }
        // Where the first page came empty there is nothing to compare with.
        let untouched =
            self.anchors.is_empty() || met.marks.iter().any(|mark| self.anchors.contains(&mark.content));
        if !untouched && !at.ends {
            return Ok(Next::Page);
        }
        if at.page > 1 {
            // A head that came empty tells nothing.
            let newer = std::mem::take(&mut self.head_anchors);
            self.anchors = if newer.is_empty() {
                std::mem::take(&mut self.anchors)
            } else {
                newer
            };
            self.heads += 1;
            return if self.heads < HEADS_MAX {
                Ok(Next::Anew)
            } else {
                Err(unsteady(at.stream))
            };
        }
        self.conclude(at.stream, met, told)
    }

    /// Whether fewer were met than there are. Where no number is announced for it, that is known only of a page.
    fn lacks(&self, told: Told) -> bool {
        match told.announced {
            Some(announced) => told.seen < announced,
            None => self.gap,
        }
    }

    /// If another pass met nothing new, the next one will not either.
    fn may_bring_more(&self) -> bool {
        !self.ended_before || self.fresh > 0
    }

    /// By now all is met that has come meanwhile. Is the list over, or is it to be read again?
    fn conclude(&mut self, stream: Stream, met: &Met, told: Told) -> Result<Next, Failure> {
        let lacks = self.lacks(told);
        if lacks && self.gap && !self.may_bring_more() && stream != Stream::Topics {
            return Err(ended_early(stream, told));
        }
        let lost = |counts: &BTreeMap<String, i64>| counts.values().any(|count| *count > 0);
        let torn = self.torn || self.counts.as_ref().is_some_and(lost);
        if !(torn || lacks && self.may_bring_more()) {
            return Ok(Next::Over);
        }
        self.passes += 1;
        if self.passes == PASSES_MAX {
            let early = lacks && self.gap && stream != Stream::Topics;
            return Err(if early {
                ended_early(stream, told)
            } else {
                unsteady(stream)
            });
        }
        let counts = self.counts.is_some();
        *self = Self {
            step: if counts { Step::CountBefore } else { Step::Pages },
            again: true,
            ended_before: true,
            until: self.until,
            counted: self.counted,
            newest: self.newest.max(met.newest),
            latest: self.latest,
            passes: self.passes,
            ..Self::default()
        };
        Ok(Next::Anew)
    }
}

fn anchors(met: &Met) -> Vec<u64> {
    met.marks
        .iter()
        .step_by(ANCHOR_EVERY)
        .map(|mark| mark.content)
        .collect()
}

fn unsteady(stream: Stream) -> Failure {
    Failure {
        code: CauseCode::ListingUnsteady,
        message: format!(
            "The list of {stream} was read {PASSES_MAX} times, and each time records went from it meanwhile, so that others \
             may have slipped past. What was read is kept."
        ),
        retry_after: None,
    }
}

fn ended_early(stream: Stream, told: Told) -> Failure {
    let what = match told.announced {
        Some(announced) => format!(
            "The list of {stream} ended after {} of {announced} records",
            told.seen
        ),
        None => format!("Pages of the list of {stream} came short before its end"),
    };
    Failure {
        code: CauseCode::StreamEndedEarly,
        message: format!("{what}, and so it was when it was read again."),
        retry_after: None,
    }
}
