//! Idea statuses, categories and view activity.

use std::borrow::Cow;

use domain::{
    Stream,
    record::{Activity, Category, IdeaStatus, Record},
};

use super::{
    Flaw, Reader, Texts,
    fields::{Items, Maybe, fields},
    scalar::Scalar,
};

fields!(RawIdeaStatus {
    id: Scalar<'de> = "id",
    name: Scalar<'de> = "name",
    kind: Scalar<'de> = "type",
    default: Scalar<'de> = "default",
    visible: Scalar<'de> = "visible",
    order: Scalar<'de> = "displayOrder",
    text_color: Scalar<'de> = "textColor",
    background_color: Scalar<'de> = "backgroundColor",
});

#[derive(Clone, Copy, Debug)]
pub(crate) struct IdeaStatuses;

impl Reader for IdeaStatuses {
    const STREAM: Stream = Stream::IdeaStatuses;
    type Raw<'de> = RawIdeaStatus<'de>;

    fn record(&mut self, raw: RawIdeaStatus<'_>) -> Result<Record, Flaw> {
        let idea_status_id = super::id("id", raw.id, || Cow::Borrowed("idea status without an id"))?;
        let mut texts = Texts::default();
        let status = IdeaStatus {
            name: texts.required("name", raw.name),
            status_type: texts.required("type", raw.kind),
            is_default: texts.flag("default", &raw.default),
            visible: texts.flag("visible", &raw.visible),
            display_order: texts.count("displayOrder", &raw.order),
            text_color: texts.optional("textColor", raw.text_color),
            background_color: texts.optional("backgroundColor", raw.background_color),
            idea_status_id: String::new(),
        };
        texts.verdict(|| format!("idea status {idea_status_id}"))?;
        Ok(Record::IdeaStatus(IdeaStatus {
            idea_status_id,
            ..status
        }))
    }
}

fields!(
    /// The list names `name` and `order`; a node of the tree `title`, `displayOrder` and the rest.
    RawCategory {
        id: Scalar<'de> = "id",
        name: Scalar<'de> = "name",
        title: Scalar<'de> = "title",
        order: Scalar<'de> = "order",
        display_order: Scalar<'de> = "displayOrder",
        parent_id: Scalar<'de> = "parentId",
        is_section: Scalar<'de> = "isSection",
        module: Scalar<'de> = "type",
        supported: Items<Scalar<'de>> = "supportedContentTypes",
    }
);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Categories;

impl Reader for Categories {
    const STREAM: Stream = Stream::Categories;
    type Raw<'de> = RawCategory<'de>;

    fn record(&mut self, raw: RawCategory<'_>) -> Result<Record, Flaw> {
        let category_id = super::id("id", raw.id, || Cow::Borrowed("category without an id"))?;
        let mut texts = Texts::default();
        let category = Category {
            name: texts.required("name", raw.name.or(raw.title)),
            display_order: texts.count("order", &raw.order.or(raw.display_order)),
            parent_id: texts.optional_id("parentId", raw.parent_id),
            is_section: texts.flag("isSection", &raw.is_section),
            module: texts.optional("type", raw.module),
            supported_content_types: texts.names("supportedContentTypes", raw.supported),
            category_id: String::new(),
        };
        texts.verdict(|| format!("category {category_id}"))?;
        Ok(Record::Category(Category {
            category_id,
            ..category
        }))
    }
}

fields!(
    /// As a client of 2020 read it; today's specification has no such listing.
    RawEvent {
        event_uuid: Scalar<'de> = "event_uuid",
        event_type: Scalar<'de> = "event_type",
        time_added: Scalar<'de> = "time_added",
        user: Maybe<RawEventUser<'de>> = "user",
        page: Maybe<RawPage<'de>> = "pageinfo",
    }
);

fields!(RawEventUser { userid: Scalar<'de> = "userid" });

fields!(RawPage { post_id: Scalar<'de> = "post_id", topic_id: Scalar<'de> = "topic_id" });

#[derive(Clone, Copy, Debug)]
pub(crate) struct Events;

/// Every name of a view is `view`; other names stay as they came, in lower case.
fn activity_type(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let last = name
        .rsplit(['.', '_', '-', ' ', ':', '/'])
        .next()
        .unwrap_or(&name);
    if matches!(last, "view" | "viewed" | "views" | "pageview" | "topicview") {
        "view".to_owned()
    } else {
        name
    }
}

impl Reader for Events {
    const STREAM: Stream = Stream::Activity;
    type Raw<'de> = RawEvent<'de>;

    fn record(&mut self, raw: RawEvent<'_>) -> Result<Record, Flaw> {
        let event_id = super::id("event_uuid", raw.event_uuid, || {
            Cow::Borrowed("activity without an id")
        })?;
        let name = || format!("activity {event_id}");
        let occurred_at = super::time("time_added", &raw.time_added, name)?;
        let mut texts = Texts::default();
        let page = raw.page.0.unwrap_or_default();
        let user = raw.user.0.unwrap_or_default();
        let activity = Activity {
            activity_type: activity_type(&texts.named("event_type", raw.event_type)),
            occurred_at,
            user_id: texts.optional_id("user.userid", user.userid),
            content_public_id: texts.optional_id("pageinfo.post_id", page.post_id.or(page.topic_id)),
            event_id: String::new(),
        };
        texts.verdict(name)?;
        Ok(Record::Activity(Activity { event_id, ..activity }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_a_view_by_any_name() {
        for name in [
            "view",
            "View",
            "topic.viewed",
            "page_view",
            "pageview",
            "content-view",
            " TOPIC:VIEW ",
        ] {
            assert_eq!(activity_type(name), "view", "{name}");
        }
        assert_eq!(activity_type("Review"), "review");
        assert_eq!(activity_type("topic.liked"), "topic.liked");
    }
}
