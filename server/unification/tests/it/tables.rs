//! Reads the golden tables: Markdown, so that anybody can read and extend them. `tests/golden/README.md` says how.

use domain::unification::{
    Attribute, Company, Condition, Field, Member, Operator, Person, Rule, RuleSet, Target, WhenAmbiguous,
};

/// The company, and the person of it, that a case brings with it.
const THE_COMPANY: &str = "the company";
const THE_PERSON: &str = "the person";

/// The columns that are a member's.
const OF_MEMBER: [&str; 10] = [
    "Email",
    "First name",
    "Last name",
    "Phone",
    "Username",
    "Typed company",
    "SSO id",
    "Member id",
    "Roles",
    "Tenant",
];
const OF_COMPANY: [&str; 2] = ["Company's name", "Company's domains"];
const OF_PERSON: [&str; 5] = [
    "Person's email",
    "Person's first name",
    "Person's last name",
    "Person's phone",
    "Person's id",
];
const EXPECTED: [&str; 7] = [
    "Status",
    "Company",
    "Person",
    "Decided by",
    "Why not",
    "Candidates",
    "Because",
];

/// One row of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    file: String,
    /// From 1.
    pub(crate) line: usize,
    by_column: Vec<(String, String)>,
}

impl Cells {
    /// What the row has in a column; `None` if its table has no such column.
    pub(crate) fn text(&self, column: &str) -> Option<String> {
        let cell = self.by_column.iter().find(|(name, _)| name == column);
        cell.map(|(_, text)| text.clone())
    }

    fn some(&self, column: &str) -> Option<String> {
        self.text(column).filter(|text| !text.is_empty())
    }

    fn list(&self, column: &str) -> Vec<String> {
        list(&self.text(column).unwrap_or_default())
    }

    fn has_any_of(&self, columns: &[&str]) -> bool {
        columns.iter().any(|column| self.text(column).is_some())
    }

    pub(crate) fn has_own_world(&self) -> bool {
        self.has_any_of(&OF_COMPANY) || self.has_any_of(&OF_PERSON)
    }

    /// The cells that are there, for a message.
    pub(crate) fn given(&self) -> String {
        let known = |name: &str| !EXPECTED.contains(&name);
        let cells = self
            .by_column
            .iter()
            .filter(|(name, text)| known(name) && !text.is_empty());
        let cells: Vec<_> = cells.map(|(name, text)| format!("{name} {text:?}")).collect();
        cells.join(", ")
    }

    pub(crate) fn member(&self) -> Member {
        let or = |column: &str, usual: &str| self.some(column).unwrap_or_else(|| usual.to_owned());
        Member {
            tenant_id: or("Tenant", "customer"),
            community_user_id: or("Member id", "4711"),
            username: or("Username", "somebody"),
            email: self.some("Email"),
            first_name: self.some("First name"),
            last_name: self.some("Last name"),
            phone: self.some("Phone"),
            company_custom: self.some("Typed company"),
            sso_id: self.some("SSO id"),
            roles: self.list("Roles"),
        }
    }

    fn fail(&self, why: &str) -> ! {
        panic!("{}:{}: {why}", self.file, self.line)
    }
}

/// One world and the cases in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    pub(crate) title: String,
    companies: Vec<Cells>,
    persons: Vec<Cells>,
    rules: Vec<Cells>,
    settings: Vec<Cells>,
    cases: Vec<Cells>,
}

