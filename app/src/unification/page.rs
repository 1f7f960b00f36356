//! Administration > General > Unification.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{ApplyRules, CancelPreview, ChangeRules, SaveLists, SaveRule, rules},
    editor::rule_editor,
    lists::lists_editor,
    place::{LINKS, Open, RulesPlace, TICKETS, UNIFICATION, USERS},
    rules::rules_tab,
    view::{HeadView, RulesView},
};
use crate::{
    error::AppError,
    ui::{
        dialog::Dialog,
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        number::grouped,
        problem::{Titles, failure_in_url, page_problem},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[
    (ChangeRules::PATH, "The draft could not be changed"),
    (SaveRule::PATH, "The rule could not be saved into the draft"),
    (SaveLists::PATH, "The lists could not be saved into the draft"),
    (ApplyRules::PATH, "The draft could not be applied"),
    (CancelPreview::PATH, "The preview could not be stopped"),
];

#[component]
pub fn Unification() -> impl IntoView {
    let query = use_query_map();
    let place = Memo::new(move |_| query.with(RulesPlace::read));
    let key = Memo::new(move |_| place.with(|place| place.query.clone()));
    let content = Resource::new(move || key.get(), rules);
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Unification" />
        {sheet_head(
            vec![Crumb::group("Administration"), Crumb::group("General")],
            "Unification".to_owned(),
        )}
        <div class="page">
            {page_title()}
            {failure}
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| shown_rules(shown, &place.get(), content)))}
            </Transition>
        </div>
    }
}

pub type RulesResource = Resource<Result<RulesView, AppError>>;

fn shown_rules(shown: &Result<RulesView, AppError>, place: &RulesPlace, content: RulesResource) -> AnyView {
    match shown {
        Ok(view) => view! {
            {tabs(&view.head, UnificationTab::Rules)}
            {rules_tab(view, place, content)}
            {opened(view, place)}
        }
        .into_any(),
        Err(error) => page_problem(error, UNIFICATION.to_owned()).into_any(),
    }
}

pub fn page_title() -> impl IntoView {
    let help = RulesPlace::default().opening(Some(Open::HowMatchingWorks)).href();
    view! {
        <div class="title-row">
            <div>
                <h1>"Unification"</h1>
                <p class="lead">
                    "Rules tie community users to people and companies. They are tried in order; the first that gives exactly one candidate wins."
                </p>
            </div>
            <a class="button" href=help data-noscroll="">
                {icon(Icon::Info)}
                "How matching works"
            </a>
        </div>
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnificationTab {
    Rules,
    Users,
    Links,
    Tickets,
}

pub fn tabs(head: &HeadView, open: UnificationTab) -> impl IntoView + use<> {
    let current = |tab: UnificationTab| (tab == open).then_some("page");
    view! {
        <nav class="tabs" aria-label="Unification">
            {tab(UNIFICATION, "Rules", head.rules, current(UnificationTab::Rules))}
            {tab(USERS, "Users without a company", head.without_company, current(UnificationTab::Users))}
            {tab(LINKS, "Manual links", head.by_hand, current(UnificationTab::Links))}
            {tab(TICKETS, "Tickets", head.tickets, current(UnificationTab::Tickets))}
        </nav>
    }
}

fn tab(href: &'static str, words: &'static str, count: u64, current: Option<&'static str>) -> impl IntoView {
    view! {
        <a href=href aria-current=current>
            {words}
            " "
            <span class="count">{grouped(count)}</span>
        </a>
    }
}

/// What is open over the list.
fn opened(view: &RulesView, place: &RulesPlace) -> Option<AnyView> {
    let open = place.open.as_ref()?;
    let close = place.opening(None).href();
    Some(match open {
        Open::NewRule => drawer(close.clone(), rule_editor(view, None, close).into_any()).into_any(),
        Open::Rule(id) => drawer(close.clone(), rule_editor(view, Some(id), close).into_any()).into_any(),
        Open::Lists => drawer(close.clone(), lists_editor(view, close).into_any()).into_any(),
        Open::HowMatchingWorks => drawer(close.clone(), how_matching_works(close).into_any()).into_any(),
    })
}

fn drawer(close: String, body: AnyView) -> impl IntoView {
    view! {
        <Dialog class="drawer" labelled_by="drawer-title" close=Signal::stored(close)>
            <div class="drawer-body">{body}</div>
        </Dialog>
    }
}

/// The head of what is open, with the way back.
pub fn drawer_head(words: String, close: String) -> impl IntoView {
    view! {
        <header class="drawer-head">
            <div>
                <h2 id="drawer-title" tabindex="-1" autofocus>
                    {words}
                </h2>
            </div>
            <a class="icon-button close" href=close data-noscroll="" aria-label="Close">
                {icon(Icon::Cross)}
            </a>
        </header>
    }
}

fn how_matching_works(close: String) -> impl IntoView {
    const POINTS: [(&str, &str); 7] = [
        (
            "In order",
            "The first rule that yields exactly one candidate decides. A rule whose value the user does not have is skipped.",
        ),
        (
            "Several candidates",
            "Candidates of one company decide for that company. Of more than one they end the list: the user is ambiguous, and none is picked. A rule can be set to go on instead.",
        ),
        (
            "A person without a company",
            "The person is kept, and the list goes on for the company.",
        ),
        (
            "What is compared",
            "Email in lower case, with plus tags. A domain exactly, then its parents down to the registered one. Names without case, accents, spaces, hyphens and legal forms. Phone numbers with their country.",
        ),
        (
            "Free-mail and internal domains",
            "A free-mail domain never names a company. Users with an internal domain or role are marked as internal and are left out of customer figures.",
        ),
        (
            "By hand",
            "A link made by hand carries its reason, and no rule overwrites it. People who are inactive are no candidates.",
        ),
        (
            "Who has left",
            "A user whose person is inactive or whose mail came back has left, if the rules say so, and is not counted from then on. They count again once it is over. An admin can say either by hand.",
        ),
    ];
    let points: Vec<_> = POINTS
        .into_iter()
        .map(|(name, words)| view! { <dt>{name}</dt><dd>{words}</dd> })
        .collect();
    view! {
        {drawer_head("How matching works".to_owned(), close)}
        <div class="drawer-content">
            <dl class="explained">{points}</dl>
        </div>
    }
}
