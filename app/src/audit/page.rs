//! Administration > Audit trail: who did what to what, from where; and whether all of it is there.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::audit_trail,
    place::{AUDIT_TRAIL, AuditPlace},
    view::{AUDIT_PAGE_ROWS, AuditActor, AuditRow, AuditView, ChainView},
    words::deed,
};
use crate::ui::{
    head::{Crumb, sheet_head},
    icon::{Icon, icon},
    markup::{Text, choice},
    moment,
    number::{counted, grouped},
    problem::page_problem,
};

#[component]
pub fn AuditTrail() -> impl IntoView {
    let query = use_query_map();
    let place = Memo::new(move |_| query.with(AuditPlace::read));
    let content = Resource::new(move || place.get(), audit_trail);
    view! {
        <Title text="Audit trail" />
        {sheet_head(vec![Crumb::group("Administration")], "Audit trail".to_owned())}
        <div class="page">
            <h1>"Audit trail"</h1>
            <p class="lead">"Who did what, to what and from where. Nothing in it can be changed, and nobody who was erased is named."</p>
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => trail(view, &place.get_untracked()).into_any(),
                    Err(error) => page_problem(error, AUDIT_TRAIL.to_owned()).into_any(),
                }))}
            </Transition>
        </div>
    }
}

fn trail(view: &AuditView, place: &AuditPlace) -> impl IntoView + use<> {
    let shown = if view.rows.is_empty() {
        nothing(view, place).into_any()
    } else {
        table(view).into_any()
    };
    view! {
        {chain(&view.chain, place)}
        {narrowing(view, place)}
        {shown}
        {paging(view, place)}
    }
}

/// What the list is narrowed to, in the address, and the same entries as a file.
fn narrowing(view: &AuditView, place: &AuditPlace) -> impl IntoView + use<> {
    let deeds: BTreeMap<String, &String> = view.deeds.iter().map(|name| (deed(name), name)).collect();
    let deeds: String = deeds
        .into_iter()
        .map(|(words, name)| choice(name, place.deed.as_ref() == Some(name), &words))
        .collect();
    let people: String = view
        .people
        .iter()
        .map(|(name, actor)| choice(name, place.who.as_ref() == Some(name), &who(actor)))
        .collect();
    let any = r#"<option value="">Any</option>"#;
    let all = place
        .is_narrowed()
        .then(|| view! { <a class="button" href=AUDIT_TRAIL>"Show all"</a> });
    let scope = match view.found {
        None => "all".to_owned(),
        Some(found) => counted(found, "entry", "entries"),
    };
    view! {
        <form class="filters" method="get" action=AUDIT_TRAIL>
            <label class="field">
                <span class="field-name">"Did what"</span>
                <select name="deed" inner_html=format!("{any}{deeds}")></select>
            </label>
            <label class="field">
                <span class="field-name">"Who"</span>
                <select name="who" inner_html=format!("{any}{people}")></select>
            </label>
            <button class="button" type="submit">"Filter"</button>
            {all}
            <a class="button" href=place.csv_href() rel="external" download="">
                {icon(Icon::Download)}
                {format!("Export {scope}, CSV")}
            </a>
        </form>
    }
}

fn chain(chain: &ChainView, place: &AuditPlace) -> AnyView {
    match chain {
        ChainView::Broken(why) => broken(why).into_any(),
        ChainView::Holds { through, cut, anew } => {
            holds(*through, *cut, *anew, place.checking().href()).into_any()
        }
    }
}

fn broken(why: &str) -> impl IntoView + use<> {
    view! {
        <div class="problem compact chain" role="alert">
            <p class="problem-title">{icon(Icon::CrossOctagon)}"The chain is broken"</p>
            <p>{format!("{}.", sentence_start(why))}</p>
            <p class="turn">
                <strong>"Your turn: "</strong>
                "ask an operator to compare the database with its backups. Someone has changed it past Tributary."
            </p>
        </div>
    }
}

