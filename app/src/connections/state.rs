//! A card's health: one word with its reason. A box where someone is needed or something moves, else one line.

use std::sync::Arc;

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
    runs::live::Live,
    ui::{
        health::{CANCELLING, state_word},
        ladder::ladder,
        moment::{self, Relative, moment},
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
        (Health::Running, _, _, Some(current)) => {
            let now = Now {
                shown: Arc::new(current.clone()),
                as_of,
                live: use_context(),
            };
            running(card.id, &now, actions).into_any()
        }
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
                let first = Relative::Until.moment(at, as_of);
                return view! { "First run starts " {first} ". You need not do anything." }.into_any();
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
    let asked = Relative::Ago.moment(current.queued_at, as_of);
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

/// A run under way: as the page was sent, until something newer is known.
#[derive(Clone)]
struct Now {
    shown: Arc<CurrentRun>,
    as_of: DateTime<Utc>,
    live: Option<Live>,
}

impl Now {
    fn read<T>(&self, read: impl FnOnce(&CurrentRun, DateTime<Utc>) -> T) -> T {
        let newer = self.live.and_then(|live| live.run(self.shown.id, self.as_of));
        match &newer {
            Some((current, as_of)) => read(current, *as_of),
            None => read(&self.shown, self.as_of),
        }
    }

    /// Changes with the run.
    fn words<T: 'static>(
        &self,
        words: fn(&CurrentRun, DateTime<Utc>) -> T,
    ) -> impl Fn() -> T + Clone + Send + 'static + use<T> {
        let now = self.clone();
        move || now.read(words)
    }
}

fn running(id: ConnectionId, now: &Now, actions: Actions) -> impl IntoView + use<> {
    let stopped = now.clone();
    let is_stopping = move || stopped.read(|current, _| current.progress.stopped_by.is_some());
    let word = move || {
        if is_stopping() {
            state_word(CANCELLING).into_any()
        } else {
            state_word(Health::Running).into_any()
        }
    };
    view! {
        <div class="state-box run">
            <p class="state-head">{word} <span>{now.words(stage_of)}</span></p>
            <div inner_html=now.words(steps)></div>
            <dl class="live" inner_html=now.words(counts)></dl>
            {foot(id, now, actions)}
        </div>
    }
}

fn stage_of(current: &CurrentRun, _: DateTime<Utc>) -> String {
    let at = current.stage.unwrap_or(Stage::Connect);
    format!(
        "{}, stage {} of {}",
        words::stage(at),
        at.position(),
        Stage::ALL.len()
    )
}

fn steps(current: &CurrentRun, _: DateTime<Utc>) -> String {
    ladder(current.state, current.stage.unwrap_or(Stage::Connect))
}

fn counts(current: &CurrentRun, _: DateTime<Utc>) -> String {
    let total = current.total;
    let counts = [
        ("Found", total.found),
        ("New", total.new),
        ("Updated", total.updated),
        ("Unchanged", total.unchanged),
        ("Invalid", total.invalid),
    ];
    counts
        .map(|(name, count)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", grouped(count)))
        .concat()
}

/// How fast it goes and what it waits for, with the way to stop it; or that it is about to stop.
fn foot(id: ConnectionId, now: &Now, actions: Actions) -> impl IntoView + use<> {
    let run = now.shown.id;
    let first = now.read(|current, _| current.progress.stopped_by);
    let stopping = now.clone();
    // The form stays as it is while the counts change.
    let stopped_by = Memo::new(move |_| stopping.read(|current, _| current.progress.stopped_by));
    let pace = now.words(pace);
    move || match stopped_by.try_get().unwrap_or(first) {
        Some(who) => {
            let words = format!(
                "Asked to stop {}. It ends at its next page; what is stored is kept.",
                words::stopped_by(who)
            );
            view! { <p class="small">{words}</p> }.into_any()
        }
        None => view! {
            <div class="state-foot">
                <p class="small">{pace.clone()}</p>
                {cancel_form(id, run, actions)}
            </div>
        }
        .into_any(),
    }
}

fn pace(current: &CurrentRun, as_of: DateTime<Utc>) -> String {
    words::pace(current.started_at, current.requests, &current.progress, as_of)
}
