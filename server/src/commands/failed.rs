//! `tributary failed` and `tributary ticket …`: members without a company, by cause, and one document of them.

use std::{process::ExitCode, sync::Arc};

use app::unification::place::TicketPlace;
use chrono::{DateTime, Utc};
use domain::unification::{CauseGroup, WhyNot, ticket_reference};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use store::{NewTicket, Ticket, TicketPost};

use crate::{
    accounts::operator,
    cli::{FailedMembers, TicketCommand, TicketFormat},
    commands::OPERATOR,
    error::{CommandError, Exit},
    installation::Installation,
    operations::{
        tickets::{Chosen, Sheet, SheetError, csv, document},
        webhook,
    },
    output::{Output, counted, moment, table},
};

/// Causes that are listed, the most members first.
const GROUPS_MAX: u32 = 200;
/// Members that are listed.
const MEMBERS_MAX: u32 = 1_000;
const TICKETS_MAX: u32 = 200;

#[derive(Debug, Serialize)]
struct Failed {
    members: u64,
    groups: Vec<CauseGroup>,
    /// The first of them, by tenant and id.
    first: Vec<Member>,
}

#[derive(Debug, Serialize)]
struct Member {
    tenant_id: String,
    community_user_id: String,
    username: String,
    email: Option<String>,
    cause: Option<WhyNot>,
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
    /// Those of them who have had no company ever since.
    still_without: u64,
}

#[derive(Debug, Serialize)]
struct Posted {
    reference: String,
    #[serde(rename = "posted_at")]
    at: DateTime<Utc>,
    status: Option<u16>,
    /// Why it was not taken; none if it was.
    cause: Option<String>,
    owner: Option<&'static str>,
    next_action: Option<String>,
}

pub(crate) async fn list(
    installation: &Installation,
    options: &FailedMembers,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let chosen = chosen(installation, options).await?;
    let filter = chosen.filter(installation.clock.now());
    let store = &installation.store;
    let first = store.failed_members(&filter, 0, MEMBERS_MAX).await?;
    let failed = Failed {
        members: store.failed_count(&filter).await?,
        groups: store.failed_groups(&filter, GROUPS_MAX).await?,
        first: first
            .into_iter()
            .map(|failed| Member {
                tenant_id: failed.member.tenant_id,
                community_user_id: failed.member.community_user_id,
                username: failed.member.username,
                email: failed.member.email,
                cause: failed.outcome.why_not,
                domain: failed.outcome.domain,
                rule: failed.outcome.rule,
                since: failed.since,
                ticket: failed.ticket.map(ticket_reference),
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
            let chosen = chosen(installation, options).await?;
            let at = installation.clock.now();
            let new = NewTicket {
                filter: chosen.filter(at),
                selection: chosen.words(),
                by: OPERATOR.to_owned(),
                at,
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
            let tickets = installation.store.tickets(0, TICKETS_MAX).await?;
            let tickets: Vec<_> = tickets.rows.into_iter().map(printed).collect();
            output.data(&tickets, |tickets| {
                let lines: Vec<_> = tickets.iter().map(describe).collect();
                lines.join("\n")
            })?;
        }
        TicketCommand::Show { number, format } => show(installation, *number, *format, output).await?,
        TicketCommand::Post { number, console } => {
            return post(installation, *number, &console.origin(), output).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(
    installation: &Installation,
    number: i64,
    format: TicketFormat,
    output: Output,
) -> Result<(), CommandError> {
    let ticket = ticket_of(installation, number).await?;
    let document = match format {
        TicketFormat::Markdown => document(installation.store.as_ref(), &ticket).await?.markdown(),
        TicketFormat::Csv => sheet(installation, ticket).await?,
    };
    output.data(&document, String::clone)
}

async fn ticket_of(installation: &Installation, number: i64) -> Result<Ticket, CommandError> {
    let found = installation.store.ticket(number).await?;
    found.ok_or_else(|| {
        CommandError::failed(
            format!("there is no ticket {}", ticket_reference(number)),
            "See which there are with: tributary ticket list",
        )
    })
}

async fn sheet(installation: &Installation, ticket: Ticket) -> Result<String, CommandError> {
    let parts = csv(Arc::clone(&installation.store), Sheet::OfTicket(ticket));
    let written: Vec<u8> = parts.try_concat().await.map_err(|error| match error {
        SheetError::Store(error) => CommandError::from(error),
        SheetError::Encode(error) => CommandError::failed(
            format!("the ticket cannot be written as CSV: {error}"),
            "Report this to the maintainers.",
        ),
    })?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

async fn post(
    installation: &Installation,
    number: i64,
    origin: &str,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let ticket = ticket_of(installation, number).await?;
    let page = format!("{origin}{}", TicketPlace::of(number).href());
    let posted = webhook::post(
        installation,
        &ticket,
        &page,
        OPERATOR,
        &operator(installation.clock.now()),
    )
    .await?;
    let post = posted.ok_or_else(|| {
        CommandError::usage(
            "no webhook for tickets is named",
            "Name it with --ticket-webhook-url (or TRIBUTARY_TICKET_WEBHOOK_URL), and a file with its secret. Nothing was sent.",
        )
    })?;
    let taken = post.failure.is_none();
    output.data(&posted_document(number, post), describe_post)?;
    Ok(if taken {
        ExitCode::SUCCESS
    } else {
        Exit::Failed.into()
    })
}

fn posted_document(number: i64, post: TicketPost) -> Posted {
    let failure = post.failure;
    Posted {
        reference: ticket_reference(number),
        at: post.at,
        status: post.status,
        owner: failure.as_ref().map(|failure| failure.owner.as_str()),
        cause: failure.as_ref().map(|failure| failure.cause.clone()),
        next_action: failure.map(|failure| failure.next_action),
    }
}

fn describe_post(posted: &Posted) -> String {
    match (&posted.cause, &posted.next_action) {
        (Some(cause), Some(next)) => format!("{} was not taken. {cause}\nnext:  {next}", posted.reference),
        _ => format!("{} was taken.", posted.reference),
    }
}

/// What the options mean.
async fn chosen(installation: &Installation, options: &FailedMembers) -> Result<Chosen, CommandError> {
    let connection = match &options.tenant {
        Some(tenant) => Some((installation.connection(tenant).await?.id, tenant.to_string())),
        None => None,
    };
    Ok(Chosen {
        connection,
        cause: options.cause,
        domain: options.domain.as_ref().map(|domain| domain.to_lowercase()),
        rule: options.rule.clone(),
        days: options.days.map(u32::from),
        only: None,
    })
}

fn printed(ticket: Ticket) -> Printed {
    Printed {
        reference: ticket_reference(ticket.number),
        created_by: ticket.by,
        created_at: ticket.at,
        rule_version: ticket.rule_version,
        selection: ticket.selection,
        members: ticket.members,
        still_without: ticket.open,
    }
}

fn describe(ticket: &Printed) -> String {
    format!(
        "{}: {}, {} still without a company ({}), made on {} by {}",
        ticket.reference,
        counted(ticket.members, "member", "members"),
        ticket.still_without,
        ticket.selection,
        moment(Some(ticket.created_at)),
        ticket.created_by
    )
}
