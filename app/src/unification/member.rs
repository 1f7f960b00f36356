//! A member's page: what ties them to a company or keeps them from it, rule by rule; their history; and what an admin may
//! say instead.

use domain::unification::{
    Candidate, ComparedValue, DecidedBy, Explanation, LeftBecause, MatchStatus, RuleOutcome, RuleResult,
    ticket_reference,
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{LeaveLeavingToRules, LeaveToRules, LinkMember, MarkBack, MarkLeft, UnlinkMember, member},
    outcome::shape,
    place::{MemberKey, TicketPlace, UNIFICATION},
    view::{CompanyName, FormerView, FormerlyLeftView, LeftView, MemberView, SaidView},
};
use crate::{
    access::{may_change, may_use},
    companies::place::{CUSTOMERS, company_href},
    ui::{
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        moment::{self, moment},
        problem::{Titles, failure_in_url, page_problem},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[
    (LinkMember::PATH, "The member could not be linked"),
    (UnlinkMember::PATH, "The member could not be unlinked"),
    (LeaveToRules::PATH, "The member could not be left to the rules"),
    (MarkLeft::PATH, "The member could not be marked as left"),
    (MarkBack::PATH, "The member could not be marked as back"),
    (
        LeaveLeavingToRules::PATH,
        "The member could not be left to the rules",
    ),
];

#[component]
pub fn Member() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(MemberKey::read));
    let content = Resource::new(move || key.get(), member);
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    view! {
        <Title text="Member" />
        {sheet_head(crumbs(), "Member".to_owned())}
        <div class="page">
            <Transition>
                {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                    Ok(view) => shown_member(view, failure()).into_any(),
                    Err(error) => view! {
                        <h1>"Member"</h1>
                        {page_problem(error, key.get_untracked().href())}
                    }
                    .into_any(),
                }))}
            </Transition>
        </div>
    }
}

/// The pages above, of those that the visitor may use.
fn crumbs() -> Vec<Crumb> {
    if may_use(UNIFICATION) {
        vec![
            Crumb::group("Administration"),
            Crumb::page("Unification", UNIFICATION),
        ]
    } else {
        vec![Crumb::page("Customers", CUSTOMERS)]
    }
}

fn shown_member(view: &MemberView, failure: Option<AnyView>) -> impl IntoView + use<> {
    view! {
        <h1>{view.member.username.clone()}</h1>
        <p class="lead">{contact(view)} <code>{view.member.tenant_id.clone()}</code></p>
        {failure}
        {standing(view)}
        <div class="rules-page member-page">
            <div class="rules-main">
                {why(view)}
                {history(view)}
                {times_away(view)}
            </div>
            {may_change().then(|| view! {
                <aside class="panel" aria-labelledby="by-hand">
                    <header class="panel-head"><h2 id="by-hand">"By hand"</h2></header>
                    <div class="panel-body">{by_hand(view)}</div>
                    <div class="panel-foot">{leaving(view)}</div>
                </aside>
            })}
        </div>
    }
}

/// `Ada Lovelace · ada@acme.example · `
fn contact(view: &MemberView) -> String {
    let parts = [view.full_name.clone(), view.email.clone()];
    parts
        .into_iter()
        .flatten()
        .fold(String::new(), |text, part| format!("{text}{part} · "))
}

fn standing(view: &MemberView) -> impl IntoView + use<> {
    let (tone, shape, word) = match view.status {
        MatchStatus::Matched => ("ok", Icon::TickCircle, "Matched"),
        MatchStatus::Ambiguous => ("warn", Icon::Triangle, "Ambiguous"),
        MatchStatus::Unmatched => ("idle", Icon::DashedCircle, "Without a company"),
        MatchStatus::Internal => ("idle", Icon::MinusCircle, "Internal"),
    };
    let company = view.company.as_ref().map(|company| {
        view! { <a class="link" href=company_href(&company.external_id)>{company.name.clone()}</a> }
    });
    let person = view
        .person_external_id
        .as_ref()
        .map(|person| view! { <span>"person " <code>{person.clone()}</code></span> });
    let since = view.decided_at.map(|at| {
        let since = moment::day_time(at, view.as_of);
        view! { <span class="small">"since " {moment(at, since)}</span> }
    });
    let gone = view
        .deleted_at
        .map(|_| view! { <span class="tag idle">"deleted in the community"</span> });
    let ticket = view.ticket.map(|number| {
        view! {
            <span>
                "in ticket "
                <a class="link" href=TicketPlace::of(number).href()>{ticket_reference(number)}</a>
            </span>
        }
    });
    let left = view
        .left
        .is_some()
        .then(|| view! { <span class="tag idle">"left"</span> });
    view! {
        <p class="standing-line">
            <strong class=format!("state {tone}")>{icon(shape)}{word}</strong>
            {company}
            {person}
            <span>{decided(view)}</span>
            {since}
            {ticket}
            {gone}
            {left}
        </p>
    }
}

