use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Cause, CauseCode, Ledger, Mode, Run, RunState, Stage, Stream, TenantId,
    record::{Content, ContentKind, Record},
};
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, Fuse, FusedFuture},
    pin_mut, select_biased,
    stream::FuturesUnordered,
};
use store::{
    ClaimedRun, Deletion, Fenced, Finish, Lease, LeaseState, PROVIDER_WAIT_MAX, PageCommit, PageOutcome,
    Release, Renewal, Store, StoreError, StreamEnd, TopicRef,
};
use tracing::{info, warn};

use crate::{
    Clock, Failure, Fetched, Lookup, Pace, PageRequest, Presence, Settings, Signals, Source,
    batch::Batch,
    checkpoint::Checkpoint,
    machine::{Effect, Ending, Event, Machine, Plan},
    meter::Meter,
    missing::KEYS_AT_A_TIME,
    reading::{TOPICS_AT_A_TIME, TopicsAfter},
    seen::SeenKeys,
    unify::Unifier,
    window::Windows,
};

/// Renewed at a third of its length, a lease survives two renewals that fail.
const RENEWALS_PER_LEASE: u32 = 3;

/// A wait for the provider that is shorter is over before anyone has read of it.
const SHORTEST_WAIT_TOLD: Duration = Duration::from_secs(1);

/// Longest message of a cause. Ours are a sentence or two; what a store or a provider adds to them may be anything.
const MESSAGE_MAX_CHARS: usize = 1_000;

/// What became of a claimed run.
#[derive(Debug)]
pub enum Execution {
    Ended(Box<Run>),
    /// Handed back to the queue at a page boundary, because the worker shuts down.
    Released,
    /// Handed back to the queue at a page boundary, because another run waits for the place.
    GaveWay,
}

/// Does what the machine says, through the ports.
pub struct Runner<'a> {
    pub store: &'a dyn Store,
    pub clock: &'a dyn Clock,
    pub settings: &'a Settings,
    pub unifier: &'a Unifier,
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("settings", self.settings)
            .finish_non_exhaustive()
    }
}

/// What the steps of one run share.
struct Context<'a> {
    runner: &'a Runner<'a>,
    source: &'a dyn Source,
    lease: &'a Lease,
    run: &'a Run,
    signals: &'a Signals,
    meter: Mutex<Meter>,
    /// The provider is waited for until then.
    waits_until: Mutex<Option<DateTime<Utc>>>,
    /// Records found, of each stream: those that the run had when it was claimed, and those of each commit that the store
    /// has confirmed since. A third book, which is in no database.
    confirmed: Mutex<BTreeMap<Stream, u64>>,
}

type Step<'a> = BoxFuture<'a, Result<Event, Fenced>>;

/// A stage that is being written, if one is.
type Entering<'a> = Fuse<BoxFuture<'a, Result<(), Fenced>>>;

impl Runner<'_> {
    /// Runs one claimed run to its end and renews its lease meanwhile. The signals end it at the next page boundary; what is
    /// on its way then is not waited for. Errors if the lease is lost, or if the end cannot be written: then the run goes on
    /// with the next worker, once the lease has run out.
    pub async fn execute(
        &self,
        claimed: &ClaimedRun,
        tenant_id: &TenantId,
        source: &dyn Source,
        signals: &Signals,
    ) -> Result<Execution, Fenced> {
        let now = self.clock.now();
        let pace = Pace::resume(self.settings.requests_per_minute, claimed.pace, now);
        let context = Context {
            runner: self,
            source,
            lease: &claimed.lease,
            run: &claimed.run,
            signals,
            meter: Mutex::new(Meter::new(pace, now)),
            waits_until: Mutex::new(None),
            confirmed: Mutex::new(found_of(&claimed.run)),
        };
        signals.sent(claimed.run.requests);
        info!(tenant = %tenant_id, run = %claimed.run.id, attempt = claimed.run.attempts, "run taken up");
        let checkpoint = claimed.checkpoint.as_deref().map(Checkpoint::from_json);
        let (ending, failures_in_a_row) = match checkpoint.transpose() {
            Ok(checkpoint) => {
                let mut plan = plan_of(claimed, now);
                plan.windows = plan.windows.with_views_stored(context.views_stored().await);
                let mut machine = Machine::new(self.settings.clone(), plan, checkpoint);
                let ending = context.drive(&mut machine).await?;
                (ending, machine.failures_in_a_row())
            }
            Err(error) => {
                let message = format!("The checkpoint is unreadable: {error}.");
                (Ending::Failed(ours(CauseCode::Internal, message)), 0)
            }
        };
        let execution = context.finish(ending, failures_in_a_row, tenant_id).await?;
        if let Execution::Ended(run) = &execution {
            let found = run.total().found;
            info!(tenant = %tenant_id, run = %run.id, state = run.state.as_str(), found, requests = run.requests, "run over");
        }
        Ok(execution)
    }
}

