//! Which profile fields of a community fill a member's own columns. A community names its profile fields as it likes, so
//! they are known by name; their ids differ from community to community.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde::{Deserialize, Serialize};

use crate::record::User;

/// A column of a member that a profile field fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappedColumn {
    Phone,
    FirstName,
    LastName,
    Company,
    Department,
    Title,
}

/// The names by which profile fields go in the vendor's languages, best first. Compared without case, spaces and
/// punctuation.
const DEFAULTS: [(MappedColumn, &[&str]); MappedColumn::ALL.len()] = [
    (
        MappedColumn::Phone,
        &[
            "Phone",
            "Phone number",
            "Telephone",
            "Telephone number",
            "Telefon",
            "Telefonnummer",
            "Téléphone",
            "Numéro de téléphone",
            "Teléfono",
            "Telefono",
            "Número de teléfono",
            "Telefone",
            "Telefoon",
            "Telefoonnummer",
            "Mobile",
            "Mobile phone",
            "Mobile number",
            "Cell phone",
            "Handy",
            "Handynummer",
            "Mobil",
            "Mobiltelefon",
            "Portable",
            "Téléphone portable",
            "Móvil",
            "Teléfono móvil",
            "Celular",
            "Mobiel",
        ],
    ),
    (
        MappedColumn::FirstName,
        &[
            "First name",
            "Given name",
            "Forename",
            "Vorname",
            "Prénom",
            "Prenom",
            "Nombre",
            "Nombre de pila",
            "Voornaam",
            "Nome",
        ],
    ),
    (
        MappedColumn::LastName,
        &[
            "Last name",
            "Surname",
            "Family name",
            "Nachname",
            "Familienname",
            "Nom",
            "Nom de famille",
            "Apellidos",
            "Apellido",
            "Achternaam",
            "Cognome",
            "Sobrenome",
            "Apelido",
        ],
    ),
    (
        MappedColumn::Company,
        &[
            "Company",
            "Company name",
            "Organisation",
            "Organization",
            "Firma",
            "Unternehmen",
            "Entreprise",
            "Société",
            "Societe",
            "Empresa",
            "Compañía",
            "Bedrijf",
            "Bedrijfsnaam",
            "Azienda",
            "Employer",
        ],
    ),
    (
        MappedColumn::Department,
        &[
            "Department",
            "Abteilung",
            "Département",
            "Departement",
            "Departamento",
            "Afdeling",
            "Dipartimento",
        ],
    ),
    (
        MappedColumn::Title,
        &[
            "Job title",
            "Title",
            "Position",
            "Job position",
            "Berufsbezeichnung",
            "Fonction",
            "Poste",
            "Intitulé du poste",
            "Cargo",
            "Puesto",
            "Functie",
            "Functietitel",
            "Qualifica",
        ],
    ),
];

impl MappedColumn {
    pub const ALL: [Self; 6] = [
        Self::Phone,
        Self::FirstName,
        Self::LastName,
        Self::Company,
        Self::Department,
        Self::Title,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Company => "company",
            Self::Department => "department",
            Self::Title => "title",
        }
    }

    /// The names that fill the column where a connection has not chosen others, best first.
    pub fn default_names(self) -> &'static [&'static str] {
        DEFAULTS
            .iter()
            .find(|(column, _)| *column == self)
            .map_or(&[], |(_, names)| *names)
    }
}

/// The profile fields that a connection's operator chose, by name, best first. They go before the default names; a field
/// that is chosen for one column fills no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProfileMapping(BTreeMap<MappedColumn, Vec<String>>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMapping {
    #[error("the name \"{0}\" of a profile field has neither letters nor digits")]
    Nameless(String),
    #[error("the profile field \"{name}\" cannot fill both {one} and {other}", one = .one.as_str(), other = .other.as_str())]
    Twice {
        name: String,
        one: MappedColumn,
        other: MappedColumn,
    },
}

impl ProfileMapping {
    pub fn chosen(&self, column: MappedColumn) -> &[String] {
        self.0.get(&column).map_or(&[], Vec::as_slice)
    }

