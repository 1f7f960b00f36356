use std::{ops::ControlFlow, sync::Arc};

use domain::unification::{
    Candidate, Company, DecidedBy, Field, Match, MatchStatus, Member, Person, Rule, RuleSet, WhenAmbiguous,
    WhyNot,
};

use crate::{
    Cancelled, Lists, Threads,
    evaluate::{Found, Verdict, evaluate, holds_for_anybody, values_used},
    index::{Index, IndexBuilder, IndexError},
    key::Kind,
    normalise, parallel,
    rulebook::{Rulebook, UnusableRuleSet},
    view::View,
};

/// Applies a rule set to members, over an index of companies and persons.
#[derive(Debug)]
pub struct Matcher {
    pub(crate) rulebook: Rulebook,
    pub(crate) index: Arc<Index>,
}

/// Reads companies and persons, in parts of any size and in any order.
#[derive(Debug)]
pub struct MatcherBuilder {
    rulebook: Rulebook,
    index: IndexBuilder,
}

impl MatcherBuilder {
    pub fn companies(&mut self, companies: &[Company], threads: Threads) -> Result<(), IndexError> {
        self.index.companies(&self.rulebook, companies, threads)
    }

    pub fn persons(&mut self, persons: &[Person], threads: Threads) -> Result<(), IndexError> {
        self.index.persons(&self.rulebook, persons, threads)
    }

    pub fn finish(self) -> Result<Matcher, IndexError> {
        Ok(Matcher {
            rulebook: self.rulebook,
            index: Arc::new(self.index.finish()?),
        })
    }
}

