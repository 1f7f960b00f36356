use std::collections::VecDeque;

use domain::{ActivitySource, CauseCode, Stream};
use store::TopicRef;

use crate::{
    Failure, Fetched, PAGE_SIZE, Page, PageRequest,
    batch::Batch,
    checkpoint::Checkpoint,
    listing::{Listing, Shape},
    seen::SeenKeys,
    steady::{Next, Steady},
    thread::{self, Thread},
    window::Windows,
};

/// Rows of a commit: pages that arrive fast share a transaction up to this many, so that neither one page pays for a
/// transaction alone nor one transaction holds the writer for long.
const COMMIT_ROWS_MAX: usize = 1_000;

/// Topics asked for at a time whose replies are to be read.
pub(crate) const TOPICS_AT_A_TIME: u32 = 500;

/// Topics of which replies are held, for each request that may be under way: so the next ones are read while one takes
/// several pages, each of which can only be asked for after the other.
const TOPICS_PER_REQUEST: usize = 4;

/// Pages of one listing: ten million records. Past it a listing does not end by itself any more.
const LISTING_PAGES_MAX: u32 = 100_000;

/// Topics that come after this public id; all of them without one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TopicsAfter(pub(crate) Option<String>);

#[derive(Debug)]
struct Slot {
    request: PageRequest,
    /// Of replies, where the reading of their topic stands.
    thread: Thread,
    state: SlotState,
    /// How many answers had arrived when it was asked for.
    asked_after: u64,
}

#[derive(Debug)]
enum SlotState {
    Waiting,
    InFlight,
    /// As the answer of this number.
    Arrived(Fetched, u64),
}

impl Slot {
    fn new(request: PageRequest) -> Self {
        Self {
            request,
            thread: Thread::default(),
            state: SlotState::Waiting,
            asked_after: 0,
        }
    }

