//! Takes connections, a bounded number of them, and answers what comes over each.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, warn};

use super::client::Peer;
use crate::lifecycle::drain_deadline;

/// Longest time for the head of a request to arrive, and for which a connection stays open in between.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// Request line and headers. The longest of ours is a search with a cookie, and that is below 2 KiB.
const HEAD_MAX_BYTES: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// Connections at a time: below the usual 1,024 files that a process may open, with room for the database.
const CONNECTIONS_MAX: usize = 768;
/// Connections at a time from one address; a browser opens six. Whoever is on this machine, such as a proxy, may take all.
const CONNECTIONS_MAX_PER_CLIENT: usize = 128;
/// When no connection can be taken (no file is free), others must end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Answers requests until it is told to stop, then those that are under way, up to the deadline.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    let door = Door {
        listener,
        places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        clients: Clients::default(),
    };
    loop {
        let taken = tokio::select! {
            taken = door.take() => taken?,
            () = stop.cancelled() => break,
        };
        if let Some(taken) = taken {
            tokio::spawn(converse(taken, router.clone(), stop.clone()));
        }
    }
    let places = door.close();
    tokio::select! {
        // All of them are free once the last connection has ended.
        _ = places.acquire_many(u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX)) => {}
        () = drain_deadline(&stop) => warn!("requests were still under way at the deadline and are cut off"),
    }
    Ok(())
}

struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    clients: Clients,
}

/// A connection, and what it takes up for as long as it is open.
struct Taken {
    stream: TcpStream,
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
    _admitted: Admitted,
}

impl Door {
    /// The next connection; `None` if it was not to be had.
    async fn take(&self) -> io::Result<Option<Taken>> {
        // A place first: those that wait for one stay in the system's queue.
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.map_err(io::Error::other)?;
        match self.listener.accept().await {
            Ok((stream, peer)) => Ok(self.clients.admit(peer.ip()).map(|admitted| Taken {
                stream,
                peer,
                _place: place,
                _admitted: admitted,
            })),
            Err(error) => {
                warn!(%error, "a connection cannot be taken");
                sleep(ACCEPT_PAUSE).await;
                Ok(None)
            }
        }
    }

    fn close(self) -> Arc<Semaphore> {
        self.places
    }
}

/// All requests of one connection.
async fn converse(taken: Taken, router: Router, stop: CancellationToken) {
    let Taken { stream, peer, .. } = taken;
    send_at_once(&stream);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX_BYTES)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, client = %peer.ip(), "a connection broke off");
    }
}

/// A page is sent in small chunks. Without this, each waits for the other side's delayed acknowledgement (40 ms).
fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        warn!(%error, "TCP_NODELAY cannot be set; pages will be slow");
    }
}

/// How many connections each address has open.
#[derive(Clone, Debug, Default)]
struct Clients(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// Counts as open until it is dropped.
#[derive(Debug)]
struct Admitted {
    clients: Clients,
    address: IpAddr,
}

impl Clients {
    fn admit(&self, address: IpAddr) -> Option<Admitted> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= CONNECTIONS_MAX_PER_CLIENT && !address.to_canonical().is_loopback() {
            debug!(client = %address, "too many connections from one address; the next is closed");
            return None;
        }
        *count += 1;
        drop(open);
        Some(Admitted {
            clients: self.clone(),
            address,
        })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_all_connections() {
        let clients = Clients::default();
        let (far, other) = (IpAddr::from([203, 0, 113, 9]), IpAddr::from([203, 0, 113, 10]));
        let mut open: Vec<_> = (0..CONNECTIONS_MAX_PER_CLIENT)
            .map(|_| clients.admit(far))
            .collect();
        assert!(open.iter().all(Option::is_some));
        assert!(clients.admit(far).is_none());
        assert!(clients.admit(other).is_some());
        open.pop();
        assert!(clients.admit(far).is_some());
        drop(open);
        assert!(clients.0.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn a_proxy_on_this_machine_may_take_all() {
        let clients = Clients::default();
        let open: Vec<_> = (0..CONNECTIONS_MAX)
            .map(|_| clients.admit(IpAddr::from([127, 0, 0, 1])))
            .collect();
        assert!(open.iter().all(Option::is_some));
    }
}
