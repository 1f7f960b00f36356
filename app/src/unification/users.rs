//! Users without a company: why, and what would help most of them at once.

use domain::unification::{Rule, RuleOutcome, RuleResult, WhyNot};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::users,
    page::{UnificationTab, page_title, tabs},
    place::{MemberKey, UNIFICATION, USERS, UsersFilter, UsersPlace},
    rules::progress,
    view::{GroupView, USERS_PAGE_ROWS, UserRow, UsersView},
};
use crate::{
    companies::{
        api::{AddDomain, SaveCompany},
        list::pages,
    },
    ui::{
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        markup::Text,
        number::{counted, grouped},
        problem::{Titles, failure_in_url, page_problem},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[
    (AddDomain::PATH, "The domain could not be added"),
    (SaveCompany::PATH, "The company could not be created"),
];

/// Choices of how long ago someone came to stand without a company, in days.
const DAYS: [u32; 4] = [1, 7, 30, 90];

#[component]
pub fn UsersWithoutCompany() -> impl IntoView {
    let query = use_query_map();
    let place = Memo::new(move |_| query.with(UsersPlace::read));
    let content = Resource::new(move || place.get(), users);
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Users without a company" />
        {sheet_head(
            vec![
                Crumb::group("Administration"),
                Crumb::page("Unification", UNIFICATION),
            ],
            "Users without a company".to_owned(),
        )}
        <div class="page">
            {page_title()}
            {failure}
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => users_tab(view, &place.get_untracked()).into_any(),
                    Err(error) => page_problem(error, place.get_untracked().href()).into_any(),
                }))}
            </Transition>
        </div>
    }
}

fn users_tab(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let rematching = view.rematching.map(|working| {
        view! {
            <div class="working" role="status">
                <span class="state run">{icon(Icon::Turning)}</span>
                <span>{format!("Users are matched again: {} of {}.", grouped(working.done), grouped(working.all))}</span>
                {progress(working, "Users matched again")}
                <a href=place.href()>"Look again"</a>
            </div>
        }
    });
    let shown = if view.rows.is_empty() {
        nothing(view, place).into_any()
    } else {
        list(view, place).into_any()
    };
    view! {
        {tabs(&view.head, UnificationTab::Users)}
        {rematching}
        {chips(view, place)}
        {filters(view, place)}
        {groups(view)}
        {shown}
    }
}

fn chips(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let all: u64 = view.causes.iter().map(|(_, count)| count).sum();
    let chip = |cause: Option<WhyNot>, words: &'static str, count: u64| {
        let filter = UsersFilter {
            cause,
            ..place.filter.clone()
        };
        let current = (place.filter.cause == cause).then_some("true");
        view! {
            <a class="chip" href=UsersPlace::of(filter).href() data-noscroll="" aria-current=current>
                {(cause == Some(WhyNot::Ambiguous)).then(|| icon(Icon::Triangle))}
                {words}
                " "
                <strong>{grouped(count)}</strong>
            </a>
        }
    };
    let causes: Vec<_> = view
        .causes
        .iter()
        .map(|(cause, count)| chip(Some(*cause), cause.label(), *count))
        .collect();
    view! {
        <nav class="chips users-causes" aria-label="Choice of cause">
            {chip(None, "All", all)}
            {causes}
        </nav>
    }
}

fn choice(value: &dyn std::fmt::Display, chosen: bool, words: &str) -> String {
    let selected = if chosen { " selected" } else { "" };
    let value = value.to_string();
    format!(
        r#"<option value="{}"{selected}>{}</option>"#,
        Text(&value),
        Text(words)
    )
}

fn filters(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let filter = &place.filter;
    let connections: String = view
        .connections
        .iter()
        .map(|of| choice(&of.id, filter.connection == Some(of.id), &of.tenant_id))
        .collect();
    let days: String = DAYS
        .iter()
        .map(|days| {
            let words = format!("The last {}", counted(u64::from(*days), "day", "days"));
            choice(days, filter.days == Some(*days), &words)
        })
        .collect();
    let rules: String = (1..)
        .zip(&view.rules.rules)
        .map(|(position, rule): (usize, _)| {
            let words = format!("{position} {}", short(rule));
            choice(&rule.id, filter.rule.as_ref() == Some(&rule.id), &words)
        })
        .collect();
    let any = r#"<option value="">Any</option>"#;
    view! {
        <form class="filters" method="get" action=USERS>
            {filter.cause.map(|cause| view! { <input type="hidden" name="cause" value=cause.as_str() /> })}
            <label class="field">
                <span class="field-name">"Connection"</span>
                <select name="connection" inner_html=format!("{any}{connections}")></select>
            </label>
            <label class="field">
                <span class="field-name">"Domain"</span>
                <input type="search" name="domain" autocomplete="off" value=filter.domain.clone().unwrap_or_default() />
            </label>
            <label class="field">
                <span class="field-name">"Ambiguous by rule"</span>
                <select name="rule" inner_html=format!("{any}{rules}")></select>
            </label>
            <label class="field">
                <span class="field-name">"Without since"</span>
                <select name="days" inner_html=format!("{any}{days}")></select>
            </label>
            <button class="button" type="submit">"Filter"</button>
        </form>
    }
}

