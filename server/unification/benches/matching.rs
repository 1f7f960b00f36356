//! How long a million members take, and in how much memory: every shipped rule on, values from a seed.

use std::{fs, ops::ControlFlow, time::Instant};

use domain::unification::{Company, Match, Member, Person, Preview, RuleSet};
use unification::{Lists, Matcher, Threads};

const COMPANIES: u64 = 100_000;
const PERSONS: u64 = 500_000;
const MEMBERS: u64 = 1_000_000;
const PREVIEWED: u64 = 100_000;
/// Members, persons and companies at a time, as a store would give them.
const PAGE: u64 = 10_000;

/// The same numbers for the same seed (`SplitMix64`).
fn number(seed: u64, of: u64) -> u64 {
    let mixed = (of ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

fn company(id: u64) -> Company {
    Company {
        external_id: format!("company-{id}"),
        name: format!("Überlandwerk {id} GmbH & Co. KG"),
        domains: vec![format!("firma-{id}.de"), format!("firma{id}.co.uk")],
        parent_external_id: None,
    }
}

fn person(id: u64) -> Person {
    Person {
        external_id: format!("person-{id}"),
        email: Some(format!("Person{id}@firma-{}.de", id % COMPANIES)),
        first_name: Some(format!("Zoë{}", id % 5_000)),
        last_name: Some(format!("Müller-{id}")),
        phone: Some(format!("030 {:07}", 1_000_000 + id)),
        company_external_id: Some(format!("company-{}", id % COMPANIES)),
        active: true,
    }
}

/// A third known by address, a third by domain, the rest by phone, by name, or not at all.
fn member(seed: u64, id: u64) -> Member {
    let drawn = number(seed, id);
    let of = (drawn >> 8) % PERSONS;
    let email = match drawn % 6 {
        0 | 1 => format!("person{of}@FIRMA-{}.de", of % COMPANIES),
        2 | 3 => format!("member{id}@mail.firma-{}.de", of % COMPANIES),
        4 => format!("member{id}@gmail.com"),
        _ => format!("member{id}@uberlandwerk-{of}.com"),
    };
    Member {
        tenant_id: "customer-de".to_owned(),
        community_user_id: id.to_string(),
        username: format!("member{id}"),
        email: Some(email),
        first_name: Some(format!("Zoe{}", of % 5_000)),
        last_name: Some(format!("Muller {}", of * 2)),
        phone: Some(format!("+49 30 {:07}", 1_000_000 + of * 2)),
        ..Member::default()
    }
}

fn pages(all: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..all)
        .step_by(usize::try_from(PAGE).unwrap_or(1))
        .map(move |first| first..(first + PAGE).min(all))
}

fn matcher(set: RuleSet, threads: Threads) -> Matcher {
    let mut builder = Matcher::builder(set, &Lists::shipped()).expect("the rules can be used");
    for page in pages(COMPANIES) {
        let companies: Vec<_> = page.map(company).collect();
        builder.companies(&companies, threads).expect("ids are unique");
    }
    for page in pages(PERSONS) {
        let persons: Vec<_> = page.map(person).collect();
        builder.persons(&persons, threads).expect("ids are unique");
    }
    builder.finish().expect("ids are unique")
}

fn matches(matcher: &Matcher, members: &[Member], threads: Threads) -> Vec<Match> {
    let on = &mut |_| ControlFlow::Continue(());
    matcher.match_all(members, threads, on).expect("nobody cancels")
}

/// The most memory that this process has had, in MiB.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

fn main() {
    let seed = 2024;
    let threads = Threads::new(2).unwrap_or(Threads::MIN);
    let mut set = RuleSet::shipped();
    for rule in &mut set.rules {
        rule.active = true;
    }
    let germany = "DE".parse().ok();
    set.default_countries.persons = germany;

    let started = Instant::now();
    let all = matcher(set.clone(), threads);
    println!(
        "index: {:.1} s, peak {} MiB",
        started.elapsed().as_secs_f64(),
        peak_mib()
    );
    let mut matched = Preview::default();
    for page in pages(MEMBERS) {
        let members: Vec<_> = page.map(|id| member(seed, id)).collect();
        for (member, outcome) in members.iter().zip(matches(&all, &members, threads)) {
            matched.add(member, &Match::default(), &outcome);
        }
    }
    println!(
        "index and {MEMBERS} members: {:.1} s, peak {} MiB; seed {seed}: {:?}",
        started.elapsed().as_secs_f64(),
        peak_mib(),
        matched.after
    );

    set.rules.swap(0, 1);
    let started = Instant::now();
    let draft = matcher(set, threads);
    println!("index of a draft: {:.1} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let mut preview = Preview::default();
    for page in pages(PREVIEWED) {
        let members: Vec<_> = page.map(|id| member(seed, id)).collect();
        let (before, after) = (
            matches(&all, &members, threads),
            matches(&draft, &members, threads),
        );
        for ((member, before), after) in members.iter().zip(&before).zip(&after) {
            preview.add(member, before, after);
        }
    }
    println!(
        "preview of {PREVIEWED}: {:.1} s beside it",
        started.elapsed().as_secs_f64()
    );
}
