//! Where on the pages of API tokens someone is.

use domain::TokenId;
use leptos_router::params::ParamsMap;

use crate::place::Href;

pub const TOKENS: &str = "/administration/api-tokens";
pub const NEW_TOKEN: &str = "/administration/api-tokens/new";

/// Where on the list of tokens; with a question over it, perhaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokensPlace {
    /// Revoking it waits for a yes.
    pub revoke: Option<TokenId>,
}

impl TokensPlace {
    /// What cannot be read is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        Self {
            revoke: query.get_str("revoke").and_then(|id| id.parse().ok()),
        }
    }

    pub fn href(&self) -> String {
        Href::to(TOKENS).maybe("revoke", self.revoke).into_text()
    }
}
