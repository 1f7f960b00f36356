//! What a draft would change, before anything changes; without a draft, how users stand now.

use domain::MatchCounts;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    api::{ApplyRules, CancelPreview},
    page::RulesResource,
    place::{MemberKey, RulesPlace, UNIFICATION},
    rules::{carried, look_again, progress},
    view::{ChangeView, ChangesView, CompanyName, DraftView, PreviewState, PreviewView, RulesView, Working},
};
use crate::ui::{
    icon::{Icon, icon},
    number::{counted, grouped},
};

/// The panel beside the list.
pub fn side_panel(view: &RulesView, place: &RulesPlace, content: RulesResource) -> impl IntoView + use<> {
    match &view.draft {
        Some(draft) => draft_panel(draft, view, place, content).into_any(),
        None => standing(view).into_any(),
    }
}

/// How users stand by the version in use.
fn standing(view: &RulesView) -> impl IntoView + use<> {
    let rows: Vec<_> = kinds(&view.counts)
        .map(|(name, count)| {
            view! { <tr><th scope="row">{name}</th><td class="number">{grouped(count)}</td></tr> }
        })
        .collect();
    view! {
        <aside class="panel preview" aria-labelledby="panel-title">
            <header class="panel-head"><h2 id="panel-title">"How users stand"</h2></header>
            <div class="panel-body">
                <table class="sums">
                    <caption class="visually-hidden">"Users by how they stand to companies"</caption>
                    <thead>
                        <tr><th scope="col">"Users"</th><th scope="col" class="number">"Now"</th></tr>
                    </thead>
                    <tbody>
                        {rows}
                        <tr class="all"><th scope="row">"All"</th><td class="number">{grouped(view.counts.total())}</td></tr>
                    </tbody>
                </table>
                <p class="small">
                    "Change, move or add a rule, and a draft begins. Nothing changes until you have seen what it would do and applied it."
                </p>
            </div>
        </aside>
    }
}

fn kinds(counts: &MatchCounts) -> impl Iterator<Item = (&'static str, u64)> + use<> {
    [
        ("Matched", counts.matched),
        ("Ambiguous", counts.ambiguous),
        ("Unmatched", counts.unmatched),
        ("Internal", counts.internal),
    ]
    .into_iter()
}

fn draft_panel(
    draft: &DraftView,
    view: &RulesView,
    place: &RulesPlace,
    content: RulesResource,
) -> impl IntoView + use<> {
    let took = match &draft.preview {
        Some(PreviewState::Ready(preview)) => Some(seconds(preview.took_ms)),
        _ => None,
    };
    let body = match &draft.preview {
        None => not_tried(draft, place).into_any(),
        Some(PreviewState::UnderWay(working)) => under_way(*working, view, place, content).into_any(),
        Some(PreviewState::Ready(preview)) => view! {
            {figures(preview)}
            <div class="panel-body">
                {sums(preview)}
                {leaving(preview)}
                {samples(preview)}
            </div>
            {apply(draft, view, preview)}
        }
        .into_any(),
    };
    view! {
        <aside class="panel preview" aria-labelledby="panel-title">
            <header class="panel-head">
                <h2 id="panel-title">"Preview of the draft"</h2>
                <span class="small">{took}</span>
            </header>
            {body}
        </aside>
    }
}

/// `1.8 s`
fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

fn not_tried(draft: &DraftView, place: &RulesPlace) -> impl IntoView + use<> {
    let can = draft.problem.is_none();
    let changes: Vec<_> = draft
        .changes
        .iter()
        .map(|change| view! { <li>{change.clone()}</li> })
        .collect();
    view! {
        <div class="panel-body">
            <ul class="changes">{changes}</ul>
            <p class="small">
                {if can {
                    "The preview tries the draft on every user and says who would gain, lose or change a company. It changes nothing."
                } else {
                    "The draft cannot be tried until it can be applied; what is in its way is told above the list."
                }}
            </p>
            <p class="panel-actions">
                {can.then(|| view! { <a class="button primary" href=place.previewing().href()>"Preview the draft"</a> })}
                <a class="button quiet" href=UNIFICATION>"Discard draft"</a>
            </p>
        </div>
    }
}

fn under_way(
    working: Working,
    view: &RulesView,
    place: &RulesPlace,
    content: RulesResource,
) -> impl IntoView + use<> {
    look_again(content);
    view! {
        <div class="panel-body">
            <p role="status">{format!(
                "{} of {} tried.",
                grouped(working.done),
                counted(working.all, "user", "users"),
            )}</p>
            {progress(working, "Users tried")}
            <p class="panel-actions">
                <a class="button" href=place.previewing().href()>"Look again"</a>
                <a class="button quiet" href=UNIFICATION>"Discard draft"</a>
            </p>
            <form method="post" action=CancelPreview::PATH>
                {carried(view)}
                <button class="button" type="submit">"Stop the preview"</button>
            </form>
        </div>
    }
}

fn figures(preview: &PreviewView) -> impl IntoView + use<> {
    let figure = |shape: Icon, name: &'static str, count: u64| {
        view! { <div><dt>{icon(shape)}{name}</dt><dd class="figure">{grouped(count)}</dd></div> }
    };
    view! {
        <dl class="figures">
            {figure(Icon::ChevronUp, "Gained", preview.gained.members)}
            {figure(Icon::ChevronDown, "Lost", preview.lost.members)}
            {figure(Icon::Merge, "Moved", preview.moved.members)}
            {figure(Icon::Triangle, "Ambiguous", preview.newly_ambiguous.members)}
        </dl>
    }
}

