//! The identity provider, asked by the one HTTP client.

use std::{future::Future, pin::Pin, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use connector::{Ask, Asking, NotAnswered};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AsyncHttpClient, AuthType,
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DiscoveryError,
    EmptyExtraTokenFields, EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    StandardErrorResponse, StandardTokenResponse, SubjectIdentifier, TokenResponse as _, UserInfoClaims,
    UserInfoError,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType,
        CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
        CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    Settings,
    pending::Pending,
    problem::{Failure, Problem},
    roles::Claims,
};

/// Clocks of two machines that are set by time servers differ by less.
const CLOCK_SKEW_MAX: TimeDelta = TimeDelta::minutes(1);
/// Longest exchange. A browser waits for up to three in one answer, which may take 15 s.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Signatures with the provider's own keys. Those with the client secret could be made by whoever reads our secret, and
/// `none` by anyone.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Every claim that is none of the standard's, as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OtherClaims {
    #[serde(flatten)]
    all: Claims,
}

impl AdditionalClaims for OtherClaims {}

/// What a provider may announce beside what the crate reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Announced {
    end_session_endpoint: Option<EndSessionUrl>,
    /// RFC 9207: it names itself when the browser comes back.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Announced {}

type Metadata = ProviderMetadata<
    Announced,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
type Fields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
/// What the token endpoint answers.
pub(super) type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type Client = openidconnect::Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Our way out, as the crate wants it.
#[derive(Clone, Debug)]
pub(super) struct WayOut(Asking);

impl WayOut {
    pub(super) fn new(asking: Asking) -> Self {
        Self(asking.within(EXCHANGE_TIMEOUT))
    }
}

impl<'c> AsyncHttpClient<'c> for WayOut {
    type Error = NotAnswered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NotAnswered>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let unsendable = |_| NotAnswered::Unsendable {
                host: parts.uri.host().unwrap_or_default().to_owned(),
            };
            let ask = Ask {
                method: parts.method.clone(),
                url: parts.uri.to_string().parse().map_err(unsendable)?,
                headers: parts.headers.clone(),
                body,
            };
            let answered = self.0.ask(ask).await?;
            let mut response = HttpResponse::new(answered.body);
            *response.status_mut() = answered.status;
            *response.headers_mut() = answered.headers;
            Ok(response)
        })
    }
}

/// The provider as it announced itself, with its keys.
#[derive(Debug)]
pub(super) struct Provider {
    client: Client,
    names_itself: bool,
    end_session: Option<Url>,
}

/// Why the claims of an ID token do not count.
pub(super) enum NotGood {
    /// It is signed with a key that the provider may have announced since.
    UnknownKey,
    Failed(Failure),
}

impl NotGood {
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::UnknownKey => Failure::new(
                Problem::Untrusted,
                "the ID token is signed with a key that the provider does not announce",
            ),
            Self::Failed(failure) => failure,
        }
    }
}

/// As it was signed; empty where there is none, which no answer that counts is.
pub(super) fn id_token(tokens: &Tokens) -> String {
    tokens.id_token().map(ToString::to_string).unwrap_or_default()
}

impl Provider {
    pub(super) async fn discover(settings: &Settings, out: &WayOut) -> Result<Self, Failure> {
        let misconfigured = |error: url::ParseError| Failure::new(Problem::Misconfigured, error);
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(misconfigured)?;
        let redirect = RedirectUrl::new(settings.redirect.clone()).map_err(misconfigured)?;
        let metadata = Metadata::discover_async(issuer, out)
            .await
            .map_err(undiscovered)?;
        let announced = metadata.additional_metadata();
        let (names_itself, end_session) = (
            announced.authorization_response_iss_parameter_supported,
            announced
                .end_session_endpoint
                .as_ref()
                .map(|url| url.url().clone()),
        );
        let by = authentication(metadata.token_endpoint_auth_methods_supported());
        let client = Client::from_provider_metadata(
            metadata,
            ClientId::new(settings.client_id.clone()),
            Some(ClientSecret::new(
                settings.client_secret.expose_secret().to_owned(),
            )),
        );
        Ok(Self {
            client: client.set_redirect_uri(redirect).set_auth_type(by),
            names_itself,
            end_session,
        })
    }

