//! Keys on the page. Whatever they do is done by a link, a button or a box that is there.

use std::cell::Cell;

use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement, HtmlInputElement, KeyboardEvent},
};
use web_sys::Storage;

use super::{
    Scripts,
    keys::{Act, Typed, is_single, of_key},
};

const FIELD: &str = "input:not([type=checkbox]), select, textarea, [contenteditable]";
const MODIFIERS: [&str; 6] = ["Alt", "AltGraph", "CapsLock", "Control", "Meta", "Shift"];
const ROW: &str = "main tbody tr, main .cards > li, main .rule";
/// What of a row takes the focus: the first of these.
const ROW_LINK: &str = "th a, .go a, .card-foot a, .rule-move button";
/// Where whether single keys are on is remembered.
const KEPT_AS: &str = "tributary-single-keys";

pub(super) fn listen(scripts: Scripts) {
    go_on_with_moved_rule();
    let typed = Cell::new(Typed::default());
    // For as long as the page is there.
    let _listening = window_event_listener(ev::keydown, move |event| {
        let done = key_of(&event).is_some_and(|key| in_menu(&key) || take(scripts, &typed, &key, &event));
        if done {
            event.prevent_default();
        }
    });
}

/// `None` if it is for a field, for the browser, or for somebody else.
fn key_of(event: &KeyboardEvent) -> Option<String> {
    let key = event.key();
    // With it some keyboards type "[".
    let alt_graph = event.get_modifier_state("AltGraph");
    let is_character = key.chars().count() == 1;
    let is_for_others = event.default_prevented()
        || event.is_composing()
        || MODIFIERS.contains(&key.as_str())
        || (!alt_graph && (event.ctrl_key() || event.meta_key()))
        || (event.shift_key() && !is_character)
        || in_field(event);
    if is_for_others {
        return None;
    }
    Some(if event.alt_key() && !alt_graph {
        format!("Alt+{key}")
    } else {
        key
    })
}

fn in_field(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| target.matches(FIELD).unwrap_or(false))
}

/// Whether something was done.
fn take(scripts: Scripts, typed: &Cell<Typed>, key: &str, event: &KeyboardEvent) -> bool {
    let mut so_far = typed.get();
    let key = so_far.take(key, event.time_stamp());
    typed.set(so_far);
    let Some((key, shortcut)) = key.and_then(|key| of_key(&key).map(|shortcut| (key, shortcut))) else {
        return false;
    };
    let is_off = is_single(&key) && !scripts.single_keys.get_untracked();
    let is_held = event.repeat() && !matches!(shortcut.act, Act::NextRow | Act::FormerRow);
    !is_off && !is_held && act(shortcut.act, &key)
}

fn act(what: Act, key: &str) -> bool {
    let Some(dialog) = all("dialog:modal").pop() else {
        return act_on_page(what, key);
    };
    match what {
        Act::Press | Act::List => press(&dialog, key),
        Act::EarlierRun | Act::LaterRun => dialog.class_list().contains("drawer") && go_to_run(what),
        _ => false,
    }
}

fn act_on_page(what: Act, key: &str) -> bool {
    match what {
        Act::Go { .. } | Act::Press | Act::List => document().body().is_some_and(|body| press(&body, key)),
        Act::Filter => go_to_filter(),
        Act::NextRow | Act::FormerRow => go_to_row(key, what == Act::NextRow),
        Act::Tick => row().is_some_and(|row| click(first(&row, "input[type=checkbox]"))),
        Act::MoveUp => move_rule("up"),
        Act::MoveDown => move_rule("down"),
        Act::EarlierRun | Act::LaterRun | Act::Browser => false,
    }
}

fn press(within: &Element, key: &str) -> bool {
    click(first(within, &format!("[data-key='{key}']")))
}

fn go_to_filter() -> bool {
    let filter = all("main [data-key='/'], main input[type=search]")
        .into_iter()
        .find(is_shown);
    if let Some(field) = filter
        .as_ref()
        .and_then(|filter| filter.dyn_ref::<HtmlInputElement>())
    {
        field.select();
    }
    focus(filter.as_ref())
}

/// The row or card that has the focus.
fn row() -> Option<Element> {
    document().active_element()?.closest(ROW).ok()?
}

