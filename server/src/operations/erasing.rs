//! Erases a person, for whoever asks: the command or the console.

use store::{By, Erasure, ErasureRequest, Leftovers, Receipt, SALT_NAME};

use crate::{
    error::{CommandError, with_sources},
    installation::Installation,
    operations::unify::match_everything,
    system::{random_bytes, random_id},
};

/// What came of it.
#[derive(Debug)]
pub(crate) enum Erased {
    Now(Receipt, Leftovers),
    /// Nothing was left of them since then; the files were looked at again.
    Before(Receipt, Leftovers),
    /// Nothing that is stored is theirs.
    Unknown,
}

/// `email` is as [`store::normal_email`] has it.
pub(crate) async fn erase(installation: &Installation, email: &str, by: &By) -> Result<Erased, CommandError> {
    make_salt(installation).await?;
    let request = ErasureRequest {
        id: random_id(by.at),
        email: email.to_owned(),
        at: by.at,
    };
    match installation.store.erase(&request, by).await? {
        Erasure::Unknown => Ok(Erased::Unknown),
        // A process that was killed after the erasure itself has not looked for what rows leave behind.
        Erasure::DoneBefore(receipt) => Ok(Erased::Before(receipt, wipe(installation, email).await)),
        Erasure::Done(receipt) => {
            match_anew(installation, &receipt).await;
            rebuild_trends(installation, &receipt).await;
            Ok(Erased::Now(receipt, wipe(installation, email).await))
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

/// The person is erased, whatever becomes of this: it is tried again whenever they are erased again.
async fn wipe(installation: &Installation, email: &str) -> Leftovers {
    let wiped = installation.store.wipe_leftovers(email).await;
    wiped.unwrap_or_else(|error| {
        tracing::warn!(error = %with_sources(&error), "the database's files cannot be written anew");
        Leftovers::Pending
    })
}
