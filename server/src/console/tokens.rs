//! What the pages of API tokens ask for.

use std::collections::BTreeSet;

use app::{
    answer::Secret,
    error::AppError,
    tokens::{
        new::LIVES,
        view::{NewTokenView, TokenRow, TokensView},
    },
};
use chrono::TimeDelta;
use domain::{ApiToken, Scope, TokenId, TokenState};
use tracing::info;

use crate::{
    accounts::{Wanted, make_token, token_name},
    console::{Console, internal},
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
        scopes: BTreeSet<Scope>,
        days: u32,
    ) -> Result<NewTokenView, AppError> {
        self.confirmed()?;
        let name = token_name(name)
            .map_err(|odd| refused("The name cannot be used.", &format!("To name it, {odd}.")))?;
        if scopes.is_empty() {
            return Err(refused(
                "A token that may do nothing lets nobody in.",
                "Tick at least one thing that it may do.",
            ));
        }
        if !LIVES.iter().any(|(known, _)| *known == days) {
            return Err(refused(
                "This is not how long a token can be good.",
                "Choose one of the times.",
            ));
        }
        let by = self.by();
        // Whoever loads the page with the token again has not lost it, and gets no second one.
        let known = self.known_tokens().await?;
        if known
            .iter()
            .any(|token| token.name == name && token.state(by.at) == TokenState::Active)
        {
            return Err(refused(
                &format!("There is a token named {name} already."),
                "Give another name; or revoke that one, if its text is lost, and make it anew.",
            ));
        }
        let wanted = Wanted {
            name,
            scopes,
            lives: TimeDelta::days(days.into()),
        };
        let made = make_token(self.installation.store.as_ref(), wanted, &by)
            .await
            .map_err(|error| internal(&error))?;
        info!(token = %made.token.id, "API token made by hand");
        Ok(NewTokenView {
            as_of: by.at,
            token: made.token,
            text: Secret::new(made.text),
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

fn refused(what: &str, next_action: &str) -> AppError {
    AppError::Refused {
        what: what.to_owned(),
        next_action: format!("{next_action} Nothing was changed."),
    }
}
