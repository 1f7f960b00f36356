//! Administration > General > Community Management: two tabs, and the Summary of a run over either.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

use crate::{
    activity::{
        api::activity_log,
        tab::activity_tab,
        view::{ActivityLogQuery, ActivityLogView},
    },
    connections::{
        action::Actions, api::list_connections, confirm::confirmation, page::connections_tab,
        view::ConnectionsView,
    },
    error::AppError,
    place::{Place, Tab},
    runs::{drawer::RunDrawer, live::Live},
    ui::{
        head::{Crumb, sheet_head},
        problem::page_problem,
    },
};

/// What the open tab shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    Connections(ConnectionsView),
    Log(ActivityLogView),
}

/// What of the place decides which content is loaded; a drawer opening over it does not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ContentKey {
    Connections,
    Log(ActivityLogQuery),
}

impl From<Place> for ContentKey {
    fn from(place: Place) -> Self {
        match place.tab {
            Tab::Connections => Self::Connections,
            Tab::ActivityLogs => Self::Log(ActivityLogQuery {
                connection: place.connection,
                page: place.page,
            }),
        }
    }
}

async fn load(key: ContentKey) -> Result<Content, AppError> {
    match key {
        ContentKey::Connections => list_connections().await.map(Content::Connections),
        ContentKey::Log(query) => activity_log(query).await.map(Content::Log),
    }
}

pub type ContentResource = Resource<Result<Content, AppError>>;

#[component]
pub fn CommunityManagement() -> impl IntoView {
    let query = use_query_map();
    let place = Memo::new(move |_| query.with(Place::read));
    let key = Memo::new(move |_| ContentKey::from(place.get()));
    let actions = Actions::default();
    let live = Live::provide();
    let content = Resource::new(
        move || {
            let key = key.get();
            // Rows of the log stay as they are listed.
            let changed = if key == ContentKey::Connections {
                live.changed()
            } else {
                0
            };
            (key, actions.done(), changed)
        },
        |(key, ..)| load(key),
    );
    // The head is written after the body, when the server may have put the signals away already.
    let first_title = title(place.get_untracked());
    let words = move || place.try_get().map_or(first_title, title);
    let drawer = Memo::new(move |_| place.with(|place| place.run.is_some()));
    view! {
        <Title text=words />
        {sheet_head(vec![Crumb::group("Administration"), Crumb::group("General")], "Community Management".to_owned())}
        <div class="page">
            <h1>"Community Management"</h1>
            <p class="lead">
                "Each connection brings one Customer Communities tenant into the data store. Syncs start by themselves, once a day."
            </p>
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(Content::Connections(view)) => connections_tab(view, actions, query).into_any(),
                    Ok(Content::Log(view)) => activity_tab(view, place.get_untracked(), content).into_any(),
                    Err(error) => page_problem(error, place.get_untracked().href()).into_any(),
                }))}
                {move || confirmation(place, content, actions)}
            </Transition>
        </div>
        {move || drawer.get().then(|| view! { <RunDrawer place /> })}
    }
}

fn title(place: Place) -> &'static str {
    match place.tab {
        _ if place.run.is_some() => "Summary",
        Tab::Connections => "Community Management",
        Tab::ActivityLogs => "Activity Logs",
    }
}

/// The tabs, as links. `connections` is how many there are.
pub fn tabs(open: Tab, connections: usize) -> impl IntoView {
    let current = |tab: Tab| (tab == open).then_some("page");
    view! {
        <nav class="tabs" aria-label="Community Management">
            <a href=Place::default().href() data-noscroll="" aria-current=current(Tab::Connections)>
                "Connections "
                <span class="count">{connections}</span>
            </a>
            <a href=Place::log(None).href() data-noscroll="" aria-current=current(Tab::ActivityLogs)>
                "Activity Logs"
            </a>
        </nav>
    }
}
