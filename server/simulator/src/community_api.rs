//! The community paths, below `/v2`.

use crate::answer::Answer;
use crate::content::{ContentType, Topic};
use crate::index::{Selection, TopicFilter, TopicOrder};
use crate::json::Json;
use crate::mix::index;
use crate::query::{Page, Query};
use crate::structure::Module;
use crate::world::World;

/// The list of all topics and the search serve no record beyond this place.
const MAX_LISTED_TOPICS: u64 = 10_000;
/// Rendered size of a topic or reply, with room to spare.
const CONTENT_BYTES: usize = 1_500;

/// An answer, or the one sentence that says what is wrong with the question.
type Checked = Result<Answer, String>;

impl World {
    /// Answers a path below `/v2`; `None` if there is no such path.
    pub(crate) fn community_answer(&self, path: &[&str], query: &Query<'_>) -> Option<Answer> {
        let checked = match path {
            ["topics"] => self.topics(query),
            ["topics", "search"] => self.search(query),
            ["categories"] => self.categories(query),
            ["categories", "getVisibleTopicsCount"] => Ok(self.visible_topics_count()),
            ["categories", id] => Ok(self.category_by_id(id)),
            ["categories", id, list] => self.topics_of_category(id, list, query)?,
            ["category", "getTree"] => Ok(self.category_tree(query)),
            ["ideas", "ideaStatuses"] => self.idea_statuses(query),
            ["tags"] => self.tags(query),
            ["moderatorTags" | "productAreas" | "events"] => query.page().map(|_| result(|_| {})),
            [kind, rest @ ..] => self.typed(ContentType::in_path(kind)?, rest, query)?,
            [] => return None,
        };
        Some(checked.unwrap_or_else(|error| Answer::unprocessable(&error)))
    }

    /// Whether a path below `/v2` leads to the hidden category or into it.
    pub(crate) fn hides(&self, path: &[&str]) -> bool {
        let hidden = self.structure.hidden().id;
        let (list, id) = match path {
            [list, id, ..] => (*list, id.parse::<u64>()),
            _ => return false,
        };
        match (ContentType::in_path(list), id) {
            (Some(kind), Ok(id)) => self
                .topic_by_private_id(kind, id)
                .is_some_and(|topic| topic.category().id == hidden),
            (None, Ok(id)) => list == "categories" && id == hidden,
            (_, Err(_)) => false,
        }
    }

    /// Paths of one content type.
    fn typed(&self, kind: ContentType, path: &[&str], query: &Query<'_>) -> Option<Checked> {
        let with_moderator = |answer: &dyn Fn() -> Checked| match query.get("moderatorId") {
            Some(_) => answer(),
            None => Err("moderatorId: This value should not be blank.".into()),
        };
        let drafts = matches!(kind, ContentType::Article | ContentType::ProductUpdate);
        Some(match path {
            [] => self.of_kind(
                &TopicFilter {
                    kinds: vec![kind],
                    ..TopicFilter::default()
                },
                query,
            ),
            ["trashed"] => with_moderator(&|| {
                let filter = TopicFilter {
                    kinds: vec![kind],
                    trashed: Some(true),
                    ..TopicFilter::default()
                };
                self.of_kind(&filter, query)
            }),
            ["drafts"] if drafts => with_moderator(&|| query.page().map(|_| result(|_| {}))),
            [id, rest @ ..] => {
                let topic = id.parse().ok().and_then(|id| self.topic_by_private_id(kind, id));
                match (topic, rest) {
                    (_, [.., "poll"]) if kind != ContentType::Idea => Ok(Answer::not_found("Poll not found")),
                    (None, [] | ["replies", ..]) => Ok(Answer::not_found("Topic not found")),
                    (Some(topic), []) => Ok(enveloped(|json| topic.write_full(json))),
                    (Some(topic), ["replies"]) => replies(topic, query),
                    (Some(topic), ["replies", id]) => Ok(reply(topic, id)),
                    _ => return None,
                }
            }
        })
    }

