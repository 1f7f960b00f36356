//! In place of a sensitive form, while the password was given too long ago.

use leptos::prelude::*;

use crate::place::{CONFIRM, Href};

/// `page` is where the password leads back to.
pub fn password_first(page: &str) -> impl IntoView + use<> {
    let href = Href::to(CONFIRM).with("next", &page).into_text();
    view! {
        <section class="empty">
            <h2>"Your password is needed first"</h2>
            <p>"What is done here matters, so it is asked for again if you gave it some time ago."</p>
            <p><a class="button primary" href=href rel="external">"Give your password"</a></p>
        </section>
    }
}
