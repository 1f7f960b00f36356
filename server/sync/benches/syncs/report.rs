//! Runs the measurements, and prints them as one table with ratios.

use std::{collections::BTreeMap, process::Stdio};

use domain::Stream;
use simulator::Simulator;
use sync::PAGE_SIZE;

use crate::provider::{Provider, SEED, TENANT, start, this_program};

/// Rounds of the timed syncs; the middle one counts, since a machine is seldom left alone.
const ROUNDS: usize = 3;
/// Records of the first syncs whose memory is compared.
const MEMORY_RECORDS: [u64; 3] = [10_000, 100_000, 1_000_000];
/// A tenant with something in every stream.
const MIXED: &str = "users=4800,topics=1300,views=24000";
const KIB_PER_MIB: f64 = 1024.0;

pub(crate) fn all(users: u64) {
    println!("| What | Measured | Beside | Ratio |");
    println!("|---|---:|---:|---:|");
    timed(users);
    memory();
    requests();
}

/// Rows for the speed of a first and an unchanged sync of so many members, beside a bare loop.
pub(crate) fn timed(users: u64) {
    let provider = Provider::start(&format!("users={users},topics=0,views=0"));
    let (mut first, mut first_bare) = (Vec::new(), Vec::new());
    let (mut unchanged, mut unchanged_bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bare = measured("bare", &provider);
        let [bare_first, bare_again] = numbers(&bare)[..] else {
            panic!("two passes")
        };
        first_bare.push(bare_first);
        unchanged_bare.push(bare_again);
        let engine = measured("engine", &provider);
        let runs: Vec<_> = engine.lines().map(SyncRun::read).collect();
        first.push(runs[0].seconds);
        unchanged.push(runs[1].seconds);
    }
    compare_speed("First sync", users, first, first_bare);
    compare_speed("Unchanged, full sync", users, unchanged, unchanged_bare);
}

fn compare_speed(what: &str, users: u64, engine: Vec<f64>, bare: Vec<f64>) {
    let (engine, bare) = (middle(engine), middle(bare));
    let rate = |seconds: f64| thousands(as_float(users) / seconds);
    println!(
        "| {what} of {} users, beside a bare loop | {}/s | {}/s | {:.2} |",
        thousands(as_float(users)),
        rate(engine),
        rate(bare),
        bare / engine
    );
}

/// Rows for the peak memory of first syncs, beside the smallest.
fn memory() {
    let mut smallest = None;
    for records in MEMORY_RECORDS {
        let provider = Provider::start(&format!("users={records},topics=0,views=0"));
        let first = measured("first", &provider);
        let kib: f64 = first
            .lines()
            .nth(1)
            .and_then(|line| line.parse().ok())
            .expect("a number of kB");
        let beside = *smallest.get_or_insert(kib);
        println!(
            "| Peak memory of a first sync of {} records, beside the smallest | {:.1} MiB | {:.1} MiB | {:.2} |",
            thousands(as_float(records)),
            kib / KIB_PER_MIB,
            beside / KIB_PER_MIB,
            kib / beside
        );
    }
}

/// Rows for the requests of three syncs, beside the least that the API allows.
fn requests() {
    let provider = Provider::start(MIXED);
    let engine = measured("engine", &provider);
    let runs: Vec<_> = engine.lines().map(SyncRun::read).collect();
    let replies = pages_of_replies();
    let syncs = [
        "First sync",
        "Unchanged, full sync",
        "Unchanged, incremental sync",
    ];
    for (nth, (what, run)) in syncs.iter().zip(&runs).enumerate() {
        // Only the first one asks for a token, and has replies to read.
        let once = if nth == 0 { 1 + replies } else { 0 };
        let least = once + run.least_listing_pages();
        println!(
            "| Requests of a {} ({MIXED}), beside the least | {} | {least} | {:.2} |",
            what.to_lowercase(),
            run.requests,
            as_float(run.requests) / as_float(least)
        );
    }
}

/// A topic says how many replies it has, so that their pages are known.
fn pages_of_replies() -> u64 {
    let tenant = format!("{TENANT}:{MIXED}").parse().expect("a tenant");
    let simulator = Simulator::new(SEED, vec![tenant], start).expect("a simulator");
    let mut of_topic = BTreeMap::<u64, u64>::new();
    for reply in simulator.true_replies(TENANT).expect("the tenant") {
        *of_topic.entry(reply.topic_public_id).or_default() += 1;
    }
    of_topic
        .values()
        .map(|replies| replies.div_ceil(u64::from(PAGE_SIZE)))
        .sum()
}

/// What a child says of one sync.
struct SyncRun {
    seconds: f64,
    requests: u64,
    found: BTreeMap<Stream, u64>,
}

impl SyncRun {
    fn read(line: &str) -> Self {
        let mut words = line.split(' ');
        let seconds = words.next().and_then(|word| word.parse().ok());
        let mut counts = words.map(|word| word.parse().expect("a count"));
        Self {
            seconds: seconds.expect("seconds"),
            requests: counts.next().expect("requests"),
            found: Stream::ALL.into_iter().zip(counts).collect(),
        }
    }

    /// A listing takes a page per hundred records, and one at least. One that announces no total is known to have ended
    /// only by a page that is not full.
    fn least_listing_pages(&self) -> u64 {
        let page = u64::from(PAGE_SIZE);
        let pages = |(stream, found): (&Stream, &u64)| match stream {
            Stream::Replies => 0,
            Stream::Users | Stream::Activity => found.div_ceil(page).max(1),
            Stream::IdeaStatuses | Stream::Categories | Stream::Topics => found / page + 1,
        };
        self.found.iter().map(pages).sum()
    }
}

/// What a child of this program prints.
fn measured(part: &str, provider: &Provider) -> String {
    let output = this_program(&[part, &provider.address])
        .stderr(Stdio::inherit())
        .output()
        .expect("a process");
    assert!(output.status.success(), "{part} failed");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

fn numbers(text: &str) -> Vec<f64> {
    text.split(' ')
        .map(|word| word.parse().expect("a number"))
        .collect()
}

fn middle(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts here are far below 2^52, and shown with four digits"
)]
fn as_float(count: u64) -> f64 {
    count as f64
}

/// 1,234,567
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
