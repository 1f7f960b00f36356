//! Topics past the number that the provider serves of one query.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta};
use domain::record::{Content, ContentKind, InvalidReason, InvalidRecord, Record, Subtype};
use proptest::prelude::*;

use super::*;
use crate::{
    Served,
    shard::{LAST_SERVED_PAGE, Shard},
    steady::Steady,
};

mod early;
mod living;

const PAGE: usize = PAGE_SIZE as usize;
const SERVED: usize = PAGE * LAST_SERVED_PAGE as usize;
/// One topic in so many cannot be read.
const INVALID_ONE_IN: usize = 997;

/// A tenant with so many topics of each type a day; some of a type that is not known.
struct Tenant {
    topics: Vec<(Option<Subtype>, NaiveDate)>,
    /// Whether `createdAt[to]` includes its day.
    to_includes: bool,
}

impl Tenant {
    /// Topics of all types, most of them on few days.
    fn new(topics: usize, days: usize, to_includes: bool) -> Self {
        let topic = |at: usize| {
            let day = (at * at) % days;
            let day = DateTime::UNIX_EPOCH + TimeDelta::days(19_000 + i64::try_from(day).expect("a day"));
            let subtype = Subtype::ALL[at % 3 * 2 % 5];
            ((!at.is_multiple_of(11)).then_some(subtype), day.date_naive())
        };
        Self {
            topics: (0..topics).map(topic).collect(),
            to_includes,
        }
    }

    fn answer(&self, request: &PageRequest) -> Fetched {
        let PageRequest::Topics { filter, page } = request else {
            return Fetched::Counts(BTreeMap::from([("1".to_owned(), self.topics.len() as u64)]));
        };
        if *page > LAST_SERVED_PAGE {
            return Fetched::TooLong;
        }
        let matches = |(subtype, day): &(Option<Subtype>, NaiveDate)| {
            (filter.subtype.is_none() || filter.subtype == *subtype)
                && filter.created_from.is_none_or(|from| *day >= from)
                && filter
                    .created_to
                    .is_none_or(|to| *day < to || (self.to_includes && *day == to))
        };
        let found = (0..self.topics.len()).filter(|at| matches(&self.topics[*at]));
        let records: Vec<_> = found
            .skip((*page as usize - 1) * PAGE)
            .take(PAGE)
            .map(topic)
            .collect();
        Fetched::Page(Page {
            last: records.len() < PAGE,
            records,
            announced: None,
        })
    }
}

fn topic(id: usize) -> Served {
    if id.is_multiple_of(INVALID_ONE_IN) {
        return Served::Invalid(InvalidRecord {
            stream: Stream::Topics,
            reason: InvalidReason::UnreadableTime,
            name: format!("topic {id}"),
            message: "createdAt".into(),
            payload: "{}".into(),
            payload_cut: false,
            topic_public_id: None,
            repaired_at: None,
        });
    }
    Served::Valid(Record::Content(Box::new(Content {
        kind: ContentKind::Topic,
        public_id: id.to_string(),
        ..Content::default()
    })))
}

/// What came of reading a tenant's topics.
#[derive(Default)]
struct Account {
    found: u64,
    repeated: u64,
    counted: BTreeMap<String, usize>,
    requests: usize,
}

