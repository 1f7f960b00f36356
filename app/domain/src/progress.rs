//! How a run that is not over comes along: what it waits for, how fast it goes, and who has asked it to stop.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Who asked a run to stop, or stopped it while it waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// In the console.
    Admin,
    /// At the command line.
    Operator,
    /// The connection was deactivated.
    Deactivation,
}

impl StoppedBy {
    pub const ALL: [Self; 3] = [Self::Admin, Self::Operator, Self::Deactivation];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Deactivation => "deactivation",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|who| who.as_str() == name)
    }
}

/// A run's place among those that wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePlace {
    /// From 1.
    pub place: u32,
    /// Runs that wait.
    pub waiting: u32,
    /// Why it waits, as a sentence.
    pub why: String,
    /// About when a worker takes it up. `None` while no worker is known to be at work.
    pub expected_start_at: Option<DateTime<Utc>>,
}

/// A long run goes on for at least so long before it gives its place to another long one. Against it, what a change
/// costs is little: a token, and the pages that are on their way.
pub const TURN: TimeDelta = TimeDelta::minutes(1);

impl QueuePlace {
    /// The place of a run, given how many wait before it and how many are under way. The start is a guess, hence
    /// "about": each of those before it holds a place for a turn at most as long as others wait.
    pub fn new(before: u32, waiting: u32, running: u32, after_gave_way: bool, now: DateTime<Utc>) -> Self {
        let others = match before {
            0 => String::new(),
            1 => " One run waits before it.".to_owned(),
            _ => format!(" {before} runs wait before it."),
        };
        let why = match (after_gave_way, running) {
            (true, _) => format!("It gave its place to a run that had waited.{others}"),
            (false, 0) => format!("No run is under way: it waits for a worker.{others}"),
            (false, _) => format!("All places are taken.{others}"),
        };
        let turns = i32::try_from(before / running.max(1)).unwrap_or(i32::MAX);
        let start = TURN
            .checked_mul(turns)
            .and_then(|wait| now.checked_add_signed(wait));
        Self {
            place: before.saturating_add(1),
            waiting,
            why,
            expected_start_at: start.filter(|_| running > 0),
        }
    }
}

/// Of a run that is not over; all of it unknown once it is, but for who stopped it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Set as soon as it is asked for; the run stops at its next page boundary.
    #[serde(default)]
    pub stopped_by: Option<StoppedBy>,
    /// The run waits for the provider until then, which asked for it or could not answer. It may lie in the past: then
    /// the wait is over.
    #[serde(default)]
    pub waits_for_provider_until: Option<DateTime<Utc>>,
    /// What was sent in the last seconds, as requests a minute.
    #[serde(default)]
    pub requests_per_minute: Option<u64>,
    /// About when the stage under way ends, where the provider has said how many records there are.
    #[serde(default)]
    pub stage_ends_at: Option<DateTime<Utc>>,
    /// Of a queued run.
    #[serde(default)]
    pub queue: Option<QueuePlace>,
}

impl Progress {
    /// How long the run still waits for the provider; `None` if it does not.
    pub fn provider_wait_left(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let left = self.waits_for_provider_until? - now;
        (left > TimeDelta::zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn who_stopped_a_run_is_read_back() {
        for who in StoppedBy::ALL {
            assert_eq!(StoppedBy::parse(who.as_str()), Some(who));
        }
    }

    #[test]
    fn a_wait_is_over_when_its_time_has_come() {
        let progress = Progress {
            waits_for_provider_until: Some(at(42)),
            ..Progress::default()
        };
        assert_eq!(progress.provider_wait_left(at(0)), Some(TimeDelta::seconds(42)));
        assert_eq!(progress.provider_wait_left(at(42)), None);
        assert_eq!(progress.provider_wait_left(at(50)), None);
        assert_eq!(Progress::default().provider_wait_left(at(0)), None);
    }

    #[test]
    fn the_start_is_a_turn_later_for_each_round_of_places_before_it() {
        let start = |before, running| QueuePlace::new(before, 9, running, false, at(0)).expected_start_at;
        assert_eq!(start(0, 2), Some(at(0)));
        assert_eq!(start(1, 2), Some(at(0)));
        assert_eq!(start(2, 2), Some(at(60)));
        assert_eq!(start(5, 1), Some(at(300)));
        assert_eq!(start(5, 0), None, "nobody is known to work");
    }

    #[test]
    fn a_place_says_why_it_waits() {
        let why = |before, running, gave| QueuePlace::new(before, 9, running, gave, at(0)).why;
        assert_eq!(why(0, 2, false), "All places are taken.");
        assert_eq!(why(1, 2, false), "All places are taken. One run waits before it.");
        assert_eq!(why(0, 0, false), "No run is under way: it waits for a worker.");
        assert_eq!(
            why(3, 1, true),
            "It gave its place to a run that had waited. 3 runs wait before it."
        );
    }
}
