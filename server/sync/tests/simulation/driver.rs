//! Runs from the queue to their end, whatever happens to their workers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use chrono::TimeDelta;
use domain::{Connection, Extent, Mode, Run, RunId, StoppedBy, TenantId, Trigger};
use futures_util::{FutureExt, future::BoxFuture};
use store::{By, ClaimRequest, ClaimedRun, Enqueued, Fenced, NewRun};
use sync::{Execution, Runner, Settings, Signals, Unifier};
use uuid::Uuid;

use crate::{books::Books, check::Checked, ports::Ports, world::World};

/// Turns of one worker: ten times the most that a run here was seen to need.
const TURNS_MAX: u64 = 30_000;
/// Workers of one run: each disruption costs one, and there are few.
const CLAIMS_MAX: u32 = 12;
/// Disruptions of one run; then it is left in peace.
const DISRUPTIONS_MAX: u32 = 4;
/// Workers that wait for their next run do so for no longer.
const PAST_THE_LEASE: TimeDelta = TimeDelta::seconds(31);

/// What happens to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disruption {
    /// It is gone, wherever it was.
    Kill,
    /// It stops for longer than its lease lasts, another takes the run up, and then it goes on.
    Freeze,
    /// It stops for longer than its lease lasts, and nobody notices.
    Stall,
    /// It is asked to shut down.
    Stop,
    /// Another run waits for its place.
    GiveWay,
    /// Someone cancels the run.
    Cancel,
    /// The connection is deactivated.
    Deactivate,
    /// The connection is deactivated, and the worker is gone before it hears of it.
    DeactivateAndKill,
    /// The provider goes down for good.
    Outage,
}

const DISRUPTIONS: [Disruption; 13] = [
    Disruption::Kill,
    Disruption::Kill,
    Disruption::Kill,
    Disruption::Freeze,
    Disruption::Freeze,
    Disruption::Stall,
    Disruption::Stop,
    Disruption::GiveWay,
    Disruption::GiveWay,
    Disruption::Cancel,
    Disruption::Deactivate,
    Disruption::DeactivateAndKill,
    Disruption::Outage,
];

struct Worker {
    number: u32,
    frozen: bool,
    signals: Signals,
    task: BoxFuture<'static, Result<Execution, Fenced>>,
}

/// When it happens, counted in turns.
#[derive(Clone, Copy, Debug)]
struct Plan {
    disruption: Option<Disruption>,
    at: u64,
    thaws_at: u64,
}

struct Noticed(AtomicBool);

impl Wake for Noticed {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn work(
    ports: Ports,
    claimed: ClaimedRun,
    tenant: TenantId,
    settings: Arc<Settings>,
    signals: Signals,
) -> Result<Execution, Fenced> {
    let runner = Runner {
        store: &ports,
        clock: &ports,
        settings: &settings,
        unifier: &Unifier::default(),
    };
    runner.execute(&claimed, &tenant, &ports, &signals).await
}

impl Worker {
    fn hire(world: &mut World, connection: &Connection, books: &Arc<Books>, claimed: ClaimedRun) -> Self {
        books.claimed(&claimed);
        let ports = world.ports(connection, Arc::clone(books));
        let number = ports.worker;
        let signals = Signals::default();
        let settings = Arc::clone(&world.settings);
        let task = work(
            ports,
            claimed,
            connection.tenant_id.clone(),
            settings,
            signals.clone(),
        );
        Self {
            number,
            frozen: false,
            signals,
            task: tokio::task::unconstrained(task).boxed(),
        }
    }

    /// Goes on as far as it can without another turn. True if it is over.
    fn is_over(&mut self, world: &World) -> bool {
        if self.frozen {
            return false;
        }
        let noticed = Arc::new(Noticed(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&noticed));
        while noticed.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(end) = self.task.as_mut().poll(&mut Context::from_waker(&waker)) {
                let told = match &end {
                    Ok(Execution::Ended(run)) => run.state.as_str(),
                    Ok(Execution::Released) => "released",
                    Ok(Execution::GaveWay) => "gave way",
                    Err(Fenced::LeaseLost) => "lease lost",
                    Err(Fenced::Store(_)) => "store failed",
                };
                world.desk.tell(&format!("{} is over: {told}", self.number));
                return true;
            }
        }
        false
    }
}

impl World {
    /// One run from the queue to its end. `disrupted` lets things happen to its workers.
    pub(crate) async fn run(
        &mut self,
        connection: &Connection,
        books: &Arc<Books>,
        extent: Extent,
        disrupted: bool,
    ) -> Checked<Run> {
        self.runs += 1;
        self.desk.pass(TimeDelta::seconds(1));
        let new = NewRun {
            id: RunId(Uuid::from_u128(0x100 + self.runs)),
            connection_id: connection.id,
            trigger: Trigger::Manual,
            extent,
            queued_at: self.desk.now(),
        };
        self.desk.tell(&format!("run {} {extent:?}", self.runs));
        let queued = self.store.enqueue(&new, None).await.expect("a queue");
        if queued != Enqueued::Queued {
            return Err(format!("the run was not queued: {queued:?}"));
        }
        let mut disruptions = if disrupted {
            self.dice.below(u64::from(DISRUPTIONS_MAX))
        } else {
            0
        };
        let mut claims = 0;
        while let Some(claimed) = self.claim(new.id).await {
            claims += 1;
            if claims > CLAIMS_MAX {
                return Err(format!("the run is claimed for the {claims}th time"));
            }
            let plan = self.plan(&mut disruptions);
            self.attend(connection, books, claimed, plan).await?;
            self.desk.pass(PAST_THE_LEASE);
        }
        let by = By::operator(self.desk.now());
        self.store
            .activate(connection.id, &by)
            .await
            .expect("a connection");
        let run = self.store.run(new.id).await.expect("a run").expect("a run");
        if run.finished_at.is_none() {
            return Err(format!("the run is stuck: {run:?}"));
        }
        Ok(run)
    }