    /// Whether a profile field of this name was chosen for a column.
    pub fn is_chosen(&self, name: &str) -> bool {
        let plain = plain(name);
        let mut chosen = self.0.values().flatten();
        chosen.any(|chosen| self::plain(chosen) == plain)
    }

    /// The same with these names for a column, in place of those chosen before. No names: the default ones.
    pub fn with(mut self, column: MappedColumn, names: Vec<String>) -> Result<Self, InvalidMapping> {
        for name in &names {
            let plain = plain(name);
            if plain.is_empty() {
                return Err(InvalidMapping::Nameless(name.clone()));
            }
            let taken = self.0.iter().find(|(other, taken)| {
                **other != column && taken.iter().any(|taken| self::plain(taken) == plain)
            });
            if let Some((other, _)) = taken {
                return Err(InvalidMapping::Twice {
                    name: name.clone(),
                    one: column,
                    other: *other,
                });
            }
        }
        if names.is_empty() {
            self.0.remove(&column);
        } else {
            self.0.insert(column, names);
        }
        Ok(self)
    }

    /// What fills a profile field of this name: the column, and how good it is at that (the lowest is the best).
    fn place(&self, name: &str) -> Option<(MappedColumn, usize)> {
        let plain = plain(name);
        let chosen = self.0.iter().find_map(|(column, names)| {
            let rank = names.iter().position(|chosen| self::plain(chosen) == plain)?;
            Some((*column, rank))
        });
        chosen.or_else(|| {
            let (column, rank) = *PLAIN_DEFAULTS.get(&plain)?;
            Some((column, self.chosen(column).len() + rank))
        })
    }
}

/// The default names in their plain form, with the column of each and its rank there.
static PLAIN_DEFAULTS: LazyLock<HashMap<String, (MappedColumn, usize)>> = LazyLock::new(|| {
    let ranked = |(column, names): &(MappedColumn, &'static [&'static str])| {
        let column = *column;
        let names = names.iter().enumerate();
        names.map(move |(rank, name)| (plain(name), (column, rank)))
    };
    DEFAULTS.iter().flat_map(ranked).collect()
});

/// A name without case, spaces and punctuation.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Applies a mapping, and remembers which profile field is which: the names repeat with every member.
#[derive(Clone, Debug)]
pub struct ProfileMapper<'m> {
    mapping: &'m ProfileMapping,
    known: Vec<(String, Option<(MappedColumn, usize)>)>,
}

/// What profile fields say of a member's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappedValues([Option<String>; MappedColumn::ALL.len()]);

impl MappedValues {
    pub fn take(&mut self, column: MappedColumn) -> Option<String> {
        self.0[column as usize].take()
    }
}

impl<'m> ProfileMapper<'m> {
    pub fn new(mapping: &'m ProfileMapping) -> Self {
        Self {
            mapping,
            known: Vec::new(),
        }
    }

    /// The column that a profile field of this name fills, and its rank.
    fn place(&mut self, name: &str) -> Option<(MappedColumn, usize)> {
        if let Some((_, known)) = self.known.iter().find(|(known, _)| known == name) {
            return *known;
        }
        let found = self.mapping.place(name);
        self.known.push((name.to_owned(), found));
        found
    }

    /// The column that a profile field of this name fills.
    pub fn column(&mut self, name: &str) -> Option<MappedColumn> {
        self.place(name).map(|(column, _)| column)
    }

    /// Of several fields that could fill a column, the best one that is not blank does.
    pub fn values(&mut self, fields: &BTreeMap<String, String>) -> MappedValues {
        let mut best: [Option<(usize, &str)>; MappedColumn::ALL.len()] = Default::default();
        for (name, value) in fields {
            let Some((column, rank)) = self.place(name) else {
                continue;
            };
            let slot = &mut best[column as usize];
            if !value.trim().is_empty() && slot.is_none_or(|(before, _)| rank < before) {
                *slot = Some((rank, value));
            }
        }
        MappedValues(best.map(|found| found.map(|(_, value)| value.to_owned())))
    }

