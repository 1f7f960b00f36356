//! The button that copies what stands beside it. Some browsers let no page do that, such as over plain HTTP; there the text is
//! selected in one click, as without scripts.

use leptos::prelude::*;

use super::Scripts;
use crate::ui::icon::{Icon, icon};

pub fn copy_button(text: String) -> impl IntoView {
    let scripts = use_context::<Scripts>();
    move || {
        let may_copy = scripts.is_some_and(Scripts::run) && window().is_secure_context();
        may_copy.then(|| button(text.clone()))
    }
}

fn button(text: String) -> impl IntoView {
    let said = RwSignal::new("");
    view! {
        <button class="button copy" type="button" on:click=move |_| copy(text.clone(), said)>
            {icon(Icon::Copy)}
            "Copy"
        </button>
        <span class="copied" role="status">{said}</span>
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn copy(_: String, _: RwSignal<&'static str>) {}

#[cfg(target_arch = "wasm32")]
fn copy(text: String, said: RwSignal<&'static str>) {
    /// Until it is taken back, so that the next one is said as well.
    const SAID_FOR_MS: u32 = 4_000;

    leptos::task::spawn_local(async move {
        let done = window().navigator().clipboard().write_text(&text).await;
        let words = if done.is_ok() {
            "Copied"
        } else {
            "The browser did not copy it. Select it, then copy it."
        };
        // The page may have been left.
        let _ = said.try_set(words);
        gloo_timers::future::TimeoutFuture::new(SAID_FOR_MS).await;
        let _ = said.try_set("");
    });
}
