use std::collections::{BTreeMap, BTreeSet};

use domain::{Dice, Ledger, Stream, record::InvalidReason, record::Record};

use super::{
    fixtures::{
        Started, assert_lost, at, claim_request, finish_as, invalid_record, page, row, run, started, stored,
    },
    records::{topic, version},
};
use crate::{Fenced, PageCommit, PageOutcome, Row, Store, StoreError, StreamEnd};

const SEEDS: u64 = 8;
const COMMITS_PER_SEED: u64 = 40;
const KEYS: u64 = 25;
const VERSIONS: u64 = 3;

/// What should be stored of one connection.
#[derive(Default)]
struct Model {
    rows: BTreeMap<(Stream, String), Record>,
    due: BTreeSet<String>,
    ledgers: BTreeMap<Stream, Ledger>,
    requests: u64,
    checkpoint: Option<String>,
}

impl Model {
    /// Takes a commit in, and says how its rows should be counted.
    fn take(&mut self, commit: &PageCommit) -> PageOutcome {
        let mut outcome = PageOutcome::default();
        for row in &commit.rows {
            let key = (commit.stream, row.record.key().to_owned());
            let before = self.rows.insert(key, row.record.clone());
            if commit.stream == Stream::Topics && moved(before.as_ref(), &row.record) {
                self.due.insert(row.record.key().to_owned());
            }
            match before {
                _ if row.repeated => {}
                None => outcome.new += 1,
                Some(before) if before == row.record => outcome.unchanged += 1,
                Some(_) => outcome.updated += 1,
            }
        }
        for read in &commit.replies_read {
            self.due.remove(read);
        }
        let page = Ledger {
            found: commit.found,
            new: outcome.new,
            updated: outcome.updated,
            unchanged: outcome.unchanged,
            invalid: commit.invalid.len() as u64,
            repeated: commit.repeated,
            refused: commit.refused,
            pages: commit.pages,
            ..Ledger::default()
        };
        let ledger = self.ledgers.entry(commit.stream).or_default();
        *ledger = ledger.plus(page);
        self.requests += commit.requests;
        self.checkpoint = Some(commit.checkpoint.clone());
        outcome
    }
}

fn moved(before: Option<&Record>, now: &Record) -> bool {
    let activity = |record: &Record| match record {
        Record::Content(content) => (content.reply_count, content.last_activity_at),
        _ => (0, None),
    };
    let has_replies = activity(now).0 > 0;
    before.map_or(has_replies, |before| {
        activity(before) != activity(now) && (has_replies || activity(before).0 > 0)
    })
}

fn random_record(dice: &mut Dice, stream: Stream, key: u64) -> Record {
    let key = key.to_string();
    if stream == Stream::Topics {
        let replies = i64::try_from(dice.below(2)).unwrap_or_default();
        let activity = i64::try_from(dice.below(2)).unwrap_or_default();
        topic(&key, replies, activity)
    } else {
        version(stream, &key, dice.below(VERSIONS))
    }
}

fn random_commit(dice: &mut Dice, started: &Started) -> PageCommit {
    let stream = Stream::ALL[usize::try_from(dice.below(6)).unwrap_or_default()];
    let mut rows = Vec::new();
    for key in 0..KEYS {
        if dice.below(3) == 0 {
            rows.push(Row {
                repeated: dice.below(5) == 0,
                ..row(random_record(dice, stream, key))
            });
        }
    }
    let invalid: Vec<_> = (0..u32::try_from(dice.below(3)).unwrap_or_default())
        .map(|number| invalid_record(stream, InvalidReason::MissingId, number))
        .collect();
    let repeated_rows = rows.iter().filter(|row| row.repeated).count() as u64;
    let repeated = repeated_rows + dice.below(2);
    let replies_read = (0..dice.below(4)).map(|_| dice.below(KEYS).to_string()).collect();
    PageCommit {
        found: rows.len() as u64 - repeated_rows + invalid.len() as u64 + repeated,
        rows,
        invalid,
        repeated,
        refused: dice.below(2),
        requests: dice.below(4),
        replies_read: if stream == Stream::Replies {
            replies_read
        } else {
            Vec::new()
        },
        checkpoint: dice.below(1_000_000).to_string(),
        ..page(started.connection, stream)
    }
}

