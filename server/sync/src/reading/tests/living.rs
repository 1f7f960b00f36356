//! A tenant that lives on while its pages are read side by side: rows come, move to the head and go.

use std::collections::BTreeSet;

use domain::{
    Dice,
    record::{Activity, User},
};

use super::*;

/// Listings of more than one page.
const STREAMS: [Stream; 3] = [Stream::Users, Stream::Topics, Stream::Activity];
/// Pages asked for side by side.
const AHEAD: usize = 8;
/// Answers that may be needed at most, by far.
const ANSWERS_MAX: usize = 20_000;

#[derive(Clone, Debug)]
struct Row {
    id: u64,
    born: i64,
    touched: i64,
    trashed: bool,
}

/// The newest row first, and how often it may still change.
struct Living {
    stream: Stream,
    rows: Vec<Row>,
    clock: i64,
    changes: u64,
    /// Things go, too.
    goes: bool,
    happened: u64,
    dice: Dice,
}

impl Living {
    fn new(stream: Stream, rows: u64, changes: u64, dice: Dice) -> Self {
        let clock = i64::try_from(rows).expect("few");
        let row = |id: u64| {
            let time = clock - i64::try_from(id).expect("few");
            Row {
                id,
                born: time,
                touched: time,
                trashed: false,
            }
        };
        Self {
            stream,
            rows: (0..rows).map(row).collect(),
            clock,
            changes,
            goes: true,
            happened: 0,
            dice,
        }
    }

    /// Something happens, or nothing.
    fn live(&mut self) {
        if self.changes == 0 || !self.dice.one_in(3) {
            return;
        }
        self.changes -= 1;
        self.happened += 1;
        self.clock += 1;
        let place = self.dice.place(self.rows.len());
        // Views come, and neither move nor go.
        let kinds = match (self.stream, self.goes) {
            (Stream::Activity, _) => 1,
            (_, false) => 3,
            (_, true) => 5,
        };
        match self.dice.below(kinds) {
            0 | 1 => self.rows.insert(
                0,
                Row {
                    id: 1_000_000 + self.changes,
                    born: self.clock,
                    touched: self.clock,
                    trashed: false,
                },
            ),
            2 if !self.rows.is_empty() => {
                let mut row = self.rows.remove(place);
                row.touched = self.clock;
                self.rows.insert(0, row);
            }
            3 if !self.rows.is_empty() => {
                self.rows.remove(place);
            }
            _ => {
                if let Some(row) = self.rows.get_mut(place) {
                    row.trashed = true;
                }
            }
        }
    }

    fn answer(&self, request: &PageRequest) -> Fetched {
        if *request == PageRequest::TopicCounts {
            let counts = ["0", "1"].map(|category| {
                let of = |row: &&Row| !row.trashed && (row.id % 2).to_string() == category;
                (category.to_owned(), self.rows.iter().filter(of).count() as u64)
            });
            return Fetched::Counts(counts.into());
        }
        let rows = self
            .rows
            .iter()
            .skip((request.page() as usize - 1) * PAGE)
            .take(PAGE);
        let records: Vec<_> = rows.map(|row| self.record(row)).collect();
        Fetched::Page(Page {
            last: records.len() < PAGE,
            announced: (self.stream != Stream::Topics).then_some(self.rows.len() as u64),
            records,
        })
    }

    fn record(&self, row: &Row) -> Served {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        Served::Valid(if self.stream == Stream::Activity {
            Record::Activity(Activity {
                event_id: row.id.to_string(),
                occurred_at: at(row.born),
                ..Activity::default()
            })
        } else if self.stream == Stream::Users {
            Record::User(Box::new(User {
                community_user_id: row.id.to_string(),
                last_activity_at: Some(at(row.touched)),
                ..User::default()
            }))
        } else {
            Record::Content(Box::new(Content {
                kind: ContentKind::Topic,
                public_id: row.id.to_string(),
                category_id: Some((row.id % 2).to_string()),
                posted_at: at(row.born),
                last_activity_at: Some(at(row.touched)),
                trashed: row.trashed,
                ..Content::default()
            }))
        })
    }

    fn ids(&self) -> BTreeSet<u64> {
        self.rows.iter().map(|row| row.id).collect()
    }
}

