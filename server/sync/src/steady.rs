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
pub(crate) struct Steady {
    pub(crate) step: Step,
    /// The listing has been read before in this run, so what is known is not found once more.
    again: bool,
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
        (self.announced, self.fresh) = (0, 0);
        if self.counts.is_none() || self.newest.is_none() {
            self.newest = met.newest;
        }
        self.latest = met.newest.map(|newest| newest.date_naive()).max(self.latest);
    }

    /// A page was taken in. `seen` is how many records the run has seen of the stream.
    pub(crate) fn page(
        &mut self,
        stream: Stream,
        page: u32,
        ends: bool,
        met: &Met,
        announced: Option<u64>,
        seen: u64,
    ) -> Next {
        self.fresh += met.fresh;
        if let Some(announced) = announced {
            self.torn |= announced < self.announced;
            self.announced = self.announced.max(announced);
        }
        let is_complete = announced.is_none_or(|announced| seen >= announced);
        if ends && (page == 1 || (stream == Stream::Activity && is_complete)) {
            return Next::Over;
        }
        if ends {
            self.step = if self.counts.is_some() {
                Step::CountAfter
            } else {
                Step::Head
            };
            return Next::Anew;
        }
        if stream == Stream::Topics && !self.counted {
            self.count_first();
            self.again = true;
            return Next::Anew;
        }
        Next::Page
    }

    /// A page of the head was read again.
    pub(crate) fn head(
        &mut self,
        stream: Stream,
        page: u32,
        ends: bool,
        met: &Met,
        announced: Option<u64>,
        seen: u64,
    ) -> Result<Next, Failure> {
        if page == 1 {
            self.head_anchors = anchors(met);
        }
        let untouched = met.marks.iter().any(|mark| self.anchors.contains(&mark.content));
        if !untouched && !ends {
            return Ok(Next::Page);
        }
        if page > 1 {
            self.anchors = std::mem::take(&mut self.head_anchors);
            self.heads += 1;
            return if self.heads < HEADS_MAX {
                Ok(Next::Anew)
            } else {
                Err(unsteady(stream))
            };
        }
        // By now all is met that has come. If another pass met nothing new either, the provider counts what it does not
        // list.
        let first_or_new = !self.again || self.fresh > 0;
        self.torn |= announced.is_some_and(|announced| seen < announced) && first_or_new;
        let lost = |counts: &BTreeMap<String, i64>| counts.values().any(|count| *count > 0);
        if !self.torn && !self.counts.as_ref().is_some_and(lost) {
            return Ok(Next::Over);
        }
        self.passes += 1;
        if self.passes == PASSES_MAX {
            return Err(unsteady(stream));
        }
        let counts = self.counts.is_some();
        *self = Self {
            step: if counts { Step::CountBefore } else { Step::Pages },
            again: true,
            counted: self.counted,
            newest: met.newest,
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
