use chrono::{DateTime, Utc};
use domain::{
    ActivitySource, Stream,
    record::{InvalidRecord, Record},
};
use store::{ContentHash, Row};

use crate::{
    Failure, Page, Served,
    checkpoint::Checkpoint,
    hash::content_hash,
    seen::{SeenKeys, compact, compact_invalid},
    steady::{Mark, Met},
};

/// One or more pages of a stream, ready to be committed together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) stream: Stream,
    pub(crate) rows: Vec<Row>,
    pub(crate) invalid: Vec<InvalidRecord>,
    pub(crate) found: u64,
    pub(crate) repeated: u64,
    pub(crate) refused: u64,
    pub(crate) pages: u64,
    /// Records that the run has seen are read again on purpose: they are not counted as found.
    pub(crate) rereads: bool,
    pub(crate) seen: SeenKeys,
    /// The greatest activity time among the records.
    pub(crate) watermark: Option<DateTime<Utc>>,
    pub(crate) replies_read: Vec<String>,
    pub(crate) checkpoint: Checkpoint,
    /// Set if the stream is read to its end with this batch.
    pub(crate) end: Option<ActivitySource>,
    /// The run fails with this batch, and what it brought is kept.
    pub(crate) failure: Option<Failure>,
}

impl Batch {
    pub(crate) fn new(stream: Stream, checkpoint: Checkpoint) -> Self {
        Self {
            stream,
            rows: Vec::new(),
            invalid: Vec::new(),
            found: 0,
            repeated: 0,
            refused: 0,
            pages: 0,
            rereads: false,
            seen: SeenKeys::default(),
            watermark: None,
            replies_read: Vec::new(),
            checkpoint,
            end: None,
            failure: None,
        }
    }

    /// Adds a page; `seen` is what the run has seen of the stream so far.
    pub(crate) fn add(&mut self, page: Page, seen: &mut SeenKeys) -> Met {
        self.pages += 1;
        let mut met = Met::default();
        met.marks.reserve(page.records.len());
        for served in page.records {
            match served {
                Served::Valid(record) => self.add_record(record, seen, &mut met),
                Served::Invalid(record) => self.add_invalid(record, seen, &mut met),
            }
        }
        self.watermark = self.watermark.max(met.newest);
        met
    }

    /// Takes out activity from before a time, and says how many records that are not repeated went.
    pub(crate) fn leave_out_activity(&mut self, since: DateTime<Utc>) -> u64 {
        let mut left_out = 0;
        self.rows.retain(|row| {
            let old = matches!(&row.record, Record::Activity(event) if event.occurred_at < since);
            left_out += u64::from(old && !row.repeated);
            !old
        });
        left_out
    }

    /// It may have no id, so it is known by what it holds.
    fn add_invalid(&mut self, record: InvalidRecord, seen: &mut SeenKeys, met: &mut Met) {
        let content = invalid_content(&record);
        let key = compact_invalid(&content);
        met.marks.push(Mark { key, content: key });
        let known = !seen.insert_invalid(&content);
        met.fresh += u64::from(!known);
        self.seen.insert_invalid(&content);
        if !(known && self.rereads) {
            self.found += 1;
            self.invalid.push(record);
        }
    }

    fn add_record(&mut self, record: Record, seen: &mut SeenKeys, met: &mut Met) {
        let repeated = !seen.insert(record.key());
        met.fresh += u64::from(!repeated);
        if !(repeated && self.rereads) {
            self.found += 1;
            self.repeated += u64::from(repeated);
        }
        let in_batch = !self.seen.insert(record.key());
        met.newest = met.newest.max(record.activity_time());
        let hash = content_hash(&record);
        met.marks.push(Mark {
            key: compact(record.key()),
            content: short(hash),
        });
        // Each key is written once.
        let earlier = if in_batch {
            self.rows.iter_mut().find(|row| row.record.key() == record.key())
        } else {
            None
        };
        if let Some(first) = earlier {
            // The later serving is the fresher one; the row stays counted as what the first one was.
            *first = Row {
                record,
                hash,
                repeated: first.repeated,
            };
        } else {
            self.rows.push(Row {
                record,
                hash,
                repeated,
            });
        }
    }
}

/// What a broken record is known by.
pub(crate) fn invalid_content(record: &InvalidRecord) -> String {
    format!("{} {}", record.name, record.payload)
}

