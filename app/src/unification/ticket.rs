//! One ticket: its document to copy, to download, to mail or to post, and how its users stand by now.

use domain::unification::ticket_reference;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{PostTicket, ticket},
    place::{MemberKey, TICKET_CSV, TICKET_MARKDOWN, TICKETS, TicketPlace, UNIFICATION},
    view::{PostView, TicketUser, TicketView, USERS_PAGE_ROWS},
};
use crate::{
    companies::list::pages,
    ui::{
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        markup::Text,
        moment::{self, moment},
        number::{counted, grouped},
        problem::{Titles, failure_in_url, page_problem, turn},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[(PostTicket::PATH, "The ticket could not be posted")];

#[component]
pub fn OneTicket() -> impl IntoView {
    let query = use_query_map();
    let place = Memo::new(move |_| query.with(TicketPlace::read));
    let content = Resource::new(move || place.get(), ticket);
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Ticket" />
        {sheet_head(
            vec![
                Crumb::group("Administration"),
                Crumb::page("Unification", UNIFICATION),
                Crumb::page("Tickets", TICKETS),
            ],
            "Ticket".to_owned(),
        )}
        <div class="page">
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => shown_ticket(view, place.get_untracked(), failure()).into_any(),
                    Err(error) => view! {
                        <h1>"Ticket"</h1>
                        {page_problem(error, place.get_untracked().href())}
                    }
                    .into_any(),
                }))}
            </Transition>
        </div>
    }
}

fn shown_ticket(view: &TicketView, place: TicketPlace, failure: Option<AnyView>) -> impl IntoView + use<> {
    let ticket = &view.ticket;
    let users = counted(ticket.users, "user", "users");
    let made = moment::day_time(ticket.at, view.as_of);
    view! {
        <h1>{format!("{}: {users} without a company", ticket_reference(ticket.number))}</h1>
        <p class="lead">
            {format!("{} still have none. Chosen: {}. Made ", grouped(ticket.open), ticket.selection)}
            {moment(ticket.at, made)}
            {format!(" by {}, under version {} of the rules.", ticket.by, ticket.rule_version)}
        </p>
        {failure}
        {hand_on(view, place)}
        {posts(view)}
        <section class="ticket-part">
            <h2 class="section-title" id="causes">"Causes"</h2>
            <ul class="changes" aria-labelledby="causes">
                {view.groups.iter().map(|group| view! { <li>{format!("{}.", group.sentence())}</li> }).collect::<Vec<_>>()}
            </ul>
        </section>
        <section class="ticket-part">
            <h2 class="section-title" id="document">"The text"</h2>
            <p class="small">"One click selects all of it. Long causes are cut here; the CSV file has every user."</p>
            <pre class="document" tabindex="0" role="region" aria-labelledby="document">{view.document.clone()}</pre>
        </section>
        <section class="ticket-part">
            <h2 class="section-title">"Users"</h2>
            {users_table(view)}
            {paging(view, place)}
        </section>
    }
}

/// The ways on: files, a mail, and the webhook if there is one.
fn hand_on(view: &TicketView, place: TicketPlace) -> impl IntoView + use<> {
    let posted = view.posts.first().is_some_and(|post| post.failure.is_none());
    let post = view.webhook.as_ref().map(|host| {
        let words = if posted {
            format!("Post again to {host}")
        } else {
            format!("Post to {host}")
        };
        view! {
            <form method="post" action=PostTicket::PATH>
                <input type="hidden" name="number" value=view.ticket.number.to_string() />
                <button class="button primary" type="submit">{words}</button>
            </form>
        }
    });
    view! {
        <div class="hand-on" role="group" aria-label="Hand it on">
            <a class="button" href=place.file_href(TICKET_CSV) rel="external" download="">
                {icon(Icon::Download)}
                {format!("Download {}, CSV", counted(view.ticket.users, "user", "users"))}
            </a>
            <a class="button" href=place.file_href(TICKET_MARKDOWN) rel="external" download="">
                {icon(Icon::Download)}
                "Download the text, Markdown"
            </a>
            <a class="button" href=view.mail_link.clone() rel="external">"Write a mail"</a>
            {post}
        </div>
    }
}

fn posts(view: &TicketView) -> Option<impl IntoView + use<>> {
    let tries: Vec<_> = view
        .posts
        .iter()
        .enumerate()
        .map(|(index, post)| posted(post, index == 0, view).into_any())
        .collect();
    (!tries.is_empty()).then(|| {
        view! {
            <section class="ticket-part" aria-labelledby="posts">
                <h2 class="section-title" id="posts">"Posted"</h2>
                <ul class="changes">{tries}</ul>
            </section>
        }
    })
}

/// Of the latest try, whose turn it is, too.
fn posted(post: &PostView, latest: bool, view: &TicketView) -> impl IntoView + use<> {
    let at = moment(post.at, moment::day_time(post.at, view.as_of));
    let answered = post
        .status
        .map_or_else(|| "no answer".to_owned(), |status| format!("answered {status}"));
    let (class, shape, word) = if post.failure.is_some() {
        ("state bad", Icon::CrossOctagon, "Not taken")
    } else {
        ("state ok", Icon::TickCircle, "Taken")
    };
    let why = post.failure.as_ref().map(|failure| {
        view! {
            <p>{failure.cause.clone()}</p>
            {latest.then(|| turn(failure.owner, &failure.next_action))}
        }
    });
    view! {
        <li>
            <p>
                <strong class=class>{icon(shape)}{word}</strong>
                {format!(" {answered}, ")}
                {at}
                {format!(", by {}", post.by)}
            </p>
            {why}
        </li>
    }
}

fn users_table(view: &TicketView) -> impl IntoView + use<> {
    let rows: String = view.rows.iter().map(user_row).collect();
    view! {
        <table class="stacking users">
            <caption class="visually-hidden">"Users of the ticket, with the cause as it was then"</caption>
            <thead>
                <tr>
                    <th scope="col">"User"</th>
                    <th scope="col">"Connection"</th>
                    <th scope="col">"Cause"</th>
                    <th scope="col">"Domain"</th>
                    <th scope="col">"By now"</th>
                </tr>
            </thead>
            <tbody inner_html=rows></tbody>
        </table>
    }
}

fn user_row(row: &TicketUser) -> String {
    let now = if row.open {
        "Without a company"
    } else {
        "Settled since"
    };
    format!(
        r#"<tr><th scope="row"><a class="link" href="{}">{}</a><span class="small">{}</span></th><td data-label="Connection"><code>{}</code></td><td data-label="Cause">{}</td><td data-label="Domain">{}</td><td data-label="By now">{now}</td></tr>"#,
        Text(&MemberKey::from(&row.member).href()),
        Text(&row.member.username),
        Text(row.email.as_deref().unwrap_or("no email")),
        Text(&row.member.tenant_id),
        row.cause.label(),
        Text(row.domain.as_deref().unwrap_or("–")),
    )
}

fn paging(view: &TicketView, place: TicketPlace) -> impl IntoView + use<> {
    let page = view.page.max(1);
    let shown = view.rows.len() as u64;
    let first = u64::from(page - 1) * u64::from(USERS_PAGE_ROWS) + 1;
    let last = first + shown.saturating_sub(1);
    let words = counted(view.ticket.users, "user", "users");
    (shown > 0).then(|| {
        pages(
            "Pages of the users",
            first,
            last,
            &words,
            view.ticket.users,
            page,
            &|page| place.with_page(page).href(),
        )
    })
}