fn decided(view: &MemberView) -> String {
    match view.decided_by {
        DecidedBy::Nothing => "No rule gave one candidate.".to_owned(),
        DecidedBy::Hand => "Decided by hand; no rule overwrites it.".to_owned(),
        DecidedBy::InternalDomain => "The email has an internal domain.".to_owned(),
        DecidedBy::InternalRole => "The member has an internal role.".to_owned(),
        DecidedBy::Rule => {
            let rules = &view.explanation.rules;
            let rule = rules.iter().find(|of| Some(&of.rule) == view.rule.as_ref());
            let words = rule.map_or_else(
                || view.rule.clone().unwrap_or_default(),
                |of| format!("{}, {}", of.position, of.sentence),
            );
            format!("Decided by rule {words}.")
        }
    }
}

fn why(view: &MemberView) -> impl IntoView + use<> {
    let names = &view.names;
    let rows: Vec<_> = view
        .explanation
        .rules
        .iter()
        .map(|outcome| rule_row(outcome, names).into_any())
        .collect();
    view! {
        <section>
            <h2 class="section-title">"Why"</h2>
            <p class="small">{beforehand(&view.explanation, view)}</p>
            <ol class="why" aria-label="What each rule came to">{rows}</ol>
        </section>
    }
}

fn beforehand(explanation: &Explanation, view: &MemberView) -> &'static str {
    match explanation.outcome.decided_by {
        DecidedBy::InternalDomain | DecidedBy::InternalRole => {
            "Internal members are not compared with customers."
        }
        _ if view.said.is_some() => "What the rules would say; what was said by hand stands.",
        _ => "Each rule of the list, in order, with the values that it compared.",
    }
}

fn rule_row(outcome: &RuleOutcome, names: &[CompanyName]) -> impl IntoView + use<> {
    let (shape, class) = shape(&outcome.result);
    let words = result_words(&outcome.result, names);
    let values: Vec<_> = outcome
        .values
        .iter()
        .map(|value| view! { <li>{compared(value)}</li> })
        .collect();
    let listed = (!values.is_empty()).then(|| view! { <ul class="compared">{values}</ul> });
    view! {
        <li class=class>
            {icon(shape)}
            <div>
                <p><strong>{format!("{}. {}", outcome.position, outcome.sentence)}</strong></p>
                <p>{words}</p>
                {listed}
            </div>
        </li>
    }
}

/// `Email domain: uk.halden.example, then halden.example (from "Ops@UK.halden.example")`
fn compared(value: &ComparedValue) -> String {
    let field = value.field.label();
    match (&value.given, value.compared.is_empty()) {
        (None, _) => format!("{field}: not given"),
        (Some(given), true) => format!("{field}: “{given}” cannot be compared"),
        (Some(given), false) => {
            let compared = value.compared.join(", then ");
            if compared == *given {
                format!("{field}: {given}")
            } else {
                format!("{field}: {compared} (from “{given}”)")
            }
        }
    }
}

fn name_of(id: &str, names: &[CompanyName]) -> String {
    let known = names.iter().find(|company| company.external_id == id);
    known.map_or_else(|| id.to_owned(), |company| format!("{} ({id})", company.name))
}

