//! Every version of the rules: when, who, what changed, and what it did. Each can be used again.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use super::{
    place::RulesPlace,
    view::{RulesView, VersionView},
};
use crate::ui::{
    icon::{Icon, icon},
    markup::Text,
    moment,
};

pub fn history(view: &RulesView) -> impl IntoView + use<> {
    let rows: Vec<_> = view
        .history
        .iter()
        .enumerate()
        .map(|(index, version)| row(version, index, &view.history, view.as_of).into_any())
        .collect();
    view! {
        <section class="history">
            <h2>"History"</h2>
            <table>
                <caption class="visually-hidden">"Versions of the rules, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Version"</th>
                        <th scope="col">"Applied"</th>
                        <th scope="col">"What changed"</th>
                        <th scope="col">"Effect"</th>
                        <th scope="col"><span class="visually-hidden">"Use again"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

fn row(
    version: &VersionView,
    index: usize,
    all: &[VersionView],
    as_of: DateTime<Utc>,
) -> impl IntoView + use<> {
    let in_use = index == 0;
    let applied = moment::day_time(version.applied_at, as_of);
    let changes = if version.changes.is_empty() {
        "The rules that are shipped".to_owned()
    } else {
        version.changes.join(". ")
    };
    let reason = version
        .reason
        .as_ref()
        .map(|reason| view! { <span class="small by">{format!("“{reason}”")}</span> });
    let effect = version.effect.clone().unwrap_or_else(|| "–".to_owned());
    view! {
        <tr>
            <th scope="row">
                {version.version} " " {in_use.then(|| view! { <span class="tag idle">"in use"</span> })}
            </th>
            <td class="when" inner_html=format!(
                "{}<span class=\"small by\">{}</span>",
                moment::moment_markup(version.applied_at, &applied),
                Text(&version.applied_by),
            )></td>
            <td>{changes} {reason}</td>
            <td>{effect}</td>
            <td class="number">{again(version, index, all)}</td>
        </tr>
    }
}

/// The version in use is undone by using the one before it; others are restored. Either shows its preview first.
fn again(version: &VersionView, index: usize, all: &[VersionView]) -> Option<impl IntoView + use<>> {
    let (back_to, words) = if index == 0 {
        (all.get(1)?.version, "Undo")
    } else {
        (version.version, "Restore")
    };
    if index > 0 && Some(version.version) == all.first().map(|latest| latest.version) {
        return None;
    }
    let label = if index == 0 {
        format!("Undo version {}: preview version {back_to}", version.version)
    } else {
        format!("Restore version {back_to}: preview it")
    };
    Some(view! {
        <a class="button" href=RulesPlace::restoring(back_to).href() aria-label=label>
            {icon(Icon::Undo)}
            {words}
        </a>
    })
}
