//! How a run in the foreground comes along: a bar on a terminal, plain lines elsewhere. It only reads the run, so the
//! engine knows nothing of it.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, IsTerminal},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Ledger, Run, RunId, Stage};
use indicatif::{ProgressBar, ProgressStyle};
use store::RunQuery;
use tokio::task::JoinHandle;

use crate::{installation::Installation, output::say};

/// How often a bar moves: often enough to look alive, seldom enough to cost nothing.
const BAR_INTERVAL: Duration = Duration::from_millis(250);

/// How often a line is told, for logs of hours.
const LINE_INTERVAL: Duration = Duration::from_secs(2);

/// Rate and pace are those of this long: they follow a change of the provider's mood, but not every page.
const WINDOW: TimeDelta = TimeDelta::seconds(15);

/// Runs among which an earlier one of the same kind is looked for.
const EARLIER_RUNS: u32 = 20;

const MILLIS_PER_SECOND: u64 = 1_000;
const MILLIS_PER_MINUTE: u64 = 60_000;

/// Tells of one run until it is ended.
pub(crate) struct Progress {
    telling: JoinHandle<()>,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn start(installation: &Installation, run: &Run) -> Self {
        let bar = io::stderr().is_terminal().then(new_bar);
        let telling = tell(installation.clone(), run.id, bar.clone());
        Self {
            telling: tokio::spawn(telling),
            bar,
        }
    }

