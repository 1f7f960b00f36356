//! What holds in every world. A failure names the seed that makes it.

use std::{collections::BTreeMap, ops::ControlFlow};

use domain::{
    MatchCounts,
    unification::{
        Change, Changes, Company, Explanation, Match, MatchStatus, Member, Person, Preview, RuleResult,
        RuleSet, WhyNot,
    },
};
use proptest::prelude::*;
use unification::{Matcher, Threads};

use crate::{
    random::Random,
    world::{LISTS, matcher},
};

/// As many members as the preview is promised for.
const MEMBERS: usize = 10_000;

struct World {
    companies: Vec<Company>,
    persons: Vec<Person>,
    members: Vec<Member>,
    one: RuleSet,
    other: RuleSet,
}

fn world(seed: u64, members: usize) -> World {
    let mut random = Random::new(seed);
    World {
        companies: random.companies(),
        persons: random.persons(),
        members: random.members(members),
        one: random.rule_set(),
        other: random.rule_set(),
    }
}

impl World {
    fn matches(&self, set: &RuleSet) -> Vec<Match> {
        let matcher = matcher(set.clone(), &self.companies, &self.persons);
        matches(&matcher, &self.members, 2)
    }

    fn preview(&self, before: &[Match], after: &[Match]) -> Preview {
        let mut preview = Preview::default();
        for ((member, before), after) in self.members.iter().zip(before).zip(after) {
            preview.add(member, before, after);
        }
        preview
    }
}

fn matches(matcher: &Matcher, members: &[Member], threads: usize) -> Vec<Match> {
    let threads = Threads::new(threads).expect("there is a thread");
    let go_on = &mut |_| ControlFlow::Continue(());
    matcher
        .match_all(members, threads, go_on)
        .expect("nobody cancels")
}

/// Filled in parts of any size.
fn matcher_in_parts(set: RuleSet, companies: &[Company], persons: &[Person], part: usize) -> Matcher {
    let mut builder = Matcher::builder(set, &LISTS).expect("the rules can be used");
    for persons in persons.chunks(part) {
        builder.persons(persons, Threads::MIN).expect("ids fit");
    }
    for companies in companies.chunks(part) {
        builder.companies(companies, Threads::MIN).expect("ids fit");
    }
    builder.finish().expect("ids are unique")
}

fn by_id(members: &[Member], matches: Vec<Match>) -> BTreeMap<String, Match> {
    let ids = members.iter().map(|member| member.community_user_id.clone());
    ids.zip(matches).collect()
}

/// What a preview should say, said in another way: from whole lists.
fn expected(world: &World, before: &[Match], after: &[Match]) -> Preview {
    let counts = |matches: &[Match]| {
        let of = |status| matches.iter().filter(|outcome| outcome.status == status).count() as u64;
        MatchCounts {
            matched: of(MatchStatus::Matched),
            unmatched: of(MatchStatus::Unmatched),
            ambiguous: of(MatchStatus::Ambiguous),
            internal: of(MatchStatus::Internal),
        }
    };
    let mut changes: Vec<_> = world.members.iter().zip(before.iter().zip(after)).collect();
    changes.sort_by_key(|(member, _)| (&member.tenant_id, &member.community_user_id));
    let those = |is_one: &dyn Fn(&Match, &Match) -> bool| {
        let of = changes
            .iter()
            .filter(|(_, (before, after))| is_one(before, after));
        let samples = of.clone().take(Changes::SAMPLES_MAX);
        Changes {
            members: of.count() as u64,
            samples: samples
                .map(|(member, (before, after))| Change {
                    tenant_id: member.tenant_id.clone(),
                    community_user_id: member.community_user_id.clone(),
                    username: member.username.clone(),
                    before: (*before).clone(),
                    after: (*after).clone(),
                })
                .collect(),
        }
    };
    let company = |outcome: &Match| outcome.company_external_id.clone();
    let is_ambiguous = |outcome: &Match| outcome.status == MatchStatus::Ambiguous;
    Preview {
        now: counts(before),
        after: counts(after),
        gained: those(&|before, after| company(before).is_none() && company(after).is_some()),
        lost: those(&|before, after| company(before).is_some() && company(after).is_none()),
        moved: those(&|before, after| match (company(before), company(after)) {
            (Some(before), Some(after)) => before != after,
            _ => false,
        }),
        newly_ambiguous: those(&|before, after| !is_ambiguous(before) && is_ambiguous(after)),
        ..Preview::default()
    }
}

