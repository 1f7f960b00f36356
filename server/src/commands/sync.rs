//! `tributary sync`: one run in the foreground.

use std::{process::ExitCode, time::Duration};

use app::ui::words;
use chrono::{DateTime, Utc};
use domain::{Connection, Extent, Mode, Run, RunId, Trigger};
use store::{ClaimedRun, Enqueued, Fenced, NewRun};
use sync::{Execution, Signals};
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::operator,
    cli::SyncTenant,
    commands::runs::{describe, print},
    error::{CommandError, Exit},
    installation::Installation,
    lifecycle::drain_deadline,
    output::{Output, say, say_error},
    progress::Progress,
    worker::{executor::Executor, scheduler::extent_of_next_run},
};

/// How often a run under way elsewhere is looked at: often against the third of a lease at which it is renewed.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What the wish to sync came to.
enum Turn {
    Ours(Box<ClaimedRun>),
    /// Another worker renewed its lease: it is alive.
    Busy(RunId),
    Stopped,
}

pub(crate) async fn run(
    installation: &Installation,
    options: &SyncTenant,
    output: Output,
    stop: CancellationToken,
) -> Result<ExitCode, CommandError> {
    let connection = installation.connection(&options.tenant).await?;
    let executor = Executor::new(installation, options.sync.settings())?;
    let extent = if options.full {
        Extent {
            mode: Mode::Full,
            all_replies: options.replies,
        }
    } else {
        let store = installation.store.as_ref();
        extent_of_next_run(store, connection.id, options.sync.full_every).await?
    };
    match take_turn(&executor, &connection, extent, &stop).await? {
        Turn::Ours(claimed) => execute(&executor, &claimed, output, &stop).await,
        Turn::Busy(run) => {
            let error = CommandError::failed(
                format!(
                    "{} is busy: run {run} is under way in another process",
                    connection.tenant_id
                ),
                format!("Wait for it: tributary run show {run}"),
            );
            print_run(installation, run, output).await?;
            Ok(say_error(&error))
        }
        Turn::Stopped => Ok(say_error(&stopped(&connection))),
    }
}

/// Queues a run and takes it up; or takes up one that is under way and has lost its worker.
async fn take_turn(
    executor: &Executor,
    connection: &Connection,
    extent: Extent,
    stop: &CancellationToken,
) -> Result<Turn, CommandError> {
    let installation = &executor.installation;
    let mut told = None;
    loop {
        let now = installation.clock.now();
        let new = NewRun {
            id: installation.ids.run_id(now),
            connection_id: connection.id,
            trigger: Trigger::Manual,
            extent,
            queued_at: now,
        };
        let id = match installation.store.enqueue(&new, Some(&operator(now))).await? {
            Enqueued::Queued => new.id,
            Enqueued::UnderWay(id) => id,
            Enqueued::Deactivated => return Err(deactivated(connection)),
        };
        if id != new.id && told != Some(id) {
            say(&format!(
                "Run {id} is under way. Waiting to see whether its worker is alive …"
            ));
            told = Some(id);
        }
        if let Some(turn) = wait_for_turn(executor, id, stop).await? {
            return Ok(turn);
        }
        // The run ended while it was watched, so the next round queues one of our own.
    }
}

/// Takes the run up as soon as it is free. `None` if it is over.
async fn wait_for_turn(
    executor: &Executor,
    id: RunId,
    stop: &CancellationToken,
) -> Result<Option<Turn>, CommandError> {
    let installation = &executor.installation;
    let mut first_seen: Option<DateTime<Utc>> = None;
    loop {
        if let Some(claimed) = executor.claim(Some(id)).await? {
            return Ok(Some(Turn::Ours(Box::new(claimed))));
        }
        let over = installation
            .store
            .run(id)
            .await?
            .is_none_or(|run| run.state.is_over());
        if over {
            return Ok(None);
        }
        let expires_at = installation.store.lease_expires_at(id).await?;
        if let (Some(first), Some(now)) = (first_seen, expires_at)
            && now > first
        {
            return Ok(Some(Turn::Busy(id)));
        }
        first_seen = first_seen.or(expires_at);
        tokio::select! {
            () = stop.cancelled() => return Ok(Some(Turn::Stopped)),
            () = installation.clock.sleep(LOOK_INTERVAL) => {}
        }
    }
}

