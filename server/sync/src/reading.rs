use std::collections::VecDeque;

use chrono::NaiveDate;
use domain::{ActivitySource, CauseCode, Stream};
use store::TopicRef;

use crate::{
    Failure, Fetched, PAGE_SIZE, Page, PageRequest, TopicFilter,
    batch::Batch,
    checkpoint::Checkpoint,
    seen::SeenKeys,
    shard::{LAST_SERVED_PAGE, Shard},
    window::{UnfilteredWindow, Windows},
};

/// Rows of a commit: pages that arrive fast share a transaction up to this many, so that neither one page pays for a
/// transaction alone nor one transaction holds the writer for long.
const COMMIT_ROWS_MAX: usize = 1_000;

/// Topics asked for at a time whose replies are to be read.
pub(crate) const TOPICS_AT_A_TIME: u32 = 500;

/// Pages of one listing: ten million records. Past it a listing does not end by itself any more.
const LISTING_PAGES_MAX: u32 = 100_000;

/// Topics that come after this public id; all of them without one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TopicsAfter(pub(crate) Option<String>);

#[derive(Debug)]
struct Slot {
    request: PageRequest,
    state: SlotState,
}

#[derive(Debug)]
enum SlotState {
    Waiting,
    InFlight,
    Arrived(Fetched),
}

/// The reading of one stream: which pages are asked for, which have arrived, which go into the next commit.
///
/// Pages are asked for side by side only as far as they are known to exist, so that no request is spent on nothing;
/// they are handed out in order.
#[derive(Debug)]
pub(crate) struct Reading {
    stream: Stream,
    pages_ahead: usize,
    slots: VecDeque<Slot>,
    work: Work,
    source: ActivitySource,
}

/// Where the next requests come from.
#[derive(Debug)]
enum Work {
    Listing(Listing),
    Replies {
        topics: VecDeque<TopicRef>,
        /// The last topic that the store gave out.
        loaded_after: Option<String>,
        loading: bool,
        exhausted: bool,
    },
}

/// One listing, page by page.
#[derive(Debug)]
struct Listing {
    stream: Stream,
    active_since: Option<NaiveDate>,
    /// What is left to read, the current one last; empty unless the listing has to be cut.
    shards: Vec<Shard>,
    /// Whether the current shard is short enough is still to be found out, by its last page that would be served: that
    /// saves reading a hundred pages in vain.
    probing: bool,
    /// The highest page asked for.
    planned: u32,
    /// The highest page that is known to exist.
    known: u32,
    /// Set if the provider has no filter for it: then its pages are read one after the other.
    window: Option<UnfilteredWindow>,
    /// A record may have come twice so far, so that a place in the pages is not a record of the announced number.
    repeats: bool,
    ended: bool,
}

impl Listing {
    fn resume(stream: Stream, next_page: u32, shards: Vec<Shard>, windows: &Windows) -> Self {
        Self {
            stream,
            active_since: windows.of(stream),
            probing: !shards.is_empty() && next_page == 1,
            shards,
            planned: next_page,
            known: next_page,
            window: windows
                .of(stream)
                .filter(|_| stream == Stream::Activity)
                .map(UnfilteredWindow::new),
            // What came before is not known any more.
            repeats: next_page > 1,
            ended: false,
        }
    }

    fn request(&self, page: u32) -> Option<PageRequest> {
        let active_since = self.active_since;
        Some(match self.stream {
            Stream::IdeaStatuses => PageRequest::IdeaStatuses,
            Stream::Categories => PageRequest::Categories,
            Stream::Users => PageRequest::Users { active_since, page },
            Stream::Topics => {
                let unfiltered = TopicFilter {
                    active_since,
                    ..TopicFilter::NONE
                };
                let current = self.shards.last();
                let filter = current.map_or(unfiltered, |shard| shard.filter(active_since));
                PageRequest::Topics { filter, page }
            }
            Stream::Activity => PageRequest::Activity { page },
            Stream::Replies => return None,
        })
    }

    /// The request to begin with, at the start or at the start of a shard.
    fn first_request(&mut self) -> Option<PageRequest> {
        if self.probing {
            (self.planned, self.known) = (0, 0);
            self.request(LAST_SERVED_PAGE)
        } else {
            self.request(self.planned)
        }
    }

