//! The ledger: numbers that must add up are shown adding up.

use domain::{ActivitySource, Ledger, Run, RunState, StreamRun};
use leptos::prelude::*;

use crate::ui::{
    icon::{Icon, icon},
    number::{counted, grouped, share},
    stacked::stacked,
    words,
};

/// The parts of `found`, with their names and classes. Repeated records are named only where there are any.
fn parts(total: Ledger) -> Vec<(&'static str, &'static str, u64)> {
    let mut parts = vec![
        ("New", "new", total.new),
        ("Updated", "updated", total.updated),
        ("Unchanged", "unchanged", total.unchanged),
        ("Invalid", "invalid", total.invalid),
    ];
    if total.repeated > 0 {
        parts.push(("Repeated", "repeated", total.repeated));
    }
    parts
}

pub fn count_strip(run: &Run) -> impl IntoView + use<> {
    let total = run.total();
    let note = match run.state {
        RunState::Queued => "not started",
        RunState::Running => "so far",
        RunState::Failed | RunState::Cancelled => "before it stopped",
        RunState::Completed | RunState::CompletedWithInvalid => "6 objects",
    };
    let bar: Vec<_> = parts(total)
        .into_iter()
        .map(|(_, class, count)| (class, count))
        .collect();
    let terms: Vec<_> = parts(total)
        .into_iter()
        .enumerate()
        .map(|(index, (name, class, count))| {
            let sign = if index == 0 { "=" } else { "+" };
            view! {
                <div class="term">
                    <dt><span class=format!("swatch {class}")></span>{name}</dt>
                    <dd class="figure"><span class="sign" aria-hidden="true">{sign}</span>{grouped(count)}</dd>
                    <dd class="small">{share(count, total.found)}</dd>
                </div>
            }
        })
        .collect();
    view! {
        <section aria-label="Counts">
            <dl class="count-strip">
                <div>
                    <dt>"Found"</dt>
                    <dd class="figure">{grouped(total.found)}</dd>
                    <dd class="small">{note}</dd>
                </div>
                {terms}
            </dl>
            <div class="stacked" inner_html=stacked(&bar)></div>
            {sum(run, total)}
        </section>
    }
}

fn sum(run: &Run, total: Ledger) -> impl IntoView + use<> {
    let terms: Vec<_> = parts(total)
        .into_iter()
        .map(|(_, _, count)| grouped(count))
        .collect();
    let terms = terms.join(" + ");
    let rest = if run.state.is_success() {
        format!(
            "Valid {}, invalid {}.",
            grouped(total.valid()),
            grouped(total.invalid)
        )
    } else {
        "All of it is kept.".to_owned()
    };
    match total.check() {
        Ok(()) => view! {
            <p class="sum ok">
                {icon(Icon::Tick)}
                <span>{format!("The counts add up: {terms} = {}. {rest}", grouped(total.found))}</span>
            </p>
        },
        Err(unbalanced) => view! {
            <p class="sum bad">
                {icon(Icon::CrossOctagon)}
                <span>{format!(
                    "The counts do not add up: {terms} = {}, but {} were found. {}.",
                    grouped(unbalanced.accounted),
                    grouped(unbalanced.found),
                    difference(unbalanced.found, unbalanced.accounted),
                )}</span>
            </p>
        },
    }
}

fn difference(found: u64, accounted: u64) -> String {
    let records = counted(found.abs_diff(accounted), "record", "records");
    if accounted < found {
        format!("{records} missing")
    } else {
        format!("{records} too many")
    }
}

pub fn stream_table(run: &Run) -> impl IntoView + use<> {
    let rows: Vec<_> = run.streams.iter().map(|stream| stream_row(run, stream)).collect();
    let total = run.total();
    let repeated = total.repeated > 0;
    view! {
        <table class=if repeated { "streams wide" } else { "streams" }>
            <caption class="visually-hidden">"Records by object"</caption>
            <thead>
                <tr>
                    <th scope="col">"Object"</th>
                    <th scope="col" class="number">"Found"</th>
                    <th scope="col" class="number">"New"</th>
                    <th scope="col" class="number">"Updated"</th>
                    <th scope="col" class="number">"Unchanged"</th>
                    <th scope="col" class="number">"Invalid"</th>
                    {repeated.then(|| view! { <th scope="col" class="number">"Repeated"</th> })}
                </tr>
            </thead>
            <tbody>
                {rows}
                <tr class="all">
                    <th scope="row">"All"</th>
                    {cells(total, repeated)}
                </tr>
            </tbody>
        </table>
    }
}

fn stream_row(run: &Run, stream: &StreamRun) -> impl IntoView + use<> {
    let repeated = run.total().repeated > 0;
    let cells = match absence(run, stream) {
        None => cells(stream.ledger, repeated).into_any(),
        Some(words) => {
            view! { <td class="number unknown" colspan=if repeated { "6" } else { "5" }>{words}</td> }
                .into_any()
        }
    };
    let stopped =
        run.state == RunState::Failed && run.stage.and_then(domain::Stage::stream) == Some(stream.stream);
    let stopped = stopped.then(
        || view! { " " <span class="stopped">{format!("to page {}", grouped(stream.ledger.pages))}</span> },
    );
    let notes = notes(stream.ledger);
    view! {
        <tr>
            <th scope="row">
                {words::stream(stream.stream)}
                {stopped}
                {(!notes.is_empty()).then(|| view! { <span class="stream-notes">{notes}</span> })}
            </th>
            {cells}
        </tr>
    }
}

/// Why a stream has no numbers: unknown is not zero.
fn absence(run: &Run, stream: &StreamRun) -> Option<&'static str> {
    let reached = stream.started_at.is_some() || stream.ledger.found > 0;
    match (reached, stream.source) {
        (_, ActivitySource::None) if reached || run.state.is_success() => Some("no view source"),
        (false, _) if run.state.is_success() => None,
        (false, _) if run.state.is_over() => Some("not reached"),
        (false, _) => Some("not reached yet"),
        (true, _) => None,
    }
}

fn notes(ledger: Ledger) -> String {
    let notes: Vec<_> = [
        (ledger.refused, "refused by the provider (403)"),
        (ledger.deleted, "marked as deleted"),
        (ledger.late, "late"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{} {words}", grouped(count)))
    .collect();
    notes.join(", ")
}

fn cells(ledger: Ledger, repeated: bool) -> impl IntoView {
    let cell = |name: &'static str, count: u64, class: &'static str| {
        let class = if count == 0 { "number zero" } else { class };
        view! {
            <td class=class data-label=name>
                {grouped(count)}
            </td>
        }
    };
    view! {
        {cell("Found", ledger.found, "number strong")}
        {cell("New", ledger.new, "number")}
        {cell("Updated", ledger.updated, "number")}
        {cell("Unchanged", ledger.unchanged, "number")}
        {cell("Invalid", ledger.invalid, "number some-invalid")}
        {repeated.then(|| cell("Repeated", ledger.repeated, "number"))}
    }
}
