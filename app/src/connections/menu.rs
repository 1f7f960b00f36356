//! What can be done to a connection. No item is hidden; one that cannot be used now says why.

use domain::{ConnectionId, RunId};
use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

use super::{
    action::Actions,
    api::{Activate, CancelRun, Deactivate, SyncNow},
    view::ConnectionCard,
};
use crate::{place::Place, ui::icon::Icon};

pub fn menu(card: &ConnectionCard, actions: Actions) -> impl IntoView + use<> {
    let id = card.id;
    let target = format!("menu-{id}");
    let items = if card.deactivated_at.is_some() {
        activate_form(id, actions, "menu-item").into_any()
    } else if card.current.is_some() {
        let why = format!(
            "{}<span>Sync now <small>A run is under way</small></span>",
            Icon::Turning
        );
        view! {
            <button class="menu-item" type="button" aria-disabled="true" inner_html=why></button>
            {deactivate_link(id)}
        }
        .into_any()
    } else {
        view! {
            {sync_form(id, actions)}
            {deactivate_link(id)}
        }
        .into_any()
    };
    let log = Place::log(Some(id)).href();
    view! {
        <button
            class="icon-button"
            type="button"
            popovertarget=target.clone()
            aria-label=format!("Actions for {}", card.name)
            inner_html=Icon::Dots.svg()
        ></button>
        <div class="menu" id=target popover="auto">
            <a class="menu-item" href=log inner_html=format!("{}View Activity", Icon::List)></a>
            {items}
        </div>
    }
}

fn deactivate_link(id: ConnectionId) -> impl IntoView {
    let href = Place::confirm(id).href();
    let words = format!("{}Deactivate…", Icon::BarsCircle);
    view! { <a class="menu-item danger" href=href data-noscroll="" inner_html=words></a> }
}

fn sync_form(id: ConnectionId, actions: Actions) -> impl IntoView {
    let shape = Icon::Turning.to_string();
    let submit = move || {
        actions.sync.dispatch(SyncNow { connection: id });
    };
    let button = Button {
        class: "menu-item",
        words: "Sync now",
        shape,
    };
    form(id, actions, SyncNow::PATH, of(id), submit, button)
}

pub fn activate_form(id: ConnectionId, actions: Actions, class: &'static str) -> impl IntoView {
    let shape = if class == "menu-item" {
        Icon::TickCircle.to_string()
    } else {
        String::new()
    };
    let submit = move || {
        actions.activate.dispatch(Activate { connection: id });
    };
    let button = Button {
        class,
        words: "Activate",
        shape,
    };
    form(id, actions, Activate::PATH, of(id), submit, button)
}

pub fn deactivate_form(id: ConnectionId, actions: Actions) -> impl IntoView {
    let submit = move || {
        actions.deactivate.dispatch(Deactivate { connection: id });
    };
    let button = Button {
        class: "button danger",
        words: "Deactivate",
        shape: String::new(),
    };
    form(id, actions, Deactivate::PATH, of(id), submit, button)
}

/// The field that names the connection.
fn of(id: ConnectionId) -> (&'static str, String) {
    ("connection", id.to_string())
}

/// Stops a run, whether it waits or is under way. It asks nothing first: what is stored is kept, and Sync now brings the
/// run back.
pub fn cancel_form(id: ConnectionId, run: RunId, actions: Actions) -> impl IntoView {
    let submit = move || {
        actions.cancel.dispatch(CancelRun { run });
    };
    let button = Button {
        class: "button",
        words: "Cancel the run",
        shape: String::new(),
    };
    form(
        id,
        actions,
        CancelRun::PATH,
        ("run", run.to_string()),
        submit,
        button,
    )
}

struct Button {
    class: &'static str,
    words: &'static str,
    shape: String,
}

/// A form that posts. Scripts send it in place, say at once that it was asked, and take no second press.
fn form(
    id: ConnectionId,
    actions: Actions,
    path: &'static str,
    (field, value): (&'static str, String),
    submit: impl Fn() + 'static,
    button: Button,
) -> impl IntoView {
    let Button { class, words, shape } = button;
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !actions.pending(id) {
            actions.ask_for(id);
            submit();
        }
    };
    let label = move || {
        let words = if actions.pending(id) {
            "Asked for…"
        } else {
            words
        };
        format!("{shape}<span>{words}</span>")
    };
    view! {
        <form method="post" action=path on:submit=on_submit>
            <input type="hidden" name=field value=value />
            <button
                class=class
                type="submit"
                aria-disabled=move || actions.pending(id).then_some("true")
                inner_html=label
            ></button>
        </form>
    }
}
