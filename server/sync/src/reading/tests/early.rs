//! Lists that end before they should: a page that comes short or empty, or another one in its place.

use domain::record::{Activity, User};

use super::*;

/// Lists of more than one page that say how long they are, or are counted.
const STREAMS: [Stream; 3] = [Stream::Users, Stream::Topics, Stream::Activity];
/// Records of the lists that are told here: four and a half pages.
const ROWS: u64 = 450;
/// Requests that no story comes near.
const REQUESTS_MAX: usize = 1_000;

/// What is wrong with one page.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    /// Only so many of its records come.
    Kept(usize),
    /// The page before comes once more.
    PageBefore,
}

struct List {
    stream: Stream,
    rows: u64,
    /// What the provider says there is.
    told: u64,
    page: u32,
    wrong: Wrong,
    /// How often that page is still served wrong.
    times: u32,
}

impl List {
    fn new(stream: Stream, page: u32, wrong: Wrong, times: u32) -> Self {
        Self {
            stream,
            rows: ROWS,
            told: ROWS,
            page,
            wrong,
            times,
        }
    }

    fn answer(&mut self, request: &PageRequest) -> Fetched {
        if *request == PageRequest::TopicCounts {
            return Fetched::Counts(BTreeMap::from([("1".to_owned(), self.told)]));
        }
        let is_wrong = request.page() == self.page && self.times > 0;
        self.times -= u32::from(is_wrong);
        let (served, kept) = match self.wrong {
            Wrong::Kept(kept) if is_wrong => (self.page, kept),
            Wrong::PageBefore if is_wrong => (self.page - 1, PAGE),
            _ => (request.page(), PAGE),
        };
        let first = u64::from(served - 1) * PAGE as u64;
        let ids = (first..self.rows.min(first + PAGE as u64)).take(kept);
        let records: Vec<_> = ids.map(|id| self.record(id + 1)).collect();
        Fetched::Page(Page {
            last: records.len() < PAGE,
            announced: (self.stream != Stream::Topics).then_some(self.told),
            records,
        })
    }

    /// The newest first.
    fn record(&self, id: u64) -> Served {
        let at = |id: u64| DateTime::UNIX_EPOCH + TimeDelta::hours(9_000 - i64::try_from(id).expect("few"));
        match self.stream {
            Stream::Users => Served::Valid(Record::User(Box::new(User {
                community_user_id: id.to_string(),
                last_activity_at: Some(at(id)),
                ..User::default()
            }))),
            Stream::Activity => Served::Valid(Record::Activity(Activity {
                event_id: id.to_string(),
                occurred_at: at(id),
                ..Activity::default()
            })),
            _ => topic(usize::try_from(id).expect("few")),
        }
    }
}

/// What came of reading a list.
struct Outcome {
    met: BTreeMap<String, usize>,
    requests: usize,
    failure: Option<Failure>,
    checkpoint: Checkpoint,
    seen: SeenKeys,
}

fn read(list: &mut List, windows: &Windows) -> Outcome {
    let start = Checkpoint::start_of(Some(list.stream));
    go_on(list, windows, start, SeenKeys::default())
}

fn go_on(list: &mut List, windows: &Windows, checkpoint: Checkpoint, seen: SeenKeys) -> Outcome {
    let mut reading = Reading::resume(&checkpoint, windows, 8).expect("a stream");
    let mut outcome = Outcome {
        met: BTreeMap::new(),
        requests: 0,
        failure: None,
        checkpoint,
        seen,
    };
    while outcome.requests < REQUESTS_MAX {
        let taken = reading.take_batch(&mut outcome.seen, &outcome.checkpoint);
        if let Some(batch) = taken.expect("it fails with a batch, if at all") {
            for row in batch.rows.iter().filter(|row| !row.repeated) {
                *outcome.met.entry(row.record.key().to_owned()).or_default() += 1;
            }
            outcome.checkpoint = batch.checkpoint;
            outcome.failure = batch.failure;
            if outcome.failure.is_some() || batch.end.is_some() {
                return outcome;
            }
            continue;
        }
        for request in reading.requests() {
            outcome.requests += 1;
            let answer = list.answer(&request);
            reading.arrived(&request, answer);
        }
    }
    panic!("it does not end: {reading:?}");
}

fn assert_all_once(outcome: &Outcome, rows: u64) {
    assert_eq!(outcome.met.len() as u64, rows);
    assert!(
        outcome.met.values().all(|times| *times == 1),
        "each is counted once"
    );
}

/// Of topics the first page is read before they are counted: if that one is short, nothing tells of more.
fn pages_of(stream: Stream) -> std::ops::RangeInclusive<u32> {
    if stream == Stream::Topics { 2..=5 } else { 1..=5 }
}

