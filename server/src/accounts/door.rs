//! Lets people in: by password, by a one-time link, and again by the session that they have.

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{AccountId, ApiToken, Role, SessionId, TokenId, TokenState};
use secrecy::SecretString;
use store::{
    Actor, Bucket, By, Ending, Identity, NewAccount, NewSession, SESSION_SEEN_EVERY, SetUp, SignOn,
    SignOnError, Store, StoreError, TOKEN_USED_EVERY, Tried, UseSetUp, UseSetUpError, normal_email,
};
use sync::Clock;
use tracing::error;

use super::{
    Token,
    lane::{Full, Lane},
    password::{WeakPassword, check},
    program::{BadToken, token_hash},
    tries,
};
use crate::{error::with_sources, system::random_id, visitor::LoggedIn};

/// Passwords that are hashed at a time for people at a browser that is not known: all cores of a small machine would be
/// too many, since pages are rendered meanwhile.
const STRANGERS_AT_ONCE: usize = 2;
/// With 20 ms each, the last one waits for a fifth of a second.
const STRANGERS_PLACES: usize = 20;
/// People at a browser that is known have a lane of their own, which no flood of strangers fills.
const KNOWN_AT_ONCE: usize = 1;
const KNOWN_PLACES: usize = 20;

/// Longest name of a browser that is kept, in characters.
const BROWSER_MAX_CHARS: usize = 200;

/// Who tries, as far as a request tells.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) address: IpAddr,
    /// What tries are counted by: of IPv6 the network.
    pub(crate) counted_as: IpAddr,
    /// As the browser names itself.
    pub(crate) browser: String,
    /// What the browser was given when someone last logged in with it.
    pub(crate) device: Option<Token>,
}

#[derive(Debug)]
pub(crate) struct Attempt {
    /// As it was typed.
    pub(crate) email: String,
    pub(crate) password: SecretString,
    pub(crate) caller: Caller,
}

/// A session that began, and what the browser is known by from now on. Both go into cookies, and nowhere else.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) session: Token,
    pub(crate) device: Token,
}

/// What came of an attempt to log in.
#[derive(Debug)]
pub(crate) enum LogIn {
    Done(Issued),
    /// Address and password do not match an account that may log in; so many tries are left before the first wait.
    Wrong {
        left: u32,
    },
    /// The password was not looked at.
    BlockedUntil(DateTime<Utc>),
    /// Nor here: too many log in at this moment.
    Full,
}

/// What came of giving the password again.
#[derive(Debug)]
pub(crate) enum Confirmed {
    /// The session goes on under this token.
    Done(Token),
    Wrong {
        left: u32,
    },
    BlockedUntil(DateTime<Utc>),
    Full,
    /// The session ended meanwhile.
    Over,
}

/// What came of asking the identity provider again.
#[derive(Debug)]
pub(crate) enum SignedOnAgain {
    /// The session goes on under this token.
    Done(Token),
    SomebodyElse,
    /// The session ended meanwhile.
    Over,
}

/// What came of choosing a password by a one-time link.
#[derive(Debug)]
pub(crate) enum Setting {
    Done,
    Weak(WeakPassword),
    /// For the first account: what was typed is no address.
    NoAddress,
    /// The link is good no more.
    Spent,
    Full,
}

/// The door of the console. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Door {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    strangers: Lane,
    known: Lane,
}

impl Door {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            strangers: Lane::new(STRANGERS_AT_ONCE, STRANGERS_PLACES),
            known: Lane::new(KNOWN_AT_ONCE, KNOWN_PLACES),
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Whose session it is, if it is good now. It goes on from here: somebody uses it.
    pub(crate) async fn recognize(&self, token: &Token) -> Result<Option<LoggedIn>, StoreError> {
        let found = self.look_at(token).await?;
        let now = self.clock.now();
        if let Some(LoggedIn { session, .. }) = &found
            && now - session.last_seen_at >= SESSION_SEEN_EVERY
        {
            self.seen(session.id, now);
        }
        Ok(found)
    }

    /// The same, and the session stays as long as it was.
    pub(crate) async fn look_at(&self, token: &Token) -> Result<Option<LoggedIn>, StoreError> {
        let found = self.store.session(&token.hash(), self.clock.now()).await?;
        Ok(found.map(|(session, account)| LoggedIn { account, session }))
    }

