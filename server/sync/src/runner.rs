use std::{future::Future, pin::Pin, sync::Mutex, time::Duration};

use domain::{
    Cause, CauseCode, Ledger, Mode, Run, RunState, Stream, TenantId,
    record::{Content, ContentKind, Record},
};
use futures_util::{
    FutureExt, StreamExt, future::BoxFuture, pin_mut, select_biased, stream::FuturesUnordered,
};
use store::{
    ClaimedRun, Deletion, Fenced, Finish, Lease, LeaseState, PageCommit, PageOutcome, Store, StoreError,
    StreamEnd, TopicRef,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    Clock, Failure, Lookup, Pace, Presence, Settings, Source,
    batch::Batch,
    checkpoint::Checkpoint,
    machine::{Effect, Ending, Event, Machine, Plan},
    missing::KEYS_AT_A_TIME,
    reading::{TOPICS_AT_A_TIME, TopicsAfter},
    seen::SeenKeys,
    window::Windows,
};

/// Renewed at a third of its length, a lease survives two renewals that fail.
const RENEWALS_PER_LEASE: u32 = 3;

/// What became of a claimed run.
#[derive(Debug)]
pub enum Execution {
    Ended(Box<Run>),
    /// Handed back to the queue at a page boundary, because the worker shuts down.
    Released,
}

/// Does what the machine says, through the ports.
pub struct Runner<'a> {
    pub store: &'a dyn Store,
    pub clock: &'a dyn Clock,
    pub settings: &'a Settings,
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
    pace: Mutex<Pace>,
}

type Step<'a> = BoxFuture<'a, Result<Event, Fenced>>;

impl Runner<'_> {
    /// Runs one claimed run to its end and renews its lease meanwhile. `stop` ends it at the next page boundary and
    /// gives it back to the queue. Errors if the lease is lost, or if the end cannot be written: then the run goes on
    /// with the next worker, once the lease has run out.
    pub async fn execute(
        &self,
        claimed: &ClaimedRun,
        tenant_id: &TenantId,
        source: &dyn Source,
        stop: &CancellationToken,
    ) -> Result<Execution, Fenced> {
        let context = Context {
            runner: self,
            source,
            lease: &claimed.lease,
            run: &claimed.run,
            pace: Mutex::new(Pace::new(self.settings.requests_per_minute)),
        };
        info!(tenant = %tenant_id, run = %claimed.run.id, attempt = claimed.run.attempts, "run taken up");
        let ending = match claimed
            .checkpoint
            .as_deref()
            .map(Checkpoint::from_json)
            .transpose()
        {
            Ok(checkpoint) => {
                let windows = Windows::from_watermarks(&claimed.watermarks);
                let plan = Plan {
                    windows,
                    full: claimed.run.mode == Mode::Full,
                    // The last bits of an id are random, and known to who wants to replay the run.
                    seed: claimed.run.id.0.as_u64_pair().1,
                };
                let machine = Machine::new(self.settings.clone(), plan, checkpoint);
                context.drive(machine, stop).await?
            }
            Err(error) => Ending::Failed(ours(
                CauseCode::Internal,
                format!("The checkpoint is unreadable: {error}."),
            )),
        };
        let execution = context.finish(ending, tenant_id).await?;
        if let Execution::Ended(run) = &execution {
            let found = run.total().found;
            info!(tenant = %tenant_id, run = %run.id, state = run.state.as_str(), found, requests = run.requests, "run over");
        }
        Ok(execution)
    }
}

impl<'a> Context<'a> {
    async fn drive(&'a self, mut machine: Machine, stop: &CancellationToken) -> Result<Ending, Fenced> {
        let mut steps: FuturesUnordered<Step<'a>> = FuturesUnordered::new();
        let mut effects = Machine::start();
        let mut renewal = Box::pin(self.renew_after_a_while().fuse());
        let stopped = stop.cancelled().fuse();
        pin_mut!(stopped);
        loop {
            for effect in effects {
                match effect {
                    Effect::Enter(stage) => {
                        let at = self.runner.clock.now();
                        self.runner.store.enter_stage(self.lease, stage, at).await?;
                    }
                    Effect::Finish(ending) => return Ok(ending),
                    other => steps.push(self.perform(other)),
                }
            }
            let event = select_biased! {
                () = stopped => Event::Stop(Ending::Released),
                lease = renewal => {
                    renewal = Box::pin(self.renew_after_a_while().fuse());
                    match lease? {
                        LeaseState::Held => { effects = Vec::new(); continue }
                        LeaseState::StopRequested => Event::Stop(Ending::Cancelled),
                        LeaseState::Lost => return Err(Fenced::LeaseLost),
                    }
                }
                event = next_step(&mut steps).fuse() => event?,
            };
            effects = machine.on(event);
        }
    }

