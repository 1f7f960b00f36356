//! Topics and replies.

use std::{borrow::Cow, fmt};

use domain::{
    Stream,
    record::{Content, ContentKind, InvalidReason, Record, Subtype},
};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{
    Flaw, Reader, Texts,
    fields::{Fields, Items, Length, Maybe, fields, plain_values_are, skip_list},
    scalar::{Scalar, without_nul},
};

fields!(RawTopic {
    id: Scalar<'de> = "id",
    public_id: Scalar<'de> = "publicId",
    content_type: Scalar<'de> = "contentType",
    title: Scalar<'de> = "title",
    category_id: Scalar<'de> = "categoryId",
    category_name: Scalar<'de> = "categoryName",
    idea_status: IdeaStatusName<'de> = "ideaStatus",
    author: Maybe<RawAuthor<'de>> = "author",
    created_at: Scalar<'de> = "createdAt",
    started_at: Scalar<'de> = "startedAt",
    asked_at: Scalar<'de> = "askedAt",
    submitted_at: Scalar<'de> = "submittedAt",
    published_at: Scalar<'de> = "publishedAt",
    last_activity_at: Scalar<'de> = "lastActivityAt",
    reply_count: Scalar<'de> = "replyCount",
    likes: Scalar<'de> = "likes",
    votes: Scalar<'de> = "votes",
    best_answer: Scalar<'de> = "bestAnswer",
    sticky: Scalar<'de> = "sticky",
    trashed: Scalar<'de> = "trashed",
    moderation_label: Scalar<'de> = "moderationLabel",
    tags: Items<Scalar<'de>> = "tags",
    permalink: Scalar<'de> = "permalink",
    seo_url: Scalar<'de> = "seoCommunityUrl",
});

fields!(RawReply {
    id: Scalar<'de> = "id",
    public_id: Scalar<'de> = "publicReplyId",
    author: Maybe<RawAuthor<'de>> = "author",
    replied_at: Scalar<'de> = "repliedAt",
    likes: Scalar<'de> = "likes",
    liked_by: Length = "likedBy",
    highlighted: Scalar<'de> = "highlighted",
    trashed: Scalar<'de> = "trashed",
    permalink: Scalar<'de> = "permalink",
});

fields!(RawAuthor {
    id: Scalar<'de> = "id",
    username: Scalar<'de> = "username",
});

