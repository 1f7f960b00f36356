use chrono::{Days, NaiveDate};
use domain::record::Subtype;
use serde::{Deserialize, Serialize};

use crate::{PAGE_SIZE, TopicFilter};

/// The provider serves the first 10,000 topics of a query and no more.
pub(crate) const SERVED_RECORDS: u32 = 10_000;

/// The last page of a query that is served. If it is full, the query may match more than is served.
pub(crate) const LAST_SERVED_PAGE: u32 = SERVED_RECORDS / PAGE_SIZE;

/// Before any of the provider's communities existed; a shard that begins here is asked for without a beginning.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar");
/// After any topic is created; a shard that ends here is asked for without an end.
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2099, 12, 31).expect("a day of the calendar");

/// A part of the topics: those created on these days, both included. All types of them, so that a type that is not
/// known is met as well; just one only where a single day is still too large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subtype: Option<Subtype>,
    from: NaiveDate,
    to: NaiveDate,
}

impl Shard {
    /// All topics.
    pub(crate) const ALL: Self = Self {
        subtype: None,
        from: FIRST_DAY,
        to: LAST_DAY,
    };

    /// Smaller parts that make it up: two halves of its days, or the types of a single day; none of one type on one day.
    /// `latest` is the last day on which anything is known to have happened: it saves halving the years to come.
    pub(crate) fn split(&self, latest: Option<NaiveDate>) -> Vec<Self> {
        let (from, to) = (self.from, self.to);
        let end = latest
            .filter(|latest| from < *latest && *latest < to)
            .unwrap_or(to);
        let days = u64::try_from((end - from).num_days()).unwrap_or(0);
        let middle = from.checked_add_days(Days::new(days / 2)).unwrap_or(from);
        match (middle.succ_opt().filter(|after| *after <= to), self.subtype) {
            (Some(after), _) => {
                let earlier = Self {
                    to: middle,
                    ..self.clone()
                };
                let later = Self {
                    from: after,
                    ..self.clone()
                };
                vec![earlier, later]
            }
            (None, None) => Subtype::ALL
                .map(|subtype| Self {
                    subtype: Some(subtype),
                    ..self.clone()
                })
                .to_vec(),
            (None, Some(_)) => Vec::new(),
        }
    }

    /// How to ask for it. Whether the provider's `to` includes its day is not known, so the day after is named, and
    /// neighbours overlap by a day if it does.
    pub(crate) fn filter(&self, active_since: Option<NaiveDate>) -> TopicFilter {
        let to = self.to.succ_opt().unwrap_or(self.to);
        TopicFilter {
            active_since,
            subtype: self.subtype,
            created_from: (self.from > FIRST_DAY).then_some(self.from),
            created_to: (self.to < LAST_DAY).then_some(to),
        }
    }

    /// Such as `questions created on 2024-03-05`.
    pub(crate) fn name(&self) -> String {
        let kind = self
            .subtype
            .map_or("topic".into(), |subtype| subtype.as_str().replace('_', " "));
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

    /// So many topics of one type, which may be one that is not known, created on one day.
    #[derive(Clone, Debug)]
    struct Heap {
        subtype: Option<Subtype>,
        day: NaiveDate,
        topics: u64,
    }

    impl Heap {
        fn matches(&self, filter: &TopicFilter, to_includes: bool) -> bool {
            let before_end = |to: NaiveDate| self.day < to || (to_includes && self.day == to);
            (filter.subtype.is_none() || filter.subtype == self.subtype)
                && filter.created_from.is_none_or(|from| self.day >= from)
                && filter.created_to.is_none_or(before_end)
        }
    }

    prop_compose! {
        fn heap()(
            subtype in prop::option::weighted(0.8, prop::sample::select(Subtype::ALL.to_vec())),
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
            heaps in prop::collection::vec(heap(), 0..120), to_includes: bool, latest in prop::option::of(-20_i64..40_000),
        ) {
            let latest = latest.map(|latest| FIRST_DAY + chrono::TimeDelta::days(latest));
            let mut read = vec![false; heaps.len()];
            let mut cut_by_type = Vec::new();
            let (mut shards, mut asked) = (Shard::ALL.split(latest), 0);
            while let Some(shard) = shards.pop() {
                asked += 1;
                let filter = shard.filter(None);
                let within: Vec<usize> = (0..heaps.len()).filter(|at| heaps[*at].matches(&filter, to_includes)).collect();
                let topics: u64 = within.iter().map(|at| heaps[*at].topics).sum();
                if topics < CAP {
                    for at in within {
                        read[at] = true;
                    }
                    continue;
                }
                let parts = shard.split(latest);
                if parts.is_empty() {
                    prop_assert!(shard.subtype.is_some() && shard.from == shard.to, "{shard:?}");
                    return Ok(());
                }
                if shard.from == shard.to {
                    cut_by_type.push(filter);
                }
                shards.extend(parts);
            }
            for (heap, read) in heaps.iter().zip(read) {
                let is_cut = cut_by_type.iter().any(|filter| heap.matches(filter, to_includes));
                prop_assert!(read || (heap.subtype.is_none() && is_cut), "{heap:?}");
            }
            // Cut at most as deep as a century has halves, and by the types, for each heap.
            prop_assert!(asked <= (2 * 17 + 5) * (heaps.len() + 1), "{asked}");
        }
    }

    #[test]
    fn halves_meet_without_a_gap_until_a_day_is_left_which_is_cut_by_type() {
        let mut shard = Shard::ALL;
        assert_eq!(shard.filter(None), TopicFilter::NONE);
        let mut depth = 0;
        while let [earlier, later] = shard.split(None).as_slice() {
            assert_eq!(earlier.to.succ_opt(), Some(later.from));
            assert_eq!((earlier.from, later.to), (shard.from, shard.to));
            shard = if depth % 2 == 0 { earlier } else { later }.clone();
            depth += 1;
        }
        assert!(depth <= 16, "{depth}");
        assert_eq!(shard.name(), format!("topics created on {}", shard.from));
        let types = shard.split(None);
        assert_eq!(types.len(), Subtype::ALL.len());
        assert_eq!(types[4].name(), format!("questions created on {}", shard.from));
        assert_eq!(types[4].split(None), []);
    }

    #[test]
    fn the_years_to_come_are_not_halved() {
        let latest = NaiveDate::from_ymd_opt(2025, 11, 19);
        let [earlier, later] = Shard::ALL.split(latest).try_into().expect("two halves");
        assert_eq!(later.to, LAST_DAY, "what is created meanwhile is in the last one");
        let [middle, _] = later.split(latest).try_into().expect("two halves");
        assert!(earlier.to < middle.to && Some(middle.to) < latest, "{middle:?}");
    }

    #[test]
    fn a_shard_that_an_earlier_version_left_behind_is_read_on() {
        let json = r#"{"subtype":"question","from":"2024-03-05","to":"2024-03-05"}"#;
        let shard: Shard = serde_json::from_str(json).expect("a shard");
        assert_eq!(shard.name(), "questions created on 2024-03-05");
    }
}
