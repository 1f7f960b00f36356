//! Whom a change of companies and persons touches: everybody whose match it may alter, and few others.

use std::collections::{BTreeMap, BTreeSet};

use domain::unification::{
    Attribute, Changed, Company, Condition, Field, Member, Operator, PartyChanges, Person, Rule, RuleSet,
    Target, WhenAmbiguous,
};
use proptest::prelude::*;
use unification::Touched;

use crate::{
    random::Random,
    world::{LISTS, company, matcher, member, person},
};

/// Companies and persons before and after a change of some of them.
struct Change {
    companies: [Vec<Company>; 2],
    persons: [Vec<Person>; 2],
    members: Vec<Member>,
    set: RuleSet,
}

impl Change {
    fn from_seed(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (companies, others) = (random.companies(), random.companies());
        let (persons, other_persons) = (random.persons(), random.persons());
        let mut set = random.rule_set();
        // With it anybody may be touched: every other world is without.
        for rule in &mut set.rules {
            rule.active &= rule.id != "typed-fuzzy" || seed.is_multiple_of(2);
        }
        set.leavers.inactive_person = seed.is_multiple_of(3);
        Self {
            companies: [
                random.altered(&companies, &companies),
                random.altered(&companies, &others),
            ],
            persons: [
                random.altered(&persons, &persons),
                random.altered(&persons, &other_persons),
            ],
            members: random.members(400),
            set,
        }
    }

    fn touched(&self) -> Touched {
        let companies = changed(&self.companies, |company| &company.external_id);
        let mut persons = changed(&self.persons, |person| &person.external_id);
        let come_or_gone: BTreeSet<&str> = companies
            .iter()
            .filter(|changed| changed.before.is_none() || changed.after.is_none())
            .map(Changed::<Company>::external_id)
            .collect();
        let led_elsewhere = self.persons[1].iter().filter(|person| {
            let company = person.company_external_id.as_deref();
            company.is_some_and(|company| come_or_gone.contains(company))
        });
        persons.extend(led_elsewhere.map(|person| new(person.clone())));
        Touched::by(&PartyChanges { companies, persons }, self.set.clone(), &LISTS)
            .expect("the rules can be used")
    }
}

fn changed<P: Clone + PartialEq>([before, after]: &[Vec<P>; 2], id: fn(&P) -> &str) -> Vec<Changed<P>> {
    let mut all: BTreeMap<&str, [Option<&P>; 2]> = BTreeMap::new();
    for (side, parties) in [before, after].into_iter().enumerate() {
        for party in parties {
            all.entry(id(party)).or_default()[side] = Some(party);
        }
    }
    all.into_values()
        .filter(|[before, after]| before != after)
        .map(|[before, after]| Changed {
            before: before.cloned(),
            after: after.cloned(),
        })
        .collect()
}

fn new<P>(party: P) -> Changed<P> {
    Changed {
        before: None,
        after: Some(party),
    }
}

proptest! {
    // A smaller seed is no smaller world, so there is nothing to shrink.
    #![proptest_config(ProptestConfig { max_shrink_iters: 0, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn matching_whom_a_change_touches_is_as_good_as_matching_everybody(seed in any::<u64>()) {
        let change = Change::from_seed(seed);
        let [before, after] =
            [0, 1].map(|side| matcher(change.set.clone(), &change.companies[side], &change.persons[side]));
        let touched = change.touched();
        for member in change.members.iter().filter(|member| !touched.touches(member)) {
            prop_assert_eq!(before.match_one(member), after.match_one(member), "{:?}", member);
            if change.set.leavers.inactive_person {
                prop_assert_eq!(before.inactive_persons(member), after.inactive_persons(member));
            }
        }
    }
}

/// The worlds above would prove nothing if everybody or nobody were touched in them.
#[test]
fn worlds_from_seeds_have_members_who_are_touched_and_others() {
    let (mut touched, mut others, mut moved) = (0, 0, 0);
    for seed in (1..80).step_by(2) {
        let change = Change::from_seed(seed);
        let [before, after] =
            [0, 1].map(|side| matcher(change.set.clone(), &change.companies[side], &change.persons[side]));
        let found = change.touched();
        assert!(!found.is_anyone(), "there is no fuzzy rule in {seed}");
        for member in &change.members {
            if found.touches(member) {
                touched += 1;
            } else {
                others += 1;
            }
            moved += usize::from(before.match_one(member) != after.match_one(member));
        }
    }
    assert!(
        touched > 1_000 && others > 1_000 && moved > 500,
        "{touched} {others} {moved}"
    );
}

