//! A company: its domains, its family, and the members who are tied to it.

use domain::unification::DecidedBy;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::company,
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
        {family(view)}
        <section class="company-members">
            <h2 class="section-title">"Members"</h2>
            {members_table(view)}
            {paging(view, place)}
        </section>
    }
}

fn family(view: &CompanyView) -> impl IntoView + use<> {
    let link = |company: &CompanyName| {
        view! { <a class="link" href=company_href(&company.external_id)>{company.name.clone()}</a> }
    };
    let parent = match (&view.parent, &view.company.parent_external_id) {
        (Some(parent), _) => link(parent).into_any(),
        (None, Some(id)) => {
            view! { <span><code>{id.clone()}</code> ", which is not imported"</span> }.into_any()
        }
        (None, None) => "None".into_any(),
    };
    let children: Vec<_> = view
        .children
        .iter()
        .enumerate()
        .map(|(index, child)| view! { {(index > 0).then_some(", ")} {link(child)} })
        .collect();
    let none = children.is_empty();
    view! {
        <dl class="family">
            <div><dt>"Parent company"</dt><dd>{parent}</dd></div>
            <div><dt>"Companies below it"</dt><dd>{children}{none.then_some("None")}</dd></div>
        </dl>
    }
}

fn members_table(view: &CompanyView) -> impl IntoView + use<> {
    if view.members.is_empty() {
        return view! { <p class="small">"No member is tied to this company."</p> }.into_any();
    }
    let rows: String = view.members.iter().map(member_row).collect();
    view! {
        <table class="stacking">
            <caption class="visually-hidden">"Members who are tied to this company"</caption>
            <thead>
                <tr>
                    <th scope="col">"Member"</th>
                    <th scope="col">"Connection"</th>
                    <th scope="col">"Email"</th>
                    <th scope="col">"Matched by"</th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
    .into_any()
}

fn member_row(row: &CompanyMember) -> String {
    let by = match (row.decided_by, &row.rule) {
        (DecidedBy::Hand, _) => "Manual link",
        (_, Some(rule)) => rule.as_str(),
        (_, None) => "–",
    };
    format!(
        r#"<tr><th scope="row"><a class="link" href="{}">{}</a></th><td data-label="Connection"><code>{}</code></td><td data-label="Email">{}</td><td data-label="Matched by">{}</td></tr>"#,
        Text(&MemberKey::from(&row.member).href()),
        Text(&row.member.username),
        Text(&row.member.tenant_id),
        Text(row.email.as_deref().unwrap_or("–")),
        Text(by),
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
