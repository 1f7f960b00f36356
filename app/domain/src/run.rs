use std::num::NonZeroU32;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{ActivitySource, Cause, CauseCode, ConnectionId, Ledger, Progress, RunId, Stage, Stream};

/// What asked for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Scheduled,
    Manual,
}

impl Trigger {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Manual => "manual",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Scheduled, Self::Manual]
            .into_iter()
            .find(|trigger| trigger.as_str() == name)
    }
}

/// How much of the tenant a run reads, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// From the day before the last watermark.
    Incremental,
    Full,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "incremental",
            Self::Full => "full",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Incremental, Self::Full]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }

    /// The mode of a run that nobody asks to be full: the first one is, and then every so many of those that succeed.
    /// Edits, moves and deletions do not move the provider's activity date, so only a full one sees them.
    ///
    /// `successes_since_full` is `None` until a full run has succeeded.
    pub fn of_next_run(successes_since_full: Option<u32>, full_every: NonZeroU32) -> Self {
        match successes_since_full {
            Some(successes) if successes.saturating_add(1) < full_every.get() => Self::Incremental,
            _ => Self::Full,
        }
    }
}

/// The day that is known to be complete may not be: the provider's filters are day-grained, and its days need not be
/// ours.
const WINDOW_OVERLAP: TimeDelta = TimeDelta::days(1);

/// The first day that an incremental run asks for, given the greatest activity time that earlier runs have seen.
pub fn window_from(watermark: DateTime<Utc>) -> NaiveDate {
    let day = watermark.date_naive();
    day.checked_sub_signed(WINDOW_OVERLAP).unwrap_or(day)
}

/// A run goes on where a failed one stopped for so long after the failure; then too much has changed behind the pages
/// that were read.
const GOES_ON_WITHIN: TimeDelta = TimeDelta::hours(24);

/// What a run is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub mode: Mode,
    /// The replies of every topic, and not only of those that moved.
    pub all_replies: bool,
}

/// A run that failed, as far as the next one depends on it.
#[derive(Clone, Copy, Debug)]
pub struct FailedRun {
    pub extent: Extent,
    pub cause: CauseCode,
    pub finished_at: DateTime<Utc>,
}

impl FailedRun {
    /// Whether a run that is asked for at this time goes on from the last committed page of this one. It then reads
    /// what this one was to read, so it does not where more than that is asked for.
    pub fn is_gone_on_with(&self, asked: Extent, at: DateTime<Utc>) -> bool {
        let reads_as_much = self.extent.mode >= asked.mode && (self.extent.all_replies || !asked.all_replies);
        reads_as_much && self.cause.keeps_checkpoint() && at - self.finished_at <= GOES_ON_WITHIN
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Queued,
    Running,
    Completed,
    CompletedWithInvalid,
    Failed,
    Cancelled,
}

impl RunState {
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Completed,
        Self::CompletedWithInvalid,
        Self::Failed,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::CompletedWithInvalid => "completed_with_invalid",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Neither queued nor running.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Every stream was read to its end, with or without invalid records.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedWithInvalid)
    }
}

/// One stream of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRun {
    pub stream: Stream,
    #[serde(flatten)]
    pub ledger: Ledger,
    /// Where the stream's records came from; `none` when the tenant has no such source.
    pub source: ActivitySource,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// How the connection's members stand to companies after the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchCounts {
    pub matched: u64,
    pub unmatched: u64,
    pub ambiguous: u64,
    pub internal: u64,
}

/// One sync of one connection, as `run show --json` and the REST API print it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub connection_id: ConnectionId,
    pub tenant_id: String,
    pub trigger: Trigger,
    /// The failed run whose last committed page this one went on from.
    pub resumed_from: Option<RunId>,
    pub mode: Mode,
    pub state: RunState,
    /// The stage under way, or the one at which the run ended. `None` while queued.
    pub stage: Option<Stage>,
    pub cause: Option<Cause>,
    pub queued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// HTTP requests sent to the provider, tokens and retries included.
    pub requests: u64,
    /// How often a worker took the run up.
    pub attempts: u32,
    /// All six, in the order of [`Stream::ALL`].
    pub streams: Vec<StreamRun>,
    pub matching: MatchCounts,
    /// When the run began to match members, and to count trends.
    pub match_started_at: Option<DateTime<Utc>>,
    pub trends_started_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    pub progress: Progress,
}

