//! Who gives a place to whom when more runs wait than there are places. Pure.
//!
//! A run that has had no turn yet never waits for a long one: that gives way at its next page boundary. Long ones share
//! the places among themselves in turns. Short ones are left alone: the change would cost more than they do.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{RunId, TURN};
use store::Queue;

/// A run that holds a place of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) run: RunId,
    /// When it was taken up.
    pub(crate) since: DateTime<Utc>,
    pub(crate) is_long: bool,
    /// It was asked to give way before, and is on its way to a page boundary.
    pub(crate) gives_way: bool,
}

impl Holder {
    /// Whether it can be asked: a short run is left alone, and one that was asked is on its way.
    pub(crate) fn can_give_way(&self) -> bool {
        self.is_long && !self.gives_way
    }
}

/// Runs that could start now, if there were a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// They have had no turn, or have waited very long for the next.
    first: usize,
    /// They gave way themselves.
    next: usize,
}

impl Wanted {
    pub(crate) fn by(queue: &Queue) -> Self {
        let ready = queue
            .waiting
            .iter()
            .filter(|run| run.waits_for_provider_until.is_none());
        let next = ready.clone().filter(|run| run.gave_way).count();
        Self {
            first: ready.count() - next,
            next,
        }
    }
}

/// The runs to be asked now, those first that have held their place longest.
pub(crate) fn who_gives_way(holders: &[Holder], wanted: Wanted, now: DateTime<Utc>) -> Vec<RunId> {
    let asked = holders.iter().filter(|holder| holder.gives_way).count();
    let mut long: Vec<&Holder> = holders.iter().filter(|holder| holder.can_give_way()).collect();
    long.sort_by_key(|holder| (holder.since, holder.run.0));
    // Those that were asked already make room for as many of the first.
    let for_first = wanted.first.saturating_sub(asked);
    let for_next = wanted.next.saturating_sub(asked.saturating_sub(wanted.first));
    let (at_once, others) = long.split_at(for_first.min(long.len()));
    let had_a_turn = |holder: &&&Holder| {
        let held = now - holder.since;
        // A clock that was put back does not tell how long it was.
        held >= TURN || held < TimeDelta::zero()
    };
    let after_a_turn = others.iter().filter(had_a_turn).take(for_next);
    at_once
        .iter()
        .chain(after_a_turn)
        .map(|holder| holder.run)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use store::WaitingRun;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn run(number: u128) -> RunId {
        RunId(Uuid::from_u128(number))
    }

    fn holder(number: u128, since_s: i64) -> Holder {
        Holder {
            run: run(number),
            since: at(since_s),
            is_long: true,
            gives_way: false,
        }
    }

    fn wanted(first: usize, next: usize) -> Wanted {
        Wanted { first, next }
    }

    #[test]
    fn who_waits_for_the_provider_wants_no_place() {
        let waiting = |gave_way, until_s: Option<i64>| WaitingRun {
            id: run(1),
            gave_way,
            waits_for_provider_until: until_s.map(at),
        };
        let queue = Queue {
            waiting: vec![
                waiting(false, None),
                waiting(true, None),
                waiting(true, Some(5)),
                waiting(false, Some(5)),
            ],
            running: 1,
        };
        assert_eq!(Wanted::by(&queue), wanted(1, 1));
    }

    #[test]
    fn a_long_run_gives_way_at_once_to_one_that_has_had_no_turn() {
        let holders = [holder(1, 90), holder(2, 10)];
        assert_eq!(who_gives_way(&holders, wanted(1, 0), at(100)), [run(2)]);
        assert_eq!(who_gives_way(&holders, wanted(5, 0), at(100)), [run(2), run(1)]);
        let asked = Holder {
            gives_way: true,
            ..holder(2, 10)
        };
        let nobody: [RunId; 0] = [];
        assert_eq!(
            who_gives_way(&[holder(1, 90), asked], wanted(1, 0), at(100)),
            nobody
        );
        assert_eq!(who_gives_way(&holders, wanted(0, 0), at(9_999)), nobody);
    }

    #[test]
    fn long_runs_share_the_places_in_turns() {
        let holders = [holder(1, 60), holder(2, 10)];
        let nobody: [RunId; 0] = [];
        assert_eq!(who_gives_way(&holders, wanted(0, 1), at(69)), nobody);
        assert_eq!(who_gives_way(&holders, wanted(0, 1), at(70)), [run(2)]);
        assert_eq!(who_gives_way(&holders, wanted(0, 2), at(70)), [run(2)]);
        assert_eq!(who_gives_way(&holders, wanted(1, 1), at(130)), [run(2), run(1)]);
    }

    #[test]
    fn a_short_run_is_left_alone() {
        let short = Holder {
            is_long: false,
            ..holder(1, 0)
        };
        assert!(who_gives_way(&[short], wanted(3, 3), at(9_999)).is_empty());
    }

    proptest! {
        #[test]
        fn no_more_give_way_than_wait_and_none_twice(
            holders in prop::collection::vec((0_i64..200, any::<bool>(), any::<bool>()), 0..8),
            first in 0_usize..5,
            next in 0_usize..5,
        ) {
            let holders: Vec<Holder> = (0_u128..).zip(holders).map(|(number, (since_s, is_long, gives_way))| Holder {
                is_long,
                gives_way,
                ..holder(number, since_s)
            }).collect();
            let asked = holders.iter().filter(|holder| holder.gives_way).count();
            let mut chosen = who_gives_way(&holders, wanted(first, next), at(200));
            prop_assert!(chosen.is_empty() || chosen.len() + asked <= first + next);
            chosen.sort();
            chosen.dedup();
            for run in &chosen {
                let holder = holders.iter().find(|holder| holder.run == *run).expect("one of them");
                prop_assert!(holder.is_long && !holder.gives_way);
            }
            // Nobody who has had no turn waits behind a long run that could make room.
            let could = holders.iter().filter(|holder| holder.is_long && !holder.gives_way).count();
            prop_assert!(chosen.len() >= first.saturating_sub(asked).min(could));
        }
    }
}
