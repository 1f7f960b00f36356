use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Match, RuleResult, WhyNot};
use crate::grouped;

/// Something that an admin can do about members without a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    CreateCompany,
    AddDomain,
    ImportPersons,
    ChangeRules,
    LinkByHand,
}

impl Action {
    /// The label of its button.
    pub fn label(self) -> &'static str {
        match self {
            Self::CreateCompany => "Create company",
            Self::AddDomain => "Add domain",
            Self::ImportPersons => "Import persons",
            Self::ChangeRules => "Change the rules",
            Self::LinkByHand => "Link by hand",
        }
    }
}

impl WhyNot {
    /// The end of a sentence about members: "212 members of acme.io: no company has this domain".
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Ambiguous => "several companies come into question",
            Self::UnlinkedByHand => "unlinked by hand",
            Self::DomainUnknown => "no company has this domain",
            Self::NameNotFound => "no company has the name that they typed",
            Self::FreeMail => "a free-mail address names no company, and nothing else does",
            Self::NoEmail => "no readable email, and nothing else that names a company",
            Self::NoCandidate => "the rules found nobody by what they compare",
        }
    }

    /// What would help, the best first. Empty if it is as somebody wanted it.
    pub fn actions(self) -> &'static [Action] {
        match self {
            Self::Ambiguous => &[Action::LinkByHand, Action::ChangeRules],
            Self::UnlinkedByHand => &[],
            Self::DomainUnknown => &[Action::CreateCompany, Action::AddDomain],
            Self::NameNotFound => &[Action::CreateCompany, Action::ChangeRules],
            Self::FreeMail | Self::NoEmail => &[Action::ImportPersons, Action::LinkByHand],
            Self::NoCandidate => &[Action::ChangeRules, Action::LinkByHand],
        }
    }

    /// The same as a sentence.
    pub fn help(self) -> &'static str {
        match self {
            Self::Ambiguous => {
                "Keep the value with one of the companies or persons, let a rule that can tell them apart decide first, or link by hand."
            }
            Self::UnlinkedByHand => "Nothing, unless it was a mistake: then link by hand.",
            Self::DomainUnknown => {
                "Create a company with this domain, or add the domain to the company that has it."
            }
            Self::NameNotFound => {
                "Create a company of this name, correct the name that it has, or allow slips by a fuzzy rule."
            }
            Self::FreeMail => "Import them as persons of their company with this address, or link by hand.",
            Self::NoEmail => {
                "Import them as persons of their company with a phone number or id that a rule compares, or link by hand."
            }
            Self::NoCandidate => "Switch on a rule that compares what these members have, or link by hand.",
        }
    }
}

/// Members without a company who have the cause in common, and the domain where it is one of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseGroup {
    pub cause: WhyNot,
    pub domain: Option<String>,
    pub members: u64,
}

impl CauseGroup {
    /// "212 members of acme.io: no company has this domain".
    pub fn sentence(&self) -> String {
        let members = if self.members == 1 { "member" } else { "members" };
        let of = self
            .domain
            .as_ref()
            .map_or_else(String::new, |domain| format!(" of {domain}"));
        format!(
            "{} {members}{of}: {}",
            grouped(self.members),
            self.cause.sentence()
        )
    }

    /// The groups of so many matches, in whatever order they come; the largest first.
    pub fn of<'a>(matches: impl IntoIterator<Item = &'a Match>) -> Vec<Self> {
        let mut counts = BTreeMap::new();
        for key in matches.into_iter().filter_map(Match::cause_group) {
            *counts.entry(key).or_default() += 1;
        }
        let group = |((cause, domain), members): ((WhyNot, Option<&str>), u64)| Self {
            cause,
            domain: domain.map(str::to_owned),
            members,
        };
        let mut groups: Vec<_> = counts.into_iter().map(group).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.members));
        groups
    }
}

impl Match {
    /// The group of a member without a company: the cause, and the domain if what would help is the same for all of it.
    pub fn cause_group(&self) -> Option<(WhyNot, Option<&str>)> {
        let cause = self.why_not?;
        let by_domain = matches!(cause, WhyNot::DomainUnknown | WhyNot::Ambiguous);
        Some((cause, self.domain.as_deref().filter(|_| by_domain)))
    }
}

impl RuleResult {
    /// In two or three words.
    pub fn words(&self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::NotReached => "not tried".to_owned(),
            Self::ValueMissing { .. } => "not given".to_owned(),
            Self::ValueUnreadable { .. } => "not readable".to_owned(),
            Self::FreeMail { .. } => "free mail".to_owned(),
            Self::NoCandidate => "no candidate".to_owned(),
            Self::TooCommon { .. } => "too common".to_owned(),
            Self::PersonWithoutCompany { .. } | Self::SeveralWithoutCompany { .. } => "no company".to_owned(),
            // At most as many as are kept, so there may be more.
            Self::Ambiguous { candidates, .. } if candidates.len() < Match::CANDIDATES_MAX => {
                format!("{} candidates", candidates.len())
            }
            Self::Ambiguous { .. } => "many candidates".to_owned(),
            Self::Decided { .. } => "decides".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(why_not: WhyNot, domain: &str) -> Match {
        Match {
            why_not: Some(why_not),
            domain: Some(domain.to_owned()).filter(|domain| !domain.is_empty()),
            ..Match::default()
        }
    }

    #[test]
    fn members_are_grouped_by_what_would_help_them() {
        let mut matches = vec![failed(WhyNot::DomainUnknown, "acme.io"); 1_212];
        matches.push(failed(WhyNot::FreeMail, "gmail.com"));
        matches.push(failed(WhyNot::FreeMail, "web.de"));
        matches.push(failed(WhyNot::DomainUnknown, "acme.co.uk"));
        matches.push(Match::default());
        let sentences = |matches: &[Match]| {
            let groups = CauseGroup::of(matches);
            groups.iter().map(CauseGroup::sentence).collect::<Vec<_>>()
        };
        let expected = [
            "1,212 members of acme.io: no company has this domain",
            "2 members: a free-mail address names no company, and nothing else does",
            "1 member of acme.co.uk: no company has this domain",
        ];
        assert_eq!(sentences(&matches), expected);
        matches.reverse();
        assert_eq!(sentences(&matches), expected);
    }

    #[test]
    fn whoever_is_without_a_company_by_accident_can_be_helped() {
        for why in WhyNot::ALL {
            let helped = !why.actions().is_empty();
            assert_eq!(helped, why != WhyNot::UnlinkedByHand, "{why:?}");
            assert!(why.help().ends_with('.') && !why.sentence().ends_with('.'));
        }
    }

    #[test]
    fn thousands_are_told_apart() {
        let words = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(words, ["0", "999", "1,000", "1,234,567"]);
    }
}