    /// Takes the bar away, so that nothing is written into it.
    pub(crate) fn end(self) {
        self.telling.abort();
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Until it is known how much is to come, there is nothing to draw a bar of.
const UNKNOWN_LENGTH: &str = "{spinner} {wide_msg}";
const KNOWN_LENGTH: &str = "{spinner} {wide_msg}\n  {wide_bar} {percent:>3} %";

fn new_bar() -> ProgressBar {
    ProgressBar::no_length().with_style(style(UNKNOWN_LENGTH))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Never ends by itself. Progress is a courtesy: if it cannot be read now, the run itself will say what is wrong.
async fn tell(installation: Installation, id: RunId, bar: Option<ProgressBar>) {
    let interval = if bar.is_some() {
        BAR_INTERVAL
    } else {
        LINE_INTERVAL
    };
    let mut meter = Meter::default();
    let mut told = Standing::default();
    let mut first = true;
    loop {
        if let Ok(Some(run)) = installation.store.run(id).await {
            if first {
                meter.expected = expected(&installation, &run).await;
                first = false;
            }
            let reading = meter.read(installation.clock.now(), &Standing::of(&run));
            match &bar {
                Some(bar) => show(bar, &reading),
                None if reading.standing == told => {}
                None => say(&reading.words()),
            }
            told = reading.standing;
        }
        installation.clock.sleep(interval).await;
    }
}

fn show(bar: &ProgressBar, reading: &Reading) {
    bar.set_message(reading.brief());
    if let Some(expected) = reading.expected {
        if bar.length().is_none() {
            bar.set_style(style(KNOWN_LENGTH));
        }
        bar.set_length(expected.max(reading.standing.total.found));
        bar.set_position(reading.standing.total.found);
    }
    bar.tick();
}

/// How many records the latest success of the same kind found: the provider announces no number for the whole.
async fn expected(installation: &Installation, run: &Run) -> Option<u64> {
    let query = RunQuery {
        connection: Some(run.connection_id),
        offset: 0,
        limit: EARLIER_RUNS,
    };
    let page = installation.store.runs(&query).await.ok()?;
    let alike = |earlier: &&Run| earlier.state.is_success() && earlier.mode == run.mode;
    page.runs.iter().find(alike).map(|earlier| earlier.total().found)
}

/// What of a run is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Standing {
    stage: Option<Stage>,
    total: Ledger,
    requests: u64,
    waits_until: Option<DateTime<Utc>>,
    stage_ends_at: Option<DateTime<Utc>>,
    stopping: bool,
}

impl Standing {
    fn of(run: &Run) -> Self {
        Self {
            stage: run.stage,
            total: run.total(),
            requests: run.requests,
            waits_until: run.progress.waits_for_provider_until,
            stage_ends_at: run.progress.stage_ends_at,
            stopping: run.is_cancelling(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: DateTime<Utc>,
    records: u64,
    requests: u64,
}

/// Turns looks at a run into rate, pace and the time left.
#[derive(Debug, Default)]
struct Meter {
    expected: Option<u64>,
    samples: VecDeque<Sample>,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    standing: Standing,
    expected: Option<u64>,
    /// Records a second.
    rate: Option<u64>,
    /// Requests a minute.
    pace: Option<u64>,
    left: Option<TimeDelta>,
    /// Until the provider is asked again.
    wait: Option<TimeDelta>,
    /// Until the stage under way ends, where the provider has said how much there is.
    stage_left: Option<TimeDelta>,
}

impl Meter {
    fn read(&mut self, at: DateTime<Utc>, standing: &Standing) -> Reading {
        let found = standing.total.found;
        let now = Sample {
            at,
            records: found,
            requests: standing.requests,
        };
        self.samples.push_back(now);
        // The first of them lies at the window's edge or just before it.
        while self.samples.get(1).is_some_and(|second| at - second.at >= WINDOW) {
            self.samples.pop_front();
        }
        let since = self.samples.front().copied().unwrap_or(now);
        let millis = u64::try_from((at - since.at).num_milliseconds()).unwrap_or(0);
        let records = now.records.saturating_sub(since.records);
        let requests = now.requests.saturating_sub(since.requests);
        let to_come = self
            .expected
            .map(|expected| expected.saturating_sub(found))
            .filter(|to_come| *to_come > 0);
        Reading {
            standing: *standing,
            expected: self.expected,
            rate: per(records, millis, MILLIS_PER_SECOND),
            pace: per(requests, millis, MILLIS_PER_MINUTE),
            left: to_come.and_then(|to_come| time_for(to_come, records, millis)),
            wait: until(standing.waits_until, at),
            stage_left: until(standing.stage_ends_at, at),
        }
    }
}

/// What is left up to then; `None` if it is past.
fn until(then: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<TimeDelta> {
    then.map(|then| then - now)
        .filter(|left| *left > TimeDelta::zero())
}

fn per(count: u64, millis: u64, unit: u64) -> Option<u64> {
    count.saturating_mul(unit).checked_div(millis)
}

/// At the speed of the window.
fn time_for(to_come: u64, records: u64, millis: u64) -> Option<TimeDelta> {
    let needed = to_come.saturating_mul(millis).checked_div(records)?;
    TimeDelta::try_milliseconds(i64::try_from(needed).ok()?)
}

impl Reading {
    /// Fits into a line of a terminal.
    fn brief(&self) -> String {
        let Standing { total, .. } = &self.standing;
        let invalid = match total.invalid {
            0 => String::new(),
            count => format!(", {count} invalid"),
        };
        format!(
            "{}: {} records{invalid}{}",
            self.stage(),
            total.found,
            self.speed()
        )
    }

    fn words(&self) -> String {
        let Standing { total, requests, .. } = &self.standing;
        format!(
            "{}: {} records, {} new, {} updated, {} unchanged, {} invalid, {requests} requests{}",
            self.stage(),
            total.found,
            total.new,
            total.updated,
            total.unchanged,
            total.invalid,
            self.speed()
        )
    }

    fn stage(&self) -> String {
        let count = Stage::ALL.len();
        self.standing.stage.map_or_else(
            || "queued".to_owned(),
            |stage| format!("{} ({}/{count})", stage.as_str(), stage.position()),
        )
    }

    fn speed(&self) -> String {
        let mut words = String::new();
        if self.standing.stopping {
            return "; stops at the next page".to_owned();
        }
        if let Some(wait) = self.wait {
            // A wait of 42.3 s is still 43 s long to whoever looks.
            let seconds = wait.num_milliseconds().div_euclid(1_000) + 1;
            return format!("; waits for the provider, {seconds} s left");
        }
        if let (Some(rate), Some(pace)) = (self.rate, self.pace) {
            let _ = write!(words, "; {rate} records/s, {pace} requests/min");
        }
        if let Some(left) = self.left {
            let _ = write!(words, "; about {} left", rough(left));
        }
        if let Some(left) = self.stage_left {
            let _ = write!(words, "; this stage about {}", rough(left));
        }
        words
    }
}

/// As exact as an estimate is.
fn rough(time: TimeDelta) -> String {
    let seconds = time.num_seconds();
    match (seconds / 3600, seconds / 60) {
        (0, 0) => format!("{} s", seconds.max(1)),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {} min", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    fn standing(found: u64, requests: u64) -> Standing {
        Standing {
            stage: Some(Stage::Users),
            total: Ledger {
                found,
                new: found,
                ..Ledger::default()
            },
            requests,
            ..Standing::default()
        }
    }

    #[test]
    fn a_wait_for_the_provider_counts_down_and_the_stages_end_is_a_guess() {
        let mut meter = Meter::default();
        let waiting = Standing {
            waits_until: Some(at(42_300)),
            stage_ends_at: Some(at(360_000)),
            ..standing(500, 5)
        };
        let told = |meter: &mut Meter, millis| meter.read(at(millis), &waiting).brief();
        assert!(told(&mut meter, 0).ends_with("records; waits for the provider, 43 s left"));
        assert!(told(&mut meter, 42_000).ends_with("; waits for the provider, 1 s left"));
        let over = told(&mut meter, 43_000);
        assert!(
            over.ends_with("; 0 records/s, 0 requests/min; this stage about 5 min"),
            "{over}"
        );
        let stopping = Standing {
            stopping: true,
            ..waiting
        };
        assert!(
            meter
                .read(at(0), &stopping)
                .brief()
                .ends_with("; stops at the next page")
        );
    }

    #[test]
    fn the_first_look_knows_no_speed() {
        let reading = Meter::default().read(at(0), &standing(500, 5));
        assert_eq!((reading.rate, reading.pace, reading.left), (None, None, None));
        assert_eq!(
            reading.words(),
            format!(
                "users (4/{}): 500 records, 500 new, 0 updated, 0 unchanged, 0 invalid, 5 requests",
                Stage::ALL.len()
            )
        );
    }

    #[test]
    fn rate_pace_and_time_left_follow_the_last_seconds() {
        let mut meter = Meter {
            expected: Some(10_000),
            ..Meter::default()
        };
        // What an earlier attempt brought is no speed of this one.
        meter.read(at(0), &standing(1_000, 10));
        let reading = meter.read(at(2_000), &standing(2_000, 20));
        assert_eq!((reading.rate, reading.pace), (Some(500), Some(300)));
        assert_eq!(reading.left, Some(TimeDelta::seconds(16)));
        assert!(
            reading
                .words()
                .ends_with("; 500 records/s, 300 requests/min; about 16 s left")
        );

        // The provider slows down: after the window the fast seconds are forgotten.
        for seconds in 3..=32 {
            meter.read(at(seconds * 1_000), &standing(2_000, 20));
        }
        let reading = meter.read(at(33_000), &standing(2_000, 20));
        assert_eq!(
            (reading.rate, reading.pace, reading.left),
            (Some(0), Some(0), None)
        );
        assert!(meter.samples.len() < 20, "{}", meter.samples.len());
    }

    #[test]
    fn more_than_expected_has_no_time_left() {
        let mut meter = Meter {
            expected: Some(100),
            ..Meter::default()
        };
        meter.read(at(0), &standing(0, 0));
        let reading = meter.read(at(1_000), &standing(200, 2));
        assert_eq!(reading.left, None);
    }

    #[test]
    fn a_clock_that_goes_back_does_no_harm() {
        let mut meter = Meter::default();
        meter.read(at(10_000), &standing(100, 1));
        let reading = meter.read(at(0), &standing(50, 0));
        assert_eq!((reading.rate, reading.pace), (None, None));
    }

    #[test]
    fn estimates_are_rough() {
        let words = [0, 59, 60, 3_599, 7_260].map(|seconds| rough(TimeDelta::seconds(seconds)));
        assert_eq!(words, ["1 s", "59 s", "1 min", "59 min", "2 h 1 min"]);
    }
}