#[test]
fn what_comes_short_once_is_made_up_for_by_a_second_reading() {
    for stream in STREAMS {
        for page in pages_of(stream) {
            for wrong in [Wrong::Kept(0), Wrong::Kept(1), Wrong::Kept(49)] {
                let mut list = List::new(stream, page, wrong, 1);
                let outcome = read(&mut list, &Windows::default());
                assert_eq!(outcome.failure, None, "{stream} {page} {wrong:?}");
                assert_all_once(&outcome, ROWS);
                // Two passes; topics begin with their first page twice and are counted, and a head is looked at.
                assert!(outcome.requests <= 2 * 5 + 8, "{} requests", outcome.requests);
            }
        }
    }
}

#[test]
fn what_is_announced_and_left_out_each_time_fails_the_run_and_heals_with_the_next() {
    for stream in [Stream::Users, Stream::Activity] {
        for page in 1..=5 {
            for kept in [0, 1, 49] {
                let mut list = List::new(stream, page, Wrong::Kept(kept), u32::MAX);
                let outcome = read(&mut list, &Windows::default());
                let failure = outcome.failure.expect("records are missing");
                assert_eq!(failure.code, CauseCode::StreamEndedEarly, "{failure:?}");
                let full = if page == 5 { 50 } else { 100 };
                let told = format!("after {} of 450 records", 450 - full + kept);
                assert!(failure.message.contains(&told), "{}", failure.message);
                assert!(outcome.requests <= 2 * 5 + 2, "{} requests", outcome.requests);
                list.times = 0;
                let healed = go_on(&mut list, &Windows::default(), outcome.checkpoint, outcome.seen);
                assert_eq!(healed.failure, None);
                assert_eq!(healed.met.len(), full - kept, "only what was missing is new");
            }
        }
    }
}

#[test]
fn a_list_that_just_stops_fails_the_run() {
    for stream in [Stream::Users, Stream::Activity] {
        for rows in [0, 30, 100, 160, 200] {
            let mut list = List::new(stream, 0, Wrong::Kept(0), 0);
            list.rows = rows;
            let failure = read(&mut list, &Windows::default()).failure.expect("it stops");
            assert!(
                failure.message.contains(&format!("after {rows} of 450")),
                "{failure:?}"
            );
        }
    }
}

#[test]
fn a_page_in_the_place_of_the_next_one_is_not_taken_for_it() {
    for stream in [Stream::Users, Stream::Activity] {
        let mut list = List::new(stream, 2, Wrong::PageBefore, 1);
        assert_all_once(&read(&mut list, &Windows::default()), ROWS);
        let mut list = List::new(stream, 2, Wrong::PageBefore, u32::MAX);
        let failure = read(&mut list, &Windows::default())
            .failure
            .expect("a page is missing");
        assert_eq!(failure.code, CauseCode::StreamEndedEarly);
    }
}

/// Counts by category may be late, or count what is hidden: a second reading, and no alarm.
#[test]
fn topics_that_are_counted_and_not_listed_are_let_be() {
    for rows in [110, 199, 200, 450] {
        let mut list = List::new(Stream::Topics, 0, Wrong::Kept(0), 0);
        (list.rows, list.told) = (rows, rows + 30);
        let outcome = read(&mut list, &Windows::default());
        assert_eq!(outcome.failure, None);
        assert_all_once(&outcome, rows);
    }
}

/// Only in the window, and no further back than it reaches.
#[test]
fn a_short_page_of_a_window_over_views_is_made_up_for_in_the_window() {
    // The window reaches back ten days and more: into the third page.
    let at = DateTime::UNIX_EPOCH + TimeDelta::hours(9_000 - 230);
    let windows = Windows::from_watermarks(&BTreeMap::from([(Stream::Activity, at)]));
    let least = read(&mut List::new(Stream::Activity, 0, Wrong::Kept(0), 0), &windows);
    assert!(
        least.requests < 5 && least.met.len() >= 230,
        "{} requests",
        least.requests
    );
    for page in 1..=2 {
        let mut list = List::new(Stream::Activity, page, Wrong::Kept(40), 1);
        let outcome = read(&mut list, &windows);
        assert_eq!(outcome.failure, None);
        assert!(
            least.met.keys().all(|key| outcome.met.contains_key(key)),
            "page {page}"
        );
        assert!(
            outcome.requests <= 2 * least.requests + 2,
            "{} requests",
            outcome.requests
        );
        let mut list = List::new(Stream::Activity, page, Wrong::Kept(40), u32::MAX);
        let failure = read(&mut list, &windows).failure.expect("a page stays short");
        assert_eq!(failure.code, CauseCode::StreamEndedEarly);
    }
}
