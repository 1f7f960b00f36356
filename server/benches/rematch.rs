//! `make bench WHAT=rematch`: how long it takes to foresee what other rules change for every member, and until they have
//! reached them, with reading and writing the members, and in how much memory. All of it is the real binary, on the embedded
//! database; its members come from a simulated provider, and companies and persons are made from them. Prints rows of the
//! table that `.make/bench` begins.

mod common;

use std::{
    collections::HashMap,
    fs::File,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::Value;

use crate::common::{Installation, TENANT, free_address};

const MEMBERS: u32 = 1_000_000;
const COMPANIES: u32 = 100_000;
const PERSONS: u32 = 500_000;

const MATCHED_WITHIN: Duration = Duration::from_secs(30);
const PEAK_MAX_MIB: f64 = 300.0;

#[tokio::main]
async fn main() -> ExitCode {
    let installation = Installation::new("sqlite://tributary.db");
    sync_members(&installation).await;
    import_parties(&installation).await;
    let shipped = shipped_rules(&installation).await;

    let mut rules = shipped["rules"].clone();
    for rule in rules["rules"].as_array_mut().expect("a list of rules") {
        rule["active"] = Value::Bool(true);
    }
    apply(&installation, 1, &rules, "all rules switched on").await;
    apply(&installation, 2, &rules, "nothing changed").await;
    rules["rules"].as_array_mut().expect("a list of rules").swap(0, 1);
    apply(&installation, 3, &rules, "two rules swapped").await;
    ExitCode::SUCCESS
}

async fn sync_members(installation: &Installation) {
    let provider = free_address();
    let tenant = format!("{TENANT}:users={MEMBERS},topics=1,views=1");
    let _provider = installation.start(&["simulate", "--listen", &provider, "--tenant", &tenant]);
    installation.write("secret", "simulated-secret");
    installation.connect(&provider, 1).await;
    installation.run(&["sync", &format!("{TENANT}-1")]).await;
}

/// Every domain is a company's, as far as they go, and every second member with an address is a person of that company.
async fn import_parties(installation: &Installation) {
    let folder = installation.folder.path().to_owned();
    tokio::task::spawn_blocking(move || write_parties(&folder))
        .await
        .expect("no panic");
    installation.run(&["company", "import", "companies.csv"]).await;
    installation.run(&["person", "import", "persons.csv"]).await;
}

fn write_parties(folder: &Path) {
    let database = Connection::open(folder.join("tributary.db")).expect("the database");
    let header = ["external_id", "name", "domains", "parent_external_id"];
    let mut companies = csv_file(&folder.join("companies.csv"), &header);
    let mut domains = database
        .prepare(
            "SELECT DISTINCT lower(substr(email, instr(email, '@') + 1)) FROM community_user
             WHERE email LIKE '%_@_%._%' AND lower(email) NOT GLOB '*[^a-z0-9.@-]*' LIMIT ?1",
        )
        .expect("a statement");
    let found = domains
        .query_map([COMPANIES], |row| row.get::<_, String>(0))
        .expect("domains");
    let mut found = found.map(|domain| domain.expect("a domain"));
    let mut company_of = HashMap::new();
    for number in 0..COMPANIES {
        let domain = found.next().unwrap_or_else(|| format!("firm-{number}.example"));
        company_of.insert(domain.clone(), format!("C-{number}"));
        let row = [
            format!("C-{number}"),
            format!("Firm {number} GmbH & Co. KG"),
            domain,
            String::new(),
        ];
        companies.write_record(&row).expect("written");
    }
    let header = [
        "external_id",
        "email",
        "first_name",
        "last_name",
        "phone",
        "company_external_id",
        "active",
    ];
    let mut persons = csv_file(&folder.join("persons.csv"), &header);
    let mut emails = database
        .prepare("SELECT DISTINCT lower(email) FROM community_user WHERE email LIKE '%_@_%._%' LIMIT ?1")
        .expect("a statement");
    let found = emails
        .query_map([PERSONS], |row| row.get::<_, String>(0))
        .expect("addresses");
    for (number, email) in (0_u32..).zip(found) {
        let (id, email) = (format!("P-{number}"), email.expect("an address"));
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        let company = company_of.get(domain).map_or("", String::as_str);
        let row = [&id, &email, "", "", "", company, "true"];
        persons.write_record(row).expect("written");
    }
}

fn csv_file(path: &Path, header: &[&str]) -> csv::Writer<File> {
    let mut file = csv::Writer::from_path(path).expect("a file");
    file.write_record(header).expect("written");
    file
}

async fn shipped_rules(installation: &Installation) -> Value {
    let printed = installation.ask(&["rules", "show", "--json"]).await;
    serde_json::from_slice(&printed).expect("rules as JSON")
}

async fn apply(installation: &Installation, base: u32, rules: &Value, which: &str) {
    installation.write("rules.json", &rules.to_string());
    let began = Instant::now();
    let mut applying =
        installation.start_telling(&["rules", "apply", "rules.json", "--base", &base.to_string()]);
    // It has foreseen what they change by now, and says that they decide.
    applying.wait_for_word().await;
    let foreseen = began.elapsed().as_secs_f64();
    let peak_mib = applying.wait_for_peak_mib().await;
    let took = began.elapsed().as_secs_f64() - foreseen;
    let goal = MATCHED_WITHIN.as_secs_f64();
    println!(
        "| 1,000,000 stored members matched again with 100,000 companies and 500,000 persons, {which}, beside the goal | {took:.1} s | {goal:.0} s | {:.2} |",
        took / goal
    );
    println!("| … what that changes, foreseen, with the index made for it | {foreseen:.1} s | | |");
    println!(
        "| … its peak memory | {peak_mib:.0} MiB | {PEAK_MAX_MIB:.0} MiB | {:.2} |",
        peak_mib / PEAK_MAX_MIB
    );
}
