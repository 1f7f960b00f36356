//! Single sign-on: the code flow of `OpenID` Connect, with PKCE. What makes a token good is the crate's to say; whom it lets
//! in, and as what, is said here.

mod pending;
mod person;
mod problem;
mod provider;
mod roles;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use connector::Asking;
use domain::{AccountId, SessionId};
use secrecy::SecretString;
use serde::Deserialize;
use sync::Clock;
use tokio::sync::Mutex;
use url::Url;

pub(crate) use self::{
    pending::PENDING_LIVES,
    problem::{Failure, Problem},
    roles::{RoleClaim, RoleRules},
};
use self::{
    pending::Pending,
    person::{person, says_too_little},
    provider::{NotGood, Provider, Tokens, WayOut},
    roles::Claims,
};
use crate::{installation::Keys, system::random_id};

/// Where the browser leaves for the provider ...
pub(crate) const LEAVE_PATH: &str = "/sign-on";
/// ... and where it comes back.
pub(crate) const CALLBACK_PATH: &str = "/sign-on/callback";

/// How long what a provider announces is used: its keys may change at any time, and hardly ever do.
const ANNOUNCED_FOR: TimeDelta = TimeDelta::minutes(10);
/// How long it is not asked again after it failed, or for keys that it did not have: whoever presses a button without end
/// does not make us ask without end.
const NOT_AGAIN_FOR: TimeDelta = TimeDelta::seconds(10);

/// Whose an ID token is, where it is sealed. No tenant's name has a space.
const ID_TOKEN: &str = "ID token of a session";

/// A provider, and what it knows us as.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) scopes: Vec<String>,
    pub(crate) roles: RoleRules,
    /// As people call it.
    pub(crate) name: String,
    /// Ours, as browsers see it.
    pub(crate) origin: String,
    pub(crate) redirect: String,
}

/// Lets people sign on at one provider.
pub(crate) struct SignOn {
    settings: Settings,
    out: WayOut,
    keys: Keys,
    clock: Arc<dyn Clock>,
    /// Held while the provider is asked, so that all who come meanwhile wait for that one answer.
    known: Mutex<Option<Known>>,
}

/// What the provider announced, or why it could not be read.
struct Known {
    provider: Result<Arc<Provider>, Failure>,
    at: DateTime<Utc>,
}

/// Where a browser is sent, and what it keeps meanwhile.
pub(crate) struct Leaving {
    pub(crate) to: Url,
    /// For the cookie.
    pub(crate) sealed: String,
}

/// With what a browser comes back.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Returned {
    #[serde(default)]
    state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Somebody whom the provider vouches for.
pub(crate) struct CameBack {
    pub(crate) who: store::SignOn,
    /// The page that they wanted.
    pub(crate) next: String,
    /// The session whose person was to be asked again; `None` if they log in.
    pub(crate) confirms: Option<SessionId>,
    /// For [`store::NewSession::signed_on`].
    pub(crate) sealed_id_token: String,
}

