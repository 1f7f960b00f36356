//! Counts of the runs under way on a page that is looked at, asked for once a second.
//!
//! They are not read out, and can be paused (WCAG 2.2.2). Without scripts nothing moves by itself, and Refresh loads the page
//! again.

use chrono::{DateTime, Utc};
use domain::{RunId, RunState};
use leptos::prelude::*;

use super::view::{LIVE_RUNS_MAX, LiveView, SummaryView};
use crate::connections::view::{ConnectionsView, CurrentRun};
#[cfg(target_arch = "wasm32")]
use crate::{error::AppError, scripts::Scripts};

/// What is known of runs under way that is newer than the page.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// Scripts run, so there is something to pause.
    asks: RwSignal<bool>,
    paused: RwSignal<bool>,
    /// The runs that cards show, as they show them.
    on_cards: RwSignal<Vec<(RunId, RunState)>>,
    cards: RwSignal<Option<LiveView>>,
    /// The run whose Summary is open, until it is over. What lies behind is not asked for meanwhile.
    in_summary: RwSignal<Option<RunId>>,
    summary: RwSignal<Option<SummaryView>>,
    /// Grows whenever a run has begun or ended: the page is old then.
    changed: RwSignal<usize>,
    /// Told whether the server answers, and asks until it does again.
    #[cfg(target_arch = "wasm32")]
    scripts: Option<Scripts>,
}

impl Live {
    /// For everything on the page.
    pub fn provide() -> Self {
        let live = Self {
            asks: RwSignal::new(false),
            paused: RwSignal::new(false),
            on_cards: RwSignal::new(Vec::new()),
            cards: RwSignal::new(None),
            in_summary: RwSignal::new(None),
            summary: RwSignal::new(None),
            changed: RwSignal::new(0),
            #[cfg(target_arch = "wasm32")]
            scripts: use_context(),
        };
        provide_context(live);
        Effect::new(move || keep_asking(live));
        live
    }

    pub fn changed(self) -> usize {
        self.changed.get()
    }

    /// Loads the page again.
    pub fn refresh(self) {
        self.changed.update(|times| *times += 1);
    }

    /// From now on these cards are shown.
    pub fn show_cards(self, view: &ConnectionsView) {
        let runs: Vec<_> = view
            .cards
            .iter()
            .filter_map(|card| card.current.as_ref())
            .map(|run| (run.id, run.state))
            .take(LIVE_RUNS_MAX)
            .collect();
        Effect::new(move || self.on_cards.set(runs.clone()));
        on_cleanup(move || {
            let _ = self.on_cards.try_set(Vec::new());
        });
    }

    /// From now on the Summary of this run is shown.
    pub fn show_summary(self, run: RunId) {
        Effect::new(move || self.in_summary.set(Some(run)));
        on_cleanup(move || {
            let _ = self.in_summary.try_set(None);
        });
    }

    /// A card's run as it is now, if that is known since. Reads leniently: someone who leaves while the page is rendered
    /// takes the signals along.
    pub fn run(self, id: RunId, since: DateTime<Utc>) -> Option<(CurrentRun, DateTime<Utc>)> {
        let newer = |view: &Option<LiveView>| {
            let view = view.as_ref().filter(|view| view.as_of >= since)?;
            let run = view.runs.iter().find(|run| run.id == id)?;
            Some((run.clone(), view.as_of))
        };
        self.cards.try_with(newer).flatten()
    }

    pub fn summary_of(self, id: RunId, since: DateTime<Utc>) -> Option<SummaryView> {
        let newer = |view: &Option<SummaryView>| {
            let is_newer = |view: &&SummaryView| view.run.id == id && view.as_of >= since;
            view.as_ref().filter(is_newer).cloned()
        };
        self.summary.try_with(newer).flatten()
    }
}

/// Halts all live counts, and lets them go on. Only where scripts run.
pub fn pause_button() -> impl IntoView {
    fn is(signal: RwSignal<bool>) -> bool {
        signal.try_get().unwrap_or(false)
    }
    let live = use_context::<Live>();
    move || {
        let live = live.filter(|live| is(live.asks))?;
        let words = move || {
            if is(live.paused) {
                "Go on with live counts"
            } else {
                "Pause live counts"
            }
        };
        Some(view! {
            <button class="button" type="button" data-key="p" on:click=move |_| live.paused.update(|paused| *paused = !*paused)>
                {words}
            </button>
        })
    }
}

/// Only a browser asks.
#[cfg(not(target_arch = "wasm32"))]
fn keep_asking(_: Live) {}

/// Until the page is left.
#[cfg(target_arch = "wasm32")]
fn keep_asking(live: Live) {
    use gloo_timers::callback::Interval;

    /// Between two questions: counts change at most once a second.
    const EVERY_MS: u32 = 1_000;

    live.asks.set(true);
    let asking = RwSignal::new(false);
    // Dropped, and so ended, with the page.
    StoredValue::new_local(Interval::new(EVERY_MS, move || {
        let looks_away = document().hidden();
        let is_lost = live.scripts.is_some_and(Scripts::is_lost);
        if looks_away || is_lost || live.paused.get_untracked() || asking.get_untracked() {
            return;
        }
        asking.set(true);
        leptos::task::spawn_local(async move {
            live.ask().await;
            // The page may have been left.
            let _ = asking.try_set(false);
        });
    }));
}

#[cfg(target_arch = "wasm32")]
impl Live {
    /// What is not answered now is asked for again with the next turn.
    async fn ask(self) {
        use super::api::{live_runs, summary};

        if let Some(run) = self.in_summary.get_untracked() {
            let answer = summary(run).await;
            self.heard(&answer);
            if let Ok(view) = answer {
                self.take_summary(view);
            }
            return;
        }
        let runs: Vec<RunId> = self
            .on_cards
            .with_untracked(|runs| runs.iter().map(|(id, _)| *id).collect());
        if runs.is_empty() {
            return;
        }
        let answer = live_runs(runs).await;
        self.heard(&answer);
        if let Ok(view) = answer {
            self.take_cards(view);
        }
    }

    fn heard<T>(self, answer: &Result<T, AppError>) {
        if let Some(scripts) = self.scripts {
            scripts.heard(answer);
        }
    }

    fn take_summary(self, view: SummaryView) {
        if self.paused.try_get_untracked() != Some(false) {
            return;
        }
        if view.run.state.is_over() {
            let _ = self.in_summary.try_set(None);
            self.refresh();
        }
        let _ = self.summary.try_set(Some(view));
    }

    fn take_cards(self, view: LiveView) {
        if self.paused.try_get_untracked() != Some(false) {
            return;
        }
        let stands = |(id, state): &(RunId, RunState)| {
            view.runs.iter().any(|run| run.id == *id && run.state == *state)
        };
        if !self.on_cards.with_untracked(|runs| runs.iter().all(stands)) {
            self.refresh();
        }
        let _ = self.cards.try_set(Some(view));
    }
}
