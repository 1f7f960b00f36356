//! The account that the simulation keeps by itself, of what took effect in the store.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use domain::{Ledger, RunId, Stream, record::Record};
use store::{ClaimedRun, ContentHash, Deletion, Lease, PageCommit, PageOutcome};

#[derive(Debug, Default)]
struct Account {
    /// What must be stored now.
    rows: BTreeMap<Stream, BTreeMap<String, ContentHash>>,
    /// What was stored and is marked as deleted; it may come back.
    deleted: HashSet<(Stream, String)>,
    /// The topic of each reply, with which it goes.
    topic_of: HashMap<String, String>,
    /// The greatest activity time ever committed.
    latest: BTreeMap<Stream, DateTime<Utc>>,
    runs: HashMap<RunId, RunAccount>,
    /// What was counted in a run and in those that it goes on from.
    counted: HashMap<(RunId, Stream), HashSet<String>>,
    wrong: Vec<String>,
}

#[derive(Debug)]
struct RunAccount {
    /// The first run of those that go on from each other.
    root: RunId,
    newest_token: i64,
    watermarks: BTreeMap<Stream, DateTime<Utc>>,
    ledgers: BTreeMap<Stream, Ledger>,
}

#[derive(Debug, Default)]
pub(crate) struct Books(Mutex<Account>);

impl Books {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker has taken a run up.
    pub(crate) fn claimed(&self, claimed: &ClaimedRun) {
        let mut account = self.account();
        for (stream, watermark) in &claimed.watermarks {
            if account.latest.get(stream).is_none_or(|latest| watermark > latest) {
                let latest = account.latest.get(stream).copied();
                account.wrong.push(format!(
                    "the watermark of {stream} is {watermark}, the data end at {latest:?}"
                ));
            }
        }
        let resumed = claimed.run.resumed_from;
        let root = resumed
            .and_then(|from| account.runs.get(&from))
            .map(|from| from.root);
        let run = account.runs.entry(claimed.run.id).or_insert_with(|| RunAccount {
            root: root.unwrap_or(claimed.run.id),
            newest_token: 0,
            watermarks: claimed.watermarks.clone(),
            ledgers: BTreeMap::new(),
        });
        run.newest_token = claimed.lease.fencing_token;
        if run.watermarks != claimed.watermarks {
            account
                .wrong
                .push("a run that is taken up again has another window".into());
        }
    }

    /// A write of this worker took effect.
    pub(crate) fn wrote(&self, lease: &Lease, what: &str) {
        let mut account = self.account();
        let newest = account.runs.get(&lease.run_id).map(|run| run.newest_token);
        if newest != Some(lease.fencing_token) {
            account.wrong.push(format!(
                "a {what} was taken from a worker that had lost its lease"
            ));
        }
    }

    pub(crate) fn committed(&self, lease: &Lease, commit: &PageCommit, outcome: PageOutcome) {
        self.wrote(lease, "commit");
        self.account().enter(lease.run_id, commit, outcome);
    }

    pub(crate) fn deleted(&self, lease: &Lease, deletion: &Deletion) {
        self.wrote(lease, "deletion");
        self.account().forget(deletion);
    }

    /// What was found to be wrong since it was last asked for.
    pub(crate) fn take_wrong(&self) -> Vec<String> {
        std::mem::take(&mut self.account().wrong)
    }

    pub(crate) fn ledger(&self, run: RunId, stream: Stream) -> Ledger {
        let account = self.account();
        let run = account.runs.get(&run);
        run.and_then(|run| run.ledgers.get(&stream))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn rows(&self, stream: Stream) -> BTreeMap<String, ContentHash> {
        self.account().rows.get(&stream).cloned().unwrap_or_default()
    }

    /// Whether the provider refused anything to the run, or to those that it goes on from.
    pub(crate) fn refused(&self, run: RunId) -> bool {
        let account = self.account();
        let root = account.runs.get(&run).map_or(run, |run| run.root);
        let chain = account.runs.values().filter(|of| of.root == root);
        chain
            .flat_map(|of| of.ledgers.values())
            .any(|ledger| ledger.refused > 0)
    }

    /// What the run and those that it goes on from counted as new, updated or unchanged.
    pub(crate) fn counted(&self, run: RunId, stream: Stream) -> HashSet<String> {
        let account = self.account();
        let root = account.runs.get(&run).map_or(run, |run| run.root);
        account.counted.get(&(root, stream)).cloned().unwrap_or_default()
    }
}

impl Account {
    fn forget(&mut self, deletion: &Deletion) {
        let mut gone: Vec<_> = deletion
            .keys
            .iter()
            .map(|key| (deletion.stream, key.clone()))
            .collect();
        if deletion.stream == Stream::Topics {
            let of_gone = |reply: &&String| {
                self.topic_of
                    .get(*reply)
                    .is_some_and(|topic| deletion.keys.contains(topic))
            };
            let replies = self
                .rows
                .get(&Stream::Replies)
                .into_iter()
                .flat_map(BTreeMap::keys);
            gone.extend(
                replies
                    .filter(of_gone)
                    .map(|reply| (Stream::Replies, reply.clone())),
            );
        }
        for (stream, key) in gone {
            if self
                .rows
                .get_mut(&stream)
                .is_some_and(|rows| rows.remove(&key).is_some())
            {
                self.deleted.insert((stream, key));
            }
        }
    }

    fn enter(&mut self, run_id: RunId, commit: &PageCommit, outcome: PageOutcome) {
        let stream = commit.stream;
        let Some(run) = self.runs.get_mut(&run_id) else {
            return;
        };
        let rows = self.rows.entry(stream).or_default();
        let counted = self.counted.entry((run.root, stream)).or_default();
        let mut entry = Ledger {
            found: commit.found,
            invalid: commit.invalid.len() as u64,
            repeated: commit.repeated,
            refused: commit.refused,
            pages: commit.pages,
            ..Ledger::default()
        };
        for row in &commit.rows {
            let key = row.record.key();
            let came_back = self.deleted.remove(&(stream, key.to_owned()));
            let before = rows.insert(key.to_owned(), row.hash);
            if let Record::Content(content) = &row.record
                && let Some(topic) = &content.topic_public_id
            {
                self.topic_of.insert(key.to_owned(), topic.clone());
            }
            if let Some(time) = row.record.activity_time() {
                let latest = self.latest.entry(stream).or_insert(time);
                *latest = time.max(*latest);
            }
            if counted.insert(key.to_owned()) == row.repeated {
                let told = if row.repeated { "repeated" } else { "counted" };
                self.wrong
                    .push(format!("{stream} {key} is {told}, and the run tells it wrong"));
            }
            if row.repeated {
                continue;
            }
            match before {
                None if came_back => entry.updated += 1,
                None => entry.new += 1,
                Some(before) if before == row.hash => entry.unchanged += 1,
                Some(_) => entry.updated += 1,
            }
            let times = row.record.own_time().zip(run.watermarks.get(&stream));
            let late =
                before.is_none() && !came_back && times.is_some_and(|(own, watermark)| own < *watermark);
            entry.late += u64::from(late);
        }
        if let Err(error) = entry.check() {
            self.wrong.push(format!("a commit of {stream}: {error}"));
        }
        let told = (outcome.new, outcome.updated, outcome.unchanged);
        if told != (entry.new, entry.updated, entry.unchanged) {
            self.wrong.push(format!(
                "a commit of {stream} was {entry:?}, and the store says {outcome:?}"
            ));
        }
        let ledger = run.ledgers.entry(stream).or_default();
        *ledger = ledger.plus(entry);
    }
}
