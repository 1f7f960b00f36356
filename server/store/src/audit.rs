//! Who did what to what, from where. An entry is written in the transaction of the change itself.
//!
//! Each entry's hash covers the one before, so that a removed, changed or inserted entry shows. An entry names accounts
//! and things by their ids alone, so that it names nobody once their account is gone, and never a member.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{AccountId, TokenId};
use serde::Serialize;

use crate::{StoreError, targets};

/// Who does something now, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    pub actor: Actor,
    /// The network address, or the user of the machine that runs a command.
    pub origin: Option<String>,
    pub at: DateTime<Utc>,
}

impl By {
    /// An operator, from no place in particular.
    pub fn operator(at: DateTime<Utc>) -> Self {
        Self {
            actor: Actor::Operator,
            origin: None,
            at,
        }
    }
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

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("account", id)) => Some(Self::Account(AccountId(id.parse().ok()?))),
            Some(("token", id)) => Some(Self::Token(TokenId(id.parse().ok()?))),
            Some(_) => None,
            None => [Self::Operator, Self::Nobody]
                .into_iter()
                .find(|actor| actor.kind() == text),
        }
    }
}

/// `account:0193…`, `token:0193…`, `operator` or `nobody`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Account(id) => write!(f, ":{id}"),
            Self::Token(id) => write!(f, ":{id}"),
            Self::Operator | Self::Nobody => Ok(()),
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
    /// Somebody at the identity provider has the account from now on.
    AccountTied,
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
    ConnectionAdded,
    ConnectionActivated,
    ConnectionDeactivated,
    /// Where and as whom a tenant is read, and the secret.
    AccessReplaced,
    /// Which profile fields fill members' columns.
    MappingChanged,
    /// By hand.
    RunQueued,
    RunCancelled,
    RulesApplied,
    /// An earlier version decides again.
    RulesReturned,
    MemberLinked,
    MemberUnlinked,
    /// What was said of a member by hand is forgotten.
    MemberLeftToRules,
    /// A member has left their company.
    MemberLeft,
    /// A member who had left counts again.
    MemberBack,
    CompanySaved,
    /// To a company.
    DomainAdded,
    CompaniesImported,
    PersonsImported,
    ActivityImported,
    BouncesImported,
    TicketCreated,
    /// To the webhook, whether it was taken or not.
    TicketPosted,
    PersonErased,
    /// A new key seals secrets.
    KeyChanged,
    /// With the new key.
    SecretsResealed,
    /// Old entries went, as the operator keeps them for a time only.
    TrailCut,
    /// From the console, as a file.
    TrailExported,
}

impl Deed {
    pub const ALL: [Self; 41] = [
        Self::AccountAdded,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::RoleChanged,
        Self::AccountTied,
        Self::PasswordSet,
        Self::SetUpOffered,
        Self::LoggedIn,
        Self::LogInFailed,
        Self::LoggedOut,
        Self::SessionEnded,
        Self::Confirmed,
        Self::TokenAdded,
        Self::TokenRevoked,
        Self::ConnectionAdded,
        Self::ConnectionActivated,
        Self::ConnectionDeactivated,
        Self::AccessReplaced,
        Self::MappingChanged,
        Self::RunQueued,
        Self::RunCancelled,
        Self::RulesApplied,
        Self::RulesReturned,
        Self::MemberLinked,
        Self::MemberUnlinked,
        Self::MemberLeftToRules,
        Self::MemberLeft,
        Self::MemberBack,
        Self::CompanySaved,
        Self::DomainAdded,
        Self::CompaniesImported,
        Self::PersonsImported,
        Self::ActivityImported,
        Self::BouncesImported,
        Self::TicketCreated,
        Self::TicketPosted,
        Self::PersonErased,
        Self::KeyChanged,
        Self::SecretsResealed,
        Self::TrailCut,
        Self::TrailExported,
    ];

    /// The deed that the trail keeps under this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountAdded => "account_added",
            Self::AccountDisabled => "account_disabled",
            Self::AccountEnabled => "account_enabled",
            Self::RoleChanged => "role_changed",
            Self::AccountTied => "account_tied",
            Self::PasswordSet => "password_set",
            Self::SetUpOffered => "set_up_offered",
            Self::LoggedIn => "logged_in",
            Self::LogInFailed => "log_in_failed",
            Self::LoggedOut => "logged_out",
            Self::SessionEnded => "session_ended",
            Self::Confirmed => "confirmed",
            Self::TokenAdded => "token_added",
            Self::TokenRevoked => "token_revoked",
            Self::ConnectionAdded => "connection_added",
            Self::ConnectionActivated => "connection_activated",
            Self::ConnectionDeactivated => "connection_deactivated",
            Self::AccessReplaced => "access_replaced",
            Self::MappingChanged => "mapping_changed",
            Self::RunQueued => "run_queued",
            Self::RunCancelled => "run_cancelled",
            Self::RulesApplied => "rules_applied",
            Self::RulesReturned => "rules_returned",
            Self::MemberLinked => "member_linked",
            Self::MemberUnlinked => "member_unlinked",
            Self::MemberLeftToRules => "member_left_to_rules",
            Self::MemberLeft => "member_left",
            Self::MemberBack => "member_back",
            Self::CompanySaved => "company_saved",
            Self::DomainAdded => "domain_added",
            Self::CompaniesImported => "companies_imported",
            Self::PersonsImported => "persons_imported",
            Self::ActivityImported => "activity_imported",
            Self::BouncesImported => "bounces_imported",
            Self::TicketCreated => "ticket_created",
            Self::TicketPosted => "ticket_posted",
            Self::PersonErased => "person_erased",
            Self::KeyChanged => "key_changed",
            Self::SecretsResealed => "secrets_resealed",
            Self::TrailCut => "trail_cut",
            Self::TrailExported => "trail_exported",
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
    #[error("entries up to {0} are gone, and no later entry says that they were old enough to go")]
    CutUnsaid(u64),
}

