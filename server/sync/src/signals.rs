//! What passes between a run and the worker that executes it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio_util::sync::CancellationToken;

/// A run is short up to so many requests: at the default pace a daily run of an ordinary tenant takes some twenty seconds
/// for them. A short one is never asked to give its place away: changing from one to the next would cost more than it.
const SHORT_RUN_REQUESTS: u64 = 100;

/// Ends a run, as far as its worker is concerned, at its next page boundary; and tells the worker how large it is.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// The worker shuts down: the run goes back to the head of the queue.
    pub stop: CancellationToken,
    /// Someone wants the run to end.
    pub cancel: CancellationToken,
    /// Another run waits for the place: this one goes on behind it.
    pub give_way: CancellationToken,
    size: Arc<Size>,
}

#[derive(Debug, Default)]
struct Size {
    requests: AtomicU64,
    announced_pages: AtomicU64,
}

impl Signals {
    pub fn new(stop: &CancellationToken) -> Self {
        Self {
            stop: stop.clone(),
            ..Self::default()
        }
    }

    /// Whether the run needs more requests than a short one, as far as it is known.
    pub fn is_long(&self) -> bool {
        let requests = self.size.requests.load(Ordering::Relaxed);
        let announced = self.size.announced_pages.load(Ordering::Relaxed);
        requests.max(announced) > SHORT_RUN_REQUESTS
    }

    pub(crate) fn sent(&self, requests: u64) {
        self.size.requests.fetch_add(requests, Ordering::Relaxed);
    }

    pub(crate) fn announced(&self, pages: u64) {
        self.size.announced_pages.fetch_max(pages, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_long_once_it_has_sent_much_or_much_is_announced() {
        let sent = Signals::default();
        sent.sent(SHORT_RUN_REQUESTS);
        assert!(!sent.is_long());
        sent.sent(1);
        assert!(sent.is_long());
        let announced = Signals::default();
        announced.announced(SHORT_RUN_REQUESTS + 1);
        announced.announced(1);
        assert!(announced.is_long());
    }
}
