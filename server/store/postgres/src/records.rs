//! How records are written into the community tables.

use domain::{
    Stream,
    record::{Activity, Category, Content, IdeaStatus, Record, User},
};
use serde::Serialize;
use sqlx::{Postgres, postgres::PgArguments, query::Query};
use store::{StoreError, Written};
use store_columns::{json_text, micros, records::Table};

/// The columns of the table's key; of activity also what its months are cut by.
fn key_columns(table: &Table) -> String {
    match (table.kind, table.key) {
        (Some(_), key) => format!("connection_id, kind, {key}"),
        (None, "event_id") => "connection_id, event_id, occurred_at".to_owned(),
        (None, key) => format!("connection_id, {key}"),
    }
}

/// Writes new rows that are given as one array a column: the connection's id, the run's id, the hashes, whether replies
/// are due, then the record's own columns.
pub(crate) fn insert(table: &Table) -> String {
    let given = given(table);
    let types = given.iter().map(|column| column_type(column));
    let arrays: Vec<String> = (3..)
        .zip(types)
        .map(|(number, of)| format!("${number}::{of}[]"))
        .collect();
    let (name, list, arrays) = (table.name, given.join(", "), arrays.join(", "));
    format!(
        "INSERT INTO {name} (connection_id, first_seen_run, changed_run, {list})
         SELECT $1, $2, $2, {list} FROM unnest({arrays}) AS given ({list})"
    )
}

/// The same of rows that may exist: such a one takes all new values, and comes back if it was deleted.
pub(crate) fn upsert(table: &Table) -> String {
    let name = table.name;
    let given = given(table);
    let set = |column: &&str| match *column {
        "kind" => None,
        column if column == table.key => None,
        "replies_due" => Some(format!(
            "replies_due = {name}.replies_due OR excluded.replies_due"
        )),
        column => Some(format!("{column} = excluded.{column}")),
    };
    let sets: Vec<String> = given.iter().filter_map(set).collect();
    format!(
        "{} ON CONFLICT ({}) DO UPDATE SET {}, changed_run = excluded.changed_run, deleted_at = NULL",
        insert(table),
        key_columns(table),
        sets.join(", "),
    )
}

fn given(table: &Table) -> Vec<&'static str> {
    let mut given = vec!["content_hash"];
    given.extend(table.kind.map(|_| "replies_due"));
    given.extend(table.columns);
    given
}

/// What a column of a record is in the database.
fn column_type(column: &str) -> &'static str {
    match column {
        "content_hash" => "bytea",
        "replies_due" | "is_default" | "visible" | "is_section" | "is_moderator" | "is_answer"
        | "highlighted" | "sticky" | "trashed" => "boolean",
        "display_order" | "posts" | "topics" | "solved" | "likes_received" | "likes_given"
        | "reply_count" | "likes" | "votes" => "bigint",
        time if time.ends_with("_at") => "bigint",
        _ => "text",
    }
}

/// A statement with its arguments.
pub(crate) type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// Binds the records' own columns, one array each, in the order of their table's.
pub(crate) fn bind<'q>(
    query: Bound<'q>,
    stream: Stream,
    written: &[&Written<'_>],
) -> Result<Bound<'q>, StoreError> {
    let records = || written.iter().map(|written| &written.row.record);
    Ok(match stream {
        Stream::IdeaStatuses => bind_idea_statuses(query, &of_kind(records(), idea_status)?),
        Stream::Categories => bind_categories(query, &of_kind(records(), category)?)?,
        Stream::Users => bind_users(query, &of_kind(records(), user)?)?,
        Stream::Topics | Stream::Replies => bind_content(query, &of_kind(records(), content)?)?,
        Stream::Activity => bind_activity(query, &of_kind(records(), activity)?),
    })
}

fn of_kind<'r, T>(
    records: impl Iterator<Item = &'r Record>,
    kind: impl Fn(&'r Record) -> Option<&'r T>,
) -> Result<Vec<&'r T>, StoreError> {
    records
        .map(|record| {
            kind(record).ok_or_else(|| StoreError::Corrupt("records of two kinds in one page".to_owned()))
        })
        .collect()
}

fn idea_status(record: &Record) -> Option<&IdeaStatus> {
    match record {
        Record::IdeaStatus(status) => Some(status),
        _ => None,
    }
}

fn category(record: &Record) -> Option<&Category> {
    match record {
        Record::Category(category) => Some(category),
        _ => None,
    }
}

fn user(record: &Record) -> Option<&User> {
    match record {
        Record::User(user) => Some(user),
        _ => None,
    }
}

fn content(record: &Record) -> Option<&Content> {
    match record {
        Record::Content(content) => Some(content),
        _ => None,
    }
}

fn activity(record: &Record) -> Option<&Activity> {
    match record {
        Record::Activity(activity) => Some(activity),
        _ => None,
    }
}

/// One value of each record.
fn each<'r, T, V>(records: &[&'r T], value: impl Fn(&'r T) -> V) -> Vec<V> {
    records.iter().copied().map(value).collect()
}