/// Two connections, commits at random to either, now and then one that is miscounted or carries a lost lease. At the end
/// each holds what its model holds.
pub async fn random_commits_leave_what_a_model_says(store: &dyn Store) {
    let mut tenants = Vec::new();
    for number in [1, 2] {
        tenants.push((started(store, number).await, Model::default()));
    }
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        for step in 0..COMMITS_PER_SEED {
            let (started, model) = &mut tenants[usize::from(dice.below(2) == 0)];
            let commit = random_commit(&mut dice, started);
            let told = format!("seed {seed}, step {step}");
            if dice.below(6) == 0 {
                refuse(store, &mut dice, started, &commit, &told).await;
            } else {
                let expected = model.take(&commit);
                let written = store.commit_page(&started.lease, &commit).await;
                assert_eq!(written.expect("a page"), expected, "{told}");
            }
        }
        for (started, model) in &tenants {
            compare(store, started, model, &format!("seed {seed}")).await;
        }
    }
    for (started, model) in &tenants {
        take_up_and_complete(store, started, model).await;
    }
}

async fn refuse(store: &dyn Store, dice: &mut Dice, started: &Started, commit: &PageCommit, told: &str) {
    if dice.below(2) == 0 {
        let miscounted = PageCommit {
            found: commit.found + 1 + dice.below(3),
            ..commit.clone()
        };
        let refused = store.commit_page(&started.lease, &miscounted).await;
        assert!(
            matches!(refused, Err(Fenced::Store(StoreError::LedgerUnbalanced(_)))),
            "{told}: {refused:?}"
        );
    } else {
        let mut lease = started.lease.clone();
        lease.fencing_token -= 1;
        assert_lost(store.commit_page(&lease, commit).await);
    }
}

async fn compare(store: &dyn Store, started: &Started, model: &Model, told: &str) {
    let run = run(store, started.lease.run_id).await;
    assert_eq!(run.requests, model.requests, "{told}");
    for of_run in run.streams {
        let stream = of_run.stream;
        let mut expected: Vec<Record> = model
            .rows
            .iter()
            .filter(|((of, _), _)| *of == stream)
            .map(|(_, record)| record.clone())
            .collect();
        expected.sort_by(|a, b| a.key().cmp(b.key()));
        let held = stored(store, started.connection, stream).await;
        assert_eq!(held, expected, "{told}: {stream}");
        let ledger = model.ledgers.get(&stream).copied().unwrap_or_default();
        assert_eq!(of_run.ledger, ledger, "{told}: {stream}");
    }
    let due = store
        .topics_awaiting_replies(started.connection, None, 100)
        .await
        .expect("an answer");
    let due: BTreeSet<String> = due.into_iter().map(|topic| topic.public_id).collect();
    assert_eq!(due, model.due, "{told}");
    let overview = store.overview(at(0)).await.expect("an overview");
    let card = overview
        .iter()
        .find(|card| card.connection.id == started.connection);
    let counts = card.expect("the connection").counts;
    let rows = [
        counts.idea_statuses,
        counts.categories,
        counts.users,
        counts.topics,
        counts.replies,
        counts.activity,
    ];
    assert_eq!(rows.iter().sum::<u64>(), model.rows.len() as u64, "{told}");
}

/// After all that, another worker gets the last checkpoint, and the run can be green: its accounts agree.
async fn take_up_and_complete(store: &dyn Store, started: &Started, model: &Model) {
    let request = crate::ClaimRequest {
        only: Some(started.lease.run_id),
        ..claim_request(at(31))
    };
    let claimed = store.claim(&request).await.expect("an answer").expect("the run");
    assert_eq!(claimed.checkpoint, model.checkpoint);
    for stream in Stream::ALL {
        let end = PageCommit {
            end: Some(StreamEnd {
                at: at(50),
                source: domain::ActivitySource::Api,
            }),
            ..page(started.connection, stream)
        };
        store
            .commit_page(&claimed.lease, &end)
            .await
            .expect("the end of a stream");
    }
    let state = domain::RunState::CompletedWithInvalid;
    store
        .finish(&claimed.lease, &finish_as(state, 60))
        .await
        .expect("a success");
}
