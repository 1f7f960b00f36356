//! Companies and persons as CSV with a header.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead},
};

use domain::unification::{Company, Person};
use serde_json::Value;
use unification::normalise;

use super::header::{ColumnNames, FileError, Numbered, Table, quoted, text};

pub(crate) const COMPANY_COLUMNS: [&str; 4] = ["external_id", "name", "domains", "parent_external_id"];
pub(crate) const PERSON_COLUMNS: [&str; 7] = [
    "external_id",
    "email",
    "first_name",
    "last_name",
    "phone",
    "company_external_id",
    "active",
];

/// What separates the domains of a company.
const LIST_SEPARATOR: char = ';';

/// Domains of one company: more are those of a list that was put into the wrong column.
const DOMAINS_MAX: usize = 200;

/// What rows of a file become.
pub(crate) trait Party: Sized + Send + Sync {
    const COLUMNS: &'static [&'static str];

    fn read(cells: &[String]) -> Result<Self, String>;
    fn external_id(&self) -> &str;
}

impl Party for Company {
    const COLUMNS: &'static [&'static str] = &COMPANY_COLUMNS;

    fn read(cells: &[String]) -> Result<Self, String> {
        let cell = |column: usize| cell(cells, &COMPANY_COLUMNS, column);
        Ok(Self {
            external_id: cell(0)?.ok_or("external_id is missing")?,
            name: cell(1)?.ok_or("name is missing")?,
            domains: domains(cells.get(2).map_or("", String::as_str))?,
            parent_external_id: cell(3)?,
        })
    }

    fn external_id(&self) -> &str {
        &self.external_id
    }
}

impl Party for Person {
    const COLUMNS: &'static [&'static str] = &PERSON_COLUMNS;

    fn read(cells: &[String]) -> Result<Self, String> {
        let cell = |column: usize| cell(cells, &PERSON_COLUMNS, column);
        Ok(Self {
            external_id: cell(0)?.ok_or("external_id is missing")?,
            email: cell(1)?,
            first_name: cell(2)?,
            last_name: cell(3)?,
            phone: cell(4)?,
            company_external_id: cell(5)?,
            active: flag(cells.get(6).map_or("", String::as_str))?,
        })
    }

    fn external_id(&self) -> &str {
        &self.external_id
    }
}

fn cell(cells: &[String], names: &[&str], column: usize) -> Result<Option<String>, String> {
    text(names[column], cells.get(column).map_or("", String::as_str))
}

