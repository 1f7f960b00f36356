//! How records are written into the community tables.

use std::sync::Arc;

use domain::record::{Activity, Category, Content, IdeaStatus, Record, User};
use sqlx::{Arguments as _, Encode, Sqlite, Type, error::BoxDynError, sqlite::SqliteArguments};
use store::StoreError;
use store_columns::{json_text, micros, records::Table};

use crate::error::database;

/// An upsert of so many rows: the values of each (its hash, for content whether its replies are due, its own columns),
/// then connection and run, which all rows share.
pub(crate) fn upsert_of(table: &Table, rows: usize) -> String {
    let (replies_due, before) = if table.kind.is_some() {
        (", replies_due", 2)
    } else {
        ("", 1)
    };
    let width = before + table.columns.len();
    let row = format!("({})", vec!["?"; width].join(", "));
    let (connection, run) = (rows * width + 1, rows * width + 2);
    format!(
        "WITH written AS (VALUES {})
         INSERT INTO {} (connection_id, first_seen_run, changed_run, content_hash{replies_due}, {})
         SELECT ?{connection}, ?{run}, ?{run}, * FROM written WHERE true{}",
        vec![row.as_str(); rows].join(", "),
        table.name,
        table.column_list(),
        on_conflict(table)
    )
}

/// What follows the rows of an upsert: a row that exists takes all new values and comes back if it was deleted.
fn on_conflict(table: &Table) -> String {
    let kind = if table.kind.is_some() { "kind, " } else { "" };
    let mut sets: Vec<_> = table
        .columns
        .iter()
        .skip(1)
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    sets.extend(
        ["content_hash", "changed_run", "deleted_at"].map(|name| format!("{name} = excluded.{name}")),
    );
    if table.kind.is_some() {
        sets.push(format!(
            "replies_due = {}.replies_due OR excluded.replies_due",
            table.name
        ));
    }
    format!(
        " ON CONFLICT (connection_id, {kind}{}) DO UPDATE SET {}",
        table.key,
        sets.join(", ")
    )
}

/// The values of an upsert's rows, in the order of its columns.
#[derive(Default)]
pub(crate) struct Values {
    arguments: SqliteArguments,
    /// The first value that cannot be bound.
    refused: Option<BoxDynError>,
}

impl Values {
    pub(crate) fn push_bind<'v, V>(&mut self, value: V) -> &mut Self
    where
        V: Encode<'v, Sqlite> + Type<Sqlite>,
    {
        if let Err(error) = self.arguments.add(value) {
            self.refused.get_or_insert(error);
        }
        self
    }

    /// One copy, where binding a `String` takes two pieces of memory.
    fn push_text(&mut self, text: &str) -> &mut Self {
        self.push_bind(Arc::<str>::from(text))
    }

    fn push_option(&mut self, text: Option<&String>) -> &mut Self {
        self.push_bind(text.map(|text| Arc::<str>::from(text.as_str())))
    }

    pub(crate) fn into_arguments(self) -> Result<SqliteArguments, StoreError> {
        match self.refused {
            None => Ok(self.arguments),
            Some(error) => Err(database(sqlx::Error::Encode(error))),
        }
    }
}

/// Binds a record's own columns, in the order of its table's.
pub(crate) fn bind(row: &mut Values, record: &Record) -> Result<(), StoreError> {
    match record {
        Record::IdeaStatus(status) => bind_idea_status(row, status),
        Record::Category(category) => bind_category(row, category)?,
        Record::User(user) => bind_user(row, user)?,
        Record::Content(content) => bind_content(row, content)?,
        Record::Activity(activity) => bind_activity(row, activity),
    }
    Ok(())
}

fn bind_idea_status(row: &mut Values, status: &IdeaStatus) {
    row.push_text(&status.idea_status_id)
        .push_text(&status.name)
        .push_text(&status.status_type)
        .push_bind(status.is_default)
        .push_bind(status.visible)
        .push_bind(status.display_order)
        .push_option(status.text_color.as_ref())
        .push_option(status.background_color.as_ref());
}

fn bind_category(row: &mut Values, category: &Category) -> Result<(), StoreError> {
    row.push_text(&category.category_id)
        .push_text(&category.name)
        .push_bind(category.display_order)
        .push_option(category.parent_id.as_ref())
        .push_bind(category.is_section)
        .push_option(category.module.as_ref())
        .push_bind(json_text(&category.supported_content_types)?);
    Ok(())
}

fn bind_user(row: &mut Values, user: &User) -> Result<(), StoreError> {
    row.push_text(&user.community_user_id)
        .push_text(&user.username)
        .push_option(user.email.as_ref())
        .push_option(user.first_name.as_ref())
        .push_option(user.last_name.as_ref())
        .push_option(user.phone.as_ref())
        .push_option(user.company_custom.as_ref())
        .push_option(user.department.as_ref())
        .push_option(user.title.as_ref())
        .push_option(user.sso_id.as_ref())
        .push_option(user.profile_picture.as_ref())
        .push_option(user.rank_id.as_ref())
        .push_option(user.rank_name.as_ref())
        .push_bind(user.is_moderator)
        .push_bind(json_text(&user.roles)?)
        .push_bind(json_text(&user.badges)?)
        .push_bind(micros(user.joined_at))
        .push_bind(user.last_activity_at.map(micros))
        .push_bind(user.last_visit_at.map(micros))
        .push_bind(user.posts)
        .push_bind(user.topics)
        .push_bind(user.solved)
        .push_bind(user.likes_received)
        .push_bind(user.likes_given)
        .push_bind(json_text(&user.profile_fields)?);
    Ok(())
}

fn bind_content(row: &mut Values, content: &Content) -> Result<(), StoreError> {
    row.push_text(&content.public_id)
        .push_text(content.kind.as_str())
        .push_text(&content.private_id)
        .push_text(content.subtype.as_str())
        .push_option(content.topic_public_id.as_ref())
        .push_option(content.title.as_ref())
        .push_option(content.category_id.as_ref())
        .push_option(content.category_name.as_ref())
        .push_option(content.idea_status.as_ref())
        .push_option(content.author_user_id.as_ref())
        .push_option(content.author_username.as_ref())
        .push_bind(micros(content.posted_at))
        .push_bind(content.published_at.map(micros))
        .push_bind(content.last_activity_at.map(micros))
        .push_bind(content.reply_count)
        .push_bind(content.likes)
        .push_bind(content.votes)
        .push_bind(content.is_answer)
        .push_bind(content.highlighted)
        .push_bind(content.sticky)
        .push_bind(content.trashed)
        .push_option(content.moderation_label.as_ref())
        .push_bind(json_text(&content.tags)?)
        .push_option(content.permalink.as_ref());
    Ok(())
}

fn bind_activity(row: &mut Values, activity: &Activity) {
    row.push_text(&activity.event_id)
        .push_text(&activity.activity_type)
        .push_bind(micros(activity.occurred_at))
        .push_option(activity.user_id.as_ref())
        .push_option(activity.content_public_id.as_ref());
}
