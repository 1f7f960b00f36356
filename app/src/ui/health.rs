//! The word for a connection's or a run's state. Never a colour alone: word, shape and colour go together.

use domain::{Health, RunState};
use leptos::prelude::*;

use super::icon::{Icon, icon};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateWord {
    /// The class that sets the colour.
    pub tone: &'static str,
    pub icon: Icon,
    pub word: &'static str,
}

/// Of a run that was asked to stop and goes on to its next page.
pub const CANCELLING: StateWord = StateWord {
    tone: "idle",
    icon: Icon::MinusCircle,
    word: "Cancelling",
};

impl From<Health> for StateWord {
    fn from(health: Health) -> Self {
        let (tone, icon, word) = match health {
            Health::Failing => ("bad", Icon::CrossOctagon, "Failing"),
            Health::Attention => ("warn", Icon::Triangle, "Attention"),
            Health::Stale => ("warn", Icon::Clock, "Stale"),
            Health::Running => ("run", Icon::Turning, "Running"),
            Health::NotRunYet => ("idle", Icon::DashedCircle, "Not run yet"),
            Health::Healthy => ("ok", Icon::TickCircle, "Healthy"),
            Health::Deactivated => ("idle", Icon::BarsCircle, "Deactivated"),
        };
        Self { tone, icon, word }
    }
}

impl From<RunState> for StateWord {
    fn from(state: RunState) -> Self {
        let (tone, icon, word) = match state {
            RunState::Queued => ("idle", Icon::Clock, "Queued"),
            RunState::Running => ("run", Icon::Turning, "Running"),
            RunState::Completed | RunState::CompletedWithInvalid => ("ok", Icon::TickCircle, "Complete"),
            RunState::Failed => ("bad", Icon::CrossOctagon, "Failed"),
            RunState::Cancelled => ("idle", Icon::MinusCircle, "Cancelled"),
        };
        Self { tone, icon, word }
    }
}

pub fn state_word(state: impl Into<StateWord>) -> impl IntoView {
    let StateWord {
        tone,
        icon: shape,
        word,
    } = state.into();
    view! { <strong class=format!("state {tone}")>{icon(shape)}{word}</strong> }
}

/// The same as markup.
pub fn state_markup(state: impl Into<StateWord>) -> String {
    let StateWord { tone, icon, word } = state.into();
    format!(r#"<strong class="state {tone}">{icon}{word}</strong>"#)
}