impl Run {
    /// All streams added up.
    pub fn total(&self) -> Ledger {
        self.streams
            .iter()
            .fold(Ledger::default(), |sum, stream| sum.plus(stream.ledger))
    }

    /// It was asked to stop and goes on to its next page boundary.
    pub fn is_cancelling(&self) -> bool {
        !self.state.is_over() && self.progress.stopped_by.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_back() {
        for state in RunState::ALL {
            assert_eq!(RunState::parse(state.as_str()), Some(state));
        }
    }

    #[test]
    fn the_first_run_is_full_and_every_seventh_after_it() {
        let every = |every| NonZeroU32::new(every).expect("not zero");
        let modes = |full_every| {
            let mut since_full = None;
            let next = |_| {
                let mode = Mode::of_next_run(since_full, every(full_every));
                since_full = match mode {
                    Mode::Full => Some(0),
                    Mode::Incremental => since_full.map(|runs| runs + 1),
                };
                if mode == Mode::Full { 'f' } else { 'i' }
            };
            (0..9).map(next).collect::<String>()
        };
        assert_eq!(modes(7), "fiiiiiifi");
        assert_eq!(modes(2), "fifififif");
        assert_eq!(modes(1), "fffffffff");
    }

    #[test]
    fn a_window_begins_the_day_before_the_watermark() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        for second_of_day in [0, 1, 86_399] {
            let from = window_from(at(100 * 86_400 + second_of_day));
            assert_eq!(from, at(99 * 86_400).date_naive());
        }
        assert_eq!(
            window_from(DateTime::<Utc>::MIN_UTC),
            DateTime::<Utc>::MIN_UTC.date_naive()
        );
    }

    #[test]
    fn a_failed_run_is_gone_on_with_for_a_day_and_if_it_was_to_read_enough() {
        let extent = |mode, all_replies| Extent { mode, all_replies };
        let (incremental, full) = (extent(Mode::Incremental, false), extent(Mode::Full, false));
        let everything = extent(Mode::Full, true);
        let goes_on = |of, asked, hours| {
            let failed = FailedRun {
                extent: of,
                cause: CauseCode::ProviderUnavailable,
                finished_at: DateTime::UNIX_EPOCH,
            };
            failed.is_gone_on_with(asked, DateTime::UNIX_EPOCH + TimeDelta::hours(hours))
        };
        for of in [incremental, full, everything] {
            assert!(goes_on(of, of, 0) && goes_on(of, of, 24));
            assert!(!goes_on(of, of, 25));
        }
        assert!(goes_on(full, incremental, 1) && goes_on(everything, incremental, 1));
        assert!(!goes_on(incremental, full, 1) && !goes_on(full, everything, 1));
    }

    #[test]
    fn books_that_do_not_balance_are_not_gone_on_with() {
        let failed = |cause| FailedRun {
            extent: Extent {
                mode: Mode::Full,
                all_replies: false,
            },
            cause,
            finished_at: DateTime::UNIX_EPOCH,
        };
        for cause in CauseCode::ALL {
            let goes_on = failed(cause).is_gone_on_with(failed(cause).extent, DateTime::UNIX_EPOCH);
            assert_eq!(goes_on, cause.keeps_checkpoint(), "{cause}");
            assert!(goes_on || !cause.heals_itself(), "{cause}");
        }
    }

    #[test]
    fn a_success_is_over() {
        assert!(
            RunState::ALL
                .into_iter()
                .filter(|state| state.is_success())
                .all(RunState::is_over)
        );
    }
}
