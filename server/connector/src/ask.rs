//! A request to somebody who is no tenant's provider: the identity provider, whoever receives webhooks.
//!
//! It goes through the one client, and so through the operator's filter. What an answer says is the caller's to judge: one
//! with an error status is an answer, too, and so is a redirect to another origin, which is not followed.

use std::{fmt, time::Duration};

use reqwest::{Method, StatusCode, Url, header::HeaderMap};

use crate::{
    failure::{Lost, lost},
    http::{Broken, HttpClient},
    outbound::Refused,
};

/// Longest whole exchange: a browser, or the next delivery, waits for it.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer, in bytes after decompression: a provider's keys are some kilobytes.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;

/// Asks one bounded question at a time. Cheap to clone: all share the one client.
#[derive(Clone, Debug)]
pub struct Asking {
    http: HttpClient,
    timeout: Duration,
}

/// What is sent. Headers and body may hold secrets, and paths, too: none of them prints itself.
#[derive(Clone)]
pub struct Ask {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// An answer, read to its end. Of one that is an error up to 64 KiB are kept.
#[derive(Clone)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why there is no answer. Names the host alone, so it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswered {
    /// Nothing was sent: the operator's filter does not let it pass.
    #[error("no request is sent: {0}")]
    Refused(Refused),
    #[error("the host {host} cannot be found (no address for this name)")]
    UnknownHost { host: String },
    /// What the host did, in words such as "did not answer in time".
    #[error("the host {host} {what}")]
    Unreachable { host: String, what: &'static str },
    #[error("the host {host} answered with more than {limit} bytes")]
    TooLong { host: String, limit: usize },
    #[error("the answer of the host {host} was cut off after {read} bytes")]
    Cut { host: String, read: usize },
    /// A header or the URL is none that can be sent.
    #[error("the request for the host {host} cannot be made")]
    Unsendable { host: String },
}

impl NotAnswered {
    /// Whether the same request may be answered later, with nobody changing anything here.
    pub fn heals_itself(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Cut { .. })
    }

    /// What the operator would have to let pass by `TRIBUTARY_ALLOW_HOSTS`, if that is what it takes.
    pub fn entry(&self) -> Option<String> {
        match self {
            Self::Refused(refused) => refused.entry(),
            _ => None,
        }
    }
}

impl Asking {
    pub fn new(client: HttpClient) -> Self {
        Self {
            http: client.reading_at_most(ANSWER_MAX_BYTES),
            timeout: EXCHANGE_TIMEOUT,
        }
    }

    /// The same, with another bound of a whole exchange.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends once, and reads the answer within the bounds.
    pub async fn ask(&self, ask: Ask) -> Result<Answered, NotAnswered> {
        let host = ask.url.host_str().unwrap_or_default().to_owned();
        let request = self.http.client().request(ask.method, ask.url);
        let request = request.headers(ask.headers).body(ask.body).timeout(self.timeout);
        match self.http.send(request).await {
            Ok(answer) => {
                let status = answer.status.as_u16();
                tracing::debug!(host, status, bytes = answer.body.len(), "answered");
                Ok(Answered {
                    status: answer.status,
                    headers: answer.headers,
                    body: answer.body,
                })
            }
            Err(broken) => Err(not_answered(broken, host)),
        }
    }
}

fn not_answered(broken: Broken, host: String) -> NotAnswered {
    let error = match broken {
        Broken::Refused(refused) => return NotAnswered::Refused(refused),
        Broken::TooLong { limit } => return NotAnswered::TooLong { host, limit },
        Broken::Cut { read, error } if !error.is_timeout() => return NotAnswered::Cut { host, read },
        Broken::Cut { error, .. } | Broken::Transport(error) => error,
    };
    match lost(&error) {
        Lost::Refused(refused) => NotAnswered::Refused(refused),
        Lost::UnknownHost => NotAnswered::UnknownHost { host },
        Lost::Unsendable => NotAnswered::Unsendable { host },
        Lost::Broken(what) => NotAnswered::Unreachable { host, what },
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answered")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
