//! To what something was done, as entries of the trail name it: kind and id, a word about the change, and counts. A
//! member is named by the connection alone, so that the trail names nobody who is erased.

use domain::{ConnectionId, RunId};
use uuid::Uuid;

use crate::{AuditFilter, ImportOutcome, Link};

pub fn connection(id: ConnectionId) -> String {
    format!("connection {id}")
}

pub fn run(id: RunId) -> String {
    format!("run {id}")
}

pub fn rules(version: i64) -> String {
    format!("rules version {version}")
}

pub fn ticket(number: i64) -> String {
    format!("ticket T-{number}")
}

pub fn company(external_id: &str) -> String {
    format!("company {external_id}")
}

/// The receipt, which names nobody either.
pub fn erasure(id: Uuid) -> String {
    format!("erasure {id}")
}

pub fn member(connection: ConnectionId) -> String {
    format!("a member of connection {connection}")
}

/// Without the person that the member may be.
pub fn link(connection: ConnectionId, link: &Link) -> String {
    let member = member(connection);
    match &link.company_external_id {
        Some(company) => format!("{member} to company {company}"),
        None => member,
    }
}

pub fn imported(rows: &ImportOutcome) -> String {
    format!("{} new, {} changed", rows.new, rows.updated)
}

pub fn secrets(count: u64) -> String {
    format!("secrets {count}")
}

/// The key that seals from now on.
pub fn key(id: &str) -> String {
    format!("key {id}")
}

/// What was taken along of the trail; `None` is all of it.
pub fn entries(filter: &AuditFilter) -> Option<String> {
    let deed = filter.deed.map(|deed| format!("of {}", deed.as_str()));
    let actor = filter.actor.map(|actor| {
        let id = actor.account().map(|id| id.0).or(actor.token().map(|id| id.0));
        let id = id.map_or_else(String::new, |id| format!(" {id}"));
        format!("by {}{id}", actor.kind())
    });
    let parts: Vec<String> = [deed, actor].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("entries {}", parts.join(" ")))
}

/// Entries up to this number.
pub fn cut(number: u64) -> String {
    format!("entries up to {number}")
}
