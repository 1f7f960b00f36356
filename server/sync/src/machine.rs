use std::time::Duration;

use domain::{CauseCode, Stage, Stream};
use store::{PageOutcome, TopicRef};

use crate::{
    Failure, Fetched, PageRequest, Presence, Settings,
    batch::Batch,
    checkpoint::Checkpoint,
    missing::{Conclusion, Missing, Step},
    reading::{Reading, TopicsAfter},
    retry::Verdict,
    seen::SeenKeys,
    unify::MatchStep,
    window::Windows,
};

/// What the runner is to do. It reports each back as an [`Event`], but for `Enter`, `SlowDown` and `Finish`.
#[derive(Debug)]
pub(crate) enum Effect {
    Enter(Stage),
    Connect,
    Fetch(PageRequest),
    LoadSeen(Stream),
    LoadTopics(TopicsAfter),
    /// How many rows of the stream are stored.
    CountStored(Stream),
    /// The keys that a full pass must have met, after the given one.
    LoadKeys(Stream, Option<String>),
    /// Whether the provider still has this record.
    Ask(Stream, String),
    MarkDeleted {
        stream: Stream,
        keys: Vec<String>,
        checkpoint: Checkpoint,
    },
    Commit(Box<Batch>),
    /// Some of the members that are to be tied to companies.
    MatchSome,
    RebuildTrends,
    /// Nothing is asked of the provider for so long.
    Wait(Duration),
    /// The provider asked for fewer requests and named no wait.
    SlowDown,
    Finish(Ending),
}

#[derive(Debug)]
pub(crate) enum Event {
    Connected(Result<(), Failure>),
    Fetched(PageRequest, Result<Fetched, Failure>),
    SeenLoaded(SeenKeys),
    TopicsLoaded(Vec<TopicRef>),
    StoredCounted(u64),
    KeysLoaded(Vec<String>),
    Asked(String, Result<Presence, Failure>),
    Committed(PageOutcome),
    Matched(MatchStep),
    TrendsRebuilt,
    Waited,
    Stop(Ending),
    /// Our side failed: the store refused, or stored state cannot be read.
    Broken(Failure),
}

/// How a run is over, as far as this worker is concerned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    Completed,
    Failed(Failure),
    Cancelled,
    /// Handed back to the queue, because this worker shuts down.
    Released,
    /// Handed back to the queue, because another run waits for the place.
    GaveWay,
}

/// What a run is to read, fixed when it was queued.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Where an incremental run begins to read; a full one has none.
    pub(crate) windows: Windows,
    /// All is read, so what has not been met may be gone.
    pub(crate) full: bool,
    /// Decides which rows are asked for where not all are.
    pub(crate) seed: u64,
    /// Records that earlier workers set aside.
    pub(crate) invalid: u64,
    /// Attempts that had failed in a row when the run gave its place away.
    pub(crate) failures_in_a_row: usize,
    /// What is left of a wait for the provider that an earlier worker had begun.
    pub(crate) wait: Option<Duration>,
}

/// Decides what a run does next, and does nothing itself: no clock, no I/O, no randomness.
#[derive(Debug)]
pub(crate) struct Machine {
    settings: Settings,
    plan: Plan,
    /// What the last commit leaves.
    checkpoint: Checkpoint,
    /// The run was taken up again: what it has seen of its stream must be loaded first.
    resumed: bool,
    phase: Phase,
    /// The next stream, whose first page is asked for while the last pages of this one are under way.
    ahead: Ahead,
    seen: SeenKeys,
    committing: bool,
    waiting: bool,
    failures_in_a_row: usize,
    ending: Option<Ending>,
}

#[derive(Debug)]
enum Phase {
    Connecting,
    LoadingSeen,
    Reading(Reading),
    /// Every stream is read; which rows has a full pass not met?
    Missing(Missing),
    /// Nothing more is read: what is derived follows.
    Deriving,
    /// Nothing more is done.
    Over,
}

/// What is known of the next stream.
#[derive(Debug)]
enum Ahead {
    None,
    Begun(Box<Reading>),
    /// Its request failed for good: it is left to its own stage.
    Failed,
}

