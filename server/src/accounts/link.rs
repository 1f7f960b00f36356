//! One-time links, by which people come to a password.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use domain::AccountId;
use store::{By, NewSetUp, Store, StoreError};

use crate::accounts::Token;

pub(crate) const SET_UP_PATH: &str = "/set-up";

/// Over a long weekend.
const LINK_LIVES: TimeDelta = TimeDelta::days(4);

/// A link that can be used once. It is shown to whoever asked for it, and kept as a hash.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    token: Token,
    pub(crate) expires_at: DateTime<Utc>,
}

impl Link {
    pub(crate) fn url(&self, origin: &str) -> String {
        format!("{origin}{self}")
    }
}

/// Its path.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SET_UP_PATH}?token={}", self.token.text())
    }
}

/// For someone who has an account, and no password or a lost one.
pub(crate) async fn offer(store: &dyn Store, account: AccountId, by: &By) -> Result<Link, StoreError> {
    make(store, Some(account), LINK_LIVES, by).await
}

/// For the first account, while there is none. `None` if there is one.
pub(crate) async fn offer_first(store: &dyn Store, by: &By) -> Result<Option<Link>, StoreError> {
    if store.accounts().await?.is_empty() {
        make(store, None, LINK_LIVES, by).await.map(Some)
    } else {
        Ok(None)
    }
}

async fn make(
    store: &dyn Store,
    account: Option<AccountId>,
    lives: TimeDelta,
    by: &By,
) -> Result<Link, StoreError> {
    let link = Link {
        token: Token::random(),
        expires_at: by.at + lives,
    };
    let new = NewSetUp {
        account,
        token: link.token.hash(),
        expires_at: link.expires_at,
    };
    store.offer_set_up(&new, by).await?;
    Ok(link)
}