/// What it came to, with those whom it spoke of.
fn result_words(result: &RuleResult, names: &[CompanyName]) -> String {
    let several = |candidates: &[Candidate]| {
        let words = candidates
            .iter()
            .map(|candidate| candidate_words(candidate, names));
        words.collect::<Vec<_>>().join(", ")
    };
    match result {
        RuleResult::Off => "Switched off.".to_owned(),
        RuleResult::NotReached => "Not reached: it was decided before.".to_owned(),
        RuleResult::ValueMissing { field } => format!("Skipped: {} is not given.", field.label()),
        RuleResult::ValueUnreadable { field } => format!("Skipped: {} cannot be read.", field.label()),
        RuleResult::FreeMail { domain } => {
            format!("Skipped: {domain} is a free-mail domain, which names no company.")
        }
        RuleResult::NoCandidate => "No candidate.".to_owned(),
        RuleResult::TooCommon { field } => {
            format!("{} is like too many names to compare.", field.label())
        }
        RuleResult::PersonWithoutCompany { person_external_id } => {
            format!("Person {person_external_id}, who has no company. The list went on for the company.")
        }
        RuleResult::SeveralWithoutCompany { candidates } => {
            format!("Several people, none with a company: {}.", several(candidates))
        }
        RuleResult::Ambiguous { candidates, went_on } => {
            let end = if *went_on {
                "The list went on."
            } else {
                "None is picked."
            };
            format!(
                "Candidates of more than one company: {}. {end}",
                several(candidates)
            )
        }
        RuleResult::Decided {
            company_external_id,
            person_external_id,
        } => match person_external_id {
            Some(person) => format!("Person {person} of {}.", name_of(company_external_id, names)),
            None => format!("{}.", name_of(company_external_id, names)),
        },
    }
}

fn candidate_words(candidate: &Candidate, names: &[CompanyName]) -> String {
    let company = candidate
        .company_external_id
        .as_deref()
        .map(|id| name_of(id, names));
    match (company, &candidate.person_external_id) {
        (Some(company), Some(person)) => format!("person {person} of {company}"),
        (Some(company), None) => company,
        (None, Some(person)) => format!("person {person}"),
        (None, None) => String::new(),
    }
}

fn history(view: &MemberView) -> impl IntoView + use<> {
    let rows: Vec<_> = view
        .history
        .iter()
        .map(|former| former_row(former, view).into_any())
        .collect();
    let table = if rows.is_empty() {
        view! { <p class="small">"The match has never been another one."</p> }.into_any()
    } else {
        view! {
            <table>
                <caption class="visually-hidden">"Former matches, the latest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"From"</th>
                        <th scope="col">"Until"</th>
                        <th scope="col">"Company"</th>
                        <th scope="col">"Decided by"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section>
            <h2 class="section-title">"Former matches"</h2>
            {table}
        </section>
    }
}

fn former_row(former: &FormerView, view: &MemberView) -> impl IntoView + use<> {
    let from = moment::day_time(former.from, view.as_of);
    let until = moment::day_time(former.until, view.as_of);
    let company = match (&former.company, former.status) {
        (Some(company), _) => company.name.clone(),
        (None, MatchStatus::Ambiguous) => "Ambiguous".to_owned(),
        (None, MatchStatus::Internal) => "Internal".to_owned(),
        (None, _) => "None".to_owned(),
    };
    let by = match (former.decided_by, &former.rule) {
        (DecidedBy::Rule, Some(rule)) => format!("rule {rule}, version {}", former.rule_version),
        (DecidedBy::Hand, _) => "by hand".to_owned(),
        (DecidedBy::InternalDomain, _) => "internal domain".to_owned(),
        (DecidedBy::InternalRole, _) => "internal role".to_owned(),
        (DecidedBy::Rule | DecidedBy::Nothing, _) => "no rule".to_owned(),
    };
    view! {
        <tr>
            <td>{moment(former.from, from)}</td>
            <td>{moment(former.until, until)}</td>
            <th scope="row">{company}</th>
            <td>{by}</td>
        </tr>
    }
}

/// The hidden fields that name the member.
fn of(view: &MemberView) -> impl IntoView + use<> {
    view! {
        <input type="hidden" name="tenant" value=view.member.tenant_id.clone() />
        <input type="hidden" name="user" value=view.member.community_user_id.clone() />
    }
}

fn said(said: &SaidView, view: &MemberView) -> impl IntoView + use<> {
    let at = moment::day_time(said.at, view.as_of);
    view! {
        <p>
            {format!("“{}” ", said.reason)}
            <span class="small">{format!("{}, ", said.by)} {moment(said.at, at)}</span>
        </p>
    }
}

fn by_hand(view: &MemberView) -> impl IntoView + use<> {
    let stands = view.said.as_ref().map(|words| {
        view! {
            {said(words, view)}
            <form method="post" action=LeaveToRules::PATH>
                {of(view)}
                <button class="button" type="submit">"Leave it to the rules again"</button>
            </form>
        }
    });
    let suggested = view.names.first().map(|company| company.external_id.clone());
    view! {
        {stands}
        <form class="form" method="post" action=LinkMember::PATH>
            {of(view)}
            <label class="field">
                <span class="field-name">"Company"</span>
                <input name="company" required list="companies-near" autocomplete="off" value=suggested.unwrap_or_default() />
                <span class="small">"Its external id, as it was imported."</span>
            </label>
            <datalist id="companies-near">
                {view.names.iter().map(|company| view! {
                    <option value=company.external_id.clone()>{company.name.clone()}</option>
                }).collect::<Vec<_>>()}
            </datalist>
            {reason_field()}
            <div class="form-actions"><button class="button primary" type="submit">"Link to this company"</button></div>
        </form>
        <form class="form" method="post" action=UnlinkMember::PATH>
            {of(view)}
            {reason_field()}
            <div class="form-actions"><button class="button" type="submit">"Belongs to no company"</button></div>
        </form>
    }
}

fn reason_field() -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-name">"Reason"</span>
            <input name="reason" required maxlength="300" autocomplete="off" />
        </label>
    }
}

