use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::{
    config,
    error::CommandError,
    installation::Installation,
    lifecycle::DRAIN_DEADLINE,
    worker::{WakeUp, Worker},
};

pub(crate) async fn run(
    installation: &Installation,
    options: &config::Worker,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    let worker = Worker::new(installation, options, WakeUp::default())?;
    let working = tokio::spawn(worker.run(stop.clone()));
    stop.cancelled().await;
    if tokio::time::timeout(DRAIN_DEADLINE, working).await.is_err() {
        tracing::warn!("a run did not stop in time; the next worker takes it up from its last page");
    }
    Ok(ExitCode::SUCCESS)
}
