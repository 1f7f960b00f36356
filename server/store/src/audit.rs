//! Who did what to what, from where. An entry is written in the transaction of the change itself.
//!
//! Each entry's hash covers the one before, so that a removed, changed or inserted entry shows. An entry names accounts
//! and things by their ids alone, so that it names nobody once their account is gone, and never a member.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{AccountId, TokenId};
use serde::Serialize;

use crate::StoreError;

/// Who does something now, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    pub actor: Actor,
    /// The network address, or the user of the machine that runs a command.
    pub origin: Option<String>,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Account(AccountId),
    /// A program that shows a token.
    Token(TokenId),
    /// Whoever may run commands on the machine.
    Operator,
    /// Someone who has not logged in.
    Nobody,
}

impl Actor {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Token(_) => "token",
            Self::Operator => "operator",
            Self::Nobody => "nobody",
        }
    }

    pub fn account(self) -> Option<AccountId> {
        match self {
            Self::Account(id) => Some(id),
            Self::Token(_) | Self::Operator | Self::Nobody => None,
        }
    }

    pub fn token(self) -> Option<TokenId> {
        match self {
            Self::Token(id) => Some(id),
            Self::Account(_) | Self::Operator | Self::Nobody => None,
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    AccountAdded,
    AccountDisabled,
    AccountEnabled,
    RoleChanged,
    PasswordSet,
    /// A one-time link was made, for a password or for the first account.
    SetUpOffered,
    LoggedIn,
    LogInFailed,
    LoggedOut,
    SessionEnded,
    /// The password was given again, for a sensitive change.
    Confirmed,
    TokenAdded,
    TokenRevoked,
}

impl Deed {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountAdded => "account_added",
            Self::AccountDisabled => "account_disabled",
            Self::AccountEnabled => "account_enabled",
            Self::RoleChanged => "role_changed",
            Self::PasswordSet => "password_set",
            Self::SetUpOffered => "set_up_offered",
            Self::LoggedIn => "logged_in",
            Self::LogInFailed => "log_in_failed",
            Self::LoggedOut => "logged_out",
            Self::SessionEnded => "session_ended",
            Self::Confirmed => "confirmed",
            Self::TokenAdded => "token_added",
            Self::TokenRevoked => "token_revoked",
        }
    }
}

/// One line of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// From 1, without a gap.
    pub number: u64,
    pub at: DateTime<Utc>,
    /// [`Actor::kind`].
    pub actor: String,
    pub account_id: Option<AccountId>,
    pub token_id: Option<TokenId>,
    pub origin: Option<String>,
    /// [`Deed::as_str`].
    pub deed: String,
    /// Kind and id of what it was done to, such as `account 0193…`.
    pub target: Option<String>,
    /// Of this entry and all before it.
    pub hash: String,
}

/// The hash of the entry before the first.
pub const CHAIN_BEGIN: &str = "";

impl AuditEntry {
    /// The entry that follows the one of the given number and hash.
    pub fn next(last: Option<(u64, String)>, by: &By, deed: Deed, target: Option<String>) -> Self {
        let (number, before) = last.unwrap_or_else(|| (0, CHAIN_BEGIN.to_owned()));
        let mut entry = Self {
            number: number + 1,
            at: by.at,
            actor: by.actor.kind().to_owned(),
            account_id: by.actor.account(),
            token_id: by.actor.token(),
            origin: by.origin.clone(),
            deed: deed.as_str().to_owned(),
            target,
            hash: String::new(),
        };
        entry.hash = entry.chained(&before);
        entry
    }

