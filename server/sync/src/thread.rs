//! The replies of one topic: a list with the oldest first, which does not say how long it is.
//!
//! New ones come at its end. Where one goes, those after it slip forward, so the pages are read from the last to the first:
//! then what slips forward is met twice, and never missed. Where one comes back from the trash, those after it are pushed
//! backward, perhaps past the place of the reading: so the page that was read first is read again at the end, and if it begins
//! with another reply than before, all of them are. A single page shows one moment, and none of this is owed.
//!
//! What cannot be seen: one that goes while another comes back before it.

use domain::{CauseCode, Stream};
use serde::{Deserialize, Serialize};

use crate::{
    Failure, PAGE_SIZE, Page, Served,
    batch::invalid_content,
    seen::{compact, compact_invalid},
};

/// How often the replies of one topic are read that do not hold still, as with other lists.
const PASSES_MAX: u32 = 5;

/// Pages of one topic that are looked for at most: ten million replies.
const PAGES_MAX: u32 = 100_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// The last page is looked for.
    #[default]
    Last,
    /// The pages before it are read, the first one last.
    Down,
    /// Does the last page begin as it did?
    Check,
}

/// How far the reading of a topic's replies has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Thread {
    step: Step,
    /// The page to ask for.
    page: u32,
    /// The lowest page that has been read.
    lowest: Option<u32>,
    /// A page behind the end.
    empty: Option<u32>,
    /// The last page, and what it began with; nothing if it was empty.
    last: u32,
    begins_with: Option<u64>,
    passes: u32,
}

impl Thread {
    /// The last page is looked for where the topic says it is.
    pub(crate) fn begin(reply_count: u64) -> Self {
        let full = u32::try_from(reply_count / u64::from(PAGE_SIZE)).unwrap_or(PAGES_MAX);
        Self {
            page: full.saturating_add(1).min(PAGES_MAX),
            ..Self::default()
        }
    }

    /// The page to ask for; they count from 1.
    pub(crate) fn page(&self) -> u32 {
        self.page.clamp(1, PAGES_MAX)
    }

    /// Whether its replies have been met before, on purpose.
    pub(crate) fn rereads(&self) -> bool {
        self.passes > 0
            || self.step == Step::Check
            || (self.step == Step::Down && self.lowest.is_some_and(|lowest| self.page >= lowest))
    }

    /// What follows the page that was asked for; `None` if nothing does.
    pub(crate) fn after(mut self, page: &Page) -> Result<Option<Self>, Failure> {
        let number = self.page();
        let begins_with = page.records.first().map(key_of);
        match self.step {
            Step::Last => {}
            Step::Down => {
                self.lowest = self.lowest.min(Some(number));
                return Ok(Some(self.down_from(number)));
            }
            Step::Check if begins_with == self.begins_with => return Ok(None),
            Step::Check => {
                self.passes += 1;
                if self.passes == PASSES_MAX {
                    return Err(unsteady());
                }
                (self.step, self.empty) = (Step::Last, None);
            }
        }
        self.after_last(number, begins_with, page.last)
    }

    /// A page was met that may be the last.
    fn after_last(
        mut self,
        number: u32,
        begins_with: Option<u64>,
        short: bool,
    ) -> Result<Option<Self>, Failure> {
        let comes_from_below = self.lowest.is_some_and(|lowest| lowest < number);
        if begins_with.is_none() && number > 1 && !comes_from_below {
            // Some replies are counted that are not served; if those are many, the count is good for nothing.
            self.page = if self.empty.is_none() {
                number - 1
            } else {
                number / 2
            };
            self.empty = Some(number);
            return Ok(Some(self));
        }
        self.lowest = Some(self.lowest.map_or(number, |lowest| lowest.min(number)));
        if short {
            (self.last, self.begins_with) = (number, begins_with);
        } else if self.empty == Some(number + 1) {
            (self.last, self.begins_with) = (number + 1, None);
        } else if number < PAGES_MAX {
            self.page = number + 1;
            return Ok(Some(self));
        } else {
            return Err(endless());
        }
        Ok((self.last > 1).then(|| self.down_from(number)))
    }

    fn down_from(mut self, number: u32) -> Self {
        (self.step, self.page) = if number > 1 {
            (Step::Down, number - 1)
        } else {
            (Step::Check, self.last)
        };
        self
    }
}

fn key_of(served: &Served) -> u64 {
    match served {
        Served::Valid(record) => compact(record.key()),
        Served::Invalid(record) => compact_invalid(&invalid_content(record)),
    }
}

