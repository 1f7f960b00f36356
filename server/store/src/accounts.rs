//! Who may log in, and by which one-time links they come to a password.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Account, AccountId, Role};

use crate::{By, StoreError};

/// A hash of a token, in hexadecimal digits. The token itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub String);

#[derive(Clone, Debug)]
pub struct NewAccount {
    pub id: AccountId,
    /// As [`crate::normal_email`] has it.
    pub email: String,
    pub role: Role,
    /// As argon2 writes it (PHC string).
    pub password_hash: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum AddAccountError {
    #[error("there is an account with that address already")]
    EmailExists,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an account stays as it is. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeAccountError {
    #[error("there is no such account")]
    Unknown,
    /// Without one nobody could change anything from the console any more.
    #[error("it is the last active admin")]
    LastAdmin,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a log-in is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub account: Account,
    pub password_hash: Option<String>,
}

/// A one-time link, for setting a password.
#[derive(Clone, Debug)]
pub struct NewSetUp {
    /// None: whoever uses the link makes the first account, an admin.
    pub account: Option<AccountId>,
    pub token: TokenHash,
    pub expires_at: DateTime<Utc>,
}

/// What a one-time link is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetUp {
    FirstAccount,
    Password(Account),
}

/// What is done with a one-time link.
#[derive(Clone, Debug)]
pub enum UseSetUp {
    /// Makes the first account, with its password.
    First(NewAccount),
    Password(String),
}

#[derive(Debug, thiserror::Error)]
pub enum UseSetUpError {
    /// It was used, is too old, or is for something else. Nothing was changed.
    #[error("the link is good no more")]
    Spent,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody whom the identity provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOn {
    pub identity: Identity,
    /// As [`crate::normal_email`] has it.
    pub email: String,
    /// Whether the provider has verified that the address is theirs; `None` if it does not say.
    pub email_verified: Option<bool>,
    /// What the provider's claims make them.
    pub role: Role,
    /// For an account that is made for them.
    pub id: AccountId,
}

/// Who somebody is at an identity provider, whatever they are called there today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
}

/// Why somebody whom the provider vouches for is not let in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    #[error("the account is disabled")]
    Disabled,
    /// The address is an account's, or the provider says that it is not theirs.
    #[error("the provider has not verified the address")]
    Unverified,
    #[error("the account with that address is another person's at the provider")]
    AnotherPerson,
    /// The provider's claims make them an admin no more, and no other account is one.
    #[error("the account is the last active admin, and its claims make it a CSM")]
    LastAdmin,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What becomes of somebody who signs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignsOn {
    As(AccountId),
    /// The account with their address is theirs from now on.
    Tied(AccountId),
    /// An account is made.
    Added,
}

/// Decides on somebody who signs on, given the account that is tied to them, or else the one with their address and the
/// issuer that it is tied to.
pub fn judge_sign_on(
    who: &SignOn,
    tied: Option<&Account>,
    of_address: Option<(&Account, Option<&str>)>,
) -> Result<SignsOn, SignOnError> {
    let (account, signs_on) = match (tied, of_address) {
        (Some(account), _) => (account, SignsOn::As(account.id)),
        (None, Some((account, issuer))) => {
            if who.email_verified != Some(true) {
                return Err(SignOnError::Unverified);
            }
            // An address that was given to somebody else at the provider does not give them the account. What an earlier
            // provider said of it counts no more.
            if issuer == Some(who.identity.issuer.as_str()) {
                return Err(SignOnError::AnotherPerson);
            }
            (account, SignsOn::Tied(account.id))
        }
        (None, None) if who.email_verified == Some(false) => return Err(SignOnError::Unverified),
        (None, None) => return Ok(SignsOn::Added),
    };
    match account.disabled_at {
        Some(_) => Err(SignOnError::Disabled),
        None => Ok(signs_on),
    }
}

#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Refuses a second one with the same address, and then changes nothing.
    async fn add_account(&self, new: &NewAccount, by: &By) -> Result<(), AddAccountError>;

    /// All accounts, by address.
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;

    async fn credentials(&self, email: &str) -> Result<Option<Credentials>, StoreError>;

    /// Disabling ends the sessions and the links of the account. Refused for the last active admin.
    async fn set_disabled(&self, id: AccountId, disabled: bool, by: &By) -> Result<(), ChangeAccountError>;

    /// Ends the sessions of the account, unless it has that role already. The last active admin stays one.
    async fn set_role(&self, id: AccountId, role: Role, by: &By) -> Result<(), ChangeAccountError>;

    /// The account that is tied to somebody at the identity provider.
    async fn account_of(&self, identity: &Identity) -> Result<Option<Account>, StoreError>;

    /// Finds, ties or makes the account of somebody who signs on ([`judge_sign_on`]), and gives it the role that they have
    /// now; another one ends its sessions. The last active admin stays one, and is not let in as anything less.
    async fn sign_on(&self, who: &SignOn, by: &By) -> Result<Account, SignOnError>;

    /// Replaces the password, and ends the sessions, the links and the known browsers of the account.
    async fn set_password(&self, id: AccountId, password_hash: &str, by: &By) -> Result<(), StoreError>;

    /// Offers a link; an earlier one for the same is good no more.
    async fn offer_set_up(&self, new: &NewSetUp, by: &By) -> Result<(), StoreError>;

    /// What the link is good for. `None` if it was used, is too old, its account is disabled, or, of one for the first
    /// account, if there is an account.
    async fn set_up(&self, token: &TokenHash, now: DateTime<Utc>) -> Result<Option<SetUp>, StoreError>;

    /// Uses the link up, and says whose it was. Setting a password does what [`Self::set_password`] does.
    async fn use_set_up(
        &self,
        token: &TokenHash,
        use_for: &UseSetUp,
        by: &By,
    ) -> Result<AccountId, UseSetUpError>;
}
