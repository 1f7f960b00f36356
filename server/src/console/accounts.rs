//! What the pages of accounts and sessions ask for.

use app::{
    accounts::view::{AccountRow, AccountState, AccountsView, LinkView, SessionRow, SessionsView},
    answer::Secret,
    error::AppError,
    scripts::session::SessionTimes,
};
use chrono::{DateTime, Utc};
use domain::{Account, AccountId, Role, SessionId};
use secrecy::SecretString;
use store::{AddAccountError, ChangeAccountError, Ending, NewAccount, Session, normal_email};
use tracing::info;

use crate::{
    accounts::{check, hash, offer},
    console::{Console, browsers::browser_in_words, internal},
    system::random_id,
    visitor::LoggedIn,
};

impl Console {
    pub(crate) async fn accounts_view(&self) -> Result<AccountsView, AppError> {
        let now = self.installation.clock.now();
        let accounts = self.known_accounts().await?;
        let sessions = self.installation.store.sessions(None, now).await;
        let you = self.logged_in().ok().map(|visitor| visitor.account.id);
        Ok(AccountsView {
            as_of: now,
            rows: accounts
                .iter()
                .map(|account| account_row(account, you, is_last_admin(&accounts, account.id)))
                .collect(),
            sessions: sessions.map_err(|error| internal(&error))?.len() as u64,
        })
    }

    pub(crate) async fn known_accounts(&self) -> Result<Vec<Account>, AppError> {
        let accounts = self.installation.store.accounts().await;
        accounts.map_err(|error| internal(&error))
    }

    async fn account(&self, id: AccountId) -> Result<Account, AppError> {
        let accounts = self.known_accounts().await?;
        let found = accounts.into_iter().find(|account| account.id == id);
        found.ok_or_else(no_such_account)
    }

    fn logged_in(&self) -> Result<&LoggedIn, AppError> {
        self.visitor.logged_in().ok_or(AppError::NotLoggedIn)
    }

    pub(crate) fn own_session_times(&self) -> Result<SessionTimes, AppError> {
        let session = &self.logged_in()?.session;
        Ok(session_times(session, self.installation.clock.now()))
    }

    /// Notes the session's time at once, so that what is answered is how long it lasts now.
    pub(crate) async fn go_on_with_session(&self) -> Result<SessionTimes, AppError> {
        let mut session = self.logged_in()?.session.clone();
        let now = self.installation.clock.now();
        let seen = self.installation.store.session_seen(session.id, now).await;
        seen.map_err(|error| internal(&error))?;
        session.last_seen_at = now;
        Ok(session_times(&session, now))
    }

    pub(crate) async fn new_account(&self, email: &str, role: Role) -> Result<LinkView, AppError> {
        self.confirmed()?;
        let email = normal_email(email).ok_or_else(no_address)?;
        let by = self.by();
        let new = NewAccount {
            id: AccountId(random_id(by.at)),
            email,
            role,
            password_hash: None,
        };
        match self.installation.store.add_account(&new, &by).await {
            Ok(()) => {}
            Err(AddAccountError::EmailExists) => return Err(account_exists(&new.email)),
            Err(AddAccountError::Store(error)) => return Err(internal(&error)),
        }
        info!(account = %new.id, %role, "account added by hand");
        self.link_for(new.id, new.email, role).await
    }

    pub(crate) async fn new_link(&self, id: AccountId) -> Result<LinkView, AppError> {
        self.confirmed()?;
        let account = self.account(id).await?;
        if account.disabled_at.is_some() {
            return Err(AppError::Refused {
                what: format!("The account {} is disabled.", account.email),
                next_action: "Enable it first, then make the link. Nothing was changed.".to_owned(),
            });
        }
        self.link_for(id, account.email, account.role).await
    }

    async fn link_for(&self, id: AccountId, email: String, role: Role) -> Result<LinkView, AppError> {
        let by = self.by();
        let link = offer(self.installation.store.as_ref(), id, &by)
            .await
            .map_err(|error| internal(&error))?;
        Ok(LinkView {
            as_of: by.at,
            email,
            role,
            url: Secret::new(link.url(&self.origin)),
            expires_at: link.expires_at,
        })
    }

    pub(crate) async fn new_role(&self, id: AccountId, role: Role) -> Result<(), AppError> {
        self.confirmed()?;
        let done = self.installation.store.set_role(id, role, &self.by()).await;
        changed(done, id, "role changed by hand")
    }

    pub(crate) async fn new_state(&self, id: AccountId, disabled: bool) -> Result<(), AppError> {
        self.confirmed()?;
        let done = self
            .installation
            .store
            .set_disabled(id, disabled, &self.by())
            .await;
        changed(
            done,
            id,
            if disabled {
                "account disabled by hand"
            } else {
                "account enabled by hand"
            },
        )
    }

    /// Of one account, or of all.
    async fn sessions_view(&self, of: Option<AccountId>) -> Result<SessionsView, AppError> {
        let now = self.installation.clock.now();
        let accounts = self.known_accounts().await?;
        let sessions = self.installation.store.sessions(of, now).await;
        let this = self.logged_in().ok().map(|visitor| visitor.session.id);
        let row = |session: Session| {
            let account = accounts.iter().find(|account| account.id == session.account);
            session_row(session, account, this)
        };
        Ok(SessionsView {
            as_of: now,
            rows: sessions
                .map_err(|error| internal(&error))?
                .into_iter()
                .map(row)
                .collect(),
        })
    }

    pub(crate) async fn everyones_sessions(&self) -> Result<SessionsView, AppError> {
        self.sessions_view(None).await
    }

