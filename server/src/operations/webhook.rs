//! Tickets posted to the operator's webhook: JSON, signed, through the one filter of outgoing requests.
//!
//! The receiver knows by the signature that a ticket is ours and new: `X-Tributary-Signature` is `v1=` and the HMAC-SHA-256
//! in hexadecimal digits, by the shared secret, of `X-Tributary-Timestamp` (seconds since 1970), a full stop and the body.
//! `Idempotency-Key` is the ticket's reference: one that is posted again is the same ticket.

use std::{fs, path::PathBuf};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use chrono::{DateTime, Utc};
use connector::{Answered, Ask, Asking, HttpClient, NotAnswered};
use domain::{
    Owner,
    unification::{CauseGroup, WhyNot, ticket_reference},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::Sha256;
use store::{By, FailedMember, PostFailure, StoreError, Ticket, TicketPost};
use url::Url;

use crate::{
    error::with_sources,
    installation::Installation,
    operations::tickets::{each_member, opened},
    secrets::to_hex,
};

const SIGNATURE: HeaderName = HeaderName::from_static("x-tributary-signature");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-tributary-timestamp");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Members in the body, at some 200 bytes each: two megabytes, which trackers take. All of them are in the CSV file.
const MEMBERS_MAX: usize = 10_000;
/// A shorter secret could be found by trying, from one signed ticket (characters).
const SECRET_MIN_CHARS: usize = 16;
/// Whose file names the secret.
const SECRET_FILE: &str = "TRIBUTARY_TICKET_WEBHOOK_SECRET_FILE";
const URL: &str = "TRIBUTARY_TICKET_WEBHOOK_URL";

/// Where tickets are posted to.
#[derive(Clone)]
pub(crate) struct Webhook {
    url: Url,
    secret_file: PathBuf,
}

impl Webhook {
    pub(crate) fn new(url: Url, secret_file: PathBuf) -> Self {
        Self { url, secret_file }
    }

    /// All of the URL that may be shown.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    fn secret(&self) -> Result<SecretString, String> {
        let text = fs::read_to_string(&self.secret_file).map_err(|error| error.to_string())?;
        // An editor ends the file with a line break, which is no part of the secret.
        let secret = text.trim();
        if secret.chars().count() < SECRET_MIN_CHARS || secret.contains(char::is_control) {
            return Err(format!(
                "the file does not hold one line of {SECRET_MIN_CHARS} characters or more"
            ));
        }
        Ok(SecretString::from(secret))
    }
}

/// Without the path, which is often secret.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

/// A ticket as it is posted.
#[derive(Debug, Serialize)]
struct Payload<'t> {
    reference: String,
    /// The page of the ticket.
    url: &'t str,
    created_at: DateTime<Utc>,
    created_by: &'t str,
    rule_version: i64,
    selection: &'t str,
    members_total: u64,
    causes: Vec<Group>,
    /// At most [`MEMBERS_MAX`] of them, by tenant and id.
    members: Vec<Member>,
    /// The document, in Markdown.
    document: String,
}

#[derive(Debug, Serialize)]
struct Group {
    cause: WhyNot,
    domain: Option<String>,
    members: u64,
    /// Such as `212 members of acme.io: no company has this domain`.
    sentence: String,
    what_would_help: &'static str,
}

impl From<CauseGroup> for Group {
    fn from(group: CauseGroup) -> Self {
        Self {
            sentence: group.sentence(),
            what_would_help: group.cause.help(),
            cause: group.cause,
            domain: group.domain,
            members: group.members,
        }
    }
}

#[derive(Debug, Serialize)]
struct Member {
    tenant_id: String,
    community_user_id: String,
    username: String,
    email: Option<String>,
    cause: Option<WhyNot>,
    domain: Option<String>,
}

impl From<&FailedMember> for Member {
    fn from(failed: &FailedMember) -> Self {
        let FailedMember { member, outcome, .. } = failed;
        Self {
            tenant_id: member.tenant_id.clone(),
            community_user_id: member.community_user_id.clone(),
            username: member.username.clone(),
            email: member.email.clone(),
            cause: outcome.why_not,
            domain: outcome.domain.clone(),
        }
    }
}

/// Posts a ticket once, and keeps what came of it. `None` if no webhook is configured; then nothing is sent or kept.
pub(crate) async fn post(
    installation: &Installation,
    ticket: &Ticket,
    page: &str,
    who: &str,
    by: &By,
) -> Result<Option<TicketPost>, StoreError> {
    let Some(webhook) = &installation.webhook else {
        return Ok(None);
    };
    let body = body(installation, ticket, page).await?;
    let at = by.at;
    let (status, failure) = match send(installation, webhook, ticket, at, body).await {
        Ok(answered) => (Some(answered.status.as_u16()), of_status(answered.status)),
        Err(failure) => (None, Some(failure)),
    };
    let post = TicketPost {
        by: who.to_owned(),
        at,
        status,
        failure,
    };
    installation
        .store
        .keep_ticket_post(ticket.number, &post, by)
        .await?;
    Ok(Some(post))
}

