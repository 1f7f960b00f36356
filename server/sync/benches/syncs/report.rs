//! Runs the measurements, and prints each as a row of one table: what, measured, beside what, and the ratio.

use std::collections::BTreeMap;

use domain::Stream;
use simulator::Simulator;
use sync::PAGE_SIZE;

use crate::{
    provider::{Provider, SEED, TENANT, start},
    table::{Times, as_float, compare, measured, middle, row, thousands},
};

/// Members of the tenant whose syncs are timed.
const TIMED_USERS: u64 = 100_000;
/// Members of the tenant whose sync takes long.
const MANY_USERS: u64 = 1_000_000;
/// Rounds of the timed syncs; the middle one counts, since a machine is seldom left alone.
const ROUNDS: usize = 3;
/// Members of the first syncs whose memory is compared.
const MEMORY_USERS: [u64; 2] = [10_000, 100_000];
/// A tenant with something in every stream.
const MIXED: &str = "users=4800,topics=1300,views=24000";
const KIB_PER_MIB: f64 = 1024.0;

/// All that takes about a minute.
pub(crate) fn all() {
    speed(TIMED_USERS);
    memory(MEMORY_USERS);
    requests();
}

/// The same, and a tenant of a million.
pub(crate) fn long() {
    speed(TIMED_USERS);
    unchanged(MANY_USERS);
    memory(MEMORY_USERS.into_iter().chain([MANY_USERS]));
    requests();
}

/// Rows for the speed of a first and an unchanged sync of so many members, beside a bare loop.
pub(crate) fn speed(users: u64) {
    let provider = of_users(users);
    let (mut bare, mut engine) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(measured(&["bare", &provider.address], Times::read));
        engine.push(measured(&["engine", &provider.address], SyncRun::read));
    }
    let syncs = ["First sync", "Unchanged, full sync"];
    for (nth, what) in syncs.into_iter().enumerate() {
        let of_bare: Vec<_> = bare.iter().map(|passes| passes[nth]).collect();
        let of_engine: Vec<_> = engine.iter().map(|syncs| syncs[nth].times).collect();
        compare(
            &format!("{what} of {} users, beside a bare loop", thousands(users)),
            users,
            middle(&of_engine),
            middle(&of_bare),
        );
    }
    written(users, &engine[0]);
}

/// Rows for an unchanged sync of so many members, beside the fetching that it cannot do without.
fn unchanged(users: u64) {
    let provider = of_users(users);
    let fetching = measured(&["fetching", &provider.address], Times::read)[0];
    let syncs = measured(&["engine", &provider.address], SyncRun::read);
    let what = format!(
        "Unchanged, full sync of {} users, beside fetching alone",
        thousands(users)
    );
    compare(&what, users, syncs[1].times, fetching);
    written(users, &syncs);
}

/// A row for the rows that the second of these syncs wrote, beside the first.
fn written(users: u64, syncs: &[SyncRun]) {
    let what = format!(
        "Rows written by an unchanged sync of {} users, beside the first",
        thousands(users)
    );
    let (first, again) = (syncs[0].written, syncs[1].written);
    let ratio = as_float(again) / as_float(first);
    row(&what, &thousands(again), &thousands(first), ratio);
}

/// Rows for the peak memory of first syncs, beside the smallest.
pub(crate) fn memory(users: impl IntoIterator<Item = u64>) {
    let mut smallest = None;
    for users in users {
        let peak_mib = measured(&["first", &of_users(users).address], SyncRun::read)[0].peak_mib;
        let beside = *smallest.get_or_insert(peak_mib);
        let what = format!(
            "Peak memory of a first sync of {} users, beside the smallest",
            thousands(users)
        );
        let mib = |mib: f64| format!("{mib:.1} MiB");
        row(&what, &mib(peak_mib), &mib(beside), peak_mib / beside);
    }
}

/// Rows for the requests of three syncs, beside the least that the API allows.
pub(crate) fn requests() {
    let provider = Provider::start(MIXED);
    let runs = measured(&["engine", &provider.address], SyncRun::read);
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
        let what = format!(
            "Requests of a {} ({MIXED}), beside the least",
            what.to_lowercase()
        );
        let ratio = as_float(run.requests) / as_float(least);
        row(&what, &thousands(run.requests), &thousands(least), ratio);
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
    times: Times,
    requests: u64,
    written: u64,
    peak_mib: f64,
    found: BTreeMap<Stream, u64>,
}

impl SyncRun {
    fn read(line: &str) -> Self {
        let words = line.split(' ').skip(2);
        let mut counts = words.map(|word| word.parse().expect("a count"));
        let mut next = || counts.next().expect("a count");
        Self {
            times: Times::read(line),
            requests: next(),
            written: next(),
            peak_mib: as_float(next()) / KIB_PER_MIB,
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

fn of_users(users: u64) -> Provider {
    Provider::start(&format!("users={users},topics=0,views=0"))
}
