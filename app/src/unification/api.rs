#![cfg_attr(
    feature = "ssr",
    expect(
        clippy::unused_async,
        reason = "server functions are asynchronous, also those that change a draft alone"
    )
)]
#![expect(clippy::too_many_arguments, reason = "one for each field of a form")]

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{
    draft::{Draft, Press},
    form::{conditions, country_lines, lines, read_set},
    place::{LINKS, Open, RulesPlace, UsersFilter},
    view::{Apply, Said, SaidOfLeaving, Selection},
};
use super::{
    place::{MemberKey, TicketPlace, UsersPlace},
    view::{Applied, LinksView, MemberView, RulesQuery, RulesView, TicketView, TicketsView, UsersView},
};
use crate::error::AppError;

#[server(prefix = "/rpc", endpoint = "rules")]
pub async fn rules(query: RulesQuery) -> Result<RulesView, AppError> {
    crate::backend::backend()?.rules(query).await
}

/// A press on the list: the draft in the form is changed and becomes the address. Nothing is stored.
#[server(prefix = "/rpc", endpoint = "change_rules")]
pub async fn change_rules(base: u32, set: String, change: String) -> Result<(), AppError> {
    let mut draft = Draft {
        base,
        set: read_set(&set)?,
    };
    draft.press(&change);
    let place = RulesPlace::with_draft(draft.text());
    let href = match Press::read(&change) {
        Some((Press::Edit, rule)) => place.opening(Some(Open::Rule(rule.to_owned()))).href(),
        // Whoever moves a rule by the keyboard goes on from it.
        Some((Press::Up | Press::Down, rule)) if is_plain(rule) => format!("{}#rule-{rule}", place.href()),
        _ => place.href(),
    };
    leptos_axum::redirect(&href);
    Ok(())
}