    fn topics(&self, query: &Query<'_>) -> Checked {
        let mut filter = topic_filter(query)?;
        filter.categories = query.ids("categoryIds");
        filter.categories.extend(query.ids("categoryId"));
        filter.kinds = content_types(query)?;
        let asks_product_area = !query.list("productAreaIds").is_empty();
        // Categories and product areas are alternatives, and no topic here has a product area.
        filter.nothing |= asks_product_area && filter.categories.is_empty();
        self.listed(&filter, query.page()?, true)
    }

    fn search(&self, query: &Query<'_>) -> Checked {
        let filter = TopicFilter {
            categories: query.ids("categories"),
            kinds: content_types(query)?,
            trashed: query.get("trashed").map(|value| matches!(value, "true" | "1")),
            ..topic_filter(query)?
        };
        self.listed(&filter, query.page()?, true)
    }

    fn topics_of_category(&self, id: &str, list: &str, query: &Query<'_>) -> Option<Checked> {
        let kinds = match list {
            "topics" => Vec::new(),
            "articles" | "conversations" | "questions" => vec![ContentType::in_path(list)?],
            _ => return None,
        };
        let Some(category) = id.parse().ok().and_then(|id| self.structure.category(id)) else {
            return Some(Ok(Answer::not_found("Category not found")));
        };
        let narrow = |filter: TopicFilter| TopicFilter {
            categories: vec![category.id],
            kinds,
            ..filter
        };
        Some(match list {
            "topics" => {
                topic_filter(query).and_then(|filter| self.listed(&narrow(filter), query.page()?, false))
            }
            _ => self.of_kind(&narrow(TopicFilter::default()), query),
        })
    }

    /// The short form.
    fn listed(&self, filter: &TopicFilter, page: Page, capped: bool) -> Checked {
        if capped && page.number.saturating_mul(page.size) > MAX_LISTED_TOPICS {
            return Err(format!(
                "Only the first {MAX_LISTED_TOPICS} topics can be listed."
            ));
        }
        Ok(self.page_of(&self.select_topics(filter), page, Topic::write_listed))
    }

    /// The long form, newest activity first.
    fn of_kind(&self, filter: &TopicFilter, query: &Query<'_>) -> Checked {
        let page = query.page()?;
        Ok(self.page_of(&self.select_topics(filter), page, Topic::write_full))
    }