    /// The current shard is longer than the provider serves.
    fn cut(&mut self) -> Result<(), Failure> {
        match self.shards.pop() {
            None => self.shards = Shard::all(),
            Some(shard) => self
                .shards
                .extend(shard.split().ok_or_else(|| too_large(&shard))?),
        }
        self.probing = true;
        Ok(())
    }

    /// The probe has come back; the pages before it exist if it has records.
    fn probed(&mut self, page: &Page) {
        self.probing = false;
        self.known = if page.records.is_empty() {
            1
        } else {
            LAST_SERVED_PAGE
        };
    }

    /// The current listing is read to its end.
    fn end(&mut self) {
        self.shards.pop();
        self.ended = self.shards.is_empty();
        self.probing = !self.ended;
    }

    fn checkpoint(&self, next_page: u32) -> Checkpoint {
        Checkpoint::Listing {
            stream: self.stream,
            next_page,
            shards: self.shards.clone(),
        }
    }

    fn next_planned(&mut self) -> Option<PageRequest> {
        (!self.ended && self.planned < self.known).then(|| self.planned += 1)?;
        self.request(self.planned)
    }

    /// All that follows lies before the window.
    fn left_window(&self) -> bool {
        self.window.as_ref().is_some_and(UnfilteredWindow::is_left)
    }

    /// Whether this full page, which completes the announced number, is not the last all the same: of records that came
    /// twice, others are still to come.
    fn goes_on_after(&mut self, request: &PageRequest, last: bool, repeated: u64) -> bool {
        self.repeats |= repeated > 0;
        let goes_on = self.repeats && !last;
        if goes_on {
            self.known = self.known.max(request.page() + 1);
        }
        goes_on
    }

    /// A page has arrived: how far is it known to go on?
    fn plan_after(&mut self, page: &Page, request: &PageRequest) {
        if self.probing {
            return;
        }
        if let Some(window) = &mut self.window {
            window.take(page);
        } else if let Some(total) = page.announced {
            self.known = self.known.max(pages_of(total));
        }
        if !self.left_window() && !ends_listing(page, request) {
            self.known = self.known.max(request.page() + 1);
        }
    }
}

impl Reading {
    /// Goes on from a checkpoint; `None` if that has no stream left to read.
    pub(crate) fn resume(checkpoint: &Checkpoint, windows: &Windows, pages_ahead: usize) -> Option<Self> {
        let (stream, work, first) = match checkpoint {
            Checkpoint::Missing { .. } | Checkpoint::Done => return None,
            Checkpoint::Listing {
                stream,
                next_page,
                shards,
            } => {
                let mut listing = Listing::resume(*stream, *next_page, shards.clone(), windows);
                let first = listing.first_request()?;
                (*stream, Work::Listing(listing), Some(first))
            }
            Checkpoint::Replies { after, within } => {
                let loaded_after = within
                    .as_ref()
                    .map(|(topic, _)| topic.public_id.clone())
                    .or_else(|| after.clone());
                let work = Work::Replies {
                    topics: VecDeque::new(),
                    loaded_after,
                    loading: false,
                    exhausted: false,
                };
                let first = within
                    .clone()
                    .map(|(topic, page)| PageRequest::Replies { topic, page });
                (Stream::Replies, work, first)
            }
        };
        let slots = first
            .into_iter()
            .map(|request| Slot {
                request,
                state: SlotState::Waiting,
            })
            .collect();
        Some(Self {
            stream,
            pages_ahead: pages_ahead.max(1),
            slots,
            work,
            source: ActivitySource::Api,
        })
    }

    pub(crate) fn stream(&self) -> Stream {
        self.stream
    }

    /// The next topics to ask the store for, if it is time. At most one answer is awaited at a time.
    pub(crate) fn topics_wanted(&mut self) -> Option<TopicsAfter> {
        let Work::Replies {
            topics,
            loaded_after,
            loading,
            exhausted,
        } = &mut self.work
        else {
            return None;
        };
        let wanted = !*loading && !*exhausted && topics.len() < self.pages_ahead;
        *loading |= wanted;
        wanted.then(|| TopicsAfter(loaded_after.clone()))
    }

    pub(crate) fn topics_loaded(&mut self, loaded: Vec<TopicRef>) {
        let Work::Replies {
            topics,
            loaded_after,
            loading,
            exhausted,
        } = &mut self.work
        else {
            return;
        };
        *loading = false;
        *exhausted = loaded.len() < TOPICS_AT_A_TIME as usize;
        if let Some(last) = loaded.last() {
            *loaded_after = Some(last.public_id.clone());
        }
        topics.extend(loaded);
    }