    /// The token that a program shows, or why it is good for nothing.
    pub(crate) async fn recognize_program(
        &self,
        text: &str,
    ) -> Result<Result<ApiToken, BadToken>, StoreError> {
        let Some(hash) = token_hash(text) else {
            return Ok(Err(BadToken::Unknown));
        };
        let Some(token) = self.store.token(&hash).await? else {
            return Ok(Err(BadToken::Unknown));
        };
        let now = self.clock.now();
        let written_lately = |at: DateTime<Utc>| now - at < TOKEN_USED_EVERY;
        match token.state(now) {
            TokenState::Active => {}
            TokenState::Expired => return Ok(Err(BadToken::Expired)),
            TokenState::Revoked => return Ok(Err(BadToken::Revoked)),
            TokenState::Suspended => return Ok(Err(BadToken::Suspended)),
        }
        if !token.last_used_at.is_some_and(written_lately) {
            self.used(token.id, now);
        }
        Ok(Ok(token))
    }

    fn used(&self, token: TokenId, at: DateTime<Utc>) {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(error) = store.token_used(token, at).await {
                error!(error = %with_sources(&error), "a token's last use cannot be noted");
            }
        });
    }

    /// Noted beside the request, which need not wait for whoever is writing.
    fn seen(&self, session: SessionId, at: DateTime<Utc>) {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(error) = store.session_seen(session, at).await {
                error!(error = %with_sources(&error), "a session's last request cannot be noted");
            }
        });
    }

    pub(crate) async fn log_in(&self, attempt: Attempt) -> Result<LogIn, StoreError> {
        let Attempt {
            email,
            password,
            caller,
        } = attempt;
        // What is no address is an address that nobody has.
        let email = normal_email(&email).unwrap_or(email);
        let now = self.clock.now();
        let found = self.store.credentials(&email).await?;
        let account = found.as_ref().map(|found| found.account.id);
        let known = self.known_device(&caller, account, now).await?;
        let (buckets, lane) = match known {
            Some(buckets) => (buckets, &self.known),
            None => (tries::of_stranger(&email, caller.counted_as), &self.strangers),
        };
        let left = match self.store.try_log_in(&buckets, now).await? {
            Tried::Allowed { left } => left,
            Tried::BlockedUntil(until) => return Ok(LogIn::BlockedUntil(until)),
        };
        let stored = found.and_then(|found| found.password_hash);
        let fits = match lane.verify(password, stored.clone()).await {
            Ok(fits) => fits,
            Err(Full) => return Ok(LogIn::Full),
        };
        if let (true, Some(account)) = (fits, account)
            && let Some(issued) = self.begin(account, stored, &caller, &buckets).await?
        {
            return Ok(LogIn::Done(issued));
        }
        self.store.log_in_failed(account, &nobody(&caller, now)).await?;
        Ok(LogIn::Wrong { left })
    }

    /// The bucket of the browser, if it is known as this person's.
    async fn known_device(
        &self,
        caller: &Caller,
        account: Option<AccountId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<Bucket>>, StoreError> {
        let (Some(device), Some(account)) = (&caller.device, account) else {
            return Ok(None);
        };
        let device = device.hash();
        let known = self.store.is_known_device(&device, account, now).await?;
        Ok(known.then(|| tries::of_device(&device, account)))
    }

    /// Begins a session for someone who has shown who they are: with the password that was hashed so, or otherwise.
    /// `None` if the account was disabled or its password replaced meanwhile.
    pub(crate) async fn begin(
        &self,
        account: AccountId,
        password_hash: Option<String>,
        caller: &Caller,
        buckets: &[Bucket],
    ) -> Result<Option<Issued>, StoreError> {
        self.start(account, password_hash, None, caller, buckets).await
    }

    /// Begins a session for somebody whom the identity provider vouches for, by this ID token. `None` if their account was
    /// disabled meanwhile.
    pub(crate) async fn sign_on(
        &self,
        who: &SignOn,
        sealed_id_token: &str,
        caller: &Caller,
    ) -> Result<Option<Issued>, SignOnError> {
        let by = nobody(caller, self.clock.now());
        let account = self.store.sign_on(who, &by).await?;
        let signed_on = Some(sealed_id_token.to_owned());
        Ok(self.start(account.id, None, signed_on, caller, &[]).await?)
    }

    async fn start(
        &self,
        account: AccountId,
        password_hash: Option<String>,
        signed_on: Option<String>,
        caller: &Caller,
        buckets: &[Bucket],
    ) -> Result<Option<Issued>, StoreError> {
        let now = self.clock.now();
        let issued = Issued {
            session: Token::random(),
            device: Token::random(),
        };
        let new = NewSession {
            id: SessionId(random_id(now)),
            account,
            password_hash,
            signed_on,
            token: issued.session.hash(),
            device: issued.device.hash(),
            former_device: caller.device.as_ref().map(Token::hash),
            address: caller.address.to_string(),
            browser: caller.browser.chars().take(BROWSER_MAX_CHARS).collect(),
        };
        let by = By {
            actor: Actor::Account(account),
            ..nobody(caller, now)
        };
        let began = self.store.begin_session(&new, buckets, &by).await?;
        Ok(began.then_some(issued))
    }

    /// Ends a visitor's own session.
    pub(crate) async fn log_out(&self, session: SessionId, by: &By) -> Result<(), StoreError> {
        self.store
            .end_session(session, None, Ending::LoggedOut, by)
            .await
            .map(drop)
    }

    /// Someone who has a session gives the password again.
    pub(crate) async fn confirm(
        &self,
        visitor: &LoggedIn,
        password: SecretString,
        by: &By,
    ) -> Result<Confirmed, StoreError> {
        let buckets = tries::of_session(visitor.session.id);
        let left = match self.store.try_log_in(&buckets, by.at).await? {
            Tried::Allowed { left } => left,
            Tried::BlockedUntil(until) => return Ok(Confirmed::BlockedUntil(until)),
        };
        let found = self.store.credentials(&visitor.account.email).await?;
        let stored = found.and_then(|found| found.password_hash);
        match self.known.verify(password, stored).await {
            Err(Full) => Ok(Confirmed::Full),
            Ok(false) => {
                self.store.log_in_failed(Some(visitor.account.id), by).await?;
                Ok(Confirmed::Wrong { left })
            }
            Ok(true) => {
                let token = Token::random();
                let goes_on = self
                    .store
                    .confirm_session(visitor.session.id, &token.hash(), &buckets, by)
                    .await?;
                Ok(if goes_on {
                    Confirmed::Done(token)
                } else {
                    Confirmed::Over
                })
            }
        }
    }

    /// Someone who has a session was asked again who they are, by the identity provider.
    pub(crate) async fn confirm_signed_on(
        &self,
        visitor: &LoggedIn,
        identity: &Identity,
        by: &By,
    ) -> Result<SignedOnAgain, StoreError> {
        let account = self.store.account_of(identity).await?;
        if account.map(|account| account.id) != Some(visitor.account.id) {
            return Ok(SignedOnAgain::SomebodyElse);
        }
        let token = Token::random();
        let goes_on = self
            .store
            .confirm_session(visitor.session.id, &token.hash(), &[], by)
            .await?;
        Ok(if goes_on {
            SignedOnAgain::Done(token)
        } else {
            SignedOnAgain::Over
        })
    }

    /// What a one-time link is good for; `None` if for nothing.
    pub(crate) async fn set_up(&self, token: &Token) -> Result<Option<SetUp>, StoreError> {
        self.store.set_up(&token.hash(), self.clock.now()).await
    }

    /// Uses a one-time link up. `email` is what was typed for the first account; someone who has one keeps theirs.
    pub(crate) async fn choose_password(
        &self,
        token: &Token,
        email: &str,
        password: SecretString,
        by: &By,
    ) -> Result<Setting, StoreError> {
        let (first, email) = match self.set_up(token).await? {
            None => return Ok(Setting::Spent),
            Some(SetUp::Password(account)) => (false, account.email),
            Some(SetUp::FirstAccount) => match normal_email(email) {
                Some(email) => (true, email),
                None => return Ok(Setting::NoAddress),
            },
        };
        if let Err(weak) = check(&password, &email) {
            return Ok(Setting::Weak(weak));
        }
        let Ok(hash) = self.strangers.hash(password).await else {
            return Ok(Setting::Full);
        };
        let use_for = if first {
            UseSetUp::First(NewAccount {
                id: AccountId(random_id(by.at)),
                email,
                role: Role::Admin,
                password_hash: Some(hash),
            })
        } else {
            UseSetUp::Password(hash)
        };
        match self.store.use_set_up(&token.hash(), &use_for, by).await {
            Ok(_) => Ok(Setting::Done),
            Err(UseSetUpError::Spent) => Ok(Setting::Spent),
            Err(UseSetUpError::Store(error)) => Err(error),
        }
    }
}

fn nobody(caller: &Caller, at: DateTime<Utc>) -> By {
    By {
        actor: Actor::Nobody,
        origin: Some(caller.address.to_string()),
        at,
    }
}
