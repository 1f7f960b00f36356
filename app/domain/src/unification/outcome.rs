use std::fmt;

use serde::{Deserialize, Serialize};

use super::Field;

/// How a member stands to companies. Speaks of the company only: a member may have a person and still be unmatched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchStatus {
    Matched,
    #[default]
    Unmatched,
    /// Candidates of more than one company; none was picked.
    Ambiguous,
    /// One of ours, left out of customers' figures.
    Internal,
}

impl MatchStatus {
    pub const ALL: [Self; 4] = [Self::Matched, Self::Unmatched, Self::Ambiguous, Self::Internal];

    /// The name in the database, the API and exports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Unmatched => "unmatched",
            Self::Ambiguous => "ambiguous",
            Self::Internal => "internal",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for MatchStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What settled a member's match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// Every rule was tried, and none named anything.
    #[default]
    Nothing,
    Rule,
    /// An admin, with a reason; no rule overwrites it.
    Hand,
    InternalDomain,
    InternalRole,
}

impl DecidedBy {
    pub const ALL: [Self; 5] = [
        Self::Nothing,
        Self::Rule,
        Self::Hand,
        Self::InternalDomain,
        Self::InternalRole,
    ];

    /// The name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Rule => "rule",
            Self::Hand => "hand",
            Self::InternalDomain => "internal_domain",
            Self::InternalRole => "internal_role",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == name)
    }
}

/// Why a member has no company, by what would help. Every member without one has exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// Candidates of more than one company.
    Ambiguous,
    /// An admin said so.
    UnlinkedByHand,
    /// The e-mail has a domain of its own, which belongs to no company.
    DomainUnknown,
    /// No domain of its own, and the company that the member typed is none.
    NameNotFound,
    /// A free-mail address, and nothing else that names a company.
    FreeMail,
    /// No readable e-mail, and nothing else that names a company.
    NoEmail,
    /// The rules that are on compare other fields, and found nothing.
    NoCandidate,
}

impl WhyNot {
    pub const ALL: [Self; 7] = [
        Self::Ambiguous,
        Self::UnlinkedByHand,
        Self::DomainUnknown,
        Self::NameNotFound,
        Self::FreeMail,
        Self::NoEmail,
        Self::NoCandidate,
    ];

    /// The name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::UnlinkedByHand => "unlinked_by_hand",
            Self::DomainUnknown => "domain_unknown",
            Self::NameNotFound => "name_not_found",
            Self::FreeMail => "free_mail",
            Self::NoEmail => "no_email",
            Self::NoCandidate => "no_candidate",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == name)
    }

    /// The label on a page.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ambiguous => "Ambiguous",
            Self::UnlinkedByHand => "Unlinked by hand",
            Self::DomainUnknown => "Domain belongs to no company",
            Self::NameNotFound => "Name not found",
            Self::FreeMail => "Free-mail address",
            Self::NoEmail => "No email",
            Self::NoCandidate => "No candidate",
        }
    }
}

/// A person or company for which all conditions of a rule hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Candidate {
    pub company_external_id: Option<String>,
    pub person_external_id: Option<String>,
}

/// What a member is tied to, as it is kept: without what each rule did, which [`Explanation`] says on demand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Match {
    pub status: MatchStatus,
    pub decided_by: DecidedBy,
    /// The rule that named the company; else the one that named the person or ended the list.
    pub rule: Option<String>,
    pub person_external_id: Option<String>,
    pub company_external_id: Option<String>,
    /// The member's values that the rule compared, normalised, in the order of its conditions.
    pub values: Vec<String>,
    /// Of an ambiguous member, in the order of external ids; at most [`Match::CANDIDATES_MAX`].
    pub candidates: Vec<Candidate>,
    /// Of a member without a company who is not internal.
    pub why_not: Option<WhyNot>,
    /// The e-mail's domain as it is compared, by which failed members are grouped.
    pub domain: Option<String>,
}

impl Match {
    /// As many candidates as are kept of an ambiguous member: enough to choose from, and few enough for a row.
    pub const CANDIDATES_MAX: usize = 20;

    /// Whether two matches tie a member to the same company or to none: what a preview compares.
    pub fn same_company(&self, other: &Self) -> bool {
        self.status == other.status && self.company_external_id == other.company_external_id
    }
}

/// A member's value as a condition compared it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedValue {
    pub field: Field,
    /// As the member has it; `None` if there is none.
    pub given: Option<String>,
    /// Normalised, in the order in which they were looked up (a domain and its parents); empty if the value is missing or
    /// cannot be read.
    pub compared: Vec<String>,
}

/// What a rule did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum RuleResult {
    /// The rule is switched off.
    Off,
    /// An earlier rule, or something above all rules, had decided.
    NotReached,
    /// The member has no such value, so the rule was skipped.
    ValueMissing {
        field: Field,
    },
    /// The value is none that could be compared, such as a phone number without digits; skipped as if it were missing.
    ValueUnreadable {
        field: Field,
    },
    /// A free-mail domain names no company.
    FreeMail {
        domain: String,
    },
    NoCandidate,
    /// A fuzzy comparison would have had to look at more names than it may.
    TooCommon {
        field: Field,
    },
    /// One person without a company: kept, and the list went on for the company.
    PersonWithoutCompany {
        person_external_id: String,
    },
    /// Several persons, none with a company: nothing to choose between, so the list went on.
    SeveralWithoutCompany {
        candidates: Vec<Candidate>,
    },
    /// Candidates of more than one company.
    Ambiguous {
        candidates: Vec<Candidate>,
        /// Whether the rule lets the list go on.
        went_on: bool,
    },
    /// One person, one company, or several persons of one company.
    Decided {
        company_external_id: String,
        person_external_id: Option<String>,
    },
}

/// One rule's part in an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleOutcome {
    pub rule: String,
    /// From 1.
    pub position: usize,
    /// The rule as a sentence.
    pub sentence: String,
    #[serde(flatten)]
    pub result: RuleResult,
    /// One for each condition; empty if the rule was not tried.
    pub values: Vec<ComparedValue>,
}

/// Why a member matched, or why each rule did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    #[serde(flatten)]
    pub outcome: Match,
    /// Every rule of the set, in its order.
    pub rules: Vec<RuleOutcome>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for status in MatchStatus::ALL {
            assert_eq!(MatchStatus::parse(status.as_str()), Some(status));
        }
        for by in DecidedBy::ALL {
            assert_eq!(DecidedBy::parse(by.as_str()), Some(by));
        }
        for why in WhyNot::ALL {
            assert_eq!(WhyNot::parse(why.as_str()), Some(why));
        }
    }
}
