//! The list of keys, and the button that opens it for whoever knows none.

use leptos::{ev, prelude::*};

use super::{
    Scripts,
    keys::{Act, SHORTCUTS, Shortcut, read_out},
};
use crate::{access::may_use, ui::dialog::leave_menu};

/// For the foot of the navigation.
pub fn keys_button() -> impl IntoView {
    let scripts = use_context::<Scripts>();
    move || {
        let scripts = scripts.filter(|scripts| scripts.run())?;
        Some(view! {
            <p>
                <button class="nav-keys" type="button" data-key="?" on:click=move |_| scripts.show_keys()>
                    "Keyboard shortcuts"
                </button>
            </p>
        })
    }
}

impl Scripts {
    fn show_keys(self) {
        if let Some(list) = self.key_list.get_untracked() {
            leave_menu();
            let _ = list.show_modal();
        }
    }

    fn hide_keys(self) {
        if let Some(list) = self.key_list.get_untracked() {
            list.close();
        }
    }
}

pub fn key_list(scripts: Scripts) -> impl IntoView {
    let rows: Vec<_> = SHORTCUTS
        .iter()
        .filter(|shortcut| is_for_viewer(shortcut))
        .map(|shortcut| row(shortcut, scripts))
        .collect();
    // The dialog has no padding of its own: a click that hits it and no child of it was beside it.
    let on_click = move |event: ev::MouseEvent| {
        if event.target() == event.current_target() {
            scripts.hide_keys();
        }
    };
    view! {
        <dialog class="confirm keys" aria-labelledby="keys-title" node_ref=scripts.key_list on:click=on_click>
            <div class="confirm-body">
                <h2 id="keys-title">"Keyboard shortcuts"</h2>
                <dl class="keys-list">{rows}</dl>
                {switch(scripts)}
                <div class="confirm-actions">
                    <button class="button" type="button" autofocus data-key="?" on:click=move |_| scripts.hide_keys()>
                        "Close"
                    </button>
                </div>
            </div>
        </dialog>
    }
}

fn is_for_viewer(shortcut: &Shortcut) -> bool {
    match shortcut.act {
        Act::Go { page, .. } => may_use(page),
        _ => true,
    }
}

fn row(shortcut: &'static Shortcut, scripts: Scripts) -> impl IntoView {
    let keys: Vec<_> = shortcut
        .keys
        .iter()
        .enumerate()
        .map(|(index, key)| view! { {(index > 0).then_some(" or ")} {key_caps(key)} })
        .collect();
    let does = match shortcut.act {
        Act::Go { page, query } => {
            let key = shortcut.keys.first().copied();
            let href = format!("{page}{query}");
            view! { <a class="link" href=href data-key=key on:click=move |_| scripts.hide_keys()>{shortcut.does}</a> }
                .into_any()
        }
        _ => shortcut.does.into_any(),
    };
    view! { <div><dt>{keys}</dt><dd>{does}</dd></div> }
}

fn key_caps(key: &str) -> Vec<impl IntoView + use<>> {
    read_out(key)
        .into_iter()
        .enumerate()
        .map(|(index, key)| view! { {(index > 0).then_some(" then ")} <kbd>{key}</kbd> })
        .collect()
}

/// Turns off what is characters alone.
fn switch(scripts: Scripts) -> impl IntoView {
    let is_kept = RwSignal::new(true);
    let on_change = move |event: ev::Event| {
        let on = event_target_checked(&event);
        scripts.single_keys.set(on);
        is_kept.set(keep(on));
    };
    let words = move || {
        if is_kept.get() {
            "Off, only arrows, Enter and Escape stay. Remembered in this browser."
        } else {
            "Off, only arrows, Enter and Escape stay. This browser lets the console remember nothing, so it holds until the page is left."
        }
    };
    view! {
        <label class="check">
            <input type="checkbox" role="switch" prop:checked=move || scripts.single_keys.get() on:change=on_change />
            <span>"Single keys are on" <span class="small">{words}</span></span>
        </label>
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn keep(_: bool) -> bool {
    false
}

/// Whether the browser remembers it.
#[cfg(target_arch = "wasm32")]
fn keep(on: bool) -> bool {
    super::hands::keep_single_keys(on)
}
