//! What a company's members did in a period, beside the period before; alone or with the companies below it.

use std::{cmp::Reverse, fmt::Write as _};

use chrono::{DateTime, TimeDelta, Utc};
use domain::FRESHNESS_LIMIT_H;
use leptos::prelude::*;

use super::{
    company::company_link,
    place::{
        COMPANY_POSTS_CSV, COMPANY_POSTS_NDJSON, COMPANY_USERS_CSV, COMPANY_USERS_NDJSON, CompanyPlace,
        Period,
    },
    view::{CompanyView, EngagementView, FiguresView, SubsidiariesView, TopicView},
};
use crate::ui::{
    icon::{Icon, icon},
    markup::Text,
    moment::{day, day_of_year, day_time, moment_markup},
    number::{counted, grouped},
    stacked::stacked,
};

/// A column of figures: what it is called, and which one it is.
type Column = (&'static str, fn(&FiguresView) -> u64);

const FIGURES: [Column; 6] = [
    ("Members", |figures| figures.members),
    ("Active", |figures| figures.active),
    ("Posts", |figures| figures.posts),
    ("Replies", |figures| figures.replies),
    ("Ideas", |figures| figures.ideas),
    ("Views", |figures| figures.views),
];

/// The drawing's measures, in its own units: it is stretched to the width that there is.
const WIDTH: u64 = 600;
const HEIGHT: u64 = 160;

pub fn engagement(view: &CompanyView, place: &CompanyPlace) -> impl IntoView + use<> {
    let engagement = &view.engagement;
    view! {
        <section class="engagement" aria-labelledby="engagement-title">
            <div class="section-head">
                <h2 id="engagement-title">"Engagement"</h2>
                {scopes(view, place)}
                {periods(place)}
            </div>
            {freshness(view)}
            <p class="small">{basis(view, place)}</p>
            {figures(engagement)}
            {exports(engagement, place)}
            <div class="engagement-parts">
                {views_per_day(engagement, place)}
                {ideas(view)}
            </div>
            {topics(view)}
        </section>
    }
}

/// Up to when the data reaches, and whose does not reach so far as it should.
fn freshness(view: &CompanyView) -> Option<impl IntoView + use<>> {
    let limit = view.as_of - TimeDelta::hours(FRESHNESS_LIMIT_H);
    let (fresh, behind): (Vec<_>, Vec<_>) = view
        .engagement
        .read_at
        .iter()
        .partition(|(_, at)| at.is_some_and(|at| at >= limit));
    let through = fresh.into_iter().filter_map(|(_, at)| *at).min();
    let through = through.map(|at| format!("Data through {}.", day_time(at, view.as_of)));
    let late: Vec<_> = behind
        .into_iter()
        .map(|(tenant, at)| late(tenant, *at, view.as_of))
        .collect();
    let (state, shape) = if late.is_empty() {
        ("state ok", Icon::TickCircle)
    } else {
        ("state warn", Icon::Clock)
    };
    let words: Vec<_> = through.into_iter().chain(late).collect();
    (!words.is_empty()).then(|| {
        view! {
            <p class="freshness small"><span class=state>{icon(shape)}</span><span>{words.join(" ")}</span></p>
        }
    })
}

fn late(tenant: &str, at: Option<DateTime<Utc>>, as_of: DateTime<Utc>) -> String {
    match at {
        Some(at) => format!("Stale: {tenant}, last read {}.", day_time(at, as_of)),
        None => format!("Not read whole yet: {tenant}."),
    }
}

/// What the figures are of, and what is not among them.
fn basis(view: &CompanyView, place: &CompanyPlace) -> String {
    let engagement = &view.engagement;
    let mut words = format!(
        "{} in {}. Compared with the {} days before.",
        counted(engagement.now.members, "member", "members"),
        counted(engagement.communities, "community", "communities"),
        place.period.days(),
    );
    if !engagement.without_views.is_empty() {
        let _ = write!(
            words,
            " No view source for {}: its views are not counted.",
            engagement.without_views.join(", ")
        );
    }
    words
}

fn periods(place: &CompanyPlace) -> impl IntoView + use<> {
    let links: Vec<_> = Period::ALL
        .into_iter()
        .map(|period| {
            let to = CompanyPlace {
                period,
                ..place.clone()
            };
            let current = (period == place.period).then_some("true");
            view! { <a href=to.href() aria-current=current data-noscroll="">{format!("{} days", period.days())}</a> }
        })
        .collect();
    view! { <nav class="segments end" aria-label="Period">{links}</nav> }
}

/// The company alone or with all below it, where there is a choice.
fn scopes(view: &CompanyView, place: &CompanyPlace) -> Option<impl IntoView + use<>> {
    view.subsidiaries.as_ref()?.all?;
    let links = [(false, "This company"), (true, "With subsidiaries")].map(|(below, words)| {
        let to = CompanyPlace {
            below,
            ..place.clone()
        };
        let current = (below == place.below).then_some("true");
        view! { <a href=to.href() aria-current=current data-noscroll="">{words}</a> }
    });
    Some(
        view! { <nav class="segments" aria-label="Whose figures">{links.into_iter().collect::<Vec<_>>()}</nav> },
    )
}

fn figures(engagement: &EngagementView) -> impl IntoView + use<> {
    let (now, before) = (engagement.now, engagement.before);
    let figure = |name: &'static str, now: u64, before: u64, of: Option<String>| {
        let (shape, words) = change(now, before);
        view! {
            <div>
                <dt>{name}</dt>
                <dd class="figure">{grouped(now)}{of.map(|of| view! { <span class="small">{of}</span> })}</dd>
                <dd class="small">{shape.map(icon)}{words}</dd>
            </div>
        }
    };
    let of_all = format!(" of {}", grouped(now.members));
    view! {
        <dl class="figures company-figures">
            {figure("Active members", now.active, before.active, Some(of_all))}
            {figure("Posts", now.posts, before.posts, None)}
            {figure("Replies", now.replies, before.replies, None)}
            {figure("Ideas", now.ideas, before.ideas, None)}
            {figure("Views", now.views, before.views, None)}
        </dl>
    }
}

