use std::collections::BTreeSet;

use domain::unification::{Attribute, Company, Operator, Person, RuleSet};

use crate::{
    Threads,
    fuzzy::Fuzzy,
    key::{Entry, Key, Kind, Table},
    normalise::{self, FullName, Name},
    parallel,
    rulebook::Rulebook,
    strings::Strings,
};

/// As many companies, and as many persons, as an index holds: with ten keys each, positions stay within 32 bits.
const ENTITIES_MAX: usize = 200_000_000;

/// Stands for "no company" where a company's id is expected.
const NONE: u32 = u32::MAX;

/// Companies or persons that cannot be told apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error("two companies have the external id \"{0}\"")]
    CompanyTwice(String),
    #[error("two persons have the external id \"{0}\"")]
    PersonTwice(String),
    #[error("more than {ENTITIES_MAX} companies or persons")]
    TooMany,
}

/// Companies and persons by the values that rules compare.
#[derive(Debug, Default)]
pub(crate) struct Index {
    table: Table,
    companies: Strings,
    persons: Strings,
    /// Who are no candidates.
    inactive: Strings,
    company_of: Vec<u32>,
    company_names: Fuzzy,
    person_names: Fuzzy,
    similar: Similar,
}

impl Index {
    /// Whether all that a rule set looks up is here. Exact values are, whatever the rules.
    pub(crate) fn answers(&self, set: &RuleSet) -> bool {
        let needs = Similar::of(set);
        (self.similar.companies || !needs.companies) && (self.similar.persons || !needs.persons)
    }

    pub(crate) fn find(&self, kind: Kind, value: &str) -> impl Iterator<Item = u32> {
        self.table.find(Key::new(kind, value))
    }

    pub(crate) fn contains(&self, kind: Kind, value: &str) -> bool {
        self.table.contains(Key::new(kind, value))
    }

    pub(crate) fn names(&self, attribute: Attribute) -> &Fuzzy {
        match attribute {
            Attribute::PersonFullName => &self.person_names,
            _ => &self.company_names,
        }
    }

    pub(crate) fn company(&self, id: u32) -> &str {
        self.companies.get(id)
    }

    pub(crate) fn person(&self, id: u32) -> &str {
        self.persons.get(id)
    }

    pub(crate) fn inactive_person(&self, id: u32) -> &str {
        self.inactive.get(id)
    }

    pub(crate) fn company_of(&self, person: u32) -> Option<u32> {
        Some(self.company_of[person as usize]).filter(|company| *company != NONE)
    }
}

/// Which names are kept for fuzzy comparisons: only if a rule that is on asks for them, since they take more than all the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Similar {
    companies: bool,
    persons: bool,
}

impl Similar {
    pub(crate) fn of(set: &RuleSet) -> Self {
        let mut similar = Self::default();
        for condition in set.active().flat_map(|(_, rule)| &rule.conditions) {
            if matches!(condition.operator, Operator::Fuzzy(_)) {
                similar.persons |= condition.compared_with == Attribute::PersonFullName;
                similar.companies |= condition.compared_with == Attribute::CompanyName;
            }
        }
        similar
    }
}

/// What a part of the companies or persons adds.
#[derive(Default)]
pub(crate) struct Part {
    pub(crate) entries: Vec<Entry>,
    pub(crate) names: Vec<String>,
}

impl Part {
    fn add(&mut self, kind: Kind, value: &str, id: u32) {
        self.entries.push(Entry::new(Key::new(kind, value), id));
    }
}

#[derive(Debug)]
pub(crate) struct IndexBuilder {
    similar: Similar,
    entries: Vec<Entry>,
    company_ids: Vec<Entry>,
    person_ids: Vec<Entry>,
    companies: Strings,
    persons: Strings,
    /// The key of each person's company, until all companies are known.
    employers: Vec<Option<Key>>,
    company_names: Vec<String>,
    person_names: Vec<String>,
    inactive: Strings,
}

impl IndexBuilder {
    pub(crate) fn new(set: &RuleSet) -> Self {
        Self {
            similar: Similar::of(set),
            entries: Vec::new(),
            company_ids: Vec::new(),
            person_ids: Vec::new(),
            companies: Strings::default(),
            persons: Strings::default(),
            employers: Vec::new(),
            company_names: Vec::new(),
            person_names: Vec::new(),
            inactive: Strings::default(),
        }
    }

    pub(crate) fn companies(
        &mut self,
        rulebook: &Rulebook,
        companies: &[Company],
        threads: Threads,
    ) -> Result<(), IndexError> {
        let first = id_after(self.companies.len(), companies.len())?;
        for (id, company) in (first..).zip(companies) {
            self.companies.push(&company.external_id);
            let key = Key::new(Kind::CompanyExternalId, &company.external_id);
            self.company_ids.push(Entry::new(key, id));
        }
        let numbered: Vec<_> = (first..).zip(companies).collect();
        let similar = self.similar;
        for part in parallel::parts(&numbered, threads, |numbered| {
            let mut part = Part::default();
            for (id, company) in numbered {
                add_company(&mut part, similar, rulebook, company, *id);
            }
            part
        }) {
            self.entries.extend(part.entries);
            self.company_names.extend(part.names);
        }
        Ok(())
    }

