//! Forgets what is older than the operator keeps, little by little, so that nothing else has to wait.

use std::{num::NonZeroU32, time::Duration};

use chrono::{DateTime, Days, NaiveTime, Utc};
use store::{By, Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{config, error::with_sources, installation::Installation};

/// A day's retention need not be exact to the minute.
const EVERY: Duration = Duration::from_hours(1);

/// Rows of one transaction: on the embedded database others wait for it, so it should take well under a second.
const ROWS_AT_ONCE: u32 = 2_000;

/// As which an operator wants entries of the trail to go.
const KEEP_AUDIT_DAYS: &str = "TRIBUTARY_KEEP_AUDIT_DAYS";

/// Days for which each is kept; `None` is for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    activity: Option<NonZeroU32>,
    invalid_records: Option<NonZeroU32>,
    payloads: Option<NonZeroU32>,
    audit: Option<NonZeroU32>,
}

/// What lies before these times goes.
struct Before {
    activity: Option<DateTime<Utc>>,
    invalid_records: Option<DateTime<Utc>>,
    payloads: Option<DateTime<Utc>>,
    /// The beginning of a day: each cut adds an entry, so there is one a day at most.
    audit: Option<DateTime<Utc>>,
}

impl Kept {
    pub(crate) fn of(config: &config::Worker) -> Self {
        Self {
            activity: config.sync.keep_activity_days,
            invalid_records: config.retention.invalid_records,
            payloads: NonZeroU32::new(config.retention.payloads),
            audit: config.retention.audit,
        }
    }

    fn before(self, now: DateTime<Utc>) -> Before {
        let before = |days: Option<NonZeroU32>| {
            days.and_then(|days| now.checked_sub_days(Days::new(days.get().into())))
        };
        Before {
            activity: before(self.activity),
            invalid_records: before(self.invalid_records),
            payloads: before(self.payloads),
            audit: before(self.audit).map(|at| at.date_naive().and_time(NaiveTime::MIN).and_utc()),
        }
    }
}

/// Until it is told to stop.
pub(crate) async fn keep_up(installation: Installation, kept: Kept, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let before = kept.before(installation.clock.now());
        let (store, now) = (installation.store.as_ref(), installation.clock.now());
        tell(forget(store, &before, &stop).await);
        tell(cut_trail(store, &before, now, &stop).await);
        if let Err(error) = sweep(store, now).await {
            error!(error = %with_sources(&error), "sessions and tokens that are over cannot be swept");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = installation.clock.sleep(EVERY) => {}
        }
    }
}

fn tell(forgotten: Result<u64, StoreError>) {
    match forgotten {
        Ok(0) => {}
        Ok(rows) => info!(rows, "rows and payloads past their retention are forgotten"),
        Err(error) => {
            error!(error = %with_sources(&error), "what is past its retention cannot be forgotten");
        }
    }
}

async fn forget(store: &dyn Store, before: &Before, stop: &CancellationToken) -> Result<u64, StoreError> {
    let mut rows = 0;
    if let Some(before) = before.payloads {
        rows += until_none(stop, || store.expire_payloads(before, ROWS_AT_ONCE)).await?;
    }
    if let Some(before) = before.activity {
        rows += store.forget_months_of_activity(before).await?;
    }
    if before.activity.is_none() && before.invalid_records.is_none() {
        return Ok(rows);
    }
    for connection in store.connections().await? {
        let id = connection.id;
        if let Some(before) = before.activity {
            let some = until_none(stop, || store.forget_activity(id, before, ROWS_AT_ONCE)).await?;
            rows += some;
            if some > 0 {
                store.rebuild_due_trends(id).await?;
            }
        }
        if let Some(before) = before.invalid_records {
            rows += until_none(stop, || store.forget_invalid_records(id, before, ROWS_AT_ONCE)).await?;
        }
    }
    Ok(rows)
}

async fn sweep(store: &dyn Store, now: DateTime<Utc>) -> Result<(), StoreError> {
    store.sweep_sessions(now).await?;
    store.sweep_tokens(now).await
}

/// The one thing that a worker does which is in the trail, since what is missing there must be told there.
async fn cut_trail(
    store: &dyn Store,
    before: &Before,
    now: DateTime<Utc>,
    stop: &CancellationToken,
) -> Result<u64, StoreError> {
    let Some(before) = before.audit else { return Ok(0) };
    let by = By {
        origin: Some(KEEP_AUDIT_DAYS.to_owned()),
        ..By::operator(now)
    };
    until_none(stop, || store.cut_audit(before, ROWS_AT_ONCE, &by)).await
}

/// Rows some at a time, until none is left or it is told to stop.
async fn until_none<Step>(stop: &CancellationToken, forget_some: impl Fn() -> Step) -> Result<u64, StoreError>
where
    Step: Future<Output = Result<u64, StoreError>>,
{
    let mut rows = 0;
    while !stop.is_cancelled() {
        let some = forget_some().await?;
        rows += some;
        if some < u64::from(ROWS_AT_ONCE) {
            break;
        }
    }
    Ok(rows)
}
