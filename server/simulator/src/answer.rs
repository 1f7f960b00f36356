//! An answer before it is sent.

use crate::json::Json;
use std::time::Duration;

const JSON: &str = "application/json";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// Seconds or a date.
    pub(crate) retry_after: Option<String>,
    /// Sent only after this time.
    pub(crate) delay: Option<Duration>,
    /// The connection is cut when half of the body is sent.
    pub(crate) reset: bool,
    /// The connection is closed, and nothing is sent.
    pub(crate) lost: bool,
}

impl Answer {
    fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type,
            body,
            retry_after: None,
            delay: None,
            reset: false,
            lost: false,
        }
    }

    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self::new(200, JSON, body)
    }

    pub(crate) fn html(page: &str) -> Self {
        Self::new(200, "text/html; charset=utf-8", page.as_bytes().to_vec())
    }

    /// With a message only, as the server's own errors are.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        let mut json = Json::default();
        json.raw("{").key("message").string(message).raw("}");
        Self::new(status, JSON, json.into_bytes())
    }

    /// With a message and a description, as 400, 403 and 404 are.
    pub(crate) fn described(status: u16, message: &str, description: &str) -> Self {
        let mut json = Json::default();
        json.raw("{")
            .key("message")
            .string(message)
            .key("description")
            .string(description)
            .raw("}");
        Self::new(status, JSON, json.into_bytes())
    }

    pub(crate) fn not_found(description: &str) -> Self {
        Self::described(404, "Not Found", description)
    }

    /// With one entry in `errors`.
    pub(crate) fn unprocessable(error: &str) -> Self {
        let mut json = Json::default();
        json.raw("{")
            .key("message")
            .string("Validation failed")
            .key("errors")
            .raw("[")
            .string(error)
            .raw("]}");
        Self::new(422, JSON, json.into_bytes())
    }

    /// As an OAuth server refuses (RFC 6749, section 5.2).
    pub(crate) fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        let mut json = Json::default();
        json.raw("{")
            .key("error")
            .string(error)
            .key("error_description")
            .string(description)
            .raw("}");
        Self::new(status, JSON, json.into_bytes())
    }

    pub(crate) fn retry_after(self, wait: String) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    pub(crate) fn delayed(self, delay: Duration) -> Self {
        Self {
            delay: Some(delay),
            ..self
        }
    }
}
