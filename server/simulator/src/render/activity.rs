//! `/user/activity`, in the shape that a client of 2020 read.

use super::unix_creation;
use crate::activity::{EVENT_TYPE, View};
use crate::damage::Flaw;
use crate::json::Json;

impl View<'_> {
    pub(crate) fn write(self, json: &mut Json) {
        let time = self.time();
        json.raw("{");
        if self.flaw() != Some(Flaw::NoId) {
            json.key("event_uuid").plain_string(|text| self.push_uuid(text));
        }
        json.key("customer").string(&self.world.spec.name);
        json.raw(r#","environment":"production","yip_id":""#)
            .number(self.index + 1);
        json.raw(r#"","module":"community","source":["web"]"#);
        json.key("event_type")
            .string(EVENT_TYPE)
            .raw(r#","parent_event_type":null"#);
        json.key("time_added");
        unix_creation(json, time, self.flaw());
        json.key("time_processed");
        unix_creation(json, self.processed(time), self.flaw());
        json.key("user");
        match self.member(time) {
            None => json.raw("null"),
            Some(member) => {
                json.raw("{").key("userid").quoted_number(member.id());
                json.key("username")
                    .plain_string(|text| member.push_username(text))
                    .raw("}")
            }
        };
        json.raw(r#","control":false"#).key("pageinfo");
        match self.topic_public_id(time) {
            None => json.raw("null"),
            Some(id) => json.raw("{").key("post_id").quoted_number(id).raw("}"),
        };
        json.raw("}");
    }
}
