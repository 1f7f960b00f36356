//! Ties members to companies where no run does it: after companies, persons, rules or the mapping of profile fields have
//! changed.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use domain::{ConnectionId, Stream};
use indicatif::{ProgressBar, ProgressStyle};
use store::{MatchingDue, StoreError};
use sync::MatchStep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{error::with_sources, installation::Installation};

/// How often a worker looks for what was left to do: whoever changes companies or rules matches members by themselves, and
/// leaves something only if they are stopped.
const TICK: Duration = Duration::from_secs(10);

const BAR: &str = "{spinner} Matching members {wide_bar} {human_pos} of {human_len}";

/// Begins to index companies and persons, unless that is done: the next trial of a draft, or page of a member, finds it.
pub(crate) fn make_ready(installation: &Installation) {
    let installation = installation.clone();
    tokio::spawn(async move {
        let (store, clock) = (installation.store.as_ref(), installation.clock.as_ref());
        // Whoever needs the index makes it, and hears of the reason.
        if let Err(error) = installation.unifier.known(store, clock).await {
            warn!(error = %with_sources(&error), "companies and persons are not indexed");
        }
    });
}

/// Matches all members that are to be matched, with a bar on a terminal, and counts the trends that this moved. Cut off
/// anywhere, a worker goes on with it.
pub(crate) async fn match_everything(installation: &Installation) -> Result<u64, StoreError> {
    sweep_everything(installation).await?;
    let due = installation.store.matching_due().await?;
    let bar = bar(installation, &due).await?;
    let mut done = 0;
    for of in &due {
        loop {
            let (members, more) = match_some(installation, of.connection_id).await?;
            done += members;
            bar.set_position(done);
            if !more {
                break;
            }
        }
    }
    bar.finish_and_clear();
    count_trends(installation).await?;
    Ok(done)
}

/// Marks whom changes of companies and persons touch, so that it is known how many are to be matched.
async fn sweep_everything(installation: &Installation) -> Result<(), StoreError> {
    let (store, clock) = (installation.store.as_ref(), installation.clock.as_ref());
    let all = store.matching_due().await?;
    for of in all.iter().filter(|of| of.sweep_done.is_some()) {
        loop {
            let unifier = &installation.unifier;
            let step = unifier.sweep_some(store, clock, of.connection_id, None).await;
            let (_, more) = without_lease(step)?;
            if !more {
                break;
            }
        }
    }
    Ok(())
}

/// Matches the members of a connection that are to be matched.
pub(crate) async fn match_connection(
    installation: &Installation,
    connection: ConnectionId,
) -> Result<u64, StoreError> {
    let mut done = 0;
    loop {
        let (members, more) = match_some(installation, connection).await?;
        done += members;
        if !more {
            return Ok(done);
        }
    }
}

/// Counts trends anew where members' companies have changed; where a run is under way it does so at its end.
pub(crate) async fn count_trends(installation: &Installation) -> Result<(), StoreError> {
    for connection in installation.store.trends_due().await? {
        installation.store.rebuild_due_trends(connection).await?;
    }
    Ok(())
}

async fn match_some(
    installation: &Installation,
    connection: ConnectionId,
) -> Result<(u64, bool), StoreError> {
    let (store, clock) = (installation.store.as_ref(), installation.clock.as_ref());
    let unifier = &installation.unifier;
    without_lease(unifier.match_some(store, clock, connection, None).await)
}

/// How many members a step has matched, and whether there may be more.
fn without_lease(step: Result<MatchStep, store::Fenced>) -> Result<(u64, bool), StoreError> {
    match step {
        Ok(MatchStep::More(members)) => Ok((members, true)),
        // Without a lease none is lost, and nobody asks to stop.
        Ok(MatchStep::Done | MatchStep::Stop) | Err(store::Fenced::LeaseLost) => Ok((0, false)),
        Err(store::Fenced::Store(error)) => Err(error),
    }
}

async fn bar(installation: &Installation, due: &[MatchingDue]) -> Result<ProgressBar, StoreError> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let mut members = 0;
    for of in due {
        let left = match of.pass_done {
            Some(done) => {
                let stored = installation
                    .store
                    .stored_count(of.connection_id, Stream::Users)
                    .await?;
                stored.saturating_sub(done)
            }
            None => 0,
        };
        members += left.max(of.marked);
    }
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
    Ok(ProgressBar::new(members).with_style(style))
}

/// Matches whatever was left, until it is told to stop. What a run under way will match is left to it.
pub(crate) async fn keep_up(installation: Installation, stop: CancellationToken) {
    let work = async {
        loop {
            if let Err(error) = look(&installation).await {
                error!(error = %with_sources(&error), "members cannot be matched; it is tried again");
            }
            installation.clock.sleep(TICK).await;
        }
    };
    // Each page is a transaction of its own, so it can be cut off anywhere.
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

async fn look(installation: &Installation) -> Result<(), StoreError> {
    for due in installation.store.matching_due().await? {
        if due.run_under_way && due.pass_done.is_none() && due.sweep_done.is_none() {
            continue;
        }
        let members = match_connection(installation, due.connection_id).await?;
        info!(connection = %due.connection_id, members, "members were matched");
    }
    count_trends(installation).await
}
