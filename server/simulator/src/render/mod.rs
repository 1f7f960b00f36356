//! Records as the provider writes them.

mod activity;
mod replies;
mod structure;
mod topics;
mod users;

use crate::damage::Flaw;
use crate::json::Json;

/// Addresses of files on the provider's upload host; they lead nowhere.
const UPLOADS: &str = "https://uploads.community.example/";

/// A creation time on the community paths, as damaged as the record is.
fn iso_creation(json: &mut Json, unix: u64, flaw: Option<Flaw>) {
    match flaw {
        Some(Flaw::ZeroTime) => json.raw("\"0000-00-00T00:00:00+00:00\""),
        Some(Flaw::NullTime) => json.raw("null"),
        _ => json.iso_time(unix),
    };
}

/// A creation time on the user paths.
fn unix_creation(json: &mut Json, unix: u64, flaw: Option<Flaw>) {
    match flaw {
        Some(Flaw::ZeroTime) => json.raw("\"0000-00-00\""),
        Some(Flaw::NullTime) => json.raw("null"),
        _ => json.number(unix),
    };
}
