use std::{net::SocketAddr, process::ExitCode};

use simulator::Simulator;
use sync::Clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Simulate, error::CommandError, lifecycle::drain_deadline, output::say, system::SystemClock,
};

pub(crate) async fn run(options: &Simulate, stop: CancellationToken) -> Result<ExitCode, CommandError> {
    let listener = listen(options.listen, "the simulated API").await?;
    let address = listener.local_addr().unwrap_or(options.listen);
    let simulator =
        Simulator::new(options.seed, options.tenants.clone(), || SystemClock.now()).map_err(|error| {
            CommandError::usage(
                format!("the tenants cannot be simulated: {error}"),
                "Name tenants as in --tenant customer-en:users=1200,topics=400,views=5000,broken=12.",
            )
        })?;
    if let Some(profile) = options.faults {
        simulator.set_faults_everywhere(profile);
    }
    announce(options, address);
    tokio::select! {
        served = simulator.serve(listener, stop.clone().cancelled_owned()) => served.map_err(|error| {
            CommandError::failed(format!("the simulated API cannot be served: {error}"), "Start it again.")
        })?,
        // A slow answer must not hold the end up.
        () = drain_deadline(&stop) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn announce(options: &Simulate, address: SocketAddr) {
    say(&format!("Simulated tenants answer at http://{address}"));
    for tenant in &options.tenants {
        say(&format!(
            "  {}: {} users, {} topics, {} views, {} broken (client id {}, client secret simulated-secret)",
            tenant.name, tenant.users, tenant.topics, tenant.views, tenant.broken, tenant.name
        ));
    }
    say("Ctrl-C ends it.");
}

/// Simulated tenants know no secret, so they are for this machine alone.
async fn listen(address: SocketAddr, what: &str) -> Result<TcpListener, CommandError> {
    if !address.ip().is_loopback() {
        return Err(CommandError::usage(
            format!("{what} cannot listen on {address}: anyone who reaches it could use it"),
            "Listen on loopback, such as --listen 127.0.0.1:4010.",
        ));
    }
    bind(address, what).await
}

/// Binds an address, or says what to do about it.
pub(crate) async fn bind(address: SocketAddr, what: &str) -> Result<TcpListener, CommandError> {
    TcpListener::bind(address).await.map_err(|error| {
        let reason = if error.kind() == std::io::ErrorKind::AddrInUse {
            "the port is in use".to_owned()
        } else {
            error.to_string()
        };
        CommandError::usage(
            format!("{what} cannot listen on {address}: {reason}"),
            format!(
                "End the process that holds the port, or choose another with --listen {}:PORT.",
                address.ip()
            ),
        )
    })
}
