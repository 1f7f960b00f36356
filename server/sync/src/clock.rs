use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{ConnectionId, RunId};

/// Time, as an argument. The real one is `server/src/system.rs`; a simulation brings its own.
#[async_trait]
pub trait Clock: Send + Sync {
    /// To the microsecond, which is what both databases keep.
    fn now(&self) -> DateTime<Utc>;

    async fn sleep(&self, duration: Duration);
}

/// New ids, as an argument.
pub trait Ids: Send + Sync {
    fn run_id(&self, now: DateTime<Utc>) -> RunId;

    fn connection_id(&self, now: DateTime<Utc>) -> ConnectionId;
}