async fn body(installation: &Installation, ticket: &Ticket, page: &str) -> Result<Vec<u8>, StoreError> {
    let store = installation.store.as_ref();
    let mut document = opened(store, ticket).await?;
    let mut members = Vec::new();
    each_member(store, ticket.number, &mut |failed| {
        document.add(&failed.member, &failed.outcome);
        if members.len() < MEMBERS_MAX {
            members.push(Member::from(failed));
        }
    })
    .await?;
    let payload = Payload {
        reference: ticket_reference(ticket.number),
        url: page,
        created_at: ticket.at,
        created_by: &ticket.by,
        rule_version: ticket.rule_version,
        selection: &ticket.selection,
        members_total: document.members(),
        causes: document.groups().into_iter().map(Group::from).collect(),
        members,
        document: document.markdown(),
    };
    serde_json::to_vec(&payload).map_err(|error| StoreError::Corrupt(error.to_string()))
}

async fn send(
    installation: &Installation,
    webhook: &Webhook,
    ticket: &Ticket,
    at: DateTime<Utc>,
    body: Vec<u8>,
) -> Result<Answered, PostFailure> {
    let secret = webhook.secret().map_err(|why| {
        failure(
            Owner::You,
            format!("The secret that signs tickets cannot be read: {why}."),
            format!("Ask an operator to name a readable file with {SECRET_FILE}. Nothing was sent."),
        )
    })?;
    let client = HttpClient::new(&installation.allowed).map_err(|error| {
        failure(
            Owner::Us,
            format!("The HTTP client cannot be made: {}.", with_sources(&error)),
            "Ask an operator to check the machine's TLS certificates. Nothing was sent.",
        )
    })?;
    let timestamp = at.timestamp();
    let signature = signature(&secret, timestamp, &body);
    let ask = Ask {
        method: Method::POST,
        url: webhook.url.clone(),
        headers: headers(timestamp, &signature, &ticket_reference(ticket.number)),
        body,
    };
    Asking::new(client)
        .ask(ask)
        .await
        .map_err(|error| of_silence(&error))
}

fn headers(timestamp: i64, signature: &str, reference: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(TIMESTAMP, HeaderValue::from(timestamp));
    for (name, value) in [(SIGNATURE, signature), (IDEMPOTENCY_KEY, reference)] {
        // Both are letters, digits and signs that a header may hold.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers
}

/// `v1=` and the HMAC-SHA-256 of the timestamp, a full stop and the body.
fn signature(secret: &SecretString, timestamp: i64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("a key of any length");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("v1={}", to_hex(&mac.finalize().into_bytes()))
}

fn failure(owner: Owner, cause: impl Into<String>, next_action: impl Into<String>) -> PostFailure {
    PostFailure {
        cause: cause.into(),
        owner,
        next_action: next_action.into(),
    }
}

/// Why no answer came.
fn of_silence(error: &NotAnswered) -> PostFailure {
    let cause = app::ui::words::sentence(&format!("It could not be posted: {error}"));
    let next = if let Some(entry) = error.entry() {
        format!(
            "Ask an operator to correct {URL}, or to let the host pass with TRIBUTARY_ALLOW_HOSTS={entry}."
        )
    } else if error.heals_itself() {
        "Post it again in a while. If it stays, ask whoever runs the receiver.".to_owned()
    } else {
        format!("Ask an operator to correct {URL}, then post it again.")
    };
    failure(Owner::You, cause, next)
}

/// Why an answer is no yes; `None` if it is one.
fn of_status(status: StatusCode) -> Option<PostFailure> {
    let next = match status {
        status if status.is_success() => return None,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!(
            "Ask an operator whether the receiver has the same secret as {SECRET_FILE}, then post it again."
        ),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => {
            format!("Ask an operator to correct {URL}, then post it again.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            "Make tickets of fewer users, by cause or by connection, and post these.".to_owned()
        }
        status if status.is_redirection() => {
            format!("No redirect is followed. Ask an operator to name the last address with {URL}.")
        }
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            "Post it again in a while. If it stays, ask whoever runs the receiver.".to_owned()
        }
        _ => "Ask whoever runs the receiver what it does not take, then post it again.".to_owned(),
    };
    Some(failure(
        Owner::You,
        format!("The receiver did not take it ({}).", status.as_u16()),
        next,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_as_the_standard_has_it() {
        // By Python's hmac: "1793000000.{}".
        let secret = SecretString::from("a secret of the receiver");
        let first = signature(&secret, 1_793_000_000, b"{}");
        assert_eq!(
            first,
            "v1=52e88316ba16ad4063b7c85bbebf05bd3405449fae5774b1c6a7ae357b91242c"
        );
        assert_ne!(first, signature(&secret, 1_793_000_001, b"{}"));
        assert_ne!(first, signature(&secret, 1_793_000_000, b"{ }"));
        let other = SecretString::from("another secret of it");
        assert_ne!(first, signature(&other, 1_793_000_000, b"{}"));
    }

    #[test]
    fn every_answer_but_a_yes_says_what_to_do() {
        assert_eq!(of_status(StatusCode::ACCEPTED), None);
        for status in [302, 400, 401, 404, 413, 429, 500, 503] {
            let status = StatusCode::from_u16(status).expect("a status");
            let failure = of_status(status).expect("a failure");
            assert!(failure.cause.contains(status.as_str()), "{failure:?}");
            assert!(failure.next_action.ends_with('.'), "{failure:?}");
        }
    }

    #[test]
    fn nothing_of_a_webhook_but_its_host_is_printed() {
        let url = Url::parse("https://desk.example/hooks/hidden").expect("a URL");
        let webhook = Webhook::new(url, PathBuf::from("secret.txt"));
        assert_eq!(format!("{webhook:?}"), "Webhook { host: \"desk.example\", .. }");
    }
}