/// `6 more than before`, with its sign.
fn change(now: u64, before: u64) -> (Option<Icon>, String) {
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => (
            Some(Icon::ChevronUp),
            format!("{} more than before", grouped(now - before)),
        ),
        std::cmp::Ordering::Less => (
            Some(Icon::ChevronDown),
            format!("{} fewer than before", grouped(before - now)),
        ),
        std::cmp::Ordering::Equal => (None, "the same as before".to_owned()),
    }
}

/// What the figures are of, as files: whoever counts, and what they wrote.
fn exports(engagement: &EngagementView, place: &CompanyPlace) -> impl IntoView + use<> {
    let now = engagement.now;
    let users = counted(now.members, "user", "users");
    let posts = counted(now.posts + now.replies + now.ideas, "post", "posts");
    let link = |path: &str, words: String| {
        view! {
            <a class="button" href=place.file_href(path) rel="external" download="">
                {icon(Icon::Download)}
                {words}
            </a>
        }
    };
    view! {
        <nav class="exports" aria-label="Exports">
            {link(COMPANY_USERS_CSV, format!("Export {users}, CSV"))}
            {link(COMPANY_USERS_NDJSON, format!("Export {users}, NDJSON"))}
            {link(COMPANY_POSTS_CSV, format!("Export {posts}, CSV"))}
            {link(COMPANY_POSTS_NDJSON, format!("Export {posts}, NDJSON"))}
        </nav>
    }
}

fn views_per_day(engagement: &EngagementView, place: &CompanyPlace) -> impl IntoView + use<> {
    let days = u64::from(place.period.days());
    let now = format!("{} a day", grouped(engagement.now.views / days));
    let before = format!("{} a day before", grouped(engagement.before.views / days));
    let rows = engagement.views_by_day.iter().map(|(date, views)| {
        format!(
            r#"<tr><th scope="row">{}</th><td class="number">{}</td></tr>"#,
            day(*date),
            grouped(*views)
        )
    });
    let rows: String = rows.collect();
    view! {
        <div class="panel">
            <header class="panel-head">
                <h3>"Views per day"</h3>
                <p class="views-keys small">
                    <span><span class="key"></span>{now}</span>
                    <span><span class="key before"></span>{before}</span>
                </p>
            </header>
            <div class="panel-body">
                <div class="views-drawing" inner_html=drawing(engagement, days)></div>
                <details class="samples">
                    <summary>"As a table"</summary>
                    <table>
                        <caption class="visually-hidden">"Views on each day of the period"</caption>
                        <thead>
                            <tr><th scope="col">"Day"</th><th scope="col" class="number">"Views"</th></tr>
                        </thead>
                        <tbody inner_html=rows></tbody>
                    </table>
                </details>
            </div>
        </div>
    }
}