/// Enough of a hash to tell the records of a page apart.
fn short(hash: ContentHash) -> u64 {
    hash.0.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::record::{Activity, IdeaStatus, InvalidReason};
    use proptest::prelude::*;

    use super::*;

    fn status(id: u8, name: &str) -> Served {
        let status = IdeaStatus {
            idea_status_id: id.to_string(),
            name: name.into(),
            ..IdeaStatus::default()
        };
        Served::Valid(Record::IdeaStatus(status))
    }

    fn invalid() -> Served {
        Served::Invalid(InvalidRecord {
            stream: Stream::IdeaStatuses,
            reason: InvalidReason::MissingId,
            name: "idea status".into(),
            message: "no id".into(),
            payload: "{}".into(),
            payload_cut: false,
            topic_public_id: None,
            repaired_at: None,
        })
    }

    #[test]
    fn a_record_served_twice_is_written_once_as_it_was_served_last() {
        let mut seen = SeenKeys::default();
        let mut batch = Batch::new(Stream::IdeaStatuses, Checkpoint::Done);
        batch.add(
            Page {
                records: vec![status(1, "New"), status(1, "Open")],
                ..Page::default()
            },
            &mut seen,
        );
        assert_eq!((batch.found, batch.repeated, batch.rows.len()), (2, 1, 1));
        assert!(matches!(&batch.rows[0].record, Record::IdeaStatus(status) if status.name == "Open"));
        assert!(
            !batch.rows[0].repeated,
            "its first serving is the one that counts"
        );
    }

    #[test]
    fn a_record_of_an_earlier_batch_is_repeated_but_still_written() {
        let mut seen = SeenKeys::default();
        seen.insert("1");
        let mut batch = Batch::new(Stream::IdeaStatuses, Checkpoint::Done);
        batch.add(
            Page {
                records: vec![status(1, "New")],
                ..Page::default()
            },
            &mut seen,
        );
        assert!(batch.rows[0].repeated);
        assert_eq!(batch.repeated, 1);
    }

    #[test]
    fn a_record_that_is_read_again_on_purpose_is_written_but_not_found() {
        let mut seen = SeenKeys::default();
        let page = |name| Page {
            records: vec![status(1, name), invalid()],
            ..Page::default()
        };
        Batch::new(Stream::IdeaStatuses, Checkpoint::Done).add(page("New"), &mut seen);
        let mut batch = Batch::new(Stream::IdeaStatuses, Checkpoint::Done);
        batch.rereads = true;
        batch.add(page("Open"), &mut seen);
        batch.add(
            Page {
                records: vec![status(2, "Closed")],
                ..Page::default()
            },
            &mut seen,
        );
        assert_eq!((batch.found, batch.repeated, batch.invalid.len()), (1, 0, 0));
        let repeated: Vec<_> = batch.rows.iter().map(|row| row.repeated).collect();
        assert_eq!(repeated, [true, false], "what differs is written all the same");
    }

    #[test]
    fn activity_past_its_retention_is_left_out_and_counted_once() {
        let view = |id: u8, day: i64| {
            Served::Valid(Record::Activity(Activity {
                event_id: id.to_string(),
                occurred_at: DateTime::UNIX_EPOCH + TimeDelta::days(day),
                ..Activity::default()
            }))
        };
        let mut seen = SeenKeys::default();
        seen.insert("1");
        let mut batch = Batch::new(Stream::Activity, Checkpoint::Done);
        let records = vec![view(1, 8), view(2, 9), view(3, 10), view(4, 11)];
        batch.add(
            Page {
                records,
                ..Page::default()
            },
            &mut seen,
        );
        assert_eq!(
            batch.leave_out_activity(DateTime::UNIX_EPOCH + TimeDelta::days(10)),
            1
        );
        let kept: Vec<_> = batch.rows.iter().map(|row| row.record.key()).collect();
        assert_eq!(kept, ["3", "4"], "what is as old as that stays");
        assert_eq!((batch.found, batch.repeated), (4, 1));
    }

    proptest! {
        #[test]
        fn every_record_found_is_a_counted_row_or_invalid_or_repeated(ids in prop::collection::vec(prop::option::of(0_u8..20), 0..60)) {
            let mut seen = SeenKeys::default();
            let mut batch = Batch::new(Stream::IdeaStatuses, Checkpoint::Done);
            for page in ids.chunks(7) {
                let records = page.iter().map(|id| id.map_or_else(invalid, |id| status(id, "s"))).collect();
                batch.add(Page { records, ..Page::default() }, &mut seen);
            }
            let counted = batch.rows.iter().filter(|row| !row.repeated).count() as u64;
            prop_assert_eq!(batch.found, counted + batch.invalid.len() as u64 + batch.repeated);
            prop_assert_eq!(batch.found, ids.len() as u64);
        }
    }
}
