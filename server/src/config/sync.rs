use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use clap::Args;
use domain::SyncWindow;
use sync::{RetryPolicy, Settings, parse_backoff};

/// How syncs treat the provider.
#[derive(Clone, Debug, Args)]
pub(crate) struct Sync {
    /// Waits between attempts at a failed request
    #[arg(
        long,
        value_name = "LIST",
        env = "TRIBUTARY_RETRY_BACKOFF",
        default_value = "10s,30s,90s,270s",
        value_parser = backoff
    )]
    retry_backoff: RetryPolicy,
    /// Requests that one connection may send in a minute; 0 is unlimited
    #[arg(
        long,
        value_name = "N",
        env = "TRIBUTARY_REQUESTS_PER_MINUTE",
        default_value_t = 300
    )]
    requests_per_minute: u32,
    /// How long a run stays with a worker that has fallen silent
    #[arg(long, value_name = "TIME", env = "TRIBUTARY_LEASE_TTL", default_value = "30s", value_parser = lease)]
    lease_ttl: Duration,
    /// Pages that are fetched ahead of the one being stored
    #[arg(long, value_name = "N", env = "TRIBUTARY_PAGES_AHEAD", default_value = "8")]
    pages_ahead: NonZeroUsize,
    /// Of so many syncs of a connection one reads everything, since edits, moves and deletions leave no other trace
    #[arg(long, value_name = "N", env = "TRIBUTARY_FULL_EVERY", default_value = "7")]
    pub(crate) full_every: NonZeroU32,
    /// Days for which activity and its trends are kept [default: for ever]. Older activity is not stored by a sync, and
    /// counts as unchanged; a worker forgets what has become older
    #[arg(long, value_name = "N", env = "TRIBUTARY_KEEP_ACTIVITY_DAYS")]
    pub(crate) keep_activity_days: Option<NonZeroU32>,
}

impl Sync {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            retry: self.retry_backoff.clone(),
            requests_per_minute: self.requests_per_minute,
            lease_ttl: self.lease_ttl,
            pages_ahead: self.pages_ahead.get(),
            keep_activity_days: self.keep_activity_days,
            ..Settings::default()
        }
    }
}

/// How a worker schedules and runs.
#[derive(Clone, Debug, Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) sync: Sync,
    #[command(flatten)]
    pub(crate) retention: super::Retention,
    /// Part of the day (UTC) over which daily syncs are spread
    #[arg(
        long,
        value_name = "FROM-TO",
        env = "TRIBUTARY_SYNC_WINDOW",
        default_value = "01:00-05:00"
    )]
    pub(crate) sync_window: SyncWindow,
    /// Syncs that run at the same time in this process
    #[arg(
        long,
        value_name = "N",
        env = "TRIBUTARY_CONCURRENT_RUNS",
        default_value = "2"
    )]
    pub(crate) concurrent_runs: NonZeroUsize,
}

/// A lease is renewed at a third of it, which must leave time for a write.
fn lease(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_secs(1);
    match parse_backoff(text).as_deref() {
        Ok([ttl]) if *ttl >= SHORTEST => Ok(*ttl),
        _ => Err("give a length of time of 1s or longer, such as 30s".to_owned()),
    }
}

fn backoff(text: &str) -> Result<RetryPolicy, sync::InvalidBackoff> {
    parse_backoff(text).map(|backoff| RetryPolicy { backoff })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_leaves_time_to_renew_it() {
        assert_eq!(lease("1s"), Ok(Duration::from_secs(1)));
        for not_one in ["0s", "999ms", "30", "1s,2s", ""] {
            assert!(lease(not_one).is_err(), "{not_one}");
        }
    }
}
