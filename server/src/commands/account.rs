//! `tributary account …`

use std::process::ExitCode;

use domain::{Account, AccountId, Role};
use serde::Serialize;
use store::{AddAccountError, ChangeAccountError, NewAccount};

use crate::{
    accounts::{Link, check, hash, offer, operator},
    cli,
    error::CommandError,
    installation::Installation,
    output::{Output, moment, table},
    system::random_id,
};

/// An account that was added or reset, with the link that is to be handed over.
#[derive(Serialize)]
struct Printed {
    #[serde(flatten)]
    account: Account,
    /// Shown this once.
    set_up_link: Option<String>,
    set_up_link_expires_at: Option<chrono::DateTime<chrono::Utc>>,
}

pub(crate) async fn run(
    installation: &Installation,
    command: &cli::Account,
    output: Output,
) -> Result<ExitCode, CommandError> {
    match command {
        cli::Account::Add(options) => add(installation, options, output).await,
        cli::Account::List => list(installation, output).await,
        cli::Account::Disable { email } => set_disabled(installation, email, true, output).await,
        cli::Account::Enable { email } => set_disabled(installation, email, false, output).await,
        cli::Account::Reset { email, console } => {
            let account = account(installation, email).await?;
            if account.disabled_at.is_some() {
                return Err(CommandError::failed(
                    format!("the account {email} is disabled; nothing was changed"),
                    format!("Enable it first: tributary account enable {email}"),
                ));
            }
            let link = link(installation, account.id).await?;
            print(account, Some((&link, console)), output)
        }
    }
}

async fn add(
    installation: &Installation,
    options: &cli::AddAccount,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let password = options.password.read()?;
    if let Some(password) = &password {
        check(password, &options.email).map_err(|weak| {
            CommandError::usage(
                format!("the password is not taken: {weak}; nothing was changed"),
                "Choose another one, such as four words that have nothing to do with each other.",
            )
        })?;
    }
    let by = operator(installation.clock.now());
    let new = NewAccount {
        id: AccountId(random_id(by.at)),
        email: options.email.clone(),
        role: options.role,
        password_hash: match password {
            Some(password) => Some(hash(password).await),
            None => None,
        },
    };
    installation
        .store
        .add_account(&new, &by)
        .await
        .map_err(|error| match error {
            AddAccountError::EmailExists => CommandError::failed(
                format!("{error}; nothing was changed"),
                format!(
                    "If the password is lost, make a new link: tributary account reset {}",
                    new.email
                ),
            ),
            AddAccountError::Store(error) => error.into(),
        })?;
    let link = match new.password_hash {
        None => Some(link(installation, new.id).await?),
        Some(_) => None,
    };
    let account = account(installation, &new.email).await?;
    print(
        account,
        link.as_ref().map(|link| (link, &options.console)),
        output,
    )
}

async fn link(installation: &Installation, account: AccountId) -> Result<Link, CommandError> {
    let by = operator(installation.clock.now());
    Ok(offer(installation.store.as_ref(), account, &by).await?)
}

fn print(
    account: Account,
    link: Option<(&Link, &crate::config::Console)>,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let printed = Printed {
        account,
        set_up_link: link.map(|(link, console)| link.url(&console.origin())),
        set_up_link_expires_at: link.map(|(link, _)| link.expires_at),
    };
    output.data(&printed, |printed| {
        let Account { email, role, .. } = &printed.account;
        let Some(link) = &printed.set_up_link else {
            return format!("{email} can log in ({role}).");
        };
        format!(
            "{email} ({role}) chooses a password with this link, once, until {}:\n{link}",
            moment(printed.set_up_link_expires_at)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn list(installation: &Installation, output: Output) -> Result<ExitCode, CommandError> {
    let accounts = installation.store.accounts().await?;
    output.data(&accounts, |accounts| {
        if accounts.is_empty() {
            return "No account yet. Add one with: tributary account add --email ADDRESS --role admin"
                .to_owned();
        }
        let rows: Vec<Vec<String>> = accounts
            .iter()
            .map(|account| vec![account.email.clone(), account.role.to_string(), state(account)])
            .collect();
        table(&["E-MAIL", "ROLE", "STATE"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn state(account: &Account) -> String {
    match account.disabled_at {
        Some(_) => format!("disabled {}", moment(account.disabled_at)),
        None if account.signs_on => "active, signs on".to_owned(),
        None if account.set_up => "active".to_owned(),
        None => "waits for its password".to_owned(),
    }
}

async fn set_disabled(
    installation: &Installation,
    email: &str,
    disabled: bool,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let id = account(installation, email).await?.id;
    let by = operator(installation.clock.now());
    let changed = installation.store.set_disabled(id, disabled, &by).await;
    changed.map_err(|error| match error {
        ChangeAccountError::Unknown => no_account(email),
        ChangeAccountError::LastAdmin => CommandError::failed(
            format!("{email} is the last active admin; nothing was changed"),
            "Add another one first: tributary account add --email ADDRESS --role admin",
        ),
        ChangeAccountError::Store(error) => error.into(),
    })?;
    let account = account(installation, email).await?;
    output.data(&account, |account| {
        let what = if disabled {
            "can no longer log in; its sessions are over"
        } else {
            "can log in again"
        };
        format!("{} {what}.", account.email)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn account(installation: &Installation, email: &str) -> Result<Account, CommandError> {
    let found = installation.store.credentials(email).await?;
    found.map(|found| found.account).ok_or_else(|| no_account(email))
}

fn no_account(email: &str) -> CommandError {
    CommandError::failed(
        format!("there is no account {email}"),
        "See which there are with: tributary account list.",
    )
}

pub(crate) fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| "roles are admin and csm".to_owned())
}
