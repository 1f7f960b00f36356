use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ActivitySource, Cause, ConnectionId, Ledger, RunId, Stage, Stream};

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

/// How much of the tenant a run reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Run {
    /// All streams added up.
    pub fn total(&self) -> Ledger {
        self.streams
            .iter()
            .fold(Ledger::default(), |sum, stream| sum.plus(stream.ledger))
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
    fn a_success_is_over() {
        assert!(
            RunState::ALL
                .into_iter()
                .filter(|state| state.is_success())
                .all(RunState::is_over)
        );
    }
}
