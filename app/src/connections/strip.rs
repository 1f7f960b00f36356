//! The run strip: a card's last fourteen days, one slot a day. Height is records found; shape and colour are the
//! state. It is markup, since fourteen small drawings a card would otherwise be most of the page's view.

use std::fmt::Write;

use domain::RunState;

use super::view::{StripRun, StripSlot};
use crate::ui::{
    moment::day,
    number::{counted, grouped},
};

const SVG: &str = r#"<svg viewBox="0 0 14 36" aria-hidden="true">"#;
const SLOT_HEIGHT: u64 = 36;
/// A run that found little is still to be seen.
const LEAST_BAR: u64 = 6;
/// Room for the amber cap above a bar.
const MOST_BAR: u64 = 30;

pub fn strip(slots: &[StripSlot]) -> String {
    format!(
        r#"<div class="strip" role="group" aria-label="{}">{}</div>"#,
        in_words(slots),
        drawing(slots)
    )
}

fn drawing(slots: &[StripSlot]) -> String {
    let most = slots
        .iter()
        .filter_map(|slot| slot.run.as_ref())
        .map(|run| run.found)
        .max()
        .unwrap_or(0);
    let mut html = String::with_capacity(slots.len() * 260);
    for slot in slots {
        let day = day(slot.day);
        // Only ids, numbers and our own words go in here, so nothing needs escaping.
        let Some(run) = &slot.run else {
            let _ = write!(
                html,
                r#"<span title="{day}: no run">{SVG}<path class="none" d="M2.5 35.2h9"/></svg></span>"#
            );
            continue;
        };
        let words = run_in_words(run);
        let _ = write!(
            html,
            r#"<a href="?run={}" data-noscroll aria-label="{day}: {words}" title="{day}: {words}">{SVG}{}</svg></a>"#,
            run.id,
            bar(run, most),
        );
    }
    html
}

fn bar(run: &StripRun, most: u64) -> String {
    let height = LEAST_BAR + (MOST_BAR - LEAST_BAR) * run.found / most.max(1);
    let top = SLOT_HEIGHT - height;
    match run.state {
        RunState::Failed => {
            r#"<path class="failed" d="m4 15.5 6 6m0-6-6 6M1.8 35.2v-7.4a1.5 1.5 0 0 1 1.5-1.5h7.4a1.5 1.5 0 0 1 1.5 1.5v7.4z"/>"#
                .to_owned()
        }
        RunState::Queued | RunState::Running => {
            let filled = height / 2;
            format!(
                r#"<path class="running" d="M1.5 36V5.5h11V36"/><rect class="filling" x="1" y="{}" width="12" height="{filled}"/>"#,
                SLOT_HEIGHT - filled
            )
        }
        RunState::Cancelled => format!(r#"<rect class="idle" y="{top}" width="14" height="{height}" rx="2"/>"#),
        RunState::Completed | RunState::CompletedWithInvalid => {
            let cap = if run.invalid > 0 {
                format!(r#"<rect class="cap" y="{}" width="14" height="4" rx="1.5"/>"#, top - 5)
            } else {
                String::new()
            };
            format!(r#"<rect class="ok" y="{top}" width="14" height="{height}" rx="2"/>{cap}"#)
        }
    }
}

fn run_in_words(run: &StripRun) -> String {
    match run.state {
        RunState::Queued => "queued".to_owned(),
        RunState::Running => format!("running, {} found so far", grouped(run.found)),
        RunState::Failed => format!("failed, {} found", grouped(run.found)),
        RunState::Cancelled => format!("cancelled, {} found", grouped(run.found)),
        RunState::Completed | RunState::CompletedWithInvalid if run.invalid > 0 => {
            format!(
                "complete, {} found, {} invalid",
                grouped(run.found),
                grouped(run.invalid)
            )
        }
        RunState::Completed | RunState::CompletedWithInvalid => {
            format!("complete, {} found", grouped(run.found))
        }
    }
}

/// `14 days: 13 complete, 1 failed on 17 Nov`.
fn in_words(slots: &[StripSlot]) -> String {
    let of = |wanted: fn(RunState) -> bool| {
        slots
            .iter()
            .filter(move |slot| slot.run.as_ref().is_some_and(|run| wanted(run.state)))
    };
    let mut parts = Vec::new();
    let complete = of(RunState::is_success).count();
    if complete > 0 {
        parts.push(format!("{complete} complete"));
    }
    let failed: Vec<_> = of(|state| state == RunState::Failed)
        .map(|slot| day(slot.day))
        .collect();
    if !failed.is_empty() {
        parts.push(format!("{} failed on {}", failed.len(), failed.join(", ")));
    }
    for (state, word) in [
        (RunState::Cancelled, "cancelled"),
        (RunState::Running, "running"),
        (RunState::Queued, "queued"),
    ] {
        let count = slots
            .iter()
            .filter(|slot| slot.run.as_ref().is_some_and(|run| run.state == state))
            .count();
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    if parts.is_empty() {
        parts.push("no run".to_owned());
    }
    format!(
        "{}: {}",
        counted(slots.len() as u64, "day", "days"),
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use domain::RunId;

    use super::*;

    fn slots(states: &[Option<RunState>]) -> Vec<StripSlot> {
        (10..)
            .zip(states)
            .map(|(day, state)| StripSlot {
                day: NaiveDate::from_ymd_opt(2026, 11, day).expect("a day"),
                run: state.map(|state| StripRun {
                    id: "01934f5e-0000-7000-8000-000000000001"
                        .parse::<RunId>()
                        .expect("an id"),
                    state,
                    found: 1000,
                    invalid: 0,
                }),
            })
            .collect()
    }

    #[test]
    fn the_alternative_names_the_days_that_failed() {
        let text = in_words(&slots(&[
            Some(RunState::Completed),
            Some(RunState::Failed),
            None,
            Some(RunState::CompletedWithInvalid),
        ]));
        assert_eq!(text, "4 days: 2 complete, 1 failed on 11 Nov");
        assert_eq!(in_words(&slots(&[None])), "1 day: no run");
    }

    #[test]
    fn a_bar_fits_its_slot_with_its_cap() {
        let run = StripRun {
            invalid: 3,
            state: RunState::CompletedWithInvalid,
            ..slots(&[Some(RunState::Completed)])[0].run.clone().expect("a run")
        };
        assert!(
            bar(&run, 1000).contains(r#"class="cap" y="1""#),
            "{}",
            bar(&run, 1000)
        );
    }
}
