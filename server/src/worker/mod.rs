//! The worker: takes runs up and executes a bounded number of them side by side. Beside it, what is due is queued, read
//! anew and forgotten.

pub(crate) mod executor;
mod forgetting;
mod places;
pub(crate) mod scheduler;
pub(crate) mod source;

use std::{collections::HashMap, num::NonZeroUsize, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use domain::RunId;
use futures_util::future::join_all;
use store::{ClaimedRun, Fenced, StoreError};
use sync::{Execution, Signals};
use tokio::{
    sync::Notify,
    task::{Id, JoinError, JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::{
    executor::Executor,
    forgetting::Kept,
    places::{Holder, Wanted, who_gives_way},
    scheduler::Schedule,
};
use crate::{
    config,
    error::{CommandError, with_sources},
    installation::Installation,
    operations::{replay, unify},
};

/// How often the worker looks for runs that another process queued or left: short against a lease (30 s), so that a dead
/// worker's run is taken up soon.
const TICK: Duration = Duration::from_secs(5);

/// How often a worker whose places are all taken looks whether a run waits that should have one of them, queued by another
/// process: one read.
const FULL_TICK: Duration = Duration::from_secs(1);

/// As many as make a tick.
const FULL_TICKS: u64 = TICK.as_secs() / FULL_TICK.as_secs();

/// Asks the worker of this process to look at once. The tick is the guarantee; this only saves the wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct WakeUp(Arc<Notify>);

impl WakeUp {
    pub(crate) fn ring(&self) {
        // A permit is kept for a worker that is busy right now, so the call is not lost.
        self.0.notify_one();
    }
}

pub(crate) struct Worker {
    executor: Executor,
    schedule: Schedule,
    concurrent_runs: NonZeroUsize,
    kept: Kept,
    wake_up: WakeUp,
}

impl Worker {
    pub(crate) fn new(
        installation: &Installation,
        config: &config::Worker,
        wake_up: WakeUp,
    ) -> Result<Self, CommandError> {
        Ok(Self {
            executor: Executor::new(installation, config.sync.settings())?,
            schedule: Schedule {
                window: config.sync_window,
                full_every: config.sync.full_every,
            },
            concurrent_runs: config.concurrent_runs,
            kept: Kept::of(config),
            wake_up,
        })
    }

    /// Works until it is told to stop; then its runs stop at their next page boundary and go back to the queue.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        info!(worker = %worker.executor.name, window = %worker.schedule.window, concurrent_runs = worker.concurrent_runs, "worker started");
        let beside = worker.beside(&stop);
        worker.sync(&stop).await;
        for ended in join_all(beside).await {
            if let Err(error) = ended {
                log_panic(&error);
            }
        }
        info!(worker = %worker.executor.name, "worker stopped");
    }

    /// What goes on beside the runs.
    fn beside(&self, stop: &CancellationToken) -> [JoinHandle<()>; 4] {
        let installation = || self.executor.installation.clone();
        let (schedule, wake_up) = (self.schedule, self.wake_up.clone());
        [
            tokio::spawn(scheduler::keep_up(
                installation(),
                schedule,
                wake_up,
                stop.clone(),
            )),
            tokio::spawn(replay::keep_up(installation(), stop.clone())),
            tokio::spawn(unify::keep_up(installation(), stop.clone())),
            tokio::spawn(forgetting::keep_up(installation(), self.kept, stop.clone())),
        ]
    }

    async fn sync(self: &Arc<Self>, stop: &CancellationToken) {
        let mut places = Places::default();
        while !stop.is_cancelled() {
            self.go_round(&mut places, stop).await;
        }
        while places.next_end().await {}
    }

    async fn go_round(self: &Arc<Self>, places: &mut Places, stop: &CancellationToken) {
        self.take_up(places, stop).await;
        self.wait(places, stop).await;
    }

    /// Until there may be something to do.
    async fn wait(&self, places: &mut Places, stop: &CancellationToken) {
        let clock = &self.executor.installation.clock;
        // With all places taken, only the queue is looked at.
        for _ in 0..FULL_TICKS {
            if places.taken() < self.concurrent_runs.get() {
                break;
            }
            self.make_room(places).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake_up.0.notified() => {}
                () = clock.sleep(FULL_TICK) => {}
                true = places.next_end() => return,
            }
        }
        if places.taken() == self.concurrent_runs.get() {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.wake_up.0.notified() => {}
            () = self.executor.installation.queue_moved() => {}
            () = clock.sleep(TICK) => {}
            // A free place: the next run may be waiting for it.
            true = places.next_end() => {}
        }
    }

    /// All places are taken. Do runs wait that one of them should be given to?
    async fn make_room(&self, places: &Places) {
        let holders = places.holders();
        if !holders.iter().any(Holder::can_give_way) {
            return;
        }
        let installation = &self.executor.installation;
        let now = installation.clock.now();
        match installation.store.queue(now).await {
            Ok(queue) => {
                for run in who_gives_way(&holders, Wanted::by(&queue), now) {
                    places.give_way(run);
                }
            }
            Err(error) => log_store("the queue cannot be read", &error),
        }
    }

    /// Fills the free places, as long as there are runs that wait.
    async fn take_up(self: &Arc<Self>, places: &mut Places, stop: &CancellationToken) {
        while places.taken() < self.concurrent_runs.get() && !stop.is_cancelled() {
            match self.executor.claim(None).await {
                Ok(Some(claimed)) => {
                    let signals = Signals::new(stop);
                    let place = Place {
                        run: claimed.run.id,
                        since: self.executor.installation.clock.now(),
                        signals: signals.clone(),
                    };
                    let worker = Arc::clone(self);
                    places.take(place, async move { worker.execute(claimed, &signals).await });
                }
                Ok(None) => return,
                Err(error) => return log_store("no run can be taken up", &error),
            }
        }
    }

    /// The engine logs a run's start and end.
    async fn execute(&self, claimed: ClaimedRun, signals: &Signals) {
        let run = claimed.run.id;
        match self.executor.execute(&claimed, signals).await {
            Ok(Execution::Ended(_)) => {}
            Ok(given_back) => {
                info!(%run, gave_way = matches!(given_back, Execution::GaveWay), "run given back to the queue");
            }
            Err(Fenced::LeaseLost) => warn!(%run, "run lost: another worker holds it, or it is over"),
            Err(Fenced::Store(error)) => {
                log_store("a run cannot go on; the next worker takes it up", &error);
            }
        }
    }
}

/// A run that is executed here.
struct Place {
    run: RunId,
    since: DateTime<Utc>,
    signals: Signals,
}

/// The places of this process that are taken.
#[derive(Default)]
struct Places {
    tasks: JoinSet<()>,
    held: HashMap<Id, Place>,
}

impl Places {
    fn taken(&self) -> usize {
        self.tasks.len()
    }

    fn take(&mut self, place: Place, run: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(run).id();
        self.held.insert(task, place);
    }

    /// Waits for the next run that ends. False, at once, if there is none.
    async fn next_end(&mut self) -> bool {
        let Some(ended) = self.tasks.join_next_with_id().await else {
            return false;
        };
        let task = match ended {
            Ok((task, ())) => task,
            Err(error) => log_panic(&error),
        };
        self.held.remove(&task);
        true
    }

    fn holders(&self) -> Vec<Holder> {
        let holder = |place: &Place| Holder {
            run: place.run,
            since: place.since,
            is_long: place.signals.is_long(),
            gives_way: place.signals.give_way.is_cancelled(),
        };
        self.held.values().map(holder).collect()
    }

    fn give_way(&self, run: RunId) {
        for place in self.held.values().filter(|place| place.run == run) {
            place.signals.give_way.cancel();
        }
    }
}

fn log_store(what: &str, error: &StoreError) {
    error!(error = %with_sources(error), "{what}");
}

/// A panic in one run must not end the others. Its lease runs out, and the run is taken up again.
fn log_panic(error: &JoinError) -> Id {
    error!(%error, "a run's task ended unexpectedly");
    error.id()
}

#[cfg(test)]
mod tests {
    use sync::Settings;

    use super::*;

    #[test]
    fn a_dead_workers_run_is_noticed_within_forty_seconds() {
        assert!(Settings::default().lease_ttl + TICK <= Duration::from_secs(40));
    }
}
