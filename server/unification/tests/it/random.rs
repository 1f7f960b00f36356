//! A world from a seed, of so few values that they meet everywhere: every outcome occurs.

use domain::unification::{
    Attribute, Company, Condition, Field, Member, Operator, Person, Rule, RuleSet, Target, WhenAmbiguous,
};

const DOMAINS: [&str; 12] = [
    "halden.example",
    "uk.halden.example",
    "HALDEN.example",
    "kestrel.co.uk",
    "mail.kestrel.co.uk",
    "müller.example",
    "xn--mller-kva.example",
    "twin.example",
    "gmail.com",
    "ours.example",
    "nobody.example",
    "acme.github.io",
];
const COMPANY_NAMES: [&str; 10] = [
    "Halden",
    "HALDEN GmbH & Co. KG",
    "Haldan Inc.",
    "Kestrel-Haul Ltd",
    "kestrel haul",
    "Müller AG",
    "Muller",
    "Acme",
    "株式会社山田",
    "!!!",
];
const FIRST_NAMES: [&str; 6] = ["Ann", "ANN", "Zoë", "Zoe", "Jean-Pierre", "Lee"];
const LAST_NAMES: [&str; 5] = ["Lee", "Ann", "Müller", "MULLER", "O'Brien"];
const PHONES: [&str; 7] = [
    "+49 30 1234567",
    "030 1234567",
    "0049 30 1234567",
    "+1 212 555 0100",
    "(212) 555-0100",
    "none",
    "12",
];
const TENANTS: [&str; 3] = ["customer-de", "customer-us", "customer-xx"];
const COMPANIES: usize = 40;
const PERSONS: usize = 120;

/// The same numbers for the same seed (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("below a usize")
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// One of them, or nothing.
    fn some(&mut self, all: &[&str]) -> Option<String> {
        (!self.one_in(4)).then(|| self.pick(all).to_owned())
    }

    fn email(&mut self) -> Option<String> {
        if self.one_in(8) {
            return Some(self.pick(&["", "none", "a@@b", " "]).to_owned());
        }
        let local = self.pick(&["ann", "Ann", "zoe", "zoë", "pool", "ann+news"]);
        (!self.one_in(8)).then(|| format!("{local}{}@{}", self.below(9), self.pick(&DOMAINS)))
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }

    /// A few are gone, and a few as in the other list.
    pub(crate) fn altered<P: Clone>(&mut self, all: &[P], other: &[P]) -> Vec<P> {
        let mut altered = Vec::new();
        for (one, other) in all.iter().zip(other) {
            match self.below(60) {
                0 => {}
                1 | 2 => altered.push(other.clone()),
                _ => altered.push(one.clone()),
            }
        }
        altered
    }

    pub(crate) fn companies(&mut self) -> Vec<Company> {
        let company = |id| Company {
            external_id: format!("c{id}"),
            name: self.pick(&COMPANY_NAMES).to_owned(),
            domains: (0..self.below(3))
                .map(|_| self.pick(&DOMAINS).to_owned())
                .collect(),
            parent_external_id: None,
        };
        (0..COMPANIES).map(company).collect()
    }

    pub(crate) fn persons(&mut self) -> Vec<Person> {
        let person = |id| Person {
            external_id: format!("p{id}"),
            email: self.email(),
            first_name: self.some(&FIRST_NAMES),
            last_name: self.some(&LAST_NAMES),
            phone: self.some(&PHONES),
            // Some companies were never imported.
            company_external_id: (!self.one_in(3)).then(|| format!("c{}", self.below(COMPANIES + 2))),
            active: !self.one_in(6),
        };
        (0..PERSONS).map(person).collect()
    }

    pub(crate) fn members(&mut self, count: usize) -> Vec<Member> {
        let member = |id: usize| Member {
            tenant_id: self.pick(&TENANTS).to_owned(),
            community_user_id: id.to_string(),
            username: self.email().unwrap_or_default(),
            email: self.email(),
            first_name: self.some(&FIRST_NAMES),
            last_name: self.some(&LAST_NAMES),
            phone: self.some(&PHONES),
            company_custom: self.some(&COMPANY_NAMES),
            sso_id: self.one_in(9).then(|| format!("p{}", self.below(2 * PERSONS))),
            roles: self.one_in(40).then(|| "staff".to_owned()).into_iter().collect(),
        };
        (0..count).map(member).collect()
    }

    /// Each rule on or off, stopping or going on, in any order; with lists that reach some of the domains or none.
    pub(crate) fn rule_set(&mut self) -> RuleSet {
        let mut set = RuleSet::shipped();
        set.rules.extend(more_rules());
        for rule in &mut set.rules {
            rule.active = !self.one_in(3);
            if self.one_in(3) {
                rule.when_ambiguous = WhenAmbiguous::GoOn;
            }
        }
        self.shuffle(&mut set.rules);
        if !self.one_in(4) {
            set.internal_domains.insert("ours.example".to_owned());
            set.internal_roles.insert("Staff".to_owned());
        }
        if self.one_in(3) {
            set.free_mail_added.insert("twin.example".to_owned());
        }
        if self.one_in(3) {
            set.free_mail_removed.insert("gmail.com".to_owned());
        }
        set.default_countries.persons = self.one_in(2).then(|| "DE".parse().expect("a country"));
        for (tenant, country) in [("customer-de", "DE"), ("customer-us", "US")] {
            let country = country.parse().expect("a country");
            set.default_countries
                .connections
                .insert(tenant.to_owned(), country);
        }
        set
    }
}

fn more_rules() -> [Rule; 6] {
    let rule = |id: &str, names, conditions: &[(Field, Operator, Attribute)]| Rule {
        id: id.to_owned(),
        names,
        conditions: conditions
            .iter()
            .map(|&(field, operator, compared_with)| Condition {
                field,
                operator,
                compared_with,
            })
            .collect(),
        when_ambiguous: WhenAmbiguous::Stop,
        active: true,
    };
    let fuzzy = Operator::Fuzzy(80.try_into().expect("a threshold"));
    let (typed, name) = (Field::SelfDeclaredCompany, Attribute::CompanyName);
    let full_name = (Field::FullName, Operator::Exact, Attribute::PersonFullName);
    let domain = (Field::EmailDomain, Operator::Exact, Attribute::CompanyDomain);
    let bare = (typed, Operator::WithoutLegalForm, name);
    [
        rule("typed", Target::Company, &[bare]),
        rule("typed-fuzzy", Target::Company, &[(typed, fuzzy, name)]),
        rule("typed-at-domain", Target::Company, &[bare, domain]),
        rule("name-at-domain", Target::Person, &[full_name, domain]),
        rule(
            "username",
            Target::Person,
            &[(Field::Username, Operator::Exact, Attribute::PersonEmail)],
        ),
        rule(
            "sso",
            Target::Person,
            &[(Field::SsoId, Operator::Exact, Attribute::PersonExternalId)],
        ),
    ]
}
