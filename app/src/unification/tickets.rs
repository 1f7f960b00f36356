//! Tickets: what was handed on, and how many of each are still without a company.

use domain::unification::ticket_reference;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::tickets,
    page::{UnificationTab, page_title, tabs},
    place::{TICKETS, TicketPlace, UNIFICATION, USERS, page_href},
    view::{TICKETS_PAGE_ROWS, TicketRow, TicketsView},
};
use crate::{
    companies::{
        list::{nothing_on_this_page, pages},
        place::page_of,
    },
    ui::{
        head::{Crumb, sheet_head},
        moment::{self, moment},
        number::{counted, grouped},
        problem::page_problem,
    },
};

#[component]
pub fn Tickets() -> impl IntoView {
    let query = use_query_map();
    let page = Memo::new(move |_| query.with(page_of));
    let content = Resource::new(move || page.get(), tickets);
    view! {
        <Title text="Tickets" />
        {sheet_head(
            vec![Crumb::group("Administration"), Crumb::page("Unification", UNIFICATION)],
            "Tickets".to_owned(),
        )}
        <div class="page">
            {page_title()}
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => tickets_tab(view).into_any(),
                    Err(error) => page_problem(error, page_href(TICKETS, page.get_untracked())).into_any(),
                }))}
            </Transition>
        </div>
    }
}

fn tickets_tab(view: &TicketsView) -> impl IntoView + use<> {
    let shown = if view.rows.is_empty() {
        nothing(view).into_any()
    } else {
        view! {
            {table(view)}
            {paging(view)}
        }
        .into_any()
    };
    view! {
        {tabs(&view.head, UnificationTab::Tickets)}
        {shown}
    }
}

fn nothing(view: &TicketsView) -> AnyView {
    if view.page > 1 {
        return nothing_on_this_page(TICKETS.to_owned());
    }
    view! {
        <section class="empty">
            <h2>"No ticket yet"</h2>
            <p>"A ticket is one text with users without a company, their reasons and the version of the rules, to be sent on."</p>
            <p><a class="button" href=USERS>"Choose users for one"</a></p>
        </section>
    }
    .into_any()
}

fn table(view: &TicketsView) -> impl IntoView + use<> {
    let rows: Vec<_> = view
        .rows
        .iter()
        .map(|row| ticket_row(row, view).into_any())
        .collect();
    view! {
        <table class="stacking">
            <caption class="visually-hidden">"Tickets, the newest first"</caption>
            <thead>
                <tr>
                    <th scope="col">"Ticket"</th>
                    <th scope="col">"Chosen"</th>
                    <th scope="col" class="number">"Users"</th>
                    <th scope="col" class="number">"Still without a company"</th>
                    <th scope="col" class="number">"Rules"</th>
                    <th scope="col">"Made"</th>
                    <th scope="col">"By"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn ticket_row(row: &TicketRow, view: &TicketsView) -> impl IntoView + use<> {
    let at = moment::day_time(row.at, view.as_of);
    view! {
        <tr>
            <th scope="row">
                <a class="link" href=TicketPlace::of(row.number).href()>{ticket_reference(row.number)}</a>
            </th>
            <td data-label="Chosen">{row.selection.clone()}</td>
            <td class="number" data-label="Users">{grouped(row.users)}</td>
            <td class="number" data-label="Still without a company">{grouped(row.open)}</td>
            <td class="number" data-label="Rules">{format!("version {}", row.rule_version)}</td>
            <td data-label="Made">{moment(row.at, at)}</td>
            <td data-label="By">{row.by.clone()}</td>
        </tr>
    }
}

fn paging(view: &TicketsView) -> impl IntoView + use<> {
    let page = view.page.max(1);
    let first = u64::from(page - 1) * u64::from(TICKETS_PAGE_ROWS) + 1;
    let last = first + view.rows.len() as u64 - 1;
    let words = counted(view.total, "ticket", "tickets");
    pages(
        "Pages of the tickets",
        first,
        last,
        &words,
        view.total,
        page,
        &|page| page_href(TICKETS, page),
    )
}