/// A list of domains, as they were given; each once.
fn domains(given: &str) -> Result<Vec<String>, String> {
    let mut domains: Vec<String> = Vec::new();
    for part in given.split(LIST_SEPARATOR) {
        let Some(domain) = text("domains", part)? else {
            continue;
        };
        if normalise::company_domain(&domain).is_none() {
            return Err(format!(
                "domains has {:?}, which is no domain; write it as in acme.example;acme.co.uk",
                quoted(&domain)
            ));
        }
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    if domains.len() > DOMAINS_MAX {
        return Err(format!("domains has more than {DOMAINS_MAX} of them"));
    }
    Ok(domains)
}

/// Who is not said to be inactive is active.
fn flag(given: &str) -> Result<bool, String> {
    match given.trim().to_lowercase().as_str() {
        "" | "true" | "yes" | "y" | "1" | "active" => Ok(true),
        "false" | "no" | "n" | "0" | "inactive" => Ok(false),
        _ => Err(format!(
            "active {:?} is neither true nor false",
            quoted(given.trim())
        )),
    }
}

/// The rows of a file.
#[derive(Debug)]
pub(crate) struct PartyFile<R> {
    table: Table<R>,
}

impl<R: BufRead> PartyFile<R> {
    pub(crate) fn open<P: Party>(reader: R, names: &ColumnNames) -> Result<Self, FileError> {
        Ok(Self {
            table: Table::open(reader, P::COLUMNS, names)?,
        })
    }

    /// Columns of the file that are not read.
    pub(crate) fn ignored(&self) -> &[String] {
        &self.table.header.ignored
    }
}

/// Where rows come from.
pub(crate) trait Rows: Send {
    /// The next row with its number, or why it is none.
    fn next<P: Party>(&mut self) -> io::Result<Option<Numbered<P>>>;
}

impl<R: BufRead + Send> Rows for PartyFile<R> {
    fn next<P: Party>(&mut self) -> io::Result<Option<Numbered<P>>> {
        let row = self.table.next()?;
        Ok(row.map(|(number, cells)| (number, cells.and_then(|cells| P::read(&cells)))))
    }
}

/// Objects whose members are called as the columns of a file are. A list is one of texts, `true` and `1` are as good as text, and
/// what is `null` is empty.
#[derive(Debug)]
pub(crate) struct JsonRows {
    rows: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

impl JsonRows {
    pub(crate) fn new(rows: Vec<Value>) -> Self {
        Self {
            rows: rows.into_iter().enumerate(),
        }
    }
}

impl Rows for JsonRows {
    fn next<P: Party>(&mut self) -> io::Result<Option<Numbered<P>>> {
        let row = self.rows.next();
        Ok(row.map(|(place, row)| {
            let cells = json_cells(P::COLUMNS, &row);
            (place as u64 + 1, cells.and_then(|cells| P::read(&cells)))
        }))
    }
}

fn json_cells(columns: &[&str], row: &Value) -> Result<Vec<String>, String> {
    let object = row.as_object().ok_or("it is no object")?;
    let cell = |column: &&str| match object.get(*column) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::Array(parts)) => {
            let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
            parts
                .map(|parts| parts.join(&LIST_SEPARATOR.to_string()))
                .ok_or_else(|| format!("{column} has something that is no text"))
        }
        Some(Value::Object(_)) => Err(format!("{column} is an object, where a text is expected")),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
    };
    columns.iter().map(cell).collect()
}

/// Who is whose parent, so that nobody becomes their own.
#[derive(Debug, Default)]
pub(crate) struct Parents(HashMap<String, String>);

impl Parents {
    pub(crate) fn new(of: HashMap<String, String>) -> Self {
        Self(of)
    }

