//! The Activity Logs tab: one list, of every connection or of one. Rows change only on Refresh.

use leptos::prelude::*;

use super::{
    row::log_row,
    view::{ActivityLogView, ConnectionName, LOG_PAGE_ROWS},
};
use crate::{
    page::{ContentResource, tabs},
    place::{Place, Tab},
    ui::{
        icon::{Icon, icon},
        moment::{self, machine},
        number::{counted, grouped},
    },
};

pub fn activity_tab(view: &ActivityLogView, place: Place, content: ContentResource) -> impl IntoView + use<> {
    let list = if view.rows.is_empty() {
        empty(view).into_any()
    } else {
        view! {
            {table(view, place)}
            {paging(view)}
        }
        .into_any()
    };
    view! {
        {tabs(Tab::ActivityLogs, view.connections.len())}
        <div class="log-head">
            {choice(view)}
            {listed(view, content)}
        </div>
        {list}
    }
}

fn choice(view: &ActivityLogView) -> impl IntoView + use<> {
    let all = view.connection.is_none().then_some("true");
    let one = view.connection.as_ref().map(|chosen| {
        view! {
            <a class="chip" href=Place::log(None).href() data-noscroll="" aria-current="true">
                {chosen.language.as_ref().map(|code| view! { <strong>{code.to_uppercase()}</strong> })}
                <span>{chosen.name.clone()}</span>
                <code>{chosen.tenant_id.clone()}</code>
                <span class="visually-hidden">", show all again"</span>
                {icon(Icon::Cross)}
            </a>
        }
    });
    let links: Vec<_> = view.connections.iter().map(connection_link).collect();
    let none = links.is_empty();
    view! {
        <nav class="chips" aria-label="Choice of connection">
            <a class="chip" href=Place::log(None).href() data-noscroll="" data-key="/" aria-current=all>
                "All Activity Logs"
            </a>
            {one}
            {(!none).then(|| view! {
                <button class="chip" type="button" popovertarget="log-choice">
                    {if all.is_some() { "One connection" } else { "Another" }}
                    {icon(Icon::ChevronDown)}
                </button>
                <div class="menu start" id="log-choice" popover="auto">
                    {links}
                </div>
            })}
        </nav>
    }
}

fn connection_link(connection: &ConnectionName) -> impl IntoView + use<> {
    view! {
        <a class="menu-item" href=Place::log(Some(connection.id)).href() data-noscroll="">
            <span>{connection.name.clone()}</span>
            <code>{connection.tenant_id.clone()}</code>
        </a>
    }
}

/// When the rows were listed, and Refresh: a link to the same place, which scripts turn into reading again.
fn listed(view: &ActivityLogView, content: ContentResource) -> impl IntoView + use<> {
    let again = Place::log(view.connection.as_ref().map(|connection| connection.id))
        .with_page(view.page)
        .href();
    let refresh = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        content.refetch();
    };
    view! {
        <p class="listed">
            <span role="status">
                "Listed at " <time datetime=machine(view.listed_at)>{moment::clock(view.listed_at)}</time>
                <span class="visually-hidden">{format!(", {}", counted(view.rows.len() as u64, "row", "rows"))}</span> "."
            </span>
            <span>"Rows change only on refresh."</span>
        </p>
        <a class="button refresh" href=again data-key="r" on:click=refresh>
            {icon(Icon::Turning)}
            "Refresh"
        </a>
    }
}

fn table(view: &ActivityLogView, place: Place) -> impl IntoView + use<> {
    let all = view.connection.is_none();
    let caption = view.connection.as_ref().map_or_else(
        || "Runs of all connections, newest first".to_owned(),
        |chosen| format!("Runs of {}, newest first", chosen.name),
    );
    let rows: String = view
        .rows
        .iter()
        .map(|row| log_row(row, all, view.listed_at, place))
        .collect();
    view! {
        <table class="log">
            <caption class="visually-hidden">{caption}</caption>
            <thead>
                <tr>
                    <th scope="col">"Started"</th>
                    {all.then(|| view! { <th scope="col">"Connection"</th> })}
                    <th scope="col">"Trigger"</th>
                    <th scope="col" class="number">"Duration"</th>
                    <th scope="col">"Status and stage reached"</th>
                    <th scope="col" class="number">"Found"</th>
                    <th scope="col" class="number">"Valid"</th>
                    <th scope="col" class="number">"Invalid"</th>
                    <th scope="col"><span class="visually-hidden">"Details"</span></th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
}

fn paging(view: &ActivityLogView) -> impl IntoView + use<> {
    let page = view.page.max(1);
    let first = u64::from(page - 1) * u64::from(LOG_PAGE_ROWS) + 1;
    let last = first + view.rows.len() as u64 - 1;
    let at = Place::log(view.connection.as_ref().map(|connection| connection.id));
    let turn = |words: &'static str, to: Option<u32>| match to {
        Some(page) => view! { <a href=at.with_page(page).href()>{words}</a> }.into_any(),
        None => view! { <span>{words}</span> }.into_any(),
    };
    view! {
        <nav class="paging" aria-label="Pages of the log">
            <p>{format!("{} to {} of {}", grouped(first), grouped(last), counted(view.total, "run", "runs"))}</p>
            {turn("Newer", (page > 1).then(|| page - 1))}
            {turn("Older", (last < view.total).then_some(page + 1))}
        </nav>
    }
}

fn empty(view: &ActivityLogView) -> impl IntoView + use<> {
    let first_page = Place::log(view.connection.as_ref().map(|connection| connection.id)).href();
    let (title, words, link) = if view.total > 0 {
        (
            "There are no runs on this page",
            format!("The log has {}.", counted(view.total, "run", "runs")),
            Some((first_page, "Go to the newest runs")),
        )
    } else if view.connections.is_empty() {
        (
            "No community is connected yet",
            "Runs are listed here once an operator has established a connection.".to_owned(),
            Some((Place::default().href(), "See how connections are added")),
        )
    } else {
        (
            "No run yet",
            "Every sync is listed here, with how far it came. The first one starts by itself; you need not do anything.".to_owned(),
            None,
        )
    };
    view! {
        <section class="empty">
            <h2>{title}</h2>
            <p>{words}</p>
            {link.map(|(href, words)| view! { <p><a class="button" href=href>{words}</a></p> })}
        </section>
    }
}
