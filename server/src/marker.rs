//! Whether anything has been committed since, asked once for as many requests as want to know at the same time.

use std::{sync::Arc, time::Instant};

use store::{Store, StoreError};
use tokio::sync::Mutex;

/// The store's change marker. An answer is never older than the question: a request takes the answer to a question that
/// was asked after it came, or asks itself. So a crowd of requests costs one look, and none sees what is out of date.
pub(crate) struct Marker {
    store: Arc<dyn Store>,
    last: Mutex<Option<Asked>>,
}

#[derive(Clone, Copy)]
struct Asked {
    at: Instant,
    marker: i64,
}

impl Marker {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            last: Mutex::new(None),
        }
    }

    pub(crate) async fn current(&self) -> Result<i64, StoreError> {
        let came_at = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(asked) = *last
            && asked.at >= came_at
        {
            return Ok(asked.marker);
        }
        let at = Instant::now();
        let marker = self.store.change_marker().await?;
        *last = Some(Asked { at, marker });
        Ok(marker)
    }
}
