//! What the pages of API tokens ask for.

use app::{
    answer::Secret,
    error::AppError,
    tokens::{
        new::{LIVES, NAME_MAX_CHARS},
        view::{NewTokenView, TokenRow, TokensView},
    },
};
use chrono::TimeDelta;
use domain::{ApiToken, Scope, TokenId, TokenState};
use store::NewToken;
use tracing::info;

use crate::{
    accounts::Token,
    backend::{Console, internal},
    system::random_id,
};

impl Console {
    pub(crate) async fn tokens_view(&self) -> Result<TokensView, AppError> {
        let now = self.installation.clock.now();
        let accounts = self.known_accounts().await?;
        let row = |token: ApiToken| TokenRow {
            state: token.state(now),
            made_by: token.made_by.map(|id| {
                let account = accounts.iter().find(|account| account.id == id);
                account.map_or_else(|| id.to_string(), |account| account.email.clone())
            }),
            token,
        };
        Ok(TokensView {
            as_of: now,
            rows: self.known_tokens().await?.into_iter().map(row).collect(),
        })
    }

    pub(crate) async fn known_tokens(&self) -> Result<Vec<ApiToken>, AppError> {
        let tokens = self.installation.store.tokens().await;
        tokens.map_err(|error| internal(&error))
    }

    pub(crate) async fn new_token(
        &self,
        name: &str,
        mut scopes: Vec<Scope>,
        days: u32,
    ) -> Result<NewTokenView, AppError> {
        self.confirmed()?;
        let name = token_name(name)?;
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(refused(
                "A token that may do nothing lets nobody in.",
                "Tick at least one thing that it may do.",
            ));
        }
        if !LIVES.iter().any(|(known, _)| *known == days) {
            return Err(refused("This is not how long a token can be good.", "Choose one of the times."));
        }
        let by = self.by();
        // Whoever loads the page with the token again has not lost it, and gets no second one.
        let known = self.known_tokens().await?;
        if known.iter().any(|token| token.name == name && token.state(by.at) == TokenState::Active) {
            return Err(refused(
                &format!("There is a token named {name} already."),
                "Give another name; or revoke that one, if its text is lost, and make it anew.",
            ));
        }
        let text = Token::random();
        let new = NewToken {
            id: TokenId(random_id(by.at)),
            hash: text.hash(),
            name,
            scopes,
            expires_at: by.at + TimeDelta::days(days.into()),
        };
        let added = self.installation.store.add_token(&new, &by).await;
        added.map_err(|error| internal(&error))?;
        info!(token = %new.id, "API token made by hand");
        Ok(NewTokenView {
            as_of: by.at,
            text: Secret::new(text.text().to_owned()),
            token: ApiToken {
                id: new.id,
                name: new.name,
                scopes: new.scopes,
                made_by: by.actor.account(),
                suspended: false,
                created_at: by.at,
                expires_at: new.expires_at,
                last_used_at: None,
                revoked_at: None,
            },
        })
    }

    pub(crate) async fn take_token_back(&self, id: TokenId) -> Result<(), AppError> {
        self.confirmed()?;
        let known = self.installation.store.revoke_token(id, &self.by()).await;
        if !known.map_err(|error| internal(&error))? {
            return Err(AppError::NotFound {
                what: "This token".to_owned(),
            });
        }
        info!(token = %id, "API token revoked by hand");
        Ok(())
    }
}

fn token_name(name: &str) -> Result<String, AppError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX_CHARS {
        return Err(refused(
            "The name is empty or too long.",
            &format!("Give 1 to {NAME_MAX_CHARS} characters."),
        ));
    }
    Ok(name.to_owned())
}

fn refused(what: &str, next_action: &str) -> AppError {
    AppError::Refused {
        what: what.to_owned(),
        next_action: format!("{next_action} Nothing was changed."),
    }
}
