use chrono::{Days, NaiveDate};
use domain::record::Subtype;
use serde::{Deserialize, Serialize};

use crate::{PAGE_SIZE, TopicFilter};

/// The provider serves the first 10,000 topics of a query and no more.
const SERVED_RECORDS: u32 = 10_000;

/// The last page of a query that is served. If it is full, the query may match more than is served.
pub(crate) const LAST_SERVED_PAGE: u32 = SERVED_RECORDS / PAGE_SIZE;

/// Before any of the provider's communities existed; a shard that begins here is asked for without a beginning.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar");
/// After any topic is created; a shard that ends here is asked for without an end.
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2099, 12, 31).expect("a day of the calendar");

/// A part of the topics: one content type, created on these days, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    subtype: Subtype,
    from: NaiveDate,
    to: NaiveDate,
}

impl Shard {
    /// All topics, cut by content type.
    pub(crate) fn all() -> Vec<Self> {
        let whole = |subtype| Self {
            subtype,
            from: FIRST_DAY,
            to: LAST_DAY,
        };
        Subtype::ALL.map(whole).to_vec()
    }

    /// The two halves of the days; `None` of a single day.
    pub(crate) fn split(&self) -> Option<[Self; 2]> {
        let days = u64::try_from((self.to - self.from).num_days()).ok()?;
        let middle = self.from.checked_add_days(Days::new(days / 2))?;
        let after = middle.succ_opt().filter(|after| *after <= self.to)?;
        let earlier = Self {
            to: middle,
            ..self.clone()
        };
        let later = Self {
            from: after,
            ..self.clone()
        };
        Some([earlier, later])
    }

    /// How to ask for it. Whether the provider's `to` includes its day is not known, so the day after is named, and
    /// neighbours overlap by a day if it does.
    pub(crate) fn filter(&self, active_since: Option<NaiveDate>) -> TopicFilter {
        let to = self.to.succ_opt().unwrap_or(self.to);
        TopicFilter {
            active_since,
            subtype: Some(self.subtype),
            created_from: (self.from > FIRST_DAY).then_some(self.from),
            created_to: (self.to < LAST_DAY).then_some(to),
        }
    }

    /// Such as `questions created on 2024-03-05`.
    pub(crate) fn name(&self) -> String {
        let kind = self.subtype.as_str().replace('_', " ");
        if self.from == self.to {
            format!("{kind}s created on {}", self.from)
        } else {
            format!("{kind}s created from {} to {}", self.from, self.to)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CAP: u64 = SERVED_RECORDS as u64;

    /// So many topics of one type, created on one day.
    #[derive(Clone, Debug)]
    struct Heap {
        subtype: Subtype,
        day: NaiveDate,
        topics: u64,
    }

    impl Heap {
        fn matches(&self, filter: &TopicFilter, to_includes: bool) -> bool {
            let before_end = |to: NaiveDate| self.day < to || (to_includes && self.day == to);
            filter.subtype.is_none_or(|subtype| subtype == self.subtype)
                && filter.created_from.is_none_or(|from| self.day >= from)
                && filter.created_to.is_none_or(before_end)
        }
    }

    prop_compose! {
        fn heap()(
            subtype in prop::sample::select(Subtype::ALL.to_vec()),
            day in prop_oneof![-20_000_i64..60_000, 9_000_i64..9_020],
            topics in prop_oneof![1_u64..300, 3_000_u64..9_999],
        ) -> Heap {
            let day = FIRST_DAY + chrono::TimeDelta::days(day);
            Heap { subtype, day, topics }
        }
    }

    proptest! {
        #[test]
        fn every_topic_is_read_whatever_the_distribution(
            heaps in prop::collection::vec(heap(), 0..120), to_includes: bool,
        ) {
            let mut read = vec![false; heaps.len()];
            let (mut shards, mut asked) = (Shard::all(), 0);
            while let Some(shard) = shards.pop() {
                asked += 1;
                let filter = shard.filter(None);
                let within: Vec<usize> = (0..heaps.len()).filter(|at| heaps[*at].matches(&filter, to_includes)).collect();
                let topics: u64 = within.iter().map(|at| heaps[*at].topics).sum();
                if topics < CAP {
                    for at in within {
                        read[at] = true;
                    }
                } else if let Some(halves) = shard.split() {
                    shards.extend(halves);
                } else {
                    let days = shard.to - shard.from + chrono::TimeDelta::days(1);
                    prop_assert!(days <= chrono::TimeDelta::days(1), "{shard:?}");
                    return Ok(());
                }
            }
            prop_assert!(read.iter().all(|read| *read));
            // Each of the types is cut at most as deep as a century has halves, once for each heap.
            prop_assert!(asked <= 5 + 2 * 16 * heaps.len().max(1), "{asked}");
        }
    }

    #[test]
    fn halves_meet_without_a_gap_until_a_day_is_left() {
        let mut shard = Shard::all().remove(4);
        assert_eq!(shard.filter(None).created_from, None);
        let mut depth = 0;
        while let Some([earlier, later]) = shard.split() {
            assert_eq!(earlier.to.succ_opt(), Some(later.from));
            assert_eq!((earlier.from, later.to), (shard.from, shard.to));
            shard = if depth % 2 == 0 { earlier } else { later };
            depth += 1;
        }
        assert_eq!(shard.from, shard.to);
        assert!(depth <= 16, "{depth}");
        assert_eq!(shard.name(), format!("questions created on {}", shard.from));
    }
}
