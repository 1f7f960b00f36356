use std::collections::HashMap;

use domain::unification::{
    ComparedValue, Condition, Explanation, Member, Rule, RuleOutcome, RuleResult, WhenAmbiguous,
};

use crate::{
    Matcher,
    evaluate::Verdict,
    view::{Value, View},
};

impl Matcher {
    /// Why a member matched, or why each rule did not, with the values compared.
    pub fn explain(&self, member: &Member) -> Explanation {
        let view = View::new(&self.rulebook, member);
        let mut tried = HashMap::new();
        let outcome = self.outcome(&view, &mut |rule, verdict| {
            tried.insert(rule.id.clone(), self.result(rule, verdict));
        });
        let rules = (1..).zip(&self.rules().rules).map(|(position, rule)| {
            let result = tried.remove(&rule.id);
            RuleOutcome {
                rule: rule.id.clone(),
                position,
                sentence: rule.to_string(),
                values: match &result {
                    Some(_) => rule.conditions.iter().map(|c| compared(&view, *c)).collect(),
                    None => Vec::new(),
                },
                result: result.unwrap_or(if rule.active {
                    RuleResult::NotReached
                } else {
                    RuleResult::Off
                }),
            }
        });
        Explanation {
            rules: rules.collect(),
            outcome,
        }
    }

    fn result(&self, rule: &Rule, verdict: &Verdict) -> RuleResult {
        match verdict {
            Verdict::Missing(field) => RuleResult::ValueMissing { field: *field },
            Verdict::Unreadable(field) => RuleResult::ValueUnreadable { field: *field },
            Verdict::FreeMail(domain) => RuleResult::FreeMail {
                domain: domain.clone(),
            },
            Verdict::Nobody => RuleResult::NoCandidate,
            Verdict::TooCommon(field) => RuleResult::TooCommon { field: *field },
            Verdict::PersonWithoutCompany(person) => RuleResult::PersonWithoutCompany {
                person_external_id: self.index.person(*person).to_owned(),
            },
            Verdict::SeveralWithoutCompany(found) => RuleResult::SeveralWithoutCompany {
                candidates: self.candidates(found),
            },
            Verdict::Ambiguous(found) => RuleResult::Ambiguous {
                candidates: self.candidates(found),
                went_on: rule.when_ambiguous == WhenAmbiguous::GoOn,
            },
            Verdict::Decided { company, person } => RuleResult::Decided {
                company_external_id: self.index.company(*company).to_owned(),
                person_external_id: person.map(|id| self.index.person(id).to_owned()),
            },
        }
    }
}

fn compared(view: &View<'_>, condition: Condition) -> ComparedValue {
    ComparedValue {
        field: condition.field,
        given: view.given(condition.field),
        compared: match view.value(condition) {
            Value::FirstOf(values) | Value::AnyOf(values) => values,
            Value::FreeMail(domain) => vec![domain],
            Value::Missing | Value::Unreadable => Vec::new(),
        },
    }
}