    pub(crate) fn persons(
        &mut self,
        rulebook: &Rulebook,
        persons: &[Person],
        threads: Threads,
    ) -> Result<(), IndexError> {
        let first = id_after(self.persons.len(), persons.len())?;
        let mut numbered = Vec::with_capacity(persons.len());
        for person in persons {
            let key = Key::new(Kind::PersonExternalId, &person.external_id);
            if !person.active {
                // No candidate, but its external id is taken all the same.
                self.person_ids.push(Entry::new(key, NONE));
                self.add_inactive(person)?;
                continue;
            }
            let id = first + u32::try_from(numbered.len()).map_err(|_| IndexError::TooMany)?;
            self.person_ids.push(Entry::new(key, id));
            self.persons.push(&person.external_id);
            let employer = person.company_external_id.as_deref();
            self.employers
                .push(employer.map(|id| Key::new(Kind::CompanyExternalId, id)));
            numbered.push((id, person));
        }
        let similar = self.similar;
        for part in parallel::parts(&numbered, threads, |numbered| {
            let mut part = Part::default();
            for (id, person) in numbered {
                add_person(&mut part, similar, rulebook, person, *id);
            }
            part
        }) {
            self.entries.extend(part.entries);
            self.person_names.extend(part.names);
        }
        Ok(())
    }

    /// Found by the e-mail, so that it can be said of a member that their person is inactive.
    fn add_inactive(&mut self, person: &Person) -> Result<(), IndexError> {
        let id = id_after(self.inactive.len(), 0)?;
        self.inactive.push(&person.external_id);
        let mut part = Part::default();
        add_inactive(&mut part, person, id);
        self.entries.extend(part.entries);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Index, IndexError> {
        if let Some(id) = twice(&mut self.company_ids) {
            return Err(IndexError::CompanyTwice(self.companies.get(id).to_owned()));
        }
        self.check_persons()?;
        let ids = Table::new(std::mem::take(&mut self.company_ids));
        let company_of = self
            .employers
            .iter()
            .map(|key| key.and_then(|key| ids.find(key).next()).unwrap_or(NONE))
            .collect();
        Ok(Index {
            table: Table::new(self.entries),
            companies: self.companies,
            persons: self.persons,
            inactive: self.inactive,
            company_of,
            company_names: Fuzzy::new(self.company_names),
            person_names: Fuzzy::new(self.person_names),
            similar: self.similar,
        })
    }

    fn check_persons(&mut self) -> Result<(), IndexError> {
        let ids = std::mem::take(&mut self.person_ids);
        let mut sorted = ids;
        let Some(id) = twice(&mut sorted) else {
            return Ok(());
        };
        if id != NONE {
            return Err(IndexError::PersonTwice(self.persons.get(id).to_owned()));
        }
        let inactive = u32::try_from(self.inactive.len()).map_err(|_| IndexError::TooMany)?;
        let mut seen = BTreeSet::new();
        let twice = (0..inactive)
            .map(|position| self.inactive.get(position))
            .find(|id| !seen.insert(*id));
        Err(IndexError::PersonTwice(twice.unwrap_or_default().to_owned()))
    }
}

/// The first id after those that there are, if the new ones fit.
fn id_after(there: usize, new: usize) -> Result<u32, IndexError> {
    if there.saturating_add(new) > ENTITIES_MAX {
        return Err(IndexError::TooMany);
    }
    u32::try_from(there).map_err(|_| IndexError::TooMany)
}

/// The lowest id of a key that comes twice.
fn twice(ids: &mut [Entry]) -> Option<u32> {
    ids.sort_unstable();
    ids.windows(2)
        .find(|pair| pair[0].key() == pair[1].key())
        .map(|pair| pair[0].id().min(pair[1].id()))
}

pub(crate) fn add_company(
    part: &mut Part,
    similar: Similar,
    rulebook: &Rulebook,
    company: &Company,
    id: u32,
) {
    part.add(Kind::CompanyExternalId, company.external_id.trim(), id);
    for domain in &company.domains {
        if let Some(domain) = normalise::company_domain(domain) {
            part.add(Kind::CompanyDomain, &domain, id);
        }
    }
    let mut name = Name::new(&company.name);
    if name.is_empty() {
        return;
    }
    part.add(Kind::CompanyName, &name.joined(), id);
    rulebook.lists().legal_forms().drop_from(&mut name);
    let bare = name.joined();
    part.add(Kind::CompanyBareName, &bare, id);
    if similar.companies {
        part.names.push(bare);
    }
}

pub(crate) fn add_inactive(part: &mut Part, person: &Person, id: u32) {
    if let Some(email) = person.email.as_deref().and_then(normalise::email) {
        part.add(Kind::InactivePersonEmail, &email, id);
    }
}

pub(crate) fn add_person(part: &mut Part, similar: Similar, rulebook: &Rulebook, person: &Person, id: u32) {
    part.add(Kind::PersonExternalId, person.external_id.trim(), id);
    if let Some(email) = person.email.as_deref().and_then(normalise::email) {
        part.add(Kind::PersonEmail, &email, id);
    }
    if let Some(phone) = &person.phone
        && let Some(phone) = normalise::e164(phone, rulebook.country_of_persons())
    {
        part.add(Kind::PersonPhone, &phone, id);
    }
    if let Some(name) = FullName::new(person.first_name.as_deref(), person.last_name.as_deref()) {
        for order in name.orders() {
            part.add(Kind::PersonFullName, &order, id);
            if similar.persons {
                part.names.push(order);
            }
        }
    }
}
