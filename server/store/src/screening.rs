//! Keeping erased persons out of what is written, the same for every store: who a page is about, and what is left of it
//! without those who were erased.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use chrono::{DateTime, Utc};
use domain::{
    ConnectionId,
    record::{Record, User},
    unification::Person,
};

use crate::{
    ImportedActivity, PageCommit, PersonHash, Salt, Traces,
    erasure::{member_of, normal_email, redact, unlink},
};

/// Everyone that something is about, by their hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    pub members: BTreeSet<PersonHash>,
    pub emails: BTreeSet<PersonHash>,
}

impl Subjects {
    pub fn of_page(salt: &Salt, page: &PageCommit) -> Self {
        let mut subjects = Self::default();
        for row in &page.rows {
            subjects.add_record(salt, page.connection_id, &row.record);
        }
        for record in &page.invalid {
            subjects.add_traces(salt, page.connection_id, &Traces::of_invalid(record));
        }
        subjects
    }

    pub fn of_import(salt: &Salt, connection: ConnectionId, rows: &[ImportedActivity]) -> Self {
        let members = rows.iter().filter_map(|row| row.activity.user_id.as_deref());
        Self {
            members: members.map(|id| salt.of_member(connection, id)).collect(),
            emails: BTreeSet::new(),
        }
    }

    pub fn of_persons(salt: &Salt, persons: &[Person]) -> Self {
        Self::of_emails(salt, persons.iter().filter_map(|person| person.email.as_deref()))
    }

    pub fn of_emails<'e>(salt: &Salt, emails: impl Iterator<Item = &'e str>) -> Self {
        Self {
            members: BTreeSet::new(),
            emails: emails
                .filter_map(normal_email)
                .map(|email| salt.of_email(&email))
                .collect(),
        }
    }

    fn add_record(&mut self, salt: &Salt, connection: ConnectionId, record: &Record) {
        if let Some(id) = member_of(record) {
            self.members.insert(salt.of_member(connection, id));
        }
        let email = as_user(record).and_then(|user| user.email.as_deref());
        if let Some(email) = email.and_then(normal_email) {
            self.emails.insert(salt.of_email(&email));
        }
    }

    fn add_traces(&mut self, salt: &Salt, connection: ConnectionId, traces: &Traces) {
        let members = traces.member_ids.iter();
        self.members
            .extend(members.map(|id| salt.of_member(connection, id)));
        self.emails
            .extend(traces.emails.iter().map(|email| salt.of_email(email)));
    }
}

/// Those of them who were erased, and addresses with the time of their last erasure.
#[derive(Clone, Debug, Default)]
pub struct ErasedSubjects {
    pub members: HashSet<PersonHash>,
    pub emails: HashMap<PersonHash, DateTime<Utc>>,
}

/// A page as it may be written.
#[derive(Debug)]
pub struct Screened<'p> {
    pub page: Cow<'p, PageCommit>,
    /// Members who are kept out, repeated ones left out: the ledger counts them as unchanged.
    pub kept_out: u64,
    /// All who are kept out, to be remembered: the provider may serve them with another address next time.
    pub met: Vec<PersonHash>,
}

impl<'p> Screened<'p> {
    pub fn whole(page: &'p PageCommit) -> Self {
        Self {
            page: Cow::Borrowed(page),
            kept_out: 0,
            met: Vec::new(),
        }
    }
}

impl ErasedSubjects {
    fn is_nobody(&self) -> bool {
        self.members.is_empty() && self.emails.is_empty()
    }

    pub fn screen<'p>(&self, salt: &Salt, page: &'p PageCommit) -> Screened<'p> {
        if self.is_nobody() {
            return Screened::whole(page);
        }
        let connection = page.connection_id;
        let (mut page, mut kept_out, mut met) = (page.clone(), 0, Vec::new());
        page.rows.retain_mut(|row| {
            if let Some(user) = as_user(&row.record) {
                let out = self.keeps_out(salt, connection, user);
                if out {
                    kept_out += u64::from(!row.repeated);
                    met.push(salt.of_member(connection, &user.community_user_id));
                }
                return !out;
            }
            if member_of(&row.record).is_some_and(|id| self.has_member(salt, connection, id)) {
                unlink(&mut row.record);
                row.hash = salt.of_content(row.hash);
            }
            true
        });
        for record in &mut page.invalid {
            if self.is_in(salt, connection, &Traces::of_invalid(record)) {
                redact(record);
            }
        }
        Screened {
            page: Cow::Owned(page),
            kept_out,
            met,
        }
    }

    pub fn screen_import<'r>(
        &self,
        salt: &Salt,
        connection: ConnectionId,
        rows: &'r [ImportedActivity],
    ) -> Cow<'r, [ImportedActivity]> {
        if self.is_nobody() {
            return Cow::Borrowed(rows);
        }
        let mut rows = rows.to_vec();
        for row in &mut rows {
            let of_erased = |id: &String| self.has_member(salt, connection, id);
            if row.activity.user_id.as_ref().is_some_and(of_erased) {
                row.activity.user_id = None;
                row.hash = salt.of_content(row.hash);
            }
        }
        Cow::Owned(rows)
    }

    /// Persons of files have no time at which they joined, so whoever was erased stays out.
    pub fn screen_persons<'r>(&self, salt: &Salt, persons: &'r [Person]) -> Cow<'r, [Person]> {
        if self.is_nobody() {
            return Cow::Borrowed(persons);
        }
        let erased = |person: &&Person| {
            person
                .email
                .as_deref()
                .is_some_and(|email| self.has_email(salt, email))
        };
        Cow::Owned(persons.iter().filter(|person| !erased(person)).cloned().collect())
    }

    pub fn has_email(&self, salt: &Salt, email: &str) -> bool {
        normal_email(email).is_some_and(|email| self.emails.contains_key(&salt.of_email(&email)))
    }

    fn has_member(&self, salt: &Salt, connection: ConnectionId, id: &str) -> bool {
        !self.members.is_empty() && self.members.contains(&salt.of_member(connection, id))
    }

    /// Whoever joined with the address after it was erased has come back of their own will.
    fn keeps_out(&self, salt: &Salt, connection: ConnectionId, user: &User) -> bool {
        let erased_at = || {
            let email = normal_email(user.email.as_deref()?)?;
            self.emails.get(&salt.of_email(&email))
        };
        self.has_member(salt, connection, &user.community_user_id)
            || erased_at().is_some_and(|erased_at| user.joined_at <= *erased_at)
    }

    /// A record that cannot be stored does not tell when its member joined, so the address alone decides.
    fn is_in(&self, salt: &Salt, connection: ConnectionId, traces: &Traces) -> bool {
        let erased = |email: &String| self.emails.contains_key(&salt.of_email(email));
        traces.emails.iter().any(erased)
            || traces
                .member_ids
                .iter()
                .any(|id| self.has_member(salt, connection, id))
    }
}

fn as_user(record: &Record) -> Option<&User> {
    match record {
        Record::User(user) => Some(user),
        _ => None,
    }
}