impl Ahead {
    fn of(&mut self, stream: Stream) -> Option<&mut Reading> {
        match self {
            Self::Begun(reading) if reading.stream() == stream => Some(reading),
            _ => None,
        }
    }
}

impl Machine {
    /// `checkpoint` is what the last committed page left; `None` starts from the beginning.
    pub(crate) fn new(settings: Settings, plan: Plan, checkpoint: Option<Checkpoint>) -> Self {
        Self {
            settings,
            failures_in_a_row: plan.failures_in_a_row,
            plan,
            resumed: checkpoint.is_some(),
            checkpoint: checkpoint.unwrap_or_else(|| Checkpoint::start_of(Some(Stream::IdeaStatuses))),
            phase: Phase::Connecting,
            ahead: Ahead::None,
            seen: SeenKeys::default(),
            committing: false,
            waiting: false,
            ending: None,
        }
    }

    /// The first effects of every run.
    pub(crate) fn start(&mut self) -> Vec<Effect> {
        let first = match self.plan.wait {
            Some(wait) => {
                self.waiting = true;
                Effect::Wait(wait)
            }
            None => Effect::Connect,
        };
        vec![Effect::Enter(Stage::Connect), first]
    }

    /// Attempts that have failed since the last progress.
    pub(crate) fn failures_in_a_row(&self) -> usize {
        self.failures_in_a_row
    }

