//! The Rules tab: the ordered list as it is in use or in a draft, what the draft would change, and the history.

use std::time::Duration;

use domain::unification::{Condition, Field, Rule, RuleSet, Target, WhenAmbiguous};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    api::ChangeRules,
    draft::{Press, set_text},
    history::history,
    lists::lists_summary,
    page::RulesResource,
    place::{Open, RulesPlace, UNIFICATION},
    preview::side_panel,
    view::{DraftView, RulesView, Working},
};
use crate::ui::{
    icon::{Icon, icon},
    number::{counted, grouped},
    words::sentence,
};

/// How often a page that waits for something longer looks again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

pub fn rules_tab(view: &RulesView, place: &RulesPlace, content: RulesResource) -> impl IntoView + use<> {
    view! {
        {applied_note(view, place)}
        {view.rematching.map(|working| rematching(working, place, content))}
        <div class="rules-page">
            <div class="rules-main">
                {list_head(view, place)}
                {view.draft.as_ref().map(|draft| draft_notes(draft, view, place))}
                {list(view, place)}
                {lists_summary(view, place)}
                {history(view)}
            </div>
            {side_panel(view, place, content)}
        </div>
    }
}

/// The set that the page shows: the draft, if there is one.
pub fn shown_set(view: &RulesView) -> &RuleSet {
    view.draft.as_ref().map_or(&view.in_use, |draft| &draft.set)
}

/// The version that forms of this page build on.
pub fn base(view: &RulesView) -> u32 {
    view.draft.as_ref().map_or(view.head.version, |draft| draft.base)
}

/// The hidden fields that carry the draft through a form.
pub fn carried(view: &RulesView) -> impl IntoView + use<> {
    view! {
        <input type="hidden" name="base" value=base(view).to_string() />
        <input type="hidden" name="set" value=set_text(shown_set(view)) />
    }
}

fn applied_note(view: &RulesView, place: &RulesPlace) -> Option<impl IntoView + use<>> {
    let applied = place.applied.filter(|version| *version == view.head.version)?;
    let latest = view.history.first()?;
    let words = match &latest.effect {
        Some(effect) => format!("Version {applied} is applied: {effect}."),
        None => format!("Version {applied} is applied."),
    };
    let undo = view
        .history
        .get(1)
        .map(|before| RulesPlace::restoring(before.version).href());
    Some(view! {
        <div class="done-note" role="status">
            <span class="state ok">{icon(Icon::TickCircle)}</span>
            <span>{words}</span>
            {undo.map(|href| view! { <a href=href>"Undo"</a> })}
        </div>
    })
}

/// Members are being matched again: how far, with a link that looks again. Scripts look by themselves.
fn rematching(working: Working, place: &RulesPlace, content: RulesResource) -> impl IntoView + use<> {
    look_again(content);
    view! {
        <div class="working" role="status">
            <span class="state run">{icon(Icon::Turning)}</span>
            <span>{format!(
                "Users are matched again: {} of {}.",
                grouped(working.done.min(working.all)),
                grouped(working.all),
            )}</span>
            {progress(working, "Users matched again")}
            <a href=place.href()>"Look again"</a>
        </div>
    }
}

pub fn progress(working: Working, label: &'static str) -> impl IntoView {
    view! {
        <progress
            aria-label=label
            max=working.all.max(1).to_string()
            value=working.done.min(working.all).to_string()
        ></progress>
    }
}

/// Asks for the page's data again after a moment, where scripts run. Whoever has left the page by then took it along.
pub fn look_again(content: RulesResource) {
    Effect::new(move |_| set_timeout(move || content.refetch(), LOOK_AGAIN_AFTER));
}

fn list_head(view: &RulesView, place: &RulesPlace) -> impl IntoView + use<> {
    let state = view.draft.as_ref().map_or_else(
        || view! { <span class="small">{format!("Version {}, in use", view.head.version)}</span> }.into_any(),
        |draft| {
            let changes = counted(draft.changes.len() as u64, "change", "changes");
            view! {
                <span class="tag draft">{format!("Draft, {changes}")}</span>
                <span class="small">{format!("based on version {}", draft.base)}</span>
            }
            .into_any()
        },
    );
    view! {
        <div class="section-head">
            <h2>"Rules"</h2>
            {state}
            <a class="button end" href=place.opening(Some(Open::NewRule)).href() data-noscroll="">
                "Add rule"
            </a>
        </div>
    }
}

