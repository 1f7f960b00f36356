//! The community tables: which columns a record has, how they are written and read back.

use domain::{
    Stream,
    record::{Activity, Category, Content, ContentKind, IdeaStatus, Record, Subtype, User},
};
use serde::Serialize;
use sqlx::{
    Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use store::{StoreError, Written};
use store_columns::{Columns, json_text, micros};

/// A community table: its name, its key within a connection, and the record's own columns (the key's first).
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    /// For content, which of its two kinds.
    pub(crate) kind: Option<ContentKind>,
    columns: &'static [&'static str],
}

impl Table {
    pub(crate) fn of(stream: Stream) -> &'static Self {
        match stream {
            Stream::IdeaStatuses => &IDEA_STATUS,
            Stream::Categories => &CATEGORY,
            Stream::Users => &USER,
            Stream::Topics => &TOPIC,
            Stream::Replies => &REPLY,
            Stream::Activity => &ACTIVITY,
        }
    }

    /// `AND kind = '…'` where the table holds two kinds.
    pub(crate) fn kind_condition(&self) -> &'static str {
        match self.kind {
            None => "",
            Some(ContentKind::Topic) => " AND kind = 'topic'",
            Some(ContentKind::Reply) => " AND kind = 'reply'",
        }
    }

    /// The columns of the table's key; of activity also what its months are cut by.
    fn key_columns(&self) -> String {
        match (self.kind, self.key) {
            (Some(_), key) => format!("connection_id, kind, {key}"),
            (None, "event_id") => "connection_id, event_id, occurred_at".to_owned(),
            (None, key) => format!("connection_id, {key}"),
        }
    }

    pub(crate) fn column_list(&self) -> String {
        self.columns.join(", ")
    }

    /// Writes new rows that are given as one array a column: the connection's id, the run's id, the hashes, whether replies
    /// are due, then the record's own columns.
    pub(crate) fn insert(&self) -> String {
        let given = self.given();
        let types = given.iter().map(|column| column_type(column));
        let arrays: Vec<String> = (3..)
            .zip(types)
            .map(|(number, of)| format!("${number}::{of}[]"))
            .collect();
        let (name, list, arrays) = (self.name, given.join(", "), arrays.join(", "));
        format!(
            "INSERT INTO {name} (connection_id, first_seen_run, changed_run, {list})
             SELECT $1, $2, $2, {list} FROM unnest({arrays}) AS given ({list})"
        )
    }

    /// The same of rows that may exist: such a one takes all new values, and comes back if it was deleted.
    pub(crate) fn upsert(&self) -> String {
        let name = self.name;
        let given = self.given();
        let set = |column: &&str| match *column {
            "kind" => None,
            column if column == self.key => None,
            "replies_due" => Some(format!(
                "replies_due = {name}.replies_due OR excluded.replies_due"
            )),
            column => Some(format!("{column} = excluded.{column}")),
        };
        let sets: Vec<String> = given.iter().filter_map(set).collect();
        format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {}, changed_run = excluded.changed_run, deleted_at = NULL",
            self.insert(),
            self.key_columns(),
            sets.join(", "),
        )
    }

    fn given(&self) -> Vec<&'static str> {
        let mut given = vec!["content_hash"];
        given.extend(self.kind.map(|_| "replies_due"));
        given.extend(self.columns);
        given
    }
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

static IDEA_STATUS: Table = Table {
    name: "community_idea_status",
    key: "idea_status_id",
    kind: None,
    columns: &[
        "idea_status_id",
        "name",
        "status_type",
        "is_default",
        "visible",
        "display_order",
        "text_color",
        "background_color",
    ],
};

static CATEGORY: Table = Table {
    name: "community_category",
    key: "category_id",
    kind: None,
    columns: &[
        "category_id",
        "name",
        "display_order",
        "parent_id",
        "is_section",
        "module",
        "supported_content_types",
    ],
};

static USER: Table = Table {
    name: "community_user",
    key: "community_user_id",
    kind: None,
    columns: &[
        "community_user_id",
        "username",
        "email",
        "first_name",
        "last_name",
        "phone",
        "company_custom",
        "department",
        "title",
        "sso_id",
        "profile_picture",
        "rank_id",
        "rank_name",
        "is_moderator",
        "roles",
        "badges",
        "joined_at",
        "last_activity_at",
        "last_visit_at",
        "posts",
        "topics",
        "solved",
        "likes_received",
        "likes_given",
        "profile_fields",
    ],
};

const CONTENT_COLUMNS: &[&str] = &[
    "public_id",
    "kind",
    "private_id",
    "subtype",
    "topic_public_id",
    "title",
    "category_id",
    "category_name",
    "idea_status",
    "author_user_id",
    "author_username",
    "posted_at",
    "published_at",
    "last_activity_at",
    "reply_count",
    "likes",
    "votes",
    "is_answer",
    "highlighted",
    "sticky",
    "trashed",
    "moderation_label",
    "tags",
    "permalink",
];

