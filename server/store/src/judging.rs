//! How the rows of a commit stand to what is stored: the same for every store. Pure.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasher,
};

use chrono::{DateTime, Utc};
use domain::record::{ContentKind, Record};

use crate::{ContentHash, PageCommit, PageOutcome, Replay, ReplayOutcome, Row, StoreError};

/// What is stored of a key before a commit.
#[derive(Clone, Debug)]
pub struct Stored {
    pub hash: ContentHash,
    pub deleted: bool,
    pub reply_count: i64,
    pub last_activity_at: Option<DateTime<Utc>>,
}

/// The rows of a commit, judged by what is stored.
#[derive(Debug, Default)]
pub struct Judged<'r> {
    /// In the order of their keys, so that rows of one page land side by side in the table, and two transactions never
    /// wait for each other's.
    pub written: Vec<Written<'r>>,
    pub outcome: PageOutcome,
    /// Rows that count as stored after the commit and did not before.
    pub gained: u64,
    /// New rows from before the watermark that the run started from.
    pub late: u64,
}

/// A row that differs from what is stored.
#[derive(Clone, Copy, Debug)]
pub struct Written<'r> {
    pub row: &'r Row,
    pub replies_due: bool,
}

/// Judges the rows of a commit. `stored` has what is stored of their keys.
pub fn judge<'r, S: BuildHasher>(
    page: &'r PageCommit,
    stored: &HashMap<String, Stored, S>,
    watermark_before: Option<DateTime<Utc>>,
) -> Judged<'r> {
    let mut judged = Judged::default();
    judged.outcome.unchanged = page.left_out;
    for row in &page.rows {
        let before = stored.get(row.record.key());
        let changed = before.is_none_or(|before| before.hash != row.hash || before.deleted);
        judged.gained += u64::from(before.is_none_or(|before| before.deleted));
        if changed {
            judged.written.push(Written {
                row,
                replies_due: replies_due(&row.record, before),
            });
        }
        if !row.repeated {
            let column = match before {
                None => {
                    let times = row.record.own_time().zip(watermark_before);
                    judged.late += u64::from(times.is_some_and(|(own, watermark)| own < watermark));
                    &mut judged.outcome.new
                }
                Some(_) if changed => &mut judged.outcome.updated,
                Some(_) => &mut judged.outcome.unchanged,
            };
            *column += 1;
        }
    }
    judged
        .written
        .sort_by(|a, b| a.row.record.key().cmp(b.row.record.key()));
    judged
}

/// Whether a topic has replies that the store does not know yet.
fn replies_due(record: &Record, before: Option<&Stored>) -> bool {
    let Record::Content(topic) = record else {
        return false;
    };
    if topic.kind != ContentKind::Topic {
        return false;
    }
    match before {
        // Its replies were deleted with it.
        Some(before) if before.deleted => topic.reply_count > 0,
        None => topic.reply_count > 0,
        Some(before) => {
            let moved =
                before.reply_count != topic.reply_count || before.last_activity_at != topic.last_activity_at;
            moved && (topic.reply_count > 0 || before.reply_count > 0)
        }
    }
}

/// What is stored of the key of a record that can be read now.
#[derive(Clone, Debug)]
pub struct Standing {
    pub hash: ContentHash,
    pub deleted: bool,
    /// Written by the run that set the record aside, by a later one, or by none.
    pub newer: bool,
}

/// What a store knows of the records of a replay.
#[derive(Debug)]
pub struct ReplayFacts {
    /// The numbers of those that are still set aside.
    pub open: HashSet<i64>,
    pub standing: HashMap<String, Standing>,
    /// A later run has committed pages of the stream.
    pub read_in_part: bool,
    /// A later run has read the stream whole.
    pub read_whole: bool,
}

/// What is to be done with the records that can be read now.
#[derive(Debug, Default)]
pub struct JudgedReplay {
    pub rows: Vec<Row>,
    /// The numbers of those that are stored after the replay.
    pub repaired: Vec<i64>,
    pub outcome: ReplayOutcome,
}

/// Judges the records that can be read now by the rules of [`ReplayStore::replay`].
///
/// [`ReplayStore::replay`]: crate::ReplayStore::replay
pub fn judge_replay(replay: &Replay, facts: &ReplayFacts) -> JudgedReplay {
    let mut judged = JudgedReplay::default();
    let mut written = HashSet::new();
    for (id, row) in replay.read.iter().filter(|(id, _)| facts.open.contains(id)) {
        let key = row.record.key();
        let (outdated, known) = match facts.standing.get(key) {
            _ if written.contains(key) => (false, true),
            Some(stands) if stands.hash == row.hash && !stands.deleted => (false, true),
            Some(stands) if stands.newer => (stands.deleted, !stands.deleted),
            Some(_) => (facts.read_in_part, false),
            None => (facts.read_whole, false),
        };
        if outdated {
            judged.outcome.outdated += 1;
            continue;
        }
        judged.repaired.push(*id);
        if known {
            judged.outcome.known += 1;
        } else {
            judged.outcome.stored += 1;
            judged.rows.push(row.clone());
        }
        written.insert(key);
    }
    judged
}

/// A row of another stream would land in the wrong table.
pub fn check_stream(page: &PageCommit) -> Result<(), StoreError> {
    match page.rows.iter().find(|row| row.record.stream() != page.stream) {
        None => Ok(()),
        Some(row) => Err(StoreError::Corrupt(format!(
            "a record of {} came with a page of {}",
            row.record.stream(),
            page.stream
        ))),
    }
}
