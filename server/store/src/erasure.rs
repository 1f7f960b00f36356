//! Erasing a person, and keeping them out afterwards.
//!
//! What stays of an erased person is a keyed hash of their address and of their member ids. Its key, the salt, is a
//! secret of the installation: nobody who has the database alone can try addresses against it.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, Stream, TenantId,
    record::{InvalidRecord, Record},
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{By, ContentHash, StoreError};

/// The name of the installation's secret that erased persons are hashed with. A space makes it no tenant id.
pub const SALT_NAME: &str = "salt of erasures";
/// What stands in the place of an erased person's name, and of what was said of their record.
pub const ERASED: &str = "[erased]";
/// What stands in the place of their payload: JSON that no record can be made of.
pub const ERASED_PAYLOAD: &str = "\"[erased]\"";
/// What stands in the place of a payload that was kept for as long as the operator wants.
pub const EXPIRED_PAYLOAD: &str = "\"[expired]\"";
/// Levels of a payload that are looked into; more than any payload has.
const DEPTH_MAX: usize = 64;

/// An address as addresses are compared: trimmed and in lower case. `None` if it is none.
pub fn normal_email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (user, host) = text.split_once('@')?;
    (!user.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)).then_some(text)
}

/// A person as the database keeps them after they were erased, in 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonHash(pub String);

/// The key of these hashes.
#[derive(Clone)]
pub struct Salt([u8; 32]);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt")
    }
}

impl Salt {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn of_email(&self, normal: &str) -> PersonHash {
        self.person(&[b"email", normal.as_bytes()])
    }

    pub fn of_member(&self, connection: ConnectionId, member_id: &str) -> PersonHash {
        self.person(&[b"member", connection.0.as_bytes(), member_id.as_bytes()])
    }

    /// The hash of a record that was served with its person, kept for the record without them: an equal one is still
    /// known as such, and the person cannot be tried for.
    pub fn of_content(&self, served: ContentHash) -> ContentHash {
        let hash = self.hash(&[b"content", &served.0]);
        ContentHash(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    fn person(&self, parts: &[&[u8]]) -> PersonHash {
        PersonHash(self.hash(parts).to_hex()[..32].to_owned())
    }

    fn hash(&self, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in parts {
            // Its length first, so that no two lists of parts are one text.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize()
    }
}

/// Opens the salt, which stores keep sealed.
pub trait OpenSalt: Send + Sync {
    /// The salt, or why it does not open.
    fn open(&self, sealed: &str) -> Result<Salt, String>;
}

/// The salt of a store, opened when it is first needed.
#[derive(Default)]
pub struct SaltKeeper {
    opener: OnceLock<Arc<dyn OpenSalt>>,
    salt: OnceLock<Salt>,
}

impl fmt::Debug for SaltKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltKeeper")
    }
}

impl SaltKeeper {
    /// Whoever opens it first goes on opening it.
    pub fn use_opener(&self, opener: Arc<dyn OpenSalt>) {
        // A second one could only open the same salt.
        let _ = self.opener.set(opener);
    }

    pub fn known(&self) -> Option<&Salt> {
        self.salt.get()
    }

    /// The salt; `sealed` is what the store keeps. Without it erased persons cannot be told from others, so nothing is
    /// written.
    pub fn open(&self, sealed: Option<&str>) -> Result<&Salt, StoreError> {
        if let Some(salt) = self.salt.get() {
            return Ok(salt);
        }
        let refused = |why: &str| {
            StoreError::Unavailable(format!(
                "Persons were erased from this database, and their hashes cannot be read: {why}. Nothing is written that might bring them back. Give the process the key file that belongs to this database (TRIBUTARY_SECRET_KEY_FILE)."
            ))
        };
        let sealed = sealed.ok_or_else(|| refused("the salt is missing"))?;
        let opener = self
            .opener
            .get()
            .ok_or_else(|| refused("this process has no keys"))?;
        let salt = opener.open(sealed).map_err(|why| refused(&why))?;
        Ok(self.salt.get_or_init(|| salt))
    }
}

/// Who is to be erased.
#[derive(Clone, Debug)]
pub struct ErasureRequest {
    pub id: Uuid,
    /// As [`normal_email`] has it.
    pub email: String,
    pub at: DateTime<Utc>,
}

/// How much of a person was reached in one tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErasedCounts {
    /// Members, whose rows are gone.
    pub users: u64,
    /// Topics and replies, which stay without their author.
    pub content: u64,
    /// Activity, which stays without its member.
    pub activity: u64,
    /// Invalid records, which stay with their reason alone.
    pub invalid_records: u64,
    /// Texts of others that held the address.
    pub mentions: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErasedOfTenant {
    pub tenant_id: TenantId,
    #[serde(flatten)]
    pub counts: ErasedCounts,
}

/// What was erased, without saying whose it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub id: Uuid,
    pub erased_at: DateTime<Utc>,
    /// Persons of the customer-success database.
    pub persons: u64,
    /// By tenant id; tenants that held nothing are left out.
    pub tenants: Vec<ErasedOfTenant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erasure {
    Done(Receipt),
    /// Nothing is left of them since then.
    DoneBefore(Receipt),
    /// Nothing here is theirs.
    Unknown,
}

/// What became of the bytes that rows leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Leftovers {
    /// The database's files hold the address no more.
    None,
    /// They held it in places that were free already, and were written anew without those.
    Removed,
    /// Another process is at the files, so they may hold it for now; to be tried again.
    Pending,
    /// The engine gives free places away by itself, and not at once.
    LeftToTheEngine,
}

