//! Executes one claimed run: opens its source, and lets the engine drive.

use std::{convert::Infallible, time::Duration};

use domain::Connection;
use store::{ClaimRequest, ClaimedRun, Fenced, Lease, LeaseState, StoreError};
use sync::{Execution, Runner, Settings, Signals};
use tracing::{info, warn};

use crate::{
    error::CommandError, installation::Installation, operations::replay, secrets::to_hex,
    system::random_bytes, worker::source::Sources,
};

/// How often it is looked whether a run was asked to stop, in whichever process: short against the 5 s within which it is to
/// end, and one read of one row.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

pub(crate) struct Executor {
    pub(crate) installation: Installation,
    pub(crate) settings: Settings,
    /// Who holds the runs, for operators and logs.
    pub(crate) name: String,
    sources: Sources,
}

impl Executor {
    pub(crate) fn new(installation: &Installation, settings: Settings) -> Result<Self, CommandError> {
        Ok(Self {
            sources: Sources::new(installation)?,
            installation: installation.clone(),
            settings,
            // A random part, since process ids come again.
            name: format!("{}-{}", std::process::id(), to_hex(&random_bytes::<4>())),
        })
    }

    /// Takes up the first run of the queue, or the given one if it is free.
    pub(crate) async fn claim(&self, only: Option<domain::RunId>) -> Result<Option<ClaimedRun>, StoreError> {
        let request = ClaimRequest {
            worker: self.name.clone(),
            now: self.installation.clock.now(),
            lease_ttl: self.settings.lease_ttl,
            only,
        };
        self.installation.store.claim(&request).await
    }

    pub(crate) async fn execute(&self, claimed: &ClaimedRun, signals: &Signals) -> Result<Execution, Fenced> {
        let (connection, source) = self.sources.of(claimed.run.connection_id).await?;
        let runner = Runner {
            store: self.installation.store.as_ref(),
            clock: self.installation.clock.as_ref(),
            settings: &self.settings,
            unifier: &self.installation.unifier,
        };
        let execution = tokio::select! {
            execution = runner.execute(claimed, &connection.tenant_id, source.as_ref(), signals) => execution?,
            never = self.watch(&claimed.lease, signals) => match never {},
        };
        if let Execution::Ended(_) = execution {
            // It wrote by the mapping that there was when it began.
            replay::keep_up_one(&self.installation, connection.id).await;
            self.rebuild_trends(&connection).await;
        }
        Ok(execution)
    }

    /// Tells a run that it is to stop as soon as anyone has asked for it.
    async fn watch(&self, lease: &Lease, signals: &Signals) -> Infallible {
        loop {
            self.installation.clock.sleep(LOOK_INTERVAL).await;
            let state = self.installation.store.is_to_stop(lease).await;
            // What cannot be read now is read a moment later, and the lease's renewal tells it, too.
            if let Ok(LeaseState::StopRequested) = state
                && !signals.cancel.is_cancelled()
            {
                info!(run = %lease.run_id, "run asked to stop");
                signals.cancel.cancel();
            }
        }
    }

    /// Trends are derived: what cannot be rebuilt now stays due, and the run is none the worse for it.
    async fn rebuild_trends(&self, connection: &Connection) {
        if let Err(error) = self.installation.store.rebuild_due_trends(connection.id).await {
            warn!(tenant = %connection.tenant_id, %error, "trends were not rebuilt; they are after the next run");
        }
    }
}