fn sums(preview: &PreviewView) -> impl IntoView + use<> {
    let rows: Vec<_> = kinds(&preview.now)
        .zip(kinds(&preview.after))
        .map(|((name, now), (_, after))| {
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td class="number">{grouped(now)}</td>
                    <td class="number strong">{grouped(after)}</td>
                    <td class=change_class(name, now, after)>{change(now, after)}</td>
                </tr>
            }
        })
        .collect();
    let (now, after) = (preview.now.total(), preview.after.total());
    view! {
        <table class="sums">
            <caption class="visually-hidden">"Users by how they stand to companies, now and after"</caption>
            <thead>
                <tr>
                    <th scope="col">"Users"</th>
                    <th scope="col" class="number">"Now"</th>
                    <th scope="col" class="number">"After"</th>
                    <th scope="col" class="number">"Change"</th>
                </tr>
            </thead>
            <tbody>
                {rows}
                <tr class="all">
                    <th scope="row">"All"</th>
                    <td class="number">{grouped(now)}</td>
                    <td class="number">{grouped(after)}</td>
                    <td class="number">{change(now, after)}</td>
                </tr>
            </tbody>
        </table>
    }
}

/// What is gained and what needs someone are marked, beside their sign; the rest is quiet.
fn change_class(name: &str, now: u64, after: u64) -> &'static str {
    match name {
        "Matched" if after > now => "number gain",
        "Ambiguous" if after > now => "number care",
        _ => "number",
    }
}

/// `+312`, `−319` or `0`.
fn change(now: u64, after: u64) -> String {
    match after.cmp(&now) {
        std::cmp::Ordering::Greater => format!("+{}", grouped(after - now)),
        std::cmp::Ordering::Less => format!("−{}", grouped(now - after)),
        std::cmp::Ordering::Equal => "0".to_owned(),
    }
}

/// Whom the draft has leave, or come back.
fn leaving(preview: &PreviewView) -> Option<impl IntoView + use<>> {
    let parts = [
        (
            preview.leaving,
            "will have left, and is not counted any more",
            "will have left, and are not counted any more",
        ),
        (preview.coming_back, "counts again", "count again"),
    ];
    let told: Vec<_> = parts
        .into_iter()
        .filter(|(users, ..)| *users > 0)
        .map(|(users, one, many)| counted(users, &format!("user {one}."), &format!("users {many}.")))
        .collect();
    (!told.is_empty()).then(|| view! { <p>{told.join(" ")}</p> })
}

/// Those who move are named at once; the others are a press away.
fn samples(preview: &PreviewView) -> impl IntoView + use<> {
    let kinds = [
        ("moved", "move", &preview.moved, true),
        ("gained", "gain a company", &preview.gained, false),
        ("lost", "lose their company", &preview.lost, false),
        ("ambiguous", "become ambiguous", &preview.newly_ambiguous, false),
    ];
    let parts: Vec<_> = kinds
        .into_iter()
        .filter(|(_, _, changes, _)| changes.members > 0)
        .map(|(_, verb, changes, open)| kind(verb, changes, open).into_any())
        .collect();
    if parts.is_empty() && preview.leaving + preview.coming_back == 0 {
        return view! { <p>"No user would change."</p> }.into_any();
    }
    parts.into_any()
}

fn kind(verb: &'static str, changes: &ChangesView, open: bool) -> impl IntoView + use<> {
    let shown = changes.samples.len() as u64;
    let rest = changes.members.saturating_sub(shown);
    let rows: Vec<_> = changes
        .samples
        .iter()
        .map(|sample| sample_row(sample).into_any())
        .collect();
    view! {
        <details class="samples" open=open>
            <summary>{format!("The {} that {verb}", grouped(changes.members))}</summary>
            <ul>{rows}</ul>
            {(rest > 0).then(|| view! { <p class="small">{format!("And {} more; these are the first.", grouped(rest))}</p> })}
        </details>
    }
}

fn sample_row(sample: &ChangeView) -> impl IntoView + use<> {
    let name = |company: Option<&CompanyName>| {
        company.map_or_else(|| "none".to_owned(), |company| company.name.clone())
    };
    view! {
        <li>
            <span class="sample-who">
                <a class="link" href=MemberKey::from(&sample.member).href()><code>{sample.member.username.clone()}</code></a>
                <span class="small">{sample.member.tenant_id.clone()}</span>
            </span>
            <span class="sample-from">
                {name(sample.before.as_ref())} {icon(Icon::ChevronRight)} <strong>{name(sample.after.as_ref())}</strong>
            </span>
        </li>
    }
}

fn apply(draft: &DraftView, view: &RulesView, preview: &PreviewView) -> impl IntoView + use<> {
    let users = counted(preview.after.total(), "user", "users");
    let outdated = draft.base != view.head.version;
    let restores = draft
        .restores
        .map(|version| view! { <input type="hidden" name="restores" value=version.to_string() /> });
    let form = (!outdated).then(|| {
        view! {
            <form method="post" action=ApplyRules::PATH>
                {carried(view)}
                {restores}
                <button class="button primary" type="submit">{format!("Apply to {users}")}</button>
            </form>
        }
    });
    view! {
        <div class="panel-foot">
            <p class="small">
                {if outdated {
                    "The rules have changed meanwhile: compare the draft with the version in use first."
                } else {
                    "Nothing changes until you apply. Manual links are never overwritten. You can undo this afterwards."
                }}
            </p>
            <div class="panel-actions">
                {form}
                <a class="button quiet" href=UNIFICATION>"Discard draft"</a>
            </div>
        </div>
    }
}