/// Checks entries in the order of their numbers, some at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Entries up to this number went when they were old enough; 0 if none did.
    cut: u64,
    /// An entry says so, which is written with the cut.
    said: bool,
    last: u64,
    hash: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            cut: 0,
            said: true,
            last: 0,
            hash: CHAIN_BEGIN.to_owned(),
        }
    }
}

impl Chain {
    /// One whose entries up to the given one went; its hash is what the next one goes on from.
    pub fn after_cut(number: u64, hash: String) -> Self {
        Self {
            cut: number,
            said: false,
            last: number,
            hash,
        }
    }

    pub fn check(&mut self, entry: &AuditEntry) -> Result<(), BrokenChain> {
        if entry.number != self.last + 1 {
            return Err(BrokenChain::Missing(self.last + 1));
        }
        if entry.chained(&self.hash) != entry.hash {
            return Err(BrokenChain::Changed(entry.number));
        }
        let says = entry.deed == Deed::TrailCut.as_str();
        self.said |= says && entry.target.as_ref() == Some(&targets::cut(self.cut));
        self.last = entry.number;
        self.hash.clone_from(&entry.hash);
        Ok(())
    }

    /// To be asked after the last entry.
    pub fn end(&self) -> Result<(), BrokenChain> {
        if self.said {
            Ok(())
        } else {
            Err(BrokenChain::CutUnsaid(self.cut))
        }
    }

    /// How many entries were checked.
    pub fn checked(&self) -> u64 {
        self.last - self.cut
    }

    /// The number of the last entry; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Up to which number entries are gone; 0 if all are there.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// The hash of the last one: kept elsewhere, it shows whether entries were cut off at the end.
    pub fn head(&self) -> &str {
        &self.hash
    }
}

/// Which entries are asked for; all, unless it says more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub deed: Option<Deed>,
    pub actor: Option<Actor>,
}

#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Every entry after a number, oldest first.
    async fn audit_after(&self, number: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let all = AuditFilter::default();
        self.audit_found_after(&all, number, limit).await
    }

    /// Entries after a number, oldest first.
    async fn audit_found_after(
        &self,
        filter: &AuditFilter,
        number: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Entries before a number, or the latest ones, newest first.
    async fn audit_found_before(
        &self,
        filter: &AuditFilter,
        number: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// How many entries are kept.
    async fn audit_found(&self, filter: &AuditFilter) -> Result<u64, StoreError>;

    /// Writes an entry by itself, for what changes no other table.
    async fn note(&self, deed: Deed, target: Option<String>, by: &By) -> Result<(), StoreError>;

    /// The chain as it is before the first entry that is kept: that entry and those after it are to be checked.
    async fn audit_chain(&self) -> Result<Chain, StoreError>;

    /// Lets the first entries go that are from before the given time, so many at most, in one transaction with an entry
    /// that says so; the chain goes on from the last that went. How many went. Entries that say so of earlier cuts are no
    /// reason for another one.
    async fn cut_audit(&self, before: DateTime<Utc>, limit: u32, by: &By) -> Result<u64, StoreError>;
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
        chain.end()?;
        Ok(chain.checked())
    }

    #[test]
    fn deeds_and_whoever_did_them_are_found_by_their_names() {
        for deed in Deed::ALL {
            assert_eq!(Deed::parse(deed.as_str()), Some(deed));
        }
        assert_eq!(Deed::parse("logged_in_twice"), None);
        let id = Uuid::from_u128(7);
        for actor in [
            Actor::Account(AccountId(id)),
            Actor::Token(TokenId(id)),
            Actor::Operator,
            Actor::Nobody,
        ] {
            assert_eq!(Actor::parse(&actor.to_string()), Some(actor));
        }
        for nobody in ["", "account", "account:7", "operator:7", "jane@company.example"] {
            assert_eq!(Actor::parse(nobody), None, "{nobody}");
        }
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
    fn a_chain_goes_on_from_a_cut_that_an_entry_speaks_of() {
        let mut entries = chain(3);
        let by = By {
            actor: Actor::Operator,
            origin: None,
            at: DateTime::UNIX_EPOCH,
        };
        let last = Some((3, entries[2].hash.clone()));
        entries.push(AuditEntry::next(last, &by, Deed::TrailCut, Some(targets::cut(2))));
        let cut_at = |place: usize| {
            let gone = &entries[place];
            let mut chain = Chain::after_cut(gone.number, gone.hash.clone());
            for entry in &entries[place + 1..] {
                chain.check(entry)?;
            }
            chain.end().map(|()| (chain.cut(), chain.checked(), chain.last()))
        };
        assert_eq!(cut_at(1), Ok((2, 2, 4)));
        assert_eq!(cut_at(0), Err(BrokenChain::CutUnsaid(1)), "nobody said so");
        assert_eq!(cut_at(2), Err(BrokenChain::CutUnsaid(3)), "more than was said");
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
