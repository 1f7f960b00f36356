//! Users without a company: why, what would help most of them at once, and one ticket of many.

use domain::unification::{Action, CauseGroup, Rule, RuleOutcome, WhyNot, ticket_reference};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{CreateTicket, users},
    outcome::shape,
    page::{UnificationTab, page_title, tabs},
    place::{MemberKey, Ticked, TicketPlace, UNIFICATION, USERS, UsersFilter, UsersPlace},
    rules::progress,
    view::{USERS_PAGE_ROWS, UserRow, UsersView},
};
use crate::{
    companies::{
        api::{AddDomain, SaveCompany},
        list::{nothing_on_this_page, pages},
    },
    ui::{
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        markup::{Text, choice},
        number::{counted, grouped},
        problem::{Titles, failure_in_url, page_problem},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[
    (AddDomain::PATH, "The domain could not be added"),
    (SaveCompany::PATH, "The company could not be created"),
    (CreateTicket::PATH, "The ticket could not be made"),
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
        {narrowed(view, place)}
        {groups(view, place)}
        {shown}
    }
}

fn chips(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let to_be_helped = view
        .causes
        .iter()
        .filter(|(cause, _)| *cause != WhyNot::UnlinkedByHand);
    let all: u64 = to_be_helped.map(|(_, count)| count).sum();
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
            let words = last_days(*days).replacen('t', "T", 1);
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

/// What the list is narrowed to, each with the way back.
fn narrowed(view: &UsersView, place: &UsersPlace) -> Option<impl IntoView + use<>> {
    let filter = &place.filter;
    let without = |change: &dyn Fn(&mut UsersFilter)| {
        let mut filter = filter.clone();
        change(&mut filter);
        UsersPlace::of(filter).href()
    };
    let chips: Vec<_> = [
        filter
            .connection
            .map(|id| (tenant(view, id), without(&|filter| filter.connection = None))),
        filter
            .domain
            .clone()
            .map(|domain| (domain, without(&|filter| filter.domain = None))),
        filter.rule.clone().map(|rule| {
            let words = format!("ambiguous by {rule}");
            (words, without(&|filter| filter.rule = None))
        }),
        filter
            .days
            .map(|days| (last_days(days), without(&|filter| filter.days = None))),
    ]
    .into_iter()
    .flatten()
    .map(|(words, href)| {
        let label = format!("Do not narrow to: {words}");
        view! {
            <a class="chip" href=href data-noscroll="" aria-label=label>
                {words}
                {icon(Icon::Cross)}
            </a>
        }
    })
    .collect();
    (!chips.is_empty())
        .then(|| view! { <nav class="chips users-causes" aria-label="Narrowed to">{chips}</nav> })
}

/// A tenant by the connection's id, or the id of one that is gone.
fn tenant(view: &UsersView, id: domain::ConnectionId) -> String {
    let of = view.connections.iter().find(|connection| connection.id == id);
    of.map_or_else(|| id.to_string(), |connection| connection.tenant_id.clone())
}

fn last_days(days: u32) -> String {
    format!("the last {}", counted(u64::from(days), "day", "days"))
}

/// What one act would help, each with the ways to do it.
fn groups(view: &UsersView, place: &UsersPlace) -> Option<impl IntoView + use<>> {
    let groups: Vec<_> = view
        .groups
        .iter()
        .map(|group| group_row(group, place).into_any())
        .collect();
    let every = view.more_groups.then(|| more_groups(place));
    (!groups.is_empty()).then(|| {
        view! {
            <section class="groups" aria-labelledby="groups-title">
                <h2 class="section-title" id="groups-title">"What would help most"</h2>
                <ul>{groups}</ul>
                {every}
            </section>
        }
    })
}

fn more_groups(place: &UsersPlace) -> AnyView {
    if place.every_group {
        return view! { <p class="small">"There are more. Narrow the list to see them."</p> }.into_any();
    }
    let all = UsersPlace {
        every_group: true,
        ..place.clone()
    };
    view! { <p><a class="link" href=all.href() data-noscroll="">"See more of them"</a></p> }.into_any()
}

fn group_row(group: &CauseGroup, place: &UsersPlace) -> impl IntoView + use<> {
    let filter = UsersFilter {
        cause: Some(group.cause),
        domain: group.domain.clone().or_else(|| place.filter.domain.clone()),
        ..place.filter.clone()
    };
    let ties = group.cause.actions().contains(&Action::AddDomain);
    let tie = group
        .domain
        .as_ref()
        .filter(|_| ties)
        .map(|domain| tie_domain(domain));
    view! {
        <li>
            <span>{format!("{}.", group.sentence())}</span>
            <a class="link" href=UsersPlace::of(filter).href() data-noscroll="">"See them"</a>
            {tie}
        </li>
    }
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
                    <button class="button" type="submit">{Action::AddDomain.label()}</button>
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
                    <button class="button" type="submit">{Action::CreateCompany.label()}</button>
                </form>
            </div>
        </details>
    }
}

/// The table, in a form: what is ticked becomes one ticket.
fn list(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let hidden: Vec<_> = place
        .filter
        .fields()
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect();
    view! {
        <p class="small">{format!("{} {}.", counted(view.total, "user", "users"), within(place, view))}</p>
        <form method="post" action=CreateTicket::PATH>
            {hidden}
            {selection_bar(view, place)}
            {table(view, place)}
        </form>
        {legend()}
        {paging(view, place)}
    }
}

/// Says the number and the rule of the selection. All of a filter is a field of the form, and no list of ids.
fn selection_bar(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let users = counted(view.total, "user", "users");
    let (words, rest) = match place.ticked {
        Ticked::None => (
            "Tick users for one ticket".to_owned(),
            ", or select them at once:".to_owned(),
        ),
        Ticked::Page => (
            format!(
                "{} of this page ticked",
                counted(view.rows.len() as u64, "user", "users")
            ),
            ". Untick those who are not meant.".to_owned(),
        ),
        Ticked::All => (
            format!("{users} selected"),
            format!(", every user {}.", within(place, view)),
        ),
    };
    let other = |ticked: Ticked, words: String| {
        (place.ticked != ticked).then(|| {
            let href = place.with_ticked(ticked).href();
            view! { <a class="link" href=href data-noscroll="">{words}</a> }
        })
    };
    let all = (place.ticked == Ticked::All).then(|| view! { <input type="hidden" name="all" value="yes" /> });
    view! {
        <div class="selection-bar" role="group" aria-label="Selection">
            <p>
                <strong>{words}</strong>
                {rest}
            </p>
            {other(Ticked::All, format!("All {}", grouped(view.total)))}
            {other(Ticked::Page, "Only this page".to_owned())}
            {other(Ticked::None, "None".to_owned())}
            <a class="button" href=place.filter.csv_href() rel="external" download="">
                {icon(Icon::Download)}
                {format!("Export {users}, CSV")}
            </a>
            {all}
            <button class="button primary" type="submit">{icon(Icon::Ticket)} "Create one ticket"</button>
        </div>
    }
}

/// The filter in words.
fn within(place: &UsersPlace, view: &UsersView) -> String {
    let filter = &place.filter;
    let parts: Vec<_> = [
        filter
            .cause
            .map(|cause| format!("with the reason “{}”", cause.label())),
        filter.connection.map(|id| format!("of {}", tenant(view, id))),
        filter
            .domain
            .as_ref()
            .map(|domain| format!("with the domain {domain}")),
        filter
            .rule
            .as_ref()
            .map(|rule| format!("who is ambiguous by {rule}")),
        filter.days.map(|days| format!("of {}", last_days(days))),
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

fn table(view: &UsersView, place: &UsersPlace) -> impl IntoView + use<> {
    let heads: String = (1..).zip(&view.rules.rules).map(rule_head).collect();
    let head = format!(
        r#"<tr><th scope="col"><span class="visually-hidden">Selected</span></th><th scope="col">User</th><th scope="col">Connection</th>{heads}<th scope="col">Ticket</th></tr>"#
    );
    let rows: String = view
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| user_row(index, row, view, place))
        .collect();
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

fn user_row(index: usize, row: &UserRow, view: &UsersView, place: &UsersPlace) -> String {
    let key = MemberKey::from(&row.member);
    let name = Text(&row.member.username);
    let cells: String = (1..)
        .zip(&view.rules.rules)
        .map(|(position, rule): (usize, _)| {
            let outcome = row.rules.iter().find(|outcome| outcome.rule == rule.id);
            cell(outcome, &format!("{position} {}", short(rule)))
        })
        .collect();
    let class = if place.ticked == Ticked::None {
        ""
    } else {
        "selected"
    };
    format!(
        r#"<tr class="{class}"><td class="tick">{}</td><th scope="row"><a class="link" href="{}">{name}</a><span class="small">{}</span></th><td data-label="Connection">{}</td>{cells}<td data-label="Ticket">{}</td></tr>"#,
        tick(index, row, place),
        Text(&key.href()),
        Text(row.email.as_deref().unwrap_or("no email")),
        connection(&row.member.tenant_id, view, place),
        ticket(row.ticket),
    )
}

/// A box for each, unless all of the filter are selected, on this page or not.
fn tick(index: usize, row: &UserRow, place: &UsersPlace) -> String {
    if place.ticked == Ticked::All {
        return format!(r#"{}<span class="visually-hidden">Selected</span>"#, Icon::Tick);
    }
    let member = &row.member;
    let value = format!("{} {}", member.tenant_id, member.community_user_id);
    let checked = if place.ticked == Ticked::Page {
        " checked"
    } else {
        ""
    };
    format!(
        r#"<label class="pick"><input type="checkbox" name="member[{index}]" value="{}"{checked}><span class="visually-hidden">Select {}</span></label>"#,
        Text(&value),
        Text(&member.username),
    )
}

/// The tenant, as a link that narrows the list to it.
fn connection(tenant_id: &str, view: &UsersView, place: &UsersPlace) -> String {
    let of = view.connections.iter().find(|of| of.tenant_id == tenant_id);
    let name = Text(tenant_id);
    match of.filter(|of| place.filter.connection != Some(of.id)) {
        Some(of) => {
            let filter = UsersFilter {
                connection: Some(of.id),
                ..place.filter.clone()
            };
            let href = UsersPlace::of(filter).href();
            format!(
                r#"<a class="link" href="{}"><code>{name}</code></a>"#,
                Text(&href)
            )
        }
        None => format!("<code>{name}</code>"),
    }
}

fn ticket(number: Option<i64>) -> String {
    number.map_or_else(
        || "–".to_owned(),
        |number| {
            format!(
                r#"<a class="link" href="{}">{}</a>"#,
                Text(&TicketPlace::of(number).href()),
                ticket_reference(number)
            )
        },
    )
}

fn cell(outcome: Option<&RuleOutcome>, label: &str) -> String {
    let (shape, class, words) = outcome.map_or((Icon::Dash, "quiet", "not tried".to_owned()), |outcome| {
        let (icon, class) = shape(&outcome.result);
        (icon, class, outcome.result.words())
    });
    format!(
        r#"<td class="cell {class}" data-label="{}">{shape}<span>{}</span></td>"#,
        Text(label),
        Text(&words)
    )
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
    if view.total > 0 {
        return nothing_on_this_page(place.with_page(1).href());
    }
    let all = view.head.without_company;
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
