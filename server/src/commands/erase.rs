//! `tributary erase`: a person, out of every tenant.

use std::process::ExitCode;

use serde::Serialize;
use store::{ErasedCounts, Erasure, ErasureRequest, Leftovers, Receipt, SALT_NAME};

use crate::{
    accounts::operator,
    cli,
    error::{CommandError, with_sources},
    installation::Installation,
    output::{Output, counted, moment, say},
    system::{random_bytes, random_id},
    unify::match_everything,
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
    let email = &options.email;
    make_salt(installation).await?;
    let now = installation.clock.now();
    let request = ErasureRequest {
        id: random_id(now),
        email: email.clone(),
        at: now,
    };
    match installation.store.erase(&request, &operator(now)).await? {
        Erasure::Unknown => Err(CommandError::failed(
            "nothing that is stored belongs to this address; nothing was changed",
            "Check the address. A person may have another one: tributary export users lists them.",
        )),
        Erasure::DoneBefore(receipt) => {
            // A process that was killed after the erasure itself has not looked for what rows leave behind.
            wipe(installation, email).await;
            Err(CommandError::failed(
                format!(
                    "this person was erased already, on {} (receipt {}); nothing of theirs is left",
                    moment(Some(receipt.erased_at)),
                    receipt.id
                ),
                "Nothing is to be done.",
            ))
        }
        Erasure::Done(receipt) => {
            match_anew(installation, &receipt).await;
            rebuild_trends(installation, &receipt).await;
            let leftovers = wipe(installation, email).await;
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

/// The key of the hashes that keep erased persons out, made with the first erasure.
async fn make_salt(installation: &Installation) -> Result<(), CommandError> {
    if installation.store.installation_secret(SALT_NAME).await?.is_some() {
        return Ok(());
    }
    let sealing = installation.keys.sealing()?;
    let sealed = sealing.seal_own(SALT_NAME, &random_bytes::<32>());
    installation
        .store
        .keep_installation_secret(SALT_NAME, &sealed)
        .await?;
    drop(sealing);
    Ok(())
}

/// What cannot be matched now is due until a worker does it.
async fn match_anew(installation: &Installation, receipt: &Receipt) {
    if receipt.persons == 0 {
        return;
    }
    if let Err(error) = match_everything(installation).await {
        tracing::warn!(error = %with_sources(&error), "members were not compared anew; a worker does it");
    }
}

/// Trends are derived: what cannot be rebuilt now stays due until after the next run.
async fn rebuild_trends(installation: &Installation, receipt: &Receipt) {
    for of in &receipt.tenants {
        let rebuilt = async {
            match installation.store.connection_of_tenant(&of.tenant_id).await? {
                Some(connection) => installation.store.rebuild_due_trends(connection.id).await,
                None => Ok(0),
            }
        };
        if let Err(error) = rebuilt.await {
            tracing::warn!(tenant = %of.tenant_id, %error, "trends were not rebuilt; they are after the next run");
        }
    }
}

/// The person is erased, whatever becomes of this: it is tried again with the command.
async fn wipe(installation: &Installation, email: &str) -> Leftovers {
    let wiped = installation.store.wipe_leftovers(email).await;
    let leftovers = wiped.unwrap_or_else(|error| {
        tracing::warn!(error = %with_sources(&error), "the database's files cannot be written anew");
        Leftovers::Pending
    });
    if leftovers == Leftovers::Pending {
        say(
            "Old pages of the database's files may still hold the address, since another process is at them or they cannot be written anew. Run the command again later: it looks again.",
        );
    }
    leftovers
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