    /// Fills a member's columns from its profile fields.
    pub fn fill(&mut self, user: &mut User) {
        let mut values = self.values(&user.profile_fields);
        user.phone = values.take(MappedColumn::Phone);
        user.first_name = values.take(MappedColumn::FirstName);
        user.last_name = values.take(MappedColumn::LastName);
        user.company_custom = values.take(MappedColumn::Company);
        user.department = values.take(MappedColumn::Department);
        user.title = values.take(MappedColumn::Title);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(mapping: &ProfileMapping, fields: &[(&str, &str)]) -> User {
        let mut user = User {
            profile_fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..User::default()
        };
        ProfileMapper::new(mapping).fill(&mut user);
        user
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_tables_speak_of_each_column_once_and_of_no_name_twice() {
        let mut all: Vec<_> = DEFAULTS
            .iter()
            .flat_map(|(_, names)| names.iter().map(|name| plain(name)))
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        for (place, column) in MappedColumn::ALL.into_iter().enumerate() {
            assert_eq!(column as usize, place);
            assert!(!column.default_names().is_empty(), "{}", column.as_str());
        }
    }

    #[test]
    fn names_are_compared_without_case_spaces_and_punctuation() {
        let user = filled(
            &ProfileMapping::default(),
            &[
                ("MOBILE-phone", "2"),
                ("telephone", "1"),
                ("Prénom", "Ada"),
                ("Last  name:", " "),
                ("Firma", "Acme"),
            ],
        );
        assert_eq!(user.phone.as_deref(), Some("1"), "the better name wins");
        assert_eq!(user.first_name.as_deref(), Some("Ada"));
        assert_eq!(user.last_name, None, "a blank field fills nothing");
        assert_eq!(user.company_custom.as_deref(), Some("Acme"));
    }

    #[test]
    fn chosen_names_go_before_the_default_ones() {
        let mapping = ProfileMapping::default()
            .with(MappedColumn::Phone, names(&["Rufnummer", "Durchwahl"]))
            .expect("a mapping");
        let phone = |fields| filled(&mapping, fields).phone;
        assert_eq!(
            phone(&[("Phone", "1"), ("Durchwahl", "2"), ("Rufnummer", "3")]).as_deref(),
            Some("3")
        );
        assert_eq!(phone(&[("Phone", "1"), ("rufnummer", "")]).as_deref(), Some("1"));
    }

    #[test]
    fn a_field_that_is_chosen_for_one_column_fills_no_other() {
        let mapping = ProfileMapping::default()
            .with(MappedColumn::Department, names(&["Title"]))
            .expect("a mapping");
        let user = filled(&mapping, &[("Title", "Sales")]);
        assert_eq!((user.department.as_deref(), user.title), (Some("Sales"), None));
        let twice = mapping.with(MappedColumn::Phone, names(&["TITLE"]));
        assert!(matches!(twice, Err(InvalidMapping::Twice { .. })));
    }

    #[test]
    fn a_name_without_letters_is_refused_and_no_name_is_the_default() {
        let nameless = ProfileMapping::default().with(MappedColumn::Title, names(&[" - "]));
        assert_eq!(nameless, Err(InvalidMapping::Nameless(" - ".into())));
        let mapping = ProfileMapping::default()
            .with(MappedColumn::Title, names(&["Rolle"]))
            .and_then(|mapping| mapping.with(MappedColumn::Title, Vec::new()))
            .expect("a mapping");
        assert_eq!(mapping, ProfileMapping::default());
    }

    #[test]
    fn a_mapping_is_kept_as_json() {
        let mapping = ProfileMapping::default()
            .with(MappedColumn::FirstName, names(&["Rufname"]))
            .expect("a mapping");
        let json = serde_json::to_string(&mapping).expect("JSON");
        assert_eq!(json, r#"{"first_name":["Rufname"]}"#);
        assert_eq!(serde_json::from_str::<ProfileMapping>(&json).ok(), Some(mapping));
    }
}
