use std::{process::ExitCode, sync::Arc};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    accounts::{Door, offer_first, operator},
    cli::{Cli, Serve},
    commands::{close, simulate::bind},
    config::{self, LogFormat},
    console::Console,
    error::CommandError,
    http::{self, BrowserRules, Cookies, Hosts, Look, Pages, Served, Site, Visits, cross_site},
    installation::Installation,
    lifecycle::drain_deadline,
    marker::Marker,
    operations::unify,
    output::{moment, say},
    sign_on::SignOn,
    worker::{WakeUp, Worker, source::asking},
};

pub(crate) async fn run(
    cli: &Cli,
    options: &Serve,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    let listener = listen(&options.http.console).await?;
    let installation = Installation::open(cli).await?;
    let result = serve(&installation, cli, options, listener, stop).await;
    close(installation).await;
    result
}

/// Passwords and sessions must not go over a network in clear: beyond this machine there is TLS in front.
async fn listen(console: &config::Console) -> Result<TcpListener, CommandError> {
    let address = console.listen();
    let origin = console.public_origin.as_ref();
    if !address.ip().is_loopback() && origin.is_none_or(|origin| origin.scheme() != "https") {
        return Err(CommandError::usage(
            format!("the console cannot listen on {address}: passwords would go over the network in clear"),
            "Put a proxy in front that ends TLS, and name the origin that browsers see: --public-origin https://…. \
             Or listen on loopback, such as --listen 127.0.0.1:3000, and reach it through an SSH tunnel.",
        ));
    }
    bind(address, "the console").await
}

async fn serve(
    installation: &Installation,
    cli: &Cli,
    options: &Serve,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    let wake_up = WakeUp::default();
    let console = &options.http.console;
    let origin = match listener.local_addr() {
        Ok(address) => console.origin_at(address),
        Err(_) => console.origin(),
    };
    let router = router(installation, options, wake_up.clone(), &origin)?;
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
        offer_first_account(installation, cli, &origin).await?;
    }
    unify::make_ready(installation);
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

/// While there is no account, whoever reads the log of this process makes the first one.
async fn offer_first_account(
    installation: &Installation,
    cli: &Cli,
    origin: &str,
) -> Result<(), CommandError> {
    let by = operator(installation.clock.now());
    let Some(link) = offer_first(installation.store.as_ref(), &by).await? else {
        return Ok(());
    };
    let until = moment(Some(link.expires_at));
    let url = link.url(origin);
    if cli.telemetry.log_format == LogFormat::Text {
        say(&format!(
            "There is no account yet. Make the first one, an admin's, with this link, once, until {until}:\n  {url}"
        ));
    } else {
        info!(
            link = url,
            until, "there is no account yet; the link makes the first one, once"
        );
    }
    Ok(())
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
    origin: &str,
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
    let sign_on = sign_on(installation, options)?;
    let rules = BrowserRules::new(public_origin, options.http.reload_port());
    let marker = Arc::new(Marker::new(Arc::clone(&installation.store)));
    Ok(http::router(Served {
        console: Console::new(
            installation,
            Arc::clone(&marker),
            &options.worker,
            !options.no_worker,
            wake_up,
            origin,
        ),
        visits: Visits {
            door: Door::new(Arc::clone(&installation.store), Arc::clone(&installation.clock)),
            cookies: Cookies::new(public_origin),
        },
        look: Look::new(&site.stylesheet, &options.http.console.host()),
        sign_on,
        pages: Pages::new(marker, Arc::clone(&installation.clock), rules.clone()),
        metrics: installation.metrics.clone(),
        site,
        hosts: Hosts::new(public_origin),
        rules,
        proxies: options.http.trusted_proxies.clone(),
        cross_site: cross_site(public_origin)?,
    }))
}

/// The identity provider, where one is set up.
fn sign_on(installation: &Installation, options: &Serve) -> Result<Option<Arc<SignOn>>, CommandError> {
    let Some(settings) = options.http.sign_on.settings(&options.http.console)? else {
        return Ok(None);
    };
    info!(issuer = settings.issuer, "people can sign on");
    let asking = asking(&installation.allowed)?;
    let (keys, clock) = (installation.keys.clone(), Arc::clone(&installation.clock));
    Ok(Some(Arc::new(SignOn::new(settings, asking, keys, clock))))
}

#[cfg(test)]
mod tests;
