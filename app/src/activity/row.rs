//! One run in the log: when, how long, how far, and if it failed why and whose turn it is.

use chrono::{DateTime, Utc};
use domain::{Cause, Owner, RunState};
use leptos::prelude::*;

use super::view::LogRow;
use crate::{
    place::Place,
    ui::{
        command,
        health::state_word,
        ladder::ladder,
        moment::{self, moment},
        number::{counted, grouped},
        words,
    },
};

pub fn log_row(row: &LogRow, all: bool, listed_at: DateTime<Utc>, place: Place) -> impl IntoView + use<> {
    let started = row.started_at.unwrap_or(row.queued_at);
    let when = moment::day_time(started, listed_at);
    let label = format!("Summary of {}, {when}", row.connection.name);
    let summary = place.with_run(row.run).href();
    let connection = all.then(|| {
        view! {
            <td class="who">
                <strong>{row.connection.name.clone()}</strong> " " <code>{row.connection.tenant_id.clone()}</code>
            </td>
        }
    });
    let relative = (!all).then(|| view! { " " <span class="small">{moment::ago(started, listed_at)}</span> });
    let invalid = if row.invalid > 0 {
        "number some-invalid"
    } else {
        "number"
    };
    view! {
        <tr>
            <th scope="row" class="when">{moment(started, when)}{relative}</th>
            {connection}
            <td class="why">{words::trigger(row.trigger, row.mode)}</td>
            <td class="number took">{took(row, listed_at)}</td>
            <td class="status">{status(row, all)}</td>
            <td class="number" data-label="Found">{grouped(row.found)}</td>
            <td class="number" data-label="Valid">{grouped(row.valid)}</td>
            <td class=invalid data-label="Invalid">{grouped(row.invalid)}</td>
            <td class="go">
                <a href=summary data-noscroll="" aria-label=label>
                    "Summary"
                </a>
            </td>
        </tr>
    }
}

fn took(row: &LogRow, listed_at: DateTime<Utc>) -> String {
    row.started_at.map_or_else(
        || "–".to_owned(),
        |started| moment::length(row.finished_at.unwrap_or(listed_at) - started),
    )
}

fn status(row: &LogRow, all: bool) -> impl IntoView + use<> {
    let unfinished = matches!(row.state, RunState::Running | RunState::Failed);
    let steps = row
        .stage
        .filter(|_| unfinished)
        .map(|stage| ladder(row.state, stage));
    view! {
        <p class="status-line">
            {state_word(row.state)} <span>{reached(row, all)}</span> {steps}
        </p>
        {row.cause.as_ref().map(why)}
    }
}

fn reached(row: &LogRow, all: bool) -> String {
    let stage = row.stage.map(words::stage_of_all);
    match row.state {
        RunState::Queued => "Waits for a worker".to_owned(),
        RunState::Running => stage.unwrap_or_default(),
        RunState::Failed => stage.map_or_else(String::new, |stage| format!("at {stage}")),
        RunState::Cancelled => stage.map_or_else(
            || "before it started".to_owned(),
            |stage| format!("at {stage}. Everything read so far is kept."),
        ),
        RunState::CompletedWithInvalid if all => format!("{} invalid", grouped(row.invalid)),
        RunState::CompletedWithInvalid => format!("{} invalid", counted(row.invalid, "record", "records")),
        RunState::Completed if row.changed == 0 => "Nothing changed".to_owned(),
        RunState::Completed => String::new(),
    }
}

fn why(cause: &Cause) -> impl IntoView + use<> {
    let turn = match (cause.owner, command::split(&cause.next_action)) {
        (Owner::You, (_, Some(_))) => "Your turn: the Summary has the command.".to_owned(),
        (Owner::You, (next, None)) => format!("Your turn: {}", words::lower_first(next)),
        (Owner::Provider, _) => "The provider's turn.".to_owned(),
        (Owner::Us, _) => "Our turn.".to_owned(),
    };
    view! { <p class="cause">{words::sentence(&cause.message)} " " {words::sentence(&turn)}</p> }
}
