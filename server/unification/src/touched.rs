//! Whom a change of companies and persons touches.

use std::collections::{BTreeSet, HashSet};

use domain::unification::{Changed, Company, Condition, Member, PartyChanges, Person, RuleSet, Target};

use crate::{
    Lists,
    index::{Part, Similar, add_company, add_inactive, add_person},
    key::{Key, Kind},
    normalise,
    rulebook::{Rulebook, UnusableRuleSet},
    view::{Value, View},
};

/// The members whose match, or whose inactive persons, a change of companies and persons may alter. Of all others both stay
/// as they are: they depend on nothing but what is found by the member's own values.
#[derive(Debug)]
pub struct Touched {
    rulebook: Rulebook,
    /// Under which somebody else is found now, or somebody with another company.
    keys: HashSet<Key>,
    /// Of the conditions of rules that are on, those that look for what has changed.
    conditions: Vec<Condition>,
    persons_inactive: bool,
    anyone: bool,
}

impl Touched {
    pub fn by(changes: &PartyChanges, set: RuleSet, lists: &Lists) -> Result<Self, UnusableRuleSet> {
        let rulebook = Rulebook::new(set, lists)?;
        let set = rulebook.set();
        let similar = Similar::of(set);
        let looks_for = |condition: &&Condition| match condition.compared_with.target() {
            Target::Company => !changes.companies.is_empty(),
            Target::Person => !changes.persons.is_empty(),
        };
        let conditions = set.active().flat_map(|(_, rule)| &rule.conditions);
        let mut touched = Self {
            conditions: conditions.filter(looks_for).copied().collect(),
            persons_inactive: set.leavers.inactive_person && !changes.persons.is_empty(),
            keys: HashSet::new(),
            anyone: false,
            rulebook: rulebook.clone(),
        };
        for company in &changes.companies {
            touched.add(company, |company| of_company(similar, &rulebook, company));
        }
        for person in &changes.persons {
            touched.add(person, |person| of_person(similar, &rulebook, person));
        }
        Ok(touched)
    }

    /// Whether a fuzzy rule looks for a name that has changed: then it may be like anybody's, and nobody can be left out.
    pub fn is_anyone(&self) -> bool {
        self.anyone
    }

    pub fn touches(&self, member: &Member) -> bool {
        if self.anyone {
            return true;
        }
        if self.keys.is_empty() {
            return false;
        }
        let view = View::new(&self.rulebook, member);
        self.conditions
            .iter()
            .any(|condition| self.is_found_by(*condition, &view))
            || (self.persons_inactive && self.has_address_of(member))
    }

    fn is_found_by(&self, condition: Condition, view: &View<'_>) -> bool {
        let kind = Kind::of(condition.compared_with, condition.operator);
        match view.value(condition) {
            Value::FirstOf(values) | Value::AnyOf(values) => values
                .iter()
                .any(|value| self.keys.contains(&Key::new(kind, value))),
            Value::Missing | Value::Unreadable | Value::FreeMail(_) => false,
        }
    }

    /// Who is inactive is found by the address, whatever rules compare.
    fn has_address_of(&self, member: &Member) -> bool {
        let email = member.email.as_deref().and_then(normalise::email);
        email.is_some_and(|email| {
            [Kind::PersonEmail, Kind::InactivePersonEmail]
                .into_iter()
                .any(|kind| self.keys.contains(&Key::new(kind, &email)))
        })
    }

    /// What is found by only one of the two versions.
    fn add<P, L: Ord>(&mut self, changed: &Changed<P>, leads: impl Fn(&P) -> Leads<L>) {
        let [before, after] =
            [&changed.before, &changed.after].map(|party| party.as_ref().map(&leads).unwrap_or_default());
        let keys = before.keys.symmetric_difference(&after.keys);
        self.keys.extend(keys.map(|(key, _)| *key));
        self.anyone |= before.names != after.names;
    }
}

/// By what a company or person is found, and what that leads to besides itself.
struct Leads<L> {
    keys: BTreeSet<(Key, L)>,
    /// Names that fuzzy rules look for.
    names: BTreeSet<(String, L)>,
}

impl<L> Default for Leads<L> {
    fn default() -> Self {
        Self {
            keys: BTreeSet::new(),
            names: BTreeSet::new(),
        }
    }
}

impl<L: Ord + Clone> Leads<L> {
    fn new(part: Part, to: &L) -> Self {
        let keys = part.entries.into_iter().map(|entry| (entry.key(), to.clone()));
        let names = part.names.into_iter().map(|name| (name, to.clone()));
        Self {
            keys: keys.collect(),
            names: names.collect(),
        }
    }
}

fn of_company(similar: Similar, rulebook: &Rulebook, company: &Company) -> Leads<()> {
    let mut part = Part::default();
    add_company(&mut part, similar, rulebook, company, 0);
    Leads::new(part, &())
}

fn of_person(similar: Similar, rulebook: &Rulebook, person: &Person) -> Leads<Option<String>> {
    let mut part = Part::default();
    if person.active {
        add_person(&mut part, similar, rulebook, person, 0);
    } else {
        add_inactive(&mut part, person, 0);
    }
    Leads::new(part, &person.company_external_id)
}
