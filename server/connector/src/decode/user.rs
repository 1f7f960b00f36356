//! Members.

use std::{borrow::Cow, collections::BTreeMap};

use domain::{
    Stream,
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

/// Reads members, and remembers which profile field is which: the names repeat with every member.
#[derive(Debug, Default)]
pub(crate) struct Users {
    known: Vec<(String, Option<Mapped>)>,
}

/// The canonical field that a profile field fills. Of several that fill one field the lower rank wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mapped {
    field: usize,
    rank: usize,
}

/// The names by which a canonical field goes, in lower case without spaces and hyphens, best first.
const NAMES: [(Field, &[&str]); 6] = [
    (
        Field::FirstName,
        &[
            "firstname",
            "givenname",
            "forename",
            "vorname",
            "prénom",
            "prenom",
            "nombre",
            "nombredepila",
            "voornaam",
            "nome",
        ],
    ),
    (
        Field::LastName,
        &[
            "lastname",
            "surname",
            "familyname",
            "nachname",
            "familienname",
            "nom",
            "nomdefamille",
            "apellidos",
            "apellido",
            "achternaam",
            "cognome",
            "sobrenome",
            "apelido",
        ],
    ),
    (
        Field::Phone,
        &[
            "phone",
            "phonenumber",
            "telephone",
            "telephonenumber",
            "telefon",
            "telefonnummer",
            "téléphone",
            "numérodetéléphone",
            "teléfono",
            "telefono",
            "númerodeteléfono",
            "telefone",
            "telefoon",
            "telefoonnummer",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cellphone",
            "handy",
            "handynummer",
            "mobil",
            "mobiltelefon",
            "portable",
            "téléphoneportable",
            "móvil",
            "teléfonomóvil",
            "celular",
            "mobiel",
        ],
    ),
    (
        Field::Company,
        &[
            "company",
            "companyname",
            "organisation",
            "organization",
            "firma",
            "unternehmen",
            "entreprise",
            "société",
            "societe",
            "empresa",
            "compañía",
            "bedrijf",
            "bedrijfsnaam",
            "azienda",
            "employer",
        ],
    ),
    (
        Field::Department,
        &[
            "department",
            "abteilung",
            "département",
            "departement",
            "departamento",
            "afdeling",
            "dipartimento",
        ],
    ),
    (
        Field::Title,
        &[
            "jobtitle",
            "title",
            "position",
            "jobposition",
            "berufsbezeichnung",
            "fonction",
            "poste",
            "intituléduposte",
            "cargo",
            "puesto",
            "functie",
            "functietitel",
            "qualifica",
        ],
    ),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    FirstName,
    LastName,
    Phone,
    Company,
    Department,
    Title,
}

fn mapped(name: &str) -> Option<Mapped> {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    NAMES.iter().enumerate().find_map(|(field, (_, names))| {
        let rank = names.iter().position(|known| *known == plain)?;
        Some(Mapped { field, rank })
    })
}

/// The profile fields of one member, by name and by meaning.
#[derive(Debug, Default)]
struct Profile {
    fields: BTreeMap<String, String>,
    best: [Option<(usize, String)>; NAMES.len()],
}

impl Profile {
    fn take(&mut self, field: Field) -> Option<String> {
        let place = NAMES.iter().position(|(known, _)| *known == field)?;
        self.best[place].take().map(|(_, value)| value)
    }
}

impl Users {
    fn mapped(&mut self, name: &str) -> Option<Mapped> {
        if let Some((_, known)) = self.known.iter().find(|(known, _)| known == name) {
            return *known;
        }
        let found = mapped(name);
        self.known.push((name.to_owned(), found));
        found
    }

    fn profile(&mut self, raw: Items<Maybe<RawProfileField<'_>>>, texts: &mut Texts) -> Profile {
        let mut profile = Profile::default();
        texts.list("_related.userprofilefields", raw.too_many);
        for field in raw.items.into_iter().filter_map(|field| field.0) {
            let (Some(name), Some(value)) = (field.name.text(), field.value.text()) else {
                continue;
            };
            texts.check("profilefield_name", &name);
            texts.check(&name, &value);
            let better = self.mapped(&name).filter(|mapped| {
                let best = &profile.best[mapped.field];
                !value.trim().is_empty() && best.as_ref().is_none_or(|(rank, _)| mapped.rank < *rank)
            });
            if let Some(Mapped { field, rank }) = better {
                profile.best[field] = Some((rank, value.as_ref().to_owned()));
            }
            profile.fields.insert(name.into_owned(), value.into_owned());
        }
        profile
    }
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

impl Reader for Users {
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
        let mut profile = self.profile(related.profile, &mut texts);
        let user = User {
            username: texts.required("username", raw.username),
            email: texts.optional("email", raw.email),
            first_name: profile.take(Field::FirstName),
            last_name: profile.take(Field::LastName),
            phone: profile.take(Field::Phone),
            company_custom: profile.take(Field::Company),
            department: profile.take(Field::Department),
            title: profile.take(Field::Title),
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
            profile_fields: profile.fields,
            community_user_id: String::new(),
        };
        texts.verdict(name)?;
        Ok(Record::User(Box::new(User {
            community_user_id: id,
            ..user
        })))
    }
}
