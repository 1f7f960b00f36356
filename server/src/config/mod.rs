//! What an operator can set, one struct per concern. Each option has an environment variable.

mod database;
mod http;
mod outbound;
mod retention;
mod secrets;
mod sign_on;
mod sync;
mod telemetry;
mod webhook;

pub(crate) use database::{Database, DatabaseUrl};
pub(crate) use http::{Console, Http};
pub(crate) use outbound::Outbound;
pub(crate) use retention::Retention;
pub(crate) use secrets::{KeyFile, NewPassword, NewSecret};
pub(crate) use sign_on::SignOn;
pub(crate) use sync::{Sync, Worker};
pub(crate) use telemetry::{LogFormat, Telemetry};
pub(crate) use webhook::TicketWebhook;

/// Where the help lists what every command takes.
pub(crate) const COMMON: &str = "Common options";
