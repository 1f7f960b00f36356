//! The community tables: which columns a record has, and how it is read from them.

use domain::{
    Stream,
    record::{Activity, Category, Content, ContentKind, IdeaStatus, Record, Subtype, User},
};
use store::{StoreError, TopicRef};

use crate::Columns;

/// A community table: its name, its key within a connection, and the record's own columns (the key's first).
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub key: &'static str,
    /// For content, which of its two kinds.
    pub kind: Option<ContentKind>,
    pub columns: &'static [&'static str],
}

impl Table {
    pub fn of(stream: Stream) -> &'static Self {
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
    pub fn kind_condition(&self) -> &'static str {
        match self.kind {
            None => "",
            Some(ContentKind::Topic) => " AND kind = 'topic'",
            Some(ContentKind::Reply) => " AND kind = 'reply'",
        }
    }

    pub fn column_list(&self) -> String {
        self.columns.join(", ")
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

pub fn read(stream: Stream, row: &impl Columns) -> Result<Record, StoreError> {
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

fn read_idea_status(row: &impl Columns) -> Result<IdeaStatus, StoreError> {
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

fn read_category(row: &impl Columns) -> Result<Category, StoreError> {
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

pub(crate) fn read_user(row: &impl Columns) -> Result<User, StoreError> {
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

fn read_content(row: &impl Columns, kind: ContentKind) -> Result<Content, StoreError> {
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

fn read_activity(row: &impl Columns) -> Result<Activity, StoreError> {
    Ok(Activity {
        event_id: row.text("event_id")?,
        activity_type: row.text("activity_type")?,
        occurred_at: row.time("occurred_at")?,
        user_id: row.optional_text("user_id")?,
        content_public_id: row.optional_text("content_public_id")?,
    })
}

/// A topic whose replies are to be read.
pub fn read_topic_ref(row: &impl Columns) -> Result<TopicRef, StoreError> {
    Ok(TopicRef {
        public_id: row.text("public_id")?,
        private_id: row.text("private_id")?,
        subtype: row.word("subtype", Subtype::parse)?,
        // No provider has fewer than none.
        reply_count: u64::try_from(row.int("reply_count")?).unwrap_or(0),
    })
}
