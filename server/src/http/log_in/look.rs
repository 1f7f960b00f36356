//! The pages around the log-in: complete without scripts, in the console's own style, and with nothing on them that only
//! people with an account may see.

use std::{fmt::Display, sync::Arc};

use app::{
    error::AppError,
    ui::{icon::Icon, markup::Text, words::lower_first},
};
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use domain::Owner;
use store::StoreError;
use tracing::error;

use crate::{error::with_sources, http::headers::OWN_PAGE_POLICY, secrets::to_hex, system::random_bytes};

/// Streams that become one.
const ART: &str = include_str!("art.svg");
const MARK: &str = include_str!("mark.svg");

/// What these pages have in common. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    stylesheet: Arc<str>,
    /// What the console is called: its host.
    pub(super) console: Arc<str>,
}

/// What went wrong, whose turn it is, and what to do next.
pub(super) struct Trouble {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) next: String,
}

impl Trouble {
    pub(super) fn new(status: StatusCode, title: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            status,
            title: title.into(),
            next: next.into(),
        }
    }
}

impl Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            r#"<div class="problem compact" role="alert"><p class="problem-title">{}{}</p><p>{}</p></div>"#,
            Icon::CrossOctagon,
            Text(&self.title),
            Text(&self.next)
        )
    }
}

impl Look {
    pub(crate) fn new(stylesheet: &str, console: &str) -> Self {
        Self {
            stylesheet: stylesheet.into(),
            console: console.into(),
        }
    }

    /// A page with this title and content, which is markup.
    pub(super) fn page(&self, status: StatusCode, title: &str, content: &str) -> Response {
        let page = format!(
            r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Tributary</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{stylesheet}">
<script src="/show-password.js" defer></script>
</head>
<body class="door">
<main id="main" class="door-main">
<p class="mark">{MARK}Tributary</p>
<div class="door-content">
<h1>{title}</h1>
{content}
</div>
</main>
<div class="door-side">
{ART}
<p class="door-words"><strong>Every community, in one place, every morning.</strong>
Members, topics, replies, ideas and views from each tenant, tied to the company they belong to.</p>
</div>
</body>
</html>
"#,
            title = Text(title),
            stylesheet = Text(&self.stylesheet),
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, OWN_PAGE_POLICY);
        (status, headers, Html(page)).into_response()
    }

    /// For someone whose role does not include a page.
    pub(crate) fn not_allowed(&self) -> Response {
        self.wrong(
            StatusCode::FORBIDDEN,
            "This page is not for your role",
            &AppError::NotAllowed,
        )
    }

    /// The cause goes to the log under a reference; only the reference goes to the browser.
    pub(super) fn failed(&self, failure: &StoreError) -> Response {
        let reference = to_hex(&random_bytes::<4>());
        error!(reference, error = %with_sources(failure), "a page around the log-in could not be answered");
        self.wrong(
            StatusCode::INTERNAL_SERVER_ERROR,
            "This could not be done",
            &AppError::Internal { reference },
        )
    }

    fn wrong(&self, status: StatusCode, title: &str, error: &AppError) -> Response {
        let next = match error.owner() {
            Owner::You => format!("Your turn: {}", lower_first(&error.next_action())),
            Owner::Us | Owner::Provider => format!("Our turn. {}", error.next_action()),
        };
        let trouble = Trouble::new(status, error.to_string(), next);
        self.page(
            status,
            title,
            &format!(r#"{trouble}<p><a class="button" href="/">Go to the start</a></p>"#),
        )
    }
}

/// A field for a password, with a button that shows it where scripts run.
pub(super) fn password_field(label: &str, kind: &str, more: &str) -> String {
    format!(
        r#"<div class="field"><label class="field-name" for="password">{label}</label>
<span class="password"><input id="password" name="password" type="password" required autocomplete="{kind}" {more}>
<button class="button quiet" type="button" data-shows="password" aria-pressed="false" hidden>{} Show<span class="visually-hidden"> the password</span></button></span></div>"#,
        Icon::Eye
    )
}

/// A field that is not seen.
pub(super) fn hidden(name: &str, value: &str) -> String {
    format!(r#"<input type="hidden" name="{name}" value="{}">"#, Text(value))
}
