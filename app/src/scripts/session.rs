//! The note before a session ends: in time to go on with it, and without taking anything that is typed.

use chrono::{DateTime, TimeDelta, Utc};
use leptos::{html, prelude::*, web_sys::HtmlDialogElement};
use serde::{Deserialize, Serialize};

use super::Scripts;
use crate::{
    error::AppError,
    place::LOG_IN,
    ui::{moment, problem::action_problem},
};

/// The note comes so long before the end.
const NOTE_BEFORE: TimeDelta = TimeDelta::minutes(2);
/// Between two questions while something may change: another tab may have gone on with the session, or logged in again.
pub(super) const ASK_EVERY: TimeDelta = TimeDelta::seconds(20);

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTimes {
    /// By the server's clock; the browser's may be another.
    pub as_of: DateTime<Utc>,
    /// If nothing more is asked for.
    pub ends_at: DateTime<Utc>,
    /// However busy it is.
    pub latest_end: DateTime<Utc>,
}

/// What the page knows of the visitor's session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    #[default]
    Nothing,
    Lasts(SessionTimes),
    Over,
}

/// What the page says, if anything.
type Said = Option<Note>;

/// What the page says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Nothing was asked for in a long time.
    Idle,
    /// It has lasted as long as it can.
    Old,
    Over,
}

impl Known {
    /// `None` if the server could not say.
    pub fn of(answer: &Result<SessionTimes, AppError>) -> Option<Self> {
        match answer {
            Ok(times) => Some(Self::Lasts(*times)),
            Err(AppError::NotLoggedIn) => Some(Self::Over),
            Err(_) => None,
        }
    }

    pub fn note(self, now: DateTime<Utc>) -> Option<Note> {
        match self {
            Self::Lasts(times) if now >= times.ends_at => Some(Note::Over),
            Self::Lasts(times) if now < times.ends_at - NOTE_BEFORE => None,
            Self::Lasts(times) if times.ends_at < times.latest_end => Some(Note::Idle),
            Self::Lasts(_) => Some(Note::Old),
            Self::Nothing => None,
            Self::Over => Some(Note::Over),
        }
    }

    pub fn left(self, now: DateTime<Utc>) -> TimeDelta {
        match self {
            Self::Lasts(times) => times.ends_at - now,
            Self::Nothing | Self::Over => TimeDelta::zero(),
        }
    }

    pub fn ask_again_at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let soon = now + ASK_EVERY;
        match self {
            Self::Lasts(times) => soon.max(times.ends_at - NOTE_BEFORE),
            Self::Nothing | Self::Over => soon,
        }
    }
}

/// Beside what someone does, so that they can go on with it; over an open dialog it is one, too, or nobody could reach it.
pub fn session_note(scripts: Scripts) -> impl IntoView {
    let panel = NodeRef::<html::Dialog>::new();
    let note = Memo::new(move |_| scripts.session().note(scripts.clock()));
    Effect::new(move |former: Option<Said>| {
        let note = note.get();
        let panel = panel.get()?;
        match note {
            None => panel.close(),
            // Whoever closed it has read it.
            Some(_) if former == Some(note) && !panel.open() => {}
            Some(_) => {
                // A dialog may open meanwhile.
                let _each_second = scripts.clock();
                open(&panel);
            }
        }
        note
    });
    let said = move || note.get().map(|note| words(note, scripts));
    view! {
        <dialog class="session-note" aria-labelledby="session-note" node_ref=panel>
            {said}
        </dialog>
    }
}

/// By its attribute, where there is no dialog: every other way takes the focus from a field.
fn open(panel: &HtmlDialogElement) {
    let is_over_dialog = document().query_selector("dialog:modal").ok().flatten().is_some();
    if !is_over_dialog {
        let _ = panel.set_attribute("open", "");
    } else if !panel.matches(":modal").unwrap_or(false) {
        panel.close();
        let _ = panel.show_modal();
    }
}

fn words(note: Note, scripts: Scripts) -> AnyView {
    let left = move || moment::length(scripts.session().left(scripts.clock()));
    let failure = move || {
        let failed = scripts.stay_failed.get();
        failed.map(|error| action_problem("You could not stay logged in", &error))
    };
    match note {
        Note::Idle => view! {
            <p class="session-note-title" id="session-note" role="alert">"Your session ends soon"</p>
            <p>"The console was not used for a long time. In " {left} " you will have to log in again."</p>
            <p><button class="button" type="button" on:click=move |_| go_on(scripts)>"Stay logged in"</button></p>
            {failure}
        }
        .into_any(),
        Note::Old => view! {
            <p class="session-note-title" id="session-note" role="alert">"Your session ends soon"</p>
            <p>"It has lasted as long as a session can. In " {left} " you will have to log in again. What is typed on this page stays."</p>
        }
        .into_any(),
        Note::Over => view! {
            <p class="session-note-title" id="session-note" role="alert">"Your session is over"</p>
            <p>"Log in in another tab, then go on here: what is typed on this page stays."</p>
            <p><a class="button" href=LOG_IN target="_blank" rel="external">"Log in, in another tab"</a></p>
        }
        .into_any(),
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn go_on(_: Scripts) {}

#[cfg(target_arch = "wasm32")]
fn go_on(scripts: Scripts) {
    scripts.go_on();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn lasts(ends_s: i64, latest_s: i64) -> Known {
        Known::Lasts(SessionTimes {
            as_of: at(0),
            ends_at: at(ends_s),
            latest_end: at(latest_s),
        })
    }

    #[test]
    fn the_note_comes_two_minutes_before_the_end() {
        let idle = lasts(1_000, 9_000);
        assert_eq!(idle.note(at(879)), None);
        assert_eq!(idle.note(at(881)), Some(Note::Idle));
        assert_eq!(idle.note(at(1_000)), Some(Note::Over));
        assert_eq!(lasts(1_000, 1_000).note(at(881)), Some(Note::Old));
        assert_eq!(Known::Nothing.note(at(0)), None);
    }

    #[test]
    fn it_is_asked_again_when_there_is_reason_to() {
        assert_eq!(lasts(1_000, 9_000).ask_again_at(at(0)), at(880));
        assert_eq!(lasts(1_000, 9_000).ask_again_at(at(900)), at(920));
        assert_eq!(Known::Over.ask_again_at(at(50)), at(70));
        assert_eq!(Known::Nothing.ask_again_at(at(50)), at(70));
    }

    #[test]
    fn a_server_that_does_not_answer_ends_no_session() {
        let gone = AppError::Unreachable {
            detail: String::new(),
        };
        assert_eq!(Known::of(&Err(gone)), None);
        assert_eq!(Known::of(&Err(AppError::NotLoggedIn)), Some(Known::Over));
    }
}
