//! The tables in `tests/golden`: what should become of a member, as one would say it to a customer-success manager.

use std::{fs, path::Path};

use domain::unification::{Match, MatchStatus, Member, WhyNot};
use unification::Matcher;

use crate::tables::{Cells, File, Section};

/// As many cases as are promised.
const CASES_MIN: usize = 300;

/// What a case says should come of its member, or what came of it.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    status: String,
    company: String,
    person: String,
    decided_by: String,
    why_not: String,
    candidates: String,
}

impl Outcome {
    /// As the case has it; where the table has no such column, as its settings have it for all members of this status.
    fn expected(section: &Section, case: &Cells) -> Self {
        let status = case.text("Status").unwrap_or_default();
        let of = |column: &str| {
            let setting = || section.setting(&format!("{column} if {status}"));
            case.text(column).or_else(setting).unwrap_or_default()
        };
        Self {
            company: of("Company"),
            person: of("Person"),
            decided_by: of("Decided by"),
            why_not: of("Why not"),
            candidates: of("Candidates"),
            status,
        }
    }

    fn of(outcome: Match) -> Self {
        let candidates = outcome.candidates.iter().map(|candidate| {
            let ids = [&candidate.company_external_id, &candidate.person_external_id];
            let ids: Vec<_> = ids
                .map(|id| id.as_deref().unwrap_or("nobody"))
                .into_iter()
                .collect();
            match candidate.person_external_id {
                Some(_) => format!("{} of {}", ids[1], ids[0]),
                None => ids[0].to_owned(),
            }
        });
        Self {
            status: outcome.status.to_string(),
            company: outcome.company_external_id.unwrap_or_default(),
            person: outcome.person_external_id.unwrap_or_default(),
            candidates: candidates.collect::<Vec<_>>().join("; "),
            why_not: outcome
                .why_not
                .map_or(String::new(), |why| why.as_str().to_owned()),
            decided_by: match (outcome.rule, outcome.decided_by.as_str()) {
                (Some(rule), _) => rule,
                (None, "nothing") => String::new(),
                (None, by) => by.to_owned(),
            },
        }
    }
}

fn matcher(section: &Section, case: &Cells) -> Matcher {
    crate::world::matcher(section.rules(), &section.companies(case), &section.persons(case))
}

/// Every case of every file, with what its member should become and what became of it.
fn each_case(mut each: impl FnMut(&str, &Outcome, &Outcome)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("a folder of tables")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.file_name().is_none_or(|name| name != "README.md"))
        .collect();
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("text");
        for section in File::read(&name, &text).sections {
            let shared = matcher(&section, &Cells::default());
            for case in section.cases() {
                let own = case.has_own_world().then(|| matcher(&section, &case));
                let matcher = own.as_ref().unwrap_or(&shared);
                let member: Member = case.member();
                let outcome = matcher.match_one(&member);
                let place = format!("{name}:{}, {}: {}", case.line, section.title, case.given());
                assert_eq!(matcher.explain(&member).outcome, outcome, "explained: {place}");
                each(&place, &Outcome::expected(&section, &case), &Outcome::of(outcome));
            }
        }
    }
}

#[test]
fn every_golden_case_holds() {
    let mut failures = Vec::new();
    each_case(|place, expected, found| {
        if expected != found {
            failures.push(format!("{place}\n  expected {expected:?}\n  but is   {found:?}"));
        }
    });
    assert!(
        failures.is_empty(),
        "{} fail\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn the_golden_cases_are_many_and_leave_no_outcome_out() {
    let (mut cases, mut statuses, mut reasons) = (0, Vec::new(), Vec::new());
    each_case(|_, expected, _| {
        cases += 1;
        statuses.push(expected.status.clone());
        reasons.push(expected.why_not.clone());
    });
    assert!(cases >= CASES_MIN, "only {cases}");
    for status in MatchStatus::ALL {
        assert!(statuses.iter().any(|seen| seen == status.as_str()), "no {status}");
    }
    for why in WhyNot::ALL {
        // What is done by hand is above the rules, and kept by the store.
        let by_rule = why != WhyNot::UnlinkedByHand;
        assert_eq!(
            reasons.iter().any(|seen| seen == why.as_str()),
            by_rule,
            "{why:?}"
        );
    }
}
