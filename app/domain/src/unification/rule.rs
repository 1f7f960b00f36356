use std::fmt;

use serde::{Deserialize, Serialize};

/// The least similarity that a fuzzy comparison may ask for, in percent: below it unrelated names look alike, and the index
/// cannot bound the names to be compared.
const THRESHOLD_MIN_PERCENT: u8 = 70;
/// The greatest: at 100 a comparison is exact.
const THRESHOLD_MAX_PERCENT: u8 = 99;

/// What of a member is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Email,
    /// The part behind the `@`: the exact domain first, then its parents down to the registrable one.
    EmailDomain,
    /// The label of the registrable domain, read as a name: `halden-freight` of `ops@uk.halden-freight.co.uk`.
    EmailDomainLabel,
    Phone,
    FullName,
    Username,
    /// The company that the member typed.
    SelfDeclaredCompany,
    SsoId,
    /// The member's own id in the community.
    ExternalId,
}

impl Field {
    pub const ALL: [Self; 9] = [
        Self::Email,
        Self::EmailDomain,
        Self::EmailDomainLabel,
        Self::Phone,
        Self::FullName,
        Self::Username,
        Self::SelfDeclaredCompany,
        Self::SsoId,
        Self::ExternalId,
    ];

    /// The label on a page.
    pub fn label(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::EmailDomain => "Email domain",
            Self::EmailDomainLabel => "Email domain's name",
            Self::Phone => "Phone",
            Self::FullName => "Full name",
            Self::Username => "Username",
            Self::SelfDeclaredCompany => "Company name",
            Self::SsoId => "SSO id",
            Self::ExternalId => "Community user id",
        }
    }

    /// What the field can be compared with.
    pub fn attributes(self) -> &'static [Attribute] {
        match self {
            Self::Email => &[Attribute::PersonEmail],
            Self::EmailDomain => &[Attribute::CompanyDomain],
            Self::EmailDomainLabel => &[Attribute::CompanyName],
            Self::Phone => &[Attribute::PersonPhone],
            Self::FullName => &[Attribute::PersonFullName],
            Self::Username => &[
                Attribute::PersonEmail,
                Attribute::PersonFullName,
                Attribute::PersonExternalId,
            ],
            Self::SelfDeclaredCompany => &[Attribute::CompanyName, Attribute::CompanyExternalId],
            Self::SsoId => &[Attribute::PersonExternalId, Attribute::PersonEmail],
            Self::ExternalId => &[Attribute::PersonExternalId],
        }
    }

    /// Whether the value comes from the e-mail's domain, so that a free-mail domain has none.
    pub fn is_of_domain(self) -> bool {
        matches!(self, Self::EmailDomain | Self::EmailDomainLabel)
    }
}

/// What of a person or company a member's field is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    PersonEmail,
    PersonPhone,
    PersonFullName,
    PersonExternalId,
    CompanyDomain,
    CompanyName,
    CompanyExternalId,
}

impl Attribute {
    pub const ALL: [Self; 7] = [
        Self::PersonEmail,
        Self::PersonPhone,
        Self::PersonFullName,
        Self::PersonExternalId,
        Self::CompanyDomain,
        Self::CompanyName,
        Self::CompanyExternalId,
    ];

    pub fn target(self) -> Target {
        match self {
            Self::PersonEmail | Self::PersonPhone | Self::PersonFullName | Self::PersonExternalId => {
                Target::Person
            }
            Self::CompanyDomain | Self::CompanyName | Self::CompanyExternalId => Target::Company,
        }
    }

    /// As the end of a sentence: "a person's email".
    pub fn label(self) -> &'static str {
        match self {
            Self::PersonEmail => "a person's email",
            Self::PersonPhone => "a person's phone",
            Self::PersonFullName => "a person's full name",
            Self::PersonExternalId => "a person's external id",
            Self::CompanyDomain => "a company's domains",
            Self::CompanyName => "a company's name",
            Self::CompanyExternalId => "a company's external id",
        }
    }

    pub fn is_name(self) -> bool {
        matches!(self, Self::PersonFullName | Self::CompanyName)
    }
}