    fn perform(&'a self, effect: Effect) -> Step<'a> {
        match effect {
            Effect::Connect => async { Ok(Event::Connected(self.source.connect().await)) }.boxed(),
            Effect::Fetch(request) => {
                let wait = self.reserve();
                async move {
                    self.pause(wait).await;
                    let fetched = self.source.fetch(&request).await;
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
            Effect::Wait(duration) => async move {
                self.runner.clock.sleep(duration).await;
                Ok(Event::Waited)
            }
            .boxed(),
            // `drive` does these itself, in order.
            Effect::Enter(_) | Effect::Finish(_) => std::future::pending().boxed(),
        }
    }

    fn reserve(&self) -> Duration {
        let now = self.runner.clock.now();
        self.pace
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .reserve(now)
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
            Some(lookup) => self.source.presence(&lookup).await,
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
            requests: self.source.take_requests(),
            checkpoint: checkpoint.to_json(),
            at: self.runner.clock.now(),
        };
        committed(self.runner.store.mark_deleted(self.lease, &deletion).await)
    }

    async fn commit(&self, batch: Batch) -> Result<Event, Fenced> {
        let at = self.runner.clock.now();
        let commit = PageCommit {
            connection_id: self.run.connection_id,
            stream: batch.stream,
            rows: batch.rows,
            invalid: batch.invalid,
            found: batch.found,
            repeated: batch.repeated,
            refused: batch.refused,
            pages: batch.pages,
            requests: self.source.take_requests(),
            seen: batch.seen.to_bytes(),
            watermark: batch.watermark,
            replies_read: batch.replies_read,
            checkpoint: batch.checkpoint.to_json(),
            end: batch.end.map(|source| StreamEnd { at, source }),
            at,
        };
        committed(self.runner.store.commit_page(self.lease, &commit).await)
    }

    async fn renew_after_a_while(&self) -> Result<LeaseState, Fenced> {
        let ttl = self.runner.settings.lease_ttl;
        self.runner.clock.sleep(ttl / RENEWALS_PER_LEASE).await;
        let now = self.runner.clock.now();
        match self.runner.store.renew_lease(self.lease, now, ttl).await {
            Ok(state) => Ok(state),
            Err(error) => {
                // The lease may last until the next try; if it does not, the next commit is refused.
                warn!(run = %self.run.id, %error, "lease not renewed");
                Ok(LeaseState::Held)
            }
        }
    }

    async fn finish(&self, ending: Ending, tenant_id: &TenantId) -> Result<Execution, Fenced> {
        let requests = self.source.take_requests();
        let (state, cause) = match ending {
            Ending::Released => {
                self.runner.store.release(self.lease, requests).await?;
                return Ok(Execution::Released);
            }
            Ending::Completed => (self.success().await?, None),
            Ending::Cancelled => (RunState::Cancelled, None),
            Ending::Failed(failure) => (
                RunState::Failed,
                Some(Cause::new(failure.code, tenant_id.as_str(), failure.message)),
            ),
        };
        let finish = Finish {
            state,
            cause,
            at: self.runner.clock.now(),
            requests,
        };
        match self.runner.store.finish(self.lease, &finish).await {
            Err(Fenced::Store(error @ StoreError::LedgerUnbalanced(_))) => {
                let failure = store_failure(&error);
                let cause = Some(Cause::new(failure.code, tenant_id.as_str(), failure.message));
                let finish = Finish {
                    state: RunState::Failed,
                    cause,
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
    async fn success(&self) -> Result<RunState, Fenced> {
        let mut total = Ledger::default();
        let mut next = Some(self.run.id);
        while let Some(id) = next {
            let run = self.runner.store.run(id).await?.ok_or(Fenced::LeaseLost)?;
            total = total.plus(run.total());
            next = run.resumed_from;
        }
        let amber = total.invalid > 0 || total.refused > 0;
        Ok(if amber {
            RunState::CompletedWithInvalid
        } else {
            RunState::Completed
        })
    }
}

fn topic_ref(topic: &Content) -> TopicRef {
    TopicRef {
        public_id: topic.public_id.clone(),
        private_id: topic.private_id.clone(),
        subtype: topic.subtype,
    }
}

fn committed(outcome: Result<PageOutcome, Fenced>) -> Result<Event, Fenced> {
    match outcome {
        Ok(outcome) => Ok(Event::Committed(outcome)),
        Err(Fenced::Store(error)) => broken(error),
        Err(lost @ Fenced::LeaseLost) => Err(lost),
    }
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
