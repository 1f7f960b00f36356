use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{ConnectionId, Object, RunId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Days, StoreError};

/// How a field is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    Text,
    /// An id of our own.
    Id,
    Int,
    Flag,
    Time,
    Day,
    List,
    Map,
}

/// A field of an object, by the name that exports and the database give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub kind: FieldKind,
}

impl Field {
    pub const fn new(name: &'static str, kind: FieldKind) -> Self {
        Self { name, kind }
    }
}

/// A value of a field. In JSON it is what it is; a missing one is `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    Missing,
    Text(String),
    Int(i64),
    Flag(bool),
    Time(DateTime<Utc>),
    Day(NaiveDate),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
}

/// Which rows are read.
#[derive(Clone, Debug)]
pub struct ExportQuery {
    pub object: Object,
    /// Of this connection only.
    pub connection: Option<ConnectionId>,
    /// Of this run only; has a meaning for invalid records.
    pub run: Option<RunId>,
    /// What is of these companies only.
    pub companies: Option<OfCompanies>,
    pub limit: u32,
}

/// Users who count for companies now, and what was written and done for them on some days: as a company's figures count,
/// without what is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfCompanies {
    /// Each once.
    pub external_ids: Vec<String>,
    pub days: Days,
}

/// Where to go on, as text: see [`ExportPlace`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportCursor(pub String);

/// A column of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyPart {
    Int(i64),
    Text(String),
}

/// Where a page ended: the key of its last row, over all connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPlace {
    /// The connection; of an invalid record, the run.
    pub owner: Uuid,
    pub key: Vec<KeyPart>,
}

impl ExportPlace {
    pub fn write(&self) -> Result<ExportCursor, StoreError> {
        serde_json::to_string(&(self.owner.to_string(), &self.key))
            .map(ExportCursor)
            .map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    /// [`StoreError::Corrupt`] of what is no place in this object.
    pub fn read(object: Object, cursor: &ExportCursor) -> Result<Self, StoreError> {
        let wrong = |error: &dyn std::fmt::Display| StoreError::Corrupt(format!("cursor: {error}"));
        let (owner, key): (String, Vec<KeyPart>) =
            serde_json::from_str(&cursor.0).map_err(|error| wrong(&error))?;
        let is_key = matches!(
            (object, key.as_slice()),
            (
                Object::Users | Object::Activity | Object::Categories | Object::IdeaStatuses,
                [KeyPart::Text(_)]
            ) | (Object::Content, [KeyPart::Text(_), KeyPart::Text(_)])
                | (
                    Object::Trends,
                    [
                        KeyPart::Int(_),
                        KeyPart::Text(_),
                        KeyPart::Text(_),
                        KeyPart::Text(_)
                    ]
                )
                | (Object::InvalidRecords, [KeyPart::Int(_)])
        );
        // PostgreSQL takes no NUL.
        let has_nul = |part: &KeyPart| matches!(part, KeyPart::Text(text) if text.contains('\0'));
        if !is_key || key.iter().any(has_nul) {
            return Err(wrong(&format_args!("no key of {object}")));
        }
        let owner = Uuid::parse_str(&owner).map_err(|error| wrong(&error))?;
        Ok(Self { owner, key })
    }
}

#[derive(Clone, Debug)]
pub struct ExportPage {
    /// Each with one cell for each of the object's [`fields`].
    pub rows: Vec<Vec<Cell>>,
    /// `None` after the last page.
    pub next: Option<ExportCursor>,
}

#[async_trait]
pub trait ExportStore: Send + Sync {
    /// The object's rows in the order of their keys, deleted ones too, after the cursor. A row that is stored
    /// throughout an export is in it exactly once, however many others come meanwhile.
    async fn export_page(
        &self,
        query: &ExportQuery,
        after: Option<&ExportCursor>,
    ) -> Result<ExportPage, StoreError>;
}

const fn text(name: &'static str) -> Field {
    Field::new(name, FieldKind::Text)
}

const fn int(name: &'static str) -> Field {
    Field::new(name, FieldKind::Int)
}

const fn flag(name: &'static str) -> Field {
    Field::new(name, FieldKind::Flag)
}

const fn time(name: &'static str) -> Field {
    Field::new(name, FieldKind::Time)
}

const fn list(name: &'static str) -> Field {
    Field::new(name, FieldKind::List)
}

/// An object's fields, in the order of its columns. Faces that others rely on: fields may be added, never renamed.
pub const fn fields(object: Object) -> &'static [Field] {
    match object {
        Object::Users => USERS,
        Object::Content => CONTENT,
        Object::Activity => ACTIVITY,
        Object::Trends => TRENDS,
        Object::Categories => CATEGORIES,
        Object::IdeaStatuses => IDEA_STATUSES,
        Object::InvalidRecords => INVALID_RECORDS,
    }
}

const USERS: &[Field] = &[
    text("tenant_id"),
    text("community_user_id"),
    text("username"),
    text("email"),
    text("first_name"),
    text("last_name"),
    text("phone"),
    text("company_custom"),
    text("department"),
    text("title"),
    text("sso_id"),
    text("profile_picture"),
    text("rank_id"),
    text("rank_name"),
    flag("is_moderator"),
    list("roles"),
    list("badges"),
    time("joined_at"),
    time("last_activity_at"),
    time("last_visit_at"),
    int("posts"),
    int("topics"),
    int("solved"),
    int("likes_received"),
    int("likes_given"),
    Field::new("profile_fields", FieldKind::Map),
    text("match_status"),
    text("person_external_id"),
    text("company_external_id"),
    text("match_rule"),
    time("deleted_at"),
];

const CONTENT: &[Field] = &[
    text("tenant_id"),
    text("public_id"),
    text("kind"),
    text("private_id"),
    text("subtype"),
    text("topic_public_id"),
    text("title"),
    text("category_id"),
    text("category_name"),
    text("idea_status"),
    text("author_user_id"),
    text("author_username"),
    time("posted_at"),
    time("published_at"),
    time("last_activity_at"),
    int("reply_count"),
    int("likes"),
    int("votes"),
    flag("is_answer"),
    flag("highlighted"),
    flag("sticky"),
    flag("trashed"),
    text("moderation_label"),
    list("tags"),
    text("permalink"),
    time("deleted_at"),
];

const ACTIVITY: &[Field] = &[
    text("tenant_id"),
    text("event_id"),
    text("activity_type"),
    time("occurred_at"),
    text("user_id"),
    text("content_public_id"),
    time("deleted_at"),
];

const TRENDS: &[Field] = &[
    text("tenant_id"),
    Field::new("day", FieldKind::Day),
    text("company_external_id"),
    text("kind"),
    text("subtype"),
    int("count"),
];

const CATEGORIES: &[Field] = &[
    text("tenant_id"),
    text("category_id"),
    text("name"),
    int("display_order"),
    text("parent_id"),
    flag("is_section"),
    text("module"),
    list("supported_content_types"),
    time("deleted_at"),
];

const IDEA_STATUSES: &[Field] = &[
    text("tenant_id"),
    text("idea_status_id"),
    text("name"),
    text("status_type"),
    flag("is_default"),
    flag("visible"),
    int("display_order"),
    text("text_color"),
    text("background_color"),
    time("deleted_at"),
];

const INVALID_RECORDS: &[Field] = &[
    text("tenant_id"),
    Field::new("run_id", FieldKind::Id),
    text("stream"),
    text("reason"),
    text("name"),
    text("message"),
    text("payload"),
    time("repaired_at"),
];