/// How alike two names have to be for a fuzzy comparison, in percent of equal letters: 100 × (1 − edits ÷ letters of the
/// longer name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Threshold(u8);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fuzzy comparison cannot ask for {0} percent; give a number from {THRESHOLD_MIN_PERCENT} to {THRESHOLD_MAX_PERCENT}"
)]
pub struct InvalidThreshold(u8);

impl Threshold {
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Threshold {
    type Error = InvalidThreshold;

    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        if (THRESHOLD_MIN_PERCENT..=THRESHOLD_MAX_PERCENT).contains(&percent) {
            Ok(Self(percent))
        } else {
            Err(InvalidThreshold(percent))
        }
    }
}

impl From<Threshold> for u8 {
    fn from(threshold: Threshold) -> Self {
        threshold.0
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equal after normalising.
    Exact,
    /// Company names equal once trailing legal forms are dropped.
    WithoutLegalForm,
    /// Names, without legal forms, at least as alike as the threshold says.
    Fuzzy(Threshold),
}

impl Operator {
    /// Whether the operator can compare with an attribute.
    pub fn compares(self, attribute: Attribute) -> bool {
        match self {
            Self::Exact => true,
            Self::WithoutLegalForm => attribute == Attribute::CompanyName,
            Self::Fuzzy(_) => attribute.is_name(),
        }
    }
}

/// One comparison of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub field: Field,
    pub operator: Operator,
    pub compared_with: Attribute,
}

impl fmt::Display for Condition {
    /// As a sentence: "Email is exactly a person's email".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, with) = (self.field.label(), self.compared_with.label());
        match self.operator {
            Operator::Exact if self.compared_with == Attribute::CompanyDomain => {
                write!(f, "{field} is one of {with}")
            }
            Operator::Exact if self.compared_with.is_name() => write!(f, "{field} equals {with}"),
            Operator::Exact => write!(f, "{field} is exactly {with}"),
            Operator::WithoutLegalForm => write!(f, "{field} equals, without legal forms, {with}"),
            Operator::Fuzzy(threshold) => {
                write!(f, "{field} is {} % like {with}", threshold.percent())
            }
        }
    }
}

/// What a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A person, with their company if they have one.
    Person,
    Company,
}

impl Target {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Company => "company",
        }
    }
}

/// What becomes of a member for whom a rule has candidates of more than one company.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenAmbiguous {
    /// The list ends, and the member is ambiguous.
    #[default]
    Stop,
    /// The next rule is tried; the member is ambiguous only if none of them decides.
    GoOn,
}

/// One rule: names the persons or companies for which all of its conditions hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stays through changes of the rule; what exports call `match_rule`.
    pub id: String,
    pub names: Target,
    pub conditions: Vec<Condition>,
    #[serde(default)]
    pub when_ambiguous: WhenAmbiguous,
    #[serde(default = "on")]
    pub active: bool,
}

fn on() -> bool {
    true
}

impl fmt::Display for Rule {
    /// As a sentence: "Full name equals a person's full name and Email domain is one of a company's domains".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, condition) in self.conditions.iter().enumerate() {
            if position > 0 {
                f.write_str(" and ")?;
            }
            condition.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_compared_with_some_field() {
        for attribute in Attribute::ALL {
            assert!(
                Field::ALL
                    .iter()
                    .any(|field| field.attributes().contains(&attribute)),
                "{attribute:?}"
            );
        }
    }

    #[test]
    fn a_threshold_is_a_percentage_that_makes_sense() {
        for (percent, is_one) in [(0, false), (69, false), (70, true), (99, true), (100, false)] {
            assert_eq!(Threshold::try_from(percent).is_ok(), is_one, "{percent}");
        }
    }

    #[test]
    fn an_unknown_word_in_a_rule_is_an_error() {
        let text = r#"{"id":"a","names":"person","conditions":[],"whenAmbiguous":"stop"}"#;
        assert!(serde_json::from_str::<Rule>(text).is_err());
    }
}
