use serde::{Deserialize, Serialize};

/// A company of the customer-success database, as it was imported. Its external id is its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    pub external_id: String,
    pub name: String,
    /// As they were given; compared as A-labels (`unification::normalise::domain`).
    pub domains: Vec<String>,
    /// The company that this one's figures roll up to.
    pub parent_external_id: Option<String>,
}

/// A person of the customer-success database, as it was imported. Its external id is its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub external_id: String,
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub phone: Option<String>,
    /// `None` for a person without a company.
    pub company_external_id: Option<String>,
    /// An inactive person is no candidate.
    pub active: bool,
}

/// A company or person that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed<P> {
    /// `None` for one that is new.
    pub before: Option<P>,
    /// `None` for one that is gone.
    pub after: Option<P>,
}

/// What has changed of companies and persons. Persons whose company is new, or gone, are among them: what is known of them is
/// the same, but it leads elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartyChanges {
    pub companies: Vec<Changed<Company>>,
    pub persons: Vec<Changed<Person>>,
}

impl Changed<Company> {
    pub fn external_id(&self) -> &str {
        let one = self.after.as_ref().or(self.before.as_ref());
        one.map_or("", |company| &company.external_id)
    }
}

impl Changed<Person> {
    pub fn external_id(&self) -> &str {
        let one = self.after.as_ref().or(self.before.as_ref());
        one.map_or("", |person| &person.external_id)
    }
}

impl PartyChanges {
    pub fn len(&self) -> usize {
        self.companies.len() + self.persons.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn person_ids(&self) -> Vec<&str> {
        self.persons.iter().map(Changed::<Person>::external_id).collect()
    }
}

/// What of a member rules compare: a view of the stored record, together with its tenant, whose default country its phone
/// number is read with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub tenant_id: String,
    pub community_user_id: String,
    pub username: String,
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub phone: Option<String>,
    /// The company that the member typed.
    pub company_custom: Option<String>,
    pub sso_id: Option<String>,
    pub roles: Vec<String>,
}

impl AsRef<Self> for Member {
    fn as_ref(&self) -> &Self {
        self
    }
}
