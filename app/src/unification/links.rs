//! Manual links: whose company somebody named or denied by hand, by whom and why. Rules never overwrite these.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{LeaveToRules, links},
    page::{UnificationTab, page_title, tabs},
    place::{LINKS, MemberKey, UNIFICATION, page_href},
    view::{LINKS_PAGE_ROWS, LinkRow, LinksView},
};
use crate::{
    companies::{
        list::{nothing_on_this_page, pages},
        place::{company_href, page_of},
    },
    ui::{
        head::{Crumb, sheet_head},
        moment::{self, moment},
        number::counted,
        problem::{Titles, failure_in_url, page_problem},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[(LeaveToRules::PATH, "The user could not be left to the rules")];

#[component]
pub fn ManualLinks() -> impl IntoView {
    let query = use_query_map();
    let page = Memo::new(move |_| query.with(page_of));
    let content = Resource::new(move || page.get(), links);
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Manual links" />
        {sheet_head(
            vec![Crumb::group("Administration"), Crumb::page("Unification", UNIFICATION)],
            "Manual links".to_owned(),
        )}
        <div class="page">
            {page_title()}
            {failure}
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => links_tab(view).into_any(),
                    Err(error) => page_problem(error, page_href(LINKS, page.get_untracked())).into_any(),
                }))}
            </Transition>
        </div>
    }
}

fn links_tab(view: &LinksView) -> impl IntoView + use<> {
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
        {tabs(&view.head, UnificationTab::Links)}
        {shown}
    }
}

fn nothing(view: &LinksView) -> AnyView {
    if view.page > 1 {
        return nothing_on_this_page(LINKS.to_owned());
    }
    view! {
        <section class="empty">
            <h2>"Nobody was linked by hand"</h2>
            <p>"The rules decide for every user. On a user's page you can name their company yourself, with a reason."</p>
        </section>
    }
    .into_any()
}

fn table(view: &LinksView) -> impl IntoView + use<> {
    let rows: Vec<_> = view
        .rows
        .iter()
        .map(|row| link_row(row, view).into_any())
        .collect();
    view! {
        <table class="stacking">
            <caption class="visually-hidden">"Users whose company was said by hand, the latest first"</caption>
            <thead>
                <tr>
                    <th scope="col">"User"</th>
                    <th scope="col">"Connection"</th>
                    <th scope="col">"Company"</th>
                    <th scope="col">"Reason"</th>
                    <th scope="col">"Said by"</th>
                    <th scope="col">"When"</th>
                    <th scope="col"><span class="visually-hidden">"Take it back"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn link_row(row: &LinkRow, view: &LinksView) -> impl IntoView + use<> {
    let member = &row.member;
    let key = MemberKey::from(member);
    let company = match &row.company {
        Some(company) => {
            let href = company_href(&company.external_id);
            view! { <a class="link" href=href>{company.name.clone()}</a> }.into_any()
        }
        None => "Belongs to none".into_any(),
    };
    let at = moment::day_time(row.said.at, view.as_of);
    let label = format!("Leave {} to the rules", member.username);
    view! {
        <tr>
            <th scope="row">
                <a class="link" href=key.href()>{member.username.clone()}</a>
                <span class="small below">{row.email.clone().unwrap_or_else(|| "no email".to_owned())}</span>
            </th>
            <td data-label="Connection"><code>{member.tenant_id.clone()}</code></td>
            <td data-label="Company">{company}</td>
            <td data-label="Reason">{row.said.reason.clone()}</td>
            <td data-label="Said by">{row.said.by.clone()}</td>
            <td data-label="When">{moment(row.said.at, at)}</td>
            <td class="number">
                <form method="post" action=LeaveToRules::PATH>
                    <input type="hidden" name="tenant" value=key.tenant_id />
                    <input type="hidden" name="user" value=key.community_user_id />
                    <input type="hidden" name="from" value="links" />
                    <button class="button" type="submit" aria-label=label>"Leave to the rules"</button>
                </form>
            </td>
        </tr>
    }
}

fn paging(view: &LinksView) -> impl IntoView + use<> {
    let page = view.page.max(1);
    let first = u64::from(page - 1) * u64::from(LINKS_PAGE_ROWS) + 1;
    let last = first + view.rows.len() as u64 - 1;
    let words = counted(view.total, "user", "users");
    pages(
        "Pages of the manual links",
        first,
        last,
        &words,
        view.total,
        page,
        &|page| page_href(LINKS, page),
    )
}