fn by(changes: &PartyChanges, set: RuleSet) -> Touched {
    Touched::by(changes, set, &LISTS).expect("the rules can be used")
}

fn of_company(before: Option<Company>, after: Company) -> PartyChanges {
    PartyChanges {
        companies: vec![Changed {
            before,
            after: Some(after),
        }],
        persons: Vec::new(),
    }
}

#[test]
fn another_domain_touches_its_members_and_those_below_it_alone() {
    let before = company("C-1", "Halden", &["halden.example"]);
    let after = company("C-1", "Halden", &["halden.example", "kestrel.example"]);
    let touched = by(&of_company(Some(before), after), RuleSet::shipped());
    for (email, expected) in [
        ("ann@kestrel.example", true),
        ("ann@uk.kestrel.example", true),
        ("Ann@KESTREL.example", true),
        ("ann@halden.example", false),
        ("ann@gmail.com", false),
        ("", false),
    ] {
        assert_eq!(touched.touches(&member(email)), expected, "{email}");
    }
}

#[test]
fn another_parent_touches_nobody() {
    let before = company("C-1", "Halden", &["halden.example"]);
    let after = Company {
        parent_external_id: Some("C-2".to_owned()),
        ..before.clone()
    };
    let touched = by(&of_company(Some(before), after), RuleSet::shipped());
    assert!(!touched.touches(&member("ann@halden.example")));
}

#[test]
fn a_person_who_moves_touches_whoever_has_their_address_and_nobody_else() {
    let at = |company| person("P-1", "ann@halden.example", Some(company));
    let changes = PartyChanges {
        companies: Vec::new(),
        persons: vec![Changed {
            before: Some(at("C-1")),
            after: Some(at("C-2")),
        }],
    };
    let touched = by(&changes, RuleSet::shipped());
    assert!(touched.touches(&member("ANN@halden.example")));
    assert!(!touched.touches(&member("bob@halden.example")));
}

#[test]
fn who_becomes_inactive_touches_their_members_even_where_no_rule_asks_for_addresses() {
    let active = person("P-1", "ann@halden.example", None);
    let changes = PartyChanges {
        companies: Vec::new(),
        persons: vec![Changed {
            after: Some(Person {
                active: false,
                ..active.clone()
            }),
            before: Some(active),
        }],
    };
    let mut set = RuleSet::shipped();
    set.rules.retain(|rule| rule.names == Target::Company);
    assert!(!by(&changes, set.clone()).touches(&member("ann@halden.example")));
    set.leavers.inactive_person = true;
    let touched = by(&changes, set);
    assert!(touched.touches(&member("ann@halden.example")));
    assert!(!touched.touches(&member("bob@halden.example")));
}

#[test]
fn a_name_that_a_fuzzy_rule_looks_for_may_touch_anybody_and_a_domain_does_not() {
    let mut set = RuleSet::shipped();
    set.rules.push(Rule {
        id: "typed-fuzzy".to_owned(),
        names: Target::Company,
        conditions: vec![Condition {
            field: Field::SelfDeclaredCompany,
            operator: Operator::Fuzzy(80.try_into().expect("a threshold")),
            compared_with: Attribute::CompanyName,
        }],
        when_ambiguous: WhenAmbiguous::Stop,
        active: true,
    });
    let before = company("C-1", "Halden", &["halden.example"]);
    let renamed = company("C-1", "Haldane", &["halden.example"]);
    let moved = company("C-1", "Halden", &["kestrel.example"]);
    let touched = |after| by(&of_company(Some(before.clone()), after), set.clone());
    assert!(touched(renamed).is_anyone());
    let moved = touched(moved);
    assert!(!moved.is_anyone() && !moved.touches(&member("ann@nobody.example")));
    assert!(moved.touches(&member("ann@halden.example")) && moved.touches(&member("ann@kestrel.example")));
}
