//! The invalid records of one reason, within the drawer.

use domain::record::InvalidRecord;
use leptos::prelude::*;

use super::{
    drawer::{close_link, heading},
    view::{INVALID_PAGE_ROWS, InvalidRecordsView},
};
use crate::{
    place::{InvalidPlace, Place},
    ui::{
        moment::{self, moment},
        number::{counted, grouped},
        words,
    },
};

pub fn records(view: &InvalidRecordsView, at: Place) -> impl IntoView + use<> {
    let query = view.query;
    let list = if view.records.is_empty() {
        view! { <p>"There are no records on this page."</p> }.into_any()
    } else {
        let records: Vec<_> = view.records.iter().map(record).collect();
        view! {
            <ol class="records">{records}</ol>
            {paging(view, at)}
        }
        .into_any()
    };
    let stream = words::stream_in_text(query.stream);
    view! {
        <header class="drawer-head">
            <div>
                <p class="drawer-back">
                    <a href=at.with_invalid(None).href() data-noscroll="">
                        "Back to the Summary"
                    </a>
                </p>
                {heading(words::reason(query.reason, query.stream).to_owned())}
                <p class="drawer-sub">
                    {format!("{} in {stream}. {}", counted(view.total, "record", "records"), words::outcome(query.reason))}
                </p>
            </div>
            {close_link(at.closed())}
        </header>
        <div class="drawer-content">{list}</div>
    }
}

fn record(record: &InvalidRecord) -> impl IntoView + use<> {
    let repaired = record
        .repaired_at
        .map(|at| view! { <span class="outcome">"Repaired since: it was stored " {moment(at, moment::exact(at))} "."</span> });
    let served = if record.payload_cut {
        "The record as the provider served it, cut because it is longer than is kept"
    } else {
        "The record as the provider served it"
    };
    view! {
        <li>
            <p>
                <strong>{record.name.clone()}</strong>
                <span class="outcome">{record.message.clone()}</span>
                {repaired}
            </p>
            <details>
                <summary>{served}</summary>
                <pre tabindex="0">{record.payload.clone()}</pre>
            </details>
        </li>
    }
}

fn paging(view: &InvalidRecordsView, at: Place) -> impl IntoView + use<> {
    let query = view.query;
    let page = query.page.max(1);
    let first = u64::from(page - 1) * u64::from(INVALID_PAGE_ROWS) + 1;
    let last = first + view.records.len() as u64 - 1;
    let turn = |words: &'static str, to: Option<u32>| match to {
        Some(page) => {
            let to = InvalidPlace {
                stream: query.stream,
                reason: query.reason,
                page,
            };
            view! { <a href=at.with_invalid(Some(to)).href() data-noscroll="">{words}</a> }.into_any()
        }
        None => view! { <span>{words}</span> }.into_any(),
    };
    view! {
        <nav class="paging" aria-label="Pages of the records">
            <p>{format!("{} to {} of {}", grouped(first), grouped(last), counted(view.total, "record", "records"))}</p>
            {turn("Back", (page > 1).then(|| page - 1))}
            {turn("Next", (last < view.total).then_some(page + 1))}
        </nav>
    }
}