    /// The requests to start now.
    pub(crate) fn requests(&mut self) -> Vec<PageRequest> {
        while self.slots.len() < self.pages_ahead {
            let Some(request) = self.next_planned() else { break };
            self.slots.push_back(Slot {
                request,
                state: SlotState::Waiting,
            });
        }
        let in_flight = self
            .slots
            .iter()
            .filter(|slot| matches!(slot.state, SlotState::InFlight))
            .count();
        let free = self.pages_ahead.saturating_sub(in_flight);
        let waiting = self
            .slots
            .iter_mut()
            .filter(|slot| matches!(slot.state, SlotState::Waiting));
        waiting
            .take(free)
            .map(|slot| {
                slot.state = SlotState::InFlight;
                slot.request.clone()
            })
            .collect()
    }

    fn next_planned(&mut self) -> Option<PageRequest> {
        match &mut self.work {
            Work::Listing(listing) => listing.next_planned(),
            Work::Replies { topics, .. } => topics
                .pop_front()
                .map(|topic| PageRequest::Replies { topic, page: 1 }),
        }
    }

    /// A request failed and is to be tried again.
    pub(crate) fn failed(&mut self, request: &PageRequest) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.request == *request) {
            slot.state = SlotState::Waiting;
        }
    }

    pub(crate) fn arrived(&mut self, request: &PageRequest, fetched: Fetched) {
        let Some(index) = self.slots.iter().position(|slot| slot.request == *request) else {
            return;
        };
        if let Fetched::Page(page) = &fetched {
            self.plan_after(index, page);
        }
        self.slots[index].state = SlotState::Arrived(fetched);
    }

    fn plan_after(&mut self, index: usize, page: &Page) {
        let request = self.slots[index].request.clone();
        match &mut self.work {
            Work::Listing(listing) => listing.plan_after(page, &request),
            Work::Replies { .. } if !ends_listing(page, &request) => {
                let next = Slot {
                    request: request.at_page(request.page() + 1),
                    state: SlotState::Waiting,
                };
                self.slots.insert(index + 1, next);
            }
            Work::Replies { .. } => {}
        }
    }

    /// The pages that have arrived in order, as one commit. `None` if there is nothing to commit yet.
    pub(crate) fn take_batch(
        &mut self,
        seen: &mut SeenKeys,
        from: &Checkpoint,
    ) -> Result<Option<Batch>, Failure> {
        let mut batch = Batch::new(self.stream, from.clone());
        // A shard overlaps with its neighbours and with what was read before the listing had to be cut.
        batch.rereads = matches!(from, Checkpoint::Listing { shards, .. } if !shards.is_empty());
        let mut taken = false;
        while batch.rows.len() < COMMIT_ROWS_MAX
            && matches!(
                self.slots.front(),
                Some(Slot {
                    state: SlotState::Arrived(_),
                    ..
                })
            )
        {
            let Some(Slot {
                request,
                state: SlotState::Arrived(fetched),
            }) = self.slots.pop_front()
            else {
                break;
            };
            taken |= self.take_page(&mut batch, &request, fetched, seen)?;
        }
        if self.is_at_end() {
            batch.end = Some(self.source);
            batch.checkpoint = Checkpoint::start_of(self.stream.next());
            taken = true;
        }
        Ok(taken.then_some(batch))
    }

    fn take_page(
        &mut self,
        batch: &mut Batch,
        request: &PageRequest,
        fetched: Fetched,
        seen: &mut SeenKeys,
    ) -> Result<bool, Failure> {
        let (ends, read) = match fetched {
            Fetched::TooLong => {
                self.cut(batch, request)?;
                return Ok(true);
            }
            Fetched::Page(page) if self.is_probing() => return self.take_probe(batch, request, &page),
            Fetched::Page(page) => {
                let (mut ends, last) = (ends_listing(&page, request), page.last);
                if ends {
                    check_announced(request, &page)?;
                }
                let before = batch.repeated;
                batch.add(page, seen);
                if let Work::Listing(listing) = &mut self.work {
                    let repeated = batch.repeated - before;
                    ends &= !listing.goes_on_after(request, last, repeated);
                }
                let left_window = matches!(&self.work, Work::Listing(listing) if listing.left_window());
                (ends || left_window, true)
            }
            Fetched::NoSource => {
                self.source = ActivitySource::None;
                (true, false)
            }
            Fetched::Refused => {
                batch.refused += 1;
                (true, false)
            }
        };
        if !ends && request.page() >= LISTING_PAGES_MAX {
            return Err(endless(request));
        }
        match (&mut self.work, request) {
            (Work::Listing(listing), _) => {
                batch.checkpoint = listing.checkpoint(request.page() + 1);
                if ends {
                    listing.end();
                    self.begin_anew(batch);
                }
            }
            (Work::Replies { .. }, PageRequest::Replies { topic, page }) => {
                batch.checkpoint = after_replies_page(topic, *page, ends, &batch.checkpoint);
                if ends && read {
                    batch.replies_read.push(topic.public_id.clone());
                }
            }
            (Work::Replies { .. }, _) => {}
        }
        Ok(true)
    }

    fn is_probing(&self) -> bool {
        matches!(&self.work, Work::Listing(listing) if listing.probing)
    }

    /// Whether there is something to commit: only if the probe is full, so that the shard has to be cut. Its records are
    /// read with the other pages.
    fn take_probe(&mut self, batch: &mut Batch, request: &PageRequest, page: &Page) -> Result<bool, Failure> {
        if page.records.len() >= PAGE_SIZE as usize {
            self.cut(batch, request)?;
            return Ok(true);
        }
        if let Work::Listing(listing) = &mut self.work {
            listing.probed(page);
        }
        Ok(false)
    }

    fn cut(&mut self, batch: &mut Batch, request: &PageRequest) -> Result<(), Failure> {
        match &mut self.work {
            Work::Listing(listing) if self.stream == Stream::Topics => listing.cut()?,
            _ => return Err(endless(request)),
        }
        self.begin_anew(batch);
        Ok(())
    }

    /// Pages asked for beyond the end have nothing to say any more; the next shard begins.
    fn begin_anew(&mut self, batch: &mut Batch) {
        self.slots.clear();
        let Work::Listing(listing) = &mut self.work else {
            return;
        };
        if listing.ended {
            return;
        }
        batch.checkpoint = listing.checkpoint(1);
        self.slots.extend(listing.first_request().map(|request| Slot {
            request,
            state: SlotState::Waiting,
        }));
    }

    fn is_at_end(&self) -> bool {
        match &self.work {
            Work::Listing(listing) => listing.ended,
            Work::Replies {
                topics,
                loading,
                exhausted,
                ..
            } => self.slots.is_empty() && topics.is_empty() && *exhausted && !*loading,
        }
    }
}