/// Whether the rules' results lead to the outcome, and to no other.
fn leads_to_its_outcome(why: &Explanation, set: &RuleSet) -> Result<(), TestCaseError> {
    let outcome = &why.outcome;
    let results = |is_one: fn(&RuleResult) -> bool| {
        let rules = why.rules.iter().filter(|rule| is_one(&rule.result));
        rules.map(|rule| rule.rule.as_str()).collect::<Vec<_>>()
    };
    let decided = results(|result| matches!(result, RuleResult::Decided { .. }));
    let ended = results(|result| matches!(result, RuleResult::Ambiguous { went_on: false, .. }));
    let passed = results(|result| matches!(result, RuleResult::Ambiguous { went_on: true, .. }));
    let tried = why
        .rules
        .iter()
        .filter(|rule| rule.result != RuleResult::Off)
        .map(|rule| rule.result != RuleResult::NotReached);
    prop_assert!(
        tried.is_sorted_by(|before, after| before >= after),
        "tried from the top: {why:?}"
    );
    let off = results(|result| *result == RuleResult::Off);
    let switched_off = set.rules.iter().filter(|rule| !rule.active);
    prop_assert_eq!(off, switched_off.map(|rule| rule.id.as_str()).collect::<Vec<_>>());
    let rule = outcome.rule.as_deref();
    match outcome.status {
        MatchStatus::Matched => {
            prop_assert_eq!(decided, rule.into_iter().collect::<Vec<_>>());
            prop_assert!(rule.is_some() && ended.is_empty());
        }
        MatchStatus::Ambiguous => {
            prop_assert!(decided.is_empty());
            prop_assert_eq!(rule, passed.first().or(ended.first()).copied());
            prop_assert!(outcome.candidates.len() > 1);
        }
        MatchStatus::Unmatched => prop_assert_eq!(decided.len() + ended.len() + passed.len(), 0),
        MatchStatus::Internal => prop_assert!(
            results(|result| !matches!(result, RuleResult::NotReached | RuleResult::Off)).is_empty()
        ),
    }
    Ok(())
}

