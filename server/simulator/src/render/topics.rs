//! Topics: the short form of the list of all types, and the long form of each type.

use super::iso_creation;
use crate::content::{ContentType, Topic};
use crate::damage::Flaw;
use crate::json::{Json, push_number};
use crate::people::Member;

impl Topic<'_> {
    /// As in `/topics`.
    pub(crate) fn write_listed(self, json: &mut Json) {
        let category = self.category();
        let replies = self.reply_count();
        json.raw("{");
        self.write_ids(json);
        json.key("contentType").string(self.served_type());
        json.key("title").string(&self.title());
        json.key("content");
        self.write_text(json);
        json.raw(r#","featuredImage":"","publicLabel":"""#);
        json.key("categoryId")
            .quoted_number(category.id)
            .key("categoryName")
            .string(category.name);
        json.key("tags");
        self.write_tags(json);
        json.raw(r#","moderatorTags":[],"moderationLabel":"""#);
        json.key("replyCount")
            .number(replies)
            .key("likes")
            .number(self.likes())
            .key("votes")
            .number(self.votes());
        json.key("voteSet");
        self.write_people(json, 60, self.votes());
        json.key("trashed")
            .bool(self.trashed())
            .key("sticky")
            .bool(self.sticky());
        json.key("bestAnswer").bool(self.answer().is_some());
        json.key("author");
        write_short_author(json, self.author());
        json.key("lastContributor");
        write_short_author(json, self.last_contributor());
        self.write_times(json, "createdAt");
        json.raw(r#","status":"published","productAreas":[]"#);
        self.write_idea_status(json);
        json.raw("}");
    }

    fn write_ids(self, json: &mut Json) {
        if self.flaw() != Some(Flaw::NoId) {
            json.key("id")
                .quoted_number(self.private_id)
                .key("publicId")
                .quoted_number(self.public_id());
        }
    }

    fn write_times(self, json: &mut Json, created: &str) {
        json.key(created);
        iso_creation(json, self.created(), self.flaw());
        json.key("lastActivityAt").iso_time(self.last_active());
    }

    fn write_idea_status(self, json: &mut Json) {
        if let Some(status) = self.idea_status() {
            json.key("ideaStatus").raw("{").key("name").string(status.name);
            json.key("textColor").string(status.text_colour);
            json.key("backgroundColor")
                .string(status.background_colour)
                .raw("}");
        }
    }

    fn write_text(self, json: &mut Json) {
        json.raw("\"<p>");
        for (at, sentence) in self.sentences().enumerate() {
            json.raw(if at > 0 { " " } else { "" }).escaped(sentence);
        }
        json.raw("</p>\"");
    }

    fn write_tags(self, json: &mut Json) {
        json.raw("[");
        for tag in self.tags() {
            json.next().string(tag);
        }
        json.raw("]");
    }

    /// Ids of as many members, each once while there are enough of them.
    fn write_people(self, json: &mut Json, salt: u64, count: u64) {
        let users = self.world.spec.users;
        let first = self.place.below(salt, users);
        json.raw("[");
        for at in 0..count.min(users) {
            json.next()
                .quoted_number(self.world.member((first + at) % users).id());
        }
        json.raw("]");
    }

    /// As in the lists of one type and under `/{type}/{id}`.
    pub(crate) fn write_full(self, json: &mut Json) {
        json.raw("{");
        self.write_ids(json);
        if self.flaw() == Some(Flaw::UnknownType) {
            json.key("contentType").string(self.served_type());
        }
        json.key("title").string(&self.title());
        json.key(self.text_key());
        self.write_text(json);
        json.key("author");
        write_author(json, self.author());
        if self.kind != ContentType::ProductUpdate {
            json.key("categoryId").quoted_number(self.category().id);
        }
        self.write_full_times(json);
        self.write_reply_counts(json);
        json.key("tags");
        self.write_tags(json);
        json.key("sticky")
            .bool(self.sticky())
            .raw(r#","closed":false"#)
            .key("trashed")
            .bool(self.trashed());
        self.write_own_fields(json);
        json.key("seoCommunityUrl")
            .plain_string(|text| self.push_path(text))
            .raw("}");
    }

    fn text_key(self) -> &'static str {
        match self.kind {
            ContentType::Article | ContentType::ProductUpdate => "body",
            _ => "content",
        }
    }

    fn write_full_times(self, json: &mut Json) {
        match self.kind {
            ContentType::Article => {
                self.write_times(json, "createdAt");
                json.key("publishedAt").iso_time(self.created());
                json.key("lastModifiedAt").iso_time(self.edited());
            }
            ContentType::Conversation => self.write_times(json, "startedAt"),
            ContentType::Question => self.write_times(json, "askedAt"),
            ContentType::Idea => {
                self.write_times(json, "submittedAt");
                json.key("ideaStatusChangedAt").iso_time(self.status_changed());
            }
            ContentType::ProductUpdate => {
                json.key("createdAt");
                iso_creation(json, self.created(), self.flaw());
            }
        }
    }

    fn write_reply_counts(self, json: &mut Json) {
        let count = self.reply_count();
        for key in [
            "replyCount",
            "totalReplyCount",
            "inclusiveReplyCount",
            "inclusiveVisibleReplyCount",
        ] {
            json.key(key).number(count);
        }
        json.raw(r#","spamReplyCount":0,"pendingReplyCount":0,"trashedReplyCount":0"#);
    }

    fn write_own_fields(self, json: &mut Json) {
        let liked = |json: &mut Json| {
            json.key("likedBy");
            self.write_people(json, 61, self.likes());
        };
        let flags = r#","spam":false,"reported":false,"reportedContent":[]"#;
        match self.kind {
            ContentType::Article => {
                liked(json);
                json.raw(
                    r#","moderatorTags":[],"containsPoll":false,"status":"published","featuredImage":"""#,
                );
                json.raw(r#","featuredImageAltText":"","publicLabel":"","isPreviewPublic":true"#);
            }
            ContentType::ProductUpdate => {
                liked(json);
                json.raw(
                    r#","moderatorTags":[],"containsPoll":false,"status":"published","featuredImage":"""#,
                );
                json.raw(r#","featuredImageAltText":"","publicLabel":"","productAreas":[]"#);
            }
            ContentType::Conversation => {
                liked(json);
                json.raw(flags).raw(r#","moderatorTags":[],"containsPoll":false"#);
            }
            ContentType::Question => {
                liked(json);
                json.raw(flags)
                    .raw(r#","pendingApproval":false,"containsPoll":false"#);
                if let Some(answer) = self.answer() {
                    json.key("answer").quoted_number(answer.private_id());
                }
            }
            ContentType::Idea => {
                json.raw(flags)
                    .raw(r#","moderatorTags":[],"productAreas":[]"#)
                    .key("votedBy");
                self.write_people(json, 60, self.votes());
                self.write_idea_status(json);
            }
        }
    }

    /// Path of the topic's page. Needs no JSON escape.
    pub(super) fn push_path(self, text: &mut String) {
        let category = self.category();
        text.push('/');
        push_slug(text, category.name);
        push_number(text, category.id);
        text.push('/');
        push_slug(text, &self.title());
        push_number(text, self.public_id());
    }
}

/// Lower-case words with a hyphen after each.
fn push_slug(text: &mut String, name: &str) {
    for word in name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        text.extend(word.chars().map(|letter| letter.to_ascii_lowercase()));
        text.push('-');
    }
}

/// Id, name and picture.
fn write_short_author(json: &mut Json, author: Option<Member<'_>>) {
    let Some(member) = author else {
        json.raw("null");
        return;
    };
    json.raw("{").key("id").quoted_number(member.id());
    json.key("username")
        .plain_string(|text| member.push_username(text));
    json.key("avatar")
        .plain_string(|text| member.push_avatar(text))
        .raw("}");
}

/// The long form, with what the member has earned.
pub(super) fn write_author(json: &mut Json, author: Option<Member<'_>>) {
    let Some(member) = author else {
        json.raw("null");
        return;
    };
    json.raw("{").key("id").quoted_number(member.id());
    json.key("username")
        .plain_string(|text| member.push_username(text));
    json.key("customTitle")
        .raw("\"\"")
        .key("signature")
        .raw("\"")
        .raw(member.signature())
        .raw("\"");
    json.key("avatar").plain_string(|text| member.push_avatar(text));
    json.key("reputation")
        .raw("{")
        .key("rank")
        .string(member.world.words.ranks[member.rank()]);
    json.raw(r#","rankIcon":"","rankIconThumbnail":"""#);
    json.key("likesReceived").number(member.place.skewed(34, 120));
    json.key("repliesMade")
        .number(member.place.skewed(31, 90))
        .raw("}}");
}
