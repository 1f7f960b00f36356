//! The note on a page whose server is not reached: what is shown stays, and the page tries again by itself.

use chrono::{DateTime, Utc};
use leptos::{html, prelude::*};

use super::{Scripts, session::ASK_EVERY};
use crate::{
    error::AppError,
    ui::{
        icon::{Icon, icon},
        moment,
    },
};

/// The server is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Since when what is shown may be old; `None` if it is not shown.
    shown_as_of: Option<DateTime<Utc>>,
}

impl Lost {
    fn words(self) -> String {
        const LOST: &str = "The console cannot reach the server.";
        match self.shown_as_of {
            Some(at) => format!("Shown as of {}. {LOST}", moment::clock_minute(at)),
            None => LOST.to_owned(),
        }
    }
}

impl Scripts {
    /// Reads leniently, as [`Self::run`] does.
    pub fn is_lost(self) -> bool {
        self.lost.try_get_untracked().flatten().is_some()
    }

    /// Any answer says that the server is reached, also one that refuses.
    pub fn heard<T>(self, answer: &Result<T, AppError>) {
        if matches!(answer, Err(AppError::Unreachable { .. })) {
            let reached_at = self.pulse.with_value(|pulse| pulse.reached_at);
            self.lose(Some(reached_at));
        } else {
            self.found();
        }
    }

    /// In place of what was to be shown stands that it could not be.
    pub fn lost_the_page(self) {
        self.lose(None);
    }

    fn lose(self, shown_as_of: Option<DateTime<Utc>>) {
        if self.is_lost() {
            return;
        }
        self.lost.set(Some(Lost { shown_as_of }));
        let again_at = self.clock.get_untracked() + ASK_EVERY;
        self.pulse.update_value(|pulse| pulse.ask_at = again_at);
    }

    fn found(self) {
        let now = self.clock.get_untracked();
        self.pulse.update_value(|pulse| pulse.reached_at = now);
        if self.is_lost() {
            self.lost.set(None);
            load_what_was_lost();
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn load_what_was_lost() {}

#[cfg(target_arch = "wasm32")]
fn load_what_was_lost() {
    super::hands::load_what_was_lost();
}

/// Over everything, an open drawer as well: there is nothing to press in it.
pub fn stale_note(scripts: Scripts) -> impl IntoView {
    let panel = NodeRef::<html::Div>::new();
    Effect::new(move || {
        if let Some(panel) = panel.get() {
            // Neither minds if it is so already.
            let _ = match scripts.lost.get() {
                Some(_) => panel.show_popover(),
                None => panel.hide_popover(),
            };
        }
    });
    let words = move || scripts.lost.get().map(Lost::words);
    let again = move || {
        scripts.lost.get()?;
        let left = scripts.pulse.with_value(|pulse| pulse.ask_at) - scripts.clock();
        Some(match left.num_seconds() {
            ..1 => "Trying again now.".to_owned(),
            seconds => format!("Trying again in {seconds} s."),
        })
    };
    view! {
        <div class="stale" popover="manual" node_ref=panel>
            <span class="state warn">{icon(Icon::Triangle)}</span>
            <p><span role="status">{words}</span> " " <span>{again}</span></p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_since_when_what_is_shown_may_be_old() {
        let shown = Lost {
            shown_as_of: DateTime::from_timestamp(7 * 3600 + 31 * 60 + 40, 0),
        };
        assert_eq!(
            shown.words(),
            "Shown as of 07:31. The console cannot reach the server."
        );
        let not_shown = Lost { shown_as_of: None };
        assert_eq!(not_shown.words(), "The console cannot reach the server.");
    }
}