    async fn claim(&self, run: RunId) -> Option<ClaimedRun> {
        let claim = ClaimRequest {
            worker: "simulated".into(),
            now: self.desk.now(),
            lease_ttl: self.settings.lease_ttl,
            only: Some(run),
        };
        self.store.claim(&claim).await.expect("a queue")
    }

    fn plan(&mut self, disruptions: &mut u64) -> Plan {
        let happens = *disruptions > 0;
        *disruptions = disruptions.saturating_sub(1);
        let within = self.dice.pick(&[12, 60, 240]);
        let at = self.dice.below(within);
        let plan = Plan {
            disruption: happens.then(|| self.dice.pick(&DISRUPTIONS)),
            at,
            thaws_at: at + self.dice.below(80),
        };
        self.desk.tell(&format!("{plan:?}"));
        plan
    }

    /// Follows the worker that has claimed a run, and the one that comes after it, until both are gone.
    async fn attend(
        &mut self,
        connection: &Connection,
        books: &Arc<Books>,
        claimed: ClaimedRun,
        plan: Plan,
    ) -> Checked<()> {
        let run = claimed.lease.run_id;
        let mut workers = vec![Worker::hire(self, connection, books, claimed)];
        for turn in 0..TURNS_MAX {
            workers.retain_mut(|worker| !worker.is_over(self));
            if workers.is_empty() {
                return Ok(());
            }
            if turn == plan.at
                && let Some(disruption) = plan.disruption
            {
                self.desk.tell(&format!("{disruption:?}"));
                self.disrupt(connection, disruption, &mut workers).await;
                if disruption == Disruption::Freeze
                    && let Some(next) = self.claim(run).await
                {
                    workers.push(Worker::hire(self, connection, books, next));
                }
                continue;
            }
            if turn >= plan.thaws_at || workers.iter().all(|worker| worker.frozen) {
                for worker in &mut workers {
                    worker.frozen = false;
                }
            }
            let is_frozen = |number| {
                workers
                    .iter()
                    .any(|worker| worker.number == number && worker.frozen)
            };
            if !self.desk.turn(is_frozen).await {
                return Err("the worker waits for nothing".into());
            }
            if connection.id == self.connection.id {
                self.live();
            }
        }
        Err(format!("the run does not end within {TURNS_MAX} turns"))
    }

    async fn disrupt(&mut self, connection: &Connection, disruption: Disruption, workers: &mut Vec<Worker>) {
        match disruption {
            Disruption::Kill => workers.clear(),
            Disruption::Freeze => {
                for worker in workers.iter_mut() {
                    worker.frozen = true;
                }
                self.desk.pass(PAST_THE_LEASE);
            }
            Disruption::Stall => self.desk.pass(PAST_THE_LEASE),
            Disruption::Stop => {
                for worker in workers.iter() {
                    worker.signals.stop.cancel();
                }
            }
            Disruption::GiveWay => {
                for worker in workers.iter() {
                    worker.signals.give_way.cancel();
                }
            }
            Disruption::Cancel => {
                let run = RunId(Uuid::from_u128(0x100 + self.runs));
                let by = By::operator(self.desk.now());
                let asked = self.store.cancel(run, StoppedBy::Admin, &by).await;
                asked.expect("an answer");
                for worker in workers.iter() {
                    worker.signals.cancel.cancel();
                }
            }
            Disruption::Deactivate | Disruption::DeactivateAndKill => {
                let by = By::operator(self.desk.now());
                self.store
                    .deactivate(connection.id, &by)
                    .await
                    .expect("a connection");
                if disruption == Disruption::DeactivateAndKill {
                    workers.clear();
                }
            }
            Disruption::Outage => self.switch_faults("unavailable"),
        }
    }

    pub(crate) fn switch_faults(&self, profile: &str) {
        self.desk.tell(profile);
        let profile = profile.parse().expect("a profile");
        assert!(self.simulator.set_faults(self.tenant(), profile));
    }

    /// As the schedule has it, with a full pass now and then.
    pub(crate) async fn next_extent(&mut self) -> Extent {
        let since = self.store.successes_since_full(self.connection.id).await;
        let every = 3.try_into().expect("a number");
        let mode = match self.dice.below(6) {
            0 => Mode::Full,
            _ => Mode::of_next_run(since.expect("a number"), every),
        };
        Extent {
            mode,
            all_replies: mode == Mode::Full && self.dice.one_in(4),
        }
    }
}