proptest! {
    // A smaller seed is no smaller world, so there is nothing to shrink.
    #![proptest_config(ProptestConfig { max_shrink_iters: 0, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn no_order_no_parts_and_no_threads_change_an_outcome(seed in any::<u64>(), part in 1_usize..50) {
        let World { mut companies, mut persons, mut members, one: set, .. } = world(seed, 1_500);
        let expected = by_id(&members, matches(&matcher(set.clone(), &companies, &persons), &members, 1));
        let mut random = Random::new(!seed);
        random.shuffle(&mut companies);
        random.shuffle(&mut persons);
        random.shuffle(&mut members);
        let shuffled = matcher_in_parts(set, &companies, &persons, part);
        prop_assert_eq!(expected, by_id(&members, matches(&shuffled, &members, 2)));
    }

    #[test]
    fn rules_over_an_index_that_is_there_match_as_over_their_own(seed in any::<u64>()) {
        let world = world(seed, 300);
        let one = matcher(world.one.clone(), &world.companies, &world.persons);
        let mut other = world.other.clone();
        let of_persons = world.one.default_countries.persons;
        let reads_alike = other.default_countries.persons == of_persons;
        let is_fuzzy = |set: &RuleSet| set.rule("typed-fuzzy").is_some_and(|rule| rule.active);
        let is_answered = reads_alike && (is_fuzzy(&world.one) || !is_fuzzy(&other));
        let shared = one.with_rules(other.clone(), &LISTS).expect("the rules can be used");
        prop_assert_eq!(shared.is_some(), is_answered);
        other.default_countries.persons = of_persons;
        for rule in &mut other.rules {
            rule.active &= rule.id != "typed-fuzzy";
        }
        let shared = one.with_rules(other.clone(), &LISTS).expect("the rules can be used");
        let own = matcher(other, &world.companies, &world.persons);
        let shared = shared.expect("nothing to be read anew");
        prop_assert_eq!(matches(&shared, &world.members, 1), matches(&own, &world.members, 1));
    }

    #[test]
    fn an_explanation_leads_where_the_match_does(seed in any::<u64>()) {
        let world = world(seed, 400);
        let matcher = matcher(world.one.clone(), &world.companies, &world.persons);
        for member in &world.members {
            let outcome = matcher.match_one(member);
            let has_company = outcome.status == MatchStatus::Matched;
            prop_assert_eq!(outcome.company_external_id.is_some(), has_company);
            prop_assert_eq!(outcome.why_not.is_none(), has_company || outcome.status == MatchStatus::Internal);
            let why = matcher.explain(member);
            prop_assert_eq!(&why.outcome, &outcome);
            leads_to_its_outcome(&why, &world.one)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 0, ..ProptestConfig::with_cases(2) })]

    #[test]
    fn a_preview_of_ten_thousand_says_what_applying_does_and_undoing_returns_every_byte(seed in any::<u64>()) {
        let world = world(seed, MEMBERS);
        let (before, after) = (world.matches(&world.one), world.matches(&world.other));
        let preview = world.preview(&before, &after);
        prop_assert_eq!(&preview, &expected(&world, &before, &after));
        let undone = world.preview(&after, &before);
        prop_assert_eq!(
            (preview.gained.members, preview.lost.members, preview.moved.members),
            (undone.lost.members, undone.gained.members, undone.moved.members)
        );
        let bytes = |matches: &[Match]| serde_json::to_vec(matches).unwrap();
        prop_assert_eq!(bytes(&world.matches(&world.one)), bytes(&before));
    }
}

/// The worlds above would prove nothing if something never happened in them.
#[test]
fn every_outcome_occurs_in_worlds_from_seeds() {
    let (mut statuses, mut reasons, mut results) = (Vec::new(), Vec::new(), Vec::new());
    let mut changed = [0; 4];
    for seed in 0..40 {
        let world = world(seed, 100);
        let matcher = matcher(world.one.clone(), &world.companies, &world.persons);
        for member in &world.members {
            let why = matcher.explain(member);
            statuses.push(why.outcome.status);
            reasons.extend(why.outcome.why_not);
            results.extend(why.rules.iter().map(|rule| std::mem::discriminant(&rule.result)));
        }
        let preview = world.preview(&world.matches(&world.one), &world.matches(&world.other));
        let kinds = [
            preview.gained,
            preview.lost,
            preview.moved,
            preview.newly_ambiguous,
        ];
        for (changed, kind) in changed.iter_mut().zip(kinds) {
            *changed += kind.members;
        }
    }
    for status in MatchStatus::ALL {
        let often = statuses.iter().filter(|seen| **seen == status).count();
        assert!(often > 50, "{status}: {often}");
    }
    for why in WhyNot::ALL {
        let by_hand = why == WhyNot::UnlinkedByHand;
        assert_eq!(reasons.contains(&why), !by_hand, "{why:?}");
    }
    results.sort_unstable_by_key(|result| format!("{result:?}"));
    results.dedup();
    // All but a fuzzy comparison of more names than may be.
    assert_eq!(results.len(), 10);
    assert!(changed.iter().all(|members| *members > 50), "{changed:?}");
}
