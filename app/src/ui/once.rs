//! What is shown this once: a one-time link, a token.

use leptos::prelude::*;

use crate::answer::Secret;

/// Selected whole in one click, to be copied.
pub fn shown_once(name: &'static str, secret: &Secret) -> impl IntoView + use<> {
    view! {
        <div class="once">
            <p class="field-name">{name}</p>
            <code class="once-secret">{secret.text().to_owned()}</code>
        </div>
    }
}