    fn page_of<'w>(
        &'w self,
        selection: &Selection,
        page: Page,
        write: impl Fn(Topic<'w>, &mut Json),
    ) -> Answer {
        let mut json = Json::with_capacity(index(page.size) * CONTENT_BYTES);
        json.raw(r#"{"result":["#);
        for number in selection.page(page) {
            json.next();
            write(self.topic(number), &mut json);
        }
        json.raw("]}");
        Answer::json(json.into_bytes())
    }

    fn categories(&self, query: &Query<'_>) -> Checked {
        let page = query.page()?;
        let without_groups = query
            .get("excludeGroups")
            .is_some_and(|value| matches!(value, "true" | "1"));
        let shown = self.structure.categories.iter();
        let shown = shown.filter(|category| !without_groups || category.module != Module::Groups);
        Ok(result(|json| {
            for category in on_page(shown, page) {
                json.next();
                category.write(json);
            }
        }))
    }

    /// Without an envelope, unlike everything else.
    fn category_by_id(&self, id: &str) -> Answer {
        let Some(category) = id.parse().ok().and_then(|id| self.structure.category(id)) else {
            return Answer::not_found("Category not found");
        };
        let mut json = Json::default();
        category.write(&mut json);
        Answer::json(json.into_bytes())
    }

    fn visible_topics_count(&self) -> Answer {
        enveloped(|json| {
            json.raw("{");
            for (category, count) in self.structure.categories.iter().zip(self.visible_topics()) {
                json.next()
                    .quoted_number(category.id)
                    .raw(":")
                    .quoted_number(*count);
            }
            json.raw("}");
        })
    }

    fn category_tree(&self, query: &Query<'_>) -> Answer {
        let wanted = query.list("module");
        let known: Vec<Module> = Module::ALL
            .into_iter()
            .filter(|module| wanted.contains(&module.name()))
            .collect();
        if known.is_empty() || known.len() < wanted.len() || query.get("authorId").is_none() {
            return Answer::described(400, "Bad Request", "module[] and authorId are needed");
        }
        enveloped(|json| {
            json.raw("{");
            for module in known {
                json.key(module.name());
                self.structure.write_tree(json, module, None);
            }
            json.raw("}");
        })
    }

    fn idea_statuses(&self, query: &Query<'_>) -> Checked {
        let page = query.page()?;
        Ok(result(|json| {
            for status in on_page(self.structure.idea_statuses.iter().rev(), page) {
                json.next();
                status.write(json);
            }
        }))
    }

    fn tags(&self, query: &Query<'_>) -> Checked {
        let page = query.page()?;
        let wanted = query.get("q").unwrap_or_default();
        let tags = self
            .words
            .tags
            .iter()
            .enumerate()
            .filter(|(_, tag)| tag.contains(wanted));
        Ok(result(|json| {
            for (at, tag) in on_page(tags, page) {
                json.next()
                    .raw("{")
                    .key("id")
                    .quoted_number(at as u64 + 1)
                    .key("name")
                    .string(tag)
                    .raw("}");
            }
        }))
    }
}

/// The filters that all lists in the short form share.
fn topic_filter(query: &Query<'_>) -> Result<TopicFilter, String> {
    let order = match query.get("sort") {
        None | Some("lastActivityAt") => TopicOrder::LastActivity,
        Some("createdAt") => TopicOrder::Created,
        Some("likes") => TopicOrder::Likes,
        Some("voteCount") => TopicOrder::Votes,
        Some("replyCount") => TopicOrder::Replies,
        Some(_) => return Err("sort: The value you selected is not a valid choice.".into()),
    };
    Ok(TopicFilter {
        public_ids: query.ids("publicIds"),
        created: query.days("createdAt")?,
        last_active: query.days("lastActivityAt")?,
        text: query.get("q").map(str::to_owned),
        tags: query.list("tags").into_iter().map(str::to_owned).collect(),
        nothing: ["moderatorTags", "moderationLabels"]
            .iter()
            .any(|key| !query.list(key).is_empty()),
        order,
        ..TopicFilter::default()
    })
}

fn content_types(query: &Query<'_>) -> Result<Vec<ContentType>, String> {
    let named = |key: &str, name: &str| {
        ContentType::named(name)
            .ok_or_else(|| format!("{key}: The value you selected is not a valid choice."))
    };
    let mut kinds = Vec::new();
    for name in query.list("contentTypes") {
        kinds.push(named("contentTypes", name)?);
    }
    if let Some(name) = query.get("contentType") {
        // The deprecated parameter never learnt about ideas.
        kinds.push(named("contentType", if name == "idea" { "" } else { name })?);
    }
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds)
}

fn replies(topic: Topic<'_>, query: &Query<'_>) -> Checked {
    let page = query.page()?;
    let mut positions: Vec<u64> = (0..topic.reply_count()).collect();
    match query.get("sort") {
        None | Some("oldestFirst") => {}
        Some("mostRecentFirst") => positions.reverse(),
        Some("mostLiked") => positions.sort_by_cached_key(|&at| std::cmp::Reverse(topic.reply(at).likes())),
        Some(_) => return Err("sort: The value you selected is not a valid choice.".into()),
    }
    Ok(result(|json| {
        for position in on_page(positions.into_iter(), page) {
            json.next();
            topic.reply(position).write(json);
        }
    }))
}

fn reply(topic: Topic<'_>, id: &str) -> Answer {
    match id.parse().ok().and_then(|id| topic.reply_by_private_id(id)) {
        None => Answer::not_found("Reply not found"),
        Some(reply) => enveloped(|json| reply.write(json)),
    }
}

fn on_page<I: Iterator<Item: Copy>>(all: I, page: Page) -> impl Iterator<Item = I::Item> {
    let all: Vec<I::Item> = all.collect();
    page.positions(all.len() as u64)
        .map(move |position| all[index(position)])
}

/// `{"result":…}`
fn enveloped(write: impl FnOnce(&mut Json)) -> Answer {
    let mut json = Json::with_capacity(CONTENT_BYTES);
    json.raw(r#"{"result":"#);
    write(&mut json);
    json.raw("}");
    Answer::json(json.into_bytes())
}

/// `{"result":[…]}`
fn result(write: impl FnOnce(&mut Json)) -> Answer {
    enveloped(|json| {
        json.raw("[");
        write(json);
        json.raw("]");
    })
}
