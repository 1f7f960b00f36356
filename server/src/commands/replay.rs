//! `tributary replay`

use std::process::ExitCode;

use serde::Serialize;

use crate::{
    cli::Replay,
    error::CommandError,
    installation::Installation,
    operations::replay::{ReadAnew, read_anew, read_run_anew},
    output::{Output, counted},
};

#[derive(Serialize)]
struct Replayed {
    tenant_id: String,
    #[serde(flatten)]
    anew: ReadAnew,
}

pub(crate) async fn run(
    installation: &Installation,
    options: &Replay,
    output: Output,
) -> Result<ExitCode, CommandError> {
    if options.tenant.is_some() || options.run.is_some() {
        let replayed = one(installation, options).await?;
        output.data(&replayed, describe)?;
    } else {
        let mut all = Vec::new();
        for connection in installation.store.connections().await? {
            all.push(Replayed {
                anew: read_anew(installation, connection.id).await?,
                tenant_id: connection.tenant_id.to_string(),
            });
        }
        output.data(&all, |all| {
            if all.is_empty() {
                return "No connection yet. Add one with: tributary connection add".to_owned();
            }
            all.iter().map(describe).collect::<Vec<_>>().join("\n")
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn one(installation: &Installation, options: &Replay) -> Result<Replayed, CommandError> {
    let tenant = match &options.tenant {
        Some(tenant) => Some(installation.connection(tenant).await?),
        None => None,
    };
    let Some(id) = options.run else {
        let connection =
            tenant.ok_or_else(|| CommandError::usage("nothing is named", "Name a tenant, or give --run."))?;
        return Ok(Replayed {
            anew: read_anew(installation, connection.id).await?,
            tenant_id: connection.tenant_id.to_string(),
        });
    };
    let run = installation.store.run(id).await?.ok_or_else(|| {
        CommandError::failed(
            format!("there is no run {id}"),
            "See which there are with: tributary runs",
        )
    })?;
    if let Some(connection) = tenant
        && connection.id != run.connection_id
    {
        return Err(CommandError::usage(
            format!(
                "run {id} is one of {}, not of {}",
                run.tenant_id, connection.tenant_id
            ),
            "Leave the tenant out, or name the run's own.",
        ));
    }
    Ok(Replayed {
        anew: read_run_anew(installation, run.connection_id, id).await?,
        tenant_id: run.tenant_id,
    })
}

fn describe(replayed: &Replayed) -> String {
    format!("{}: {}", replayed.tenant_id, said(&replayed.anew))
}

/// What reading anew came to, in words.
pub(crate) fn said(anew: &ReadAnew) -> String {
    let (members, records) = (anew.members, anew.records);
    let mut parts = Vec::new();
    if members.read > 0 {
        parts.push(format!(
            "{} read anew, {} changed",
            counted(members.read, "stored member", "stored members"),
            members.changed
        ));
    }
    if records.tried == 0 {
        parts.push("no record is set aside".to_owned());
    } else {
        parts.push(format!(
            "{} tried again, {} repaired",
            counted(
                records.tried,
                "record that was set aside",
                "records that were set aside"
            ),
            records.repaired()
        ));
    }
    for (count, words) in [
        (records.still_invalid, "still invalid"),
        (
            records.outdated,
            "readable, but older than what later runs may have seen",
        ),
        (
            records.cut,
            "longer than is kept, so only a full sync can read them again",
        ),
        (records.without_topic, "replies to a topic that is not stored"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    format!("{}.", parts.join("; "))
}
