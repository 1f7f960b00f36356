//! Forgets what is older than the operator keeps, little by little, so that nothing else has to wait.

use std::{num::NonZeroU32, time::Duration};

use chrono::Days;
use store::StoreError;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{config::Retention, error::with_sources, installation::Installation};

/// A day's retention need not be exact to the minute.
const EVERY: Duration = Duration::from_hours(1);

/// Rows of one transaction: on the embedded database others wait for it, so it should take well under a second.
const ROWS_AT_ONCE: u32 = 2_000;

/// Until it is told to stop.
pub(crate) async fn keep_up(installation: Installation, retention: Retention, stop: CancellationToken) {
    if retention.activity.is_none() && retention.invalid_records.is_none() {
        return;
    }
    while !stop.is_cancelled() {
        tell(forget(&installation, &retention, &stop).await);
        tokio::select! {
            () = stop.cancelled() => {}
            () = installation.clock.sleep(EVERY) => {}
        }
    }
}

fn tell(forgotten: Result<u64, StoreError>) {
    match forgotten {
        Ok(0) => {}
        Ok(rows) => info!(rows, "rows past their retention are forgotten"),
        Err(error) => {
            error!(error = %with_sources(&error), "what is past its retention cannot be forgotten");
        }
    }
}

async fn forget(
    installation: &Installation,
    retention: &Retention,
    stop: &CancellationToken,
) -> Result<u64, StoreError> {
    let now = installation.clock.now();
    let before =
        |days: Option<NonZeroU32>| days.and_then(|days| now.checked_sub_days(Days::new(days.get().into())));
    let (activity, invalid_records) = (before(retention.activity), before(retention.invalid_records));
    let store = &installation.store;
    let mut rows = match activity {
        Some(before) => store.forget_months_of_activity(before).await?,
        None => 0,
    };
    for connection in store.connections().await? {
        let id = connection.id;
        if let Some(before) = activity {
            let some = until_none(stop, || store.forget_activity(id, before, ROWS_AT_ONCE)).await?;
            rows += some;
            if some > 0 {
                store.rebuild_due_trends(id).await?;
            }
        }
        if let Some(before) = invalid_records {
            rows += until_none(stop, || store.forget_invalid_records(id, before, ROWS_AT_ONCE)).await?;
        }
    }
    Ok(rows)
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