#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// How the salt is opened. To be called before the first erasure, and before the first write after one.
    fn use_salt(&self, opener: Arc<dyn OpenSalt>);

    /// Erases a person from all tenants in one transaction, and leaves hashes by which commits and imports keep them
    /// out: a member of theirs for good, and their address unless a member joins with it after the erasure.
    ///
    /// A member that is kept out counts as unchanged in the ledger: the provider served it, and nothing was written.
    /// For [`crate::DeletionStore::stored_count`] it is stored, so that looking for deleted rows is not misled.
    async fn erase(&self, request: &ErasureRequest, by: &By) -> Result<Erasure, StoreError>;

    /// Sees to it that the database's files hold the address no more, in places that are free either.
    async fn wipe_leftovers(&self, email: &str) -> Result<Leftovers, StoreError>;
}

/// Whom a record that was set aside may be about: its ids of members, and addresses anywhere in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    pub member_ids: BTreeSet<String>,
    pub emails: BTreeSet<String>,
}

impl Traces {
    pub fn of_invalid(record: &InvalidRecord) -> Self {
        let mut traces = Self::default();
        traces.add_text(&record.name);
        traces.add_text(&record.message);
        match serde_json::from_str(&record.payload) {
            Ok(value) => traces.add(&value, record.stream == Stream::Users, 0),
            Err(_) => traces.add_text(&record.payload),
        }
        traces
    }

    pub fn meets(&self, email: &str, member_ids: &HashSet<String>) -> bool {
        self.emails.contains(email) || self.member_ids.iter().any(|id| member_ids.contains(id))
    }

