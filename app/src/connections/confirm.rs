//! Asks before a connection is deactivated: a state of the page at its own URL, with or without scripts.

use leptos::prelude::*;

use super::{
    action::Actions,
    menu::deactivate_form,
    view::{ConnectionCard, ConnectionsView},
};
use crate::{
    page::{Content, ContentResource},
    place::Place,
    ui::{dialog::Dialog, number::counted},
};

/// The question, if the place asks it and the connection is still active.
pub fn confirmation(place: Memo<Place>, content: ContentResource, actions: Actions) -> Option<AnyView> {
    let id = place.with(|place| place.connection.filter(|_| place.confirm))?;
    content.with(|content| match content {
        Some(Ok(Content::Connections(ConnectionsView { cards, .. }))) => cards
            .iter()
            .find(|card| card.id == id && card.deactivated_at.is_none())
            .map(|card| question(card, place, actions).into_any()),
        _ => None,
    })
}

fn question(card: &ConnectionCard, place: Memo<Place>, actions: Actions) -> impl IntoView + use<> {
    let id = card.id;
    let back = Signal::derive(move || place.get().closed().href());
    let name = card.name.clone();
    let words = consequences(card);
    view! {
        <Dialog class="confirm" labelled_by="confirm-title" close=back>
            <div class="confirm-body">
                <h2 id="confirm-title">{format!("Deactivate {name}?")}</h2>
                <p>{words}</p>
                {move || actions.failure(id)}
                <div class="confirm-actions">
                    <a class="button" href=move || back.get() data-noscroll="" autofocus>
                        "Keep it active"
                    </a>
                    {deactivate_form(id, actions)}
                </div>
            </div>
        </Dialog>
    }
}

fn consequences(card: &ConnectionCard) -> String {
    let run = if card.current.is_some() {
        "The run under way stops at the next page. "
    } else {
        "No run starts any more. "
    };
    format!(
        "{run}The {} and all posts stay in the data store and are not updated. You can activate it again at any time.",
        counted(card.counts.users, "user", "users")
    )
}