    pub(crate) fn on(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Connected(Ok(())) => {
                self.failures_in_a_row = 0;
                self.enter_stream(&mut effects);
            }
            Event::Connected(Err(failure)) => self.fail(failure, &mut effects),
            Event::Fetched(request, Ok(fetched)) => {
                self.failures_in_a_row = 0;
                if let Some(reading) = self.reading_of(&request) {
                    reading.arrived(&request, fetched);
                }
            }
            Event::Fetched(request, Err(failure)) => self.fetch_failed(&request, failure, &mut effects),
            Event::SeenLoaded(seen) => {
                self.seen = seen;
                self.go_on_with_seen();
            }
            Event::TopicsLoaded(topics) => self.with_reading(|reading| reading.topics_loaded(topics)),
            Event::StoredCounted(stored) => self.with_missing(|missing| missing.counted(stored)),
            Event::KeysLoaded(keys) => self.with_missing(|missing| missing.loaded(keys)),
            Event::Asked(key, Ok(presence)) => {
                self.failures_in_a_row = 0;
                self.with_missing(|missing| missing.asked(key, presence));
            }
            Event::Asked(key, Err(failure)) => {
                self.with_missing(|missing| missing.failed(key));
                self.fail(failure, &mut effects);
            }
            Event::Committed(outcome) => self.committed(outcome, &mut effects),
            Event::Matched(step) => self.matched(step, &mut effects),
            Event::TrendsRebuilt => {
                self.committing = false;
                self.end(Ending::Completed);
            }
            Event::Waited => {
                self.waiting = false;
                if matches!(self.phase, Phase::Connecting) {
                    effects.push(Effect::Connect);
                }
            }
            Event::Stop(ending) => self.end(ending),
            Event::Broken(failure) => {
                // What has arrived since belongs behind the commit that failed, so it must not be written.
                self.committing = false;
                self.phase = Phase::Over;
                self.end(Ending::Failed(failure));
            }
        }
        self.go_on(&mut effects);
        effects
    }

    fn with_reading(&mut self, change: impl FnOnce(&mut Reading)) {
        if let Phase::Reading(reading) = &mut self.phase {
            change(reading);
        }
    }

    /// What a request belongs to: the stream that is read, or the next one.
    fn reading_of(&mut self, request: &PageRequest) -> Option<&mut Reading> {
        match &mut self.phase {
            Phase::Reading(reading) if reading.stream() == request.stream() => Some(reading),
            _ => self.ahead.of(request.stream()),
        }
    }

    fn fetch_failed(&mut self, request: &PageRequest, failure: Failure, effects: &mut Vec<Effect>) {
        let is_ahead = self.ahead.of(request.stream()).is_some();
        if is_ahead && self.judge(&failure) == Verdict::GiveUp {
            // It is asked for again, and fails, in its own stage.
            self.ahead = Ahead::Failed;
            return;
        }
        if let Some(reading) = self.reading_of(request) {
            reading.failed(request);
        }
        self.fail(failure, effects);
    }

    fn judge(&self, failure: &Failure) -> Verdict {
        let connected = !matches!(self.phase, Phase::Connecting);
        self.settings
            .retry
            .judge(failure, self.failures_in_a_row, connected)
    }

    fn with_missing(&mut self, change: impl FnOnce(&mut Missing)) {
        if let Phase::Missing(missing) = &mut self.phase {
            change(missing);
        }
    }

    /// The first reason to end is the one that is told.
    fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    fn fail(&mut self, failure: Failure, effects: &mut Vec<Effect>) {
        // Pages that were under way together fail together: that is one failed attempt, not several.
        if self.waiting {
            return;
        }
        match self.judge(&failure) {
            Verdict::RetryAfter(wait) => {
                self.failures_in_a_row += 1;
                self.waiting = true;
                if failure.code == CauseCode::Throttled && failure.retry_after.is_none() {
                    effects.push(Effect::SlowDown);
                }
                effects.push(Effect::Wait(wait));
            }
            Verdict::GiveUp => {
                let attempts = self.failures_in_a_row + 1;
                let tried = if attempts > 1 {
                    format!(" It was tried {attempts} times in a row.")
                } else {
                    String::new()
                };
                self.end(Ending::Failed(Failure {
                    message: failure.message + &tried,
                    ..failure
                }));
            }
        }
    }

    fn enter_stream(&mut self, effects: &mut Vec<Effect>) {
        self.seen = SeenKeys::default();
        let Some(stream) = self.checkpoint.stream() else {
            self.phase = Phase::Deriving;
            effects.push(Effect::Enter(Stage::Match));
            self.derive(Effect::MatchSome, effects);
            return;
        };
        if matches!(self.checkpoint, Checkpoint::Missing { .. }) {
            self.phase = Phase::LoadingSeen;
            effects.push(Effect::LoadSeen(stream));
            return;
        }
        effects.push(Effect::Enter(Stage::from(stream)));
        if std::mem::take(&mut self.resumed) {
            self.phase = Phase::LoadingSeen;
            effects.push(Effect::LoadSeen(stream));
        } else {
            self.read_on();
        }
    }

    fn go_on_with_seen(&mut self) {
        match self.checkpoint {
            Checkpoint::Missing { stream } => {
                let seen = std::mem::take(&mut self.seen);
                let missing = Missing::new(stream, seen, self.plan.seed, self.settings.pages_ahead);
                self.phase = Phase::Missing(missing);
            }
            _ => self.read_on(),
        }
    }

    fn read_on(&mut self) {
        let reading = match std::mem::replace(&mut self.ahead, Ahead::None) {
            Ahead::Begun(reading) if Some(reading.stream()) == self.checkpoint.stream() => Some(*reading),
            _ => self.reading_from(&self.checkpoint),
        };
        self.phase = reading.map_or(Phase::Over, Phase::Reading);
    }

    fn reading_from(&self, checkpoint: &Checkpoint) -> Option<Reading> {
        Reading::resume(checkpoint, &self.plan.windows, self.settings.pages_ahead)
    }

    /// The first page of the next stream is asked for while the last ones of this one are under way. Which topics await
    /// their replies is known only once all topics are stored.
    fn begin_next(&mut self, effects: &mut Vec<Effect>) {
        let Phase::Reading(reading) = &self.phase else {
            return;
        };
        let next = reading.stream().next().filter(|next| *next != Stream::Replies);
        let Some(next) = next.filter(|_| self.failures_in_a_row == 0 && reading.is_about_to_end()) else {
            return;
        };
        if matches!(self.ahead, Ahead::None)
            && let Some(reading) = self.reading_from(&Checkpoint::start_of(Some(next)))
        {
            self.ahead = Ahead::Begun(Box::new(reading));
        }
        let request = self.ahead.of(next).and_then(Reading::first_request);
        effects.extend(request.map(Effect::Fetch));
    }

    fn committed(&mut self, outcome: PageOutcome, effects: &mut Vec<Effect>) {
        self.committing = false;
        if outcome.stop_requested {
            self.end(Ending::Cancelled);
        }
        let stream = match &self.phase {
            Phase::Reading(reading) => reading.stream(),
            Phase::Missing(missing) => missing.stream(),
            _ => return,
        };
        if Some(stream) == self.checkpoint.stream() {
            return;
        }
        self.phase = Phase::Over;
        if self.ending.is_none() {
            self.enter_stream(effects);
        }
    }

    /// Like a commit, it is waited for before the run ends.
    fn derive(&mut self, effect: Effect, effects: &mut Vec<Effect>) {
        self.committing = true;
        effects.push(effect);
    }

    fn matched(&mut self, step: MatchStep, effects: &mut Vec<Effect>) {
        self.committing = false;
        if step == MatchStep::Stop {
            self.end(Ending::Cancelled);
        }
        if self.ending.is_some() {
            return;
        }
        if let MatchStep::More(_) = step {
            self.derive(Effect::MatchSome, effects);
        } else {
            effects.push(Effect::Enter(Stage::Trends));
            self.derive(Effect::RebuildTrends, effects);
        }
    }

    fn go_on(&mut self, effects: &mut Vec<Effect>) {
        if !self.committing {
            self.commit_or_finish(effects);
        }
        if self.ending.is_some() || self.waiting {
            return;
        }
        match &mut self.phase {
            Phase::Reading(reading) => {
                if let Some(after) = reading.topics_wanted() {
                    effects.push(Effect::LoadTopics(after));
                }
                effects.extend(reading.requests().into_iter().map(Effect::Fetch));
                self.begin_next(effects);
            }
            Phase::Missing(missing) => {
                let stream = missing.stream();
                for step in missing.steps() {
                    self.look(stream, step, effects);
                }
            }
            _ => {}
        }
    }

    /// A step on the way to know what is missing.
    fn look(&mut self, stream: Stream, step: Step, effects: &mut Vec<Effect>) {
        match step {
            Step::CountStored => effects.push(Effect::CountStored(stream)),
            Step::LoadKeys(after) => effects.push(Effect::LoadKeys(stream, after)),
            Step::Ask(key) => effects.push(Effect::Ask(stream, key)),
            Step::Over(Conclusion::Suspicious(failure)) => {
                self.end(Ending::Failed(failure));
                self.commit_or_finish(effects);
            }
            Step::Over(Conclusion::Gone(keys)) => {
                self.checkpoint = Checkpoint::after_missing(stream);
                if keys.is_empty() {
                    self.enter_stream(effects);
                    self.commit_or_finish(effects);
                } else {
                    self.committing = true;
                    let checkpoint = self.checkpoint.clone();
                    effects.push(Effect::MarkDeleted {
                        stream,
                        keys,
                        checkpoint,
                    });
                }
            }
        }
    }

    /// Counts the invalid records of a commit. Past the bound the run ends with that commit.
    fn set_aside(&mut self, invalid: usize) {
        let bound = self.settings.invalid_max;
        self.plan.invalid = self.plan.invalid.saturating_add(invalid as u64);
        if self.plan.invalid > bound {
            self.end(Ending::Failed(Failure {
                code: CauseCode::InvalidTooMany,
                message: format!(
                    "More than {bound} records could not be stored as they are ({} so far).",
                    self.plan.invalid
                ),
                retry_after: None,
            }));
        }
    }

    fn commit_or_finish(&mut self, effects: &mut Vec<Effect>) {
        if let Phase::Reading(reading) = &mut self.phase {
            match reading.take_batch(&mut self.seen, &self.checkpoint) {
                Ok(Some(mut batch)) => {
                    if self.plan.full && batch.checkpoint == Checkpoint::Done {
                        batch.checkpoint = Checkpoint::first_missing();
                    }
                    self.committing = true;
                    self.checkpoint = batch.checkpoint.clone();
                    self.set_aside(batch.invalid.len());
                    if let Some(failure) = batch.failure.take() {
                        self.end(Ending::Failed(failure));
                    }
                    effects.push(Effect::Commit(Box::new(batch)));
                    return;
                }
                Ok(None) => {}
                Err(failure) => self.end(Ending::Failed(failure)),
            }
        }
        if let Some(ending) = self.ending.take() {
            self.phase = Phase::Over;
            effects.push(Effect::Finish(ending));
        }
    }
}

#[cfg(test)]
mod tests;
