//! What can be done to a connection. No item is hidden; one that cannot be used now says why.

use domain::ConnectionId;
use leptos::prelude::*;

use super::{action::Actions, view::ConnectionCard};
use crate::{
    place::Place,
    ui::icon::{Icon, icon},
};

pub fn menu(card: &ConnectionCard, actions: Actions) -> impl IntoView + use<> {
    let id = card.id;
    let target = format!("menu-{id}");
    let active = card.deactivated_at.is_none();
    let items = match (active, &card.current) {
        (false, _) => activate_form(id, actions, "menu-item").into_any(),
        (true, None) => view! {
            {sync_form(id, actions)}
            {deactivate_link(id)}
        }
        .into_any(),
        (true, Some(_)) => view! {
            <button class="menu-item" type="button" aria-disabled="true">
                {icon(Icon::Turning)}
                <span>"Sync now" <small>"A run is under way"</small></span>
            </button>
            {deactivate_link(id)}
        }
        .into_any(),
    };
    view! {
        <button
            class="icon-button"
            type="button"
            popovertarget=target.clone()
            aria-label=format!("Actions for {}", card.name)
        >
            {icon(Icon::Dots)}
        </button>
        <div class="menu" id=target popover="auto">
            <a class="menu-item" href=Place::log(Some(id)).href()>
                {icon(Icon::List)}
                "View Activity"
            </a>
            {items}
        </div>
    }
}

fn deactivate_link(id: ConnectionId) -> impl IntoView {
    view! {
        <a class="menu-item danger" href=Place::confirm(id).href() data-noscroll="">
            {icon(Icon::BarsCircle)}
            "Deactivate…"
        </a>
    }
}

fn sync_form(id: ConnectionId, actions: Actions) -> impl IntoView {
    view! {
        <ActionForm action=actions.sync on:submit:capture=move |_| actions.ask_for(id)>
            <input type="hidden" name="connection" value=id.to_string() />
            {button(id, actions, "menu-item", "Sync now", Some(Icon::Turning))}
        </ActionForm>
    }
}

pub fn activate_form(id: ConnectionId, actions: Actions, class: &'static str) -> impl IntoView {
    let shape = (class == "menu-item").then_some(Icon::TickCircle);
    view! {
        <ActionForm action=actions.activate on:submit:capture=move |_| actions.ask_for(id)>
            <input type="hidden" name="connection" value=id.to_string() />
            {button(id, actions, class, "Activate", shape)}
        </ActionForm>
    }
}

/// Says that it was asked at once, and takes no second press: while it waits it submits nothing.
pub fn button(
    id: ConnectionId,
    actions: Actions,
    class: &'static str,
    words: &'static str,
    shape: Option<Icon>,
) -> impl IntoView {
    let pending = Memo::new(move |_| actions.pending(id));
    view! {
        <button
            class=class
            type=move || if pending.get() { "button" } else { "submit" }
            aria-disabled=move || pending.get().then_some("true")
        >
            {shape.map(icon)}
            <span>{move || if pending.get() { "Asked for…" } else { words }}</span>
        </button>
    }
}