    pub(crate) async fn own_sessions(&self) -> Result<SessionsView, AppError> {
        let you = self.logged_in()?.account.id;
        self.sessions_view(Some(you)).await
    }

    pub(crate) async fn end_anyones_session(&self, id: SessionId) -> Result<(), AppError> {
        self.end(id, None).await
    }

    pub(crate) async fn end_own_session(&self, id: SessionId) -> Result<(), AppError> {
        let you = self.logged_in()?.account.id;
        self.end(id, Some(you)).await
    }

    async fn end(&self, id: SessionId, only_of: Option<AccountId>) -> Result<(), AppError> {
        let ended = self
            .installation
            .store
            .end_session(id, only_of, Ending::Ended, &self.by())
            .await
            .map_err(|error| internal(&error))?;
        if ended {
            Ok(())
        } else {
            Err(AppError::NotFound {
                what: "This session".to_owned(),
            })
        }
    }

    pub(crate) async fn end_own_other_sessions(&self) -> Result<(), AppError> {
        let you = self.logged_in()?;
        let (account, this) = (you.account.id, you.session.id);
        let now = self.installation.clock.now();
        let sessions = self.installation.store.sessions(Some(account), now).await;
        for session in sessions.map_err(|error| internal(&error))? {
            if session.id == this {
                continue;
            }
            match self.end(session.id, Some(account)).await {
                // It ended by itself meanwhile.
                Ok(()) | Err(AppError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(crate) async fn new_password(&self, password: String) -> Result<(), AppError> {
        self.confirmed()?;
        let you = &self.logged_in()?.account;
        let password = SecretString::from(password);
        check(&password, &you.email).map_err(|weak| AppError::Refused {
            what: format!("The password is not taken: {weak}."),
            next_action: "Choose another one, such as four words that have nothing to do with each other. Nothing was changed."
                .to_owned(),
        })?;
        let hash = hash(password).await;
        let set = self
            .installation
            .store
            .set_password(you.id, &hash, &self.by())
            .await;
        set.map_err(|error| internal(&error))
    }
}

/// What a change came to, told to the log.
fn changed(done: Result<(), ChangeAccountError>, id: AccountId, what: &str) -> Result<(), AppError> {
    match done {
        Ok(()) => {
            info!(account = %id, "{what}");
            Ok(())
        }
        Err(ChangeAccountError::Unknown) => Err(no_such_account()),
        Err(ChangeAccountError::LastAdmin) => Err(AppError::Refused {
            what: "This is the last active admin, and without one nobody could change anything.".to_owned(),
            next_action: "Make another account an admin first. Nothing was changed.".to_owned(),
        }),
        Err(ChangeAccountError::Store(error)) => Err(internal(&error)),
    }
}

/// Whether it is an active admin, and no other account is: the store refuses to change that, and its menu says why.
fn is_last_admin(accounts: &[Account], id: AccountId) -> bool {
    let mut admins = accounts
        .iter()
        .filter(|account| account.role == Role::Admin && account.disabled_at.is_none());
    admins.next().is_some_and(|admin| admin.id == id) && admins.next().is_none()
}

fn session_times(session: &Session, as_of: DateTime<Utc>) -> SessionTimes {
    SessionTimes {
        as_of,
        ends_at: session.ends_at(),
        latest_end: session.latest_end(),
    }
}

fn account_row(account: &Account, you: Option<AccountId>, last_admin: bool) -> AccountRow {
    AccountRow {
        id: account.id,
        email: account.email.clone(),
        role: account.role,
        state: match account.disabled_at {
            Some(_) => AccountState::Disabled,
            None if account.set_up => AccountState::Active,
            None => AccountState::NoPassword,
        },
        since: account.disabled_at.unwrap_or(account.created_at),
        you: you == Some(account.id),
        last_admin,
    }
}

fn session_row(session: Session, account: Option<&Account>, this: Option<SessionId>) -> SessionRow {
    SessionRow {
        id: session.id,
        email: account.map_or_else(|| session.account.to_string(), |account| account.email.clone()),
        ends_at: session.ends_at(),
        this: this == Some(session.id),
        browser: browser_in_words(&session.browser),
        address: session.address,
        began_at: session.began_at,
        last_seen_at: session.last_seen_at,
    }
}

fn no_such_account() -> AppError {
    AppError::NotFound {
        what: "This account".to_owned(),
    }
}

pub(crate) fn no_address() -> AppError {
    AppError::Refused {
        what: "This is not an email address.".to_owned(),
        next_action: "Write one such as ada@company.example. Nothing was changed.".to_owned(),
    }
}

fn account_exists(email: &str) -> AppError {
    AppError::Refused {
        what: format!("There is an account {email} already."),
        next_action: "Nothing; or make a new one-time link from its menu, if its password is lost. Nothing was changed."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn account(number: u128, role: Role, disabled: bool) -> Account {
        Account {
            id: AccountId(Uuid::from_u128(number)),
            email: format!("{number}@company.example"),
            role,
            set_up: true,
            signs_on: false,
            disabled_at: disabled.then_some(DateTime::UNIX_EPOCH),
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_last_admin_is_the_only_one_that_can_still_log_in() {
        let mut accounts = vec![
            account(1, Role::Admin, false),
            account(2, Role::Csm, false),
            account(3, Role::Admin, true),
        ];
        let last = |accounts: &[Account]| -> Vec<bool> {
            accounts
                .iter()
                .map(|account| is_last_admin(accounts, account.id))
                .collect()
        };
        assert_eq!(last(&accounts), [true, false, false]);
        accounts[2].disabled_at = None;
        assert_eq!(last(&accounts), [false, false, false]);
        accounts[0].role = Role::Csm;
        assert_eq!(last(&accounts), [false, false, true]);
    }
}