/// What one act would help: the groups with a domain, each with the two ways to tie it.
fn groups(view: &UsersView) -> Option<impl IntoView + use<>> {
    let groups: Vec<_> = view
        .groups
        .iter()
        .map(|group| group_row(group).into_any())
        .collect();
    (!groups.is_empty()).then(|| {
        view! {
            <section class="groups" aria-labelledby="groups-title">
                <h2 class="section-title" id="groups-title">"What would help most"</h2>
                <ul>{groups}</ul>
            </section>
        }
    })
}

fn group_row(group: &GroupView) -> impl IntoView + use<> {
    let filter = UsersFilter {
        cause: Some(group.cause),
        domain: group.domain.clone(),
        ..UsersFilter::default()
    };
    let tie = group
        .domain
        .as_ref()
        .filter(|_| group.cause == WhyNot::DomainUnknown)
        .map(|domain| tie_domain(domain));
    view! {
        <li>
            <span>{sentence(group)}</span>
            <a class="link" href=UsersPlace::of(filter).href() data-noscroll="">"See them"</a>
            {tie}
        </li>
    }
}

/// `212 users of acme.io: no company has this domain.`
fn sentence(group: &GroupView) -> String {
    let users = counted(group.members, "user", "users");
    let of = group
        .domain
        .as_ref()
        .map_or_else(String::new, |domain| format!(" of {domain}"));
    let why = match group.cause {
        WhyNot::DomainUnknown => "no company has this domain",
        WhyNot::Ambiguous => "more than one company would fit",
        WhyNot::NameNotFound => "no company has the name that they gave",
        WhyNot::FreeMail => "a free-mail address names no company",
        WhyNot::NoEmail => "there is no email to compare",
        WhyNot::NoCandidate => "no rule that is on found anyone",
        WhyNot::UnlinkedByHand => "somebody said that they belong to none",
    };
    format!("{users}{of}: {why}.")
}

/// A company's name as its domain suggests it: `kestrel-haul.example` is `Kestrel Haul`.
fn suggested_name(domain: &str) -> String {
    let label = domain.split('.').next().unwrap_or(domain);
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    label.split('-').map(capital).collect::<Vec<_>>().join(" ")
}

fn tie_domain(domain: &str) -> impl IntoView + use<> {
    let domain = domain.to_owned();
    view! {
        <details class="tie">
            <summary>"Tie this domain"<span class="visually-hidden">{format!(": {domain}")}</span></summary>
            <div class="tie-forms">
                <form class="form" method="post" action=AddDomain::PATH>
                    <input type="hidden" name="domain" value=domain.clone() />
                    <label class="field">
                        <span class="field-name">"Add it to a company"</span>
                        <input name="company" required autocomplete="off" placeholder="External id" />
                    </label>
                    <button class="button" type="submit">"Add domain"</button>
                </form>
                <form class="form" method="post" action=SaveCompany::PATH>
                    <input type="hidden" name="domains" value=domain.clone() />
                    <input type="hidden" name="new" value="yes" />
                    <label class="field">
                        <span class="field-name">"Or create a company: its name"</span>
                        <input name="name" required autocomplete="off" value=suggested_name(&domain) />
                    </label>
                    <label class="field">
                        <span class="field-name">"Its external id"</span>
                        <input name="external_id" required autocomplete="off" />
                    </label>
                    <button class="button" type="submit">"Create company"</button>
                </form>
            </div>
        </details>
    }
}

fn list(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    view! {
        <p class="small">{format!("{} {}.", counted(view.total, "user", "users"), within(place, view))}</p>
        {table(view)}
        {legend()}
        {paging(view, place)}
    }
}

