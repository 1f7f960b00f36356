//! The overview of all connections, read once and kept until something is committed (the store's change marker) or the
//! minute turns (health and due times move with the clock).

use std::sync::Arc;

use app::connections::view::{ConnectionsView, STRIP_DAYS};
use chrono::{DateTime, Days, NaiveTime, Utc};
use domain::{Health, SyncWindow};
use store::{Store, StoreError};
use sync::Clock;
use tokio::sync::Mutex;

use crate::{console::views, marker::Marker, operations::queue::place_all};

pub(crate) struct Overview {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    marker: Arc<Marker>,
    window: SyncWindow,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    marker: i64,
    minute: i64,
    view: Arc<ConnectionsView>,
}

impl Overview {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        marker: Arc<Marker>,
        window: SyncWindow,
    ) -> Self {
        Self {
            store,
            clock,
            marker,
            window,
            kept: Mutex::new(None),
        }
    }

    pub(crate) async fn view(&self) -> Result<Arc<ConnectionsView>, StoreError> {
        let now = self.clock.now();
        let minute = now.timestamp().div_euclid(60);
        // Asked before the overview is read: what is committed in between shows as a change next time.
        let marker = self.marker.current().await?;
        // Held while reading, so that a crowd reads once.
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref()
            && (kept.marker, kept.minute) == (marker, minute)
        {
            return Ok(Arc::clone(&kept.view));
        }
        let view = Arc::new(self.read(now).await?);
        *kept = Some(Kept {
            marker,
            minute,
            view: Arc::clone(&view),
        });
        Ok(view)
    }

    async fn read(&self, now: DateTime<Utc>) -> Result<ConnectionsView, StoreError> {
        let mut overviews = self.store.overview(strip_start(now)).await?;
        let current = overviews.iter_mut().filter_map(|of| of.current.as_mut());
        place_all(self.store.as_ref(), current, now).await?;
        Ok(views::connections(overviews, self.window, now))
    }
}

/// How many connections fail, for the frame around every page.
pub(crate) fn failing(view: &ConnectionsView) -> u32 {
    let failing = view
        .cards
        .iter()
        .filter(|card| card.health == Health::Failing)
        .count();
    u32::try_from(failing).unwrap_or(u32::MAX)
}

/// The first moment of the strip's first day.
fn strip_start(now: DateTime<Utc>) -> DateTime<Utc> {
    let days_before_today = STRIP_DAYS as u64 - 1;
    let first_day = now.date_naive() - Days::new(days_before_today);
    first_day.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_begins_at_midnight_thirteen_days_ago() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        assert_eq!(strip_start(now).to_rfc3339(), "2023-11-01T00:00:00+00:00");
        assert_eq!(now.to_rfc3339(), "2023-11-14T22:13:20+00:00");
    }
}
