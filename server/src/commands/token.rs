//! `tributary token …`

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use domain::{ApiToken, TokenId, TokenState};
use serde::Serialize;

use crate::{
    accounts::{Wanted, make_token, operator},
    cli::{self, AddToken},
    error::CommandError,
    installation::Installation,
    output::{Output, moment, table},
};

/// A token as it is listed.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    token: ApiToken,
    state: TokenState,
}

/// One that was made.
#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    listed: Listed,
    /// Shown this once.
    token: String,
}

pub(crate) async fn run(
    installation: &Installation,
    command: &cli::Token,
    output: Output,
) -> Result<ExitCode, CommandError> {
    match command {
        cli::Token::Add(options) => add(installation, options, output).await,
        cli::Token::List => list(installation, output).await,
        cli::Token::Revoke { id } => revoke(installation, *id, output).await,
    }
}

async fn add(
    installation: &Installation,
    options: &AddToken,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let by = operator(installation.clock.now());
    let wanted = Wanted {
        name: options.name.clone(),
        scopes: options.scopes.iter().copied().collect(),
        lives: options.expires_in,
    };
    let made = make_token(installation.store.as_ref(), wanted, &by).await?;
    let added = Added {
        listed: listed(made.token, by.at),
        token: made.text,
    };
    output.data(&added, |added| {
        let token = &added.listed.token;
        format!(
            "{} may {} until {}, with this token, which is shown this once:\n{}",
            token.name,
            scopes(token),
            moment(Some(token.expires_at)),
            added.token
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn list(installation: &Installation, output: Output) -> Result<ExitCode, CommandError> {
    let now = installation.clock.now();
    let tokens = installation.store.tokens().await?;
    let tokens: Vec<_> = tokens.into_iter().map(|token| listed(token, now)).collect();
    output.data(&tokens, |tokens| {
        if tokens.is_empty() {
            return "No token yet. Make one with: tributary token add --name NAME --scope read".to_owned();
        }
        let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
        table(&["ID", "NAME", "MAY", "STATE", "EXPIRES", "LAST USED"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn revoke(installation: &Installation, id: TokenId, output: Output) -> Result<ExitCode, CommandError> {
    let by = operator(installation.clock.now());
    let known = installation.store.revoke_token(id, &by).await?;
    let tokens = installation.store.tokens().await?;
    let Some(token) = tokens.into_iter().find(|token| known && token.id == id) else {
        return Err(CommandError::failed(
            format!("there is no token {id}; nothing was changed"),
            "See which there are with: tributary token list.",
        ));
    };
    output.data(&listed(token, by.at), |revoked| {
        format!("{} is let in no more.", revoked.token.name)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn listed(token: ApiToken, now: DateTime<Utc>) -> Listed {
    Listed {
        state: token.state(now),
        token,
    }
}

fn scopes(token: &ApiToken) -> String {
    let names: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    names.join(",")
}

fn row(listed: &Listed) -> Vec<String> {
    let token = &listed.token;
    vec![
        token.id.to_string(),
        token.name.clone(),
        scopes(token),
        listed.state.as_str().to_owned(),
        moment(Some(token.expires_at)),
        moment(token.last_used_at),
    ]
}