    /// Takes a company's parent in, unless the company would be among those above itself.
    pub(crate) fn set(&mut self, company: &Company) -> Result<(), String> {
        let Some(parent) = &company.parent_external_id else {
            self.0.remove(&company.external_id);
            return Ok(());
        };
        let mut met = HashSet::new();
        let mut above = Some(parent);
        while let Some(id) = above {
            if *id == company.external_id {
                return Err(format!(
                    "parent_external_id {:?} would make the company its own parent",
                    quoted(parent)
                ));
            }
            // What is stored may go round already; it does so without this company.
            above = if met.insert(id) { self.0.get(id) } else { None };
        }
        self.0.insert(company.external_id.clone(), parent.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn rows<P: Party>(file: &str, names: &[(&str, &str)]) -> Vec<(u64, Result<P, String>)> {
        let names = names
            .iter()
            .map(|(column, name)| ((*column).to_owned(), (*name).to_owned()))
            .collect();
        let mut file = PartyFile::open::<P>(file.as_bytes(), &names).expect("a header");
        let mut rows = Vec::new();
        while let Some(row) = file.next().expect("bytes in memory") {
            rows.push(row);
        }
        rows
    }

    #[test]
    fn companies_are_read_by_the_names_that_the_file_gives_to_columns() {
        let file = "Owner,AccountId,Account Name,domains,parent_external_id\n\
                    jo, C-1 ,\"Halden, Inc.\",halden.example; www.halden.co.uk ;;halden.example,\n\
                    jo,C-2,Kestrel,,C-1\n";
        let read = rows::<Company>(file, &[("external_id", "AccountId"), ("name", "Account Name")]);
        let company = |id: &str, name: &str, domains: &[&str], parent: Option<&str>| Company {
            external_id: id.to_owned(),
            name: name.to_owned(),
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            parent_external_id: parent.map(str::to_owned),
        };
        let first = company(
            "C-1",
            "Halden, Inc.",
            &["halden.example", "www.halden.co.uk"],
            None,
        );
        let second = company("C-2", "Kestrel", &[], Some("C-1"));
        assert_eq!(read, [(2, Ok(first)), (3, Ok(second))]);
    }

    #[test]
    fn what_is_no_company_or_person_is_told_by_number() {
        let file = "external_id,name,domains,parent_external_id\nC-1,One,one.example,\n,Two,,\nC-3,,,\nC-4,Four,no domain,\n";
        let read = rows::<Company>(file, &[]);
        let messages: Vec<_> = read[1..]
            .iter()
            .map(|(number, row)| (*number, row.clone().expect_err("a bad row")))
            .collect();
        assert_eq!(messages[0], (3, "external_id is missing".to_owned()));
        assert_eq!(messages[1], (4, "name is missing".to_owned()));
        assert!(messages[2].1.contains("\"no domain\""), "{}", messages[2].1);
        let file = "external_id,email,first_name,last_name,phone,company_external_id,active\n\
                    P-1,a@b.example,Ann,Lee,,C-1,FALSE\nP-2,,,,,,\nP-3,,,,,,maybe\n";
        let read = rows::<Person>(file, &[]);
        let active: Vec<_> = read
            .iter()
            .map(|(_, row)| row.as_ref().map(|person| person.active).map_err(String::as_str))
            .collect();
        assert_eq!(
            active,
            [
                Ok(false),
                Ok(true),
                Err("active \"maybe\" is neither true nor false")
            ]
        );
    }

    #[test]
    fn objects_are_rows_like_any_other() {
        let rows = serde_json::json!([
            { "external_id": "C-1", "name": "One", "domains": ["one.example", "eins.example"], "colour": 1 },
            { "external_id": 2, "name": "Two", "domains": "two.example", "parent_external_id": null },
            ["C-3"],
            { "external_id": "C-4", "name": "Four", "domains": [4] },
            { "external_id": "C-5", "name": { "en": "Five" } },
        ]);
        let Value::Array(rows) = rows else { return };
        let mut rows = JsonRows::new(rows);
        let mut read = Vec::new();
        while let Some(row) = rows.next::<Company>().expect("values in memory") {
            read.push(row);
        }
        let ids: Vec<_> = read[..2]
            .iter()
            .map(|(_, row)| {
                row.as_ref()
                    .map(|company| (company.external_id.as_str(), company.domains.len()))
            })
            .collect();
        assert_eq!(ids, [Ok(("C-1", 2)), Ok(("2", 1))]);
        let told: Vec<_> = read[2..]
            .iter()
            .map(|(number, row)| (*number, row.clone().expect_err("a bad row")))
            .collect();
        let expected = [
            (3, "it is no object"),
            (4, "domains has something that is no text"),
            (5, "name is an object, where a text is expected"),
        ];
        assert_eq!(told, expected.map(|(number, words)| (number, words.to_owned())));
    }

    #[test]
    fn no_company_becomes_its_own_parent() {
        let company = |id: &str, parent: Option<&str>| Company {
            external_id: id.to_owned(),
            parent_external_id: parent.map(str::to_owned),
            ..Company::default()
        };
        let mut parents = Parents::new(HashMap::from([("b".to_owned(), "a".to_owned())]));
        assert!(parents.set(&company("c", Some("b"))).is_ok());
        assert!(parents.set(&company("a", Some("c"))).is_err());
        assert!(parents.set(&company("d", Some("d"))).is_err());
        assert!(parents.set(&company("b", None)).is_ok());
        assert!(
            parents.set(&company("a", Some("c"))).is_ok(),
            "b is above nobody now"
        );
    }

    proptest! {
        #[test]
        fn no_file_panics(lines in prop::collection::vec("[\\x00-\\x7fä🚀]{0,40}", 0..8), good: bool) {
            let header = if good { "external_id,name,domains,parent_external_id\n" } else { "" };
            let file = format!("{header}{}", lines.join("\n"));
            if let Ok(mut file) = PartyFile::open::<Company>(file.as_bytes(), &BTreeMap::new()) {
                while let Some((_, row)) = file.next::<Company>().expect("bytes in memory") {
                    if let Ok(company) = row {
                        prop_assert!(!company.external_id.is_empty() && !company.name.is_empty());
                    }
                }
            }
        }
    }
}
