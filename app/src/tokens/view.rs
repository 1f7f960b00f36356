//! What the pages of API tokens show.

use chrono::{DateTime, Utc};
use domain::{ApiToken, TokenState};
use serde::{Deserialize, Serialize};

use crate::answer::Secret;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokensView {
    pub as_of: DateTime<Utc>,
    /// Latest first.
    pub rows: Vec<TokenRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    pub token: ApiToken,
    pub state: TokenState,
    /// Address of the account that made it; none if an operator did.
    pub made_by: Option<String>,
}

/// A token that was just made. Its text is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTokenView {
    pub as_of: DateTime<Utc>,
    pub token: ApiToken,
    pub text: Secret,
}