static TOPIC: Table = Table {
    name: "community_content",
    key: "public_id",
    kind: Some(ContentKind::Topic),
    columns: CONTENT_COLUMNS,
};

static REPLY: Table = Table {
    name: "community_content",
    key: "public_id",
    kind: Some(ContentKind::Reply),
    columns: CONTENT_COLUMNS,
};

static ACTIVITY: Table = Table {
    name: "community_activity",
    key: "event_id",
    kind: None,
    columns: &[
        "event_id",
        "activity_type",
        "occurred_at",
        "user_id",
        "content_public_id",
    ],
};

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

pub(crate) fn read(stream: Stream, row: &PgRow) -> Result<Record, StoreError> {
    match stream {
        Stream::IdeaStatuses => read_idea_status(row).map(Record::IdeaStatus),
        Stream::Categories => read_category(row).map(Record::Category),
        Stream::Users => read_user(row).map(|user| Record::User(Box::new(user))),
        Stream::Topics => read_content(row, ContentKind::Topic).map(|topic| Record::Content(Box::new(topic))),
        Stream::Replies => {
            read_content(row, ContentKind::Reply).map(|reply| Record::Content(Box::new(reply)))
        }
        Stream::Activity => read_activity(row).map(Record::Activity),
    }
}

fn read_idea_status(row: &PgRow) -> Result<IdeaStatus, StoreError> {
    Ok(IdeaStatus {
        idea_status_id: row.text("idea_status_id")?,
        name: row.text("name")?,
        status_type: row.text("status_type")?,
        is_default: row.flag("is_default")?,
        visible: row.flag("visible")?,
        display_order: row.int("display_order")?,
        text_color: row.optional_text("text_color")?,
        background_color: row.optional_text("background_color")?,
    })
}

fn read_category(row: &PgRow) -> Result<Category, StoreError> {
    Ok(Category {
        category_id: row.text("category_id")?,
        name: row.text("name")?,
        display_order: row.int("display_order")?,
        parent_id: row.optional_text("parent_id")?,
        is_section: row.flag("is_section")?,
        module: row.optional_text("module")?,
        supported_content_types: row.json("supported_content_types")?,
    })
}

fn read_user(row: &PgRow) -> Result<User, StoreError> {
    Ok(User {
        community_user_id: row.text("community_user_id")?,
        username: row.text("username")?,
        email: row.optional_text("email")?,
        first_name: row.optional_text("first_name")?,
        last_name: row.optional_text("last_name")?,
        phone: row.optional_text("phone")?,
        company_custom: row.optional_text("company_custom")?,
        department: row.optional_text("department")?,
        title: row.optional_text("title")?,
        sso_id: row.optional_text("sso_id")?,
        profile_picture: row.optional_text("profile_picture")?,
        rank_id: row.optional_text("rank_id")?,
        rank_name: row.optional_text("rank_name")?,
        is_moderator: row.flag("is_moderator")?,
        roles: row.json("roles")?,
        badges: row.json("badges")?,
        joined_at: row.time("joined_at")?,
        last_activity_at: row.optional_time("last_activity_at")?,
        last_visit_at: row.optional_time("last_visit_at")?,
        posts: row.int("posts")?,
        topics: row.int("topics")?,
        solved: row.int("solved")?,
        likes_received: row.int("likes_received")?,
        likes_given: row.int("likes_given")?,
        profile_fields: row.json("profile_fields")?,
    })
}

fn read_content(row: &PgRow, kind: ContentKind) -> Result<Content, StoreError> {
    Ok(Content {
        kind,
        public_id: row.text("public_id")?,
        private_id: row.text("private_id")?,
        subtype: row.word("subtype", Subtype::parse)?,
        topic_public_id: row.optional_text("topic_public_id")?,
        title: row.optional_text("title")?,
        category_id: row.optional_text("category_id")?,
        category_name: row.optional_text("category_name")?,
        idea_status: row.optional_text("idea_status")?,
        author_user_id: row.optional_text("author_user_id")?,
        author_username: row.optional_text("author_username")?,
        posted_at: row.time("posted_at")?,
        published_at: row.optional_time("published_at")?,
        last_activity_at: row.optional_time("last_activity_at")?,
        reply_count: row.int("reply_count")?,
        likes: row.int("likes")?,
        votes: row.int("votes")?,
        is_answer: row.flag("is_answer")?,
        highlighted: row.flag("highlighted")?,
        sticky: row.flag("sticky")?,
        trashed: row.flag("trashed")?,
        moderation_label: row.optional_text("moderation_label")?,
        tags: row.json("tags")?,
        permalink: row.optional_text("permalink")?,
    })
}

fn read_activity(row: &PgRow) -> Result<Activity, StoreError> {
    Ok(Activity {
        event_id: row.text("event_id")?,
        activity_type: row.text("activity_type")?,
        occurred_at: row.time("occurred_at")?,
        user_id: row.optional_text("user_id")?,
        content_public_id: row.optional_text("content_public_id")?,
    })
}