fn plan_of(claimed: &ClaimedRun, now: DateTime<Utc>) -> Plan {
    // A clock that was wrong may have noted any time.
    let wait = claimed.run.progress.provider_wait_left(now);
    let wait = wait.filter(|wait| *wait <= PROVIDER_WAIT_MAX);
    Plan {
        windows: Windows::from_watermarks(&claimed.watermarks),
        full: claimed.run.mode == Mode::Full,
        // The last bits of an id are random, and known to who wants to replay the run.
        seed: claimed.run.id.0.as_u64_pair().1,
        invalid: claimed.run.total().invalid,
        failures_in_a_row: usize::try_from(claimed.failures_in_a_row).unwrap_or(usize::MAX),
        wait: wait.and_then(|wait| wait.to_std().ok()),
    }
}

fn found_of(run: &Run) -> BTreeMap<Stream, u64> {
    run.streams
        .iter()
        .map(|of| (of.stream, of.ledger.found))
        .collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Context<'a> {
    async fn drive(&'a self, machine: &mut Machine) -> Result<Ending, Fenced> {
        let mut steps: FuturesUnordered<Step<'a>> = FuturesUnordered::new();
        let mut effects = machine.start();
        let mut renewal = Box::pin(self.renew_after_a_while().fuse());
        let stopped = self.signals.stop.cancelled().fuse();
        let cancelled = self.signals.cancel.cancelled().fuse();
        let gives_way = self.signals.give_way.cancelled().fuse();
        pin_mut!(stopped, cancelled, gives_way);
        let mut entering = Fuse::terminated();
        loop {
            for effect in effects {
                match effect {
                    Effect::Enter(stage) => entering = self.enter(stage, entering).fuse(),
                    Effect::SlowDown => locked(&self.meter).slow_down(),
                    Effect::Finish(ending) => {
                        drop((steps, renewal));
                        after(entering).await?;
                        return Ok(ending);
                    }
                    other => steps.push(self.perform(other)),
                }
            }
            let event = select_biased! {
                () = cancelled => Event::Stop(Ending::Cancelled),
                () = stopped => Event::Stop(Ending::Released),
                () = gives_way => Event::Stop(Ending::GaveWay),
                lease = renewal => {
                    renewal = Box::pin(self.renew_after_a_while().fuse());
                    let Some(stop) = self.after_renewal(lease)? else {
                        effects = Vec::new();
                        continue;
                    };
                    stop
                }
                entered = entering => {
                    entered?;
                    effects = Vec::new();
                    continue;
                }
                event = next_step(&mut steps).fuse() => event?,
            };
            effects = machine.on(event);
        }
    }

    /// Writes the stage, after the one before. Nothing waits for it: another operation may hold the connection to the
    /// database that this one needs, and must be able to go on.
    fn enter(&'a self, stage: Stage, earlier: Entering<'a>) -> BoxFuture<'a, Result<(), Fenced>> {
        locked(&self.meter).enter_stage();
        let at = self.runner.clock.now();
        async move {
            after(earlier).await?;
            self.runner.store.enter_stage(self.lease, stage, at).await
        }
        .boxed()
    }

    fn perform(&'a self, effect: Effect) -> Step<'a> {
        match effect {
            Effect::Connect => async {
                let connected = self.source.connect().await;
                self.count_requests();
                Ok(Event::Connected(connected))
            }
            .boxed(),
            Effect::Fetch(request) => {
                let wait = self.reserve();
                async move {
                    self.pause(wait).await;
                    let fetched = self.source.fetch(&request).await;
                    self.count_requests();
                    self.note(&request, &fetched);
                    Ok(Event::Fetched(request, fetched))
                }
                .boxed()
            }
            Effect::LoadSeen(stream) => async move {
                Ok(match self.runner.store.seen(self.run.id, stream).await {
                    Ok(parts) => seen_of(&parts),
                    Err(error) => broken(error)?,
                })
            }
            .boxed(),
            Effect::LoadTopics(after) => self.load_topics(after).boxed(),
            Effect::CountStored(stream) => self.count_stored(stream).boxed(),
            Effect::LoadKeys(stream, after) => self.load_keys(stream, after).boxed(),
            Effect::Ask(stream, key) => {
                let wait = self.reserve();
                async move {
                    self.pause(wait).await;
                    self.ask(stream, key).await
                }
                .boxed()
            }
            Effect::MarkDeleted {
                stream,
                keys,
                checkpoint,
            } => self.mark_deleted(stream, keys, checkpoint).boxed(),
            Effect::Commit(batch) => self.commit(*batch).boxed(),
            Effect::MatchSome => self.match_some().boxed(),
            Effect::RebuildTrends => self.rebuild_trends().boxed(),
            Effect::Wait(duration) => self.wait_for_provider(duration).boxed(),
            // `drive` does these itself, in order.
            Effect::Enter(_) | Effect::SlowDown | Effect::Finish(_) => std::future::pending().boxed(),
        }
    }

    fn reserve(&self) -> Duration {
        let now = self.runner.clock.now();
        locked(&self.meter).reserve(now)
    }

    /// What the source has sent since this was last asked.
    fn count_requests(&self) {
        let sent = self.source.take_requests();
        self.signals.sent(sent);
        locked(&self.meter).sent(sent, self.runner.clock.now());
    }

    fn take_requests(&self) -> u64 {
        self.count_requests();
        locked(&self.meter).take_unreported()
    }

    /// What an answer tells of the provider's pace and of what is left.
    fn note(&self, request: &PageRequest, fetched: &Result<Fetched, Failure>) {
        let Ok(fetched) = fetched else { return };
        let mut meter = locked(&self.meter);
        meter.answered();
        if let Fetched::Page(page) = fetched
            && let Some(records) = page.announced
        {
            let pages = meter.announced(records, request.page(), self.runner.clock.now());
            self.signals.announced(pages);
        }
    }

    /// Says so before it waits, so that everyone sees until when.
    async fn wait_for_provider(&self, duration: Duration) -> Result<Event, Fenced> {
        if duration >= SHORTEST_WAIT_TOLD {
            let until = TimeDelta::from_std(duration)
                .ok()
                .and_then(|wait| self.runner.clock.now().checked_add_signed(wait));
            *locked(&self.waits_until) = until;
            let renewed = self.renew().await;
            if let Some(stop) = self.after_renewal(renewed)? {
                return Ok(stop);
            }
        }
        self.runner.clock.sleep(duration).await;
        *locked(&self.waits_until) = None;
        Ok(Event::Waited)
    }

    async fn pause(&self, wait: Duration) {
        if !wait.is_zero() {
            self.runner.clock.sleep(wait).await;
        }
    }

    async fn load_topics(&self, TopicsAfter(after): TopicsAfter) -> Result<Event, Fenced> {
        let store = self.runner.store;
        let loaded = store
            .topics_awaiting_replies(self.run.connection_id, after.as_deref(), TOPICS_AT_A_TIME)
            .await;
        Ok(match loaded {
            Ok(topics) => Event::TopicsLoaded(topics),
            Err(error) => broken(error)?,
        })
    }

    /// Before an incremental run: so many of the views that the provider announces may have been read before.
    async fn views_stored(&self) -> Option<u64> {
        if self.run.mode == Mode::Full || self.runner.settings.keep_activity_days.is_some() {
            return None;
        }
        let (store, connection) = (self.runner.store, self.run.connection_id);
        let counted = store.stored_count(connection, Stream::Activity).await;
        // Without it they are read one page after the other.
        counted
            .inspect_err(|error| warn!(run = %self.run.id, %error, "stored views not counted"))
            .ok()
    }

    async fn count_stored(&self, stream: Stream) -> Result<Event, Fenced> {
        let counted = self
            .runner
            .store
            .stored_count(self.run.connection_id, stream)
            .await;
        Ok(match counted {
            Ok(stored) => Event::StoredCounted(stored),
            Err(error) => broken(error)?,
        })
    }

    async fn load_keys(&self, stream: Stream, after: Option<String>) -> Result<Event, Fenced> {
        let store = self.runner.store;
        let loaded = store
            .keys_of_pass(self.run.id, stream, after.as_deref(), KEYS_AT_A_TIME)
            .await;
        Ok(match loaded {
            Ok(keys) => Event::KeysLoaded(keys),
            Err(error) => broken(error)?,
        })
    }

    async fn ask(&self, stream: Stream, key: String) -> Result<Event, Fenced> {
        let lookup = match self.lookup(stream, &key).await {
            Ok(lookup) => lookup,
            Err(error) => return broken(error),
        };
        let presence = match lookup {
            Some(lookup) => {
                let presence = self.source.presence(&lookup).await;
                self.count_requests();
                if presence.is_ok() {
                    locked(&self.meter).answered();
                }
                presence
            }
            // It cannot be asked for, so nothing shows that it is gone.
            None => Ok(Presence::Present),
        };
        Ok(Event::Asked(key, presence))
    }

    /// How to ask for a stored record by itself; `None` for one that there is no way to ask for.
    async fn lookup(&self, stream: Stream, key: &str) -> Result<Option<Lookup>, StoreError> {
        let (store, connection) = (self.runner.store, self.run.connection_id);
        Ok(match store.record(connection, stream, key).await? {
            None | Some(Record::Activity(_)) => None,
            Some(Record::IdeaStatus(status)) => Some(Lookup::IdeaStatus(status.idea_status_id)),
            Some(Record::Category(category)) => Some(Lookup::Category(category.category_id)),
            Some(Record::User(user)) => Some(Lookup::User(user.community_user_id)),
            Some(Record::Content(content)) => match &content.topic_public_id {
                _ if content.kind == ContentKind::Topic => Some(Lookup::Topic(topic_ref(&content))),
                None => None,
                Some(topic) => match store.record(connection, Stream::Topics, topic).await? {
                    Some(Record::Content(topic)) => Some(Lookup::Reply {
                        topic: topic_ref(&topic),
                        private_id: content.private_id,
                    }),
                    _ => None,
                },
            },
        })
    }

    async fn mark_deleted(
        &self,
        stream: Stream,
        keys: Vec<String>,
        checkpoint: Checkpoint,
    ) -> Result<Event, Fenced> {
        let deletion = Deletion {
            connection_id: self.run.connection_id,
            stream,
            keys,
            requests: self.take_requests(),
            checkpoint: checkpoint.to_json(),
            at: self.runner.clock.now(),
        };
        committed(self.runner.store.mark_deleted(self.lease, &deletion).await)
    }

    async fn commit(&self, mut batch: Batch) -> Result<Event, Fenced> {
        let at = self.runner.clock.now();
        let left_out = self
            .runner
            .settings
            .activity_since(at)
            .map_or(0, |since| batch.leave_out_activity(since));
        let commit = PageCommit {
            connection_id: self.run.connection_id,
            stream: batch.stream,
            rows: batch.rows,
            invalid: batch.invalid,
            left_out,
            found: batch.found,
            repeated: batch.repeated,
            refused: batch.refused,
            pages: batch.pages,
            requests: self.take_requests(),
            seen: batch.seen.to_bytes(),
            watermark: batch.watermark,
            replies_read: batch.replies_read,
            checkpoint: batch.checkpoint.to_json(),
            end: batch.end.map(|source| StreamEnd { at, source }),
            at,
        };
        let outcome = self.runner.store.commit_page(self.lease, &commit).await;
        if outcome.is_ok() {
            *locked(&self.confirmed).entry(commit.stream).or_default() += commit.found;
        }
        committed(outcome)
    }

    async fn match_some(&self) -> Result<Event, Fenced> {
        let Runner {
            store,
            clock,
            unifier,
            ..
        } = self.runner;
        let matched = unifier.match_some(*store, *clock, self.run.connection_id, Some(self.lease));
        match matched.await {
            Ok(step) => Ok(Event::Matched(step)),
            Err(Fenced::Store(error)) => broken(error),
            Err(lost @ Fenced::LeaseLost) => Err(lost),
        }
    }

    /// What cannot be rebuilt now stays due, and the run is none the worse for it.
    async fn rebuild_trends(&self) -> Result<Event, Fenced> {
        let rebuilt = self.runner.store.rebuild_due_trends(self.run.connection_id).await;
        if let Err(error) = rebuilt {
            warn!(run = %self.run.id, %error, "trends were not rebuilt; they are after the next run");
        }
        Ok(Event::TrendsRebuilt)
    }

    async fn renew_after_a_while(&self) -> Result<LeaseState, Fenced> {
        let ttl = self.runner.settings.lease_ttl;
        self.runner.clock.sleep(ttl / RENEWALS_PER_LEASE).await;
        self.renew().await
    }

    /// Prolongs the lease, and writes how the run comes along.
    async fn renew(&self) -> Result<LeaseState, Fenced> {
        let now = self.runner.clock.now();
        let renewal = {
            let mut meter = locked(&self.meter);
            Renewal {
                now,
                lease_ttl: self.runner.settings.lease_ttl,
                waits_for_provider_until: *locked(&self.waits_until),
                requests_per_minute: meter.per_minute(now),
                stage_ends_at: meter.stage_ends_at(now),
                pace: meter.kept_pace(),
            }
        };
        match self.runner.store.renew_lease(self.lease, &renewal).await {
            Ok(renewed) => {
                locked(&self.meter).owe(renewed.owed, now);
                Ok(renewed.state)
            }
            Err(error) => {
                // The lease may last until the next try; if it does not, the next commit is refused.
                warn!(run = %self.run.id, %error, "lease not renewed");
                Ok(LeaseState::Held)
            }
        }
    }

    /// What a renewal says about going on; `None` to go on.
    fn after_renewal(&self, renewed: Result<LeaseState, Fenced>) -> Result<Option<Event>, Fenced> {
        Ok(match renewed? {
            LeaseState::Lost => return Err(Fenced::LeaseLost),
            LeaseState::StopRequested => Some(Event::Stop(Ending::Cancelled)),
            LeaseState::Held => self
                .too_long()
                .map(|failure| Event::Stop(Ending::Failed(failure))),
        })
    }

    fn too_long(&self) -> Option<Failure> {
        let bound = self.runner.settings.run_time_max;
        let took = self.runner.clock.now() - self.run.started_at?;
        (took.to_std().ok()? > bound).then(|| {
            ours(
                CauseCode::RunTooLong,
                format!("The run went on for more than {} minutes.", bound.as_secs() / 60),
            )
        })
    }

    async fn release(
        &self,
        gave_way_at: Option<DateTime<Utc>>,
        failures_in_a_row: usize,
    ) -> Result<(), Fenced> {
        let release = Release {
            requests: self.take_requests(),
            gave_way_at,
            waits_for_provider_until: *locked(&self.waits_until),
            failures_in_a_row: u32::try_from(failures_in_a_row).unwrap_or(u32::MAX),
            pace: locked(&self.meter).kept_pace(),
        };
        self.runner.store.release(self.lease, &release).await
    }

    async fn finish(
        &self,
        ending: Ending,
        failures_in_a_row: usize,
        tenant_id: &TenantId,
    ) -> Result<Execution, Fenced> {
        let (state, cause) = match ending {
            Ending::Released => {
                self.release(None, failures_in_a_row).await?;
                return Ok(Execution::Released);
            }
            Ending::GaveWay => {
                let now = self.runner.clock.now();
                self.release(Some(now), failures_in_a_row).await?;
                return Ok(Execution::GaveWay);
            }
            Ending::Completed => match self.success().await? {
                Ok(state) => (state, None),
                Err(failure) => (RunState::Failed, Some(cause_of(failure, tenant_id))),
            },
            Ending::Cancelled => (RunState::Cancelled, None),
            Ending::Failed(failure) => (RunState::Failed, Some(cause_of(failure, tenant_id))),
        };
        let finish = Finish {
            state,
            cause,
            at: self.runner.clock.now(),
            requests: self.take_requests(),
            pace: locked(&self.meter).kept_pace(),
        };
        match self.runner.store.finish(self.lease, &finish).await {
            Err(Fenced::Store(error @ StoreError::LedgerUnbalanced(_))) => {
                let finish = Finish {
                    state: RunState::Failed,
                    cause: Some(cause_of(store_failure(&error), tenant_id)),
                    ..finish
                };
                self.runner.store.finish(self.lease, &finish).await
            }
            finished => finished,
        }
        .map(|run| Execution::Ended(Box::new(run)))
    }

    /// Green or amber, by what is in the ledger: the run may have been taken up from another worker, or go on from a
    /// failed one, whose records are as much a part of it.
    ///
    /// Not at all if the ledger lacks what the store has confirmed: then pages were lost that the checkpoint has passed.
    async fn success(&self) -> Result<Result<RunState, Failure>, Fenced> {
        let mut total = Ledger::default();
        let mut next = Some(self.run.id);
        while let Some(id) = next {
            let run = self.runner.store.run(id).await?.ok_or(Fenced::LeaseLost)?;
            if id == self.run.id
                && let Some(failure) = unconfirmed(&locked(&self.confirmed), &found_of(&run))
            {
                return Ok(Err(failure));
            }
            total = total.plus(run.total());
            next = run.resumed_from;
        }
        let amber = total.invalid > 0 || total.refused > 0;
        Ok(Ok(if amber {
            RunState::CompletedWithInvalid
        } else {
            RunState::Completed
        }))
    }
}

