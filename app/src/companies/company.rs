//! A company: its domains, what its members did, those below it, and the members who are tied to it.

use domain::unification::DecidedBy;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::company,
    engagement::{engagement, subsidiaries},
    form::{TITLES, back_to, company_form},
    list::pages,
    place::{CUSTOMERS, CompanyPlace, company_href},
    view::{CompanyMember, CompanyView, LOOK_UP_ROWS},
};
use crate::{
    access::may_change,
    ui::{
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        markup::Text,
        moment::{ago, moment_markup},
        number::{counted, grouped},
        problem::{failure_in_url, page_problem},
    },
    unification::{place::MemberKey, view::CompanyName},
};

#[component]
pub fn Company() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(CompanyPlace::read));
    let content = Resource::new(move || key.get(), company);
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Company" />
        {sheet_head(vec![Crumb::page("Customers", CUSTOMERS)], "Company".to_owned())}
        <div class="page">
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) if key.get_untracked().edit && may_change() => view! {
                        <h1>{format!("Edit {}", view.company.name)}</h1>
                        {failure()}
                        {company_form(&view.company, false, back_to(&view.company))}
                    }
                    .into_any(),
                    Ok(view) => shown_company(view, &key.get_untracked()).into_any(),
                    Err(error) => view! {
                        <h1>"Company"</h1>
                        {page_problem(error, key.get_untracked().href())}
                    }
                    .into_any(),
                }))}
            </Transition>
        </div>
    }
}

fn shown_company(view: &CompanyView, place: &CompanyPlace) -> impl IntoView + use<> {
    let company = &view.company;
    let domains = if company.domains.is_empty() {
        "No email domain".to_owned()
    } else {
        company.domains.join(", ")
    };
    let members = counted(view.members_total, "member", "members");
    let edit = CompanyPlace {
        edit: true,
        ..place.clone()
    };
    view! {
        <div class="title-row">
            <div>
                <h1>{company.name.clone()}</h1>
                <p class="lead">{format!("{domains} · {members} · ")} <code>{company.external_id.clone()}</code></p>
            </div>
            {may_change().then(|| view! {
                <a class="button" href=edit.href()>{icon(Icon::Pencil)} "Edit"</a>
            })}
        </div>
        {parent(view)}
        {circle(view)}
        {engagement(view, place)}
        {subsidiaries(view, place)}
        <section class="company-members" aria-labelledby="members-title">
            <div class="section-head">
                <h2 id="members-title">"Members"</h2>
                <span class="small end">{active(view, place)}</span>
            </div>
            {members_table(view)}
            {paging(view, place)}
        </section>
    }
}

fn parent(view: &CompanyView) -> impl IntoView + use<> {
    let parent = match (&view.parent, &view.company.parent_external_id) {
        (Some(parent), _) => company_link(parent).into_any(),
        (None, Some(id)) => {
            view! { <span><code>{id.clone()}</code> ", which is not imported"</span> }.into_any()
        }
        (None, None) => "None".into_any(),
    };
    view! {
        <dl class="family">
            <div><dt>"Parent company"</dt><dd>{parent}</dd></div>
        </dl>
    }
}

pub fn company_link(company: &CompanyName) -> impl IntoView + use<> {
    view! { <a class="link" href=company_href(&company.external_id)>{company.name.clone()}</a> }
}

/// Parents that go round: told with what to do, since nothing can be added up until then.
fn circle(view: &CompanyView) -> Option<impl IntoView + use<>> {
    let first = view.circle.first()?;
    let path = [view.circle.join(" → "), first.clone()].join(" → ");
    Some(view! {
        <div class="problem compact" role="alert">
            <p class="problem-title">{icon(Icon::Triangle)}"The parents of this company go round"</p>
            <p>{format!("{path}. Its figures are its own alone. Give one of these companies another parent, or none.")}</p>
        </div>
    })
}

/// `41 active, 22 not active in 30 days`, of the company alone, as its members are listed.
fn active(view: &CompanyView, place: &CompanyPlace) -> String {
    let subsidiaries = view.subsidiaries.as_ref();
    let own = subsidiaries.map_or(view.engagement.now, |subsidiaries| subsidiaries.own);
    format!(
        "{} active, {} not active in {} days",
        grouped(own.active),
        grouped(own.members.saturating_sub(own.active)),
        place.period.days()
    )
}

fn members_table(view: &CompanyView) -> impl IntoView + use<> {
    if view.members.is_empty() {
        return view! { <p class="small">"No member is tied to this company."</p> }.into_any();
    }
    let rows: String = view.members.iter().map(|row| member_row(row, view)).collect();
    view! {
        <table class="stacking">
            <caption class="visually-hidden">"Members who are tied to this company, with what they did in this period"</caption>
            <thead>
                <tr>
                    <th scope="col">"Member"</th>
                    <th scope="col">"Connection"</th>
                    <th scope="col">"Email"</th>
                    <th scope="col">"Matched by"</th>
                    <th scope="col">"Last active"</th>
                    <th scope="col" class="number">"Posts"</th>
                    <th scope="col" class="number">"Replies"</th>
                    <th scope="col" class="number">"Ideas"</th>
                    <th scope="col" class="number">"Views"</th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
    .into_any()
}

fn member_row(row: &CompanyMember, view: &CompanyView) -> String {
    let by = match (row.decided_by, &row.rule) {
        (DecidedBy::Hand, _) => "Manual link",
        (_, Some(rule)) => rule.as_str(),
        (_, None) => "–",
    };
    let active = row
        .last_active_at
        .map_or_else(|| "–".to_owned(), |at| moment_markup(at, &ago(at, view.as_of)));
    format!(
        r#"<tr><th scope="row"><a class="link" href="{}">{}</a></th><td data-label="Connection"><code>{}</code></td><td data-label="Email">{}</td><td data-label="Matched by">{}</td><td data-label="Last active">{active}</td><td class="number" data-label="Posts">{}</td><td class="number" data-label="Replies">{}</td><td class="number" data-label="Ideas">{}</td><td class="number" data-label="Views">{}</td></tr>"#,
        Text(&MemberKey::from(&row.member).href()),
        Text(&row.member.username),
        Text(&row.member.tenant_id),
        Text(row.email.as_deref().unwrap_or("–")),
        Text(by),
        grouped(row.posts),
        grouped(row.replies),
        grouped(row.ideas),
        row.views.map_or_else(|| "no view source".to_owned(), grouped),
    )
}

fn paging(view: &CompanyView, place: &CompanyPlace) -> impl IntoView + use<> {
    let shown = view.members.len() as u64;
    let page = view.page.max(1);
    let first = u64::from(page - 1) * u64::from(LOOK_UP_ROWS) + 1;
    let last = first + shown.saturating_sub(1);
    let words = format!("{} members", grouped(view.members_total));
    let place = place.clone();
    (view.members_total > u64::from(LOOK_UP_ROWS)).then(|| {
        pages(
            "Pages of the members",
            first,
            last,
            &words,
            view.members_total,
            page,
            &|page| place.with_page(page).href(),
        )
    })
}
