use domain::unification::{Attribute, Condition, Field, Member, Operator};

use crate::{
    normalise::{self, FullName, Name},
    rulebook::Rulebook,
};

/// A member's value as a condition looks it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Missing,
    /// There is something, but nothing that could be compared.
    Unreadable,
    /// The domain is a free-mail provider's.
    FreeMail(String),
    /// Tried one after the other; the first that anybody has is compared.
    FirstOf(Vec<String>),
    /// All of them are compared.
    AnyOf(Vec<String>),
}

/// A member with what several rules ask of their e-mail.
#[derive(Debug)]
pub(crate) struct View<'a> {
    rulebook: &'a Rulebook,
    pub(crate) member: &'a Member,
    email: Option<String>,
    pub(crate) is_free_mail: bool,
}

impl<'a> View<'a> {
    pub(crate) fn new(rulebook: &'a Rulebook, member: &'a Member) -> Self {
        let email = member.email.as_deref().and_then(normalise::email);
        let mut view = Self {
            rulebook,
            member,
            email,
            is_free_mail: false,
        };
        view.is_free_mail = view.domain().is_some_and(|domain| rulebook.is_free_mail(domain));
        view
    }

    /// The e-mail's domain, normalised.
    pub(crate) fn domain(&self) -> Option<&str> {
        let (_, domain) = self.email.as_deref()?.rsplit_once('@')?;
        Some(domain)
    }

    /// As the member has it, for people to read.
    pub(crate) fn given(&self, field: Field) -> Option<String> {
        let text = match field {
            Field::Email | Field::EmailDomain | Field::EmailDomainLabel => self.member.email.clone(),
            Field::Phone => self.member.phone.clone(),
            Field::FullName => {
                let names = [&self.member.first_name, &self.member.last_name];
                let names: Vec<_> = names.into_iter().flatten().map(String::as_str).collect();
                Some(names.join(" "))
            }
            Field::Username => Some(self.member.username.clone()),
            Field::SelfDeclaredCompany => self.member.company_custom.clone(),
            Field::SsoId => self.member.sso_id.clone(),
            Field::ExternalId => Some(self.member.community_user_id.clone()),
        };
        text.filter(|text| !text.trim().is_empty())
    }

    /// In the form in which a condition compares it.
    pub(crate) fn value(&self, condition: Condition) -> Value {
        if condition.field == Field::FullName {
            let Member {
                first_name,
                last_name,
                ..
            } = self.member;
            return match FullName::new(first_name.as_deref(), last_name.as_deref()) {
                Some(name) => Value::AnyOf(name.orders()),
                // One name alone is no full name: there is nothing to be read differently.
                None => Value::Missing,
            };
        }
        if condition.field.is_of_domain() || condition.field == Field::Email {
            return self.value_of_email(condition);
        }
        let Some(given) = self.given(condition.field) else {
            return Value::Missing;
        };
        let value = match condition.compared_with {
            Attribute::PersonEmail => normalise::email(&given),
            Attribute::PersonPhone => {
                let country = self.rulebook.country_of_tenant(&self.member.tenant_id);
                normalise::e164(&given, country)
            }
            Attribute::PersonFullName => {
                let name = FullName::new(Some(&given), None);
                return name.map_or(Value::Unreadable, |name| Value::AnyOf(name.orders()));
            }
            Attribute::CompanyName => self.name(&given, condition.operator),
            Attribute::CompanyDomain => normalise::company_domain(&given),
            Attribute::PersonExternalId | Attribute::CompanyExternalId => Some(given.trim().to_owned()),
        };
        value.map_or(Value::Unreadable, |value| Value::AnyOf(vec![value]))
    }

    fn value_of_email(&self, condition: Condition) -> Value {
        if self.given(Field::Email).is_none() {
            return Value::Missing;
        }
        let (Some(email), Some(domain)) = (&self.email, self.domain()) else {
            return Value::Unreadable;
        };
        if condition.field == Field::Email {
            return Value::AnyOf(vec![email.clone()]);
        }
        if self.is_free_mail {
            return Value::FreeMail(domain.to_owned());
        }
        if condition.field == Field::EmailDomain {
            return Value::FirstOf(normalise::domain_and_parents(domain).map(str::to_owned).collect());
        }
        let label = normalise::registrable_label(domain);
        let name = label.and_then(|label| self.name(&label, condition.operator));
        name.map_or(Value::Unreadable, |name| Value::AnyOf(vec![name]))
    }

    fn name(&self, text: &str, operator: Operator) -> Option<String> {
        let mut name = Name::new(text);
        if operator != Operator::Exact {
            self.rulebook.lists().legal_forms().drop_from(&mut name);
        }
        (!name.is_empty()).then(|| name.joined())
    }
}
