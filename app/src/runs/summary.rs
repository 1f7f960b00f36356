//! The Summary of a run: why it failed if it did, the whole ledger, the stages, and what was set aside.

use domain::{Cause, Run, RunState};
use leptos::prelude::*;

use super::{
    drawer::{close_link, heading},
    ledger::{count_strip, stream_table},
    live::pause_button,
    stages::stages,
    view::{InvalidGroupView, SummaryView},
};
use crate::{
    place::{InvalidPlace, Place},
    ui::{
        health::{CANCELLING, state_word},
        moment::{self, moment},
        number::{counted, grouped, share},
        problem::turn,
        words,
    },
};

pub fn run_summary(view: &SummaryView, at: Place) -> impl IntoView + use<> {
    view! {
        {head(view, at)}
        <div class="drawer-content">
            {reason(view)}
            {account(view, at)}
        </div>
    }
}

/// Of a run under way, as it is now. Its parts are made anew whenever it is known anew; the button that halts that stays the
/// same one, or it would be lost to whoever has the focus on it.
pub fn live_summary(
    now: impl Fn() -> SummaryView + Clone + Send + Sync + 'static,
    at: Place,
) -> impl IntoView {
    let is_running = {
        let now = now.clone();
        Memo::new(move |_| now().run.state == RunState::Running)
    };
    let (heading, why, pace, rest) = (now.clone(), now.clone(), now.clone(), now);
    let live_head = move || {
        let pace = pace.clone();
        // Read leniently: someone who leaves while the page is rendered takes the signals along.
        is_running.try_get().unwrap_or(false).then(|| live_head(pace))
    };
    view! {
        {move || head(&heading(), at)}
        <div class="drawer-content">
            {move || reason(&why())}
            {live_head}
            {move || account(&rest(), at)}
        </div>
    }
}

/// Why it failed, or how it stands.
fn reason(view: &SummaryView) -> impl IntoView + use<> {
    view! {
        {view.run.cause.as_ref().map(|cause| failure(view, cause))}
        {standing(view).map(|words| view! { <p class="standing">{words}</p> })}
    }
}

fn account(view: &SummaryView, at: Place) -> impl IntoView + use<> {
    let run = &view.run;
    view! {
        {count_strip(run)}
        {stream_table(run)}
        <div class="halves">
            {stages(run, view.as_of)}
            {companies(run)}
        </div>
        {invalid(view, at)}
        {footnotes(run, at)}
    }
}

fn head(view: &SummaryView, at: Place) -> impl IntoView + use<> {
    let run = &view.run;
    let reached = match (run.state, run.stage) {
        (RunState::Failed | RunState::Cancelled, Some(stage)) => format!("at {}", words::stage(stage)),
        (RunState::Running, Some(stage)) => words::stage_of_all(stage),
        (RunState::CompletedWithInvalid, _) => {
            format!("{} invalid", counted(run.total().invalid, "record", "records"))
        }
        _ => String::new(),
    };
    let word = if run.is_cancelling() {
        CANCELLING
    } else {
        run.state.into()
    };
    view! {
        <header class="drawer-head">
            <div>
                <p class="drawer-title">
                    {state_word(word)} <span>{reached}</span>
                </p>
                {heading("Summary".to_owned())}
                <p class="drawer-sub">
                    {view.connection.name.clone()} " " <code>{view.connection.tenant_id.clone()}</code>
                    {span_of(view)}
                    {format!(" · {}", words::trigger(run.trigger, run.mode))}
                </p>
            </div>
            {close_link(at.closed())}
        </header>
    }
}

/// How fast a run under way goes, and how to halt the counts.
fn live_head(now: impl Fn() -> SummaryView + Send + 'static) -> impl IntoView {
    let pace = move || {
        let SummaryView { run, as_of, .. } = now();
        words::pace(run.started_at, run.requests, &run.progress, as_of)
    };
    view! {
        <div class="live-head">
            <p class="small">{pace}</p>
            {pause_button()}
        </div>
    }
}

/// What a run waits for, or why it was stopped and what is kept.
fn standing(view: &SummaryView) -> Option<String> {
    let run = &view.run;
    if let Some(who) = run.progress.stopped_by {
        let who = words::stopped_by(who);
        return Some(if run.is_cancelling() {
            format!("Asked to stop {who}. It ends at its next page; what is stored is kept.")
        } else {
            format!("Cancelled {who}. {}", words::kept(run))
        });
    }
    if let Some(queue) = &run.progress.queue {
        return Some(format!("{} {}", words::place(queue, view.as_of), queue.why));
    }
    let wait = words::provider_wait(&run.progress, view.as_of);
    wait.map(|wait| format!("The run {wait}."))
}

/// ` · 23 Nov 02:00:04 to 02:14:41 · 14 min 37 s`
fn span_of(view: &SummaryView) -> impl IntoView + use<> {
    let run = &view.run;
    let Some(started) = run.started_at else {
        let asked = moment(run.queued_at, moment::day_time(run.queued_at, view.as_of));
        return view! { " · asked for " {asked} }.into_any();
    };
    let day = moment::day_of_year(started.date_naive(), view.as_of);
    let begin = moment(started, format!("{day} {}", moment::clock(started)));
    match run.finished_at {
        Some(finished) => view! {
            " · " {begin} " to " {moment(finished, moment::clock(finished))}
            {format!(" · {}", moment::length(finished - started))}
        }
        .into_any(),
        None => {
            view! { " · since " {begin} {format!(" · {}", moment::length(view.as_of - started))} }.into_any()
        }
    }
}

