//! The access token: one request for all that wait for it.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{RequestBuilder, StatusCode, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sync::Failure;

use crate::{
    decode::{Malformed, Scalar},
    failure,
    http::{Answer, Wire},
};

const TOKEN_PATH: &str = "/oauth2/token";
/// A token is renewed this long before it expires, so that none expires on its way.
const RENEW_EARLY_S: i64 = 60;
/// The life of a token that does not state it. The vendor's state two hours; a 401 renews in any case.
const UNSTATED_LIFE_S: i64 = 3_600;
/// Longest life that is believed: a month.
const LIFE_MAX_S: i64 = 30 * 24 * 60 * 60;

/// What a connection authenticates with.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub client_id: String,
    pub client_secret: SecretString,
}

/// A token as requests carry it. Each has a number, by which a refused one is known.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// `Bearer …`, marked as sensitive.
    pub(crate) header: HeaderValue,
    number: u64,
    /// Asked for by the one who holds it, just now.
    pub(crate) own: bool,
    /// It served a request. If it is refused later, it has ended and the credentials are not to blame.
    worked: Arc<AtomicBool>,
    renew_at: DateTime<Utc>,
}

impl Token {
    pub(crate) fn worked(&self) -> bool {
        self.worked.load(Ordering::Relaxed)
    }

    pub(crate) fn works(&self) {
        self.worked.store(true, Ordering::Relaxed);
    }
}

/// The token in use, and who may ask for the next.
#[derive(Debug)]
pub(crate) struct Tokens {
    credentials: Credentials,
    current: RwLock<Current>,
    /// Held while a token is asked for, so that all others wait for that one answer.
    asking: tokio::sync::Mutex<()>,
    /// Set once the provider took the credentials in a Basic header and not in the body.
    basic: AtomicBool,
}

#[derive(Clone, Debug, Default)]
struct Current {
    /// How often a token was asked for.
    asked: u64,
    outcome: Option<Result<Token, Failure>>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: Lifetime,
}

#[derive(Default)]
struct Lifetime(Option<i64>);

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Scalar::deserialize(deserializer)?;
        Ok(Self(raw.count().ok().filter(|seconds| *seconds > 0)))
    }
}

impl Tokens {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            current: RwLock::default(),
            asking: tokio::sync::Mutex::default(),
            basic: AtomicBool::new(false),
        }
    }

    /// A token that is good for now.
    pub(crate) async fn get(&self, wire: &Wire) -> Result<Token, Failure> {
        let token = self.good(None, wire).await?;
        // Not in answer to a 401, so a refusal may still be cured by a renewal.
        Ok(Token { own: false, ..token })
    }

    /// A token that is not the refused one.
    pub(crate) async fn other_than(&self, refused: &Token, wire: &Wire) -> Result<Token, Failure> {
        self.good(Some(refused.number), wire).await
    }

    async fn good(&self, refused: Option<u64>, wire: &Wire) -> Result<Token, Failure> {
        let good = |token: &Token| wire.clock.now() < token.renew_at && Some(token.number) != refused;
        let before = self.current();
        if let Some(Ok(token)) = before.outcome
            && good(&token)
        {
            return Ok(token);
        }
        let _asking = self.asking.lock().await;
        let current = self.current();
        match current.outcome {
            // Someone asked while this call waited: the answer, good or bad, holds for both.
            Some(Err(failure)) if current.asked > before.asked => return Err(failure),
            Some(Ok(token)) if good(&token) => return Ok(token),
            _ => {}
        }
        let asked = current.asked + 1;
        let outcome = self.ask(wire, asked).await;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Current {
            asked,
            outcome: Some(outcome.clone()),
        };
        outcome.map(|token| Token { own: true, ..token })
    }

    fn current(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn ask(&self, wire: &Wire, number: u64) -> Result<Token, Failure> {
        let basic = self.basic.load(Ordering::Relaxed);
        let first = wire.send(TOKEN_PATH, self.request(wire, basic)).await?;
        if first.status.is_success() {
            return read(&first, number, wire.clock.now());
        }
        if !is_refusal(first.status) {
            return Err(failure::of_status(&first, TOKEN_PATH, wire.clock.now()));
        }
        // Which of the two ways a region takes is not known beforehand.
        let second = wire.send(TOKEN_PATH, self.request(wire, !basic)).await?;
        if second.status.is_success() {
            self.basic.store(!basic, Ordering::Relaxed);
            return read(&second, number, wire.clock.now());
        }
        if is_refusal(second.status) {
            return Err(failure::secret_refused(first.status));
        }
        Err(failure::of_status(&second, TOKEN_PATH, wire.clock.now()))
    }

    fn request(&self, wire: &Wire, basic: bool) -> RequestBuilder {
        let Credentials {
            client_id,
            client_secret,
        } = &self.credentials;
        let request = wire.http.client().post(wire.base_url.join(TOKEN_PATH));
        // A token asked for without a scope is issued, yet `/v2` refuses it.
        let mut form = vec![("grant_type", "client_credentials"), ("scope", "read")];
        if basic {
            return request
                .basic_auth(client_id, Some(client_secret.expose_secret()))
                .form(&form);
        }
        form.push(("client_id", client_id));
        form.push(("client_secret", client_secret.expose_secret()));
        request.form(&form)
    }
}

/// What the specification of OAuth 2.0 (RFC 6749, section 5.2) has for wrong credentials, and 403, which gateways use.
fn is_refusal(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN
    )
}

fn read(answer: &Answer, number: u64, now: DateTime<Utc>) -> Result<Token, Failure> {
    let malformed = |what: &str| failure::of_malformed(&Malformed(what.to_owned()), answer, TOKEN_PATH);
    if answer.body.trim_ascii_start().first() == Some(&b'<') {
        return Err(malformed("HTML instead of JSON"));
    }
    let token: TokenAnswer =
        serde_json::from_slice(&answer.body).map_err(|_| malformed("no access token"))?;
    let bearer = (!token.access_token.is_empty()).then(|| format!("Bearer {}", token.access_token));
    let mut header = bearer
        .and_then(|bearer| HeaderValue::try_from(bearer).ok())
        .ok_or_else(|| malformed("an access token that no header can carry"))?;
    header.set_sensitive(true);
    let life = token.expires_in.0.unwrap_or(UNSTATED_LIFE_S).min(LIFE_MAX_S);
    // A token that lives shorter than twice the margin is still used for half its life.
    let used = TimeDelta::seconds(life - RENEW_EARLY_S.min(life / 2));
    Ok(Token {
        header,
        number,
        own: false,
        worked: Arc::default(),
        renew_at: now + used,
    })
}
