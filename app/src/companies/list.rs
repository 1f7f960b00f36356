//! Customers: companies and people, as they were imported, to be looked up.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::find_customers,
    place::{CUSTOMERS, Listed, LookUp, NEW_COMPANY, company_href},
    view::{CompanyRow, FoundRows, LOOK_UP_ROWS, LookUpView, PersonRow},
};
use crate::{
    access::may_use,
    ui::{
        command::command,
        head::sheet_head,
        markup::Text,
        number::{counted, grouped},
        problem::page_problem,
    },
};

#[component]
pub fn Customers() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(LookUp::read));
    let content = Resource::new(move || key.get(), find_customers);
    view! {
        <Title text="Customers" />
        {sheet_head(Vec::new(), "Customers".to_owned())}
        <div class="page">
            <div class="title-row">
                <div>
                    <h1>"Customers"</h1>
                    <p class="lead">"The companies and people of your customer-success data, as they were imported."</p>
                </div>
                {may_use(NEW_COMPANY).then(|| view! { <a class="button" href=NEW_COMPANY>"New company"</a> })}
            </div>
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => found(view).into_any(),
                    Err(error) => page_problem(error, key.get_untracked().href()).into_any(),
                }))}
            </Transition>
        </div>
    }
}

fn found(view: &LookUpView) -> impl IntoView + use<> {
    let current = |listed: Listed| (listed == view.query.listed).then_some("page");
    let table = match &view.rows {
        FoundRows::Companies(rows) if !rows.is_empty() => companies(rows).into_any(),
        FoundRows::People(rows) if !rows.is_empty() => people(rows).into_any(),
        FoundRows::Companies(_) | FoundRows::People(_) => nothing(view).into_any(),
    };
    view! {
        <nav class="tabs" aria-label="Customers">
            <a href=LookUp::of(Listed::Companies).href() aria-current=current(Listed::Companies)>
                "Companies "
                <span class="count">{grouped(view.companies)}</span>
            </a>
            <a href=LookUp::of(Listed::People).href() aria-current=current(Listed::People)>
                "People "
                <span class="count">{grouped(view.people)}</span>
            </a>
        </nav>
        {search(&view.query)}
        {table}
        {paging(view)}
    }
}

fn search(query: &LookUp) -> impl IntoView + use<> {
    let people = query.listed == Listed::People;
    let label = if people {
        "Name, email or external id"
    } else {
        "Name, domain or external id"
    };
    view! {
        <form class="filters" method="get" action=CUSTOMERS role="search">
            {people.then(|| view! { <input type="hidden" name="tab" value="people" /> })}
            <label class="field">
                <span class="field-name">{label}</span>
                <input type="search" name="q" value=query.text.clone() autocomplete="off" />
            </label>
            <button class="button" type="submit">"Look up"</button>
        </form>
    }
}