/// A line over an area, its peak marked, and the average of before across it. The table beside it says the same to those who do not see it.
fn drawing(engagement: &EngagementView, days: u64) -> String {
    let views = &engagement.views_by_day;
    let before = engagement.before.views / days.max(1);
    // Of equal days the first.
    let peak = (0_u64..)
        .zip(views)
        .max_by_key(|(place, (_, views))| (*views, Reverse(*place)));
    let peak = peak.filter(|(_, (_, views))| *views > 0);
    let most = peak.map_or(0, |(_, (_, views))| *views).max(before).max(1);
    let height = |views: u64| HEIGHT - HEIGHT * views / most;
    let steps = (views.len() as u64).saturating_sub(1).max(1);
    let mut line = String::new();
    for (place, (_, views)) in (0_u64..).zip(views) {
        let letter = if place == 0 { 'M' } else { 'L' };
        let _ = write!(line, "{letter}{} {}", WIDTH * place / steps, height(*views));
    }
    let (first, last) = (views.first(), views.last());
    let date = |of: Option<&(chrono::NaiveDate, u64)>| of.map(|(date, _)| day(*date)).unwrap_or_default();
    let told = peak.map_or_else(
        || "No views".to_owned(),
        |(_, (date, views))| format!("{} on {}, the most", counted(*views, "view", "views"), day(*date)),
    );
    let mark = peak.map_or_else(String::new, |(place, (_, views))| {
        format!(
            r#"<path class="peak" d="M{} {}V{HEIGHT}"/>"#,
            WIDTH * place / steps,
            height(*views)
        )
    });
    // Only numbers and our own words go in here, so nothing needs escaping.
    format!(
        r#"<svg viewBox="0 -2 {WIDTH} {}" preserveAspectRatio="none" aria-hidden="true"><path class="area" d="{line}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z"/><path class="before" d="M0 {before}H{WIDTH}"/>{mark}<path class="line" d="{line}"/></svg><p class="views-ends small" aria-hidden="true"><span>{}</span><span>{told}</span><span>{}</span></p>"#,
        HEIGHT + 4,
        date(first),
        date(last),
        before = height(before),
    )
}

fn ideas(view: &CompanyView) -> impl IntoView + use<> {
    let engagement = &view.engagement;
    let bar: Vec<_> = engagement
        .idea_statuses
        .iter()
        .map(|(status, ideas)| (status_class(engagement, status.as_deref()), *ideas))
        .collect();
    let statuses: Vec<_> = engagement
        .idea_statuses
        .iter()
        .map(|(status, ideas)| {
            let swatch = format!("swatch {}", status_class(engagement, status.as_deref()));
            let name = status.clone().unwrap_or_else(|| "No status".to_owned());
            view! { <li class="idea-status"><span class=swatch></span>{name} " " <strong>{grouped(*ideas)}</strong></li> }
        })
        .collect();
    let rows: String = engagement.ideas.iter().map(|idea| idea_row(idea, view)).collect();
    let body = if engagement.ideas.is_empty() {
        view! { <p class="small">"No idea is of a member of this company."</p> }.into_any()
    } else {
        view! {
            <div class="stacked" inner_html=stacked(&bar)></div>
            <ul class="statuses">{statuses}</ul>
            <table class="stacking">
                <caption class="visually-hidden">"The latest ideas"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Idea"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="number">"Votes"</th>
                        <th scope="col">"Posted"</th>
                    </tr>
                </thead>
                <tbody inner_html=rows></tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <div class="panel">
            <header class="panel-head"><h3>"Ideas, by latest status"</h3></header>
            <div class="panel-body">{body}</div>
        </div>
    }
}

/// The colour of a status: communities name theirs themselves, so the most frequent have one each, and the rest the last.
fn status_class(engagement: &EngagementView, status: Option<&str>) -> &'static str {
    const CLASSES: [&str; 3] = ["status-1", "status-2", "status-3"];
    let mut known = engagement.idea_statuses.iter();
    let place = known.position(|(known, _)| known.is_some() && known.as_deref() == status);
    place
        .and_then(|place| CLASSES.get(place))
        .copied()
        .unwrap_or("status-rest")
}

fn idea_row(idea: &TopicView, view: &CompanyView) -> String {
    format!(
        r#"<tr><th scope="row">{}</th><td data-label="Status"><span class="idea-status"><span class="swatch {}"></span>{}</span></td><td class="number" data-label="Votes">{}</td><td data-label="Posted">{}</td></tr>"#,
        title(idea),
        status_class(&view.engagement, idea.idea_status.as_deref()),
        Text(idea.idea_status.as_deref().unwrap_or("No status")),
        idea.votes,
        posted(idea, view),
    )
}

