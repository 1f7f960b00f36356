//! The stage ladder: one step for each stage, always next to its words.

use std::fmt::Write;

use domain::{RunState, Stage};
use leptos::prelude::*;

const STEP: usize = 22;
const WIDTH: usize = 18;

/// How far a run has come. The drawing says nothing that the words beside it do not say.
pub fn ladder(state: RunState, at: Stage) -> impl IntoView {
    view! { <span class="ladder" inner_html=drawing(state, at)></span> }
}

fn drawing(state: RunState, at: Stage) -> String {
    let mut svg = format!(
        r#"<svg viewBox="0 0 {} 6" aria-hidden="true" focusable="false">"#,
        STEP * Stage::ALL.len() - (STEP - WIDTH)
    );
    for stage in Stage::ALL {
        let class = step_class(state, at, stage);
        let x = STEP * (stage.position() - 1);
        let (x, y, width, height) = if class == "ahead" {
            (format!("{x}.5"), "1", WIDTH - 1, 4)
        } else {
            (x.to_string(), "0.5", WIDTH, 5)
        };
        let _ = write!(
            svg,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="2.5"/>"#
        );
        if class == "now" {
            let _ = write!(svg, r#"<path class="hatch" d="M{x} 3h{WIDTH}"/>"#);
        }
    }
    svg.push_str("</svg>");
    svg
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
