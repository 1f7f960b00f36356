//! One connection.

use chrono::{DateTime, Utc};
use domain::{Health, RunState};
use leptos::prelude::*;

use super::{
    action::Actions,
    menu::{activate_form, menu},
    state::state,
    strip::strip,
    view::{CardCounts, ConnectionCard, LastRun},
};
use crate::{
    place::Place,
    ui::{
        icon::{Icon, icon},
        moment::{self, moment},
        number::grouped,
        words,
    },
};

pub fn card(card: &ConnectionCard, as_of: DateTime<Utc>, actions: Actions) -> impl IntoView + use<> {
    let id = card.id;
    let heading = format!("c-{id}");
    let off = card.health == Health::Deactivated;
    view! {
        <li class=if off { "card off" } else { "card" }>
            <div class="card-head">
                <span class="tile" aria-hidden="true">
                    {tile(card)}
                </span>
                <div class="card-title">
                    <h2 id=heading>{card.name.clone()}</h2>
                    <p>
                        <code>{card.tenant_id.clone()}</code>
                        {place_of(card)}
                    </p>
                </div>
                {menu(card, actions)}
            </div>
            <div class="card-state">
                {state(card, as_of)}
                {off.then(|| activate_form(id, actions, "button"))}
                {move || actions.failure(id)}
            </div>
            {times(card, as_of)}
            <div class="card-strip">
                <p>
                    <span>"Last 14 days"</span>
                    <span>{last_run(card)}</span>
                </p>
                {strip(&card.strip)}
            </div>
            {counts(&card.counts)}
            {foot(card)}
        </li>
    }
}

fn tile(card: &ConnectionCard) -> String {
    card.language
        .clone()
        .unwrap_or_else(|| card.tenant_id.chars().take(2).collect())
        .to_uppercase()
}

/// ` · French · EU`
fn place_of(card: &ConnectionCard) -> String {
    let language = card.language.as_deref().map(words::language);
    language
        .iter()
        .chain(card.region.iter())
        .fold(String::new(), |text, part| format!("{text} · {part}"))
}

fn times(card: &ConnectionCard, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    let last = card.last_success_at.map_or_else(
        || view! { "None yet" }.into_any(),
        |at| moment(at, moment::ago(at, as_of)).into_any(),
    );
    let (next, note) = match card.next_sync_at {
        Some(at) => (
            moment(at, moment::until(at, as_of)).into_any(),
            format!("Daily at {} UTC, set by the system", card.sync_time),
        ),
        None => (view! { "None" }.into_any(), "Syncing is off".to_owned()),
    };
    view! {
        <dl class="card-times">
            <div>
                <dt>"Last success"</dt>
                <dd>{last}</dd>
            </div>
            <div>
                <dt>"Next sync"</dt>
                <dd>{next}</dd>
                <dd class="small">{note}</dd>
            </div>
        </dl>
    }
}

fn last_run(card: &ConnectionCard) -> String {
    if let Some(current) = &card.current {
        let total = current.total;
        return match current.state {
            RunState::Queued => "Queued".to_owned(),
            _ => format!(
                "{} valid, {} invalid so far",
                grouped(total.valid()),
                grouped(total.invalid)
            ),
        };
    }
    card.last.as_ref().map_or_else(|| "No run yet".to_owned(), ended)
}

fn ended(last: &LastRun) -> String {
    let at = |words: &str| {
        last.stage.map_or_else(
            || format!("Last run: {words}"),
            |stage| format!("Last run: {words} at {}", words::stage(stage)),
        )
    };
    match last.state {
        RunState::Failed => at("failed"),
        RunState::Cancelled => at("cancelled"),
        _ => format!(
            "Last run: {} valid, {} invalid",
            grouped(last.valid),
            grouped(last.invalid)
        ),
    }
}

fn counts(counts: &CardCounts) -> impl IntoView + use<> {
    let number = |name: &'static str, count: u64| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd>{grouped(count)}</dd>
            </div>
        }
    };
    // Unknown is not zero.
    let views = match (counts.activity, counts.activity_source) {
        (Some(count), _) => view! { <dd>{grouped(count)}</dd> }.into_any(),
        (None, Some(_)) => view! { <dd class="unknown">"no view source"</dd> }.into_any(),
        (None, None) => view! { <dd class="unknown">"not known yet"</dd> }.into_any(),
    };
    view! {
        <dl class="counts">
            {number("Users", counts.users)} {number("Topics", counts.topics)} {number("Replies", counts.replies)}
            {number("Categories", counts.categories)} {number("Idea statuses", counts.idea_statuses)}
            <div>
                <dt>"Views"</dt>
                {views}
            </div>
        </dl>
    }
}

fn foot(card: &ConnectionCard) -> impl IntoView + use<> {
    let log = Place::log(Some(card.id)).href();
    let label = format!("View Activity of {}", card.name);
    view! {
        <div class="card-foot">
            <button
                class="switch"
                type="button"
                role="switch"
                aria-checked="true"
                aria-disabled="true"
                aria-describedby="always-on"
                aria-label="Sync Users Data"
            >
                {icon(Icon::Lock)}
            </button>
            <span class="switch-label">"Sync Users Data" <span>", always on"</span></span>
            <button class="icon-button" type="button" popovertarget="always-on" aria-label="Why Sync Users Data is always on">
                {icon(Icon::Info)}
            </button>
            <a href=log aria-label=label>
                "View Activity"
            </a>
        </div>
    }
}