fn topics(view: &CompanyView) -> impl IntoView + use<> {
    let topics = &view.engagement.topics;
    if topics.is_empty() {
        return view! { <p class="small">"No topic is of a member of this company."</p> }.into_any();
    }
    let rows: String = topics.iter().map(|topic| topic_row(topic, view)).collect();
    view! {
        <h3 class="section-title">"Latest topics"</h3>
        <table class="stacking">
            <caption class="visually-hidden">"The latest topics by members of this company"</caption>
            <thead>
                <tr>
                    <th scope="col">"Topic"</th>
                    <th scope="col">"Kind"</th>
                    <th scope="col">"Member"</th>
                    <th scope="col">"Connection"</th>
                    <th scope="col" class="number">"Replies"</th>
                    <th scope="col">"Posted"</th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
    .into_any()
}

fn topic_row(topic: &TopicView, view: &CompanyView) -> String {
    format!(
        r#"<tr><th scope="row">{}</th><td data-label="Kind">{}</td><td data-label="Member">{}</td><td data-label="Connection"><code>{}</code></td><td class="number" data-label="Replies">{}</td><td data-label="Posted">{}</td></tr>"#,
        title(topic),
        Text(&kind(&topic.subtype)),
        Text(topic.author.as_deref().unwrap_or("–")),
        Text(&topic.tenant_id),
        grouped(topic.replies),
        posted(topic, view),
    )
}

/// `product_update` as `Product update`.
fn kind(subtype: &str) -> String {
    let words = subtype.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().collect::<String>() + letters.as_str(),
        None => words,
    }
}

/// The title, leading into the community where it is known where.
fn title(topic: &TopicView) -> String {
    match &topic.href {
        Some(href) => format!(
            r#"<a class="link" href="{}" rel="noopener noreferrer">{}</a>"#,
            Text(href),
            Text(&topic.title)
        ),
        None => Text(&topic.title).to_string(),
    }
}

fn posted(topic: &TopicView, view: &CompanyView) -> String {
    let words = day_of_year(topic.posted_at.date_naive(), view.as_of);
    moment_markup(topic.posted_at, &words)
}

/// Those right below the company, each with all below it.
pub fn subsidiaries(view: &CompanyView, place: &CompanyPlace) -> Option<impl IntoView + use<>> {
    let subsidiaries = view.subsidiaries.as_ref()?;
    let name = view.company.name.clone();
    let heads = FIGURES.map(|(label, _)| view! { <th scope="col" class="number">{label}</th> });
    let rows: Vec<_> = subsidiaries
        .rows
        .iter()
        .map(|row| figures_row(company_link(&row.company).into_any(), row.figures, "").into_any())
        .collect();
    Some(view! {
        <section class="subsidiaries">
            <h2 class="section-title">"Subsidiaries"</h2>
            <p class="small">{told(subsidiaries, place)}</p>
            <table class="stacking sums">
                <caption class="visually-hidden">"The company alone, each company below it with its own, and all together"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Company"</th>
                        {heads.into_iter().collect::<Vec<_>>()}
                    </tr>
                </thead>
                <tbody>
                    {figures_row(format!("{name} alone").into_any(), Some(subsidiaries.own), "")}
                    {rows}
                    {subsidiaries.all.map(|all| figures_row("With subsidiaries".into_any(), Some(all), "all"))}
                </tbody>
            </table>
        </section>
    })
}

fn told(subsidiaries: &SubsidiariesView, place: &CompanyPlace) -> String {
    let days = place.period.days();
    if subsidiaries.all.is_some() {
        format!("In {days} days. Each company with all below it.")
    } else {
        "There are more companies below this one than one page adds up. Open those below it for their figures.".to_owned()
    }
}

fn figures_row(name: AnyView, figures: Option<FiguresView>, class: &'static str) -> impl IntoView {
    let cells = FIGURES.map(|(label, of)| {
        let words = figures.map_or_else(|| "–".to_owned(), |figures| grouped(of(&figures)));
        view! { <td class="number" data-label=label>{words}</td> }
    });
    view! {
        <tr class=class>
            <th scope="row">{name}</th>
            {cells.into_iter().collect::<Vec<_>>()}
        </tr>
    }
}
