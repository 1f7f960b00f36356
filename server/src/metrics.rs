//! What monitoring is told: what this process has done since it started, and what the database says of all of them.
//!
//! Labels are bounded: a tenant's id (there are as many as connections, and an operator adds those), and words of ours. No
//! path, no address and nothing that a provider wrote is one.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::CauseCode;
use prometheus_client::{
    encoding::prometheus_text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use store::{ConnectionOverview, Figures, PoolUse};

/// Of runs the figures tell the last day: a whole number of daily syncs of each connection.
pub(crate) const FIGURES_OF: TimeDelta = TimeDelta::days(1);

/// Seconds that answers take: a page from the cache, a rendered one, a slow one, one that is about to be given up.
const ANSWER_S: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 15.0];

type Labels = Vec<(&'static str, String)>;
type Seconds = Gauge<f64, std::sync::atomic::AtomicU64>;

/// What this process counts. Clones count together.
#[derive(Clone)]
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    answers: Family<Labels, Histogram, fn() -> Histogram>,
    provider_requests: Family<Labels, Counter>,
    provider_failures: Family<Labels, Counter>,
    started_at: DateTime<Utc>,
}

/// What the database says.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) now: DateTime<Utc>,
    pub(crate) figures: Figures,
    pub(crate) overview: Arc<[ConnectionOverview]>,
    pub(crate) pools: Vec<PoolUse>,
}

impl Metrics {
    pub(crate) fn new(started_at: DateTime<Utc>) -> Self {
        Self {
            requests: Family::default(),
            answers: Family::new_with_constructor(|| Histogram::new(ANSWER_S)),
            provider_requests: Family::default(),
            provider_failures: Family::default(),
            started_at,
        }
    }

