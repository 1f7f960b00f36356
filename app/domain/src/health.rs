use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::RunState;

/// A connection without a success for this long is stale: one missed daily run and half a day of grace.
pub const FRESHNESS_LIMIT_H: i64 = 36;

/// More invalid records than this share of a stream need someone's attention.
pub const INVALID_SHARE_LIMIT: f64 = 0.01;

/// A connection's state in one word; the worst of the last run, the freshness and the checks wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Failing,
    Attention,
    Stale,
    Running,
    NotRunYet,
    Healthy,
    Deactivated,
}

/// What health is judged by.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastRuns {
    pub active: bool,
    /// A run is queued or running.
    pub under_way: bool,
    /// The last run that is over; cancelled ones left out.
    pub last: Option<RunState>,
    pub last_success_at: Option<DateTime<Utc>>,
    /// The largest share of invalid records in any stream of the last success.
    pub invalid_share: f64,
}

impl Health {
    pub fn of(runs: &LastRuns, now: DateTime<Utc>) -> Self {
        if !runs.active {
            return Self::Deactivated;
        }
        if runs.under_way {
            return Self::Running;
        }
        match runs.last {
            None => Self::NotRunYet,
            Some(RunState::Failed) => Self::Failing,
            Some(_) if runs.invalid_share > INVALID_SHARE_LIMIT => Self::Attention,
            Some(_)
                if runs
                    .last_success_at
                    .is_none_or(|at| now - at > TimeDelta::hours(FRESHNESS_LIMIT_H)) =>
            {
                Self::Stale
            }
            Some(_) => Self::Healthy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(h: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(h)
    }

    fn healthy() -> LastRuns {
        LastRuns {
            active: true,
            last: Some(RunState::Completed),
            last_success_at: Some(hours(100)),
            ..LastRuns::default()
        }
    }

    #[test]
    fn the_worst_wins() {
        let now = hours(101);
        assert_eq!(Health::of(&healthy(), now), Health::Healthy);
        assert_eq!(
            Health::of(
                &LastRuns {
                    invalid_share: 0.04,
                    ..healthy()
                },
                now
            ),
            Health::Attention
        );
        assert_eq!(
            Health::of(
                &LastRuns {
                    last: Some(RunState::Failed),
                    ..healthy()
                },
                now
            ),
            Health::Failing
        );
        assert_eq!(
            Health::of(
                &LastRuns {
                    under_way: true,
                    ..healthy()
                },
                now
            ),
            Health::Running
        );
        assert_eq!(
            Health::of(
                &LastRuns {
                    active: false,
                    ..healthy()
                },
                now
            ),
            Health::Deactivated
        );
        assert_eq!(
            Health::of(
                &LastRuns {
                    active: true,
                    ..LastRuns::default()
                },
                now
            ),
            Health::NotRunYet
        );
    }

    #[test]
    fn a_day_and_a_half_without_success_is_stale() {
        assert_eq!(
            Health::of(&healthy(), hours(100 + FRESHNESS_LIMIT_H)),
            Health::Healthy
        );
        assert_eq!(
            Health::of(&healthy(), hours(101 + FRESHNESS_LIMIT_H)),
            Health::Stale
        );
    }
}
