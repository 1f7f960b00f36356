//! The community tables: which columns a record has, how they are written and read back.

use std::sync::Arc;

use domain::{
    Stream,
    record::{Activity, Category, Content, ContentKind, IdeaStatus, Record, Subtype, User},
};
use sqlx::{
    Arguments as _, Encode, Sqlite, Type,
    error::BoxDynError,
    sqlite::{SqliteArguments, SqliteRow},
};
use store::StoreError;
use store_columns::{Columns, json_text, micros};

use crate::error::database;

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

    pub(crate) fn column_list(&self) -> String {
        self.columns.join(", ")
    }

    /// An upsert of so many rows: the values of each (its hash, for content whether its replies are due, its own columns),
    /// then connection and run, which all rows share.
    pub(crate) fn upsert(&self, rows: usize) -> String {
        let (replies_due, before) = if self.kind.is_some() {
            (", replies_due", 2)
        } else {
            ("", 1)
        };
        let width = before + self.columns.len();
        let row = format!("({})", vec!["?"; width].join(", "));
        let (connection, run) = (rows * width + 1, rows * width + 2);
        format!(
            "WITH written AS (VALUES {})
             INSERT INTO {} (connection_id, first_seen_run, changed_run, content_hash{replies_due}, {})
             SELECT ?{connection}, ?{run}, ?{run}, * FROM written WHERE true{}",
            vec![row.as_str(); rows].join(", "),
            self.name,
            self.column_list(),
            self.on_conflict()
        )
    }

    /// What follows the rows of an upsert: a row that exists takes all new values and comes back if it was deleted.
    fn on_conflict(&self) -> String {
        let kind = if self.kind.is_some() { "kind, " } else { "" };
        let mut sets: Vec<_> = self
            .columns
            .iter()
            .skip(1)
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        sets.extend(
            ["content_hash", "changed_run", "deleted_at"].map(|name| format!("{name} = excluded.{name}")),
        );
        if self.kind.is_some() {
            sets.push(format!(
                "replies_due = {}.replies_due OR excluded.replies_due",
                self.name
            ));
        }
        format!(
            " ON CONFLICT (connection_id, {kind}{}) DO UPDATE SET {}",
            self.key,
            sets.join(", ")
        )
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

pub(crate) fn read(stream: Stream, row: &SqliteRow) -> Result<Record, StoreError> {
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

fn read_idea_status(row: &SqliteRow) -> Result<IdeaStatus, StoreError> {
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

fn read_category(row: &SqliteRow) -> Result<Category, StoreError> {
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

fn read_user(row: &SqliteRow) -> Result<User, StoreError> {
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

fn read_content(row: &SqliteRow, kind: ContentKind) -> Result<Content, StoreError> {
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

fn read_activity(row: &SqliteRow) -> Result<Activity, StoreError> {
    Ok(Activity {
        event_id: row.text("event_id")?,
        activity_type: row.text("activity_type")?,
        occurred_at: row.time("occurred_at")?,
        user_id: row.optional_text("user_id")?,
        content_public_id: row.optional_text("content_public_id")?,
    })
}