/// The same for lists and maps.
fn each_json<'r, T, V: Serialize + 'r>(
    records: &[&'r T],
    value: impl Fn(&'r T) -> &'r V,
) -> Result<Vec<String>, StoreError> {
    records
        .iter()
        .copied()
        .map(|record| json_text(value(record)))
        .collect()
}

fn bind_idea_statuses<'q>(query: Bound<'q>, statuses: &[&IdeaStatus]) -> Bound<'q> {
    query
        .bind(each(statuses, |status| status.idea_status_id.as_str()))
        .bind(each(statuses, |status| status.name.as_str()))
        .bind(each(statuses, |status| status.status_type.as_str()))
        .bind(each(statuses, |status| status.is_default))
        .bind(each(statuses, |status| status.visible))
        .bind(each(statuses, |status| status.display_order))
        .bind(each(statuses, |status| status.text_color.as_deref()))
        .bind(each(statuses, |status| status.background_color.as_deref()))
}

fn bind_categories<'q>(query: Bound<'q>, categories: &[&Category]) -> Result<Bound<'q>, StoreError> {
    Ok(query
        .bind(each(categories, |category| category.category_id.as_str()))
        .bind(each(categories, |category| category.name.as_str()))
        .bind(each(categories, |category| category.display_order))
        .bind(each(categories, |category| category.parent_id.as_deref()))
        .bind(each(categories, |category| category.is_section))
        .bind(each(categories, |category| category.module.as_deref()))
        .bind(each_json(categories, |category| {
            &category.supported_content_types
        })?))
}

fn bind_users<'q>(query: Bound<'q>, users: &[&User]) -> Result<Bound<'q>, StoreError> {
    Ok(query
        .bind(each(users, |user| user.community_user_id.as_str()))
        .bind(each(users, |user| user.username.as_str()))
        .bind(each(users, |user| user.email.as_deref()))
        .bind(each(users, |user| user.first_name.as_deref()))
        .bind(each(users, |user| user.last_name.as_deref()))
        .bind(each(users, |user| user.phone.as_deref()))
        .bind(each(users, |user| user.company_custom.as_deref()))
        .bind(each(users, |user| user.department.as_deref()))
        .bind(each(users, |user| user.title.as_deref()))
        .bind(each(users, |user| user.sso_id.as_deref()))
        .bind(each(users, |user| user.profile_picture.as_deref()))
        .bind(each(users, |user| user.rank_id.as_deref()))
        .bind(each(users, |user| user.rank_name.as_deref()))
        .bind(each(users, |user| user.is_moderator))
        .bind(each_json(users, |user| &user.roles)?)
        .bind(each_json(users, |user| &user.badges)?)
        .bind(each(users, |user| micros(user.joined_at)))
        .bind(each(users, |user| user.last_activity_at.map(micros)))
        .bind(each(users, |user| user.last_visit_at.map(micros)))
        .bind(each(users, |user| user.posts))
        .bind(each(users, |user| user.topics))
        .bind(each(users, |user| user.solved))
        .bind(each(users, |user| user.likes_received))
        .bind(each(users, |user| user.likes_given))
        .bind(each_json(users, |user| &user.profile_fields)?))
}

fn bind_content<'q>(query: Bound<'q>, contents: &[&Content]) -> Result<Bound<'q>, StoreError> {
    Ok(query
        .bind(each(contents, |content| content.public_id.as_str()))
        .bind(each(contents, |content| content.kind.as_str()))
        .bind(each(contents, |content| content.private_id.as_str()))
        .bind(each(contents, |content| content.subtype.as_str()))
        .bind(each(contents, |content| content.topic_public_id.as_deref()))
        .bind(each(contents, |content| content.title.as_deref()))
        .bind(each(contents, |content| content.category_id.as_deref()))
        .bind(each(contents, |content| content.category_name.as_deref()))
        .bind(each(contents, |content| content.idea_status.as_deref()))
        .bind(each(contents, |content| content.author_user_id.as_deref()))
        .bind(each(contents, |content| content.author_username.as_deref()))
        .bind(each(contents, |content| micros(content.posted_at)))
        .bind(each(contents, |content| content.published_at.map(micros)))
        .bind(each(contents, |content| content.last_activity_at.map(micros)))
        .bind(each(contents, |content| content.reply_count))
        .bind(each(contents, |content| content.likes))
        .bind(each(contents, |content| content.votes))
        .bind(each(contents, |content| content.is_answer))
        .bind(each(contents, |content| content.highlighted))
        .bind(each(contents, |content| content.sticky))
        .bind(each(contents, |content| content.trashed))
        .bind(each(contents, |content| content.moderation_label.as_deref()))
        .bind(each_json(contents, |content| &content.tags)?)
        .bind(each(contents, |content| content.permalink.as_deref())))
}

fn bind_activity<'q>(query: Bound<'q>, events: &[&Activity]) -> Bound<'q> {
    query
        .bind(each(events, |activity| activity.event_id.as_str()))
        .bind(each(events, |activity| activity.activity_type.as_str()))
        .bind(each(events, |activity| micros(activity.occurred_at)))
        .bind(each(events, |activity| activity.user_id.as_deref()))
        .bind(each(events, |activity| activity.content_public_id.as_deref()))
}