    /// What the hash must be, given the one before.
    pub fn chained(&self, before: &str) -> String {
        let number = self.number.to_string();
        let at = self.at.timestamp_micros().to_string();
        let account = self.account_id.map(|id| id.to_string());
        let token = self.token_id.map(|id| id.to_string());
        let mut parts = vec![
            Some(before),
            Some(&number),
            Some(&at),
            Some(&self.actor),
            account.as_deref(),
            self.origin.as_deref(),
            Some(&self.deed),
            self.target.as_deref(),
        ];
        if token.is_some() {
            // Entries without one have the hash that they had before there were tokens.
            parts.push(token.as_deref());
        }
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            // Whether it is there and its length come first, so that no two lists of parts are one text.
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            hasher.update(&length.to_le_bytes());
            hasher.update(part.unwrap_or_default().as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    #[error("entry {0} is missing")]
    Missing(u64),
    #[error("entry {0} is not what was written, or the one before it is not")]
    Changed(u64),
}

/// Checks entries in the order of their numbers, some at a time.
#[derive(Clone, Debug)]
pub struct Chain {
    next: u64,
    hash: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            next: 1,
            hash: CHAIN_BEGIN.to_owned(),
        }
    }
}

impl Chain {
    pub fn check(&mut self, entry: &AuditEntry) -> Result<(), BrokenChain> {
        if entry.number != self.next {
            return Err(BrokenChain::Missing(self.next));
        }
        if entry.chained(&self.hash) != entry.hash {
            return Err(BrokenChain::Changed(entry.number));
        }
        self.next += 1;
        self.hash.clone_from(&entry.hash);
        Ok(())
    }

    /// How many entries were checked.
    pub fn checked(&self) -> u64 {
        self.next - 1
    }

    /// The hash of the last one: kept elsewhere, it shows whether entries were cut off at the end.
    pub fn head(&self) -> &str {
        &self.hash
    }
}

#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Entries after a number, oldest first.
    async fn audit_after(&self, number: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    /// Entries before a number, or the latest ones, newest first.
    async fn audit_before(&self, number: Option<u64>, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    /// Writes an entry by itself, for what changes no other table.
    async fn note(&self, deed: Deed, target: Option<String>, by: &By) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn chain(length: u64) -> Vec<AuditEntry> {
        let by = By {
            actor: Actor::Operator,
            origin: None,
            at: DateTime::UNIX_EPOCH,
        };
        let mut last = None;
        (1..=length)
            .map(|_| {
                let entry = AuditEntry::next(last.take(), &by, Deed::LoggedIn, Some("target".into()));
                last = Some((entry.number, entry.hash.clone()));
                entry
            })
            .collect()
    }

    fn check(entries: &[AuditEntry]) -> Result<u64, BrokenChain> {
        let mut chain = Chain::default();
        for entry in entries {
            chain.check(entry)?;
        }
        Ok(chain.checked())
    }

    #[test]
    fn an_untouched_chain_holds() {
        assert_eq!(check(&chain(4)), Ok(4));
        assert_eq!(check(&[]), Ok(0));
    }

    #[test]
    fn a_removed_entry_shows() {
        for removed in 0..3 {
            let mut entries = chain(4);
            entries.remove(removed);
            assert_eq!(check(&entries), Err(BrokenChain::Missing(removed as u64 + 1)));
        }
    }

    #[test]
    fn a_removed_entry_shows_even_if_the_rest_is_renumbered() {
        let mut entries = chain(4);
        entries.remove(1);
        for (number, entry) in (1..).zip(&mut entries) {
            entry.number = number;
        }
        assert_eq!(check(&entries), Err(BrokenChain::Changed(2)));
    }

    #[test]
    fn every_changed_field_shows() {
        let changes: [fn(&mut AuditEntry); 8] = [
            |entry| entry.at += chrono::TimeDelta::microseconds(1),
            |entry| entry.actor = "nobody".into(),
            |entry| entry.account_id = Some(AccountId(Uuid::nil())),
            |entry| entry.token_id = Some(TokenId(Uuid::nil())),
            |entry| entry.origin = Some(String::new()),
            |entry| entry.deed.push('x'),
            |entry| entry.target = None,
            |entry| entry.hash.push('0'),
        ];
        for change in changes {
            let mut entries = chain(3);
            change(&mut entries[1]);
            assert_eq!(check(&entries), Err(BrokenChain::Changed(2)));
        }
    }
}
