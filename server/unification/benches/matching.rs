//! `make bench`: how long a million members take, and in how much memory, beside what is promised. Every shipped rule is on,
//! and values come from a seed. Prints rows of the table that `.make/bench` begins.

use std::{fs, ops::ControlFlow, time::Instant};

use domain::unification::{
    Attribute, Company, Condition, Field, Match, Member, Operator, Person, Preview, Rule, RuleSet, Target,
    WhenAmbiguous,
};
use unification::{Lists, Matcher, Threads};

const SEED: u64 = 2024;
const COMPANIES: u64 = 100_000;
const PERSONS: u64 = 500_000;
const MEMBERS: u64 = 1_000_000;
const PREVIEWED: u64 = 100_000;
const FUZZY_MEMBERS: u64 = 20_000;
/// Members, persons and companies at a time, as a store would give them.
const PAGE: u64 = 10_000;

const MATCHED_WITHIN_SECONDS: f64 = 30.0;
const PREVIEWED_WITHIN_SECONDS: f64 = 2.0;
const PEAK_MAX_MIB: f64 = 300.0;

/// The same numbers for the same seed (`SplitMix64`).
fn number(seed: u64, of: u64) -> u64 {
    let mixed = (of ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

/// Two or three words of syllables: as different, and as alike, as names are.
fn name(id: u64) -> String {
    const SYLLABLES: [&str; 32] = [
        "hal", "den", "kes", "trel", "bri", "se", "mar", "ea", "tau", "ber", "or", "lach", "fjo", "rd",
        "jär", "vi", "sa", "va", "du", "na", "bos", "por", "tul", "pen", "vlt", "ava", "mü", "ler", "ge",
        "no", "ra", "tic",
    ];
    const TRADES: [&str; 8] = [
        "Freight", "Logistik", "Software", "Salud", "Bau", "Energy", "Systems", "Foods",
    ];
    let drawn = number(7, id);
    let syllable = |nth: u32| SYLLABLES[usize::try_from((drawn >> (5 * nth)) % 32).unwrap_or_default()];
    let trade = TRADES[usize::try_from((drawn >> 40) % 8).unwrap_or_default()];
    let words = [0, 1, 2, 3].map(syllable).concat();
    format!("{words}{} {trade}", syllable(4))
}

fn company(id: u64) -> Company {
    Company {
        external_id: format!("company-{id}"),
        name: format!("{} {id} GmbH & Co. KG", name(id)),
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
fn member(id: u64) -> Member {
    let drawn = number(SEED, id);
    let of = (drawn >> 8) % PERSONS;
    let email = match drawn % 6 {
        0 | 1 => format!("person{of}@FIRMA-{}.de", of % COMPANIES),
        2 | 3 => format!("member{id}@mail.firma-{}.de", of % COMPANIES),
        4 => format!("member{id}@gmail.com"),
        _ => format!("member{id}@somewhere-{of}.com"),
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

/// Every second one typed a company's name with a slip, the others a name that no company has.
fn typing_member(id: u64) -> Member {
    let drawn = number(SEED, id);
    let typed = match drawn % 2 {
        0 => name((drawn >> 8) % COMPANIES).replacen('e', "3", 1),
        _ => name(COMPANIES + drawn % COMPANIES).replace('a', "oo"),
    };
    Member {
        tenant_id: "customer-de".to_owned(),
        community_user_id: id.to_string(),
        company_custom: Some(typed),
        ..Member::default()
    }
}

fn pages(all: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..all)
        .step_by(usize::try_from(PAGE).unwrap_or(1))
        .map(move |first| first..(first + PAGE).min(all))
}

fn matcher(set: RuleSet, company: impl Fn(u64) -> Company, persons: u64, threads: Threads) -> Matcher {
    let mut builder = Matcher::builder(set, &Lists::shipped()).expect("the rules can be used");
    for page in pages(COMPANIES) {
        let companies: Vec<_> = page.map(&company).collect();
        builder.companies(&companies, threads).expect("ids are unique");
    }
    for page in pages(persons) {
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
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

fn row(what: &str, measured: f64, beside: f64, unit: &str) {
    println!(
        "| {what} | {measured:.1} {unit} | {beside:.1} {unit} | {:.2} |",
        measured / beside
    );
}

/// Companies and persons are indexed, and all members matched; what is read from a store comes on top.
fn all_members(set: RuleSet, threads: Threads) -> (Matcher, f64) {
    let started = Instant::now();
    let matcher = matcher(set, company, PERSONS, threads);
    let indexed = started.elapsed().as_secs_f64();
    let mut counted = Preview::default();
    for page in pages(MEMBERS) {
        let members: Vec<_> = page.map(member).collect();
        for (member, outcome) in members.iter().zip(matches(&matcher, &members, threads)) {
            counted.add(member, &Match::default(), &outcome);
        }
    }
    let took = started.elapsed().as_secs_f64();
    let known = counted.after.matched;
    assert!(
        known > MEMBERS / 2 && known < MEMBERS,
        "seed {SEED}: {:?}",
        counted.after
    );
    row(
        "Matching 1,000,000 members with 100,000 companies and 500,000 persons, beside the goal",
        took,
        MATCHED_WITHIN_SECONDS,
        "s",
    );
    row("… its peak memory", peak_mib(), PEAK_MAX_MIB, "MiB");
    (matcher, indexed)
}

/// By the rules that hold and by a draft, though a store would know the former: over the index that is there.
fn preview(matcher: &Matcher, mut set: RuleSet, indexed: f64, threads: Threads) {
    set.rules.swap(0, 1);
    let started = Instant::now();
    let draft = matcher.with_rules(set, &Lists::shipped());
    let draft = draft
        .expect("the rules can be used")
        .expect("nothing to be read anew");
    let mut preview = Preview::default();
    for page in pages(PREVIEWED) {
        let members: Vec<_> = page.map(member).collect();
        let (before, after) = (
            matches(matcher, &members, threads),
            matches(&draft, &members, threads),
        );
        for ((member, before), after) in members.iter().zip(&before).zip(&after) {
            preview.add(member, before, after);
        }
    }
    assert_eq!(preview.after.total(), PREVIEWED);
    let took = started.elapsed().as_secs_f64();
    let goal = PREVIEWED_WITHIN_SECONDS;
    row(
        "Preview of 100,000 members by other rules, beside the goal",
        took,
        goal,
        "s",
    );
    let what = "… with an index of its own, as the first after a start";
    row(what, took + indexed, goal, "s");
}

/// A typed company compared with every company's name, with and without a slip allowed.
fn fuzzy(threads: Threads) {
    let typed = |operator| RuleSet {
        rules: vec![Rule {
            id: "typed".to_owned(),
            names: Target::Company,
            conditions: vec![Condition {
                field: Field::SelfDeclaredCompany,
                operator,
                compared_with: Attribute::CompanyName,
            }],
            when_ambiguous: WhenAmbiguous::Stop,
            active: true,
        }],
        ..RuleSet::default()
    };
    let named = |id| Company {
        name: format!("{} GmbH & Co. KG", name(id)),
        ..company(id)
    };
    let members: Vec<_> = (0..FUZZY_MEMBERS).map(typing_member).collect();
    let fuzzy = Operator::Fuzzy(85.try_into().expect("a threshold"));
    let [exact, fuzzy] = [Operator::WithoutLegalForm, fuzzy].map(|operator| {
        let matcher = matcher(typed(operator), named, 0, threads);
        let started = Instant::now();
        let outcomes = matches(&matcher, &members, threads);
        let found = outcomes.iter().filter(|outcome| outcome.rule.is_some()).count();
        (started.elapsed().as_secs_f64(), found)
    });
    assert!(fuzzy.1 > exact.1, "{exact:?} {fuzzy:?}");
    row(
        "Typed names of 20,000 members, 85 % like 100,000 companies' names, beside equal to one",
        fuzzy.0,
        exact.0,
        "s",
    );
}

fn main() {
    let threads = Threads::new(2).unwrap_or(Threads::MIN);
    let mut set = RuleSet::shipped();
    for rule in &mut set.rules {
        rule.active = true;
    }
    set.default_countries.persons = "DE".parse().ok();
    let (matcher, indexed) = all_members(set.clone(), threads);
    preview(&matcher, set, indexed, threads);
    drop(matcher);
    fuzzy(threads);
}
