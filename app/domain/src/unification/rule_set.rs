use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Attribute, Condition, Country, Field, LeaverRule, Operator, Rule, Target, WhenAmbiguous};

/// As many rules as one list may have: each is a look-up for every member, and a person has to read them.
const RULES_MAX: usize = 50;
/// As many conditions as one rule may have, as other tools of the field allow.
const CONDITIONS_MAX: usize = 6;
/// The length of a rule's id, in characters: it is a column of exports.
const RULE_ID_MAX_CHARS: usize = 64;

/// The countries that phone numbers without a country code are read with. Without one such a number is unreadable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DefaultCountries {
    /// Of the persons' numbers.
    pub persons: Option<Country>,
    /// Of the members' numbers, by tenant id.
    pub connections: BTreeMap<String, Country>,
}

/// Everything that decides who belongs to whom: one version of what an admin tunes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSet {
    /// Tried in this order.
    pub rules: Vec<Rule>,
    /// Members with such a domain, or one below it, are internal.
    #[serde(default)]
    pub internal_domains: BTreeSet<String>,
    /// Members with such a role are internal; compared without case.
    #[serde(default)]
    pub internal_roles: BTreeSet<String>,
    /// Free-mail domains besides those of the list that is shipped.
    #[serde(default)]
    pub free_mail_added: BTreeSet<String>,
    /// Domains of the list that is shipped which are none here.
    #[serde(default)]
    pub free_mail_removed: BTreeSet<String>,
    /// Legal forms besides those of the list that is shipped.
    #[serde(default)]
    pub legal_forms_added: BTreeSet<String>,
    #[serde(default)]
    pub default_countries: DefaultCountries,
    /// Which members have left their company, and count no more.
    #[serde(default)]
    pub leavers: LeaverRule,
}

/// Why a rule set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRuleSet {
    #[error("the list has {0} rules, but at most {RULES_MAX} are possible; take some out")]
    TooManyRules(usize),
    #[error(
        "the rule id \"{0}\" is not possible; give 1 to {RULE_ID_MAX_CHARS} small letters, digits and -, as in email-to-person"
    )]
    RuleId(String),
    #[error("two rules have the id \"{0}\"; give each its own")]
    RuleIdTwice(String),
    #[error("the rule \"{0}\" has no condition; give at least one")]
    NoCondition(String),
    #[error("the rule \"{rule}\" has {count} conditions, but at most {CONDITIONS_MAX} are possible")]
    TooManyConditions { rule: String, count: usize },
    #[error(
        "the rule \"{rule}\" compares {field} with {with}, which cannot be equal; {field} can be compared with {possible}"
    )]
    CannotCompare {
        rule: String,
        field: &'static str,
        with: &'static str,
        possible: String,
    },
    #[error("the rule \"{rule}\" compares {with} by an operator that is for names only; use exact")]
    Operator { rule: String, with: &'static str },
    #[error(
        "the rule \"{0}\" names a person, but no condition speaks of one; add one, or let it name a company"
    )]
    NoPersonCondition(String),
    #[error("the rule \"{0}\" names a company, but a condition speaks of a person; let it name a person")]
    PersonCondition(String),
}

impl RuleSet {
    /// The set that a new installation has.
    pub fn shipped() -> Self {
        let rule = |id: &str, names, field, operator, compared_with| Rule {
            id: id.to_owned(),
            names,
            conditions: vec![Condition {
                field,
                operator,
                compared_with,
            }],
            when_ambiguous: WhenAmbiguous::Stop,
            active: true,
        };
        let full_name = Rule {
            active: false,
            ..rule(
                "full-name-to-person",
                Target::Person,
                Field::FullName,
                Operator::Exact,
                Attribute::PersonFullName,
            )
        };
        Self {
            rules: vec![
                rule(
                    "email-to-person",
                    Target::Person,
                    Field::Email,
                    Operator::Exact,
                    Attribute::PersonEmail,
                ),
                rule(
                    "email-domain-to-company",
                    Target::Company,
                    Field::EmailDomain,
                    Operator::Exact,
                    Attribute::CompanyDomain,
                ),
                rule(
                    "email-domain-label-to-company-name",
                    Target::Company,
                    Field::EmailDomainLabel,
                    Operator::WithoutLegalForm,
                    Attribute::CompanyName,
                ),
                rule(
                    "phone-to-person",
                    Target::Person,
                    Field::Phone,
                    Operator::Exact,
                    Attribute::PersonPhone,
                ),
                full_name,
            ],
            ..Self::default()
        }
    }

    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The rules that are tried, with their place in the list, from 1.
    pub fn active(&self) -> impl Iterator<Item = (usize, &Rule)> {
        (1..).zip(&self.rules).filter(|(_, rule)| rule.active)
    }

    /// Whether a rule that is on compares a field.
    pub fn compares(&self, field: Field) -> bool {
        self.active()
            .any(|(_, rule)| rule.conditions.iter().any(|condition| condition.field == field))
    }