impl Section {
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        let mut settings = self.settings.iter().rev();
        let setting = settings.find(|cells| cells.text("Setting").as_deref() == Some(name))?;
        setting.text("Value")
    }

    pub(crate) fn cases(&self) -> Vec<Cells> {
        self.cases.clone()
    }

    /// Those of the section, and the one that the case brings.
    pub(crate) fn companies(&self, case: &Cells) -> Vec<Company> {
        let company = |cells: &Cells| Company {
            external_id: cells.text("Company").unwrap_or_default(),
            name: cells.text("Name").unwrap_or_default(),
            domains: cells.list("Domains"),
            parent_external_id: None,
        };
        let mut companies: Vec<_> = self.companies.iter().map(company).collect();
        if case.has_own_world() {
            companies.push(Company {
                external_id: THE_COMPANY.to_owned(),
                name: case.text("Company's name").unwrap_or_default(),
                domains: case.list("Company's domains"),
                parent_external_id: None,
            });
        }
        companies
    }

    pub(crate) fn persons(&self, case: &Cells) -> Vec<Person> {
        let person = |cells: &Cells| Person {
            external_id: cells.text("Person").unwrap_or_default(),
            email: cells.some("Email"),
            first_name: cells.some("First name"),
            last_name: cells.some("Last name"),
            phone: cells.some("Phone"),
            company_external_id: cells.some("Company"),
            active: cells.text("Active").as_deref() != Some("no"),
        };
        let mut persons: Vec<_> = self.persons.iter().map(person).collect();
        if case.has_any_of(&OF_PERSON) {
            persons.push(Person {
                external_id: case.text("Person's id").unwrap_or_else(|| THE_PERSON.to_owned()),
                email: case.some("Person's email"),
                first_name: case.some("Person's first name"),
                last_name: case.some("Person's last name"),
                phone: case.some("Person's phone"),
                company_external_id: Some(THE_COMPANY.to_owned()),
                active: true,
            });
        }
        persons
    }

    /// The section's own rules if it has some, else those that are shipped; with its settings.
    pub(crate) fn rules(&self) -> RuleSet {
        let mut set = if self.rules.is_empty() {
            RuleSet::shipped()
        } else {
            RuleSet {
                rules: rules(&self.rules),
                ..RuleSet::default()
            }
        };
        for cells in &self.settings {
            let (name, value) = (
                cells.text("Setting").unwrap_or_default(),
                cells.text("Value").unwrap_or_default(),
            );
            let country = || value.parse().unwrap_or_else(|_| cells.fail("no country"));
            match name.as_str() {
                "Switched on" => switch(&mut set, cells, &value, |rule| rule.active = true),
                "Switched off" => switch(&mut set, cells, &value, |rule| rule.active = false),
                "Goes on if ambiguous" => switch(&mut set, cells, &value, |rule| {
                    rule.when_ambiguous = WhenAmbiguous::GoOn;
                }),
                "Internal domains" => set.internal_domains.extend(list(&value)),
                "Internal roles" => set.internal_roles.extend(list(&value)),
                "Free mail added" => set.free_mail_added.extend(list(&value)),
                "Free mail taken out" => set.free_mail_removed.extend(list(&value)),
                "Legal forms added" => set.legal_forms_added.extend(list(&value)),
                "Country of persons" => set.default_countries.persons = Some(country()),
                name if name.contains(" if ") => {}
                name => match name.strip_prefix("Country of ") {
                    Some(tenant) => drop(
                        set.default_countries
                            .connections
                            .insert(tenant.to_owned(), country()),
                    ),
                    None => cells.fail("no such setting"),
                },
            }
        }
        set
    }
}

fn switch(set: &mut RuleSet, cells: &Cells, ids: &str, change: impl Fn(&mut Rule)) {
    for id in list(ids) {
        match set.rules.iter_mut().find(|rule| rule.id == id) {
            Some(rule) => change(rule),
            None => cells.fail("no such rule"),
        }
    }
}

/// Rows with one name are the conditions of one rule.
fn rules(rows: &[Cells]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for cells in rows {
        let id = cells.text("Rule").unwrap_or_default();
        let condition = condition(cells);
        if let Some(rule) = rules.last_mut().filter(|rule| rule.id == id) {
            rule.conditions.push(condition);
            continue;
        }
        rules.push(Rule {
            id,
            names: match cells.text("Names").as_deref() {
                Some("person") => Target::Person,
                Some("company") => Target::Company,
                _ => cells.fail("a rule names a person or a company"),
            },
            conditions: vec![condition],
            when_ambiguous: match cells.text("If ambiguous").as_deref() {
                None | Some("" | "stop") => WhenAmbiguous::Stop,
                Some("go on") => WhenAmbiguous::GoOn,
                Some(_) => cells.fail("a rule stops or goes on"),
            },
            active: true,
        });
    }
    rules
}