/// What someone should know of the draft before they go on.
fn draft_notes(draft: &DraftView, view: &RulesView, place: &RulesPlace) -> impl IntoView + use<> {
    let outdated = (draft.base != view.head.version).then(|| outdated(draft, view));
    let problem = draft.problem.as_ref().map(|problem| {
        view! {
            <div class="problem compact">
                <p class="problem-title">{icon(Icon::CrossOctagon)}"This draft cannot be applied yet"</p>
                <p>{sentence(problem)}</p>
            </div>
        }
    });
    let restores = draft.restores.map(|version| {
        view! { <p class="small">{format!("These are the rules of version {version}. Applying them brings them back.")}</p> }
    });
    let same = (draft.changes.is_empty() && place.query.draft.is_some())
        .then(|| view! { <p class="small">"This draft is equal to the version in use."</p> });
    view! {
        {outdated}
        {problem}
        {restores}
        {same}
    }
}

fn outdated(draft: &DraftView, view: &RulesView) -> impl IntoView + use<> {
    let latest = view.history.first();
    let who = latest.map_or_else(|| "Somebody else".to_owned(), |latest| latest.applied_by.clone());
    let what = format!(
        "{who} applied version {} after this draft was begun on version {}. Nothing of yours was applied, and nothing was overwritten.",
        view.head.version, draft.base
    );
    let anew = super::view::DraftText {
        base: view.head.version,
        set: set_text(&draft.set),
    };
    let href = RulesPlace::with_draft(anew).href();
    view! {
        <div class="outdated" role="alert">
            <p>
                <strong class="state warn">{icon(Icon::Triangle)}"The rules have changed meanwhile"</strong>
            </p>
            <p>{what}</p>
            <p class="outdated-actions">
                <a class="button" href=href>{format!("Compare the draft with version {}", view.head.version)}</a>
                <a class="button" href=UNIFICATION>"Discard draft"</a>
            </p>
        </div>
    }
}

/// One form for the whole list: each button names its rule and its change.
fn list(view: &RulesView, place: &RulesPlace) -> impl IntoView + use<> {
    let set = shown_set(view);
    let last = set.rules.len();
    let rows: Vec<_> = (1..)
        .zip(&set.rules)
        .map(|(position, rule)| row(view, place, rule, position, last).into_any())
        .collect();
    let without = view.counts.unmatched + view.counts.ambiguous;
    view! {
        <form class="rules" method="post" action=ChangeRules::PATH>
            {carried(view)}
            <ol aria-label="Rules, in the order in which they are tried">{rows}</ol>
            <p class="rules-foot">
                <span>"No rule gives one candidate: the user is kept without a company."</span>
                <span><strong>{grouped(without)}</strong> {if without == 1 { " user" } else { " users" }}</span>
            </p>
        </form>
    }
}

fn row(
    view: &RulesView,
    place: &RulesPlace,
    rule: &Rule,
    position: usize,
    last: usize,
) -> impl IntoView + use<> {
    let changed = match view.in_use.rule(&rule.id) {
        None => Some("new"),
        Some(before) if before != rule => Some("changed"),
        Some(_) => None,
    };
    let class = match (changed, rule.active) {
        (Some(_), true) => "rule changed",
        (Some(_), false) => "rule changed off",
        (None, true) => "rule",
        (None, false) => "rule off",
    };
    let words = rule.to_string();
    view! {
        <li class=class id=format!("rule-{}", rule.id)>
            <div class="rule-move">
                {mover(rule, Press::Up, position == 1, &words)}
                {mover(rule, Press::Down, position == last, &words)}
            </div>
            <span class="rule-number">{position}</span>
            <div class="rule-body">
                <p class="rule-words">
                    {sentence_parts(rule)} {changed.map(|word| view! { <span class="tag draft">{word}</span> })}
                    {(!rule.active).then(|| view! { <span class="tag idle">"off"</span> })}
                </p>
                <p class="rule-gives">{icon(Icon::Merge)} {gives(rule)}</p>
                <p class="small">{note(view, rule)}</p>
            </div>
            {matched(view, rule)}
            {menu(place, rule, &words)}
        </li>
    }
}

fn mover(rule: &Rule, press: Press, at_end: bool, words: &str) -> impl IntoView + use<> {
    let (shape, direction) = if press == Press::Up {
        (Icon::ChevronUp, "up")
    } else {
        (Icon::ChevronDown, "down")
    };
    let label = if at_end {
        format!("Move {direction}: {words}. It is at the end already.")
    } else {
        format!("Move {direction}: {words}")
    };
    view! {
        <button
            class="icon-button"
            type="submit"
            name="change"
            value=press.of_rule(&rule.id)
            aria-label=label
            aria-disabled=at_end.then_some("true")
            inner_html=shape.svg()
        ></button>
    }
}

