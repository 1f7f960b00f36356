//! How fast a connection is asked: a token bucket within the operator's budget, which narrows where the provider shows
//! that it bears less.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use store::KeptPace;

/// Requests that may start at once after a quiet time: as many as are fetched side by side.
const BURST: u32 = 8;

/// Rates are kept in thousandths of a request a minute, so that small steps are not lost.
const MILLI: u64 = 1_000;

/// An unlimited budget counts as this many requests a minute once the provider has asked for fewer: about what eight
/// requests side by side reach.
const UNLIMITED_PER_MINUTE: u64 = 6_000;

/// No provider is asked more slowly than this many requests a minute, unless the budget itself is smaller: else a run
/// would seem to stand still, and never find out that it may go faster.
const LEAST_PER_MINUTE: u64 = 6;

/// Requests a minute that are won back in a minute without a refusal: from half of the default budget to the whole in five.
const STEP_PER_MINUTE: u64 = 30;

/// What a connection may be asked in a minute: additive increase, multiplicative decrease. Pure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    /// 0 is unlimited.
    budget_per_minute: u32,
    /// Below the budget; `None` is the whole of it.
    narrowed_milli: Option<u64>,
}

impl Rate {
    fn ceiling_milli(self) -> u64 {
        let budget = u64::from(self.budget_per_minute);
        let ceiling = if budget == 0 { UNLIMITED_PER_MINUTE } else { budget };
        ceiling * MILLI
    }

    fn least_milli(self) -> u64 {
        (LEAST_PER_MINUTE * MILLI).min(self.ceiling_milli())
    }

    /// `None` is unlimited.
    fn milli(self) -> Option<u64> {
        self.narrowed_milli
            .or_else(|| (self.budget_per_minute > 0).then(|| self.ceiling_milli()))
    }

    /// A rate that was kept from an earlier run, perhaps under another budget.
    fn narrowed_to(self, milli: Option<u64>) -> Self {
        let narrowed = milli.map(|milli| milli.max(self.least_milli()));
        Self {
            narrowed_milli: narrowed.filter(|milli| *milli < self.ceiling_milli()),
            ..self
        }
    }

    /// The provider asked for fewer requests and named no limit.
    fn refused(self) -> Self {
        let now = self.milli().unwrap_or_else(|| self.ceiling_milli());
        self.narrowed_to(Some(now / 2))
    }

    /// The provider answered.
    fn answered(self) -> Self {
        // A minute holds as many answers as the rate says, and together they win a step.
        let won = |milli: u64| STEP_PER_MINUTE * MILLI * MILLI / milli.max(1);
        self.narrowed_to(self.narrowed_milli.map(|milli| milli + won(milli).max(1)))
    }

