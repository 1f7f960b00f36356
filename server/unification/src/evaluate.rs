use std::collections::BTreeSet;

use domain::unification::{Condition, Field, Operator, Rule, Target};

use crate::{
    index::Index,
    key::Kind,
    view::{Value, View},
};

/// A person or company for which a rule holds, by their ids in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) company: Option<u32>,
    pub(crate) person: Option<u32>,
}

/// What a rule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Missing(Field),
    Unreadable(Field),
    FreeMail(String),
    Nobody,
    TooCommon(Field),
    PersonWithoutCompany(u32),
    SeveralWithoutCompany(Vec<Found>),
    Ambiguous(Vec<Found>),
    Decided { company: u32, person: Option<u32> },
}

/// Applies one rule to a member.
pub(crate) fn evaluate(index: &Index, rule: &Rule, view: &View<'_>) -> Verdict {
    match found(index, rule, view) {
        Ok(found) => verdict(found),
        Err(verdict) => verdict,
    }
}

/// Everybody for whom all conditions hold; or why the rule says nothing about the member. A value that is missing is so even
/// if another condition holds for nobody.
fn found(index: &Index, rule: &Rule, view: &View<'_>) -> Result<Vec<Found>, Verdict> {
    let mut values = Vec::with_capacity(rule.conditions.len());
    for &condition in &rule.conditions {
        values.push((condition, keys(condition, view)?));
    }
    let (mut persons, mut companies): (Option<BTreeSet<u32>>, Option<BTreeSet<u32>>) = (None, None);
    for (condition, value) in values {
        let ids = holders(index, condition, value)?;
        let all = match condition.compared_with.target() {
            Target::Person => &mut persons,
            Target::Company => &mut companies,
        };
        *all = Some(match all.take() {
            None => ids,
            Some(both) => both.intersection(&ids).copied().collect(),
        });
    }
    Ok(match (persons, companies) {
        (Some(persons), companies) => {
            let of_company = |found: &Found| match &companies {
                None => true,
                Some(companies) => found.company.is_some_and(|company| companies.contains(&company)),
            };
            let person = |id| Found {
                company: index.company_of(id),
                person: Some(id),
            };
            persons.into_iter().map(person).filter(of_company).collect()
        }
        (None, companies) => {
            let company = |id| Found {
                company: Some(id),
                person: None,
            };
            companies.into_iter().flatten().map(company).collect()
        }
    })
}

/// The values that a condition looks up.
fn keys(condition: Condition, view: &View<'_>) -> Result<Value, Verdict> {
    match view.value(condition) {
        Value::Missing => Err(Verdict::Missing(condition.field)),
        Value::Unreadable => Err(Verdict::Unreadable(condition.field)),
        Value::FreeMail(domain) => Err(Verdict::FreeMail(domain)),
        value @ (Value::FirstOf(_) | Value::AnyOf(_)) => Ok(value),
    }
}

/// Everybody for whom a condition holds.
fn holders(index: &Index, condition: Condition, value: Value) -> Result<BTreeSet<u32>, Verdict> {
    let kind = Kind::of(condition.compared_with, condition.operator);
    if let (Operator::Fuzzy(threshold), Value::AnyOf(values)) = (condition.operator, &value) {
        let mut holders = BTreeSet::new();
        for value in values {
            let names = index.names(condition.compared_with).similar(value, threshold);
            for name in names.map_err(|_| Verdict::TooCommon(condition.field))? {
                holders.extend(index.find(kind, name));
            }
        }
        return Ok(holders);
    }
    Ok(match value {
        Value::FirstOf(values) => values
            .iter()
            .map(|value| index.find(kind, value).collect::<BTreeSet<_>>())
            .find(|holders| !holders.is_empty())
            .unwrap_or_default(),
        Value::AnyOf(values) => values.iter().flat_map(|value| index.find(kind, value)).collect(),
        Value::Missing | Value::Unreadable | Value::FreeMail(_) => BTreeSet::new(),
    })
}

pub(crate) fn holds_for_anybody(index: &Index, condition: Condition, view: &View<'_>) -> bool {
    keys(condition, view)
        .and_then(|value| holders(index, condition, value))
        .is_ok_and(|holders| !holders.is_empty())
}

/// One candidate decides, and so do several of one company. A person without a company is not of the company of others.
fn verdict(found: Vec<Found>) -> Verdict {
    let [first, others @ ..] = found.as_slice() else {
        return Verdict::Nobody;
    };
    let all_of_one = others.iter().all(|other| other.company == first.company);
    match (first.company, first.person, all_of_one, others.is_empty()) {
        (Some(company), person, _, true) => Verdict::Decided { company, person },
        (Some(company), _, true, false) => Verdict::Decided {
            company,
            person: None,
        },
        (None, Some(person), _, true) => Verdict::PersonWithoutCompany(person),
        (None, _, true, _) => Verdict::SeveralWithoutCompany(found),
        (_, _, false, _) => Verdict::Ambiguous(found),
    }
}

/// The value of each condition that led to somebody, for the record: of a domain and its parents the one that did.
pub(crate) fn values_used(index: &Index, rule: &Rule, view: &View<'_>) -> Vec<String> {
    let value = |condition: Condition| match view.value(condition) {
        Value::FirstOf(values) | Value::AnyOf(values) => {
            let kind = Kind::of(condition.compared_with, condition.operator);
            let hit = values.iter().find(|value| index.contains(kind, value));
            hit.or(values.first()).cloned()
        }
        Value::FreeMail(domain) => Some(domain),
        Value::Missing | Value::Unreadable => None,
    };
    rule.conditions.iter().copied().filter_map(value).collect()
}