/// Why a run is not over where the ledger differs from what the store has confirmed.
fn unconfirmed(confirmed: &BTreeMap<Stream, u64>, found: &BTreeMap<Stream, u64>) -> Option<Failure> {
    let of = |stream: &Stream| found.get(stream).copied().unwrap_or(0);
    let (stream, confirmed) = confirmed
        .iter()
        .find(|(stream, records)| of(stream) != **records)?;
    Some(ours(
        CauseCode::LedgerUnbalanced,
        format!(
            "The database confirmed {confirmed} records of {stream}, and its ledger has {}.",
            of(stream)
        ),
    ))
}

fn cause_of(failure: Failure, tenant_id: &TenantId) -> Cause {
    let message = match failure.message.char_indices().nth(MESSAGE_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &failure.message[..end]),
        None => failure.message,
    };
    Cause::new(failure.code, tenant_id.as_str(), message)
}

fn topic_ref(topic: &Content) -> TopicRef {
    TopicRef {
        public_id: topic.public_id.clone(),
        private_id: topic.private_id.clone(),
        subtype: topic.subtype,
        reply_count: u64::try_from(topic.reply_count).unwrap_or(0),
    }
}

fn committed(outcome: Result<PageOutcome, Fenced>) -> Result<Event, Fenced> {
    match outcome {
        Ok(outcome) => Ok(Event::Committed(outcome)),
        Err(Fenced::Store(error)) => broken(error),
        Err(lost @ Fenced::LeaseLost) => Err(lost),
    }
}