    /// Between two requests.
    fn interval(self) -> TimeDelta {
        const MINUTE_MICROS: u64 = 60_000_000;
        let micros = self
            .milli()
            .map_or(0, |milli| MINUTE_MICROS * MILLI / milli.max(1));
        TimeDelta::microseconds(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

/// The turns of one connection's requests.
#[derive(Clone, Debug)]
pub struct Pace {
    rate: Rate,
    /// When the bucket was or will be empty but for the requests already promised.
    next: Option<DateTime<Utc>>,
    /// When a turn was last asked for.
    asked_at: Option<DateTime<Utc>>,
}

impl Pace {
    /// 0 requests a minute is unlimited.
    pub fn new(requests_per_minute: u32) -> Self {
        Self {
            rate: Rate {
                budget_per_minute: requests_per_minute,
                narrowed_milli: None,
            },
            next: None,
            asked_at: None,
        }
    }

    /// Goes on where an earlier run of the connection stopped: without a fresh burst, and no faster than the provider was
    /// found to bear.
    pub fn resume(requests_per_minute: u32, kept: KeptPace, now: DateTime<Utc>) -> Self {
        let fresh = Self::new(requests_per_minute);
        let rate = fresh.rate.narrowed_to(kept.rate_milli);
        // Turns that were promised and not taken are free again; and a clock that was wrong may have kept any time.
        let next = kept.next_at.map(|next| next.min(now + rate.interval()));
        let mut pace = Self { rate, next, ..fresh };
        pace.owe(kept.owed, now);
        pace
    }

    /// What the next run is to know.
    pub fn kept(&self) -> KeptPace {
        KeptPace {
            next_at: self.next,
            rate_milli: self.rate.narrowed_milli,
            owed: 0,
        }
    }

    /// Takes the next free turn and says how long to wait for it.
    pub fn reserve(&mut self, now: DateTime<Utc>) -> Duration {
        let interval = self.rate.interval();
        if interval.is_zero() {
            return Duration::ZERO;
        }
        let turn = self.next_turn(now);
        self.next = Some(turn + interval);
        (turn - now).to_std().unwrap_or_default()
    }

    /// Requests were sent that took no turn: they are paid for with the next ones.
    pub fn owe(&mut self, requests: u64, now: DateTime<Utc>) {
        let interval = self.rate.interval();
        if requests == 0 || interval.is_zero() {
            return;
        }
        let turns = i32::try_from(requests).unwrap_or(i32::MAX);
        let turn = self.next_turn(now);
        self.next = interval
            .checked_mul(turns)
            .and_then(|time| turn.checked_add_signed(time))
            .or(self.next);
    }

    fn next_turn(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        // A clock that is put back takes the turns along, so that nobody waits for the time that was put back.
        if let (Some(asked), Some(next)) = (self.asked_at, self.next)
            && now < asked
        {
            self.next = Some(next - (asked - now));
        }
        self.asked_at = Some(now);
        let full = now - self.rate.interval() * i32::try_from(BURST - 1).unwrap_or(0);
        self.next.map_or(full, |next| next.max(full))
    }

    /// The provider asked for fewer requests (429) and did not say how long to wait.
    pub fn refused(&mut self) {
        self.rate = self.rate.refused();
    }

    pub fn answered(&mut self) {
        self.rate = self.rate.answered();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    fn rate(budget_per_minute: u32) -> Rate {
        Rate {
            budget_per_minute,
            narrowed_milli: None,
        }
    }

    #[test]
    fn zero_is_unlimited() {
        let mut pace = Pace::new(0);
        assert!((0..10_000).all(|_| pace.reserve(DateTime::UNIX_EPOCH) == Duration::ZERO));
    }

    #[test]
    fn an_unlimited_pace_backs_off_too_and_is_unlimited_again() {
        let mut pace = Pace::new(0);
        pace.refused();
        assert_eq!(pace.kept().rate_milli, Some(3_000_000));
        let waits = (0..100).filter(|_| !pace.reserve(at(0)).is_zero()).count();
        assert_eq!(waits, 100 - BURST as usize);
        // A hundred minutes of answers.
        for _ in 0..100 * UNLIMITED_PER_MINUTE {
            pace.answered();
        }
        assert_eq!(pace.kept().rate_milli, None);
        assert_eq!(pace.reserve(at(0)), Duration::ZERO);
    }

    #[test]
    fn half_of_the_budget_is_won_back_in_five_minutes() {
        let mut rate = rate(300).refused();
        assert_eq!(rate.milli(), Some(150_000));
        let mut minutes = 0.0;
        while rate.narrowed_milli.is_some() {
            minutes += rate.interval().as_seconds_f64() / 60.0;
            rate = rate.answered();
        }
        assert!((4.9..5.1).contains(&minutes), "{minutes}");
    }

    #[test]
    fn the_next_run_begins_where_the_last_one_stopped() {
        let mut pace = Pace::new(300);
        while pace.reserve(at(0)).is_zero() {}
        let mut next = Pace::resume(300, pace.kept(), at(0));
        assert_eq!(
            next.reserve(at(0)),
            Duration::from_millis(200),
            "no fresh burst, and no more to wait for than one turn"
        );
        let mut later = Pace::resume(300, pace.kept(), at(60_000));
        assert!(later.reserve(at(60_000)).is_zero());
        pace.refused();
        let mut narrowed = Pace::resume(300, pace.kept(), at(0));
        narrowed.reserve(at(0));
        assert_eq!(narrowed.reserve(at(0)), Duration::from_millis(800));
        let smaller_budget = Pace::resume(100, pace.kept(), at(0));
        assert_eq!(smaller_budget.kept().rate_milli, None, "never above the budget");
    }

    #[test]
    fn what_others_sent_is_paid_for() {
        let owed = KeptPace {
            owed: 20,
            ..KeptPace::default()
        };
        let mut pace = Pace::resume(300, owed, at(0));
        // 20 of them against a burst of 8: 13 turns of 200 ms are still to come.
        assert_eq!(pace.reserve(at(0)), Duration::from_millis(2_600));
        let mut unlimited = Pace::resume(0, owed, at(0));
        assert_eq!(unlimited.reserve(at(0)), Duration::ZERO);
    }

    /// A provider that bears so many requests in any minute, and says no more than that it was too many.
    fn served_in_an_hour(bears_per_minute: usize, budget_per_minute: u32) -> (usize, usize) {
        let mut pace = Pace::new(budget_per_minute);
        let (mut now, mut served, mut refused) = (at(0), Vec::new(), 0);
        while now < at(3_600_000) {
            now += TimeDelta::from_std(pace.reserve(now)).expect("a short wait");
            let recent = served
                .iter()
                .rev()
                .take_while(|then| now - **then < TimeDelta::minutes(1));
            if recent.count() < bears_per_minute {
                served.push(now);
                pace.answered();
            } else {
                refused += 1;
                pace.refused();
                // The engine's first wait.
                now += TimeDelta::seconds(10);
            }
        }
        (served.len(), refused)
    }

    #[test]
    fn it_finds_what_a_provider_bears() {
        for bears in [30, 60, 120, 200] {
            let (served, refused) = served_in_an_hour(bears, 300);
            assert!(served * 10 >= bears * 60 * 6, "{served} of {}", bears * 60);
            assert!(refused * 10 <= served, "{refused} refused, {served} served");
        }
        assert_eq!(
            served_in_an_hour(400, 300).1,
            0,
            "a provider that bears the budget"
        );
    }

    #[derive(Clone, Copy, Debug)]
    enum Happening {
        Ask,
        Answered,
        Refused,
        /// Milliseconds; a clock may also be put back.
        Passes(i64),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            6 => Just(Happening::Ask),
            6 => Just(Happening::Answered),
            1 => Just(Happening::Refused),
            4 => (0_i64..5_000).prop_map(Happening::Passes),
            1 => (-86_400_000_i64..86_400_000).prop_map(Happening::Passes),
        ]
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_its_share_and_one_burst(per_minute in 1_u32..600, gaps_ms in prop::collection::vec(0_i64..5_000, 1..400)) {
            let mut pace = Pace::new(per_minute);
            let mut now = DateTime::UNIX_EPOCH;
            let mut starts = Vec::new();
            for gap_ms in gaps_ms {
                now += TimeDelta::milliseconds(gap_ms);
                starts.push(now + TimeDelta::from_std(pace.reserve(now)).expect("a short wait"));
            }
            for (first, start) in starts.iter().enumerate() {
                let within = starts[first..].iter().filter(|other| **other - *start < TimeDelta::minutes(1)).count();
                prop_assert!(within <= (per_minute + BURST) as usize, "{} in a minute", within);
            }
        }

        #[test]
        fn a_rate_stays_between_the_least_and_the_budget(budget in 0_u32..1_000, refusals in prop::collection::vec(any::<bool>(), 0..300)) {
            let mut rate = rate(budget);
            for refused in refusals {
                let before = rate.milli();
                rate = if refused { rate.refused() } else { rate.answered() };
                let after = rate.milli();
                let unlimited = u64::MAX;
                let (was, is) = (before.unwrap_or(unlimited), after.unwrap_or(unlimited));
                let right_way = if refused { is <= was } else { is >= was };
                prop_assert!(right_way);
                prop_assert!(budget == 0 || is <= u64::from(budget) * MILLI);
                prop_assert!(is >= rate.least_milli());
                prop_assert!(!refused || is <= (was / 2).max(rate.least_milli()));
            }
        }

        /// Whatever the clock does, nobody waits longer than the turns before theirs take.
        #[test]
        fn a_clock_that_jumps_makes_nobody_wait(budget in 1_u32..600, happenings in prop::collection::vec(happening(), 1..300)) {
            let mut pace = Pace::new(budget);
            let mut now = at(1_700_000_000_000);
            let mut waiting = TimeDelta::zero();
            for happens in happenings {
                match happens {
                    Happening::Ask => {
                        let wait = TimeDelta::from_std(pace.reserve(now)).expect("a wait");
                        waiting += pace.rate.interval();
                        prop_assert!(wait <= waiting, "{} after {}", wait, waiting);
                    }
                    Happening::Answered => pace.answered(),
                    Happening::Refused => pace.refused(),
                    Happening::Passes(millis) => now += TimeDelta::milliseconds(millis),
                }
            }
        }
    }
}