    /// Where the browser is sent.
    pub(super) fn leave(&self, scopes: &[String], pending: &Pending) -> Url {
        let (state, nonce) = (
            CsrfToken::new(pending.state.clone()),
            Nonce::new(pending.nonce.clone()),
        );
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let mut request = self
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || state,
                move || nonce,
            )
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if pending.confirms.is_some() {
            request = request
                .add_prompt(CoreAuthPrompt::Login)
                .set_max_age(Duration::ZERO);
        }
        request.url().0
    }

    /// Whether the answer names the provider that was asked (RFC 9207).
    pub(super) fn is_named(&self, issuer: &str, named: Option<&str>) -> bool {
        match named {
            Some(named) => named == issuer,
            None => !self.names_itself,
        }
    }

    /// Gives the code back for tokens.
    pub(super) async fn tokens(
        &self,
        out: &WayOut,
        code: String,
        pending: &Pending,
    ) -> Result<Tokens, Failure> {
        let request = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Failure::new(Problem::Misconfigured, error))?;
        request
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
            .request_async(out)
            .await
            .map_err(no_tokens)
    }

    /// What the ID token claims, once everything about it is good.
    pub(super) fn claims(
        &self,
        tokens: &Tokens,
        pending: &Pending,
        now: DateTime<Utc>,
    ) -> Result<Claims, NotGood> {
        let id_token = tokens
            .id_token()
            .ok_or_else(|| untrusted("there is no ID token"))?;
        let again = pending.confirms.map(|_| pending.began_at);
        let verifier = self
            .client
            .id_token_verifier()
            .set_allowed_algs(SIGNATURES)
            .set_time_fn(move || now - CLOCK_SKEW_MAX)
            .set_issue_time_verifier_fn(move |issued| issued_by(issued, now))
            .set_auth_time_verifier_fn(move |asked| asked_since(asked, again));
        let claims = id_token
            .claims(&verifier, &Nonce::new(pending.nonce.clone()))
            .map_err(|error| not_good(&error))?;
        if let Some(expected) = claims.access_token_hash() {
            let key = id_token.signing_key(&verifier).map_err(untrusted)?;
            let algorithm = id_token.signing_alg().map_err(untrusted)?;
            let hash = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
            if hash.map_err(untrusted)? != *expected {
                return Err(untrusted("the access token is not the ID token's"));
            }
        }
        as_object(claims).map_err(NotGood::Failed)
    }

    /// What the provider says of the person beside the ID token; nothing if it offers no more.
    pub(super) async fn more(&self, out: &WayOut, tokens: &Tokens, subject: &str) -> Result<Claims, Failure> {
        if self.client.user_info_url().is_none() {
            return Ok(Claims::new());
        }
        let subject = SubjectIdentifier::new(subject.to_owned());
        let request = self
            .client
            .user_info(tokens.access_token().clone(), Some(subject))
            .map_err(|error| Failure::new(Problem::Misconfigured, error))?;
        let claims: UserInfoClaims<OtherClaims, CoreGenderClaim> =
            request.request_async(out).await.map_err(no_more)?;
        as_object(&claims)
    }

    /// Where a browser ends its session at the provider, if that can be done.
    pub(super) fn end(&self, settings: &Settings, id_token: Option<&str>, back: &str) -> Option<Url> {
        let mut url = self.end_session.clone()?;
        let mut query = url.query_pairs_mut();
        if let Some(id_token) = id_token {
            query.append_pair("id_token_hint", id_token);
        }
        query
            .append_pair("client_id", &settings.client_id)
            .append_pair("post_logout_redirect_uri", back);
        drop(query);
        Some(url)
    }
}

