use std::collections::HashSet;

use domain::unification::{Country, InvalidRuleSet, RuleSet};
use rlibphonenumber::Region;

use crate::{Lists, normalise};

/// Why a rule set cannot be used: what [`RuleSet::check`] says, or a word of its lists that could match nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableRuleSet {
    #[error(transparent)]
    Rules(#[from] InvalidRuleSet),
    #[error("\"{domain}\" in {list} is not a domain; give one such as mail.example, or take it out")]
    Domain { list: &'static str, domain: String },
    #[error("\"{0}\" in legal_forms_added is not a legal form; give one such as GmbH, or take it out")]
    LegalForm(String),
    #[error("\"{0}\" is not a country with phone numbers; give its two letters, such as DE for Germany")]
    Country(Country),
}

/// A rule set with its lists, in the form in which members are compared.
#[derive(Clone, Debug)]
pub(crate) struct Rulebook {
    set: RuleSet,
    lists: Lists,
    free_mail_added: HashSet<String>,
    free_mail_removed: HashSet<String>,
    internal_domains: HashSet<String>,
    internal_roles: HashSet<String>,
}

impl Rulebook {
    pub(crate) fn new(set: RuleSet, shipped: &Lists) -> Result<Self, UnusableRuleSet> {
        set.check()?;
        let countries = &set.default_countries;
        for country in countries.persons.iter().chain(countries.connections.values()) {
            if Region::from_code(country.as_str()).is_err() {
                return Err(UnusableRuleSet::Country(*country));
            }
        }
        let domains = |list: &'static str, domains: &std::collections::BTreeSet<String>| {
            let normal = |domain: &String| {
                normalise::company_domain(domain).ok_or_else(|| UnusableRuleSet::Domain {
                    list,
                    domain: domain.clone(),
                })
            };
            domains.iter().map(normal).collect::<Result<HashSet<_>, _>>()
        };
        let mut lists = shipped.clone();
        for form in &set.legal_forms_added {
            if !lists.add_legal_form(form) {
                return Err(UnusableRuleSet::LegalForm(form.clone()));
            }
        }
        Ok(Self {
            free_mail_added: domains("free_mail_added", &set.free_mail_added)?,
            free_mail_removed: domains("free_mail_removed", &set.free_mail_removed)?,
            internal_domains: domains("internal_domains", &set.internal_domains)?,
            internal_roles: set.internal_roles.iter().map(|role| fold_role(role)).collect(),
            lists,
            set,
        })
    }

    pub(crate) fn set(&self) -> &RuleSet {
        &self.set
    }

    pub(crate) fn lists(&self) -> &Lists {
        &self.lists
    }

    pub(crate) fn country_of_persons(&self) -> Option<Country> {
        self.set.default_countries.persons
    }

    pub(crate) fn country_of_tenant(&self, tenant_id: &str) -> Option<Country> {
        self.set.default_countries.connections.get(tenant_id).copied()
    }

    /// Whether a normalised domain or one above it is internal.
    pub(crate) fn is_internal_domain(&self, domain: &str) -> bool {
        !self.internal_domains.is_empty()
            && normalise::domain_and_parents(domain).any(|level| self.internal_domains.contains(level))
    }

    pub(crate) fn is_internal_role(&self, role: &str) -> bool {
        !self.internal_roles.is_empty() && self.internal_roles.contains(&fold_role(role))
    }

    /// Whether a normalised domain or one above it is a free-mail provider's. The nearest that is on a list decides, and on
    /// both it is none.
    pub(crate) fn is_free_mail(&self, domain: &str) -> bool {
        normalise::domain_and_parents(domain)
            .find_map(|level| {
                if self.free_mail_removed.contains(level) {
                    return Some(false);
                }
                let is_one = self.free_mail_added.contains(level) || self.lists.is_free_mail(level);
                is_one.then_some(true)
            })
            .unwrap_or(false)
    }
}

fn fold_role(role: &str) -> String {
    role.trim().to_lowercase()
}
