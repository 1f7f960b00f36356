//! How the rows of a commit stand to what is stored: the same for every store. Pure.

use std::{collections::HashMap, hash::BuildHasher};

use chrono::{DateTime, Utc};
use domain::record::{ContentKind, Record};

use crate::{ContentHash, PageCommit, PageOutcome, Row, StoreError};

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