/// Reads to the end, and is taken up anew after every so many commits. The latest request is answered first.
fn read(tenant: &Tenant, taken_up_every: usize) -> Result<Account, Failure> {
    let mut account = Account::default();
    let mut checkpoint = Checkpoint::start_of(Some(Stream::Topics));
    let mut seen = SeenKeys::default();
    loop {
        let mut reading = Reading::resume(&checkpoint, &Windows::default(), 8).expect("topics are a stream");
        let mut under_way = Vec::new();
        for _ in 0..taken_up_every {
            let batch = loop {
                under_way.extend(reading.requests());
                if let Some(request) = under_way.pop() {
                    account.requests += 1;
                    reading.arrived(&request, tenant.answer(&request));
                }
                if let Some(batch) = reading.take_batch(&mut seen, &checkpoint)? {
                    break batch;
                }
            };
            account.found += batch.found;
            account.repeated += batch.repeated;
            let rows = batch
                .rows
                .iter()
                .filter(|row| !row.repeated)
                .map(|row| row.record.key().to_owned());
            let invalid = batch.invalid.iter().map(|record| record.name.clone());
            for key in rows.chain(invalid) {
                *account.counted.entry(key).or_default() += 1;
            }
            checkpoint = batch.checkpoint;
            if batch.end.is_some() {
                return Ok(account);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn topics_past_the_cap_are_each_found_once(
        topics in prop_oneof![Just(SERVED - 1), Just(SERVED), SERVED + 1..40_000], days in 40_usize..900,
        to_includes: bool, taken_up_every in prop_oneof![3_usize..40, Just(usize::MAX)],
    ) {
        let account = read(&Tenant::new(topics, days, to_includes), taken_up_every).expect("they can be read");
        prop_assert_eq!(account.found, topics as u64);
        prop_assert_eq!(account.repeated, 0);
        prop_assert_eq!(account.counted.len(), topics);
        prop_assert!(account.counted.values().all(|times| *times == 1));
        if topics < SERVED {
            // The first page twice, the counts before and after, and the head.
            prop_assert_eq!(account.requests, topics / PAGE + 1 + 4);
        }
    }
}

#[test]
fn a_day_with_more_topics_of_one_type_than_are_served_fails_and_is_named() {
    let day = NaiveDate::from_ymd_opt(2024, 3, 5).expect("a day");
    let tenant = Tenant {
        topics: vec![(Some(Subtype::ProductUpdate), day); SERVED + 1],
        to_includes: false,
    };
    let failure = read(&tenant, usize::MAX).err().expect("too many");
    assert_eq!(failure.code, CauseCode::ListingTooLarge);
    assert!(
        failure
            .message
            .ends_with("more product updates created on 2024-03-05."),
        "{}",
        failure.message
    );
}

/// In rounds: what is asked for at a time is answered at a time.
fn rounds(stream: Stream, windows: &Windows, answer: impl Fn(&PageRequest) -> Fetched) -> Vec<usize> {
    let mut checkpoint = Checkpoint::start_of(Some(stream));
    let mut seen = SeenKeys::default();
    let mut reading = Reading::resume(&checkpoint, windows, 8).expect("a stream");
    let mut rounds = Vec::new();
    loop {
        while let Some(batch) = reading.take_batch(&mut seen, &checkpoint).expect("no failure") {
            checkpoint = batch.checkpoint;
            if batch.end.is_some() {
                return rounds;
            }
        }
        let requests = reading.requests();
        rounds.push(requests.len());
        for request in requests {
            reading.arrived(&request, answer(&request));
        }
    }
}

#[test]
fn topics_that_were_counted_are_asked_for_side_by_side() {
    let tenant = Tenant::new(1_950, 1_000, false);
    // The first page, the counts, the first page again, nineteen more, the counts and the head.
    let expected = [1, 1, 1, 8, 8, 3, 1, 1];
    assert_eq!(
        rounds(Stream::Topics, &Windows::default(), |request| tenant
            .answer(request)),
        expected
    );
}

#[test]
fn more_topics_than_are_served_are_not_read_before_they_are_cut() {
    let tenant = Tenant::new(SERVED * 2, 900, false);
    let account = read(&tenant, usize::MAX).expect("they can be read");
    let pages = tenant.topics.len() / PAGE;
    // Shards are probed, counted before and after and looked at again, and end within a page.
    assert!(account.requests < pages + 60, "{}", account.requests);
}

#[test]
fn new_views_are_asked_for_side_by_side_and_none_behind_the_window() {
    const ALL: usize = 100 * PAGE;
    const NEW: usize = 12 * PAGE + 7;
    let day =
        |at: usize| DateTime::UNIX_EPOCH + TimeDelta::days(20_000 - i64::try_from(at / PAGE).expect("a day"));
    let answer = |request: &PageRequest| {
        let first = (request.page() as usize - 1) * PAGE;
        let view = |at: usize| {
            Served::Valid(Record::Activity(domain::record::Activity {
                event_id: at.to_string(),
                occurred_at: day(at) - TimeDelta::seconds(i64::try_from(at % PAGE).expect("seconds")),
                ..Default::default()
            }))
        };
        Fetched::Page(Page {
            records: (first..(first + PAGE).min(ALL)).map(view).collect(),
            last: false,
            announced: Some(ALL as u64),
        })
    };
    let watermark = BTreeMap::from([(Stream::Activity, day(NEW))]);
    let windows = Windows::from_watermarks(&watermark);
    let stored = windows.clone().with_views_stored(Some((ALL - NEW) as u64));
    // The day before is in the window, too.
    assert_eq!(rounds(Stream::Activity, &windows, answer), [1; 14]);
    assert_eq!(rounds(Stream::Activity, &stored, answer), [1, 8, 4, 1]);
}

#[test]
fn shards_are_tried_by_their_last_page_first() {
    let shards = Shard::ALL.split(None);
    let current = shards.last().expect("two").filter(None);
    let checkpoint = Checkpoint::Listing {
        stream: Stream::Topics,
        next_page: 1,
        shards,
        steady: Steady::default(),
    };
    let mut reading = Reading::resume(&checkpoint, &Windows::default(), 8).expect("topics are a stream");
    let probe = PageRequest::Topics {
        filter: current,
        page: LAST_SERVED_PAGE,
    };
    assert_eq!(reading.requests(), std::slice::from_ref(&probe));
    let empty = Page {
        last: true,
        ..Page::default()
    };
    reading.arrived(&probe, Fetched::Page(empty));
    let batch = reading.take_batch(&mut SeenKeys::default(), &checkpoint);
    assert!(batch.expect("no failure").is_none(), "there is nothing to commit");
    assert_eq!(reading.requests(), [probe.at_page(1)]);
}