/// The filter in words.
fn within(place: &UsersPlace, view: &UsersView) -> String {
    let filter = &place.filter;
    let tenant = filter.connection.and_then(|id| {
        let of = view.connections.iter().find(|connection| connection.id == id);
        of.map(|connection| format!("of {}", connection.tenant_id))
    });
    let parts: Vec<_> = [
        filter
            .cause
            .map(|cause| format!("with the reason “{}”", cause.label())),
        tenant,
        filter
            .domain
            .as_ref()
            .map(|domain| format!("with the domain {domain}")),
        filter
            .rule
            .as_ref()
            .map(|rule| format!("who is ambiguous by {rule}")),
        filter
            .days
            .map(|days| format!("of the last {}", counted(u64::from(days), "day", "days"))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        "without a company".to_owned()
    } else {
        parts.join(" ")
    }
}

fn table(view: &UsersView) -> impl IntoView + use<> {
    let heads: String = (1..).zip(&view.rules.rules).map(rule_head).collect();
    let head = format!(r#"<tr><th scope="col">User</th><th scope="col">Connection</th>{heads}</tr>"#);
    let rows: String = view.rows.iter().map(|row| user_row(row, view)).collect();
    view! {
        <table class="stacking users">
            <caption class="visually-hidden">"Users without a company, with what each rule came to"</caption>
            <thead inner_html=head></thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
}

fn rule_head((position, rule): (usize, &Rule)) -> String {
    format!(r#"<th scope="col">{position} {}</th>"#, Text(short(rule)))
}

/// What a rule compares first: `Email`.
fn short(rule: &Rule) -> &'static str {
    rule.conditions
        .first()
        .map_or("", |condition| condition.field.label())
}

fn user_row(row: &UserRow, view: &UsersView) -> String {
    let key = MemberKey::from(&row.member);
    let name = Text(&row.member.username);
    let cells: String = (1..)
        .zip(&view.rules.rules)
        .map(|(position, rule): (usize, _)| {
            let outcome = row.rules.iter().find(|outcome| outcome.rule == rule.id);
            cell(outcome, &format!("{position} {}", short(rule)))
        })
        .collect();
    format!(
        r#"<tr><th scope="row"><a class="link" href="{}">{name}</a><span class="small">{}</span></th><td data-label="Connection"><code>{}</code></td>{cells}</tr>"#,
        Text(&key.href()),
        Text(row.email.as_deref().unwrap_or("no email")),
        Text(&row.member.tenant_id),
    )
}

fn cell(outcome: Option<&RuleOutcome>, label: &str) -> String {
    let (shape, class, words) = outcome.map_or((Icon::Dash, "quiet", "not tried".to_owned()), told);
    format!(
        r#"<td class="cell {class}" data-label="{}">{shape}<span>{}</span></td>"#,
        Text(label),
        Text(&words)
    )
}

/// A rule's outcome in two or three words.
fn told(outcome: &RuleOutcome) -> (Icon, &'static str, String) {
    let given = || outcome.values.iter().find_map(|value| value.given.clone());
    match &outcome.result {
        RuleResult::Off => (Icon::Dash, "quiet", "off".to_owned()),
        RuleResult::NotReached => (Icon::Dash, "quiet", "not tried".to_owned()),
        RuleResult::ValueMissing { .. } => (Icon::Dash, "quiet", "not given".to_owned()),
        RuleResult::ValueUnreadable { .. } => (
            Icon::Dash,
            "quiet",
            given().map_or_else(|| "not readable".to_owned(), |given| format!("“{given}”")),
        ),
        RuleResult::FreeMail { .. } => (Icon::Dash, "quiet", "free mail".to_owned()),
        RuleResult::NoCandidate => (Icon::Cross, "tried", "no candidate".to_owned()),
        RuleResult::TooCommon { .. } => (Icon::Cross, "tried", "too common".to_owned()),
        RuleResult::PersonWithoutCompany { .. } | RuleResult::SeveralWithoutCompany { .. } => {
            (Icon::Cross, "tried", "no company".to_owned())
        }
        RuleResult::Ambiguous { candidates, .. } => (
            Icon::Triangle,
            "ambiguous",
            counted(candidates.len() as u64, "candidate", "candidates"),
        ),
        RuleResult::Decided { .. } => (Icon::Tick, "tried", "decides".to_owned()),
    }
}

fn legend() -> impl IntoView {
    view! {
        <p class="legend">
            <span>{icon(Icon::Cross)} "tried, no candidate"</span>
            <span>{icon(Icon::Dash)} "not tried, value is missing"</span>
            <span>{icon(Icon::Triangle)} "two or more candidates"</span>
        </p>
    }
}

fn paging(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let page = place.page.max(1);
    let first = u64::from(page - 1) * u64::from(USERS_PAGE_ROWS) + 1;
    let last = first + view.rows.len() as u64 - 1;
    let words = counted(view.total, "user", "users");
    let place = place.clone();
    pages(
        "Pages of the users",
        first,
        last,
        &words,
        view.total,
        page,
        &|page| place.with_page(page).href(),
    )
}

fn nothing(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let all: u64 = view.causes.iter().map(|(_, count)| count).sum();
    if all == 0 {
        return view! {
            <section class="empty">
                <h2>"Every user has a company"</h2>
                <p>"Those who are not tied to one are listed here, each with the reason."</p>
            </section>
        }
        .into_any();
    }
    view! {
        <section class="empty">
            <h2>{format!("No user {}", within(place, view))}</h2>
            <p>{format!("{} without a company are hidden by this filter.", counted(all, "user", "users"))}</p>
            <p><a class="button" href=USERS>"Clear the filter"</a></p>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_suggests_a_name() {
        assert_eq!(suggested_name("kestrel-haul.example"), "Kestrel Haul");
        assert_eq!(suggested_name("acme.io"), "Acme");
    }
}