/// In a header, unless the provider takes the secret in the body alone.
fn authentication(methods: Option<&Vec<CoreClientAuthMethod>>) -> AuthType {
    let takes = |method| methods.is_some_and(|methods| methods.contains(&method));
    if takes(CoreClientAuthMethod::ClientSecretPost) && !takes(CoreClientAuthMethod::ClientSecretBasic) {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    }
}

fn as_object(claims: &impl Serialize) -> Result<Claims, Failure> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err(Failure::new(Problem::Untrusted, "the claims are no object")),
    }
}

fn issued_by(issued: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), String> {
    if issued > now + CLOCK_SKEW_MAX {
        return Err(format!("it was issued at {issued}, and it is {now}"));
    }
    Ok(())
}

/// Whether the person was asked who they are since then.
fn asked_since(asked: Option<DateTime<Utc>>, since: Option<DateTime<Utc>>) -> Result<(), String> {
    match (asked, since) {
        (None, Some(_)) => Err("the provider does not say when the person was asked (auth_time)".to_owned()),
        (Some(asked), Some(since)) if asked + CLOCK_SKEW_MAX < since => {
            Err(format!("the person was asked at {asked}, before {since}"))
        }
        _ => Ok(()),
    }
}

fn untrusted(detail: impl std::fmt::Display) -> NotGood {
    NotGood::Failed(Failure::new(Problem::Untrusted, detail))
}

fn not_good(error: &ClaimsVerificationError) -> NotGood {
    use ClaimsVerificationError as E;
    let problem = match error {
        E::SignatureVerification(SignatureVerificationError::NoMatchingKey) => return NotGood::UnknownKey,
        E::Expired(_) => Problem::Clocks,
        E::InvalidAuthTime(_) => Problem::NotAsked,
        _ => Problem::Untrusted,
    };
    NotGood::Failed(Failure::new(problem, crate::error::with_sources(error)))
}

fn undiscovered(error: DiscoveryError<NotAnswered>) -> Failure {
    let error = match error {
        DiscoveryError::Request(not) => return not.into(),
        DiscoveryError::Response(status, _, said) if status.is_server_error() => {
            return Failure::new(Problem::ProviderSilent, said);
        }
        error => error,
    };
    Failure::new(
        Problem::Misconfigured,
        format!("discovery: {}", crate::error::with_sources(&error)),
    )
}

/// What was answered may hold tokens, so no more than the error's own code and words are kept of it.
fn no_tokens(error: RequestTokenError<NotAnswered, StandardErrorResponse<CoreErrorResponseType>>) -> Failure {
    use CoreErrorResponseType as Code;
    match error {
        RequestTokenError::Request(not) => not.into(),
        RequestTokenError::ServerResponse(said) => {
            let problem = match said.error() {
                Code::InvalidClient | Code::UnauthorizedClient | Code::InvalidRequest => {
                    Problem::Misconfigured
                }
                _ => Problem::ProviderFailed,
            };
            Failure::new(problem, format!("the token endpoint says {said}"))
        }
        RequestTokenError::Parse(..) => {
            Failure::new(Problem::Untrusted, "the token endpoint's answer cannot be read")
        }
        RequestTokenError::Other(said) => Failure::new(Problem::Untrusted, said),
    }
}

fn no_more(error: UserInfoError<NotAnswered>) -> Failure {
    match error {
        UserInfoError::Request(not) => not.into(),
        UserInfoError::Response(status, _, said) if status.is_server_error() => {
            Failure::new(Problem::ProviderSilent, said)
        }
        UserInfoError::Parse(_) => {
            Failure::new(Problem::Untrusted, "what is said of the person cannot be read")
        }
        error => Failure::new(
            Problem::Untrusted,
            format!("user info: {}", crate::error::with_sources(&error)),
        ),
    }
}
