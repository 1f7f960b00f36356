//! `tributary audit …`

use std::{collections::HashMap, process::ExitCode};

use serde::Serialize;
use store::{Actor, AuditEntry, AuditFilter, Cell, Chain};

use crate::{
    cli::{self, AuditFormat, ExportAudit, KnownEntry, ListAudit, NarrowedAudit, Who},
    commands::{
        account::account,
        export::{WriteError, told},
    },
    error::CommandError,
    export::{Encoder, Layout, Target},
    installation::Installation,
    operations::trail::{FIELDS, TrailError, cells, verify},
    output::{Output, counted, moment, say, table},
};

/// Entries in memory at once.
const ENTRIES_AT_ONCE: u32 = 1_000;

/// What a check of the whole trail came to.
#[derive(Serialize)]
struct Checked {
    entries: u64,
    /// Entries up to this one went when they were old enough; 0 if none did.
    cut: u64,
    /// The number of the last entry, and its hash: kept elsewhere, they show later that nothing was taken off the end.
    last: u64,
    hash: String,
}

pub(crate) async fn run(
    installation: &Installation,
    command: &cli::Audit,
    output: Output,
) -> Result<ExitCode, CommandError> {
    match command {
        cli::Audit::List(options) => list(installation, options, output).await,
        cli::Audit::Verify { known } => check(installation, known.as_ref(), output).await,
        cli::Audit::Export(options) => export(installation, options).await,
    }
}

async fn list(
    installation: &Installation,
    options: &ListAudit,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let store = &installation.store;
    let filter = filter(installation, &options.narrowed).await?;
    let entries = if let Some(number) = options.after {
        store.audit_found_after(&filter, number, options.limit).await?
    } else {
        let mut latest = store.audit_found_before(&filter, None, options.limit).await?;
        latest.reverse();
        latest
    };
    let names = names(installation).await?;
    output.data(&entries, |entries| {
        let rows: Vec<Vec<String>> = entries.iter().map(|entry| row(entry, &names)).collect();
        table(&["NUMBER", "AT", "WHO", "FROM", "DEED", "WHAT"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn filter(installation: &Installation, asked: &NarrowedAudit) -> Result<AuditFilter, CommandError> {
    let actor = match &asked.who {
        None => None,
        Some(Who::Actor(actor)) => Some(*actor),
        Some(Who::Address(email)) => Some(Actor::Account(account(installation, email).await?.id)),
    };
    Ok(AuditFilter {
        deed: asked.deed,
        actor,
    })
}

/// What accounts and tokens are called that are still there, by their ids.
async fn names(installation: &Installation) -> Result<HashMap<String, String>, CommandError> {
    let accounts = installation.store.accounts().await?;
    let tokens = installation.store.tokens().await?;
    let of_accounts = accounts
        .into_iter()
        .map(|account| (account.id.to_string(), account.email));
    let of_tokens = tokens.into_iter().map(|token| (token.id.to_string(), token.name));
    Ok(of_accounts.chain(of_tokens).collect())
}

fn row(entry: &AuditEntry, names: &HashMap<String, String>) -> Vec<String> {
    let account = entry.account_id.map(|id| id.to_string());
    let token = entry.token_id.map(|id| id.to_string());
    let who = account.or(token).map_or_else(
        || entry.actor.clone(),
        |id| format!("{} {}", entry.actor, names.get(&id).unwrap_or(&id)),
    );
    vec![
        entry.number.to_string(),
        moment(Some(entry.at)),
        who,
        entry.origin.clone().unwrap_or_default(),
        entry.deed.clone(),
        entry.target.clone().unwrap_or_default(),
    ]
}

async fn check(
    installation: &Installation,
    known: Option<&KnownEntry>,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let mut found = None;
    let checked = verify(installation.store.as_ref(), |entry| {
        if known.is_some_and(|known| known.number == entry.number) {
            found = Some(entry.hash.clone());
        }
    })
    .await;
    let chain = checked.map_err(broken)?;
    if let Some(known) = known {
        compare(known, found, &chain)?;
    }
    output.data(&of_chain(&chain), describe)?;
    Ok(ExitCode::SUCCESS)
}

fn of_chain(chain: &Chain) -> Checked {
    Checked {
        entries: chain.checked(),
        cut: chain.cut(),
        last: chain.last(),
        hash: chain.head().to_owned(),
    }
}

fn describe(checked: &Checked) -> String {
    let cut = if checked.cut == 0 {
        String::new()
    } else {
        format!(
            "\nEntries up to {} went when they were old enough, as an entry says.",
            checked.cut
        )
    };
    let last = if checked.hash.is_empty() {
        String::new()
    } else {
        format!(
            "\nThe last is {}:{}. Keep that elsewhere: verify --known {0}:… shows later whether entries were taken off the end.",
            checked.last, checked.hash
        )
    };
    format!(
        "{}: none is missing, none was changed or put in between.{cut}{last}",
        counted(checked.entries, "entry", "entries")
    )
}

fn broken(error: TrailError) -> CommandError {
    match error {
        TrailError::Store(error) => error.into(),
        TrailError::Broken(broken) => tampered(&broken.to_string()),
    }
}

/// The entry that was written down earlier must be there as it was.
fn compare(known: &KnownEntry, found: Option<String>, chain: &Chain) -> Result<(), CommandError> {
    let number = known.number;
    match found {
        Some(hash) if hash == known.hash => Ok(()),
        Some(_) => Err(tampered(&format!("entry {number} is not the one that is known"))),
        None if number <= chain.cut() => {
            say(&format!(
                "Entry {number} went when it was old enough, so it could not be compared."
            ));
            Ok(())
        }
        None => Err(tampered(&format!("entry {number}, which is known, is gone"))),
    }
}

fn tampered(what: &str) -> CommandError {
    CommandError::failed(
        format!("the audit trail is not as it was written: {what}"),
        "Somebody wrote to the database past Tributary. Keep a copy of it, compare with a backup (audit verify there), and find out who could.",
    )
}

async fn export(installation: &Installation, options: &ExportAudit) -> Result<ExitCode, CommandError> {
    let path = options.output.as_deref();
    let filter = filter(installation, &options.narrowed).await?;
    told(
        write(installation, &filter, options).await,
        "the audit trail",
        path,
    )
}

/// Page by page, so that a long trail takes the same memory.
async fn write(
    installation: &Installation,
    filter: &AuditFilter,
    options: &ExportAudit,
) -> Result<u64, WriteError> {
    let mut target = Target::open(options.output.as_deref())?;
    let layout = match options.format {
        AuditFormat::Csv => Layout::Csv,
        AuditFormat::Ndjson => Layout::Ndjson,
    };
    let mut encoder = Encoder::new(layout, FIELDS)?;
    target.write(&encoder.head()?).await?;
    let mut after = 0;
    loop {
        let entries = installation
            .store
            .audit_found_after(filter, after, ENTRIES_AT_ONCE)
            .await?;
        let Some(last) = entries.last() else { break };
        after = last.number;
        let rows: Vec<Vec<Cell>> = entries.into_iter().map(cells).collect();
        target.write(&encoder.page(&rows)?).await?;
    }
    target.write(&encoder.tail()?).await?;
    target.finish().await?;
    Ok(encoder.rows())
}
