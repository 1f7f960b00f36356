//! `tributary secrets rotate`

use std::process::ExitCode;

use crate::{
    accounts::operator,
    cli,
    error::{CommandError, Exit},
    installation::Installation,
    operations::rotation::{Report, Rotation},
    output::{Output, say},
};

pub(crate) async fn run(
    installation: &Installation,
    command: &cli::Secrets,
    output: Output,
) -> Result<ExitCode, CommandError> {
    match command {
        cli::Secrets::Rotate => rotate(installation, output).await,
    }
}

async fn rotate(installation: &Installation, output: Output) -> Result<ExitCode, CommandError> {
    let by = operator(installation.clock.now());
    let rotation = Rotation::begin(&installation.keys, installation.store.as_ref(), by)?;
    let report = rotation.finish().await?;
    output.data(&report, describe)?;
    say(
        "Backups of the database that were made before now open with the former key only: keep it with them, or make new ones.",
    );
    if report.unreadable.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!(
        "error: no key of the file opens the secrets of: {}\nnext:  Give each a secret anew: tributary connection rotate TENANT --client-secret-file FILE",
        report.unreadable.join(", ")
    ));
    Ok(Exit::Failed.into())
}

fn describe(report: &Report) -> String {
    let resumed = if report.resumed {
        "A change of keys that had not been finished was gone on with. "
    } else {
        ""
    };
    format!(
        "{resumed}The installation has a new key ({}). {} secrets are sealed anew. The former key ({}) is gone from the key file.",
        report.key_id,
        report.sealed_anew,
        report.former_key_ids.join(", ")
    )
}
