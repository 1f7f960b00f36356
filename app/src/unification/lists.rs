//! What rules are read with: internal domains and roles, free-mail domains, legal forms, default countries.

use std::collections::BTreeSet;

use domain::unification::LeaverRule;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    api::SaveLists,
    page::drawer_head,
    place::{Open, RulesPlace},
    rules::{carried, shown_set},
    view::RulesView,
};
use crate::ui::number::{counted, grouped};

/// The lists in a line each, with the way to change them.
pub fn lists_summary(view: &RulesView, place: &RulesPlace) -> impl IntoView + use<> {
    let set = shown_set(view);
    let free_mail = format!(
        "{} shipped, {} added, {} taken out",
        grouped(view.free_mail_shipped),
        grouped(set.free_mail_added.len() as u64),
        grouped(set.free_mail_removed.len() as u64),
    );
    let countries = &set.default_countries;
    let named = countries
        .persons
        .iter()
        .map(|country| format!("{country} for people"))
        .chain(
            countries
                .connections
                .iter()
                .map(|(tenant, country)| format!("{country} for {tenant}")),
        );
    let rows = [
        ("Internal domains", told(&set.internal_domains)),
        ("Internal roles", told(&set.internal_roles)),
        ("Free-mail domains", free_mail),
        (
            "Legal forms",
            format!(
                "those shipped, and {}",
                counted(set.legal_forms_added.len() as u64, "more", "more")
            ),
        ),
        ("Default countries", or_none(&named.collect::<Vec<_>>())),
        ("Who has left", leavers(set.leavers)),
    ]
    .map(|(name, words)| view! { <div><dt>{name}</dt><dd>{words}</dd></div> });
    view! {
        <section class="lists">
            <div class="section-head">
                <h2>"Lists"</h2>
                <a class="button end" href=place.opening(Some(Open::Lists)).href() data-noscroll="">
                    "Edit lists"
                </a>
            </div>
            <dl>{rows.into_iter().collect::<Vec<_>>()}</dl>
        </section>
    }
}

fn leavers(rule: LeaverRule) -> String {
    let signs = [
        (rule.inactive_person, "users whose person is inactive"),
        (rule.bounced_email, "users whose email bounced"),
    ];
    let heeded = signs.into_iter().filter(|(heeds, _)| *heeds);
    let words: Vec<_> = heeded.map(|(_, words)| words).collect();
    if words.is_empty() {
        "Only those who are marked by hand".to_owned()
    } else {
        format!("Those marked by hand, and {}", words.join(" and "))
    }
}

fn told(words: &BTreeSet<String>) -> String {
    or_none(&words.iter().cloned().collect::<Vec<_>>())
}

fn or_none(words: &[String]) -> String {
    if words.is_empty() {
        "None".to_owned()
    } else {
        words.join(", ")
    }
}

/// The lists as a form. Saving changes the draft alone.
pub fn lists_editor(view: &RulesView, close: String) -> impl IntoView + use<> {
    let set = shown_set(view);
    let countries = &set.default_countries;
    let persons = countries.persons.map(|country| country.to_string());
    view! {
        {drawer_head("Edit lists".to_owned(), close.clone())}
        <div class="drawer-content">
            <form class="form" method="post" action=SaveLists::PATH>
                {carried(view)}
                {area("internal_domains", "Internal domains", "Users with such a domain, or one below it, are internal. One a line, such as ours.example.", &set.internal_domains)}
                {area("internal_roles", "Internal roles", "Users with such a role in their community are internal. One a line.", &set.internal_roles)}
                {area("free_mail_added", "More free-mail domains", "Besides those that are shipped. One a line, such as mail.example.", &set.free_mail_added)}
                {area("free_mail_removed", "No free-mail domains", "Shipped domains that are a company's here. One a line.", &set.free_mail_removed)}
                {area("legal_forms_added", "More legal forms", "Besides those that are shipped. One a line, such as Kft.", &set.legal_forms_added)}
                <label class="field">
                    <span class="field-name">"Default country of people's phone numbers"</span>
                    <input class="short" name="persons_country" value=persons.unwrap_or_default() pattern="[A-Za-z]{2}" maxlength="2" autocomplete="off" />
                    <span class="small">"Two letters, such as DE. Numbers without a country code are read with it."</span>
                </label>
                <label class="field">
                    <span class="field-name">"Default countries of communities"</span>
                    <textarea name="countries" rows=(view.connections.len() + 1).clamp(3, 12).to_string()>{country_text(view)}</textarea>
                    <span class="small">"One a line: the tenant id and two letters, such as customer-de DE. Without the letters there is none."</span>
                </label>
                <fieldset class="field">
                    <legend class="field-name">"Users who have left their company"</legend>
                    {switch("inactive_person", "Their person is inactive", set.leavers.inactive_person)}
                    {switch("bounced_email", "Mail to their address came back", set.leavers.bounced_email)}
                    <span class="small">"They are not counted from then on. What is said by hand of a user stands above it."</span>
                </fieldset>
                <div class="form-actions">
                    <button class="button primary" type="submit">"Save into the draft"</button>
                    <a class="button" href=close data-noscroll="">"Leave them as they are"</a>
                </div>
            </form>
        </div>
    }
}

fn switch(name: &'static str, label: &'static str, on: bool) -> impl IntoView {
    view! {
        <label class="choice">
            <input type="checkbox" name=name value="yes" checked=on />
            {label}
        </label>
    }
}

fn area(
    name: &'static str,
    label: &'static str,
    help: &'static str,
    words: &BTreeSet<String>,
) -> impl IntoView + use<> {
    let text: Vec<_> = words.iter().map(String::as_str).collect();
    let rows = (words.len() + 1).clamp(2, 8).to_string();
    view! {
        <label class="field">
            <span class="field-name">{label}</span>
            <textarea name=name rows=rows>{text.join("\n")}</textarea>
            <span class="small">{help}</span>
        </label>
    }
}

/// Every tenant with its country, and those that are named without being connected.
fn country_text(view: &RulesView) -> String {
    let countries = &shown_set(view).default_countries.connections;
    let tenants: BTreeSet<&str> = view
        .connections
        .iter()
        .map(|connection| connection.tenant_id.as_str())
        .chain(countries.keys().map(String::as_str))
        .collect();
    let lines: Vec<_> = tenants
        .into_iter()
        .map(|tenant| match countries.get(tenant) {
            Some(country) => format!("{tenant} {country}"),
            None => tenant.to_owned(),
        })
        .collect();
    lines.join("\n")
}
