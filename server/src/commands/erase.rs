//! `tributary erase`: a person, out of every tenant.

use std::process::ExitCode;

use domain::TenantId;
use serde::Serialize;
use store::{ErasedCounts, Leftovers, Receipt};

use crate::{
    accounts::operator,
    cli,
    error::CommandError,
    installation::Installation,
    operations::erasing::{Erased, erase},
    output::{Output, counted, moment, say},
};

/// The receipt as it is printed. It does not name the person.
#[derive(Debug, Serialize)]
struct Printed {
    #[serde(flatten)]
    receipt: Receipt,
    total: ErasedCounts,
    leftovers: Leftovers,
}

pub(crate) async fn run(
    installation: &Installation,
    options: &cli::Erase,
    output: Output,
) -> Result<ExitCode, CommandError> {
    if options.dry_run {
        return look(installation, &options.email, output).await;
    }
    let by = operator(installation.clock.now());
    match erase(installation, &options.email, &by).await? {
        Erased::Unknown => Err(CommandError::failed(
            "nothing that is stored belongs to this address; nothing was changed",
            "Check the address. A person may have another one: tributary export users lists them.",
        )),
        Erased::Before(receipt, leftovers) => {
            say_of(leftovers);
            Err(CommandError::failed(
                format!(
                    "this person was erased already, on {} (receipt {}); nothing of theirs is left",
                    moment(Some(receipt.erased_at)),
                    receipt.id
                ),
                "Nothing is to be done.",
            ))
        }
        Erased::Now(receipt, leftovers) => {
            say_of(leftovers);
            let printed = Printed {
                total: total(&receipt),
                receipt,
                leftovers,
            };
            output.data(&printed, describe)?;
            say("Backups and exports that were made before now still hold the person.");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What is stored with an address. It does not repeat the address.
#[derive(Debug, Serialize)]
struct Stored {
    members: Vec<StoredMembers>,
    content: u64,
    activity: u64,
    persons: u64,
}

#[derive(Debug, Serialize)]
struct StoredMembers {
    tenant_id: TenantId,
    members: u64,
}

async fn look(installation: &Installation, email: &str, output: Output) -> Result<ExitCode, CommandError> {
    let found = installation.store.stored_person(email).await?;
    let of_tenant = |(tenant_id, members)| StoredMembers { tenant_id, members };
    let stored = Stored {
        members: found.members.into_iter().map(of_tenant).collect(),
        content: found.content,
        activity: found.activity,
        persons: found.persons,
    };
    output.data(&stored, describe_stored)?;
    say("Records that were set aside and texts of others were not looked through. Nothing was changed.");
    Ok(ExitCode::SUCCESS)
}

fn describe_stored(stored: &Stored) -> String {
    let members = stored.members.iter();
    let mut lines: Vec<String> = members
        .map(|of| {
            format!(
                "{}: {} would be removed",
                of.tenant_id,
                counted(of.members, "member", "members")
            )
        })
        .collect();
    lines.push(format!(
        "{} and {} would stay without them; {} would be removed from the customer-success data.",
        counted(stored.content, "topic or reply", "topics and replies"),
        counted(stored.activity, "activity", "activities"),
        counted(stored.persons, "person", "persons"),
    ));
    lines.join("\n")
}

fn say_of(leftovers: Leftovers) {
    if leftovers == Leftovers::Pending {
        say(
            "Old pages of the database's files may still hold the address, since another process is at them or they cannot be written anew. Run the command again later: it looks again.",
        );
    }
}

fn total(receipt: &Receipt) -> ErasedCounts {
    let mut total = ErasedCounts::default();
    for of in &receipt.tenants {
        total.users += of.counts.users;
        total.content += of.counts.content;
        total.activity += of.counts.activity;
        total.invalid_records += of.counts.invalid_records;
        total.mentions += of.counts.mentions;
    }
    total
}

fn describe(printed: &Printed) -> String {
    let receipt = &printed.receipt;
    let mut lines = vec![format!(
        "Erased at {}. Receipt: {}",
        moment(Some(receipt.erased_at)),
        receipt.id
    )];
    lines.extend(receipt.tenants.iter().map(|of| {
        let counts = of.counts;
        format!(
            "{}: {} members removed; {} topics and replies, and {} activities, stay without them; {} invalid records emptied; {} mentions taken out of texts",
            of.tenant_id, counts.users, counts.content, counts.activity, counts.invalid_records, counts.mentions
        )
    }));
    if receipt.persons > 0 {
        lines.push(format!(
            "{} removed from the customer-success data; members that were tied to them were compared anew.",
            counted(receipt.persons, "person", "persons")
        ));
    }
    lines.push("The next syncs leave the person out, unless they join again.".to_owned());
    lines.join("\n")
}