fn condition(cells: &Cells) -> Condition {
    let word = |column: &str| cells.text(column).unwrap_or_default();
    let field = Field::ALL
        .into_iter()
        .find(|field| field.label() == word("Field"));
    let with = Attribute::ALL
        .into_iter()
        .find(|attribute| attribute.label() == word("Compared with"));
    let how = word("How");
    let percent = how
        .strip_prefix("fuzzy ")
        .and_then(|percent| percent.parse::<u8>().ok());
    Condition {
        field: field.unwrap_or_else(|| cells.fail("no such field")),
        compared_with: with.unwrap_or_else(|| cells.fail("nothing to compare with")),
        operator: match (how.as_str(), percent.map(TryInto::try_into)) {
            ("exact", _) => Operator::Exact,
            ("without legal form", _) => Operator::WithoutLegalForm,
            (_, Some(Ok(threshold))) => Operator::Fuzzy(threshold),
            _ => cells.fail("no such comparison"),
        },
    }
}

/// The sections of a file. What comes before the first is of all of them.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) sections: Vec<Section>,
}

impl File {
    pub(crate) fn read(name: &str, text: &str) -> Self {
        let mut preamble = Section::default();
        let mut sections: Vec<Section> = Vec::new();
        let mut header: Option<Vec<String>> = None;
        for (line, text) in (1..).zip(text.lines()) {
            if let Some(title) = text.strip_prefix("## ") {
                sections.push(Section {
                    title: title.to_owned(),
                    ..preamble.clone()
                });
            }
            let Some(row) = text.strip_prefix('|') else {
                header = None;
                continue;
            };
            let cells = row.strip_suffix('|').map(cells);
            let cells = cells.unwrap_or_else(|| panic!("{name}:{line}: a row ends with |"));
            let Some(header) = &header else {
                header = Some(cells);
                continue;
            };
            if cells.iter().all(|cell| cell.starts_with("---")) {
                continue;
            }
            assert_eq!(cells.len(), header.len(), "{name}:{line}: cells of {header:?}");
            let row = Cells {
                file: name.to_owned(),
                line,
                by_column: header
                    .iter()
                    .cloned()
                    .zip(cells.iter().map(|cell| spelled_out(cell)))
                    .collect(),
            };
            add(sections.last_mut().unwrap_or(&mut preamble), header, row);
        }
        Self { sections }
    }
}

fn add(section: &mut Section, header: &[String], row: Cells) {
    let rows = match header.first().map(String::as_str) {
        Some("Company") => &mut section.companies,
        Some("Person") => &mut section.persons,
        Some("Rule") => &mut section.rules,
        Some("Setting") => &mut section.settings,
        _ => {
            let known = [&OF_MEMBER[..], &OF_COMPANY, &OF_PERSON, &EXPECTED].concat();
            for column in header {
                if !known.contains(&column.as_str()) {
                    row.fail(&format!("no such column: {column}"));
                }
            }
            &mut section.cases
        }
    };
    rows.push(row);
}

/// The cells of a row without its outer bars. `\|` is a bar in a cell.
fn cells(row: &str) -> Vec<String> {
    let row = row.replace("\\|", "{U+007C}");
    row.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// With the characters that cannot be seen in a table: `{U+200B}`.
fn spelled_out(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, after)) = rest.split_once("{U+") {
        let (code, after) = after.split_once('}').expect("{U+ ends with }");
        let code = u32::from_str_radix(code, 16).expect("a code point");
        text.push_str(before);
        text.push(char::from_u32(code).expect("a character"));
        rest = after;
    }
    text + rest
}

fn list(text: &str) -> Vec<String> {
    let items = text.split(';').map(str::trim).filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}