fn go_to_row(key: &str, next: bool) -> bool {
    let here = row().and_then(|row| first(&row, ROW_LINK));
    // Until a row has the focus, arrows scroll the page.
    if here.is_none() && key.starts_with("Arrow") {
        return false;
    }
    let links: Vec<HtmlElement> = all(ROW)
        .iter()
        .filter_map(|row| first(row, ROW_LINK))
        .filter(is_shown)
        .collect();
    let at = here.and_then(|here| links.iter().position(|link| *link == here));
    let to = match (at, next) {
        (None, true) => Some(0),
        (None, false) => links.len().checked_sub(1),
        (Some(at), true) => Some(at + 1),
        (Some(at), false) => at.checked_sub(1),
    };
    focus(to.and_then(|to| links.get(to)))
}

fn move_rule(direction: &str) -> bool {
    let button = row().and_then(|row| first(&row, &format!("button[value^='{direction}:']")));
    let may_move = |button: &HtmlElement| button.get_attribute("aria-disabled").is_none();
    click(button.filter(may_move))
}

/// Moving a rule loads the page anew; whoever did it by the keyboard goes on from there.
fn go_on_with_moved_rule() {
    let moved = all(".rule:target").pop();
    focus(moved.and_then(|rule| first(&rule, ROW_LINK)).as_ref());
}

/// Through the strip or the log that the Summary was opened from. The log begins with the latest.
fn go_to_run(what: Act) -> bool {
    let address = window().location().search().unwrap_or_default();
    let run = address
        .split(['?', '&'])
        .find_map(|part| part.strip_prefix("run="));
    let Some(run) = run else {
        return false;
    };
    let Some((list, here)) = all(&format!("main :is(.strip, .log) a[href*='run={run}']"))
        .into_iter()
        .find_map(|link| Some((link.closest(".strip, .log").ok()??, link)))
    else {
        return false;
    };
    let runs: Vec<HtmlElement> = all_within(&list, "a[href*='run=']");
    let back = (what == Act::EarlierRun) == list.class_list().contains("strip");
    let at = runs.iter().position(|link| *link == here);
    let to = at.and_then(|at| {
        if back {
            at.checked_sub(1)
        } else {
            at.checked_add(1)
        }
    });
    click(to.and_then(|to| runs.into_iter().nth(to)))
}

/// An open menu follows arrows, Home, End and first letters.
fn in_menu(key: &str) -> bool {
    let items = all(".menu:popover-open .menu-item");
    let focused = document().active_element();
    let at = items.iter().position(|item| {
        focused
            .as_ref()
            .is_some_and(|focused| item.is_same_node(Some(focused)))
    });
    let Some(last) = items.len().checked_sub(1) else {
        return false;
    };
    let to = match key {
        "ArrowDown" => at.filter(|at| *at < last).map_or(0, |at| at + 1),
        "ArrowUp" => at.filter(|at| *at > 0).map_or(last, |at| at - 1),
        "Home" => 0,
        "End" => last,
        letter if letter != " " && letter.chars().count() == 1 => {
            let after = at.map_or(0, |at| at + 1);
            let begins = |index: &usize| {
                let words = items
                    .get(*index)
                    .map(|item| item.inner_text().trim().to_lowercase());
                words.is_some_and(|words| words.starts_with(&letter.to_lowercase()))
            };
            match (after..=last).chain(0..after).find(begins) {
                Some(to) => to,
                None => return true,
            }
        }
        _ => return false,
    };
    focus(items.get(to))
}

/// The server is reached again: what says that it could not be shown has a link to load it.
pub(super) fn load_what_was_lost() {
    click(all("main [data-lost]").pop());
}

pub(super) fn kept_single_keys() -> bool {
    let kept = storage().and_then(|storage| storage.get_item(KEPT_AS).ok().flatten());
    kept.is_none_or(|kept| kept != "off")
}

/// Whether the browser remembers it.
pub(super) fn keep_single_keys(on: bool) -> bool {
    let kept = if on { "on" } else { "off" };
    storage().is_some_and(|storage| storage.set_item(KEPT_AS, kept).is_ok())
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn all(selector: &str) -> Vec<HtmlElement> {
    document()
        .document_element()
        .map_or_else(Vec::new, |page| all_within(&page, selector))
}

fn all_within(within: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = within.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into().ok())
        .collect()
}

fn first(within: &Element, selector: &str) -> Option<HtmlElement> {
    within.query_selector(selector).ok()??.dyn_into().ok()
}

fn is_shown(element: &HtmlElement) -> bool {
    element.offset_parent().is_some()
}

fn focus(element: Option<&HtmlElement>) -> bool {
    element.is_some_and(|element| element.focus().is_ok())
}

fn click(element: Option<HtmlElement>) -> bool {
    element.inspect(HtmlElement::click).is_some()
}
