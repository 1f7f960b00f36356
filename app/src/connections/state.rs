//! A card's health: one word with its reason. A box where someone is needed or something moves, else one line.

use chrono::{DateTime, Utc};
use domain::{Cause, FRESHNESS_LIMIT_H, Health, RunState, Stage};
use leptos::prelude::*;

use super::view::{ConnectionCard, CurrentRun, MostInvalid};
use crate::{
    place::Place,
    ui::{
        health::state_word,
        ladder::ladder,
        moment::{self, moment},
        number::{grouped, share},
        problem::turn,
        words,
    },
};

pub fn state(card: &ConnectionCard, as_of: DateTime<Utc>) -> AnyView {
    match (card.health, &card.cause, &card.most_invalid, &card.current) {
        (Health::Failing, Some(cause), ..) => failing(card, cause, as_of).into_any(),
        (Health::Attention, _, Some(most), _) => attention(most).into_any(),
        (Health::Running, _, _, Some(current)) => running(current, as_of).into_any(),
        (health, ..) => line(health, reason(card, as_of)).into_any(),
    }
}

fn line(health: Health, reason: AnyView) -> impl IntoView {
    view! { <p class="health-line">{state_word(health)} <span>{reason}</span></p> }
}

fn reason(card: &ConnectionCard, as_of: DateTime<Utc>) -> AnyView {
    let text = match card.health {
        Health::Healthy => healthy(card),
        Health::Stale => card.last_success_at.map_or_else(
            || "No run has completed yet".to_owned(),
            |at| {
                format!(
                    "No success for {}, limit {FRESHNESS_LIMIT_H} h",
                    moment::rough(as_of - at)
                )
            },
        ),
        Health::NotRunYet => match card.next_sync_at {
            Some(at) => {
                let first = moment::until(at, as_of);
                return view! { "First run starts " {moment(at, first)} ". You need not do anything." }
                    .into_any();
            }
            None => "You need not do anything.".to_owned(),
        },
        Health::Deactivated => match card.deactivated_at {
            Some(at) => {
                let since = moment::day_of_year(at.date_naive(), as_of);
                return view! { "since " {moment(at, since)} ", rows kept" }.into_any();
            }
            None => "rows kept".to_owned(),
        },
        Health::Failing | Health::Attention | Health::Running => String::new(),
    };
    text.into_any()
}

fn healthy(card: &ConnectionCard) -> String {
    let Some(last) = &card.last else {
        return String::new();
    };
    let all = last.valid + last.invalid;
    match (all, last.invalid) {
        (0, _) => "Nothing changed in the last run".to_owned(),
        (_, 0) => format!("All {} records valid", grouped(all)),
        (_, invalid) => {
            format!(
                "{} of {} records invalid ({})",
                grouped(invalid),
                grouped(all),
                share(invalid, all)
            )
        }
    }
}

fn failing(card: &ConnectionCard, cause: &Cause, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    let in_a_row = (card.failures_in_a_row > 1).then(|| format!("{} runs in a row", card.failures_in_a_row));
    let kept = card.last_success_at.map_or_else(String::new, |at| {
        format!(" Stored data is kept, {} old.", moment::rough(as_of - at))
    });
    view! {
        <div class="state-box bad">
            <p class="state-head">{state_word(Health::Failing)} <span>{in_a_row}</span></p>
            <p>{words::sentence(&cause.message)}{kept}</p>
            {turn(cause.owner, &cause.next_action)}
        </div>
    }
}

fn attention(most: &MostInvalid) -> impl IntoView + use<> {
    let stream = words::stream_in_text(most.stream);
    let (invalid, found) = (grouped(most.invalid), grouped(most.found));
    let summary = Place::default().with_run(most.run).href();
    view! {
        <div class="state-box warn">
            <p class="state-head">
                {state_word(Health::Attention)}
                <span>{format!("{} of {stream} invalid", share(most.invalid, most.found))}</span>
            </p>
            <p>{format!("{invalid} of {found} {stream} cannot be stored as they are. They are set aside.")}</p>
            <p class="state-foot">
                <span>"Limit 1 %. Will not heal."</span>
                <a class="button" href=summary data-noscroll="">
                    {format!("See the {invalid} records")}
                </a>
            </p>
        </div>
    }
}

fn running(current: &CurrentRun, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    if current.state == RunState::Queued {
        let asked = moment(current.queued_at, moment::ago(current.queued_at, as_of));
        return view! { <p class="health-line">{state_word(current.state)} <span>"Asked for " {asked} ". Starts when a worker is free."</span></p> }
            .into_any();
    }
    let at = current.stage.unwrap_or(Stage::Connect);
    let total = current.total;
    let counts = [
        ("Found", total.found),
        ("New", total.new),
        ("Updated", total.updated),
        ("Unchanged", total.unchanged),
        ("Invalid", total.invalid),
    ];
    let counts: String = counts
        .map(|(name, count)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", grouped(count)))
        .concat();
    view! {
        <div class="state-box run">
            <p class="state-head">
                {state_word(Health::Running)}
                <span>{format!("{}, stage {} of {}", words::stage(at), at.position(), Stage::ALL.len())}</span>
            </p>
            <div inner_html=ladder(current.state, at)></div>
            <dl class="live" inner_html=counts></dl>
            <p class="small">{pace(current, as_of)}</p>
        </div>
    }
    .into_any()
}

/// `6 min 12 s, 288 requests a minute`.
fn pace(current: &CurrentRun, as_of: DateTime<Utc>) -> String {
    let Some(started) = current.started_at else {
        return String::new();
    };
    let elapsed = as_of - started;
    let seconds = u64::try_from(elapsed.num_seconds()).unwrap_or(0).max(1);
    format!(
        "{}, {} requests a minute",
        moment::length(elapsed),
        grouped(current.requests * 60 / seconds)
    )
}
