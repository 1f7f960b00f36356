//! Where queued runs stand, as everyone who shows a run tells it.

use chrono::{DateTime, Utc};
use domain::{QueuePlace, Run, RunState};
use store::{Queue, Store, StoreError};

/// Gives each queued run its place. Asks the store only if there is one.
pub(crate) async fn place_all<'r>(
    store: &dyn Store,
    runs: impl IntoIterator<Item = &'r mut Run>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let queued: Vec<&mut Run> = runs
        .into_iter()
        .filter(|run| run.state == RunState::Queued)
        .collect();
    if queued.is_empty() {
        return Ok(());
    }
    let queue = store.queue(now).await?;
    for run in queued {
        run.progress.queue = place_of(run, &queue, now);
    }
    Ok(())
}

/// `None` of a run that has been taken up since it was read, or whose connection is deactivated.
fn place_of(run: &Run, queue: &Queue, now: DateTime<Utc>) -> Option<QueuePlace> {
    let before = queue.waiting.iter().position(|waiting| waiting.id == run.id)?;
    let waiting = queue.waiting.get(before)?;
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let place = QueuePlace::new(
        number(before),
        number(queue.waiting.len()),
        queue.running,
        waiting.gave_way,
        now,
    );
    Some(match waiting.waits_for_provider_until {
        None => place,
        Some(until) => QueuePlace {
            why: "It waits for the provider, which asked for it or could not answer.".to_owned(),
            expected_start_at: Some(until),
            ..place
        },
    })
}
