//! Replies, which look the same in every content type.

use super::iso_creation;
use super::topics::write_author;
use crate::content::Reply;
use crate::damage::Flaw;
use crate::json::{Json, push_number};

impl Reply<'_> {
    pub(crate) fn write(self, json: &mut Json) {
        json.raw("{");
        if self.flaw() != Some(Flaw::NoId) {
            json.key("id")
                .quoted_number(self.private_id())
                .key("publicReplyId")
                .quoted_number(self.public_id());
        }
        json.key("content")
            .raw("\"<p>")
            .escaped(self.text())
            .raw("</p>\"");
        json.key("author");
        write_author(json, self.author());
        json.key("repliedAt");
        iso_creation(json, self.time(), self.flaw());
        json.raw(r#","inclusiveReplyCount":0,"inclusiveVisibleReplyCount":0,"trashed":false,"spam":false"#);
        json.raw(r#","reported":false,"reportedContent":[],"pendingApproval":false"#);
        json.key("highlighted").bool(self.place.per_mille(4, 10));
        json.key("likedBy");
        self.write_likers(json);
        json.key("permalink")
            .plain_string(|text| self.push_permalink(text))
            .raw("}");
    }

    fn write_likers(self, json: &mut Json) {
        let world = self.topic.world;
        let users = world.spec.users;
        let first = self.place.below(5, users);
        json.raw("[");
        for at in 0..self.likes().min(users) {
            json.next().quoted_number(world.member((first + at) % users).id());
        }
        json.raw("]");
    }

    fn push_permalink(self, text: &mut String) {
        text.push_str("https://");
        text.push_str(&self.topic.world.spec.name);
        text.push_str(".community.example");
        self.topic.push_path(text);
        for anchor in ["?postid=", "#post"] {
            text.push_str(anchor);
            push_number(text, self.public_id());
        }
    }
}
