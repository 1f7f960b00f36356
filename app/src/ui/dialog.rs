//! A panel over the page, at its own URL. The server renders it open; without scripts it is a state of the page and
//! closes by a link. Scripts make it modal, so that the browser holds the focus inside and gives it back.

use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast, web_sys::HtmlElement};
use leptos_router::{NavigateOptions, hooks::use_navigate};

#[component]
pub fn Dialog(
    class: &'static str,
    /// The id of the heading.
    labelled_by: &'static str,
    /// Where closing leads.
    #[prop(into)]
    close: Signal<String>,
    children: Children,
) -> impl IntoView {
    let panel = NodeRef::<html::Dialog>::new();
    let navigate = use_navigate();
    let leave = move || {
        let stay_put = NavigateOptions {
            scroll: false,
            ..NavigateOptions::default()
        };
        navigate(&close.get_untracked(), stay_put);
    };
    Effect::new(move || {
        if let Some(panel) = panel.get() {
            leave_menu();
            // What the server rendered open is not modal, and only a closed dialog can become modal.
            let _ = panel.remove_attribute("open");
            let _ = panel.show_modal();
        }
    });
    // Closing gives the focus back to the link that opened the panel; removing the element alone would lose it.
    on_cleanup(move || {
        if let Some(panel) = panel.try_get_untracked().flatten() {
            panel.close();
        }
    });
    let on_cancel = {
        let leave = leave.clone();
        move |event: ev::Event| {
            event.prevent_default();
            leave();
        }
    };
    let on_close = {
        let leave = leave.clone();
        move |_| {
            let connected = panel.get_untracked().is_some_and(|panel| panel.is_connected());
            if connected {
                leave();
            }
        }
    };
    // The panel has no padding of its own: a click that hits it and no child of it was beside it.
    let on_click = move |event: ev::MouseEvent| {
        if event.target() == event.current_target() {
            leave();
        }
    };
    view! {
        <a class="scrim" href=move || close.get() data-noscroll="" tabindex="-1" aria-hidden="true"></a>
        <dialog
            open
            class=class
            aria-labelledby=labelled_by
            node_ref=panel
            on:cancel=on_cancel
            on:close=on_close
            on:click=on_click
        >
            {children()}
        </dialog>
    }
}

/// A menu closes when a dialog opens. Closing it first gives the focus back to its button, and that is where the
/// dialog then gives it back to.
pub fn leave_menu() {
    let menu = document()
        .active_element()
        .and_then(|focused| focused.closest("[popover]").ok().flatten());
    if let Some(menu) = menu.as_ref().and_then(|menu| menu.dyn_ref::<HtmlElement>()) {
        let _ = menu.hide_popover();
    }
}
