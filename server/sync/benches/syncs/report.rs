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
const MILLIS_PER_SECOND: f64 = 1e3;

/// All that takes about a minute.
pub(crate) fn all() {
    speed(TIMED_USERS);
    memory(MEMORY_USERS);
    requests();
    cancel();
}

/// The same, and a tenant of a million.
pub(crate) fn long() {
    speed(TIMED_USERS);
    unchanged(MANY_USERS);
    memory(MEMORY_USERS.into_iter().chain([MANY_USERS]));
    requests();
    cancel();
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
    matching(users, &engine[0]);
    written(users, &engine[0]);
}

/// A row for the part of a first sync in which members are matched, beside the whole.
fn matching(users: u64, syncs: &[SyncRun]) {
    let what = format!(
        "Matching within a first sync of {} users, beside the whole",
        thousands(users)
    );
    let seconds = |seconds: f64| format!("{seconds:.2} s");
    let (part, whole) = (syncs[0].matching_s, syncs[0].times.wall);
    row(&what, &seconds(part), &seconds(whole), part / whole);
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
    let replies = requests_of_replies();
    let syncs = [
        "First sync",
        "Unchanged, full sync",
        "Unchanged, incremental sync",
    ];
    for (nth, (what, run)) in syncs.iter().zip(&runs).enumerate() {
        // Only the first one asks for a token, and has replies to read.
        let once = if nth == 0 { 1 + replies } else { 0 };
        let least = once + run.least_listing_requests();
        let what = format!(
            "Requests of a {} ({MIXED}), beside the least",
            what.to_lowercase()
        );
        let ratio = as_float(run.requests) / as_float(least);
        row(&what, &thousands(run.requests), &thousands(least), ratio);
    }
}

/// Rows for cancels at random moments of first syncs: until the wish is written, and from then until the run is over. The
/// bounds are those that people are told.
pub(crate) fn cancel() {
    const ACKNOWLEDGED_MS: f64 = 100.0;
    const ENDED_MS: f64 = 5_000.0;
    let provider = of_users(TIMED_USERS);
    let cancels = measured(&["cancelled", &provider.address], |line| {
        let millis = line
            .split(' ')
            .map(|word| word.parse::<f64>().expect("milliseconds"));
        <[f64; 2]>::try_from(millis.collect::<Vec<_>>()).expect("two of them")
    });
    for (part, (what, bound)) in [("acknowledged", ACKNOWLEDGED_MS), ("ended", ENDED_MS)]
        .into_iter()
        .enumerate()
    {
        let slowest = cancels.iter().map(|cancel| cancel[part]).fold(0.0, f64::max);
        let what = format!(
            "Cancel {what}, the slowest of {}, beside its bound",
            cancels.len()
        );
        row(
            &what,
            &format!("{slowest:.1} ms"),
            &format!("{bound:.0} ms"),
            slowest / bound,
        );
    }
}

/// A topic says how many replies it has, so that their last page is known; where that is not the only one it is read
/// again at the end, since they may have moved.
fn requests_of_replies() -> u64 {
    let tenant = format!("{TENANT}:{MIXED}").parse().expect("a tenant");
    let simulator = Simulator::new(SEED, vec![tenant], start).expect("a simulator");
    let mut of_topic = BTreeMap::<u64, u64>::new();
    for reply in simulator.true_replies(TENANT).expect("the tenant") {
        *of_topic.entry(reply.topic_public_id).or_default() += 1;
    }
    of_topic
        .values()
        .map(|replies| {
            let full = replies / u64::from(PAGE_SIZE);
            full + 1 + u64::from(full > 0)
        })
        .sum()
}

/// What a child says of one sync.
struct SyncRun {
    times: Times,
    requests: u64,
    written: u64,
    peak_mib: f64,
    matching_s: f64,
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
            matching_s: as_float(next()) / MILLIS_PER_SECOND,
            found: Stream::ALL.into_iter().zip(counts).collect(),
        }
    }

    /// A listing takes a page per hundred records, and one at least. One that announces no total is known to have ended
    /// only by a page that is not full, and so is a window over views by one from before it. Where a list has more than
    /// a page its head is read again, since rows may have moved there; topics are counted before and after as well, and
    /// their first page is read once more since the count must be older than it.
    fn least_listing_requests(&self) -> u64 {
        let page = u64::from(PAGE_SIZE);
        let more_than_one = |pages: u64, more: u64| pages + if pages > 1 { more } else { 0 };
        let requests = |(stream, found): (&Stream, &u64)| match stream {
            Stream::Replies => 0,
            Stream::Users => more_than_one(found.div_ceil(page).max(1), 1),
            Stream::Topics => more_than_one(found / page + 1, 4),
            // Of a window, the page that ends it is found whole.
            Stream::Activity => found.div_ceil(page).max(1),
            Stream::IdeaStatuses | Stream::Categories => found / page + 1,
        };
        self.found.iter().map(requests).sum()
    }
}

fn of_users(users: u64) -> Provider {
    Provider::start(&format!("users={users},topics=0,views=0"))
}