    /// Says what cannot be used. Rules that are off are held to the same, so that they can be switched on.
    pub fn check(&self) -> Result<(), InvalidRuleSet> {
        if self.rules.len() > RULES_MAX {
            return Err(InvalidRuleSet::TooManyRules(self.rules.len()));
        }
        let mut ids = BTreeSet::new();
        for rule in &self.rules {
            check_id(&rule.id)?;
            if !ids.insert(&rule.id) {
                return Err(InvalidRuleSet::RuleIdTwice(rule.id.clone()));
            }
            check_rule(rule)?;
        }
        Ok(())
    }
}

fn check_id(id: &str) -> Result<(), InvalidRuleSet> {
    let possible = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if id.is_empty() || id.len() > RULE_ID_MAX_CHARS || !id.bytes().all(possible) {
        return Err(InvalidRuleSet::RuleId(id.to_owned()));
    }
    Ok(())
}

fn check_rule(rule: &Rule) -> Result<(), InvalidRuleSet> {
    let id = || rule.id.clone();
    if rule.conditions.is_empty() {
        return Err(InvalidRuleSet::NoCondition(id()));
    }
    if rule.conditions.len() > CONDITIONS_MAX {
        return Err(InvalidRuleSet::TooManyConditions {
            rule: id(),
            count: rule.conditions.len(),
        });
    }
    for condition in &rule.conditions {
        check_condition(rule, *condition)?;
    }
    let speaks_of_person = rule
        .conditions
        .iter()
        .any(|condition| condition.compared_with.target() == Target::Person);
    match rule.names {
        Target::Person if !speaks_of_person => Err(InvalidRuleSet::NoPersonCondition(id())),
        Target::Company if speaks_of_person => Err(InvalidRuleSet::PersonCondition(id())),
        Target::Person | Target::Company => Ok(()),
    }
}

fn check_condition(rule: &Rule, condition: Condition) -> Result<(), InvalidRuleSet> {
    let (field, with) = (condition.field, condition.compared_with);
    if !field.attributes().contains(&with) {
        let possible: Vec<_> = field.attributes().iter().map(|a| a.label()).collect();
        return Err(InvalidRuleSet::CannotCompare {
            rule: rule.id.clone(),
            field: field.label(),
            with: with.label(),
            possible: possible.join(" or "),
        });
    }
    if !condition.operator.compares(with) {
        return Err(InvalidRuleSet::Operator {
            rule: rule.id.clone(),
            with: with.label(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_set_is_the_promised_one() {
        let set = RuleSet::shipped();
        assert_eq!(set.check(), Ok(()));
        let sentences: Vec<_> = set.rules.iter().map(ToString::to_string).collect();
        assert_eq!(
            sentences,
            [
                "Email is exactly a person's email",
                "Email domain is one of a company's domains",
                "Email domain's name equals, without legal forms, a company's name",
                "Phone is exactly a person's phone",
                "Full name equals a person's full name",
            ]
        );
        assert!(set.rules[..4].iter().all(|rule| rule.active));
        assert!(!set.rules[4].active);
    }

    #[test]
    fn a_rule_set_is_written_and_read_back() {
        let set = RuleSet::shipped();
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<RuleSet>(&text).unwrap(), set);
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let broken = |change: fn(&mut RuleSet)| {
            let mut set = RuleSet::shipped();
            change(&mut set);
            set.check()
        };
        let id = |index: usize| RuleSet::shipped().rules[index].id.clone();
        assert_eq!(
            broken(|set| set.rules[0].id = "E-mail".into()),
            Err(InvalidRuleSet::RuleId("E-mail".into()))
        );
        assert_eq!(
            broken(|set| set.rules[1].id = "email-to-person".into()),
            Err(InvalidRuleSet::RuleIdTwice(id(0)))
        );
        assert_eq!(
            broken(|set| set.rules[4].conditions.clear()),
            Err(InvalidRuleSet::NoCondition(id(4)))
        );
        assert_eq!(
            broken(|set| set.rules[1].names = Target::Person),
            Err(InvalidRuleSet::NoPersonCondition(id(1)))
        );
        assert_eq!(
            broken(|set| set.rules[0].names = Target::Company),
            Err(InvalidRuleSet::PersonCondition(id(0)))
        );
        assert!(matches!(
            broken(|set| set.rules[0].conditions[0].operator = Operator::WithoutLegalForm),
            Err(InvalidRuleSet::Operator { .. })
        ));
        assert!(matches!(
            broken(|set| set.rules[0].conditions[0].compared_with = Attribute::PersonPhone),
            Err(InvalidRuleSet::CannotCompare { .. })
        ));
        assert_eq!(
            broken(|set| set.rules = vec![set.rules[0].clone(); 51]),
            Err(InvalidRuleSet::TooManyRules(51))
        );
        assert!(matches!(
            broken(|set| set.rules[0].conditions = vec![set.rules[0].conditions[0]; 7]),
            Err(InvalidRuleSet::TooManyConditions { count: 7, .. })
        ));
    }
}
