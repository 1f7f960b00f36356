//! The receipt of an erasure: how much was reached, without a name. To be printed or downloaded.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::receipt,
    place::{ERASE, ReceiptPlace},
    view::{ErasedView, Leftovers, ReceiptView},
};
use crate::ui::{
    head::{Crumb, sheet_head},
    icon::{Icon, icon},
    markup::Text,
    moment::{self, moment},
    number::grouped,
    problem::page_problem,
};

#[component]
pub fn Receipt() -> impl IntoView {
    let query = use_query_map();
    let place = Memo::new(move |_| query.with(ReceiptPlace::read));
    let content = Resource::new(move || place.get().id, receipt);
    view! {
        <Title text="Receipt" />
        {sheet_head(
            vec![Crumb::group("Administration"), Crumb::page("Erase a person", ERASE)],
            "Receipt".to_owned(),
        )}
        <div class="page">
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => shown_receipt(view, &place.get_untracked()).into_any(),
                    Err(error) => view! {
                        <h1>"Receipt"</h1>
                        {page_problem(error, place.get_untracked().href())}
                    }
                    .into_any(),
                }))}
            </Transition>
        </div>
    }
}

fn shown_receipt(view: &ReceiptView, place: &ReceiptPlace) -> impl IntoView + use<> {
    let again = place.again.then(|| {
        view! {
            <p class="done-note" role="status">
                "This person was erased already. Nothing of theirs was left, and this is the receipt from then."
            </p>
        }
    });
    let persons = match view.persons {
        0 => "None".to_owned(),
        some => format!("{} removed", grouped(some)),
    };
    view! {
        <div class="title-row">
            <div>
                <h1>"Receipt of an erasure"</h1>
                <p class="lead"><code>{view.id.clone()}</code></p>
            </div>
            <a class="button" href=place.json_href() rel="external" download="">
                {icon(Icon::Download)}
                "Download, JSON"
            </a>
        </div>
        {again}
        {place.leftovers.and_then(files)}
        <dl class="family">
            <div><dt>"Erased"</dt><dd>{moment(view.erased_at, moment::exact(view.erased_at))}</dd></div>
            <div><dt>"People of the customer-success data"</dt><dd>{persons}</dd></div>
        </dl>
        {table(view)}
        <p class="small receipt-foot">
            "The next syncs leave the person out, unless they join a community again. Backups and exports that were made before the erasure still hold them. This receipt names nobody; the audit trail names it by its id."
        </p>
    }
}

/// What is to be known of the files right after an erasure.
fn files(leftovers: Leftovers) -> Option<impl IntoView + use<>> {
    let (tone, shape, words) = match leftovers {
        Leftovers::None => return None,
        Leftovers::Pending => (
            "warn",
            Icon::Triangle,
            "Free places of the database's files may hold the address for now, since another process is at them. Erase the same address again later: it looks again.",
        ),
        Leftovers::LeftToTheEngine => (
            "idle",
            Icon::Info,
            "The database gives the places that the person's rows had away by itself, and not at once.",
        ),
    };
    Some(view! {
        <p class="done-note" role="status">
            <span class=format!("state {tone}")>{icon(shape)}</span>
            <span>{words}</span>
        </p>
    })
}

fn table(view: &ReceiptView) -> impl IntoView + use<> {
    let mut rows: String = view
        .tenants
        .iter()
        .map(|(tenant, of)| row(&format!("<code>{}</code>", Text(tenant)), of))
        .collect();
    rows.push_str(&row("All", &view.total()));
    view! {
        <table class="stacking">
            <caption class="visually-hidden">"What was reached, by tenant"</caption>
            <thead>
                <tr>
                    <th scope="col">"Tenant"</th>
                    <th scope="col" class="number">"Members removed"</th>
                    <th scope="col" class="number">"Topics and replies without them"</th>
                    <th scope="col" class="number">"Activities without them"</th>
                    <th scope="col" class="number">"Records emptied"</th>
                    <th scope="col" class="number">"Mentions taken out"</th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
}

fn row(head: &str, of: &ErasedView) -> String {
    let cell = |label: &str, count: u64| {
        let zero = if count == 0 { " zero" } else { "" };
        format!(
            r#"<td class="number{zero}" data-label="{label}">{}</td>"#,
            grouped(count)
        )
    };
    format!(
        r#"<tr><th scope="row">{head}</th>{}{}{}{}{}</tr>"#,
        cell("Members", of.users),
        cell("Posts", of.content),
        cell("Activities", of.activity),
        cell("Records", of.invalid_records),
        cell("Mentions", of.mentions),
    )
}
