//! A card's health: one word with its reason. A box where someone is needed or something moves, else one line.

use chrono::{DateTime, Utc};
use domain::{Cause, ConnectionId, FRESHNESS_LIMIT_H, Health, RunState, Stage};
use leptos::prelude::*;

use super::{
    action::Actions,
    menu::cancel_form,
    view::{ConnectionCard, CurrentRun, MostInvalid},
};
use crate::{
    place::Place,
    ui::{
        health::{CANCELLING, state_word},
        ladder::ladder,
        moment::{self, moment},
        number::{grouped, share},
        problem::turn,
        words,
    },
};

pub fn state(card: &ConnectionCard, as_of: DateTime<Utc>, actions: Actions) -> AnyView {
    match (card.health, &card.cause, &card.most_invalid, &card.current) {
        (Health::Failing, Some(cause), ..) => failing(card, cause, as_of).into_any(),
        (Health::Attention, _, Some(most), _) => attention(most).into_any(),
        (Health::Running, _, _, Some(current)) if current.state == RunState::Queued => {
            queued(card.id, current, as_of, actions).into_any()
        }
        (Health::Running, _, _, Some(current)) => running(card.id, current, as_of, actions).into_any(),
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

fn queued(
    id: ConnectionId,
    current: &CurrentRun,
    as_of: DateTime<Utc>,
    actions: Actions,
) -> impl IntoView + use<> {
    let asked = moment(current.queued_at, moment::ago(current.queued_at, as_of));
    let (place, why) = current.progress.queue.as_ref().map_or_else(
        || (String::new(), "Starts when a worker is free.".to_owned()),
        |queue| (words::place(queue, as_of), queue.why.clone()),
    );
    view! {
        <div class="state-box run">
            <p class="state-head">{state_word(current.state)} <span>"Asked for " {asked}</span></p>
            <p>{place} " " {why}</p>
            <div class="state-foot">{cancel_form(id, current.id, actions)}</div>
        </div>
    }
}

fn running(
    id: ConnectionId,
    current: &CurrentRun,
    as_of: DateTime<Utc>,
    actions: Actions,
) -> impl IntoView + use<> {
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
    let word = if current.progress.stopped_by.is_some() {
        CANCELLING
    } else {
        Health::Running.into()
    };
    view! {
        <div class="state-box run">
            <p class="state-head">
                {state_word(word)}
                <span>{format!("{}, stage {} of {}", words::stage(at), at.position(), Stage::ALL.len())}</span>
            </p>
            <div inner_html=ladder(current.state, at)></div>
            <dl class="live" inner_html=counts></dl>
            {foot(id, current, as_of, actions)}
        </div>
    }
}

/// How fast it goes and what it waits for, with the way to stop it; or that it is about to stop.
fn foot(
    id: ConnectionId,
    current: &CurrentRun,
    as_of: DateTime<Utc>,
    actions: Actions,
) -> impl IntoView + use<> {
    if let Some(who) = current.progress.stopped_by {
        let words = format!(
            "Asked to stop {}. It ends at its next page; what is stored is kept.",
            words::stopped_by(who)
        );
        return view! { <p class="small">{words}</p> }.into_any();
    }
    view! {
        <div class="state-foot">
            <p class="small">{pace(current, as_of)}</p>
            {cancel_form(id, current.id, actions)}
        </div>
    }
    .into_any()
}

/// `6 min 12 s, 288 requests a minute, this stage about 3 min more`; or `6 min 12 s, waits for the provider, 42 s left`.
fn pace(current: &CurrentRun, as_of: DateTime<Utc>) -> String {
    let Some(started) = current.started_at else {
        return String::new();
    };
    let elapsed = as_of - started;
    let mut parts = vec![moment::length(elapsed)];
    if let Some(wait) = words::provider_wait(&current.progress, as_of) {
        parts.push(wait);
        return parts.join(", ");
    }
    let on_average = || {
        let seconds = u64::try_from(elapsed.num_seconds()).unwrap_or(0).max(1);
        current.requests * 60 / seconds
    };
    let per_minute = current.progress.requests_per_minute.unwrap_or_else(on_average);
    parts.push(format!("{} requests a minute", grouped(per_minute)));
    parts.extend(words::stage_left(&current.progress, as_of));
    parts.join(", ")
}