fn sentence_parts(rule: &Rule) -> Vec<AnyView> {
    rule.conditions
        .iter()
        .enumerate()
        .map(|(index, condition)| {
            let (field, how, with) = parts(*condition);
            view! {
                {(index > 0).then_some(" and ")}
                <strong>{field}</strong>
                {format!(" {how} ")}
                <strong>{with}</strong>
            }
            .into_any()
        })
        .collect()
}

/// `Email`, `is exactly`, `a person's email`.
fn parts(condition: Condition) -> (&'static str, String, &'static str) {
    let (field, with) = (condition.field.label(), condition.compared_with.label());
    let words = condition.to_string();
    let how = words.strip_prefix(field).and_then(|rest| rest.strip_suffix(with));
    (field, how.unwrap_or_default().trim().to_owned(), with)
}

fn gives(rule: &Rule) -> &'static str {
    match rule.names {
        Target::Person => "gives person and company",
        Target::Company => "gives company",
    }
}

/// What is worth knowing of how a rule compares.
fn note(view: &RulesView, rule: &Rule) -> String {
    let set = shown_set(view);
    let compares = |field: Field| rule.conditions.iter().any(|condition| condition.field == field);
    let mut notes = Vec::new();
    if compares(Field::Email) {
        notes.push("Trimmed and lower case. Plus tags are kept.".to_owned());
    }
    if compares(Field::EmailDomain) || compares(Field::EmailDomainLabel) {
        let left_out = (view.free_mail_shipped + set.free_mail_added.len() as u64)
            .saturating_sub(set.free_mail_removed.len() as u64);
        notes.push(format!(
            "{} left out.",
            counted(left_out, "free-mail domain is", "free-mail domains are")
        ));
    }
    if compares(Field::Phone) {
        let countries = &set.default_countries.connections;
        let named: Vec<_> = countries
            .iter()
            .map(|(tenant, country)| format!("{country} for {tenant}"))
            .collect();
        notes.push(if named.is_empty() {
            "Numbers without a country code are read only where a default country is set.".to_owned()
        } else {
            format!("Default country: {}.", named.join(", "))
        });
    }
    if compares(Field::FullName) {
        notes.push("Case, accents and order of names are folded.".to_owned());
    }
    if rule.when_ambiguous == WhenAmbiguous::GoOn {
        notes.push("If ambiguous, the next rule is tried.".to_owned());
    }
    notes.join(" ")
}

/// How many users the rule has decided, by the version in use.
fn matched(view: &RulesView, rule: &Rule) -> impl IntoView + use<> {
    let count = view
        .by_rule
        .iter()
        .find(|(id, _)| *id == rule.id)
        .map(|(_, count)| *count);
    let known = view.in_use.rule(&rule.id).is_some();
    let (figure, words) = match (count, known) {
        (Some(count), _) => (grouped(count), "users matched"),
        (None, true) => ("0".to_owned(), "users matched"),
        (None, false) => ("–".to_owned(), "not applied yet"),
    };
    view! {
        <p class="rule-count">
            <strong>{figure}</strong>
            <span class="small">{words}</span>
        </p>
    }
}

fn menu(place: &RulesPlace, rule: &Rule, words: &str) -> impl IntoView + use<> {
    let target = format!("menu-{}", rule.id);
    let words_of_edit = format!("{}Edit rule", Icon::Pencil);
    // A draft is long, so its address stands in few links: here a button of the form leads on.
    let edit = if place.query.draft.is_none() {
        let href = place.opening(Some(Open::Rule(rule.id.clone()))).href();
        view! { <a class="menu-item" href=href data-noscroll="" inner_html=words_of_edit></a> }.into_any()
    } else {
        let value = Press::Edit.of_rule(&rule.id);
        view! { <button class="menu-item" type="submit" name="change" value=value inner_html=words_of_edit></button> }
            .into_any()
    };
    let (press, switch) = if rule.active {
        (Press::Off, format!("{}Switch off", Icon::BarsCircle))
    } else {
        (Press::On, format!("{}Switch on", Icon::TickCircle))
    };
    view! {
        <button
            class="icon-button"
            type="button"
            popovertarget=target.clone()
            aria-label=format!("Actions for: {words}")
            inner_html=Icon::Dots.svg()
        ></button>
        <div class="menu" id=target popover="auto">
            {edit}
            <button
                class="menu-item"
                type="submit"
                name="change"
                value=press.of_rule(&rule.id)
                inner_html=switch
            ></button>
            <button
                class="menu-item danger"
                type="submit"
                name="change"
                value=Press::Remove.of_rule(&rule.id)
                inner_html=format!("{}Take out of the draft", Icon::Cross)
            ></button>
        </div>
    }
}