async fn after(entering: Entering<'_>) -> Result<(), Fenced> {
    if entering.is_terminated() {
        return Ok(());
    }
    entering.await
}

/// Waits forever when nothing is under way: then only the lease or a stop can go on.
fn next_step<'s, 'a>(
    steps: &'s mut FuturesUnordered<Step<'a>>,
) -> Pin<Box<dyn Future<Output = Result<Event, Fenced>> + Send + 's>> {
    async move {
        match steps.next().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
    .boxed()
}

fn seen_of(parts: &[Vec<u8>]) -> Event {
    let mut seen = SeenKeys::default();
    for part in parts {
        match SeenKeys::from_bytes(part) {
            Ok(keys) => seen.union(keys),
            Err(error) => {
                return Event::Broken(ours(
                    CauseCode::Internal,
                    format!("What the run had seen before is unreadable: {error}."),
                ));
            }
        }
    }
    Event::SeenLoaded(seen)
}

/// What the database refuses fails the run. One that went away leaves it to the next claim, which goes on from the last
/// committed page.
fn broken(error: StoreError) -> Result<Event, Fenced> {
    match error {
        StoreError::ConnectionLost(_) => Err(error.into()),
        error => Ok(Event::Broken(store_failure(&error))),
    }
}

fn store_failure(error: &StoreError) -> Failure {
    let code = match error {
        StoreError::LedgerUnbalanced(_) => CauseCode::LedgerUnbalanced,
        _ => CauseCode::StoreFailed,
    };
    ours(code, format!("The database did not take a page: {error}."))
}

fn ours(code: CauseCode, message: String) -> Failure {
    Failure {
        code,
        message,
        retry_after: None,
    }
}
