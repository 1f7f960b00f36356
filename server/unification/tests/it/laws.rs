use std::ops::ControlFlow;

use domain::unification::{Company, Match, Member, Person, Preview, RuleSet, WhenAmbiguous};
use proptest::prelude::*;
use unification::{Matcher, Threads};

use crate::world::{company, matcher, member, person};

/// Few values, so that they meet: every outcome occurs.
const DOMAINS: [&str; 6] = [
    "a.example",
    "x.a.example",
    "b-c.example",
    "bc.co.uk",
    "gmail.com",
    "ours.example",
];

fn companies() -> impl Strategy<Value = Vec<Company>> {
    let one = (0..3_usize, prop::collection::vec(0..DOMAINS.len(), 0..3));
    prop::collection::vec(one, 0..8).prop_map(|all| {
        let named = |(id, (name, domains)): (usize, (usize, Vec<usize>))| {
            let domains: Vec<_> = domains.into_iter().map(|domain| DOMAINS[domain]).collect();
            company(&format!("c{id}"), ["A Inc", "B C GmbH", "D"][name], &domains)
        };
        all.into_iter().enumerate().map(named).collect()
    })
}

fn persons() -> impl Strategy<Value = Vec<Person>> {
    let one = (
        0..4_usize,
        0..DOMAINS.len(),
        prop::option::of(0..9_usize),
        any::<bool>(),
    );
    prop::collection::vec(one, 0..12).prop_map(|all| {
        let numbered =
            |(id, (name, domain, company, active)): (usize, (usize, usize, Option<usize>, bool))| {
                let company = company.map(|id| format!("c{id}"));
                Person {
                    first_name: Some(["Ann", "Bob", "Cy", "Di"][name].to_owned()),
                    last_name: Some("Lee".to_owned()),
                    active,
                    ..person(
                        &format!("p{id}"),
                        &format!("n{name}@{}", DOMAINS[domain]),
                        company.as_deref(),
                    )
                }
            };
        all.into_iter().enumerate().map(numbered).collect()
    })
}

fn members(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Member>> {
    prop::collection::vec((0..5_usize, 0..=DOMAINS.len()), count).prop_map(|all| {
        let numbered = |(id, (name, domain)): (usize, (usize, usize))| {
            let email = DOMAINS.get(domain).map(|domain| format!("n{name}@{domain}"));
            Member {
                community_user_id: id.to_string(),
                first_name: Some(["Ann", "Bob", "Cy", "Di", "Ed"][name].to_owned()),
                last_name: Some("Lee".to_owned()),
                ..member(&email.unwrap_or_default())
            }
        };
        all.into_iter().enumerate().map(numbered).collect()
    })
}

/// The shipped rules with each switched, going on or not, and in one of two orders.
fn rule_sets() -> impl Strategy<Value = RuleSet> {
    (any::<[bool; 5]>(), any::<[bool; 5]>(), any::<bool>()).prop_map(|(active, go_on, reversed)| {
        let mut set = RuleSet::shipped();
        set.internal_domains.insert("ours.example".into());
        for (rule, (active, go_on)) in set.rules.iter_mut().zip(active.into_iter().zip(go_on)) {
            rule.active = active;
            if go_on {
                rule.when_ambiguous = WhenAmbiguous::GoOn;
            }
        }
        if reversed {
            set.rules.reverse();
        }
        set
    })
}

fn matches(matcher: &Matcher, members: &[Member], threads: usize) -> Vec<Match> {
    let threads = Threads::new(threads).expect("there is a thread");
    let go_on = &mut |_| ControlFlow::Continue(());
    matcher
        .match_all(members, threads, go_on)
        .expect("nobody cancels")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn order_and_threads_never_change_an_outcome(
        companies in companies(), persons in persons(), members in members(1..40), set in rule_sets(),
    ) {
        let forward = matches(&matcher(set.clone(), &companies, &persons), &members, 1);
        let reversed = |mut items: Vec<_>| { items.reverse(); items };
        let (mut companies, mut persons) = (companies, persons);
        companies.reverse();
        persons.reverse();
        let members = reversed(members);
        let backward = matches(&matcher(set, &companies, &persons), &members, 2);
        prop_assert_eq!(forward, backward.into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn an_explanation_ends_where_the_match_does(
        companies in companies(), persons in persons(), members in members(1..20), set in rule_sets(),
    ) {
        let matcher = matcher(set, &companies, &persons);
        for member in &members {
            let outcome = matcher.match_one(member);
            prop_assert_eq!(outcome.why_not.is_some(), outcome.company_external_id.is_none()
                && outcome.status != domain::unification::MatchStatus::Internal);
            prop_assert_eq!(matcher.explain(member).outcome, outcome);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_preview_of_ten_thousand_says_what_applying_does_and_undoing_returns_every_byte(
        companies in companies(), persons in persons(), members in members(10_000..10_001),
        one in rule_sets(), other in rule_sets(),
    ) {
        let of = |set: &RuleSet| matches(&matcher(set.clone(), &companies, &persons), &members, 2);
        let (before, after) = (of(&one), of(&other));
        let mut preview = Preview::default();
        for ((member, before), after) in members.iter().zip(&before).zip(&after) {
            preview.add(member, before, after);
        }
        let company = |outcome: &Match| outcome.company_external_id.clone();
        let gained = before.iter().zip(&after).filter(|(b, a)| company(b).is_none() && company(a).is_some());
        let lost = before.iter().zip(&after).filter(|(b, a)| company(b).is_some() && company(a).is_none());
        prop_assert_eq!(preview.gained.members, gained.count() as u64);
        prop_assert_eq!(preview.lost.members, lost.count() as u64);
        prop_assert_eq!(preview.after.total(), 10_000);
        let bytes = |matches: &[Match]| serde_json::to_vec(matches).unwrap();
        prop_assert_eq!(bytes(&of(&one)), bytes(&before));
    }
}
