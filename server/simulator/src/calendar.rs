//! When things happen in a community: working days, a launch, quiet summers.

use crate::mix::Mix;
use chrono::{DateTime, Datelike, Utc};

pub(crate) const SECONDS_PER_DAY: u64 = 86_400;
/// Shortest history of a tenant, so that every one has at least two summers.
const MIN_HISTORY_DAYS: u64 = 730;
/// Tenants differ in age by up to this much.
const HISTORY_SPREAD_DAYS: u64 = 400;
/// The first members are staff who prepare the place; nobody posts before.
pub(crate) const QUIET_START_DAYS: u64 = 14;
/// After the launch interest falls to its usual level within this time.
const LAUNCH_DAYS: u64 = 12;
/// Resolution of the weights.
const WEIGHT_SCALE: u64 = 1_000;
/// Share of a day, in thousandths, that has passed at an hour: nearly all of it in working hours.
const DAY_SHAPE: [(u64, u64); 5] = [(0, 0), (40, 6), (480, 12), (860, 18), (1_000, 24)];
/// 1 January 1970 was a Thursday; Monday is 0.
const EPOCH_WEEKDAY: u64 = 3;

/// A history of days with weights, over which any number of records is spread in order.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    first_day: u64,
    /// Sum of the weights before each day, and the total at the end.
    before: Vec<u64>,
}

impl Calendar {
    /// The history of a tenant up to the latest Monday at midnight. A week's rest keeps the world the same
    /// when a simulator is started again on the next day.
    pub(crate) fn until(now: DateTime<Utc>, place: Mix) -> Self {
        let today = u64::try_from(now.timestamp()).unwrap_or(0) / SECONDS_PER_DAY;
        let monday = today - (today + EPOCH_WEEKDAY) % 7;
        let length = MIN_HISTORY_DAYS + place.below(0, HISTORY_SPREAD_DAYS);
        let first_day = monday.saturating_sub(length);
        let mut before = vec![0];
        let mut sum = 0;
        for day in first_day..monday.max(first_day + 1) {
            sum += weight(day, day - first_day, length, place);
            before.push(sum);
        }
        Self { first_day, before }
    }

    /// The same history without its first days.
    pub(crate) fn after(&self, days: u64) -> Self {
        let skipped = crate::mix::index(days).min(self.before.len() - 2);
        let base = self.before[skipped];
        Self {
            first_day: self.first_day + skipped as u64,
            before: self.before[skipped..].iter().map(|sum| sum - base).collect(),
        }
    }

    pub(crate) fn start(&self) -> u64 {
        self.first_day * SECONDS_PER_DAY
    }

    pub(crate) fn end(&self) -> u64 {
        (self.first_day + self.before.len() as u64 - 1) * SECONDS_PER_DAY
    }

    /// Unix time of record `position` of `count`; never falls as the position grows.
    pub(crate) fn time(&self, position: u64, count: u64) -> u64 {
        let total = self.before.last().copied().unwrap_or(1);
        let mark = u128::from(total) * (2 * u128::from(position) + 1) / (2 * u128::from(count.max(1)));
        let mark = u64::try_from(mark).unwrap_or(total).min(total - 1);
        let day = self.before.partition_point(|&sum| sum <= mark) - 1;
        let weight = self.before[day + 1] - self.before[day];
        let passed = (mark - self.before[day]) * 1_000_000 / weight;
        (self.first_day + day as u64) * SECONDS_PER_DAY + second_of_day(passed)
    }

    /// How many of `count` records lie before the time.
    pub(crate) fn count_before(&self, time: u64, count: u64) -> u64 {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time(middle, count) < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// How busy a day is.
fn weight(day: u64, age: u64, length: u64, place: Mix) -> u64 {
    let growth = WEIGHT_SCALE / 3 + WEIGHT_SCALE * age / length;
    let weekday = match (day + EPOCH_WEEKDAY) % 7 {
        5 => 3,
        6 => 2,
        _ => 10,
    };
    let season = if is_quiet_season(day) { 5 } else { 10 };
    let launch = 1 + (QUIET_START_DAYS + LAUNCH_DAYS).saturating_sub(age.max(QUIET_START_DAYS)) / 2;
    let mood = 80 + place.at(day).below(1, 40);
    (growth * weekday * season * launch * mood / 10_000).max(1)
}

/// Mid-July to August, and the days between the years.
fn is_quiet_season(day: u64) -> bool {
    let seconds = i64::try_from(day * SECONDS_PER_DAY).unwrap_or(0);
    DateTime::<Utc>::from_timestamp(seconds, 0).is_some_and(|date| {
        matches!(
            (date.month(), date.day()),
            (7, 15..) | (8, _) | (12, 23..) | (1, 1)
        )
    })
}

/// Second of the day when a share of it, in millionths, has passed.
fn second_of_day(passed: u64) -> u64 {
    for pair in DAY_SHAPE.windows(2) {
        let ((from_share, from_hour), (to_share, to_hour)) = (pair[0], pair[1]);
        if passed < to_share * 1_000 {
            let span = (to_hour - from_hour) * 3_600;
            let within = passed.saturating_sub(from_share * 1_000);
            return from_hour * 3_600 + span * within / ((to_share - from_share) * 1_000);
        }
    }
    SECONDS_PER_DAY - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calendar(seed: u64) -> Calendar {
        let now = DateTime::<Utc>::from_timestamp(1_780_000_000, 0).unwrap();
        Calendar::until(now, Mix::new(seed))
    }

    #[test]
    fn history_ends_on_a_monday_that_is_not_ahead_of_the_clock() {
        let end = calendar(3).end();
        assert!(end <= 1_780_000_000 && 1_780_000_000 - end < 7 * SECONDS_PER_DAY);
        assert_eq!((end / SECONDS_PER_DAY + EPOCH_WEEKDAY) % 7, 0);
    }

    #[test]
    fn weekends_are_quieter_than_working_days() {
        let calendar = calendar(4);
        let weekend = (0..70_000)
            .map(|position| calendar.time(position, 70_000) / SECONDS_PER_DAY)
            .filter(|day| (day + EPOCH_WEEKDAY) % 7 > 4)
            .count();
        assert!(weekend < 10_000, "{weekend} of 70,000 on two days of seven");
    }

    proptest! {
        #[test]
        fn times_never_fall_and_counting_inverts_them(seed: u64, count in 1_u64..5_000, pick in 0_u64..5_000) {
            let calendar = calendar(seed).after(QUIET_START_DAYS);
            let position = pick % count;
            let time = calendar.time(position, count);
            prop_assert!(time >= calendar.start() && time < calendar.end());
            prop_assert!(position == 0 || calendar.time(position - 1, count) <= time);
            let before = calendar.count_before(time, count);
            prop_assert!(before <= position);
            prop_assert!(before == 0 || calendar.time(before - 1, count) < time);
            prop_assert_eq!(calendar.time(before, count), time);
        }
    }
}
