//! Categories, their tree, and idea statuses.

use crate::content::ContentType;
use crate::json::Json;
use crate::structure::{Category, IdeaStatus, Module, Structure};

impl Category {
    /// As in the list, which has the name where the tree has a title.
    pub(crate) fn write(&self, json: &mut Json) {
        json.raw("{")
            .key("id")
            .quoted_number(self.id)
            .key("name")
            .string(self.name);
        json.key("order").number(self.order).raw("}");
    }

    fn content_types(&self) -> &'static [ContentType] {
        match self.module {
            _ if self.is_section => &[],
            Module::KnowledgeBase => &[ContentType::Article, ContentType::ProductUpdate],
            Module::Community => &[
                ContentType::Conversation,
                ContentType::Question,
                ContentType::Idea,
            ],
            Module::Groups => &[ContentType::Conversation, ContentType::Question],
        }
    }
}

impl Structure {
    /// The categories of a module under a parent, each with those under it.
    pub(crate) fn write_tree(&self, json: &mut Json, module: Module, parent: Option<u64>) {
        json.raw("[");
        let here = |category: &&Category| category.module == module && category.parent == parent;
        for category in self.categories.iter().filter(here) {
            json.next()
                .raw("{")
                .key("id")
                .number(category.id)
                .key("type")
                .string(module.name());
            json.key("displayOrder")
                .number(category.order)
                .key("title")
                .string(category.name);
            json.key("description").string(category.name).key("parentId");
            match category.parent {
                Some(parent) => json.number(parent),
                None => json.raw("null"),
            };
            json.key("isSection")
                .bool(category.is_section)
                .raw(r#","heroImage":null,"thumbnailImage":null"#);
            json.key("supportedContentTypes").raw("[");
            for kind in category.content_types() {
                json.next().string(kind.name());
            }
            json.raw("]").key("children");
            self.write_tree(json, module, Some(category.id));
            json.raw("}");
        }
        json.raw("]");
    }
}

impl IdeaStatus {
    pub(crate) fn write(&self, json: &mut Json) {
        json.raw("{")
            .key("id")
            .quoted_number(self.id)
            .key("name")
            .string(self.name);
        json.key("backgroundColor")
            .string(self.background_colour)
            .key("textColor")
            .string(self.text_colour);
        json.key("default")
            .bool(self.order == 0)
            .raw(r#","visible":true"#);
        json.key("type")
            .string(self.kind)
            .key("displayOrder")
            .number(self.order)
            .raw("}");
    }
}