    fn of_replies(topic: TopicRef, thread: Thread) -> Self {
        let page = thread.page();
        Self {
            thread,
            ..Self::new(PageRequest::Replies { topic, page })
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(self.state, SlotState::Waiting)
    }

    fn is_in_flight(&self) -> bool {
        matches!(self.state, SlotState::InFlight)
    }
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
    /// Requests under way whose answers are of no use any more. They are not put again before those have come.
    forsaken: Vec<PageRequest>,
    answers: u64,
    work: Work,
    source: ActivitySource,
}

/// Where the next requests come from.
#[derive(Debug)]
enum Work {
    Listing(Box<Listing>),
    Replies {
        topics: VecDeque<TopicRef>,
        /// The last topic that the store gave out.
        loaded_after: Option<String>,
        loading: bool,
        exhausted: bool,
    },
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
                steady,
            } => {
                let (shards, steady) = (shards.clone(), steady.clone());
                let mut listing = Listing::resume(*stream, *next_page, shards, steady, windows);
                let first = listing.first_request();
                (*stream, Work::Listing(Box::new(listing)), Some(Slot::new(first)))
            }
            Checkpoint::Replies {
                after,
                within,
                thread,
            } => {
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
                // An earlier version left no thread behind: then the topic is read from its start.
                let first = within.clone().map(|(topic, _)| {
                    let thread = thread.unwrap_or_else(|| Thread::begin(topic.reply_count));
                    Slot::of_replies(topic, thread)
                });
                (Stream::Replies, work, first)
            }
        };
        Some(Self {
            stream,
            pages_ahead: pages_ahead.max(1),
            slots: first.into_iter().collect(),
            forsaken: Vec::new(),
            answers: 0,
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
        let wanted = !*loading && !*exhausted && topics.len() < self.pages_ahead * TOPICS_PER_REQUEST;
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
        let (side_by_side, held) = match &self.work {
            Work::Listing(listing) => {
                let side_by_side = self.pages_ahead.min(listing.side_by_side());
                (side_by_side, side_by_side)
            }
            Work::Replies { .. } => (self.pages_ahead, self.pages_ahead * TOPICS_PER_REQUEST),
        };
        while self.slots.len() < held {
            let Some(slot) = self.next_planned() else { break };
            self.slots.push_back(slot);
        }
        let in_flight = self.slots.iter().filter(|slot| slot.is_in_flight()).count();
        let free = side_by_side.saturating_sub(in_flight + self.forsaken.len());
        let (forsaken, answers) = (&self.forsaken, self.answers);
        let waiting = self.slots.iter_mut().take(held);
        waiting
            .filter(|slot| slot.is_waiting() && !forsaken.contains(&slot.request))
            .take(free)
            .map(|slot| {
                slot.state = SlotState::InFlight;
                slot.asked_after = answers;
                slot.request.clone()
            })
            .collect()
    }

    /// The request that the reading begins with, unless it has been asked for.
    pub(crate) fn first_request(&mut self) -> Option<PageRequest> {
        let slot = self.slots.front_mut().filter(|slot| slot.is_waiting())?;
        slot.state = SlotState::InFlight;
        Some(slot.request.clone())
    }

    /// Whether it most likely ends with the answers that are under way.
    pub(crate) fn is_about_to_end(&self) -> bool {
        let is_last = match &self.work {
            Work::Listing(listing) => listing.is_about_to_end(),
            Work::Replies {
                topics,
                loading,
                exhausted,
                ..
            } => topics.is_empty() && *exhausted && !*loading,
        };
        is_last && !self.slots.iter().any(Slot::is_waiting)
    }

    fn next_planned(&mut self) -> Option<Slot> {
        match &mut self.work {
            Work::Listing(listing) => listing.next_planned().map(Slot::new),
            Work::Replies { topics, .. } => topics.pop_front().map(|topic| {
                let thread = Thread::begin(topic.reply_count);
                Slot::of_replies(topic, thread)
            }),
        }
    }

    /// Whether the answer to this request is of no use any more; then it has come.
    fn is_forsaken(&mut self, request: &PageRequest) -> bool {
        let place = self.forsaken.iter().position(|forsaken| forsaken == request);
        place.map(|place| self.forsaken.swap_remove(place)).is_some()
    }

    fn in_flight(&self, request: &PageRequest) -> Option<usize> {
        let of = |slot: &Slot| slot.is_in_flight() && slot.request == *request;
        self.slots.iter().position(of)
    }

    /// A request failed and is to be tried again.
    pub(crate) fn failed(&mut self, request: &PageRequest) {
        if self.is_forsaken(request) {
            return;
        }
        if let Some(index) = self.in_flight(request) {
            self.slots[index].state = SlotState::Waiting;
        }
    }

    pub(crate) fn arrived(&mut self, request: &PageRequest, fetched: Fetched) {
        self.answers += 1;
        if self.is_forsaken(request) {
            return;
        }
        let Some(index) = self.in_flight(request) else {
            return;
        };
        if let Fetched::Page(page) = &fetched {
            self.plan_after(index, page);
        }
        self.slots[index].state = SlotState::Arrived(fetched, self.answers);
    }

    /// Pages that were asked for before this answer arrived are asked for again.
    fn ask_again(&mut self, answer: u64) {
        for slot in self.slots.iter_mut().filter(|slot| slot.asked_after < answer) {
            if slot.is_in_flight() {
                self.forsaken.push(slot.request.clone());
            }
            slot.state = SlotState::Waiting;
        }
    }

    fn plan_after(&mut self, index: usize, page: &Page) {
        let Slot { request, thread, .. } = &self.slots[index];
        match &mut self.work {
            Work::Listing(listing) => listing.plan_after(page, request),
            Work::Replies { .. } => {
                // If it fails, it does so when its turn comes.
                if let (PageRequest::Replies { topic, .. }, Ok(Some(next))) = (request, thread.after(page)) {
                    let next = Slot::of_replies(topic.clone(), next);
                    self.slots.insert(index + 1, next);
                }
            }
        }
    }

    /// The pages that have arrived in order, as one commit. `None` if there is nothing to commit yet.
    pub(crate) fn take_batch(
        &mut self,
        seen: &mut SeenKeys,
        from: &Checkpoint,
    ) -> Result<Option<Batch>, Failure> {
        let mut batch = Batch::new(self.stream, from.clone());
        batch.rereads = matches!(&self.work, Work::Listing(listing) if listing.rereads());
        let mut taken = false;
        while batch.rows.len() < COMMIT_ROWS_MAX
            && matches!(self.slots.front(), Some(slot) if matches!(slot.state, SlotState::Arrived(..)))
        {
            let Some(Slot {
                request,
                thread,
                state: SlotState::Arrived(fetched, answer),
                ..
            }) = self.slots.pop_front()
            else {
                break;
            };
            if let PageRequest::Replies { topic, .. } = request {
                take_replies(&mut batch, topic, thread, fetched, seen)?;
                taken = true;
                continue;
            }
            taken |= self.take_answer(&mut batch, &request, fetched, answer, seen)?;
            if batch.failure.is_some() {
                return Ok(Some(batch));
            }
            if matches!(&self.work, Work::Listing(listing) if listing.rereads() != batch.rereads) {
                break;
            }
        }
        if self.is_at_end() {
            batch.end = Some(self.source);
            batch.checkpoint = Checkpoint::start_of(self.stream.next());
            taken = true;
        }
        Ok(taken.then_some(batch))
    }

    /// Whether there is something to commit.
    fn take_answer(
        &mut self,
        batch: &mut Batch,
        request: &PageRequest,
        fetched: Fetched,
        answer: u64,
        seen: &mut SeenKeys,
    ) -> Result<bool, Failure> {
        match (&self.work, fetched) {
            (Work::Listing(_), Fetched::TooLong) => self.cut(batch, request)?,
            (Work::Listing(listing), Fetched::Page(page)) if listing.is_probing() => {
                return self.take_probe(batch, request, &page);
            }
            (Work::Listing(_), fetched) if *request == PageRequest::TopicCounts => {
                self.take_counts(fetched);
                return Ok(false);
            }
            (Work::Listing(_), Fetched::Page(page)) => {
                if self.take_page(batch, request, page, seen)? {
                    self.ask_again(answer);
                }
            }
            (Work::Listing(_), fetched) => {
                if fetched == Fetched::NoSource {
                    self.source = ActivitySource::None;
                } else {
                    batch.refused += 1;
                }
                self.end_listing(batch);
            }
            // Their answers are taken by `take_replies`.
            (Work::Replies { .. }, _) => return Ok(false),
        }
        Ok(true)
    }

    /// Whether pages asked for meanwhile have to be asked for again.
    fn take_page(
        &mut self,
        batch: &mut Batch,
        request: &PageRequest,
        page: Page,
        seen: &mut SeenKeys,
    ) -> Result<bool, Failure> {
        let shape = Shape::of(&page, request);
        let Work::Listing(listing) = &mut self.work else {
            return Ok(false);
        };
        listing.take(&page, seen);
        let fresh_topics = listing.fresh_topics(&page, seen);
        let met = batch.add(page, seen);
        let read = match listing.read(request, &shape, &met, &fresh_topics, seen.len()) {
            Err(failure) if failure.code == CauseCode::StreamEndedEarly => {
                self.fail_with(batch, failure);
                return Ok(false);
            }
            read => read?,
        };
        match read.next {
            Next::Page if request.page() >= LISTING_PAGES_MAX => return Err(endless(request)),
            Next::Page => batch.checkpoint = listing.checkpoint(request.page() + 1),
            Next::Anew => self.begin_anew(batch),
            Next::Over => self.end_listing(batch),
        }
        Ok(read.moved)
    }

    /// The list is not to be trusted, so whoever goes on begins it anew.
    fn fail_with(&mut self, batch: &mut Batch, failure: Failure) {
        self.slots.clear();
        batch.checkpoint = Checkpoint::Listing {
            stream: self.stream,
            next_page: 1,
            shards: Vec::new(),
            steady: Steady::again(),
        };
        batch.failure = Some(failure);
    }

    fn take_counts(&mut self, fetched: Fetched) {
        if let Work::Listing(listing) = &mut self.work {
            listing.count(match fetched {
                Fetched::Counts(counts) => Some(counts),
                _ => None,
            });
            let first = listing.first_request();
            self.slots.push_back(Slot::new(first));
        }
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
            let first = listing.first_request();
            self.slots.push_back(Slot::new(first));
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

    fn end_listing(&mut self, batch: &mut Batch) {
        if let Work::Listing(listing) = &mut self.work {
            listing.end();
        }
        self.begin_anew(batch);
    }

    /// Pages asked for beyond the end have nothing to say any more; the next part begins, if there is one.
    fn begin_anew(&mut self, batch: &mut Batch) {
        for slot in self.slots.drain(..).filter(Slot::is_in_flight) {
            self.forsaken.push(slot.request);
        }
        let Work::Listing(listing) = &mut self.work else {
            return;
        };
        if listing.has_ended() {
            return;
        }
        batch.checkpoint = listing.checkpoint(1);
        let first = listing.first_request();
        self.slots.push_back(Slot::new(first));
    }

    fn is_at_end(&self) -> bool {
        match &self.work {
            Work::Listing(listing) => listing.has_ended(),
            Work::Replies {
                topics,
                loading,
                exhausted,
                ..
            } => self.slots.is_empty() && topics.is_empty() && *exhausted && !*loading,
        }
    }
}

fn take_replies(
    batch: &mut Batch,
    topic: TopicRef,
    thread: Thread,
    fetched: Fetched,
    seen: &mut SeenKeys,
) -> Result<(), Failure> {
    let next = match fetched {
        Fetched::Page(page) => {
            let next = thread.after(&page)?;
            batch.rereads = thread.rereads();
            batch.add(page, seen);
            batch.rereads = false;
            if next.is_none() {
                batch.replies_read.push(topic.public_id.clone());
            }
            next
        }
        Fetched::TooLong => return Err(thread::endless()),
        _ => {
            batch.refused += 1;
            None
        }
    };
    batch.checkpoint = after_replies_page(topic, next, &batch.checkpoint);
    Ok(())
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

fn after_replies_page(topic: TopicRef, next: Option<Thread>, before: &Checkpoint) -> Checkpoint {
    let Some(next) = next else {
        return Checkpoint::Replies {
            after: Some(topic.public_id),
            within: None,
            thread: None,
        };
    };
    let after = match before {
        Checkpoint::Replies { after, .. } => after.clone(),
        _ => None,
    };
    Checkpoint::Replies {
        after,
        within: Some((topic, next.page())),
        thread: Some(next),
    }
}

#[cfg(test)]
mod tests;
