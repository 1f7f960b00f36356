//! The stage ladder: one step for each stage, always next to its words.

use domain::{RunState, Stage};

/// How far a run has come, as markup. The drawing says nothing that the words beside it do not say.
pub fn ladder(state: RunState, at: Stage) -> String {
    let steps: String = Stage::ALL
        .into_iter()
        .map(|stage| format!(r#"<i class="{}"></i>"#, step_class(state, at, stage)))
        .collect();
    format!(r#"<span class="ladder" aria-hidden="true">{steps}</span>"#)
}

fn step_class(state: RunState, at: Stage, stage: Stage) -> &'static str {
    match (stage.cmp(&at), state) {
        (std::cmp::Ordering::Less, _) => "done",
        (std::cmp::Ordering::Equal, _) if state.is_success() => "done",
        (std::cmp::Ordering::Equal, RunState::Failed) => "stopped",
        (std::cmp::Ordering::Equal, RunState::Running) => "now",
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
            ["done", "done", "done", "done", "stopped", "ahead", "ahead"]
        );
    }

    #[test]
    fn a_complete_run_has_no_step_ahead() {
        assert!(
            Stage::ALL
                .iter()
                .all(|stage| step_class(RunState::Completed, Stage::Activity, *stage) == "done")
        );
    }
}
