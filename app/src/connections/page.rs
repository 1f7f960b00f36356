//! The Connections tab.

use domain::Health;
use leptos::{ev::MouseEvent, prelude::*};
use leptos_router::params::ParamsMap;

use super::{
    action::{Actions, failure_in_url},
    card::card,
    view::ConnectionsView,
};
use crate::{
    layout::FailingConnections,
    page::tabs,
    place::{Place, Tab},
    runs::live::{Live, pause_button},
    ui::{
        command::{ADD_CONNECTION, command},
        icon::{Icon, icon},
        moment::{clock, moment},
    },
};

pub fn connections_tab(
    view: &ConnectionsView,
    actions: Actions,
    query: Memo<ParamsMap>,
) -> impl IntoView + use<> {
    keep_badge(view);
    let failure = query.with_untracked(failure_in_url);
    let content = if view.cards.is_empty() {
        nothing_yet().into_any()
    } else {
        let cards: Vec<_> = view
            .cards
            .iter()
            .map(|shown| card(shown, view.as_of, actions))
            .collect();
        view! {
            {operator_note()}
            {live_head(view)}
            <ul class="cards">{cards}</ul>
            {why_always_on()}
        }
        .into_any()
    };
    view! {
        {tabs(Tab::Connections, view.cards.len())}
        {failure}
        {content}
    }
}

/// Over cards with a run under way: since when they are as they are, and how to see more or less of it.
fn live_head(view: &ConnectionsView) -> Option<impl IntoView + use<>> {
    let live = use_context::<Live>();
    if let Some(live) = live {
        live.show_cards(view);
    }
    if view.cards.iter().all(|card| card.current.is_none()) {
        return None;
    }
    let refresh = move |event: MouseEvent| {
        if let Some(live) = live {
            event.prevent_default();
            live.refresh();
        }
    };
    Some(view! {
        <div class="live-head">
            <p class="small">"Listed at " {moment(view.as_of, clock(view.as_of))}</p>
            {pause_button()}
            <a class="button" href=Place::default().href() data-key="r" on:click=refresh>
                {icon(Icon::Turning)}
                "Refresh"
            </a>
        </div>
    })
}

/// The badge in the navigation was counted when the document was sent; these cards are newer.
fn keep_badge(view: &ConnectionsView) {
    let failing = view
        .cards
        .iter()
        .filter(|card| card.health == Health::Failing)
        .count();
    if let (Some(FailingConnections(badge)), Ok(failing)) = (use_context(), u32::try_from(failing)) {
        Effect::new(move || badge.set(failing));
    }
}

fn operator_note() -> impl IntoView {
    view! {
        <div class="note-place">
            <details class="note">
                <summary>
                    {icon(Icon::Terminal)} <strong>"Connections are established by an operator"</strong>
                    {icon(Icon::ChevronDown)}
                </summary>
                <div class="note-body">
                    <p>
                        <span class="note-icon">{icon(Icon::Terminal)}</span>
                        <span>
                            <strong class="note-title">"Connections are established by an operator. "</strong>
                            "Give them your tenant id: the first part of the address of Control. They run"
                        </span>
                    </p>
                    {command(ADD_CONNECTION.to_owned())}
                </div>
            </details>
        </div>
    }
}

/// One for all cards: the reason is the same everywhere.
fn why_always_on() -> impl IntoView {
    view! {
        <div class="tip" id="always-on" popover="auto">
            <p>
                <strong>"Sync Users Data is always on"</strong>
            </p>
            <p>
                "Topics, replies and views only mean something with the member behind them, so users are part of every sync. To stop a tenant, deactivate its connection."
            </p>
        </div>
    }
}

fn nothing_yet() -> impl IntoView {
    const DRAWING: &str = r#"<svg viewBox="0 0 220 80" width="220" height="80" fill="none" stroke-width="1.5" aria-hidden="true"><g stroke="var(--line-strong)"><circle cx="10" cy="10" r="5"/><circle cx="10" cy="40" r="5"/><circle cx="10" cy="70" r="5"/><path stroke-dasharray="4 4" d="M18 10c62 0 56 30 96 30M18 70c62 0 56-30 96-30M18 40h96"/></g><path stroke="var(--accent)" stroke-width="3" d="M118 40h68"/><rect x="186" y="27" width="26" height="26" rx="6" fill="var(--accent-soft)" stroke="var(--accent)"/></svg>"#;
    view! {
        <section class="first">
            <div inner_html=DRAWING></div>
            <h2>"No community is connected yet"</h2>
            <p>
                "Connections are established by an operator of this installation. You do not need to do anything after that: the first sync starts by itself."
            </p>
            <ol class="steps">
                <li>
                    <h3>"Find your tenant id"</h3>
                    <p>
                        "Open Control of your community and look at its URL. In " <code>"customer-en.control.example"</code>
                        " the tenant id is " <code class="marked">"customer-en"</code> ". Each region or language has its own."
                    </p>
                </li>
                <li>
                    <h3>"Give every tenant id to your operator"</h3>
                    <p>"They run this once per tenant, with the client id and the secret of the community."</p>
                    {command(ADD_CONNECTION.to_owned())}
                </li>
                <li>
                    <h3>"Come back here"</h3>
                    <p>
                        "Each connection appears as a card, with its first run under way. After that it syncs daily, at a time set by the system."
                    </p>
                </li>
            </ol>
        </section>
    }
}