/// How the list of rules ended for a member.
#[derive(Debug)]
enum End<'a> {
    Company { company: u32, rule: &'a Rule },
    Ambiguous { found: Vec<Found>, rule: &'a Rule },
    Nothing,
}

impl Matcher {
    /// A matcher to be filled. The lists are those that are shipped, with what an operator adds; the rule set's own are added
    /// to them.
    pub fn builder(set: RuleSet, lists: &Lists) -> Result<MatcherBuilder, UnusableRuleSet> {
        let rulebook = Rulebook::new(set, lists)?;
        Ok(MatcherBuilder {
            index: IndexBuilder::new(rulebook.set()),
            rulebook,
        })
    }

    /// Another rule set over the companies and persons that are indexed already, as a preview needs one. `None` if they have
    /// to be read anew: its legal forms or the persons' country differ, or a fuzzy rule was switched on.
    pub fn with_rules(&self, set: RuleSet, lists: &Lists) -> Result<Option<Self>, UnusableRuleSet> {
        let rulebook = Rulebook::new(set, lists)?;
        let is_answered = self.rulebook.indexes_as(&rulebook) && self.index.answers(rulebook.set());
        Ok(is_answered.then(|| Self {
            rulebook,
            index: Arc::clone(&self.index),
        }))
    }

    pub fn rules(&self) -> &RuleSet {
        self.rulebook.set()
    }

    /// The matches of members, in their order. After each chunk `progress` is told how many are done, and may end the work.
    pub fn match_all<M: AsRef<Member> + Sync>(
        &self,
        members: &[M],
        threads: Threads,
        progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Vec<Match>, Cancelled> {
        parallel::each(
            members,
            threads,
            |member| self.match_one(member.as_ref()),
            progress,
        )
    }

    pub fn match_one(&self, member: &Member) -> Match {
        let view = View::new(&self.rulebook, member);
        self.outcome(&view, &mut |_, _| {})
    }

    /// The persons with the member's e-mail, if there are any and all of them are inactive: in the order of their import.
    pub fn inactive_persons(&self, member: &Member) -> Vec<&str> {
        let Some(email) = member.email.as_deref().and_then(normalise::email) else {
            return Vec::new();
        };
        if self.index.contains(Kind::PersonEmail, &email) {
            return Vec::new();
        }
        let inactive = self.index.find(Kind::InactivePersonEmail, &email);
        inactive.map(|id| self.index.inactive_person(id)).collect()
    }

    /// The match, telling of each rule that was tried what it came to.
    pub(crate) fn outcome(&self, view: &View<'_>, tried: &mut dyn FnMut(&Rule, &Verdict)) -> Match {
        let domain = view.domain().map(str::to_owned);
        if let Some(decided_by) = self.internal(view) {
            return Match {
                status: MatchStatus::Internal,
                decided_by,
                domain,
                ..Match::default()
            };
        }
        let (person, end) = self.walk(view, tried);
        let mut outcome = self.of_end(view, end);
        if let Some((id, rule)) = person {
            outcome.person_external_id = Some(self.index.person(id).to_owned());
            if outcome.rule.is_none() {
                outcome.decided_by = DecidedBy::Rule;
                outcome.rule = Some(rule.id.clone());
                outcome.values = values_used(&self.index, rule, view);
            }
        }
        Match { domain, ..outcome }
    }

    fn internal(&self, view: &View<'_>) -> Option<DecidedBy> {
        if view
            .domain()
            .is_some_and(|domain| self.rulebook.is_internal_domain(domain))
        {
            return Some(DecidedBy::InternalDomain);
        }
        let mut roles = view.member.roles.iter();
        roles
            .any(|role| self.rulebook.is_internal_role(role))
            .then_some(DecidedBy::InternalRole)
    }

    /// Tries the rules in their order. The first person without a company is kept, and so is the first ambiguity that a rule
    /// lets pass.
    fn walk(
        &self,
        view: &View<'_>,
        tried: &mut dyn FnMut(&Rule, &Verdict),
    ) -> (Option<(u32, &Rule)>, End<'_>) {
        let mut kept = None;
        let mut passed = None;
        for (_, rule) in self.rules().active() {
            let verdict = evaluate(&self.index, rule, view);
            tried(rule, &verdict);
            match verdict {
                Verdict::Decided { company, person } => {
                    kept = kept.or(person.map(|id| (id, rule)));
                    return (kept, End::Company { company, rule });
                }
                Verdict::PersonWithoutCompany(id) => kept = kept.or(Some((id, rule))),
                Verdict::Ambiguous(found) => match rule.when_ambiguous {
                    WhenAmbiguous::Stop => {
                        let (found, rule) = passed.unwrap_or((found, rule));
                        return (kept, End::Ambiguous { found, rule });
                    }
                    WhenAmbiguous::GoOn => passed = passed.or(Some((found, rule))),
                },
                Verdict::Missing(_)
                | Verdict::Unreadable(_)
                | Verdict::FreeMail(_)
                | Verdict::Nobody
                | Verdict::TooCommon(_)
                | Verdict::SeveralWithoutCompany(_) => {}
            }
        }
        let end = passed.map_or(End::Nothing, |(found, rule)| End::Ambiguous { found, rule });
        (kept, end)
    }

    fn of_end(&self, view: &View<'_>, end: End<'_>) -> Match {
        match end {
            End::Company { company, rule } => Match {
                status: MatchStatus::Matched,
                decided_by: DecidedBy::Rule,
                rule: Some(rule.id.clone()),
                company_external_id: Some(self.index.company(company).to_owned()),
                values: values_used(&self.index, rule, view),
                ..Match::default()
            },
            End::Ambiguous { found, rule } => Match {
                status: MatchStatus::Ambiguous,
                decided_by: DecidedBy::Rule,
                rule: Some(rule.id.clone()),
                values: values_used(&self.index, rule, view),
                candidates: self.candidates(&found),
                why_not: Some(WhyNot::Ambiguous),
                ..Match::default()
            },
            End::Nothing => Match {
                why_not: Some(self.why_not(view)),
                ..Match::default()
            },
        }
    }

    /// What would help. A domain or name that somebody has is not the cause, even if another condition of its rule failed.
    fn why_not(&self, view: &View<'_>) -> WhyNot {
        let helps = |fields: &[Field]| {
            let rules = self.rules();
            fields.iter().any(|field| rules.compares(*field)) && !self.is_known(view, fields)
        };
        let own_domain = view.domain().is_some() && !view.is_free_mail;
        if own_domain && helps(&[Field::EmailDomain, Field::EmailDomainLabel]) {
            WhyNot::DomainUnknown
        } else if view.given(Field::SelfDeclaredCompany).is_some() && helps(&[Field::SelfDeclaredCompany]) {
            WhyNot::NameNotFound
        } else if view.is_free_mail {
            WhyNot::FreeMail
        } else if view.domain().is_none() {
            WhyNot::NoEmail
        } else {
            WhyNot::NoCandidate
        }
    }

    /// Whether a condition of one of the fields holds for somebody. A rule of one condition would have named them.
    fn is_known(&self, view: &View<'_>, fields: &[Field]) -> bool {
        let rules = self.rules().active().map(|(_, rule)| rule);
        rules
            .filter(|rule| rule.conditions.len() > 1)
            .flat_map(|rule| &rule.conditions)
            .filter(|condition| fields.contains(&condition.field))
            .any(|condition| holds_for_anybody(&self.index, *condition, view))
    }

    /// The first of those found, in the order of their external ids.
    pub(crate) fn candidates(&self, found: &[Found]) -> Vec<Candidate> {
        let ids = |found: &Found| {
            (
                found.company.map(|id| self.index.company(id)),
                found.person.map(|id| self.index.person(id)),
            )
        };
        let mut all: Vec<_> = found.iter().map(ids).collect();
        if all.len() > Match::CANDIDATES_MAX {
            all.select_nth_unstable(Match::CANDIDATES_MAX);
            all.truncate(Match::CANDIDATES_MAX);
        }
        all.sort_unstable();
        let candidate = |(company, person): (Option<&str>, Option<&str>)| Candidate {
            company_external_id: company.map(str::to_owned),
            person_external_id: person.map(str::to_owned),
        };
        all.into_iter().map(candidate).collect()
    }
}