fn failure(view: &SummaryView, cause: &Cause) -> impl IntoView + use<> {
    let title = view.run.stage.map_or_else(
        || "Failed".to_owned(),
        |stage| {
            format!(
                "Failed at {}, stage {} of {}",
                words::stage(stage),
                stage.position(),
                domain::Stage::ALL.len()
            )
        },
    );
    let when = view
        .run
        .finished_at
        .map(|at| moment(at, moment::day_time(at, view.as_of)));
    let heals = if cause.heals_itself {
        "Yes. The next run goes on from the last page that was kept."
    } else {
        "No. It fails again until this is done."
    };
    view! {
        <section class="failure" aria-labelledby="failure-title">
            <p class="state-head">
                <strong class="state bad" id="failure-title">
                    {crate::ui::icon::icon(crate::ui::icon::Icon::CrossOctagon)}
                    {title}
                </strong>
                <span>{when}</span>
            </p>
            <dl>
                <div>
                    <dt>"What happened"</dt>
                    <dd>{words::sentence(&cause.message)} " Everything read before is kept."</dd>
                </div>
                <div>
                    <dt>"Whose turn"</dt>
                    <dd>{turn(cause.owner, &cause.next_action)}</dd>
                </div>
                <div>
                    <dt>"Will it heal"</dt>
                    <dd>{heals}</dd>
                </div>
            </dl>
        </section>
    }
}

fn companies(run: &Run) -> impl IntoView + use<> {
    let counts = run.matching;
    let decided = counts.matched + counts.ambiguous + counts.internal;
    let all = decided + counts.unmatched;
    let row = |words: &'static str, count: u64| {
        view! {
            <div>
                <dt>{words}</dt>
                <dd>{grouped(count)} " " <span class="small">{share(count, all)}</span></dd>
            </div>
        }
    };
    let body = if decided == 0 {
        view! { <p class="small">"No company rules exist yet. Users are stored without a company, which does not make them invalid."</p> }
            .into_any()
    } else {
        view! {
            <dl class="matching">
                {row("Matched", counts.matched)} {row("Unmatched", counts.unmatched)}
                {row("Ambiguous", counts.ambiguous)} {row("Internal", counts.internal)}
            </dl>
            <p class="small">{format!("Of {}. Unmatched users are valid and stored; they have no company yet.", counted(all, "user", "users"))}</p>
        }
        .into_any()
    };
    view! {
        <section>
            <h3>"Users and companies"</h3>
            {body}
        </section>
    }
}

fn invalid(view: &SummaryView, at: Place) -> impl IntoView + use<> {
    let body = if view.invalid.is_empty() {
        let words = if view.run.state.is_over() {
            "No record was set aside."
        } else {
            "No record was set aside so far."
        };
        view! { <p class="small">{words}</p> }.into_any()
    } else {
        let groups: Vec<_> = view
            .invalid
            .iter()
            .map(|group| invalid_group(group, at))
            .collect();
        view! { <ul class="invalid-groups">{groups}</ul> }.into_any()
    };
    view! {
        <section>
            <h3>"Invalid records, by reason"</h3>
            {body}
        </section>
    }
}

fn invalid_group(group: &InvalidGroupView, at: Place) -> impl IntoView + use<> {
    let list = at.with_invalid(Some(InvalidPlace {
        stream: group.stream,
        reason: group.reason,
        page: 1,
    }));
    let reason = words::reason(group.reason, group.stream);
    let see = if group.count == 1 {
        "See it".to_owned()
    } else {
        format!("See all {}", grouped(group.count))
    };
    let repaired = (group.repaired > 0).then(|| format!(" {} repaired since.", grouped(group.repaired)));
    let label = format!("{see}: {reason}, {}", words::stream_in_text(group.stream));
    view! {
        <li>
            <span class="group-count">{grouped(group.count)}</span>
            <p>
                <strong>{reason}</strong> " " <span class="small">{words::stream(group.stream)}</span>
                <span class="outcome">{words::outcome(group.reason)} {repaired}</span>
            </p>
            <code class="sample">{group.sample_name.clone()} ": " {group.sample_message.clone()}</code>
            <a href=list.href() data-noscroll="" aria-label=label>
                {see}
            </a>
        </li>
    }
}

fn footnotes(run: &Run, at: Place) -> impl IntoView + use<> {
    let resumed = run.resumed_from.map(|earlier| {
        view! { " It went on from where " <a href=at.with_run(earlier).href() data-noscroll="">"an earlier run that failed"</a> " had stopped." }
    });
    let again =
        (run.attempts > 1).then(|| format!(" A worker took it up {} times.", grouped(run.attempts.into())));
    view! {
        <p class="small footnotes">
            {counted(run.requests, "request", "requests")} " to the provider. Run " <code>{run.id.to_string()}</code> "."
            {again} {resumed}
        </p>
    }
}
