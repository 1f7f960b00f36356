//! How long each stage took, and when.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Run, RunState, Stage};
use leptos::prelude::*;

use crate::ui::{
    icon::{Icon, icon},
    moment::length,
    words,
};

const BAR: i64 = 1000;
const LEAST_BAR: i64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Done,
    Now,
    Stopped,
    Not,
}

#[derive(Clone, Copy, Debug)]
struct StageTime {
    stage: Stage,
    reached: Reached,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

pub fn stages(run: &Run, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    let rows: Vec<_> = Stage::ALL
        .into_iter()
        .map(|stage| stage_row(run, stage_time(run, stage, as_of), as_of))
        .collect();
    view! {
        <section>
            <h3>"Stages"</h3>
            <ol class="stages">{rows}</ol>
        </section>
    }
}

fn stage_time(run: &Run, stage: Stage, as_of: DateTime<Utc>) -> StageTime {
    let (from, to) = match (stage, stage.stream()) {
        // Connecting ends where the first stream begins.
        (Stage::Connect, _) => (
            run.started_at,
            run.streams.iter().filter_map(|stream| stream.started_at).min(),
        ),
        (Stage::Match, _) => (run.match_started_at, run.trends_started_at),
        (_, None) => (run.trends_started_at, run.finished_at),
        (_, Some(wanted)) => run
            .streams
            .iter()
            .find(|stream| stream.stream == wanted)
            .map_or((None, None), |stream| (stream.started_at, stream.finished_at)),
    };
    let here = run.stage == Some(stage);
    let reached = match (from, run.state) {
        (_, RunState::Running) if here => Reached::Now,
        (_, RunState::Failed | RunState::Cancelled) if here => Reached::Stopped,
        (Some(_), _) if to.is_some() => Reached::Done,
        _ => Reached::Not,
    };
    let end = match reached {
        Reached::Done => to,
        Reached::Now => Some(as_of),
        Reached::Stopped => to.or(run.finished_at),
        Reached::Not => None,
    };
    StageTime {
        stage,
        reached,
        from,
        to: end,
    }
}

fn stage_row(run: &Run, time: StageTime, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    let took = match (time.from, time.to, time.reached) {
        (Some(from), Some(to), reached) if reached != Reached::Not => length(to - from),
        (_, _, Reached::Not) if run.state.is_success() => "–".to_owned(),
        (_, _, Reached::Not) if !run.state.is_over() => "not reached yet".to_owned(),
        _ => "not reached".to_owned(),
    };
    let (class, shape) = match (time.reached, run.state) {
        (Reached::Done, _) => ("done", Icon::Tick),
        (Reached::Now, _) => ("now", Icon::Turning),
        (Reached::Stopped, RunState::Cancelled) => ("cancelled", Icon::MinusCircle),
        (Reached::Stopped, _) => ("stopped", Icon::CrossOctagon),
        (Reached::Not, _) => ("not", Icon::Dash),
    };
    view! {
        <li class=class>
            {icon(shape)} <span>{words::stage(time.stage)}</span> <span class="track" inner_html=track(run, time, as_of)></span>
            <span class="took">{took}</span>
        </li>
    }
}

fn track(run: &Run, time: StageTime, as_of: DateTime<Utc>) -> String {
    let begin = run.started_at.unwrap_or(as_of);
    let whole = (run.finished_at.unwrap_or(as_of) - begin)
        .num_milliseconds()
        .max(1);
    let at =
        |span: TimeDelta| (span.num_milliseconds() * (BAR - LEAST_BAR) / whole).clamp(0, BAR - LEAST_BAR);
    let bar = match (time.from, time.to) {
        (Some(from), Some(to)) => {
            let width = at(to - from) + LEAST_BAR;
            format!(
                r#"<rect class="bar" x="{}" width="{width}" height="6"/>"#,
                at(from - begin).min(BAR - width)
            )
        }
        _ => String::new(),
    };
    format!(
        r#"<svg viewBox="0 0 {BAR} 6" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="{BAR}" height="6"/>{bar}</svg>"#
    )
}
