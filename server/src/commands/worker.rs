use std::process::ExitCode;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    config,
    error::CommandError,
    installation::Installation,
    lifecycle::drain_deadline,
    worker::{WakeUp, Worker},
};

pub(crate) async fn run(
    installation: &Installation,
    options: &config::Worker,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    let worker = Worker::new(installation, options, WakeUp::default())?;
    tokio::select! {
        () = worker.run(stop.clone()) => {}
        () = drain_deadline(&stop) => {
            warn!("a run did not stop in time; the next worker takes it up from its last page");
        }
    }
    Ok(ExitCode::SUCCESS)
}