async fn execute(
    executor: &Executor,
    claimed: &ClaimedRun,
    output: Output,
    stop: &CancellationToken,
) -> Result<ExitCode, CommandError> {
    let installation = &executor.installation;
    let id = claimed.run.id;
    say(&format!("Run {id} of {} started.", claimed.run.tenant_id));
    let progress = Progress::start(installation, &claimed.run);
    let signals = Signals::new(stop);
    let execution = tokio::select! {
        execution = executor.execute(claimed, &signals) => Some(execution),
        // A provider that does not answer must not hold the end up.
        () = drain_deadline(stop) => None,
    };
    progress.end();
    let Some(execution) = execution else {
        return Ok(say_error(&CommandError::failed(
            format!("run {id} did not reach a page boundary in time and was left"),
            format!(
                "Go on from its last page, as soon as its lease has run out, with: tributary sync {}",
                claimed.run.tenant_id
            ),
        )));
    };
    match execution {
        Ok(Execution::Ended(run)) => {
            output.data(run.as_ref(), |run| describe(run, installation.clock.now()))?;
            Ok(outcome(&run))
        }
        Ok(Execution::Released | Execution::GaveWay) => {
            print_run(installation, id, output).await?;
            Ok(say_error(&CommandError::failed(
                format!("run {id} was stopped at a page boundary and is queued again"),
                format!(
                    "Go on from its last page with: tributary sync {}",
                    claimed.run.tenant_id
                ),
            )))
        }
        Err(Fenced::LeaseLost) => {
            print_run(installation, id, output).await?;
            Ok(say_error(&CommandError::failed(
                format!("run {id} was taken up by another worker, or is over"),
                format!("See how it stands: tributary run show {id}"),
            )))
        }
        Err(Fenced::Store(error)) => Err(error.into()),
    }
}

/// The exit code of a run that is over, and what to do about one that failed.
fn outcome(run: &Run) -> ExitCode {
    let total = run.total();
    if run.state.is_success() {
        say(&format!(
            "Run {} is complete: {} records valid, {} set aside as invalid.",
            run.id,
            total.valid(),
            total.invalid
        ));
        return ExitCode::SUCCESS;
    }
    let stage = run.stage.map_or("the start", |stage| stage.as_str());
    let error = match &run.cause {
        Some(cause) => CommandError::failed(
            format!(
                "the sync of {} failed at {stage}: {}",
                run.tenant_id, cause.message
            ),
            cause.next_action.clone(),
        ),
        None => CommandError::failed(
            format!("the sync of {} was cancelled at {stage}", run.tenant_id),
            format!("{} Sync again when the connection is active.", words::kept(run)),
        ),
    };
    say(&error.to_string());
    Exit::Failed.into()
}

async fn print_run(installation: &Installation, id: RunId, output: Output) -> Result<(), CommandError> {
    match installation.store.run(id).await? {
        Some(run) => print(installation, run, output).await,
        None => Ok(()),
    }
}

fn deactivated(connection: &Connection) -> CommandError {
    CommandError::failed(
        format!(
            "{} is deactivated, so nothing was asked of its provider",
            connection.tenant_id
        ),
        format!(
            "Let it sync again with: tributary connection activate {}",
            connection.tenant_id
        ),
    )
}

fn stopped(connection: &Connection) -> CommandError {
    CommandError::failed(
        "stopped while waiting for the run under way",
        format!("Sync again with: tributary sync {}", connection.tenant_id),
    )
}