fn pages_of(records: u64) -> u32 {
    u32::try_from(records.div_ceil(u64::from(PAGE_SIZE))).unwrap_or(u32::MAX)
}

/// A short page ends a listing; so does a full one that completes the number that the provider announced.
fn ends_listing(page: &Page, request: &PageRequest) -> bool {
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

fn endless(request: &PageRequest) -> Failure {
    Failure {
        code: CauseCode::AnswerMalformed,
        message: format!(
            "The list of {} did not end after {LISTING_PAGES_MAX} pages.",
            request.stream()
        ),
        retry_after: None,
    }
}

/// Every page before the last was full, so the last one tells how many records were served.
fn check_announced(request: &PageRequest, last: &Page) -> Result<(), Failure> {
    let served = u64::from(request.page() - 1) * u64::from(PAGE_SIZE) + last.records.len() as u64;
    match last.announced {
        Some(announced) if served < announced => Err(Failure {
            code: CauseCode::StreamEndedEarly,
            message: format!(
                "The list of {} ended at page {} after {served} of {announced} records.",
                request.stream(),
                request.page()
            ),
            retry_after: None,
        }),
        _ => Ok(()),
    }
}

fn after_replies_page(topic: &TopicRef, page: u32, ends: bool, before: &Checkpoint) -> Checkpoint {
    if ends {
        return Checkpoint::Replies {
            after: Some(topic.public_id.clone()),
            within: None,
        };
    }
    let after = match before {
        Checkpoint::Replies { after, .. } => after.clone(),
        _ => None,
    };
    Checkpoint::Replies {
        after,
        within: Some((topic.clone(), page + 1)),
    }
}

#[cfg(test)]
mod tests;
