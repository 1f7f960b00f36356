use std::process::ExitCode;

use app::ui::{moment::rough, words};
use chrono::{DateTime, Utc};
use domain::{Run, RunId, RunState, StoppedBy, TenantId};
use store::{Cancelling, RunQuery};

use crate::{
    accounts::operator,
    error::CommandError,
    installation::Installation,
    operations::queue::place_all,
    output::{Output, moment, say, table},
};

/// Runs that one listing prints: half a year of one connection.
const LISTED_RUNS: u32 = 200;

pub(crate) async fn list(
    installation: &Installation,
    tenant: Option<&TenantId>,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let connection = match tenant {
        Some(tenant) => Some(installation.connection(tenant).await?.id),
        None => None,
    };
    let query = RunQuery {
        connection,
        offset: 0,
        limit: LISTED_RUNS,
    };
    let mut page = installation.store.runs(&query).await?;
    let now = installation.clock.now();
    place_all(installation.store.as_ref(), &mut page.runs, now).await?;
    if page.total > u64::from(LISTED_RUNS) {
        say(&format!("The newest {LISTED_RUNS} of {} runs:", page.total));
    }
    output.data(&page.runs, |runs| listing(runs, now))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn show(
    installation: &Installation,
    id: RunId,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let run = find(installation, id).await?;
    print(installation, run, output).await?;
    Ok(ExitCode::SUCCESS)
}

/// Asks a run to stop, and prints it as it stands then. One that is over stays as it is.
pub(crate) async fn cancel(
    installation: &Installation,
    id: RunId,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let by = operator(installation.clock.now());
    let asked = installation.store.cancel(id, StoppedBy::Operator, &by).await?;
    let run = find(installation, id).await?;
    let kept = words::kept(&run);
    print(installation, run, output).await?;
    match asked {
        Cancelling::Cancelled => say(&format!("Run {id} is cancelled. {kept}")),
        Cancelling::Asked => say(&format!(
            "Run {id} is asked to stop, and ends at its next page within 5 s. See how with: tributary run show {id}"
        )),
        Cancelling::Over(state) => {
            return Err(CommandError::failed(
                format!(
                    "run {id} is over already ({}), so nothing was changed",
                    state.as_str()
                ),
                "Nothing to do.",
            ));
        }
        Cancelling::NoSuchRun => return Err(no_run(id)),
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(installation: &Installation, id: RunId) -> Result<Run, CommandError> {
    let run = installation.store.run(id).await?;
    run.ok_or_else(|| no_run(id))
}

fn no_run(id: RunId) -> CommandError {
    CommandError::failed(
        format!("there is no run {id}"),
        "See which there are with: tributary runs",
    )
}

/// A run as it stands, with its place if it waits.
pub(crate) async fn print(
    installation: &Installation,
    mut run: Run,
    output: Output,
) -> Result<(), CommandError> {
    let now = installation.clock.now();
    place_all(installation.store.as_ref(), [&mut run], now).await?;
    output.data(&run, |run| describe(run, now))
}

/// How a run stands beyond its state: what it waits for, or that it is to stop.
fn standing(run: &Run, now: DateTime<Utc>) -> Option<String> {
    let progress = &run.progress;
    if let Some(who) = progress.stopped_by {
        let who = words::stopped_by(who);
        return Some(if run.state == RunState::Cancelled {
            who.to_owned()
        } else {
            format!("asked to stop {who}")
        });
    }
    if let Some(left) = progress.provider_wait_left(now) {
        return Some(format!(
            "waits for the provider, {} s left",
            left.num_seconds().max(1)
        ));
    }
    progress
        .queue
        .as_ref()
        .map(|queue| format!("place {} of {}", queue.place, queue.waiting))
}

fn listing(runs: &[Run], now: DateTime<Utc>) -> String {
    if runs.is_empty() {
        return "No run yet.".to_owned();
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let total = run.total();
            vec![
                run.id.to_string(),
                run.tenant_id.clone(),
                run.trigger.as_str().to_owned(),
                run.state.as_str().to_owned(),
                moment(run.started_at.or(Some(run.queued_at))),
                total.valid().to_string(),
                total.invalid.to_string(),
                run.cause
                    .as_ref()
                    .map(|cause| cause.message.clone())
                    .or_else(|| standing(run, now))
                    .unwrap_or_default(),
            ]
        })
        .collect();
    table(
        &[
            "RUN", "TENANT", "TRIGGER", "STATE", "STARTED", "VALID", "INVALID", "NOTE",
        ],
        &rows,
    )
}

/// A run with its ledger, for people.
pub(crate) fn describe(run: &Run, now: DateTime<Utc>) -> String {
    let stage = run.stage.map_or("–", |stage| stage.as_str());
    let mut lines = vec![
        format!("Run       {}", run.id),
        format!("Tenant    {}", run.tenant_id),
        format!("State     {}, stage {stage}", run.state.as_str()),
        format!("Trigger   {}, {}", run.trigger.as_str(), run.mode.as_str()),
        format!("Started   {}", moment(run.started_at)),
        format!("Finished  {}", moment(run.finished_at)),
        format!("Requests  {}, attempts {}", run.requests, run.attempts),
    ];
    lines.extend(comes_along(run, now));
    if let Some(cause) = &run.cause {
        lines.push(format!("Cause     {} ({})", cause.message, cause.code));
        lines.push(format!("Next      {}", cause.next_action));
    }
    let rows: Vec<Vec<String>> = run
        .streams
        .iter()
        .map(|stream| {
            let ledger = stream.ledger;
            let counts = [
                ledger.found,
                ledger.new,
                ledger.updated,
                ledger.unchanged,
                ledger.invalid,
                ledger.repeated,
                ledger.deleted,
                ledger.late,
                ledger.refused,
                ledger.pages,
            ];
            let mut row = vec![stream.stream.to_string()];
            row.extend(counts.iter().map(u64::to_string));
            row.push(stream.source.as_str().to_owned());
            row
        })
        .collect();
    let head = [
        "STREAM",
        "FOUND",
        "NEW",
        "UPDATED",
        "UNCHANGED",
        "INVALID",
        "REPEATED",
        "DELETED",
        "LATE",
        "REFUSED",
        "PAGES",
        "SOURCE",
    ];
    lines.push(String::new());
    lines.push(table(&head, &rows));
    lines.join("\n")
}

/// What is known of a run that is not over, and why a cancelled one is.
fn comes_along(run: &Run, now: DateTime<Utc>) -> Vec<String> {
    let progress = &run.progress;
    let mut lines = Vec::new();
    if let Some(queue) = &progress.queue {
        let start = queue.expected_start_at;
        let start = start.map_or_else(
            || "not known".to_owned(),
            |at| format!("about {}", moment(Some(at))),
        );
        lines.push(format!(
            "Queue     place {} of {}, starts {start}. {}",
            queue.place, queue.waiting, queue.why
        ));
    }
    if progress.queue.is_none()
        && let Some(standing) = standing(run, now)
    {
        lines.push(format!("Standing  {standing}"));
    }
    if run.state == RunState::Cancelled {
        lines.push(format!("Kept      {}", words::kept(run)));
    }
    if let Some(pace) = progress.requests_per_minute {
        lines.push(format!("Pace      {pace} requests a minute"));
    }
    if let Some(at) = progress.stage_ends_at.filter(|at| *at > now) {
        lines.push(format!("Stage     ends in about {}", rough(at - now)));
    }
    lines
}
