//! The user paths: `/user`, `/user/activity`, `/user/{id}`, `/user/{field}/{value}` and the badges.

use crate::answer::Answer;
use crate::index::{Selection, UserFilter};
use crate::json::Json;
use crate::mix::index;
use crate::people::{BADGES, Member};
use crate::query::{Query, percent_decoded};
use crate::world::World;

/// Rendered size of a member, with room to spare, so that a page grows its buffer once.
const USER_BYTES: usize = 2_300;
/// Rendered size of an event.
const EVENT_BYTES: usize = 450;

impl World {
    /// Answers a path below the root, without the prefix `/api1`; `None` if there is no such path.
    pub(crate) fn user_answer(&self, path: &[&str], query: &Query<'_>) -> Option<Answer> {
        Some(match path {
            ["user"] => self.users(query),
            ["user", "activity"] => self.activity(query),
            ["user", id] => found(
                id.parse().ok().and_then(|id| self.member_by_id(id)),
                Member::write,
            ),
            ["user", field, value] => {
                let member = self.member_by(field, &percent_decoded(value));
                found(member, |member, json| {
                    json.raw(r#"{"result":"#);
                    member.write_found(json);
                    json.raw("}");
                })
            }
            ["gamification", "badges"] => badges(),
            _ => return None,
        })
    }

    fn users(&self, query: &Query<'_>) -> Answer {
        let days = |key| query.days(key).map_err(|_| ());
        let (Ok(joined), Ok(last_active)) = (days("filter[joindate]"), days("filter[lastactivity]")) else {
            return Answer::error(500, "Internal Server Error");
        };
        let filter = UserFilter {
            ids: query.ids("filter[userid]"),
            roles: query
                .list("filter[roles.rolename]")
                .into_iter()
                .map(str::to_owned)
                .collect(),
            badges: query.ids("filter[badges.badgeid]"),
            joined,
            last_active,
        };
        let selection = self.select_users(&filter);
        let page = query.lenient_page();
        let numbers = selection.page(page);
        let write = |json: &mut Json, number| self.member(number).write(json);
        let mut json = Json::with_capacity(index(page.size) * USER_BYTES);
        json.raw("{");
        if query
            .get("_returnIterable")
            .is_some_and(|value| matches!(value, "true" | "1"))
        {
            json.key("users").raw("[");
            for number in numbers {
                json.next();
                write(&mut json, number);
            }
            json.raw("]");
        } else {
            write_numbered(&mut json, numbers, write);
        }
        write_statistics(json, selection.len())
    }

    /// Newest first, like the members.
    fn activity(&self, query: &Query<'_>) -> Answer {
        let page = query.lenient_page();
        let all = Selection::run(0, self.view_count());
        let mut json = Json::with_capacity(index(page.size) * EVENT_BYTES);
        json.raw("{");
        write_numbered(&mut json, all.page(page), |json, view| {
            self.view(view).write(json);
        });
        write_statistics(json, all.len())
    }

    fn member_by(&self, field: &str, value: &str) -> Option<Member<'_>> {
        let by_number = |text: &str| text.parse().ok().and_then(|number| self.live_member(number));
        let last_number =
            |text: &str| by_number(&text[text.trim_end_matches(|last: char| last.is_ascii_digit()).len()..]);
        match field {
            "userid" => value.parse().ok().and_then(|id| self.member_by_id(id)),
            "username" => last_number(value).filter(|member| member.username() == value),
            "email" => {
                let mailbox = value.split('@').next().unwrap_or_default();
                let same = |member: &Member<'_>| {
                    member
                        .email()
                        .is_some_and(|email| email.to_lowercase() == value.to_lowercase())
                };
                last_number(mailbox).filter(same)
            }
            "oauth2_sso_id" => {
                let named = value.strip_prefix("crm-").and_then(by_number);
                named.filter(|member| {
                    let mut id = String::new();
                    member.push_sso_id(&mut id);
                    id == value
                })
            }
            // Nobody here signs in by one of the other systems.
            _ => None,
        }
    }
}

fn found<'w>(member: Option<Member<'w>>, write: impl FnOnce(Member<'w>, &mut Json)) -> Answer {
    let Some(member) = member else {
        return Answer::not_found("User not found");
    };
    let mut json = Json::with_capacity(USER_BYTES);
    write(member, &mut json);
    Answer::json(json.into_bytes())
}

/// `"0":…,"1":…`
fn write_numbered(json: &mut Json, numbers: impl Iterator<Item = u64>, write: impl Fn(&mut Json, u64)) {
    for (position, number) in numbers.enumerate() {
        json.next().quoted_number(position as u64).raw(":");
        write(json, number);
    }
}

fn write_statistics(mut json: Json, count: u64) -> Answer {
    json.key("statistics")
        .raw("{")
        .key("count")
        .number(count)
        .raw("}}");
    Answer::json(json.into_bytes())
}

fn badges() -> Answer {
    let mut json = Json::default();
    json.raw("{")
        .key("totalItems")
        .number(BADGES.len() as u64)
        .key("results")
        .raw("[");
    for badge in BADGES {
        json.next()
            .raw("{")
            .key("id")
            .number(badge.id)
            .key("title")
            .string(badge.title);
        json.key("description")
            .string(badge.title)
            .raw(r#","enableBadgeRules":false,"image":"","thumbImage":""}"#);
    }
    json.raw("]}");
    Answer::json(json.into_bytes())
}
