use std::{process::ExitCode, sync::Arc};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    backend::Console,
    cli::{Cli, Serve},
    commands::{close, simulate::listen},
    config::LogFormat,
    error::CommandError,
    http::{self, BrowserRules, Hosts, Pages, Served, Site, cross_site},
    installation::Installation,
    lifecycle::drain_deadline,
    marker::Marker,
    output::say,
    worker::{WakeUp, Worker},
};

pub(crate) async fn run(
    cli: &Cli,
    options: &Serve,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    let listener = listen(options.http.console.listen(), "the console").await?;
    let installation = Installation::open(cli).await?;
    let result = serve(&installation, cli, options, listener, stop).await;
    close(installation).await;
    result
}

async fn serve(
    installation: &Installation,
    cli: &Cli,
    options: &Serve,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    let wake_up = WakeUp::default();
    let router = router(installation, options, wake_up.clone())?;
    let worker = if options.no_worker {
        None
    } else {
        Some(Worker::new(installation, &options.worker, wake_up)?)
    };
    if let Ok(address) = listener.local_addr() {
        // Lines for machines stay lines of JSON.
        if cli.telemetry.log_format == LogFormat::Text {
            say(&format!("The console is at http://{address}"));
        }
        info!(%address, worker = worker.is_some(), "listening");
    }
    let served = http::serve(listener, router, stop.clone());
    // The worker drains while the last requests do: both end within one deadline. On a task of its own, it is not held
    // up by pages that are rendered.
    let working = worker.map(|worker| tokio::spawn(worker.run(stop.clone())));
    let (served, ()) = tokio::join!(served, worked(working, &stop));
    served.map_err(|error| {
        CommandError::failed(
            format!("the console cannot be served: {error}"),
            "Start it again.",
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Until the worker has ended, which it does only when it is told to stop.
async fn worked(working: Option<JoinHandle<()>>, stop: &CancellationToken) {
    let Some(working) = working else {
        return;
    };
    tokio::select! {
        ended = working => {
            if let Err(error) = ended {
                error!(%error, "the worker ended unexpectedly; stopping, so that a supervisor can start it again");
                stop.cancel();
            }
        }
        () = drain_deadline(stop) => {
            warn!("a run did not stop in time; the next worker takes it up from its last page");
        }
    }
}

fn router(
    installation: &Installation,
    options: &Serve,
    wake_up: WakeUp,
) -> Result<axum::Router, CommandError> {
    let site = Site::locate(&options.http);
    if !site.found {
        warn!(
            folder = %site.root.display(),
            "the console's files are missing: pages work, without their style and scripts; \
             build them with cargo leptos build --release, or name their folder with --site-root"
        );
    }
    let public_origin = options.http.console.public_origin.as_ref();
    if public_origin.is_some() && options.http.trusted_proxies.is_empty() {
        warn!(
            "a public origin is set, and no proxy is trusted: all requests seem to come from the proxy; \
             name its address with --trusted-proxies, so that limits count and logs name the real clients"
        );
    }
    let rules = BrowserRules::new(public_origin, options.http.reload_port());
    let marker = Arc::new(Marker::new(Arc::clone(&installation.store)));
    Ok(http::router(Served {
        backend: Arc::new(Console::new(
            installation,
            Arc::clone(&marker),
            &options.worker,
            !options.no_worker,
            wake_up,
            options.http.console.origin(),
        )),
        pages: Pages::new(marker, Arc::clone(&installation.clock), rules.clone()),
        store: Arc::clone(&installation.store),
        clock: Arc::clone(&installation.clock),
        metrics: installation.metrics.clone(),
        site,
        hosts: Hosts::new(public_origin),
        rules,
        proxies: options.http.trusted_proxies.clone(),
        cross_site: cross_site(public_origin)?,
    }))
}
