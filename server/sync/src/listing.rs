use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use domain::{CauseCode, Stream, record::Record};

use crate::{
    Failure, PAGE_SIZE, Page, PageRequest, Served, TopicFilter,
    checkpoint::Checkpoint,
    seen::SeenKeys,
    shard::{LAST_SERVED_PAGE, SERVED_RECORDS, Shard},
    steady::{Met, Next, Place, Steady, Step, Told},
    window::{UnfilteredWindow, Windows},
};

/// One listing, page by page.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the pages so far"
)]
pub(crate) struct Listing {
    stream: Stream,
    active_since: Option<NaiveDate>,
    /// What is left to read, the current one last; empty unless the listing has to be cut.
    shards: Vec<Shard>,
    steady: Steady,
    /// Whether the current shard, or the whole where more topics were counted than are served, is short enough is still to
    /// be found out, by its last page that would be served: that saves reading a hundred pages in vain.
    probing: bool,
    /// The page of the probe if that had records, so that those before it exist; else 0.
    probed: u32,
    /// The highest page asked for.
    planned: u32,
    /// The highest page that is known to exist. Until the first one has arrived, that is the first: it must be served
    /// before all others, so that whatever comes in meanwhile shows as records that are met twice.
    known: u32,
    /// Pages that may be asked for side by side: one after the records have moved, twice as many with each page that they
    /// have not.
    side_by_side: usize,
    /// Set if the provider has no filter for it.
    window: Option<UnfilteredWindow>,
    /// A record may have come twice so far, so that a place in the pages is not a record of the announced number.
    repeats: bool,
    /// The page before was empty, though more is told to come.
    nothing: bool,
    /// The keys of the page before.
    before: BTreeSet<u64>,
    ended: bool,
}

/// What came of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) next: Next,
    /// It repeats the end of the page before: something has come in above, so pages that were asked for before this one
    /// arrived may have been served before it, and what slid from one to the other is in neither.
    pub(crate) moved: bool,
}

impl Listing {
    pub(crate) fn resume(
        stream: Stream,
        next_page: u32,
        shards: Vec<Shard>,
        steady: Steady,
        windows: &Windows,
    ) -> Self {
        // Pages count from 1, and so do those that were written.
        let next_page = next_page.max(1);
        Self {
            stream,
            active_since: windows.of(stream),
            probing: !shards.is_empty() && next_page == 1 && steady.step == Step::Pages && !steady.rereads(),
            shards,
            steady,
            probed: 0,
            planned: next_page,
            known: next_page,
            side_by_side: usize::MAX,
            window: windows
                .of(stream)
                .filter(|_| stream == Stream::Activity)
                .map(|since| UnfilteredWindow::new(since, windows.views_stored())),
            // What came before is not known any more.
            repeats: next_page > 1,
            nothing: false,
            before: BTreeSet::new(),
            ended: false,
        }
    }

    fn request(&self, page: u32) -> PageRequest {
        let active_since = self.active_since;
        match self.stream {
            Stream::IdeaStatuses => PageRequest::IdeaStatuses,
            Stream::Categories => PageRequest::Categories,
            Stream::Users => PageRequest::Users { active_since, page },
            Stream::Activity => PageRequest::Activity { page },
            Stream::Topics | Stream::Replies => {
                let unfiltered = TopicFilter {
                    active_since,
                    ..TopicFilter::NONE
                };
                let current = self.shards.last();
                let filter = current.map_or(unfiltered, |shard| shard.filter(active_since));
                PageRequest::Topics { filter, page }
            }
        }
    }

    /// The request to begin with, at the start or at the start of a shard.
    pub(crate) fn first_request(&mut self) -> PageRequest {
        if self.probing {
            (self.planned, self.known) = (0, 0);
            return self.request(LAST_SERVED_PAGE);
        }
        match self.steady.step {
            Step::CountBefore | Step::CountAfter => {
                (self.planned, self.known) = (0, 0);
                PageRequest::TopicCounts
            }
            Step::Pages | Step::Head => self.request(self.planned),
        }
    }

    pub(crate) fn next_planned(&mut self) -> Option<PageRequest> {
        (!self.ended && self.planned < self.known).then(|| self.planned += 1)?;
        Some(self.request(self.planned))
    }

