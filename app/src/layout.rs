//! The frame around every page: skip link, navigation, sheet.

use domain::Role;
use leptos::{ev::MouseEvent, html, prelude::*};
use leptos_router::hooks::use_location;
use serde::{Deserialize, Serialize};

use crate::{
    access::{Viewer, may_use},
    accounts::place::{ACCOUNTS, YOUR_SESSIONS},
    audit::place::AUDIT_TRAIL,
    companies::place::CUSTOMERS,
    erasure::place::ERASE,
    place::{COMMUNITY_MANAGEMENT, LOG_OUT},
    scripts::{Scripts, key_list::keys_button, parts},
    tokens::place::TOKENS,
    ui::{
        icon::{Icon, icon, mark},
        words,
    },
    unification::place::UNIFICATION,
};

/// What the frame around every page shows. Resolved before the render: the left navigation never waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameView {
    /// The badge beside Community Management.
    pub failing_connections: u32,
    /// Whether this process runs syncs itself.
    pub worker: bool,
    /// Who is logged in.
    pub account: Option<AccountLine>,
}

/// An account, as the foot of the navigation shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLine {
    pub email: String,
    pub role: Role,
}

/// The badge's number, which a page that knows better may set.
#[derive(Clone, Copy, Debug)]
pub struct FailingConnections(pub RwSignal<u32>);

#[component]
pub fn Frame(children: Children) -> impl IntoView {
    // Plain context on the server, handed to the browser as it is: waiting here would break pages that wait.
    let frame = SharedValue::new(use_context::<FrameView>).into_inner();
    let frame = frame.unwrap_or_default();
    let failing = RwSignal::new(frame.failing_connections);
    provide_context(FailingConnections(failing));
    provide_context(Viewer::from(&frame));
    let scripts = Scripts::provide();
    view! {
        <a class="skip" href="#main" rel="external">
            "Skip to the content"
        </a>
        <div class="frame">
            <Navigation failing=failing.read_only() frame />
            <main id="main" class="sheet" tabindex="-1">
                {children()}
            </main>
        </div>
        {parts(scripts)}
    }
}

#[component]
fn Navigation(failing: ReadSignal<u32>, frame: FrameView) -> impl IntoView {
    let list = NodeRef::<html::Div>::new();
    let administration = may_use(COMMUNITY_MANAGEMENT);
    let path = use_location().pathname;
    // A page below another is part of it. Read leniently: the head may be written when the signals are gone.
    let here = move |page: &'static str| {
        let inside = path.try_with(|path| {
            path.strip_prefix(page)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        inside.unwrap_or_default().then_some("page")
    };
    // On a phone the list is a popover, which only this page's own links leave open.
    let close = move |_: MouseEvent| {
        if let Some(list) = list.get_untracked() {
            let _ = list.hide_popover();
        }
    };
    let entry = move |page: &'static str, shape: Icon, words: &'static str| {
        view! {
            <li>
                <a href=page aria-current=move || here(page) on:click=close>
                    <span class="nav-name">{icon(shape)} {words}</span>
                </a>
            </li>
        }
    };
    view! {
        <nav class="nav" aria-label="Main">
            <div class="nav-top">
                <button class="nav-toggle" type="button" popovertarget="nav-list" aria-label="Menu">
                    {icon(Icon::Menu)}
                </button>
                <a class="mark" href="/" rel="external">
                    {mark()}
                    "Tributary"
                </a>
                <span class="nav-alert">{move || badge(failing.get())}</span>
            </div>
            <div class="nav-list" id="nav-list" popover="auto" node_ref=list>
                <ul class="nav-plain">
                    <li>
                        <a href=CUSTOMERS aria-current=move || here(CUSTOMERS) on:click=close>
                            <span class="nav-name">{icon(Icon::People)} "Customers"</span>
                        </a>
                    </li>
                </ul>
                {administration.then(|| view! {
                    <h2 class="nav-section" id="nav-administration">
                        "Administration"
                    </h2>
                    <ul aria-labelledby="nav-administration">
                        <li>
                            <span class="nav-group">{icon(Icon::Sliders)} "General"</span>
                            <ul>
                                <li>
                                    <a href=COMMUNITY_MANAGEMENT aria-current=move || here(COMMUNITY_MANAGEMENT) on:click=close>
                                        <span>"Community Management"</span>
                                        {move || badge(failing.get())}
                                    </a>
                                </li>
                                <li>
                                    <a href=UNIFICATION aria-current=move || here(UNIFICATION) on:click=close>
                                        <span>"Unification"</span>
                                    </a>
                                </li>
                            </ul>
                        </li>
                        {entry(ACCOUNTS, Icon::Key, "Accounts")}
                        {entry(TOKENS, Icon::Terminal, "API tokens")}
                        {entry(AUDIT_TRAIL, Icon::List, "Audit trail")}
                        {entry(ERASE, Icon::Eraser, "Erase a person")}
                    </ul>
                })}
                <div class="nav-foot">
                    {keys_button()}
                    {administration.then(|| worker_state(frame.worker))}
                    {frame.account.map(|account| account_foot(account, close))}
                </div>
            </div>
        </nav>
    }
}

fn badge(failing: u32) -> Option<impl IntoView> {
    (failing > 0).then(|| {
        view! {
            <span class="badge">{failing} <span class="visually-hidden">" failing"</span></span>
        }
    })
}

fn worker_state(worker: bool) -> impl IntoView {
    let (tone, shape, words) = if worker {
        ("ok", Icon::TickCircle, "This process runs syncs")
    } else {
        ("idle", Icon::MinusCircle, "No worker in this process")
    };
    view! { <p class="nav-worker"><span class=format!("state {tone}")>{icon(shape)}</span>{words}</p> }
}

/// A plain form, which works without scripts and leaves the console for good.
fn account_foot(account: AccountLine, close: impl Fn(MouseEvent) + 'static) -> impl IntoView {
    let role = words::role(account.role);
    view! {
        <div class="nav-account">
            <p>
                <a class="nav-email" href=YOUR_SESSIONS title="Your sessions and password" on:click=close>{account.email}</a>
                <span>{role}</span>
            </p>
            <form method="post" action=LOG_OUT>
                <button class="button quiet" type="submit">"Log out"</button>
            </form>
        </div>
    }
}
