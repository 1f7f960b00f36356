//! One run in the log: when, how long, how far, and if it failed why and whose turn it is.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use domain::{Cause, Owner, RunState};

use super::view::LogRow;
use crate::{
    place::Place,
    ui::{
        command,
        health::{CANCELLING, state_markup},
        ladder::ladder,
        markup::Text,
        moment::{self, moment_markup},
        number::{counted, grouped},
        words,
    },
};

/// The row as markup: rows never react, and there are many.
pub fn log_row(row: &LogRow, all: bool, listed_at: DateTime<Utc>, place: Place) -> String {
    let started = row.started_at.unwrap_or(row.queued_at);
    let when = moment::day_time(started, listed_at);
    let name = Text(&row.connection.name);
    let mut html = format!(
        r#"<tr><th scope="row" class="when">{}"#,
        moment_markup(started, &when)
    );
    let _ = if all {
        let tenant = Text(&row.connection.tenant_id);
        write!(
            html,
            r#"</th><td class="who"><strong>{name}</strong> <code>{tenant}</code></td>"#
        )
    } else {
        write!(
            html,
            r#" <span class="small">{}</span></th>"#,
            moment::ago(started, listed_at)
        )
    };
    let _ = write!(
        html,
        r#"<td class="why">{}</td><td class="number took">{}</td><td class="status">{}</td>{}{}{}<td class="go"><a href="{}" data-noscroll aria-label="Summary of {name}, {when}">Summary</a></td></tr>"#,
        words::trigger(row.trigger, row.mode),
        took(row, listed_at),
        status(row, all, listed_at),
        number("Found", row.found, ""),
        number("Valid", row.valid, ""),
        number(
            "Invalid",
            row.invalid,
            if row.invalid > 0 { " some-invalid" } else { "" }
        ),
        Text(&place.with_run(row.run).href()),
    );
    html
}

fn number(name: &str, count: u64, class: &str) -> String {
    format!(
        r#"<td class="number{class}" data-label="{name}">{}</td>"#,
        grouped(count)
    )
}

fn took(row: &LogRow, listed_at: DateTime<Utc>) -> String {
    row.started_at.map_or_else(
        || "–".to_owned(),
        |started| moment::length(row.finished_at.unwrap_or(listed_at) - started),
    )
}

fn status(row: &LogRow, all: bool, listed_at: DateTime<Utc>) -> String {
    let unfinished = matches!(row.state, RunState::Running | RunState::Failed);
    let steps = row
        .stage
        .filter(|_| unfinished)
        .map(|stage| ladder(row.state, stage));
    format!(
        r#"<p class="status-line">{}<span>{}</span>{}</p>{}"#,
        word(row),
        reached(row, all, listed_at),
        steps.unwrap_or_default(),
        row.cause.as_ref().map(why).unwrap_or_default(),
    )
}

fn word(row: &LogRow) -> String {
    if !row.state.is_over() && row.progress.stopped_by.is_some() {
        state_markup(CANCELLING)
    } else {
        state_markup(row.state)
    }
}

fn reached(row: &LogRow, all: bool, listed_at: DateTime<Utc>) -> String {
    let stage = row.stage.map(words::stage_of_all);
    match row.state {
        RunState::Queued => row.progress.queue.as_ref().map_or_else(
            || "Waits for a worker".to_owned(),
            |queue| format!("{} {}", words::place(queue, listed_at), queue.why),
        ),
        RunState::Running => {
            let wait = words::provider_wait(&row.progress, listed_at);
            stage.into_iter().chain(wait).collect::<Vec<_>>().join(", ")
        }
        RunState::Failed => stage.map_or_else(String::new, |stage| format!("at {stage}")),
        RunState::Cancelled => {
            let who = row.progress.stopped_by.map(words::stopped_by);
            let at = stage.map_or_else(|| "before it started".to_owned(), |stage| format!("at {stage}"));
            let how = who.map(str::to_owned).into_iter().chain([at]);
            let kept = row.kept.as_deref().unwrap_or_default();
            format!("{}. {kept}", how.collect::<Vec<_>>().join(" "))
        }
        RunState::CompletedWithInvalid if all => format!("{} invalid", grouped(row.invalid)),
        RunState::CompletedWithInvalid => format!("{} invalid", counted(row.invalid, "record", "records")),
        RunState::Completed if row.changed == 0 => "Nothing changed".to_owned(),
        RunState::Completed => String::new(),
    }
}

fn why(cause: &Cause) -> String {
    let turn = match (cause.owner, command::split(&cause.next_action)) {
        (Owner::You, (_, Some(_))) => "Your turn: the Summary has the command.".to_owned(),
        (Owner::You, (next, None)) => format!("Your turn: {}", words::lower_first(next)),
        (Owner::Provider, _) => "The provider's turn.".to_owned(),
        (Owner::Us, _) => "Our turn.".to_owned(),
    };
    format!(
        r#"<p class="cause">{} {}</p>"#,
        Text(&words::sentence(&cause.message)),
        Text(&words::sentence(&turn))
    )
}
