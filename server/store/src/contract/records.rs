//! Records of every stream, plain and odd.

use std::collections::BTreeMap;

use domain::{
    Stream,
    record::{Activity, Category, Content, ContentKind, IdeaStatus, Record, Subtype, User},
};

use super::fixtures::at;

/// Longer than a page of any database.
const LONG_TEXT_CHARS: usize = 100_000;

/// What communities really hold: emoji, quotes, control characters, other scripts, text that looks like SQL or JSON.
fn odd_text() -> String {
    "👩‍💻 'it''s' \"quoted\" \\ \u{1}\u{7f}\t\r\n é e\u{301} 日本 עברית %_?$1 '); DROP TABLE run; -- {\"a\":[1]} \u{fffd} ".into()
}

fn odd(field: &str) -> String {
    format!("{field} {}", odd_text())
}

/// Only what a record must have.
pub(super) fn plain(stream: Stream, key: &str) -> Record {
    let key = key.to_owned();
    match stream {
        Stream::IdeaStatuses => Record::IdeaStatus(IdeaStatus {
            idea_status_id: key,
            ..IdeaStatus::default()
        }),
        Stream::Categories => Record::Category(Category {
            category_id: key,
            ..Category::default()
        }),
        Stream::Users => Record::User(Box::new(User {
            community_user_id: key,
            ..User::default()
        })),
        Stream::Topics | Stream::Replies => Record::Content(Box::new(Content {
            kind: kind(stream),
            public_id: key,
            ..Content::default()
        })),
        Stream::Activity => Record::Activity(Activity {
            event_id: key,
            ..Activity::default()
        }),
    }
}

/// Every field set, each to another value, with odd text.
pub(super) fn full(stream: Stream, key: &str) -> Record {
    match stream {
        Stream::IdeaStatuses => Record::IdeaStatus(IdeaStatus {
            idea_status_id: key.into(),
            name: odd_text(),
            status_type: "delivered".into(),
            is_default: true,
            visible: true,
            display_order: -3,
            text_color: Some(odd("text")),
            background_color: Some(String::new()),
        }),
        Stream::Categories => Record::Category(Category {
            category_id: key.into(),
            name: odd_text(),
            display_order: i64::MAX,
            parent_id: Some(odd("parent")),
            is_section: true,
            module: Some(odd("module")),
            supported_content_types: vec![odd_text(), String::new(), "idea".into()],
        }),
        Stream::Users => Record::User(Box::new(full_user(key))),
        Stream::Topics | Stream::Replies => Record::Content(Box::new(full_content(kind(stream), key))),
        Stream::Activity => Record::Activity(Activity {
            event_id: key.into(),
            activity_type: odd_text(),
            occurred_at: at(-1),
            user_id: Some(odd("user")),
            content_public_id: Some(odd("content")),
        }),
    }
}

fn full_user(key: &str) -> User {
    User {
        community_user_id: key.into(),
        username: odd_text(),
        email: Some(odd("email")),
        first_name: Some(odd("first")),
        last_name: Some(odd("last")),
        phone: Some(odd("phone")),
        company_custom: Some("x🚀".repeat(LONG_TEXT_CHARS)),
        department: Some(odd("department")),
        title: Some(odd("title")),
        sso_id: Some(odd("sso")),
        profile_picture: Some(odd("picture")),
        rank_id: Some(odd("rank id")),
        rank_name: Some(odd("rank name")),
        is_moderator: true,
        roles: vec!["roles.moderator".into(), odd_text()],
        badges: vec![odd_text()],
        joined_at: at(-4_000_000_000),
        last_activity_at: Some(at(2)),
        last_visit_at: Some(at(3)),
        posts: 1,
        topics: 2,
        solved: 3,
        likes_received: 4,
        likes_given: i64::MIN,
        profile_fields: BTreeMap::from([(odd_text(), String::new()), (String::new(), odd_text())]),
    }
}

fn full_content(kind: ContentKind, key: &str) -> Content {
    Content {
        kind,
        public_id: key.into(),
        private_id: "41".into(),
        subtype: Subtype::ProductUpdate,
        topic_public_id: Some(odd("topic")),
        title: Some(odd("title")),
        category_id: Some(odd("category id")),
        category_name: Some(odd("category name")),
        idea_status: Some(odd("idea status")),
        author_user_id: Some(odd("author id")),
        author_username: Some(odd("author name")),
        posted_at: at(1),
        published_at: Some(at(2)),
        last_activity_at: Some(at(3)),
        reply_count: 1,
        likes: 2,
        votes: 3,
        is_answer: true,
        highlighted: true,
        sticky: true,
        trashed: true,
        moderation_label: Some(odd("label")),
        tags: vec![odd_text(), "tag".into()],
        permalink: Some(odd("link")),
    }
}

/// Differs from [`plain`] of the same key in one field, by the version.
pub(super) fn version(stream: Stream, key: &str, version: u64) -> Record {
    let mut record = plain(stream, key);
    let text = format!("version {version}");
    match &mut record {
        Record::IdeaStatus(status) => status.name = text,
        Record::Category(category) => category.name = text,
        Record::User(user) => user.username = text,
        Record::Content(content) => content.title = Some(text),
        Record::Activity(activity) => activity.activity_type = text,
    }
    record
}

pub(super) fn topic(public_id: &str, reply_count: i64, last_activity_s: i64) -> Record {
    Record::Content(Box::new(Content {
        kind: ContentKind::Topic,
        public_id: public_id.into(),
        private_id: format!("private-{public_id}"),
        subtype: Subtype::Question,
        last_activity_at: Some(at(last_activity_s)),
        reply_count,
        ..Content::default()
    }))
}

fn kind(stream: Stream) -> ContentKind {
    if stream == Stream::Replies {
        ContentKind::Reply
    } else {
        ContentKind::Topic
    }
}
