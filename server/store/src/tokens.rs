//! What programs show to be let in.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{ApiToken, Scope, TokenId};

use crate::{By, StoreError, TokenHash};

/// A use moves the time of a token only if that is older than this: one write a minute at most.
pub const TOKEN_USED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// A token is listed for so long after its end, so that whoever looks for it finds why it is refused.
pub const TOKEN_KEPT: TimeDelta = TimeDelta::days(90);

#[derive(Clone, Debug)]
pub struct NewToken {
    pub id: TokenId,
    pub hash: TokenHash,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub expires_at: DateTime<Utc>,
}

#[async_trait]
pub trait TokenStore: Send + Sync {
    /// It is the work of the account that it is made by, if one is.
    async fn add_token(&self, new: &NewToken, by: &By) -> Result<(), StoreError>;

    /// All tokens that are kept, latest first.
    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError>;

    /// The token of that hash, good for anything or not ([`ApiToken::state`]).
    async fn token(&self, hash: &TokenHash) -> Result<Option<ApiToken>, StoreError>;

    /// Keeps when it was last used, unless that was written within [`TOKEN_USED_EVERY`].
    async fn token_used(&self, id: TokenId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Whether there is such a token. One that is revoked already stays as it is, without an entry.
    async fn revoke_token(&self, id: TokenId, by: &By) -> Result<bool, StoreError>;

    /// Forgets those that have been over for [`TOKEN_KEPT`].
    async fn sweep_tokens(&self, now: DateTime<Utc>) -> Result<(), StoreError>;
}