    /// `of_person` says that an `id` here is a member's.
    fn add(&mut self, value: &Value, of_person: bool, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::String(text) => self.add_text(text),
            Value::Array(items) => items.iter().for_each(|item| self.add(item, of_person, depth + 1)),
            Value::Object(members) => {
                for (key, value) in members {
                    let key = key.to_lowercase();
                    self.add_text(&key);
                    let names_person = ["user", "author", "member"].iter().any(|word| key.contains(word));
                    if names_person || of_person && key == "id" {
                        self.add_id(value);
                    }
                    self.add(value, names_person, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn add_id(&mut self, value: &Value) {
        let id = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        self.member_ids.insert(id);
    }

    fn add_text(&mut self, text: &str) {
        if text.contains('@') {
            self.emails.extend(addresses_in(text));
        }
    }
}

/// What a text holds that may be an address.
fn addresses_in(text: &str) -> impl Iterator<Item = String> {
    let part = |c: char| c.is_alphanumeric() || "@.!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii();
    text.split(move |c| !part(c)).filter_map(|word| {
        let word = word.trim_matches(|c: char| ".'!?*/`{}|".contains(c));
        normal_email(word)
    })
}

/// A text without an address, if it holds it.
pub fn without_email(text: &str, email: &str) -> Option<String> {
    let lower = text.to_lowercase();
    // A character whose lower case has another length would move the places.
    if lower.len() != text.len() {
        return lower.contains(email).then(|| lower.replace(email, ERASED));
    }
    let mut left = String::new();
    let mut from = 0;
    for (at, _) in lower.match_indices(email) {
        left.push_str(text.get(from..at)?);
        left.push_str(ERASED);
        from = at + email.len();
    }
    (from > 0).then(|| left + text.get(from..).unwrap_or_default())
}

/// The member that a record is about.
pub(crate) fn member_of(record: &Record) -> Option<&str> {
    match record {
        Record::User(user) => Some(&user.community_user_id),
        Record::Content(content) => content.author_user_id.as_deref(),
        Record::Activity(activity) => activity.user_id.as_deref(),
        Record::IdeaStatus(_) | Record::Category(_) => None,
    }
}

/// Takes the member out of a record that is not the member itself.
pub(crate) fn unlink(record: &mut Record) {
    match record {
        Record::Content(content) => {
            content.author_user_id = None;
            content.author_username = None;
        }
        Record::Activity(activity) => activity.user_id = None,
        Record::User(_) | Record::IdeaStatus(_) | Record::Category(_) => {}
    }
}

/// Leaves nothing of a record that was set aside but its reason.
pub fn redact(record: &mut InvalidRecord) {
    ERASED.clone_into(&mut record.name);
    ERASED.clone_into(&mut record.message);
    ERASED_PAYLOAD.clone_into(&mut record.payload);
}

#[cfg(test)]
mod tests {
    use domain::record::InvalidReason;

    use super::*;

    fn traces(stream: Stream, payload: &str) -> Traces {
        Traces::of_invalid(&InvalidRecord {
            stream,
            reason: InvalidReason::UnreadableTime,
            name: "member 7".into(),
            message: "joindate is missing".into(),
            payload: payload.into(),
            payload_cut: false,
            topic_public_id: None,
            repaired_at: None,
        })
    }

    fn set(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn an_address_is_compared_trimmed_and_in_lower_case() {
        assert_eq!(
            normal_email(" Jané+x@Example.COM\n").as_deref(),
            Some("jané+x@example.com")
        );
        for not_one in ["", "jane", "@example.com", "jane@", "a b@c"] {
            assert_eq!(normal_email(not_one), None, "{not_one}");
        }
    }

    #[test]
    fn a_payload_tells_whom_it_is_about_at_any_depth() {
        let member = traces(
            Stream::Users,
            r#"{"id":7,"userid":"8","email":"Jane\u0040Example.com","rank_id":9}"#,
        );
        assert_eq!(member.member_ids, set(&["7", "8"]));
        assert_eq!(member.emails, set(&["jane@example.com"]));
        let topic = traces(
            Stream::Topics,
            r#"{"id":1,"author":{"id":7,"rank":{"id":2}},"related":[{"lastUserId":"8"},"write to <mailto:Jane@example.com>."]}"#,
        );
        assert_eq!(topic.member_ids, set(&["7", "8"]));
        assert_eq!(topic.emails, set(&["jane@example.com"]));
        let no_json = traces(Stream::Users, "{\"email\":\"jane@example.com\"");
        assert_eq!(no_json.emails, set(&["jane@example.com"]));
        assert!(member.meets("jane@example.com", &HashSet::new()));
        assert!(topic.meets("x@y", &HashSet::from(["8".to_owned()])));
        assert!(!topic.meets("x@y", &HashSet::from(["1".to_owned(), "2".to_owned()])));
    }

    #[test]
    fn a_text_loses_the_address_and_nothing_else() {
        let of = |text| without_email(text, "jane@example.com");
        assert_eq!(
            of("Ask JANE@example.com, or jane@Example.com"),
            Some("Ask [erased], or [erased]".into())
        );
        assert_eq!(of("jané@example.com"), None);
        assert_eq!(of("İ jane@example.com").as_deref(), Some("i\u{307} [erased]"));
    }

    #[test]
    fn hashes_differ_by_kind_tenant_and_salt() {
        let (salt, other) = (Salt::new([1; 32]), Salt::new([2; 32]));
        let tenants = [1, 2].map(|number| ConnectionId(Uuid::from_u128(number)));
        let hashes = [
            salt.of_email("7"),
            salt.of_member(tenants[0], "7"),
            salt.of_member(tenants[1], "7"),
            other.of_email("7"),
            other.of_member(tenants[0], "7"),
        ];
        assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len());
        assert_eq!(salt.of_email("7"), salt.of_email("7"));
        assert_ne!(salt.of_content(ContentHash([3; 16])), ContentHash([3; 16]));
        assert_eq!(format!("{salt:?}"), "Salt");
    }
}
