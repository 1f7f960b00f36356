//! The page's one timer: how the session stands, whether the server is reached, and times that keep up.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use gloo_timers::callback::Interval;
use leptos::{ev, prelude::*, task::spawn_local, web_sys::js_sys::Date};

use super::{
    Scripts,
    api::{session_left, stay_logged_in},
    session::{ASK_EVERY, Known, SessionTimes},
};
use crate::{error::AppError, ui::moment};

const EVERY_MS: u32 = 1_000;
/// Words such as `12 s ago` need no more than this.
const TIMES_EVERY_TICKS: u32 = 10;

pub(super) fn begin(scripts: Scripts) {
    let now = browser_time();
    scripts.clock.set(now);
    scripts.pulse.update_value(|pulse| pulse.reached_at = now);
    scripts.ask();
    let ticks = Cell::new(0);
    // For as long as the page is there.
    Interval::new(EVERY_MS, move || {
        ticks.set((ticks.get() + 1) % TIMES_EVERY_TICKS);
        if !document().hidden() {
            scripts.tick(ticks.get() == 0);
        }
    })
    .forget();
    // Back from another tab, perhaps from logging in there.
    let _listening = window_event_listener(ev::focus, move |_| {
        if scripts.session.get_untracked() == Known::Over {
            scripts.ask();
        }
    });
}

fn browser_time() -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds")]
    let now = Date::now() as i64;
    DateTime::from_timestamp_millis(now).unwrap_or_default()
}

impl Scripts {
    /// By the server's clock as far as it is known.
    fn now(self) -> DateTime<Utc> {
        browser_time() + self.pulse.get_value().ahead.unwrap_or_default()
    }

    fn tick(self, times: bool) {
        let now = self.now();
        let pulse = self.pulse.get_value();
        self.clock.set(now);
        if now >= pulse.ask_at {
            self.ask();
        }
        if times && pulse.ahead.is_some() {
            moment::keep_up(now);
        }
    }

    /// Asks how long the session lasts, and sees whether the server is reached.
    fn ask(self) {
        if self.pulse.get_value().asking {
            return;
        }
        self.pulse.update_value(|pulse| pulse.asking = true);
        spawn_local(async move {
            let answer = session_left().await;
            self.pulse.update_value(|pulse| pulse.asking = false);
            self.take(&answer);
        });
    }

    pub(super) fn go_on(self) {
        spawn_local(async move {
            let answer = stay_logged_in().await;
            self.take(&answer);
            self.stay_failed.set(answer.err());
        });
    }

    fn take(self, answer: &Result<SessionTimes, AppError>) {
        if let Ok(times) = answer {
            let ahead = times.as_of - browser_time();
            self.pulse.update_value(|pulse| pulse.ahead = Some(ahead));
        }
        let now = self.now();
        self.clock.set(now);
        self.heard(answer);
        let known = Known::of(answer);
        if let Some(known) = known {
            self.session.set(known);
        }
        let ask_at = known.map_or(now + ASK_EVERY, |known| known.ask_again_at(now));
        self.pulse.update_value(|pulse| pulse.ask_at = ask_at);
    }
}
