//! `tributary failed` and `tributary ticket …`: members without a company, by cause, and one document of them.

use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use domain::unification::WhyNot;
use serde::Serialize;
use store::{FailedFilter, NewTicket, Ticket};

use crate::{
    accounts::operator,
    cli::{FailedMembers, TicketCommand, TicketFormat},
    commands::OPERATOR,
    error::CommandError,
    installation::Installation,
    output::{Output, counted, moment, table},
    tickets::{as_csv, as_markdown, members, reference},
};

/// Causes that are listed, the most members first.
const GROUPS_MAX: u32 = 200;
/// Members that are listed.
const MEMBERS_MAX: u32 = 1_000;
const TICKETS_MAX: u32 = 200;

#[derive(Debug, Serialize)]
struct Failed {
    members: u64,
    groups: Vec<Group>,
    /// The first of them, by tenant and id.
    first: Vec<Member>,
}

#[derive(Debug, Serialize)]
struct Group {
    cause: WhyNot,
    domain: Option<String>,
    members: u64,
}

#[derive(Debug, Serialize)]
struct Member {
    tenant_id: String,
    community_user_id: String,
    username: String,
    email: Option<String>,
    cause: WhyNot,
    domain: Option<String>,
    rule: Option<String>,
    since: DateTime<Utc>,
    ticket: Option<String>,
}

#[derive(Debug, Serialize)]
struct Printed {
    reference: String,
    created_by: String,
    created_at: DateTime<Utc>,
    rule_version: i64,
    selection: String,
    members: u64,
}

pub(crate) async fn list(
    installation: &Installation,
    options: &FailedMembers,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let (filter, _) = filter(installation, options).await?;
    let store = &installation.store;
    let groups = store.failed_groups(&filter, GROUPS_MAX).await?;
    let first = store.failed_members(&filter, 0, MEMBERS_MAX).await?;
    let failed = Failed {
        members: store.failed_count(&filter).await?,
        groups: groups
            .into_iter()
            .map(|group| Group {
                cause: group.why,
                domain: group.domain,
                members: group.members,
            })
            .collect(),
        first: first
            .into_iter()
            .map(|member| Member {
                tenant_id: member.tenant_id,
                community_user_id: member.community_user_id,
                username: member.username,
                email: member.email,
                cause: member.why,
                domain: member.domain,
                rule: member.rule,
                since: member.since,
                ticket: member.ticket.map(reference),
            })
            .collect(),
    };
    output.data(&failed, |failed| {
        let rows: Vec<_> = failed
            .groups
            .iter()
            .map(|group| {
                let domain = group.domain.clone().unwrap_or_default();
                vec![group.members.to_string(), group.cause.label().to_owned(), domain]
            })
            .collect();
        format!(
            "{} without a company.\n\n{}",
            counted(failed.members, "member", "members"),
            table(&["MEMBERS", "CAUSE", "DOMAIN"], &rows)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn ticket(
    installation: &Installation,
    command: &TicketCommand,
    output: Output,
) -> Result<ExitCode, CommandError> {
    match command {
        TicketCommand::Create(options) => {
            let (filter, selection) = filter(installation, options).await?;
            let new = NewTicket {
                filter,
                selection,
                by: OPERATOR.to_owned(),
                at: installation.clock.now(),
            };
            let ticket = installation.store.create_ticket(&new, &operator(new.at)).await?;
            let ticket = ticket.ok_or_else(|| {
                CommandError::failed(
                    format!("nobody is without a company of {}", new.selection),
                    "Choose others; see them with: tributary failed. Nothing was written.",
                )
            })?;
            output.data(&printed(ticket), describe)?;
        }
        TicketCommand::List => {
            let tickets = installation.store.tickets(TICKETS_MAX).await?;
            let tickets: Vec<_> = tickets.into_iter().map(printed).collect();
            output.data(&tickets, |tickets| {
                let lines: Vec<_> = tickets.iter().map(describe).collect();
                lines.join("\n")
            })?;
        }
        TicketCommand::Show { number, format } => show(installation, *number, *format, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(
    installation: &Installation,
    number: i64,
    format: TicketFormat,
    output: Output,
) -> Result<(), CommandError> {
    let ticket = installation.store.ticket(number).await?.ok_or_else(|| {
        CommandError::failed(
            format!("there is no ticket {}", reference(number)),
            "See which there are with: tributary ticket list",
        )
    })?;
    let members = members(installation, &ticket).await?;
    let document = match format {
        TicketFormat::Markdown => as_markdown(&ticket, &members),
        TicketFormat::Csv => as_csv(&ticket, &members).map_err(|error| {
            CommandError::failed(
                format!("the ticket cannot be written as CSV: {error}"),
                "Report this to the maintainers.",
            )
        })?,
    };
    output.data(&document, String::clone)
}

/// What the options mean, and the same in words.
async fn filter(
    installation: &Installation,
    options: &FailedMembers,
) -> Result<(FailedFilter, String), CommandError> {
    let mut words = Vec::new();
    let mut filter = FailedFilter {
        why: options.cause,
        domain: options.domain.as_ref().map(|domain| domain.to_lowercase()),
        rule: options.rule.clone(),
        ..FailedFilter::default()
    };
    if let Some(tenant) = &options.tenant {
        filter.connection = Some(installation.connection(tenant).await?.id);
        words.push(format!("tenant {tenant}"));
    }
    if let Some(days) = options.days {
        filter.since = installation
            .clock
            .now()
            .checked_sub_signed(TimeDelta::days(i64::from(days)));
        words.push(format!("of the last {}", counted(u64::from(days), "day", "days")));
    }
    words.extend(filter.why.map(|why| format!("cause {}", why.as_str())));
    words.extend(filter.domain.as_ref().map(|domain| format!("domain {domain}")));
    words.extend(filter.rule.as_ref().map(|rule| format!("rule {rule}")));
    if words.is_empty() {
        words.push("all members".to_owned());
    }
    Ok((filter, words.join(", ")))
}

fn printed(ticket: Ticket) -> Printed {
    Printed {
        reference: reference(ticket.number),
        created_by: ticket.by,
        created_at: ticket.at,
        rule_version: ticket.rule_version,
        selection: ticket.selection,
        members: ticket.members,
    }
}

fn describe(ticket: &Printed) -> String {
    format!(
        "{}: {} ({}), made on {} by {}",
        ticket.reference,
        counted(ticket.members, "member", "members"),
        ticket.selection,
        moment(Some(ticket.created_at)),
        ticket.created_by
    )
}
