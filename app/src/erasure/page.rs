//! Administration > Erase a person: the address, what will be erased, and a yes. The page answers its first form itself, so
//! that the address is in no URL.

use chrono::{DateTime, Utc};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::{
    api::{ErasePerson, FindPerson, erasures},
    place::{ERASE, ReceiptPlace},
    view::{ErasuresView, PersonView, ReceiptView},
};
use crate::{
    accounts::api::check_confirmed,
    answer::answer_of,
    error::AppError,
    ui::{
        head::{Crumb, sheet_head},
        icon::{Icon, icon},
        moment::{self, moment},
        number::counted,
        password::password_first,
        problem::{Titles, action_problem, answer_status, failure_in_url, page_problem},
    },
};

/// What each action is called when it failed.
const TITLES: &Titles = &[(ErasePerson::PATH, "The person was not erased")];

#[component]
pub fn Erase() -> impl IntoView {
    let query = use_query_map();
    let failure = move || query.with(|query| failure_in_url(query, TITLES));
    let (found, failed) = match answer_of::<FindPerson>() {
        Some(Ok(person)) => (Some(person), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let may = Resource::new(|| (), |()| check_confirmed());
    let asked = found.map(|person| question(&person));
    let form = asked.is_none().then(|| {
        view! {
            {failed.map(|error| {
                answer_status(&error);
                action_problem("The address could not be looked for", &error)
            })}
            <Transition>
                {move || may.with(|may| may.as_ref().map(|may| match may {
                    Ok(()) => address_form().into_any(),
                    Err(AppError::Unconfirmed) => password_first(ERASE).into_any(),
                    Err(error) => page_problem(error, ERASE.to_owned()).into_any(),
                }))}
            </Transition>
            <Receipts />
        }
    });
    view! {
        <Title text="Erase a person" />
        {sheet_head(vec![Crumb::group("Administration")], "Erase a person".to_owned())}
        <div class="page">
            <h1>"Erase a person"</h1>
            <p class="lead">"Out of every tenant and of the customer-success data, in one step, for good. A receipt says how much was reached, and names nobody."</p>
            {failure}
            {asked}
            {form}
        </div>
    }
}

fn address_form() -> impl IntoView {
    view! {
        <form class="form" method="post" action=ERASE>
            <label class="field">
                <span class="field-name">"Email of the person"</span>
                <input type="email" name="email" required maxlength="254" autocomplete="off" />
                <span class="small">"Case and spaces around it do not matter. A person with several addresses is erased with one after the other."</span>
            </label>
            <div class="form-actions">
                <button class="button primary" type="submit">"Look what there is"</button>
            </div>
        </form>
    }
}

fn question(person: &PersonView) -> impl IntoView + use<> {
    view! {
        <section class="panel erase" aria-labelledby="erase-title">
            <header class="panel-head"><h2 id="erase-title">{format!("Erase {}?", person.email)}</h2></header>
            <div class="panel-body">
                <p>{there_is(person)}</p>
                <ul class="once-words">
                    <li>"Members with the address, and people of the customer-success data, are removed."</li>
                    <li>{what_stays(person)}</li>
                    <li>"The address is taken out of texts of others, of matches, reasons and logs."</li>
                    <li>"The next syncs leave them out, unless they join a community again."</li>
                    <li>"Backups and exports that were made before still hold them."</li>
                </ul>
            </div>
            <div class="panel-foot">
                <p><strong>"This cannot be undone."</strong></p>
                <form class="panel-actions" method="post" action=ErasePerson::PATH>
                    <input type="hidden" name="email" value=person.email.clone() />
                    <a class="button" href=ERASE rel="external">"Keep the person"</a>
                    <button class="button danger" type="submit">"Erase the person"</button>
                </form>
            </div>
        </section>
    }
}

/// `3 members (customer-de 2, customer-en 1) and 1 person have this address.`
fn there_is(person: &PersonView) -> String {
    let members: u64 = person.members.iter().map(|(_, count)| count).sum();
    if members == 0 && person.persons == 0 {
        return "No member and no person of the customer-success data has this address. It may stand in records that were set aside or in texts of others; erasing looks there too.".to_owned();
    }
    let tenants: Vec<_> = person
        .members
        .iter()
        .map(|(tenant, count)| format!("{tenant} {count}"))
        .collect();
    let of = if tenants.is_empty() {
        String::new()
    } else {
        format!(" ({})", tenants.join(", "))
    };
    format!(
        "{}{of} and {} of the customer-success data have this address.",
        counted(members, "member", "members"),
        counted(person.persons, "person", "people"),
    )
}

/// `12 topics and replies and 3 activities of theirs stay for the counts, without them.`, and what becomes of other records.
fn what_stays(person: &PersonView) -> String {
    format!(
        "{} and {} of theirs stay for the counts, without them. Their records that were set aside are emptied.",
        counted(person.content, "topic or reply", "topics and replies"),
        counted(person.activity, "activity", "activities"),
    )
}

/// Receipts of earlier erasures, so that one can be shown again.
#[component]
fn Receipts() -> impl IntoView {
    let content = Resource::new(|| (), |()| erasures());
    view! {
        <Transition>
            {move || content.with(|shown| shown.as_ref().map(|shown| match shown {
                Ok(view) => receipts(view).into_any(),
                Err(error) => page_problem(error, ERASE.to_owned()).into_any(),
            }))}
        </Transition>
    }
}

fn receipts(view: &ErasuresView) -> Option<impl IntoView + use<>> {
    let rows: Vec<_> = view
        .receipts
        .iter()
        .map(|receipt| receipt_row(receipt, view.as_of).into_any())
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="receipts">
                <h2 class="section-title">"Receipts"</h2>
                <table class="stacking">
                    <caption class="visually-hidden">"Receipts, latest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Receipt"</th>
                            <th scope="col">"Erased"</th>
                            <th scope="col" class="number">"Members"</th>
                            <th scope="col" class="number">"People"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
    })
}

fn receipt_row(receipt: &ReceiptView, as_of: DateTime<Utc>) -> impl IntoView + use<> {
    let href = ReceiptPlace::of(&receipt.id).href();
    let erased = moment::day_time(receipt.erased_at, as_of);
    view! {
        <tr>
            <th scope="row"><a class="link" href=href>{icon(Icon::List)} " " <code>{receipt.id.clone()}</code></a></th>
            <td data-label="Erased">{moment(receipt.erased_at, erased)}</td>
            <td class="number" data-label="Members">{receipt.total().users}</td>
            <td class="number" data-label="People">{receipt.persons}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_told_by_tenant() {
        let mut person = PersonView {
            email: "ada@acme.example".to_owned(),
            members: vec![("customer-de".to_owned(), 2), ("customer-en".to_owned(), 1)],
            content: 1,
            activity: 1_340,
            persons: 1,
        };
        assert!(
            what_stays(&person)
                .starts_with("1 topic or reply and 1,340 activities of theirs stay for the counts")
        );
        assert_eq!(
            there_is(&person),
            "3 members (customer-de 2, customer-en 1) and 1 person of the customer-success data have this address."
        );
        person.members.clear();
        assert!(there_is(&person).starts_with("0 members and 1 person"));
        person.persons = 0;
        assert!(there_is(&person).starts_with("No member"));
    }
}