fields!(RawIdeaStatus { name: Scalar<'de> = "name" });

/// `{"name":"New",…}`, or the name alone.
#[derive(Debug, Default)]
pub(crate) struct IdeaStatusName<'de>(Scalar<'de>);

impl<'de> Deserialize<'de> for IdeaStatusName<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Status;

        impl<'de> Visitor<'de> for Status {
            type Value = IdeaStatusName<'de>;

            plain_values_are!(|_, _| IdeaStatusName::default());

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(IdeaStatusName(Scalar::Text(without_nul(name).into())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                skip_list(list).map(|()| IdeaStatusName::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
                RawIdeaStatus::read(object).map(|status| IdeaStatusName(status.name))
            }
        }

        deserializer.deserialize_any(Status)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Topics;

fn subtype(raw: &Scalar<'_>, name: impl Fn() -> String) -> Result<Subtype, Flaw> {
    let known = match raw {
        Scalar::Text(text) => Subtype::from_content_type(text),
        _ => None,
    };
    known.ok_or_else(|| Flaw {
        reason: InvalidReason::UnknownContentType,
        name: name(),
        message: format!("contentType {raw} is not one of the five known"),
    })
}

impl Reader for Topics {
    const STREAM: Stream = Stream::Topics;
    type Raw<'de> = RawTopic<'de>;

    fn record(&mut self, raw: RawTopic<'_>) -> Result<Record, Flaw> {
        let titled = match &raw.title {
            Scalar::Text(title) => Some(title.clone()),
            _ => None,
        };
        let without_id = || match titled {
            Some(title) => Cow::Owned(format!("topic titled {title}")),
            None => Cow::Borrowed("topic without an id"),
        };
        let public_id = super::id("publicId", raw.public_id, without_id)?;
        let name = || format!("topic {public_id}");
        let private_id = super::id("id", raw.id, || Cow::Owned(name()))?;
        let subtype = subtype(&raw.content_type, name)?;
        // The single view names the creation after the type.
        let created = [raw.started_at, raw.asked_at, raw.submitted_at];
        let created = created.into_iter().fold(raw.created_at, Scalar::or);
        let posted_at = super::time("createdAt", &created, name)?;
        let mut texts = Texts::default();
        let author = raw.author.0.unwrap_or_default();
        let content = Content {
            kind: ContentKind::Topic,
            private_id,
            subtype,
            title: texts.optional("title", raw.title),
            category_id: texts.optional_id("categoryId", raw.category_id),
            category_name: texts.optional("categoryName", raw.category_name),
            idea_status: texts.optional("ideaStatus.name", raw.idea_status.0),
            author_user_id: texts.optional_id("author.id", author.id),
            author_username: texts.optional("author.username", author.username),
            posted_at,
            published_at: raw.published_at.time(),
            last_activity_at: raw.last_activity_at.time(),
            reply_count: texts.count("replyCount", &raw.reply_count),
            likes: texts.count("likes", &raw.likes),
            votes: texts.count("votes", &raw.votes),
            is_answer: texts.flag("bestAnswer", &raw.best_answer),
            sticky: texts.flag("sticky", &raw.sticky),
            trashed: texts.flag("trashed", &raw.trashed),
            moderation_label: texts.optional("moderationLabel", raw.moderation_label),
            tags: texts.names("tags", raw.tags),
            permalink: texts.optional("permalink", raw.permalink.or(raw.seo_url)),
            ..Content::default()
        };
        texts.verdict(name)?;
        Ok(Record::Content(Box::new(Content { public_id, ..content })))
    }
}

/// Reads the replies of one topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replies<'t> {
    pub(crate) topic_public_id: &'t str,
    pub(crate) subtype: Subtype,
}

impl Reader for Replies<'_> {
    const STREAM: Stream = Stream::Replies;
    type Raw<'de> = RawReply<'de>;

    fn topic_public_id(&self) -> Option<&str> {
        Some(self.topic_public_id)
    }

    fn record(&mut self, raw: RawReply<'_>) -> Result<Record, Flaw> {
        let without_id = || format!("reply without an id to topic {}", self.topic_public_id);
        let public_id = super::id("publicReplyId", raw.public_id, || Cow::Owned(without_id()))?;
        let name = || format!("reply {public_id}");
        let private_id = super::id("id", raw.id, || Cow::Owned(name()))?;
        let posted_at = super::time("repliedAt", &raw.replied_at, name)?;
        let mut texts = Texts::default();
        let author = raw.author.0.unwrap_or_default();
        let liked_by = raw.liked_by.0.and_then(|likes| i64::try_from(likes).ok());
        let content = Content {
            kind: ContentKind::Reply,
            private_id,
            subtype: self.subtype,
            topic_public_id: Some(self.topic_public_id.to_owned()),
            author_user_id: texts.optional_id("author.id", author.id),
            author_username: texts.optional("author.username", author.username),
            posted_at,
            likes: liked_by.unwrap_or_else(|| texts.count("likes", &raw.likes)),
            // Which reply answers a question stands in the single view of the question only.
            is_answer: false,
            highlighted: texts.flag("highlighted", &raw.highlighted),
            trashed: texts.flag("trashed", &raw.trashed),
            permalink: texts.optional("permalink", raw.permalink),
            ..Content::default()
        };
        texts.verdict(name)?;
        Ok(Record::Content(Box::new(Content { public_id, ..content })))
    }
}