fn companies(rows: &[CompanyRow]) -> impl IntoView + use<> {
    let rows: String = rows.iter().map(company_row).collect();
    view! {
        <table class="stacking">
            <caption class="visually-hidden">"Companies, by name"</caption>
            <thead>
                <tr>
                    <th scope="col">"Company"</th>
                    <th scope="col">"External id"</th>
                    <th scope="col">"Domains"</th>
                    <th scope="col">"Parent"</th>
                    <th scope="col" class="number">"Members"</th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
}

fn company_row(row: &CompanyRow) -> String {
    let company = &row.company;
    let domains = if row.domains.is_empty() {
        "–".to_owned()
    } else {
        row.domains.join(", ")
    };
    let parent = row.parent_external_id.as_ref().map_or_else(
        || "–".to_owned(),
        |parent| {
            format!(
                r#"<a class="link" href="{}">{}</a>"#,
                Text(&company_href(parent)),
                Text(parent)
            )
        },
    );
    format!(
        r#"<tr><th scope="row"><a class="link" href="{}">{}</a></th><td data-label="Id"><code>{}</code></td><td data-label="Domains">{}</td><td data-label="Parent">{parent}</td><td class="number" data-label="Members">{}</td></tr>"#,
        Text(&company_href(&company.external_id)),
        Text(&company.name),
        Text(&company.external_id),
        Text(&domains),
        grouped(row.members),
    )
}

fn people(rows: &[PersonRow]) -> impl IntoView + use<> {
    let rows: String = rows.iter().map(person_row).collect();
    view! {
        <table class="stacking">
            <caption class="visually-hidden">"People, by name"</caption>
            <thead>
                <tr>
                    <th scope="col">"Person"</th>
                    <th scope="col">"External id"</th>
                    <th scope="col">"Email"</th>
                    <th scope="col">"Phone"</th>
                    <th scope="col">"Company"</th>
                    <th scope="col">"State"</th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
}

fn person_row(row: &PersonRow) -> String {
    let text = |value: Option<&str>| Text(value.unwrap_or("–")).to_string();
    let company = row.company_external_id.as_ref().map_or_else(
        || "–".to_owned(),
        |company| {
            format!(
                r#"<a class="link" href="{}">{}</a>"#,
                Text(&company_href(company)),
                Text(company)
            )
        },
    );
    let name = if row.full_name.is_empty() {
        "No name"
    } else {
        row.full_name.as_str()
    };
    format!(
        r#"<tr><th scope="row">{}</th><td data-label="Id"><code>{}</code></td><td data-label="Email">{}</td><td data-label="Phone">{}</td><td data-label="Company">{company}</td><td>{}</td></tr>"#,
        Text(name),
        Text(&row.external_id),
        text(row.email.as_deref()),
        text(row.phone.as_deref()),
        if row.active { "Active" } else { "Inactive" },
    )
}

fn nothing(view: &LookUpView) -> impl IntoView + use<> {
    let query = &view.query;
    let (what, all) = match query.listed {
        Listed::Companies => ("companies", view.companies),
        Listed::People => ("people", view.people),
    };
    if query.text.is_empty() && all == 0 {
        let file = if query.listed == Listed::People {
            "person"
        } else {
            "company"
        };
        return view! {
            <section class="empty">
                <h2>{format!("There are no {what} yet")}</h2>
                <p>"An operator brings them in from your customer-success data."</p>
                {command(format!("tributary {file} import FILE"))}
            </section>
        }
        .into_any();
    }
    let title = if query.text.is_empty() {
        "There is nothing on this page".to_owned()
    } else {
        format!("Nothing found for “{}”", query.text)
    };
    view! {
        <section class="empty">
            <h2>{title}</h2>
            <p>{format!("{} {what} are hidden by this search.", grouped(all))}</p>
            <p><a class="button" href=LookUp::of(query.listed).href()>"Clear the search"</a></p>
        </section>
    }
    .into_any()
}

fn paging(view: &LookUpView) -> impl IntoView + use<> {
    let shown = match &view.rows {
        FoundRows::Companies(rows) => rows.len(),
        FoundRows::People(rows) => rows.len(),
    } as u64;
    let page = view.query.page.max(1);
    let first = u64::from(page - 1) * u64::from(LOOK_UP_ROWS) + 1;
    let last = first + shown - u64::from(shown > 0);
    let words = match view.query.listed {
        Listed::Companies => counted(view.total, "company", "companies"),
        Listed::People => counted(view.total, "person", "people"),
    };
    (shown > 0).then(|| {
        let query = view.query.clone();
        pages(
            "Pages of the list",
            first,
            last,
            &words,
            view.total,
            page,
            &|page| query.with_page(page).href(),
        )
    })
}

/// Of a page past the end of a list.
pub fn nothing_on_this_page(first_page: String) -> AnyView {
    view! {
        <section class="empty">
            <h2>"There is nothing on this page"</h2>
            <p><a class="button" href=first_page>"Go to the first page"</a></p>
        </section>
    }
    .into_any()
}

/// `1 to 50 of 1,204 companies`, with the pages before and after.
pub fn pages(
    label: &'static str,
    first: u64,
    last: u64,
    words: &str,
    total: u64,
    page: u32,
    href: &dyn Fn(u32) -> String,
) -> AnyView {
    let turn = |words: &'static str, to: Option<u32>| match to {
        Some(page) => view! { <a href=href(page)>{words}</a> }.into_any(),
        None => view! { <span>{words}</span> }.into_any(),
    };
    let (back, next) = (
        turn("Back", (page > 1).then(|| page - 1)),
        turn("Next", (last < total).then_some(page + 1)),
    );
    let told = format!("{} to {} of {words}", grouped(first), grouped(last));
    view! {
        <nav class="paging" aria-label=label>
            <p>{told}</p>
            {back}
            {next}
        </nav>
    }
    .into_any()
}
