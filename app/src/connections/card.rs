//! One connection. Only its menu and its state react; the rest is markup.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use domain::{ActivitySource, Health, RunState};
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
    ui::{icon::Icon, markup::Text, moment::Relative, number::grouped, words},
};

pub fn card(card: &ConnectionCard, as_of: DateTime<Utc>, actions: Actions) -> impl IntoView + use<> {
    let id = card.id;
    let off = card.health == Health::Deactivated;
    view! {
        <li class=if off { "card off" } else { "card" }>
            <div class="card-head">
                <div class="card-id" inner_html=head(card)></div>
                {menu(card, actions)}
            </div>
            <div class="card-state">
                {state(card, as_of, actions)} {off.then(|| activate_form(id, actions, "button"))}
                {move || actions.failure(id)}
            </div>
            <dl class="card-times" inner_html=times(card, as_of)></dl>
            <div class="card-strip" inner_html=days(card)></div>
            <dl class="counts" inner_html=counts(&card.counts)></dl>
            <div class="card-foot" inner_html=foot(card)></div>
        </li>
    }
}

fn head(card: &ConnectionCard) -> String {
    format!(
        r#"<span class="tile" aria-hidden="true">{}</span><div class="card-title"><h2>{}</h2><p><code>{}</code>{}</p></div>"#,
        Text(&tile(card)),
        Text(&card.name),
        Text(&card.tenant_id),
        Text(&place_of(card)),
    )
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

fn times(card: &ConnectionCard, as_of: DateTime<Utc>) -> String {
    let last = card
        .last_success_at
        .map_or_else(|| "None yet".to_owned(), |at| Relative::Ago.markup(at, as_of));
    let (next, note) = match card.next_sync_at {
        Some(at) => (
            Relative::Until.markup(at, as_of),
            format!("Daily at {} UTC, set by the system", card.sync_time),
        ),
        None => ("None".to_owned(), "Syncing is off".to_owned()),
    };
    format!(
        r#"<div><dt>Last success</dt><dd>{last}</dd></div><div><dt>Next sync</dt><dd>{next}</dd><dd class="small">{note}</dd></div>"#
    )
}

fn days(card: &ConnectionCard) -> String {
    format!(
        "<p><span>Last 14 days</span><span>{}</span></p>{}",
        last_run(card),
        strip(&card.strip)
    )
}

fn last_run(card: &ConnectionCard) -> String {
    if let Some(current) = &card.current {
        let total = current.total;
        return match current.state {
            _ if current.progress.stopped_by.is_some() => "Cancelling".to_owned(),
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

fn counts(counts: &CardCounts) -> String {
    // Unknown is not zero.
    let views = match (counts.activity, counts.activity_source) {
        (Some(count), _) => format!("<dd>{}</dd>", grouped(count)),
        (None, Some(_)) => r#"<dd class="unknown">no view source</dd>"#.to_owned(),
        (None, None) => r#"<dd class="unknown">not known yet</dd>"#.to_owned(),
    };
    let stored = [
        ("Users", counts.users),
        ("Topics", counts.topics),
        ("Replies", counts.replies),
        ("Categories", counts.categories),
        ("Idea statuses", counts.idea_statuses),
    ];
    let mut html = String::with_capacity(400);
    for (name, count) in stored {
        let _ = write!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", grouped(count));
    }
    let name = match counts.activity_source {
        Some(ActivitySource::Import) => "Views, imported",
        _ => "Views",
    };
    let _ = write!(html, "<div><dt>{name}</dt>{views}</div>");
    html
}

fn foot(card: &ConnectionCard) -> String {
    format!(
        r#"<button class="switch" type="button" role="switch" aria-checked="true" aria-disabled="true" aria-describedby="always-on" aria-label="Sync Users Data">{}</button><span class="switch-label">Sync Users Data<span>, always on</span></span><button class="icon-button" type="button" popovertarget="always-on" aria-label="Why Sync Users Data is always on">{}</button><a href="{}" aria-label="View Activity of {}">View Activity</a>"#,
        Icon::Lock,
        Icon::Info,
        Text(&Place::log(Some(card.id)).href()),
        Text(&card.name),
    )
}
