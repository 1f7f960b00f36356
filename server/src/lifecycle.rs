//! From start to end: logging, the runtime, the command, signals, and an end within a few seconds.

use std::{process::ExitCode, time::Duration};

use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    cli::Cli,
    commands,
    error::CommandError,
    hardening,
    output::{Output, say_error},
    telemetry,
};

/// From the signal to the last request answered and the last run given back: with the two below, within 5 s.
const DRAIN_DEADLINE: Duration = Duration::from_millis(3500);

/// Folding in the write-ahead log; what was committed is safe without it.
pub(crate) const CLOSE_DEADLINE: Duration = Duration::from_millis(500);

/// For what still runs on blocking threads.
const RUNTIME_DEADLINE: Duration = Duration::from_millis(500);

pub(crate) fn run(cli: Cli) -> ExitCode {
    let output = Output { json: cli.json };
    match start(cli, output) {
        Ok(code) => code,
        Err(error) => say_error(&error),
    }
}

fn start(cli: Cli, output: Output) -> Result<ExitCode, CommandError> {
    telemetry::start(&cli.telemetry, cli.command.stays())?;
    hardening::close_memory();
    // The one TLS stack's cryptography. A second install could only find the same one there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            CommandError::failed(
                format!("the runtime cannot start: {error}"),
                "Check the limits of threads and open files (ulimit -a).",
            )
        })?;
    let result = runtime.block_on(async {
        let stop = stop_on_signal()?;
        commands::run(cli, output, stop).await
    });
    runtime.shutdown_timeout(RUNTIME_DEADLINE);
    result
}

/// Completes when what is under way has had its time after the signal.
pub(crate) async fn drain_deadline(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(DRAIN_DEADLINE).await;
}

/// Cancelled by the first SIGINT or SIGTERM. A second one ends the process at once.
fn stop_on_signal() -> Result<CancellationToken, CommandError> {
    let stop = CancellationToken::new();
    let token = stop.clone();
    let refused = |error: std::io::Error| {
        CommandError::failed(
            format!("signals cannot be listened for: {error}"),
            "Start the process again.",
        )
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    tokio::spawn(async move {
        let mut seen = 0_u8;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            seen += 1;
            if seen > 1 {
                std::process::exit(crate::error::Exit::Failed as i32);
            }
            info!("asked to stop");
            token.cancel();
        }
    });
    Ok(stop)
}