impl SignOn {
    pub(crate) fn new(settings: Settings, asking: Asking, keys: Keys, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            out: WayOut::new(asking),
            keys,
            clock,
            known: Mutex::new(None),
        }
    }

    /// As people call the provider.
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Sends a browser to the provider, which is to come back to the page `next`.
    pub(crate) async fn leave(
        &self,
        next: Option<&str>,
        confirms: Option<SessionId>,
    ) -> Result<Leaving, Failure> {
        let provider = self.provider(ANNOUNCED_FOR).await?;
        let pending = Pending::begin(next, confirms, self.clock.now());
        let sealed = pending.seal(self.keys.sealing().map_err(no_key)?.ring());
        Ok(Leaving {
            to: provider.leave(&self.settings.scopes, &pending),
            sealed,
        })
    }

    /// Takes a browser back, with what its cookie holds. A failure says where they wanted to go, if that is known.
    pub(crate) async fn come_back(
        &self,
        sealed: Option<&str>,
        returned: Returned,
    ) -> Result<CameBack, Failure> {
        let now = self.clock.now();
        let pending = {
            // Made if there is none yet: then nothing was sealed, and nothing opens. Let go before the provider is asked,
            // since it holds off a change of keys.
            let sealing = self.keys.sealing().map_err(no_key)?;
            Pending::open(sealing.ring(), sealed.unwrap_or_default(), &returned.state, now)?
        };
        self.vouched(&pending, returned, now)
            .await
            .map_err(|failure| Failure {
                next: Some(pending.next.clone()),
                again: pending.confirms.is_some(),
                ..failure
            })
    }

    async fn vouched(
        &self,
        pending: &Pending,
        returned: Returned,
        now: DateTime<Utc>,
    ) -> Result<CameBack, Failure> {
        let provider = self.provider(ANNOUNCED_FOR).await?;
        if !provider.is_named(&self.settings.issuer, returned.iss.as_deref()) {
            let detail = "the answer does not name the provider that was asked (iss)";
            return Err(Failure::new(Problem::Untrusted, detail));
        }
        let code = returned.code()?;
        let tokens = provider.tokens(&self.out, code, pending).await?;
        let claims = self.claims(&provider, &tokens, pending, now).await?;
        let id = AccountId(random_id(now));
        let who = person(&self.settings.issuer, &claims, &self.settings.roles, id)?;
        Ok(CameBack {
            who,
            next: pending.next.clone(),
            confirms: pending.confirms,
            sealed_id_token: self.seal(&tokens)?,
        })
    }

    /// What the ID token claims, and what else the provider says of the person if that is too little.
    async fn claims(
        &self,
        provider: &Provider,
        tokens: &Tokens,
        pending: &Pending,
        now: DateTime<Utc>,
    ) -> Result<Claims, Failure> {
        let mut claims = match provider.claims(tokens, pending, now) {
            Ok(claims) => claims,
            Err(NotGood::Failed(failure)) => return Err(failure),
            Err(NotGood::UnknownKey) => {
                let anew = self.provider(NOT_AGAIN_FOR).await?;
                anew.claims(tokens, pending, now).map_err(NotGood::failure)?
            }
        };
        if says_too_little(&claims, &self.settings.roles) {
            let subject = claims.get("sub").and_then(|subject| subject.as_str());
            let subject = subject.unwrap_or_default().to_owned();
            for (name, value) in provider.more(&self.out, tokens, &subject).await? {
                // What was signed goes before what was said.
                claims.entry(name).or_insert(value);
            }
        }
        Ok(claims)
    }

    /// Where a browser ends its session at the provider, too, and then comes back to `path`; `None` if it cannot.
    pub(crate) async fn end(&self, signed_on: &str, path: &str) -> Option<Url> {
        let provider = match self.provider(ANNOUNCED_FOR).await {
            Ok(provider) => provider,
            Err(failure) => {
                failure.log("the session at the identity provider is not ended");
                return None;
            }
        };
        let back = format!("{}{path}", self.settings.origin);
        // One that was sealed with a key that is gone is left out: the provider asks the person then.
        let id_token = self.keys.ring().ok();
        let id_token = id_token.and_then(|ring| ring.open(ID_TOKEN, signed_on).ok());
        let id_token = id_token.as_deref().and_then(|token| str::from_utf8(token).ok());
        provider.end(&self.settings, id_token, &back)
    }

    /// Whether the provider announces what is needed.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        self.provider(ANNOUNCED_FOR).await.map(|_| ())
    }

    /// As it was announced at most so long ago.
    async fn provider(&self, at_most: TimeDelta) -> Result<Arc<Provider>, Failure> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(known) = known.as_ref()
            && known.is_fresh(at_most, now)
        {
            return known.provider.clone();
        }
        let provider = Provider::discover(&self.settings, &self.out).await;
        let provider = provider.map(Arc::new);
        *known = Some(Known {
            provider: provider.clone(),
            at: now,
        });
        provider
    }

    fn seal(&self, tokens: &Tokens) -> Result<String, Failure> {
        let sealing = self.keys.sealing().map_err(no_key)?;
        Ok(sealing.seal_own(ID_TOKEN, provider::id_token(tokens).as_bytes()))
    }
}

impl Known {
    /// A clock that was set back makes nothing last for ever.
    fn is_fresh(&self, at_most: TimeDelta, now: DateTime<Utc>) -> bool {
        let lasts = if self.provider.is_ok() {
            at_most
        } else {
            NOT_AGAIN_FOR
        };
        (self.at..self.at + lasts).contains(&now)
    }
}

impl Returned {
    /// The code, or what the provider says instead.
    fn code(self) -> Result<String, Failure> {
        match (self.error, self.code) {
            (Some(error), _) => {
                let problem = match error.as_str() {
                    "access_denied" | "login_required" | "interaction_required" | "consent_required" => {
                        Problem::Denied
                    }
                    "server_error" | "temporarily_unavailable" => Problem::ProviderFailed,
                    _ => Problem::Misconfigured,
                };
                Err(Failure::new(problem, format!("the provider says {error}")))
            }
            (None, Some(code)) => Ok(code),
            (None, None) => Err(Failure::new(
                Problem::Untrusted,
                "there is neither a code nor an error",
            )),
        }
    }
}

fn no_key(error: impl std::fmt::Display) -> Failure {
    Failure::new(Problem::Internal, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn returned(error: &str) -> Returned {
        Returned {
            error: Some(error.to_owned()),
            ..Returned::default()
        }
    }

    #[test]
    fn what_the_provider_says_is_told_by_its_cause() {
        for (error, problem) in [
            ("access_denied", Problem::Denied),
            ("server_error", Problem::ProviderFailed),
            ("invalid_scope", Problem::Misconfigured),
            ("<script>", Problem::Misconfigured),
        ] {
            let failure = returned(error).code().expect_err(error);
            assert_eq!(failure.problem, problem, "{error}");
        }
        let nothing = Returned::default().code().expect_err("nothing");
        assert_eq!(nothing.problem, Problem::Untrusted);
        let with_code = Returned {
            code: Some("c".into()),
            ..returned("access_denied")
        };
        assert!(with_code.code().is_err(), "an error goes before a code");
    }

    #[test]
    fn a_provider_that_failed_is_asked_again_soon_and_not_at_once() {
        let known = Known {
            provider: Err(Failure::new(Problem::ProviderSilent, "silent")),
            at: NOW,
        };
        assert!(known.is_fresh(ANNOUNCED_FOR, NOW));
        assert!(known.is_fresh(ANNOUNCED_FOR, NOW + NOT_AGAIN_FOR - TimeDelta::seconds(1)));
        assert!(!known.is_fresh(ANNOUNCED_FOR, NOW + NOT_AGAIN_FOR));
        assert!(!known.is_fresh(ANNOUNCED_FOR, NOW - TimeDelta::seconds(1)));
    }
}
