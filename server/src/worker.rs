//! The worker: queues what is due, takes runs up and executes a bounded number of them side by side.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use domain::{Connection, SyncTime, SyncWindow, Trigger};
use store::{ClaimedRun, Enqueued, Fenced, NewRun, StoreError};
use sync::Execution;
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    config,
    error::{CommandError, with_sources},
    executor::Executor,
    forgetting,
    installation::Installation,
    replay,
    scheduler::{extent_of_next_run, is_due},
};

/// How often the worker looks for what is due and for runs that another process queued or left: short against a lease
/// (30 s), so that a dead worker's run is taken up soon, and against the minute of a schedule.
const TICK: Duration = Duration::from_secs(5);

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
    window: SyncWindow,
    full_every: NonZeroU32,
    concurrent_runs: NonZeroUsize,
    retention: config::Retention,
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
            window: config.sync_window,
            full_every: config.sync.full_every,
            concurrent_runs: config.concurrent_runs,
            retention: config.retention,
            wake_up,
        })
    }

    /// Works until it is told to stop; then its runs stop at their next page boundary and go back to the queue.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        info!(worker = %worker.executor.name, window = %worker.window, concurrent_runs = worker.concurrent_runs, "worker started");
        let replays = tokio::spawn(replay::keep_up(
            worker.executor.installation.clone(),
            stop.clone(),
        ));
        let forgetting = tokio::spawn(forgetting::keep_up(
            worker.executor.installation.clone(),
            worker.retention,
            stop.clone(),
        ));
        worker.sync(&stop).await;
        log_panic(replays.await);
        log_panic(forgetting.await);
        info!(worker = %worker.executor.name, "worker stopped");
    }

    async fn sync(self: &Arc<Self>, stop: &CancellationToken) {
        let mut runs = JoinSet::new();
        while !stop.is_cancelled() {
            self.queue_what_is_due().await;
            self.take_up(&mut runs, stop).await;
            self.wait(&mut runs, stop).await;
        }
        drain(&mut runs).await;
    }

    /// Until there may be something to do.
    async fn wait(&self, runs: &mut JoinSet<()>, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.wake_up.0.notified() => {}
            () = self.executor.installation.queue_moved() => {}
            () = self.executor.installation.clock.sleep(TICK) => {}
            // A free place: the next run may be waiting for it.
            Some(ended) = runs.join_next() => log_panic(ended),
        }
    }

    async fn queue_what_is_due(&self) {
        let connections = match self.executor.installation.store.connections().await {
            Ok(connections) => connections,
            Err(error) => return log_store("the connections cannot be read", &error),
        };
        let now = self.executor.installation.clock.now();
        for connection in connections.iter().filter(|connection| connection.is_active()) {
            if let Err(error) = self.queue_if_due(connection, now).await {
                log_store("a due run cannot be queued", &error);
            }
        }
    }

    async fn queue_if_due(&self, connection: &Connection, now: DateTime<Utc>) -> Result<(), StoreError> {
        let store = &self.executor.installation.store;
        let last_queued_at = store.last_queued_at(connection.id).await?;
        if !is_due(last_queued_at, SyncTime::of(connection.id, self.window), now) {
            return Ok(());
        }
        let new = NewRun {
            id: self.executor.installation.ids.run_id(now),
            connection_id: connection.id,
            trigger: Trigger::Scheduled,
            extent: extent_of_next_run(store.as_ref(), connection.id, self.full_every).await?,
            queued_at: now,
        };
        if store.enqueue(&new).await? == Enqueued::Queued {
            info!(tenant = %connection.tenant_id, run = %new.id, "scheduled run queued");
        }
        Ok(())
    }

    /// Fills the free places, as long as there are runs that wait.
    async fn take_up(self: &Arc<Self>, runs: &mut JoinSet<()>, stop: &CancellationToken) {
        while runs.len() < self.concurrent_runs.get() && !stop.is_cancelled() {
            match self.executor.claim(None).await {
                Ok(Some(claimed)) => {
                    let (worker, stop) = (Arc::clone(self), stop.clone());
                    runs.spawn(async move { worker.execute(claimed, &stop).await });
                }
                Ok(None) => return,
                Err(error) => return log_store("no run can be taken up", &error),
            }
        }
    }

    /// The engine logs a run's start and end.
    async fn execute(&self, claimed: ClaimedRun, stop: &CancellationToken) {
        let run = claimed.run.id;
        match self.executor.execute(&claimed, stop).await {
            Ok(Execution::Ended(_)) => {}
            Ok(Execution::Released) => info!(%run, "run given back to the queue"),
            Err(Fenced::LeaseLost) => warn!(%run, "run lost: another worker holds it, or it is over"),
            Err(Fenced::Store(error)) => {
                log_store("a run cannot go on; the next worker takes it up", &error);
            }
        }
    }
}

async fn drain(runs: &mut JoinSet<()>) {
    while let Some(ended) = runs.join_next().await {
        log_panic(ended);
    }
}

fn log_store(what: &str, error: &StoreError) {
    error!(error = %with_sources(error), "{what}");
}

/// A panic in one run must not end the others. Its lease runs out, and the run is taken up again.
fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a run's task ended unexpectedly");
    }
}