/// Times at which the member had left, if there were any.
fn times_away(view: &MemberView) -> Option<impl IntoView + use<>> {
    if view.formerly_left.is_empty() {
        return None;
    }
    let rows: Vec<_> = view
        .formerly_left
        .iter()
        .map(|before| time_away(before, view).into_any())
        .collect();
    Some(view! {
        <section>
            <h2 class="section-title">"Had left"</h2>
            <table>
                <caption class="visually-hidden">"Times at which the member had left, the latest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"From"</th>
                        <th scope="col">"Until"</th>
                        <th scope="col">"Why"</th>
                        <th scope="col">"Said by"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    })
}

fn time_away(before: &FormerlyLeftView, view: &MemberView) -> impl IntoView + use<> {
    let said = &before.left.said;
    let from = moment::day_time(said.at, view.as_of);
    let until = moment::day_time(before.until, view.as_of);
    view! {
        <tr>
            <td>{moment(said.at, from)}</td>
            <td>{moment(before.until, until)}</td>
            <th scope="row">{said.reason.clone()}</th>
            <td>{said.by.clone()}</td>
        </tr>
    }
}

fn leaving(view: &MemberView) -> AnyView {
    match (&view.left, &view.stays) {
        (Some(left), _) => has_left(left, view).into_any(),
        (None, Some(stays)) => counts_by_hand(stays, view).into_any(),
        (None, None) => mark_left(view).into_any(),
    }
}

fn has_left(left: &LeftView, view: &MemberView) -> impl IntoView + use<> {
    let since = moment::day_time(left.said.at, view.as_of);
    let why = match left.because {
        LeftBecause::ByHand => view! {
            <p><strong>"Marked as left"</strong>", and not counted since."</p>
            {said(&left.said, view)}
        }
        .into_any(),
        because => view! {
            <p><strong>"Left by the rules"</strong>": "{because.label().to_lowercase()}", and not counted since."</p>
            <p class="small">"since " {moment(left.said.at, since)}</p>
        }
        .into_any(),
    };
    view! {
        {why}
        <form method="post" action=MarkBack::PATH>
            {of(view)}
            <button class="button" type="submit">"Count the member again"</button>
        </form>
    }
}

/// An admin has overruled the rules.
fn counts_by_hand(stays: &SaidView, view: &MemberView) -> impl IntoView + use<> {
    view! {
        <p><strong>"Counted"</strong>", whatever the rules say of leaving."</p>
        {said(stays, view)}
        <form method="post" action=LeaveLeavingToRules::PATH>
            {of(view)}
            <button class="button" type="submit">"Leave it to the rules again"</button>
        </form>
    }
}

fn mark_left(view: &MemberView) -> impl IntoView + use<> {
    view! {
        <form class="form" method="post" action=MarkLeft::PATH>
            {of(view)}
            {reason_field()}
            <p class="small">"A member who has left their company is not counted from then on. Their history stays."</p>
            <div class="form-actions"><button class="button" type="submit">"Mark as left"</button></div>
        </form>
    }
}
