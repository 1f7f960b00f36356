use std::sync::LazyLock;

use domain::unification::{Company, Member, Person, RuleSet};
use unification::{Lists, Matcher, Threads};

pub(crate) fn company(id: &str, name: &str, domains: &[&str]) -> Company {
    Company {
        external_id: id.to_owned(),
        name: name.to_owned(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        parent_external_id: None,
    }
}

/// An active person with an address.
pub(crate) fn person(id: &str, email: &str, company: Option<&str>) -> Person {
    Person {
        external_id: id.to_owned(),
        email: Some(email.to_owned()),
        company_external_id: company.map(str::to_owned),
        active: true,
        ..Person::default()
    }
}

pub(crate) fn member(email: &str) -> Member {
    Member {
        tenant_id: "customer-de".to_owned(),
        community_user_id: "1".to_owned(),
        username: "someone".to_owned(),
        email: Some(email.to_owned()).filter(|email| !email.is_empty()),
        ..Member::default()
    }
}

/// Read once: it is long.
pub(crate) static LISTS: LazyLock<Lists> = LazyLock::new(Lists::shipped);

pub(crate) fn matcher(set: RuleSet, companies: &[Company], persons: &[Person]) -> Matcher {
    let mut builder = Matcher::builder(set, &LISTS).expect("the rules can be used");
    builder.companies(companies, Threads::MIN).expect("ids fit");
    builder.persons(persons, Threads::MIN).expect("ids fit");
    builder.finish().expect("ids are unique")
}
