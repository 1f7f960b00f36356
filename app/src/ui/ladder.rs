//! The stage ladder: one step for each stage, always next to its words.

use std::{cmp::Ordering, fmt::Write};

use domain::{RunState, Stage};

/// How far a run has come, as markup. The drawing says nothing that the words beside it do not say.
pub fn ladder(state: RunState, at: Stage) -> String {
    let mut html = r#"<span class="ladder" aria-hidden="true">"#.to_owned();
    for step in Stage::ALL {
        let _ = write!(html, r#"<i class="{}"></i>"#, step_class(state, at, step));
    }
    html.push_str("</span>");
    html
}

fn step_class(state: RunState, at: Stage, step: Stage) -> &'static str {
    match (step.cmp(&at), state) {
        (Ordering::Less, _) => "done",
        (Ordering::Equal, _) if state.is_success() => "done",
        (Ordering::Equal, RunState::Failed) => "stopped",
        (Ordering::Equal, RunState::Running) => "now",
        _ => "ahead",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_failed_shows_where() {
        let steps = Stage::ALL.map(|stage| step_class(RunState::Failed, Stage::Topics, stage));
        assert_eq!(
            steps,
            [
                "done", "done", "done", "done", "stopped", "ahead", "ahead", "ahead", "ahead"
            ]
        );
    }

    #[test]
    fn a_complete_run_has_no_step_ahead() {
        assert!(
            Stage::ALL
                .iter()
                .all(|stage| step_class(RunState::Completed, Stage::Trends, *stage) == "done")
        );
    }
}
