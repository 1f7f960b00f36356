//! `/user` and its single forms.

use super::{UPLOADS, iso_creation, unix_creation};
use crate::damage::Flaw;
use crate::json::{Json, push_number};
use crate::people::{Member, REGISTERED, Role};

/// Profile fields of a tenant are numbered from here, as an administrator made them.
const FIRST_PROFILE_FIELD: u64 = 3;
/// Most fields that one member fills in.
const PROFILE_FIELDS: u64 = 9;
/// A few signatures hold what no reader expects; JSON already.
const ODD_SIGNATURES: [&str; 3] = [
    r"Best regards\u0000",
    r"<p>Tel.\u00a0\u202e99</p>",
    r"\ud83d\ude80 to the moon",
];

/// What a few members pasted into their profile; JSON already.
const ODD_ABOUT: &str = r"\u0000\n<script>alert(1)</script>";

impl Member<'_> {
    /// As in the list and under `/user/{id}`.
    pub(crate) fn write(self, json: &mut Json) {
        let joined = self.joined();
        json.raw("{");
        self.write_identity(json);
        self.write_counters(json);
        self.write_standing(json);
        self.write_times(json, joined);
        json.raw(r#","_related":{"userprofilefields":["#);
        self.write_profile(json);
        json.raw("]");
        self.write_badges(json);
        self.write_roles(json);
        json.raw("}}");
    }

    fn write_id(self, json: &mut Json, id: u64) {
        if self.world.string_ids {
            json.quoted_number(id)
        } else {
            json.number(id)
        };
    }

    fn write_identity(self, json: &mut Json) {
        if self.flaw() != Some(Flaw::NoId) {
            json.raw(r#""userid":"#);
            self.write_id(json, self.id());
            json.raw(",");
        }
        json.raw(r#""usergroupid":2,"membergroupids":0,"displaygroupid":0,"username":"#);
        json.plain_string(|text| self.push_username(text));
        if self.mail() != crate::people::Mail::Absent {
            json.raw(r#","email":"#).plain_string(|text| {
                self.push_email(text);
            });
        }
    }

    fn write_counters(self, json: &mut Json) {
        let draw = |salt: u64, bound: u64| self.place.skewed(salt, bound);
        let (topics, posts) = (draw(30, 12), draw(31, 90));
        json.raw(r#","posts":"#).number(topics + posts);
        json.raw(r#","deleted_posts":"#).number(draw(32, 3));
        json.raw(r#","topics":"#).number(topics);
        json.raw(r#","solved":"#).number(draw(33, 8));
        json.raw(r#","likes":"#).number(draw(34, 120));
        json.raw(r#","likes_given":"#).number(draw(35, 150));
        json.raw(r#","reputation":"#).number(draw(36, 900));
        json.raw(r#","following":"#).number(draw(37, 9));
        json.raw(r#","followers":"#).number(draw(38, 20));
        json.raw(r#","subscriptions":"#).number(draw(39, 25));
        json.raw(r#","reviewcount":0,"ratingcount":0,"blogposts":0,"researches":0,"pmunread":0,"pmtotal":"#);
        json.number(draw(40, 6));
    }

    fn write_standing(self, json: &mut Json) {
        let rank = self.rank();
        let name = self.world.words.ranks[rank];
        json.raw(r#","usertitle":"","rank_id":"#);
        self.write_id(json, rank as u64 + 1);
        json.raw(r#","rank_name":"#)
            .string(name)
            .raw(r#","rank_display_name":"#)
            .string(name);
        json.raw(r#","rank_avatar_icon":null,"rank_avatar_icon_thumb":null,"is_moderator":"#);
        json.number(u64::from(self.is_moderator()));
        json.raw(r#","ipaddress":"192.0.2."#)
            .number(self.place.below(41, 255))
            .raw(r#"","avatar":"#);
        json.plain_string(|text| self.push_avatar(text));
        json.raw(r#","signature":""#).raw(self.signature());
        json.raw(r#"","cdn":"","autoAddToFavorites":true,"insided_sso_customeruid":"#);
        json.plain_string(|text| self.push_sso_id(text));
    }

    pub(super) fn push_avatar(self, text: &mut String) {
        if self.is_anonymous() {
            return;
        }
        text.push_str(UPLOADS);
        text.push_str(&self.world.spec.name);
        text.push_str("/avatar/");
        push_number(text, self.id());
        text.push_str(".png");
    }

    /// JSON already.
    pub(super) fn signature(self) -> &'static str {
        if self.place.per_mille(42, 8) && !self.is_anonymous() {
            self.place.pick(43, &ODD_SIGNATURES)
        } else {
            ""
        }
    }

    fn write_times(self, json: &mut Json, joined: u64) {
        let last_active = self.last_active(joined);
        json.raw(r#","joindate":"#);
        unix_creation(json, joined, self.flaw());
        json.raw(r#","lastactivity":"#).number(last_active);
        json.raw(r#","lastvisit":"#)
            .number(last_active - (last_active - joined) / 50);
        json.raw(r#","lastpost":"#)
            .number(joined + (last_active - joined) / 3);
        json.raw(r#","lastpostid":"#)
            .number(self.place.below(44, 100_000));
    }

    fn write_profile(self, json: &mut Json) {
        if self.is_anonymous() {
            return;
        }
        let (words, fields) = (self.world.words, &self.world.words.profile_fields);
        let has = |salt: u64, chance: u64| self.place.per_mille(salt, chance);
        self.write_field(json, 0, fields.first_name, |json| {
            json.escaped(self.first_name().0)
        });
        self.write_field(json, 1, fields.last_name, |json| json.escaped(self.last_name().0));
        self.write_field(json, 2, fields.city, |json| {
            json.raw(self.profile.pick(52, words.cities))
        });
        self.write_field(json, 3, fields.country, |json| json.raw(words.country));
        let mut company = String::new();
        if self.push_company_name(&mut company) {
            self.write_field(json, 4, fields.company, |json| json.escaped(&company));
        }
        if has(55, 700) {
            self.write_field(json, 5, fields.job_title, |json| {
                json.escaped(self.profile.pick(56, words.job_titles))
            });
        }
        if has(57, 250) {
            let odd = if has(63, 20) { ODD_ABOUT } else { "" };
            self.write_field(json, 6, fields.about, |json| {
                json.escaped(self.place.pick(58, words.about)).raw(odd)
            });
        }
        if has(59, 600) {
            self.write_field(json, 7, fields.department, |json| {
                json.raw(self.profile.pick(60, words.departments))
            });
        }
        if has(61, 400) {
            let number = 1_000_000 + self.profile.below(62, 9_000_000);
            self.write_field(json, 8, fields.phone, |json| {
                json.raw(words.dial_prefix).number(number)
            });
        }
    }

    fn write_field<'j>(
        self,
        json: &'j mut Json,
        number: u64,
        name: &str,
        value: impl FnOnce(&'j mut Json) -> &'j mut Json,
    ) {
        json.next().raw(r#"{"id":"#);
        self.write_id(json, self.index * PROFILE_FIELDS + number + 1);
        json.raw(r#","userid":"#);
        self.write_id(json, self.id());
        json.raw(r#","profilefieldid":"#);
        self.write_id(json, FIRST_PROFILE_FIELD + number);
        json.raw(r#","profilefield_name":"#)
            .string(name)
            .raw(r#","value":""#);
        value(json).raw(r#""}"#);
    }

    fn write_badges(self, json: &mut Json) {
        json.raw(r#","badges":["#);
        let mut count = 0;
        for badge in self.badges() {
            json.next()
                .raw(r#"{"id":"#)
                .number(badge.id)
                .raw(r#","title":"#)
                .string(badge.title)
                .raw("}");
            count += 1;
        }
        json.raw(r#"],"badgesCount":"#).number(count);
    }

    fn write_roles(self, json: &mut Json) {
        json.raw(r#","roles":["#);
        for role in std::iter::once(REGISTERED).chain(self.special_role()) {
            self.write_role(json, role);
        }
        json.raw("]");
    }

    fn write_role(self, json: &mut Json, role: Role) {
        json.next().raw(r#"{"auth_item_id":"#).number(role.id);
        json.raw(r#","itemname":"#).string(role.name).raw(r#","userid":"#);
        self.write_id(json, self.id());
        json.raw(r#","bizrule":null,"data":null,"_related":{"items":{"id":"#)
            .number(role.id);
        json.raw(r#","name":"#)
            .string(role.name)
            .raw(r#","type":2,"description":"#)
            .string(role.label);
        json.raw(r#","bizrule":null,"data":null,"visible":1,"main":"#)
            .number(u64::from(role == REGISTERED));
        json.raw(r#","order":"#)
            .number(role.id)
            .raw(r#","exclude_for_spam_check":0}}}"#);
    }

    /// As under `/user/{field}/{value}`.
    pub(crate) fn write_found(self, json: &mut Json) {
        json.raw("{");
        if self.flaw() != Some(Flaw::NoId) {
            json.key("userid").number(self.id());
        }
        if self.mail() != crate::people::Mail::Absent {
            json.key("email").plain_string(|text| {
                self.push_email(text);
            });
        }
        json.key("username").plain_string(|text| self.push_username(text));
        json.key("rank").string(self.world.words.ranks[self.rank()]);
        json.key("joindate");
        iso_creation(json, self.joined(), self.flaw());
        json.key("profileFields").raw("[");
        self.write_found_profile(json);
        json.raw("]").key("roles").raw("[");
        for role in std::iter::once(REGISTERED).chain(self.special_role()) {
            json.next().raw(r#"{"auth_item":{"name":"#).string(role.name);
            json.key("main").bool(role == REGISTERED).raw("}}");
        }
        // The published schema and its own example disagree on what these two hold.
        json.raw(r#"],"user_statistics":{},"sso":{}}"#);
    }

    fn write_found_profile(self, json: &mut Json) {
        if self.is_anonymous() {
            return;
        }
        let fields = &self.world.words.profile_fields;
        let known = [
            (fields.first_name, Some(self.first_name().0.to_owned())),
            (fields.last_name, Some(self.last_name().0.to_owned())),
            (fields.company, self.company_name()),
        ];
        for (name, value) in known {
            if let Some(value) = value {
                json.next()
                    .raw("{")
                    .key("name")
                    .string(name)
                    .key("NormalizedValue")
                    .string(&value)
                    .raw("}");
            }
        }
    }
}