fn unsteady() -> Failure {
    Failure {
        code: CauseCode::ListingUnsteady,
        message: format!(
            "The replies of a topic were read {PASSES_MAX} times, and each time some went or came back meanwhile, so that \
             others may have slipped past. What was read is kept."
        ),
        retry_after: None,
    }
}

pub(crate) fn endless() -> Failure {
    Failure {
        code: CauseCode::AnswerMalformed,
        message: format!(
            "The list of {} did not end after {PAGES_MAX} pages.",
            Stream::Replies
        ),
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{
        Dice,
        record::{Content, ContentKind, Record},
    };
    use proptest::prelude::*;

    use super::*;

    const PAGE: usize = PAGE_SIZE as usize;

    fn page_of(replies: &[u64], number: u32) -> Page {
        let reply = |id: &u64| {
            Served::Valid(Record::Content(Box::new(Content {
                kind: ContentKind::Reply,
                public_id: id.to_string(),
                ..Content::default()
            })))
        };
        let rows = replies.iter().skip((number as usize - 1) * PAGE).take(PAGE);
        let records: Vec<_> = rows.map(reply).collect();
        Page {
            last: records.len() < PAGE,
            records,
            announced: None,
        }
    }

    /// Reads all, and says how many requests that took. Something may change before each answer.
    fn read(
        replies: &mut Vec<u64>,
        counted: u64,
        mut change: impl FnMut(&mut Vec<u64>),
    ) -> Result<(BTreeSet<u64>, usize), Failure> {
        let (mut met, mut requests, mut found, mut repeated) = (BTreeSet::new(), 0, 0, 0);
        let mut thread = Thread::begin(counted);
        loop {
            change(replies);
            requests += 1;
            assert!(requests < 500, "it does not end: {thread:?}");
            let page = page_of(replies, thread.page());
            for served in &page.records {
                let Served::Valid(record) = served else {
                    unreachable!()
                };
                let is_new = met.insert(record.key().parse::<u64>().expect("an id"));
                found += usize::from(is_new || !thread.rereads());
                repeated += usize::from(!is_new && !thread.rereads());
            }
            match thread.after(&page)? {
                Some(next) => thread = next,
                None => break,
            }
        }
        assert_eq!(found - repeated, met.len(), "each is counted once");
        Ok((met, requests))
    }

    #[test]
    fn one_page_takes_one_request_and_more_take_one_to_see_that_they_held_still() {
        for (replies, requests) in [(0, 1), (99, 1), (100, 3), (101, 3), (250, 4), (300, 5)] {
            let mut rows: Vec<u64> = (0..replies).collect();
            let (met, asked) = read(&mut rows, replies, |_| {}).expect("it holds still");
            assert_eq!(
                (met.len() as u64, asked),
                (replies, requests),
                "{replies} replies"
            );
        }
    }

    proptest! {
        /// Whatever the topic says: nothing is left out, and few requests are spent on a number that is wrong.
        #[test]
        fn a_wrong_count_costs_little(replies in 0_u64..1_200, counted in prop_oneof![0_u64..2_000, any::<u64>()]) {
            let mut rows: Vec<u64> = (0..replies).collect();
            let (met, requests) = read(&mut rows, counted, |_| {}).expect("it holds still");
            prop_assert_eq!(met.len() as u64, replies);
            prop_assert!(requests <= 2 * (rows.len() / PAGE + 1) + 1 + 20, "{}", requests);
        }

        /// Replies come, and either go or come back from the trash.
        #[test]
        fn no_reply_slips_past(
            replies in 90_u64..900, counted in 0_u64..900, changes in 0_u64..6, goes: bool, dice: u64,
        ) {
            let mut rows: Vec<u64> = (0..replies).map(|at| at * 10).collect();
            let before: BTreeSet<u64> = rows.iter().copied().collect();
            let (mut dice, mut left, mut next) = (Dice::new(dice), changes, 1_000_000);
            let change = |rows: &mut Vec<u64>| {
                if left == 0 || !dice.one_in(2) {
                    return;
                }
                left -= 1;
                next += 1;
                let place = dice.place(rows.len());
                match (dice.one_in(3), goes) {
                    (true, _) => rows.push(next),
                    (_, true) => drop(rows.remove(place)),
                    (_, false) => rows.insert(place, next),
                }
            };
            match read(&mut rows, counted, change) {
                Ok((met, _)) => {
                    let there: BTreeSet<u64> = rows.iter().copied().filter(|id| before.contains(id)).collect();
                    let lost: Vec<_> = there.difference(&met).collect();
                    prop_assert!(lost.is_empty(), "{lost:?} are lost");
                }
                Err(failure) => prop_assert!(changes >= 5, "{failure}"),
            }
        }
    }
}
