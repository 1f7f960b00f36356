use std::process::ExitCode;

use domain::{Run, RunId, TenantId};
use store::RunQuery;

use crate::{
    error::CommandError,
    installation::Installation,
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
    let page = installation.store.runs(&query).await?;
    if page.total > u64::from(LISTED_RUNS) {
        say(&format!("The newest {LISTED_RUNS} of {} runs:", page.total));
    }
    output.data(&page.runs, |runs| listing(runs))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn show(
    installation: &Installation,
    id: RunId,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let run = installation.store.run(id).await?.ok_or_else(|| {
        CommandError::failed(
            format!("there is no run {id}"),
            "See which there are with: tributary runs",
        )
    })?;
    output.data(&run, describe)?;
    Ok(ExitCode::SUCCESS)
}

fn listing(runs: &[Run]) -> String {
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
                    .unwrap_or_default(),
            ]
        })
        .collect();
    table(
        &[
            "RUN", "TENANT", "TRIGGER", "STATE", "STARTED", "VALID", "INVALID", "CAUSE",
        ],
        &rows,
    )
}

/// A run with its ledger, for people.
pub(crate) fn describe(run: &Run) -> String {
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
