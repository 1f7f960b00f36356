//! The drawer with a run's Summary, or with the invalid records of one reason.

use std::sync::Arc;

use domain::RunId;
use leptos::{html, prelude::*, wasm_bindgen::JsCast, web_sys::HtmlElement};
use serde::{Deserialize, Serialize};

use super::{
    api::{invalid_records, summary},
    invalid::records,
    live::Live,
    summary::{live_summary, run_summary},
    view::{InvalidRecordsQuery, InvalidRecordsView, SummaryView},
};
use crate::{
    error::AppError,
    place::{InvalidPlace, Place},
    ui::{
        dialog::Dialog,
        icon::{Icon, icon},
        problem::page_problem,
    },
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum DrawerContent {
    Summary(Box<SummaryView>),
    Records(InvalidRecordsView),
}

async fn load(run: RunId, invalid: Option<InvalidPlace>) -> Result<DrawerContent, AppError> {
    match invalid {
        None => summary(run)
            .await
            .map(|view| DrawerContent::Summary(Box::new(view))),
        Some(InvalidPlace { stream, reason, page }) => invalid_records(InvalidRecordsQuery {
            run,
            stream,
            reason,
            page,
        })
        .await
        .map(DrawerContent::Records),
    }
}

#[component]
pub fn RunDrawer(place: Memo<Place>) -> impl IntoView {
    // While the drawer closes the place has no run any more; the last one stays shown until it is gone.
    let at = Memo::new(move |before: Option<&Place>| {
        let now = place.get();
        before.copied().filter(|_| now.run.is_none()).unwrap_or(now)
    });
    let key = Memo::new(move |_| at.with(|at| (at.run, at.invalid)));
    let content = Resource::new(
        move || key.get(),
        |(run, invalid)| async move {
            match run {
                Some(run) => load(run, invalid).await,
                None => Err(AppError::NotFound {
                    what: "This run".to_owned(),
                }),
            }
        },
    );
    let close = Signal::derive(move || at.get().closed().href());
    let body = NodeRef::<html::Div>::new();
    Effect::new(move |opened: Option<()>| {
        let loaded = content.with(Option::is_some);
        // The dialog sees to the focus when it opens; what comes after that takes it to its heading.
        if opened.is_some() && loaded {
            request_animation_frame(move || focus_heading(body));
        }
    });
    view! {
        <Dialog class="drawer" labelled_by="drawer-title" close=close>
            <div class="drawer-body" node_ref=body>
                <Transition fallback=loading>
                    {move || content.with(|content| content.as_ref().map(|content| shown(content, at.get_untracked())))}
                </Transition>
            </div>
        </Dialog>
    }
}

fn shown(content: &Result<DrawerContent, AppError>, at: Place) -> AnyView {
    match content {
        Ok(DrawerContent::Summary(view)) => match use_context::<Live>() {
            Some(live) if !view.run.state.is_over() => {
                live.show_summary(view.run.id);
                let first = Arc::new(view.as_ref().clone());
                let now = move || {
                    let newer = live.summary_of(first.run.id, first.as_of);
                    newer.unwrap_or_else(|| first.as_ref().clone())
                };
                live_summary(now, at).into_any()
            }
            _ => run_summary(view, at).into_any(),
        },
        Ok(DrawerContent::Records(view)) => records(view, at).into_any(),
        Err(error) => view! {
            {head("Summary".to_owned(), at.closed())}
            <div class="drawer-content">{page_problem(error, at.href())}</div>
        }
        .into_any(),
    }
}

fn loading() -> impl IntoView {
    view! { <p class="drawer-content" role="status">"Loading"</p> }
}

fn focus_heading(body: NodeRef<html::Div>) {
    let heading = body
        .get_untracked()
        .and_then(|body| body.query_selector("h2").ok().flatten());
    if let Some(heading) = heading
        .as_ref()
        .and_then(|heading| heading.dyn_ref::<HtmlElement>())
    {
        let _ = heading.focus();
    }
}

/// The heading takes the first focus, so that a screen reader starts with what this is.
pub fn heading(words: String) -> impl IntoView {
    view! {
        <h2 id="drawer-title" tabindex="-1" autofocus>
            {words}
        </h2>
    }
}

pub fn close_link(closed: Place) -> impl IntoView {
    view! {
        <a class="icon-button close" href=closed.href() data-noscroll="" aria-label="Close">
            {icon(Icon::Cross)}
        </a>
    }
}

fn head(words: String, closed: Place) -> impl IntoView {
    view! { <header class="drawer-head"><div>{heading(words)}</div> {close_link(closed)}</header> }
}