    pub(crate) fn is_probing(&self) -> bool {
        self.probing
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// What is served whole ends with its answer, a longer list with its head.
    pub(crate) fn is_about_to_end(&self) -> bool {
        let is_whole = matches!(self.stream, Stream::IdeaStatuses | Stream::Categories);
        is_whole || (self.shards.len() <= 1 && self.steady.step == Step::Head)
    }

    pub(crate) fn side_by_side(&self) -> usize {
        self.side_by_side
    }

    /// Whether records that the run has seen are met again on purpose. A shard overlaps with its neighbours and with what
    /// was read before the listing had to be cut.
    pub(crate) fn rereads(&self) -> bool {
        !self.shards.is_empty() || self.steady.rereads()
    }

    pub(crate) fn checkpoint(&self, next_page: u32) -> Checkpoint {
        Checkpoint::Listing {
            stream: self.stream,
            next_page,
            shards: self.shards.clone(),
            steady: self.steady.clone(),
        }
    }

    /// The current shard is longer than the provider serves.
    pub(crate) fn cut(&mut self) -> Result<(), Failure> {
        let shard = self.shards.pop().unwrap_or(Shard::ALL);
        let parts = shard.split(self.steady.latest);
        if parts.is_empty() {
            return Err(too_large(&shard));
        }
        self.shards.extend(parts);
        self.begin_shard();
        Ok(())
    }

    fn begin_shard(&mut self) {
        self.probing = true;
        self.steady.anew();
        self.begin_pages();
    }

    /// From the first page.
    fn begin_pages(&mut self) {
        (self.planned, self.known) = (1, 1);
        self.before.clear();
        (self.repeats, self.nothing) = (false, false);
    }

    /// The probe has come back; the pages before it exist if it has records.
    pub(crate) fn probed(&mut self, page: &Page) {
        self.probing = false;
        self.probed = 0;
        if !page.records.is_empty() {
            self.probed = LAST_SERVED_PAGE;
            if !self.steady.is_counted() {
                self.steady.count_first();
            }
        }
        self.begin_pages();
    }

    /// The current listing is read to its end.
    pub(crate) fn end(&mut self) {
        self.shards.pop();
        self.probed = 0;
        self.ended = self.shards.is_empty();
        if !self.ended {
            self.begin_shard();
        }
    }

    /// The topics have been counted; `None` if the provider does not tell.
    pub(crate) fn count(&mut self, topics: Option<BTreeMap<String, u64>>) {
        self.steady.count(topics);
        self.probing = self.counted() >= u64::from(SERVED_RECORDS);
        self.begin_pages();
    }

    /// The least number of topics that the listing has, as far as they have been counted before its pages: the trashed ones
    /// come on top. What a part of the topics has is not counted.
    fn counted(&self) -> u64 {
        let is_whole = self.shards.is_empty() && self.active_since.is_none();
        if is_whole && self.steady.step == Step::Pages {
            self.steady.counted()
        } else {
            0
        }
    }

    /// A page has arrived: how far is it known to go on?
    pub(crate) fn plan_after(&mut self, page: &Page, request: &PageRequest) {
        if self.probing || self.steady.step == Step::Head {
            return;
        }
        let announced = page.announced.unwrap_or(0);
        if let Some(window) = &self.window {
            // What follows the new ones is asked for once this page is read, unless it was the last in the window.
            self.known = self.known.max(pages_of(window.new_of(announced)));
            return;
        }
        let counted = pages_of(self.counted()).min(LAST_SERVED_PAGE);
        self.known = self.known.max(pages_of(announced)).max(counted).max(self.probed);
        if !ends_listing(page, request) {
            self.known = self.known.max(request.page() + 1);
        }
    }

    /// The next page is read; before its records count as seen.
    pub(crate) fn take(&mut self, page: &Page, seen: &SeenKeys) {
        if let Some(window) = &mut self.window {
            window.take(page, seen);
        }
    }

    /// All that follows this page lies before the window.
    fn left_window(&self, page: u32) -> bool {
        let Some(window) = &self.window else {
            return false;
        };
        match self.steady.until {
            Some(until) => page >= until,
            None => window.is_left(),
        }
    }

    /// The topics of a page that the run has not seen, as long as topics are counted: their categories and when they were
    /// posted.
    pub(crate) fn fresh_topics(&self, page: &Page, seen: &SeenKeys) -> Vec<(String, DateTime<Utc>)> {
        if !self.steady.is_counting() {
            return Vec::new();
        }
        let fresh = |served: &Served| match served {
            Served::Valid(Record::Content(topic)) if !topic.trashed && !seen.contains(&topic.public_id) => {
                topic
                    .category_id
                    .clone()
                    .map(|category| (category, topic.posted_at))
            }
            _ => None,
        };
        page.records.iter().filter_map(fresh).collect()
    }

    /// The least number of records that the listing has, as far as it is told.
    fn told(&self, shape: &Shape) -> u64 {
        let counted = self.counted().min(u64::from(SERVED_RECORDS));
        shape.announced.unwrap_or(0).max(counted)
    }

    /// Whether nothing of the listing follows this page. A short one is no end as long as more is told to come; two empty
    /// ones in a row are.
    fn ends(&mut self, page: u32, shape: &Shape, met: &Met) -> bool {
        let more_is_told = shape.last && place_of(page) < self.told(shape);
        let nothing = more_is_told && met.marks.is_empty();
        let nothing_before = std::mem::replace(&mut self.nothing, nothing);
        // A full page that completes the announced number is not the last if records came twice: others are still to
        // come in their place.
        let ends = if more_is_told {
            nothing && nothing_before
        } else {
            shape.ends && (shape.last || !self.repeats)
        };
        ends || self.left_window(page)
    }

    /// Whether the page is shorter than it must be with what is told to come.
    fn is_cut(&self, page: u32, shape: &Shape, met: &Met) -> bool {
        let served = place_of(page.saturating_sub(1)) + met.marks.len() as u64;
        shape.last && served < self.told(shape)
    }

    /// A page is read. `shape` is that page without its records.
    pub(crate) fn read(
        &mut self,
        request: &PageRequest,
        shape: &Shape,
        met: &Met,
        fresh_topics: &[(String, DateTime<Utc>)],
        seen: u64,
    ) -> Result<Read, Failure> {
        let keys = met.keys();
        let again = keys == self.before && !keys.is_empty();
        let moved = !self.before.is_disjoint(&keys);
        self.repeats |= moved || keys.len() < met.marks.len();
        self.before = keys;
        self.side_by_side = if moved {
            1
        } else {
            self.side_by_side.saturating_mul(2)
        };
        let at = Place {
            stream: self.stream,
            page: request.page(),
            ends: self.ends(request.page(), shape, met),
        };
        let told = Told {
            // Of a window without a filter, what is announced is more than is wanted.
            announced: shape.announced.filter(|_| self.window.is_none()),
            seen,
        };
        if at.page == 1 && self.steady.step == Step::Pages {
            self.steady.begin(met);
        }
        if self.steady.step == Step::Pages && (again || self.is_cut(at.page, shape, met)) {
            self.steady.lacks_some();
        }
        for (category, posted_at) in fresh_topics {
            self.steady.came(category, *posted_at);
        }
        let next = match self.steady.step {
            Step::Head => self.steady.head(at, met, told)?,
            _ => self.steady.page(at, met, told)?,
        };
        let page = at.page;
        match next {
            Next::Page => self.known = self.known.max(page + 1),
            Next::Anew => self.begin_pages(),
            Next::Over => {}
        }
        Ok(Read { next, moved })
    }
}

/// The place in the listing of a page's last record, if it is full and all before it are.
fn place_of(page: u32) -> u64 {
    u64::from(page) * u64::from(PAGE_SIZE)
}

/// What a page says besides its records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The listing should end with it.
    pub(crate) ends: bool,
    pub(crate) last: bool,
    pub(crate) announced: Option<u64>,
}

impl Shape {
    pub(crate) fn of(page: &Page, request: &PageRequest) -> Self {
        Self {
            ends: ends_listing(page, request),
            last: page.last,
            announced: page.announced,
        }
    }
}

fn pages_of(records: u64) -> u32 {
    u32::try_from(records.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX)
}

/// A short page ends a listing; so does a full one that completes the number that the provider announced.
pub(crate) fn ends_listing(page: &Page, request: &PageRequest) -> bool {
    let served = u64::from(request.page()) * u64::from(PAGE_SIZE);
    page.last
        || page
            .announced
            .is_some_and(|total| total <= served && page.records.len() == PAGE_SIZE as usize)
}

fn too_large(shard: &Shard) -> Failure {
    Failure {
        code: CauseCode::ListingTooLarge,
        message: format!(
            "The provider serves only the first 10,000 topics of a query (422), and there are more {}.",
            shard.name()
        ),
        retry_after: None,
    }
}
