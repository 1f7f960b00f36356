//! What scripts add to every page: keys, copying, the notes before a session ends and when the server is not reached, and times
//! that keep up. None of it is in what the server sends, since none of it would work without them; all of it leads to links
//! and buttons that work without them.

pub mod api;
pub mod copy;
#[cfg(target_arch = "wasm32")]
mod hands;
pub mod key_list;
pub mod keys;
pub mod reach;
pub mod session;
#[cfg(target_arch = "wasm32")]
mod ticking;

use chrono::{DateTime, Utc};
use leptos::{html, prelude::*};

use self::{
    key_list::key_list,
    reach::{Lost, stale_note},
    session::{Known, session_note},
};
use crate::error::AppError;

/// What is known in the browser, for everything on the page.
#[derive(Clone, Copy, Debug)]
pub struct Scripts {
    run: RwSignal<bool>,
    /// The server's clock as far as it is known, once a second.
    clock: RwSignal<DateTime<Utc>>,
    session: RwSignal<Known>,
    /// Why the session could not go on.
    stay_failed: RwSignal<Option<AppError>>,
    lost: RwSignal<Option<Lost>>,
    single_keys: RwSignal<bool>,
    key_list: NodeRef<html::Dialog>,
    pulse: StoredValue<Pulse>,
}

/// What nothing on the page follows.
#[derive(Clone, Copy, Debug, Default)]
struct Pulse {
    /// How far the server's clock is ahead of the browser's; `None` until the server has said.
    #[cfg(target_arch = "wasm32")]
    ahead: Option<chrono::TimeDelta>,
    #[cfg(target_arch = "wasm32")]
    asking: bool,
    ask_at: DateTime<Utc>,
    reached_at: DateTime<Utc>,
}

impl Scripts {
    pub fn provide() -> Self {
        let scripts = Self {
            run: RwSignal::new(false),
            clock: RwSignal::new(DateTime::UNIX_EPOCH),
            session: RwSignal::new(Known::Nothing),
            stay_failed: RwSignal::new(None),
            lost: RwSignal::new(None),
            single_keys: RwSignal::new(true),
            key_list: NodeRef::new(),
            pulse: StoredValue::new(Pulse::default()),
        };
        provide_context(scripts);
        Effect::new(move || begin(scripts));
        scripts
    }

    /// Whether scripts run. Reads leniently: someone who leaves while the page is rendered takes the signals along.
    pub fn run(self) -> bool {
        self.run.try_get().unwrap_or(false)
    }

    pub fn clock(self) -> DateTime<Utc> {
        self.clock.get()
    }

    pub fn session(self) -> Known {
        self.session.get()
    }
}

/// The parts of the page that are there where scripts run.
pub fn parts(scripts: Scripts) -> impl IntoView {
    move || {
        scripts.run().then(|| {
            view! {
                {session_note(scripts)}
                {stale_note(scripts)}
                {key_list(scripts)}
            }
        })
    }
}

/// Only a browser has any of it.
#[cfg(not(target_arch = "wasm32"))]
fn begin(_: Scripts) {}

#[cfg(target_arch = "wasm32")]
fn begin(scripts: Scripts) {
    scripts.single_keys.set(hands::kept_single_keys());
    scripts.run.set(true);
    hands::listen(scripts);
    ticking::begin(scripts);
}
