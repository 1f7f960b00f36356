//! Members.

use std::{borrow::Cow, collections::BTreeMap};

use domain::{
    MappedColumn, ProfileMapper, ProfileMapping, Stream,
    record::{Record, User},
};

use super::{
    Flaw, Reader, Texts,
    fields::{Items, Maybe, fields},
    scalar::Scalar,
};

fields!(RawUser {
    userid: Scalar<'de> = "userid",
    username: Scalar<'de> = "username",
    email: Scalar<'de> = "email",
    sso_id: Scalar<'de> = "insided_sso_customeruid",
    avatar: Scalar<'de> = "avatar",
    rank_id: Scalar<'de> = "rank_id",
    rank_name: Scalar<'de> = "rank_name",
    is_moderator: Scalar<'de> = "is_moderator",
    joindate: Scalar<'de> = "joindate",
    lastactivity: Scalar<'de> = "lastactivity",
    lastvisit: Scalar<'de> = "lastvisit",
    posts: Scalar<'de> = "posts",
    topics: Scalar<'de> = "topics",
    solved: Scalar<'de> = "solved",
    likes: Scalar<'de> = "likes",
    likes_given: Scalar<'de> = "likes_given",
    related: Maybe<RawRelated<'de>> = "_related",
});

fields!(RawRelated {
    profile: Items<Maybe<RawProfileField<'de>>> = "userprofilefields",
    badges: Items<Maybe<RawBadge<'de>>> = "badges",
    roles: Items<Maybe<RawRole<'de>>> = "roles",
});

fields!(RawProfileField {
    name: Scalar<'de> = "profilefield_name",
    value: Scalar<'de> = "value",
});

fields!(
    /// The specification says nothing about a badge in the list of users, so the names of its sisters are tried.
    RawBadge {
        title: Scalar<'de> = "title",
        name: Scalar<'de> = "name",
        badge_name: Scalar<'de> = "badge_name",
        badgeid: Scalar<'de> = "badgeid",
        id: Scalar<'de> = "id",
    }
);

fields!(RawRole {
    itemname: Scalar<'de> = "itemname",
    name: Scalar<'de> = "name",
});

/// Reads members by a connection's mapping of profile fields.
#[derive(Debug)]
pub(crate) struct Users<'m> {
    mapper: ProfileMapper<'m>,
}

impl<'m> Users<'m> {
    pub(crate) fn new(mapping: &'m ProfileMapping) -> Self {
        Self {
            mapper: ProfileMapper::new(mapping),
        }
    }
}

/// The profile fields of one member, by name.
fn profile(raw: Items<Maybe<RawProfileField<'_>>>, texts: &mut Texts) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    texts.list("_related.userprofilefields", raw.too_many);
    for field in raw.items.into_iter().filter_map(|field| field.0) {
        if let (Some(name), Some(value)) = (field.name.text(), field.value.text()) {
            texts.check("profilefield_name", &name);
            texts.check(&name, &value);
            fields.insert(name.into_owned(), value.into_owned());
        }
    }
    fields
}

fn badges(raw: Items<Maybe<RawBadge<'_>>>, texts: &mut Texts) -> Vec<String> {
    texts.list("_related.badges", raw.too_many);
    let name = |badge: RawBadge<'_>| {
        let named = [badge.title, badge.name, badge.badge_name];
        named
            .into_iter()
            .find_map(Scalar::filled)
            .or_else(|| badge.badgeid.or(badge.id).id())
    };
    let names: Vec<String> = raw
        .items
        .into_iter()
        .filter_map(|badge| badge.0)
        .filter_map(name)
        .collect();
    texts.check_all("_related.badges", &names);
    names
}

fn roles(raw: Items<Maybe<RawRole<'_>>>, texts: &mut Texts) -> Vec<String> {
    texts.list("_related.roles", raw.too_many);
    let name = |role: RawRole<'_>| role.itemname.or(role.name).filled();
    let names: Vec<String> = raw
        .items
        .into_iter()
        .filter_map(|role| role.0)
        .filter_map(name)
        .collect();
    texts.check_all("_related.roles", &names);
    names
}

impl Reader for Users<'_> {
    const STREAM: Stream = Stream::Users;
    type Raw<'de> = RawUser<'de>;

    fn record(&mut self, raw: RawUser<'_>) -> Result<Record, Flaw> {
        let named = match &raw.username {
            Scalar::Text(name) => Some(name.clone()),
            _ => None,
        };
        let without_id = || match named {
            Some(name) => Cow::Owned(format!("user named {name}")),
            None => Cow::Borrowed("user without an id"),
        };
        let id = super::id("userid", raw.userid, without_id)?;
        let name = || format!("user {id}");
        let joined_at = super::time("joindate", &raw.joindate, name)?;
        let mut texts = Texts::default();
        let related = raw.related.0.unwrap_or_default();
        let profile_fields = profile(related.profile, &mut texts);
        // From the map that is stored, so that another mapping gives the same member from what is stored.
        let mut mapped = self.mapper.values(&profile_fields);
        let user = User {
            username: texts.required("username", raw.username),
            email: texts.optional("email", raw.email),
            first_name: mapped.take(MappedColumn::FirstName),
            last_name: mapped.take(MappedColumn::LastName),
            phone: mapped.take(MappedColumn::Phone),
            company_custom: mapped.take(MappedColumn::Company),
            department: mapped.take(MappedColumn::Department),
            title: mapped.take(MappedColumn::Title),
            sso_id: texts.optional("insided_sso_customeruid", raw.sso_id),
            profile_picture: texts.optional("avatar", raw.avatar),
            rank_id: texts.optional("rank_id", raw.rank_id),
            rank_name: texts.optional("rank_name", raw.rank_name),
            is_moderator: texts.flag("is_moderator", &raw.is_moderator),
            roles: roles(related.roles, &mut texts),
            badges: badges(related.badges, &mut texts),
            joined_at,
            last_activity_at: raw.lastactivity.time(),
            last_visit_at: raw.lastvisit.time(),
            posts: texts.count("posts", &raw.posts),
            topics: texts.count("topics", &raw.topics),
            solved: texts.count("solved", &raw.solved),
            likes_received: texts.count("likes", &raw.likes),
            likes_given: texts.count("likes_given", &raw.likes_given),
            profile_fields,
            community_user_id: String::new(),
        };
        texts.verdict(name)?;
        Ok(Record::User(Box::new(User {
            community_user_id: id,
            ..user
        })))
    }
}