/// Whether it may stand in an address as it is. Anyone can write what a form sends.
#[cfg(feature = "ssr")]
fn is_plain(rule: &str) -> bool {
    rule.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A rule as the form has it, into the draft. `rule` is empty for a new one.
#[server(prefix = "/rpc", endpoint = "save_rule")]
pub async fn save_rule(
    base: u32,
    set: String,
    #[server(default)] rule: String,
    condition: Vec<String>,
    #[server(default)] percent: Vec<String>,
    #[server(default)] go_on: String,
    #[server(default)] active: String,
) -> Result<(), AppError> {
    use domain::unification::WhenAmbiguous;

    let mut draft = Draft {
        base,
        set: read_set(&set)?,
    };
    let when_ambiguous = if go_on == "yes" {
        WhenAmbiguous::GoOn
    } else {
        WhenAmbiguous::Stop
    };
    let id = Some(rule.as_str()).filter(|id| !id.is_empty());
    draft.save(
        id,
        conditions(&condition, &percent)?,
        when_ambiguous,
        active == "yes",
    );
    leptos_axum::redirect(&RulesPlace::with_draft(draft.text()).href());
    Ok(())
}

/// Domains, roles, legal forms and countries as the form has them, into the draft.
#[server(prefix = "/rpc", endpoint = "save_lists")]
pub async fn save_lists(
    base: u32,
    set: String,
    #[server(default)] internal_domains: String,
    #[server(default)] internal_roles: String,
    #[server(default)] free_mail_added: String,
    #[server(default)] free_mail_removed: String,
    #[server(default)] legal_forms_added: String,
    #[server(default)] persons_country: String,
    #[server(default)] countries: String,
    #[server(default)] inactive_person: String,
    #[server(default)] bounced_email: String,
) -> Result<(), AppError> {
    use domain::unification::{DefaultCountries, LeaverRule, RuleSet};

    let set = RuleSet {
        internal_domains: lines(&internal_domains),
        internal_roles: lines(&internal_roles),
        free_mail_added: lines(&free_mail_added),
        free_mail_removed: lines(&free_mail_removed),
        legal_forms_added: lines(&legal_forms_added),
        default_countries: DefaultCountries {
            persons: country_lines(&format!("persons {persons_country}"))?.remove("persons"),
            connections: country_lines(&countries)?,
        },
        leavers: LeaverRule {
            inactive_person: inactive_person == "yes",
            bounced_email: bounced_email == "yes",
        },
        ..read_set(&set)?
    };
    let draft = Draft { base, set };
    leptos_axum::redirect(&RulesPlace::with_draft(draft.text()).href());
    Ok(())
}

/// Ends the preview of the draft and leads back to the draft.
#[server(prefix = "/rpc", endpoint = "cancel_preview")]
pub async fn cancel_preview(base: u32, set: String) -> Result<(), AppError> {
    let draft = Draft {
        base,
        set: read_set(&set)?,
    };
    crate::backend::backend()?
        .cancel_preview(draft.set.clone())
        .await?;
    leptos_axum::redirect(&RulesPlace::with_draft(draft.text()).href());
    Ok(())
}

/// Makes the draft the version in use, unless somebody else has applied one since it was begun.
#[server(prefix = "/rpc", endpoint = "apply_rules")]
pub async fn apply_rules(
    base: u32,
    set: String,
    #[server(default)] restores: Option<u32>,
) -> Result<Applied, AppError> {
    let draft = Draft {
        base,
        set: read_set(&set)?,
    };
    let place = RulesPlace::with_draft(draft.text());
    let apply = Apply {
        base,
        set: draft.set,
        restores,
    };
    let applied = crate::backend::backend()?.apply_rules(apply).await?;
    let next = match applied {
        Applied::Version(version) => RulesPlace {
            applied: Some(version),
            ..RulesPlace::default()
        },
        // The page of the draft says what happened meanwhile.
        Applied::Outdated => place,
    };
    leptos_axum::redirect(&next.href());
    Ok(applied)
}

#[server(prefix = "/rpc", endpoint = "users")]
pub async fn users(place: UsersPlace) -> Result<UsersView, AppError> {
    crate::backend::backend()?.users(place).await
}

/// Makes one ticket: of all users of the filter, or of those that are ticked, each as `tenant user`.
#[server(prefix = "/rpc", endpoint = "create_ticket")]
pub async fn create_ticket(
    #[server(default)] all: String,
    #[server(default)] cause: String,
    #[server(default)] connection: String,
    #[server(default)] domain: String,
    #[server(default)] rule: String,
    #[server(default)] days: String,
    #[server(default)] member: Vec<String>,
) -> Result<(), AppError> {
    let filter = UsersFilter::read(|name| match name {
        "cause" => Some(cause.as_str()),
        "connection" => Some(connection.as_str()),
        "domain" => Some(domain.as_str()),
        "rule" => Some(rule.as_str()),
        "days" => Some(days.as_str()),
        _ => None,
    });
    let only = if all == "yes" {
        None
    } else {
        Some(ticked(&member)?)
    };
    let number = crate::backend::backend()?
        .create_ticket(Selection { filter, only })
        .await?;
    leptos_axum::redirect(&TicketPlace::of(number).href());
    Ok(())
}

/// The users that are ticked, by tenant and id. A tenant's id has no space.
#[cfg(feature = "ssr")]
fn ticked(members: &[String]) -> Result<Vec<(String, String)>, AppError> {
    let of = |member: &String| {
        let (tenant, id) = member.split_once(' ')?;
        Some((tenant.to_owned(), id.to_owned()))
    };
    let ticked: Vec<_> = members.iter().filter_map(of).collect();
    if ticked.is_empty() {
        return Err(AppError::Refused {
            what: "No user is selected.".to_owned(),
            next_action: "Tick the users that the ticket is for, or select all of this list.".to_owned(),
        });
    }
    Ok(ticked)
}

#[server(prefix = "/rpc", endpoint = "tickets")]
pub async fn tickets(page: u32) -> Result<TicketsView, AppError> {
    crate::backend::backend()?.tickets(page).await
}

#[server(prefix = "/rpc", endpoint = "ticket")]
pub async fn ticket(place: TicketPlace) -> Result<TicketView, AppError> {
    crate::backend::backend()?.ticket(place).await
}

/// Posts a ticket to the operator's webhook. What came of it is kept with the ticket.
#[server(prefix = "/rpc", endpoint = "post_ticket")]
pub async fn post_ticket(number: i64) -> Result<(), AppError> {
    crate::backend::backend()?.post_ticket(number).await?;
    leptos_axum::redirect(&TicketPlace::of(number).href());
    Ok(())
}

#[server(prefix = "/rpc", endpoint = "links_by_hand")]
pub async fn links(page: u32) -> Result<LinksView, AppError> {
    crate::backend::backend()?.links(page).await
}

#[server(prefix = "/rpc", endpoint = "member")]
pub async fn member(member: MemberKey) -> Result<MemberView, AppError> {
    crate::backend::backend()?.member(member).await
}

#[server(prefix = "/rpc", endpoint = "link_member")]
pub async fn link_member(
    tenant: String,
    user: String,
    company: String,
    reason: String,
) -> Result<(), AppError> {
    let said = Said::Company {
        external_id: named(&company, "Give the company's external id.")?,
        reason: named(&reason, "Say why, so that others know.")?,
    };
    say(tenant, user, said).await
}

#[server(prefix = "/rpc", endpoint = "unlink_member")]
pub async fn unlink_member(tenant: String, user: String, reason: String) -> Result<(), AppError> {
    let reason = named(&reason, "Say why, so that others know.")?;
    say(tenant, user, Said::NoCompany { reason }).await
}

/// Goes back to the list of manual links if `from` says so.
#[server(prefix = "/rpc", endpoint = "leave_to_rules")]
pub async fn leave_to_rules(
    tenant: String,
    user: String,
    #[server(default)] from: String,
) -> Result<(), AppError> {
    say(tenant, user, Said::Nothing).await?;
    if from == "links" {
        leptos_axum::redirect(LINKS);
    }
    Ok(())
}

#[server(prefix = "/rpc", endpoint = "mark_left")]
pub async fn mark_left(tenant: String, user: String, reason: String) -> Result<(), AppError> {
    let reason = named(&reason, "Say how you know, so that others do, too.")?;
    leave(tenant, user, SaidOfLeaving::Left { reason }).await
}

#[server(prefix = "/rpc", endpoint = "mark_back")]
pub async fn mark_back(tenant: String, user: String) -> Result<(), AppError> {
    leave(tenant, user, SaidOfLeaving::Back).await
}

/// Forgets that a member was said to count whatever the rules say.
#[server(prefix = "/rpc", endpoint = "leave_leaving_to_rules")]
pub async fn leave_leaving_to_rules(tenant: String, user: String) -> Result<(), AppError> {
    leave(tenant, user, SaidOfLeaving::Nothing).await
}

#[cfg(feature = "ssr")]
async fn say(tenant_id: String, community_user_id: String, said: Said) -> Result<(), AppError> {
    let member = MemberKey {
        tenant_id,
        community_user_id,
    };
    crate::backend::backend()?
        .say_of_member(member.clone(), said)
        .await?;
    leptos_axum::redirect(&member.href());
    Ok(())
}

#[cfg(feature = "ssr")]
async fn leave(tenant_id: String, community_user_id: String, said: SaidOfLeaving) -> Result<(), AppError> {
    let member = MemberKey {
        tenant_id,
        community_user_id,
    };
    crate::backend::backend()?
        .member_left(member.clone(), said)
        .await?;
    leptos_axum::redirect(&member.href());
    Ok(())
}

/// A field that must not be empty.
#[cfg(feature = "ssr")]
fn named(text: &str, next_action: &str) -> Result<String, AppError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(AppError::Refused {
            what: "A field was left empty.".to_owned(),
            next_action: next_action.to_owned(),
        });
    }
    Ok(text.to_owned())
}
