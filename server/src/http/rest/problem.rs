//! What a request ends with when it cannot be answered: a problem document (RFC 9457) that names cause, whose turn it is
//! and the next action.

use app::error::AppError;
use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Owner, Scope};
use serde::Serialize;
use store::StoreError;
use tracing::error;

use crate::{accounts::BadToken, error::with_sources, secrets::to_hex, system::random_bytes};

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
/// How a program shows who it is.
const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"tributary\"");
/// Longest text of another layer that is put into a problem, in bytes.
const DETAIL_MAX_BYTES: usize = 2 * 1024;

#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    /// An URN, since there is no page about it: `urn:tributary:problem:` and the cause.
    r#type: String,
    title: &'static str,
    status: u16,
    #[serde(skip)]
    code: StatusCode,
    detail: String,
    /// A word that programs may decide by; words may be added.
    cause: &'static str,
    owner: Owner,
    next_action: String,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        cause: &'static str,
        detail: impl Into<String>,
        next_action: impl Into<String>,
    ) -> Self {
        let ours = status.is_server_error();
        Self {
            r#type: format!("urn:tributary:problem:{cause}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: status,
            detail: detail.into(),
            cause,
            owner: if ours { Owner::Us } else { Owner::You },
            next_action: next_action.into(),
        }
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            what,
            "Check the address. /api/openapi.json lists what there is.",
        )
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "This answers programs that show a token, and people who have logged in.",
            "Send the header Authorization: Bearer TOKEN. An operator makes one with: tributary token add",
        )
    }

    /// A token that is good for nothing.
    pub(crate) fn bad_token(bad: BadToken) -> Self {
        let (cause, what) = match bad {
            BadToken::Unknown => ("token_unknown", "is none that is known here"),
            BadToken::Expired => ("token_expired", "has expired"),
            BadToken::Revoked => ("token_revoked", "was revoked"),
            BadToken::Suspended => (
                "token_suspended",
                "was made by someone who may not do so any more",
            ),
        };
        Self::new(
            StatusCode::UNAUTHORIZED,
            cause,
            format!("The token that was shown {what}."),
            "Show another one. An operator makes it with: tributary token add",
        )
    }

    pub(crate) fn without_scope(scope: Scope) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "scope_missing",
            format!("The token that was shown lacks the scope {scope}."),
            format!("Show one that has it. An operator makes it with: tributary token add --scope {scope}"),
        )
    }

    pub(crate) fn malformed(what: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            what,
            "Correct the request. /api/openapi.json says what it may hold.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code;
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM)], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, BEARER);
        }
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let (status, cause) = match &error {
            AppError::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            AppError::Refused { .. } => (StatusCode::CONFLICT, "refused"),
            AppError::NotLoggedIn => (StatusCode::UNAUTHORIZED, "unauthorized"),
            AppError::NotAllowed => (StatusCode::FORBIDDEN, "forbidden"),
            AppError::Unconfirmed => (StatusCode::FORBIDDEN, "unconfirmed"),
            AppError::Unreachable { .. } => (StatusCode::BAD_REQUEST, "malformed"),
            AppError::Internal { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        let next_action = match &error {
            AppError::Internal { .. } => {
                "Ask again. If it stays, give the reference to an operator.".to_owned()
            }
            other => other.next_action(),
        };
        Self::new(status, cause, error.to_string(), next_action)
    }
}

/// The cause goes to the log under a reference; only the reference leaves the process.
impl From<StoreError> for Problem {
    fn from(failure: StoreError) -> Self {
        let reference = to_hex(&random_bytes::<4>());
        error!(reference, error = %with_sources(&failure), "the API could not answer");
        AppError::Internal { reference }.into()
    }
}

/// Gives what other layers refuse (limits, other sites, silence) the form of a problem, too.
pub(crate) async fn as_problems(request: Request, next: Next) -> Response {
    let ours = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    if !ours || !refused || response.headers().get(header::CONTENT_TYPE) == Some(&PROBLEM) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, DETAIL_MAX_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    let cause = match status {
        StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::MISDIRECTED_REQUEST => "misdirected",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ => "refused",
    };
    let detail = if text.is_empty() {
        "The request was not answered.".to_owned()
    } else {
        text
    };
    let next = if status.is_server_error() {
        "Ask again later."
    } else {
        "Correct the request. /api/openapi.json says what it may hold."
    };
    let (of_problem, body) = Problem::new(status, cause, detail, next)
        .into_response()
        .into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(of_problem.headers);
    Response::from_parts(parts, body)
}