/// What a reading met, or how it failed, and the requests that it made.
fn read(living: &mut Living, taken_up_one_in: u64) -> (Result<BTreeSet<u64>, Failure>, u64) {
    let mut met = BTreeSet::new();
    let (mut found, mut requests) = (0, 0);
    let mut checkpoint = Checkpoint::start_of(Some(living.stream));
    let mut seen = SeenKeys::default();
    'worker: loop {
        let mut reading = Reading::resume(&checkpoint, &Windows::default(), AHEAD).expect("a stream");
        let (mut asked, mut served) = (Vec::new(), Vec::new());
        for _ in 0..ANSWERS_MAX {
            loop {
                match reading.take_batch(&mut seen, &checkpoint) {
                    Err(failure) => return (Err(failure), requests),
                    Ok(None) => break,
                    Ok(Some(batch)) => {
                        found += batch.found - batch.repeated;
                        met.extend(
                            batch
                                .rows
                                .iter()
                                .map(|row| row.record.key().parse::<u64>().expect("an id")),
                        );
                        checkpoint = batch.checkpoint;
                        if batch.end.is_some() {
                            assert_eq!(found, met.len() as u64, "each is counted once");
                            return (Ok(met), requests);
                        }
                        if taken_up_one_in > 0 && living.dice.one_in(taken_up_one_in) {
                            continue 'worker;
                        }
                    }
                }
            }
            living.live();
            asked.extend(reading.requests());
            // A request is served at one moment, and its answer arrives at another.
            if !asked.is_empty() && (served.is_empty() || living.dice.one_in(2)) {
                requests += 1;
                let request = asked.swap_remove(living.dice.place(asked.len()));
                let answer = living.answer(&request);
                served.push((request, answer));
            } else {
                assert!(!served.is_empty(), "the reading waits for nothing: {reading:?}");
                let (request, answer) = served.swap_remove(living.dice.place(served.len()));
                if living.dice.one_in(20) {
                    reading.failed(&request);
                } else {
                    reading.arrived(&request, answer);
                }
            }
        }
        panic!("the reading does not end: {reading:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever comes, moves and goes: a row that is there all the time is met, or the run fails for it.
    #[test]
    fn no_row_slips_past(
        stream in prop::sample::select(STREAMS.to_vec()), rows in prop_oneof![0_u64..130, 150_u64..1_100], changes in 0_u64..40, taken_up_one_in in 0_u64..12,
        dice: u64,
    ) {
        let mut living = Living::new(stream, rows, changes, Dice::new(dice));
        let before = living.ids();
        match read(&mut living, taken_up_one_in).0 {
            Ok(met) => {
                let there: BTreeSet<u64> = before.intersection(&living.ids()).copied().collect();
                let lost: Vec<_> = there.difference(&met).collect();
                prop_assert!(lost.is_empty(), "{lost:?} are lost");
            }
            Err(failure) => {
                prop_assert_eq!(failure.code, CauseCode::ListingUnsteady);
                prop_assert!(living.happened >= 5, "only {} changes", living.happened);
            }
        }
    }

    /// What only comes or moves is no reason to read everything again.
    #[test]
    fn a_listing_at_rest_takes_one_pass(
        stream in prop::sample::select(STREAMS.to_vec()), rows in 0_u64..1_100, dice: u64,
    ) {
        let mut living = Living::new(stream, rows, 0, Dice::new(dice));
        let (met, requests) = read(&mut living, 0);
        prop_assert_eq!(met.expect("it holds still").len() as u64, rows);
        prop_assert!(requests <= (rows / 100 + 1 + 4) * 11 / 10 + 9, "{requests} requests, failures included");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// However long a list is, something comes while it is read: that is no reason to read it all again. (Of topics, a
    /// pass is a hundred pages at most, and one that comes between the first page and the count costs a second one.)
    #[test]
    fn what_comes_and_moves_does_not_cost_another_pass(
        stream in prop::sample::select(vec![Stream::Users, Stream::Activity]), rows in 6_000_u64..6_200, changes in 1_u64..4, dice: u64,
    ) {
        let mut living = Living::new(stream, rows, changes, Dice::new(dice));
        living.goes = false;
        let before = living.ids();
        let (met, requests) = read(&mut living, 0);
        let met = met.expect("nothing goes");
        prop_assert!(met.is_superset(&before));
        // Each time something comes, the pages asked for meanwhile are asked for again.
        prop_assert!(requests < rows / 100 * 2, "{requests} requests for {rows} rows");
    }
}

#[test]
fn a_row_that_slides_from_a_page_that_is_read_to_one_that_was_is_met() {
    let mut living = Living::new(Stream::Users, 300, 0, Dice::new(1));
    let start = Checkpoint::start_of(Some(Stream::Users));
    let mut reading = Reading::resume(&start, &Windows::default(), AHEAD).expect("a stream");
    let mut seen = SeenKeys::default();
    let first = reading.requests().remove(0);
    reading.arrived(&first, living.answer(&first));
    let [second, third] = reading.requests().try_into().expect("the other two");
    let served_before = living.answer(&third);
    living.rows.insert(
        0,
        Row {
            id: 7_000,
            born: 301,
            touched: 301,
            trashed: false,
        },
    );
    reading.arrived(&third, served_before);
    reading.arrived(&second, living.answer(&second));
    let batch = reading
        .take_batch(&mut seen, &start)
        .expect("no failure")
        .expect("two pages");
    assert_eq!(
        (batch.found, batch.repeated),
        (200, 1),
        "the third page is not taken"
    );
    assert_eq!(reading.requests(), [third], "it is asked for again");
}
