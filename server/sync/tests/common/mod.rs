//! What a store must hold, given what the provider knows.

use std::collections::BTreeMap;

use domain::{
    ConnectionId, Stream,
    record::{ContentKind, Record},
};
use simulator::TrueRecord;
use store::PageStore;

/// Records asked for at a time.
const PAGE: u32 = 500;

/// All stored records of a stream, by key.
pub(crate) async fn stored(
    store: &dyn PageStore,
    connection: ConnectionId,
    stream: Stream,
) -> BTreeMap<String, Record> {
    let mut records = BTreeMap::new();
    loop {
        let after: Option<&String> = records.keys().next_back();
        let page = store
            .records(connection, stream, after.map(String::as_str), PAGE)
            .await;
        let page = page.expect("records");
        if page.is_empty() {
            return records;
        }
        records.extend(page.into_iter().map(|record| (record.key().to_owned(), record)));
    }
}

/// What the provider knows of a valid record, as the canonical record must have it.
pub(crate) fn agrees(truth: &TrueRecord, record: &Record) -> bool {
    let seconds = |s: &u64| i64::try_from(*s).expect("a time");
    let text = |id: &Option<u64>| id.map(|id| id.to_string());
    match (truth, record) {
        (TrueRecord::IdeaStatus(truth), Record::IdeaStatus(status)) => {
            status.name == truth.name
                && status.status_type == truth.kind
                && status.is_default == truth.is_default
        }
        (TrueRecord::Category(truth), Record::Category(category)) => category.name == truth.name,
        (TrueRecord::User(truth), Record::User(user)) => {
            user.username == truth.username
                && user.email == truth.email.clone().filter(|email| !email.is_empty())
                && user.company_custom == truth.company
                && user.joined_at.timestamp() == seconds(&truth.joined_at)
                && user
                    .last_activity_at
                    .is_some_and(|at| at.timestamp() == seconds(&truth.last_activity_at))
                && user.roles == truth.roles
        }
        (TrueRecord::Topic(truth), Record::Content(topic)) => {
            topic.kind == ContentKind::Topic
                && topic.private_id == truth.private_id.to_string()
                && topic.subtype.content_type() == truth.content_type
                && topic.title.as_deref() == Some(truth.title.as_str())
                && topic.category_id == Some(truth.category_id.to_string())
                && topic.author_user_id == text(&truth.author_id)
                && topic.posted_at.timestamp() == seconds(&truth.created_at)
                && topic
                    .last_activity_at
                    .is_some_and(|at| at.timestamp() == seconds(&truth.last_activity_at))
                && topic.reply_count == i64::try_from(truth.reply_count).expect("a count")
                && topic.idea_status.as_deref() == truth.idea_status
                && topic.trashed == truth.trashed
        }
        (TrueRecord::Reply(truth), Record::Content(reply)) => {
            reply.kind == ContentKind::Reply
                && reply.topic_public_id == Some(truth.topic_public_id.to_string())
                && reply.author_user_id == text(&truth.author_id)
                && reply.posted_at.timestamp() == seconds(&truth.replied_at)
        }
        (TrueRecord::Activity(truth), Record::Activity(activity)) => {
            activity.user_id == text(&truth.user_id)
                && activity.occurred_at.timestamp() == seconds(&truth.occurred_at)
                && activity.content_public_id == text(&truth.topic_public_id)
        }
        _ => false,
    }
}

/// The stream and key of a record, and whether it is served as a valid one.
pub(crate) fn key_and_stream(truth: &TrueRecord) -> (Stream, String, bool) {
    match truth {
        TrueRecord::IdeaStatus(status) => (Stream::IdeaStatuses, status.id.to_string(), true),
        TrueRecord::Category(category) => (Stream::Categories, category.id.to_string(), true),
        TrueRecord::User(user) => (Stream::Users, user.id.to_string(), user.invalid.is_none()),
        TrueRecord::Topic(topic) => (
            Stream::Topics,
            topic.public_id.to_string(),
            topic.invalid.is_none(),
        ),
        TrueRecord::Reply(reply) => (
            Stream::Replies,
            reply.public_id.to_string(),
            reply.invalid.is_none(),
        ),
        TrueRecord::Activity(event) => (Stream::Activity, event.id.clone(), event.invalid.is_none()),
    }
}