fn holds(through: u64, cut: u64, anew: bool, again: String) -> impl IntoView + use<> {
    let held = match through {
        0 => "There is no entry to check.".to_owned(),
        _ => format!(
            "The chain holds up to entry {}: none is missing or was changed.",
            grouped(through)
        ),
    };
    let cut = (cut > 0).then(|| format!(" Entries up to {} were old enough to go.", grouped(cut)));
    let read = if anew {
        "All of them were read just now."
    } else {
        "Those that were read before were not read again."
    };
    view! {
        <div class="done-note" role="status">
            <strong class="state ok">{icon(Icon::TickCircle)}"Whole"</strong>
            <span>{held}{cut}</span>
            <span class="small">{read}</span>
            <a href=again>"Read all again"</a>
        </div>
    }
}

/// A cause as a sentence begins.
fn sentence_start(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn nothing(view: &AuditView, place: &AuditPlace) -> impl IntoView + use<> {
    let latest = place.turned(None);
    let (title, words, to) = if view.last == 0 {
        (
            "Nothing has been done yet",
            "The first log-in is the first entry.",
            ("Show the latest", latest),
        )
    } else if view.found == Some(0) {
        (
            "No entry is like that",
            "Nothing of that kind was done by them, as far as entries are kept.",
            ("Show all", AuditPlace::default()),
        )
    } else {
        (
            "There is nothing before this entry",
            "These were the oldest that are kept.",
            ("Show the latest", latest),
        )
    };
    let (act, to) = to;
    view! {
        <section class="empty">
            <h2>{title}</h2>
            <p>{words}</p>
            <p><a class="button" href=to.href()>{act}</a></p>
        </section>
    }
}

fn table(view: &AuditView) -> impl IntoView + use<> {
    let rows: String = view.rows.iter().map(|entry| row(entry, view.as_of)).collect();
    view! {
        <table class="stacking trail">
            <caption class="visually-hidden">"Entries, newest first"</caption>
            <thead>
                <tr>
                    <th scope="col">"Entry"</th>
                    <th scope="col">"When"</th>
                    <th scope="col">"Who"</th>
                    <th scope="col">"From"</th>
                    <th scope="col">"Did what"</th>
                    <th scope="col">"To what"</th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
}

fn row(entry: &AuditRow, as_of: DateTime<Utc>) -> String {
    let when = moment::moment_markup(entry.at, &moment::day_time(entry.at, as_of));
    format!(
        r#"<tr><th scope="row">{}</th><td data-label="When">{when}</td><td data-label="Who">{}</td><td data-label="From"><code>{}</code></td><td>{}</td><td data-label="To">{}</td></tr>"#,
        grouped(entry.number),
        Text(&who(&entry.actor)),
        Text(entry.origin.as_deref().unwrap_or("–")),
        Text(&deed(&entry.deed)),
        Text(entry.target.as_deref().unwrap_or("–")),
    )
}

fn who(actor: &AuditActor) -> String {
    match actor {
        AuditActor::Account(Some(email)) => email.clone(),
        AuditActor::Account(None) => "An account that is gone".to_owned(),
        AuditActor::Token(Some(name)) => format!("API token {name}"),
        AuditActor::Token(None) => "An API token that is gone".to_owned(),
        AuditActor::Operator => "An operator".to_owned(),
        AuditActor::Nobody => "Nobody logged in".to_owned(),
    }
}

/// By number: what is added meanwhile moves no page.
fn paging(view: &AuditView, place: &AuditPlace) -> Option<impl IntoView + use<>> {
    let (first, last) = (view.rows.first()?.number, view.rows.last()?.number);
    let full = view.rows.len() as u64 == u64::from(AUDIT_PAGE_ROWS);
    let newer = view.newer.clone();
    let older = full.then(|| place.turned(Some(last)));
    let turn = |words: &'static str, to: Option<AuditPlace>| match to {
        Some(place) => view! { <a href=place.href()>{words}</a> }.into_any(),
        None => view! { <span>{words}</span> }.into_any(),
    };
    let all = match view.found {
        None => counted(view.last, "entry", "entries"),
        Some(found) => format!("{} like that", counted(found, "entry", "entries")),
    };
    let told = format!("{} to {} of {all}", grouped(first), grouped(last));
    Some(view! {
        <nav class="paging" aria-label="Pages of the trail">
            <p>{told}</p>
            {turn("Newer", newer)}
            {turn("Older", older)}
        </nav>
    })
}
