use std::io;

use axum::{Router, serve::ListenerExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::lifecycle::drain_deadline;

/// Answers requests until it is told to stop, then those that are under way, up to the deadline.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    // A page is sent in small chunks. Without this, each waits for the other side's delayed acknowledgement (40 ms).
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            warn!(%error, "TCP_NODELAY cannot be set; pages will be slow");
        }
    });
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        result = serving => result,
        () = drain_deadline(&stop) => {
            warn!("requests were still under way at the deadline and are cut off");
            Ok(())
        }
    }
}