    /// `kind` is what was asked for, in one of a few words.
    pub(crate) fn answered(&self, kind: &'static str, status: u16, took: Duration) {
        let labels = vec![("kind", kind.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        let labels = vec![("kind", kind.to_owned())];
        self.answers.get_or_create(&labels).observe(took.as_secs_f64());
    }

    pub(crate) fn provider_asked(&self, tenant: &str, requests: u64) {
        let labels = vec![("tenant_id", tenant.to_owned())];
        self.provider_requests.get_or_create(&labels).inc_by(requests);
    }

    pub(crate) fn provider_failed(&self, tenant: &str, code: CauseCode) {
        let labels = vec![("tenant_id", tenant.to_owned()), ("code", code.to_string())];
        self.provider_failures.get_or_create(&labels).inc();
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn render(&self, told: &Told) -> Result<String, std::fmt::Error> {
        let mut page = Sheet::default();
        self.of_process(&mut page);
        of_runs(&mut page, told);
        of_connections(&mut page, told);
        let pools = |count: fn(&PoolUse) -> u32| {
            let pools = told.pools.iter();
            pools.map(move |pool| (vec![("pool", pool.name.to_owned())], f64::from(count(pool))))
        };
        page.gauges(
            "database_connections",
            "Open connections to the database",
            pools(|pool| pool.open),
        );
        page.gauges(
            "database_connections_idle",
            "Those that nobody uses",
            pools(|pool| pool.idle),
        );
        let mut text = String::new();
        encode(&mut text, &page.0)?;
        Ok(text)
    }

    fn of_process(&self, page: &mut Sheet) {
        page.0.register(
            "http_requests",
            "Requests answered by this process",
            self.requests.clone(),
        );
        page.0.register(
            "http_answer_seconds",
            "How long answers of this process took",
            self.answers.clone(),
        );
        page.0.register(
            "provider_requests",
            "Requests to providers by runs of this process",
            self.provider_requests.clone(),
        );
        page.0.register(
            "provider_failures",
            "Failed requests of runs of this process by cause; code=\"throttled\" where the provider asked for fewer",
            self.provider_failures.clone(),
        );
        page.gauge(
            "process_start_time_seconds",
            "When this process started",
            seconds(self.started_at),
        );
        if let Some(bytes) = resident_bytes() {
            page.gauge("process_resident_memory_bytes", "Memory of this process", bytes);
        }
    }
}

fn of_runs(page: &mut Sheet, told: &Told) {
    let figures = &told.figures;
    let runs = figures
        .runs
        .iter()
        .map(|(state, runs)| (vec![("state", state.as_str().to_owned())], float(*runs)));
    page.gauges("runs_last_day", "Runs queued within 24 h, by state", runs);
    page.gauge(
        "run_requests_last_day",
        "Requests to providers of runs queued within 24 h",
        float(figures.requests),
    );
    let records = figures.streams.iter().flat_map(|(stream, ledger)| {
        let outcomes = [
            ("found", ledger.found),
            ("new", ledger.new),
            ("updated", ledger.updated),
            ("unchanged", ledger.unchanged),
            ("invalid", ledger.invalid),
            ("repeated", ledger.repeated),
            ("deleted", ledger.deleted),
            ("late", ledger.late),
            ("refused", ledger.refused),
        ];
        let of = move |outcome: &str| vec![("stream", stream.to_string()), ("outcome", outcome.to_owned())];
        outcomes
            .into_iter()
            .map(move |(outcome, records)| (of(outcome), float(records)))
    });
    page.gauges(
        "records_last_day",
        "Records of runs queued within 24 h, by stream and outcome; all but found, deleted, late and refused add up to found",
        records,
    );
    let waiting = told.overview.iter().filter_map(|one| one.current.as_ref());
    let waiting = waiting
        .filter(|run| run.state == domain::RunState::Queued)
        .count();
    page.gauge(
        "queue_length",
        "Runs that wait for a worker",
        float(waiting as u64),
    );
    let age = figures.oldest_queued_at.map_or(0.0, |at| span(told.now - at));
    page.gauge(
        "queue_oldest_seconds",
        "How long the run waits that has waited longest",
        age,
    );
    let leases = figures
        .leases
        .iter()
        .map(|(tenant, until)| (vec![("tenant_id", tenant.to_string())], span(*until - told.now)));
    page.gauges(
        "lease_remaining_seconds",
        "Time until the lease of a run under way runs out; below 0 its worker is gone",
        leases,
    );
}

fn of_connections(page: &mut Sheet, told: &Told) {
    let each = |value: fn(&ConnectionOverview) -> Option<f64>| {
        told.overview.iter().filter_map(move |one| {
            let labels = vec![("tenant_id", one.connection.tenant_id.to_string())];
            Some((labels, value(one)?))
        })
    };
    page.gauges(
        "connection_active",
        "1, or 0 if the connection is deactivated",
        each(|one| Some(f64::from(u8::from(one.connection.is_active())))),
    );
    page.gauges(
        "connection_failures_in_a_row",
        "Failed runs since the last success",
        each(|one| Some(f64::from(one.failures_in_a_row))),
    );
    page.gauges(
        "connection_last_success_timestamp_seconds",
        "When the last success ended",
        each(|one| one.last_success.as_ref()?.finished_at.map(seconds)),
    );
}

/// What is told once.
struct Sheet(Registry);

impl Default for Sheet {
    fn default() -> Self {
        Self(Registry::with_prefix("tributary"))
    }
}

impl Sheet {
    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.gauges(name, help, [(Labels::new(), value)]);
    }

    fn gauges(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Family::<Labels, Seconds>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(name, help, family);
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn span(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1e3
}

/// Where the system tells it (Linux).
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(float(kilobytes * 1024))
}

#[cfg(test)]
mod tests {
    use domain::{Ledger, RunState, Stream};

    use super::*;

    #[test]
    fn everything_is_told_by_bounded_words() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(5);
        let metrics = Metrics::new(DateTime::UNIX_EPOCH);
        metrics.answered("page", 200, Duration::from_millis(3));
        metrics.provider_asked("customer-en", 7);
        metrics.provider_failed("customer-en", CauseCode::Throttled);
        let ledger = Ledger {
            found: 9,
            new: 9,
            ..Ledger::default()
        };
        let told = Told {
            now,
            figures: Figures {
                runs: vec![(RunState::Failed, 2)],
                streams: vec![(Stream::Users, ledger)],
                requests: 70,
                oldest_queued_at: Some(now - TimeDelta::minutes(2)),
                leases: vec![(
                    "customer-en".parse().expect("a tenant"),
                    now + TimeDelta::seconds(20),
                )],
            },
            overview: Arc::default(),
            pools: vec![PoolUse {
                name: "readers",
                open: 4,
                idle: 3,
            }],
        };
        let text = metrics.render(&told).expect("text");
        for line in [
            "tributary_http_requests_total{kind=\"page\",status=\"200\"} 1",
            "tributary_http_answer_seconds_bucket{kind=\"page\",le=\"0.005\"} 1",
            "tributary_provider_requests_total{tenant_id=\"customer-en\"} 7",
            "tributary_provider_failures_total{tenant_id=\"customer-en\",code=\"throttled\"} 1",
            "tributary_runs_last_day{state=\"failed\"} 2",
            "tributary_records_last_day{stream=\"users\",outcome=\"new\"} 9",
            "tributary_queue_oldest_seconds 120",
            "tributary_lease_remaining_seconds{tenant_id=\"customer-en\"} 20",
            "tributary_database_connections_idle{pool=\"readers\"} 3",
        ] {
            assert!(text.contains(line), "no {line} in:\n{text}");
        }
    }
}
