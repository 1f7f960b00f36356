//! From what the store keeps to what the console shows. Pure.

use app::{
    activity::view::{ConnectionName, LogRow},
    connections::view::{
        CardCounts, ConnectionCard, ConnectionsView, CurrentRun, LastRun, MostInvalid, STRIP_DAYS, StripRun,
        StripSlot,
    },
    runs::view::InvalidGroupView,
    ui::words,
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::{ActivitySource, Connection, Health, LastRuns, Run, RunState, SyncTime, SyncWindow};
use store::{ConnectionOverview, InvalidGroup, ObjectCounts, RunMark};

pub(crate) fn connections(
    overviews: Vec<ConnectionOverview>,
    window: SyncWindow,
    now: DateTime<Utc>,
) -> ConnectionsView {
    let mut cards: Vec<ConnectionCard> = overviews
        .into_iter()
        .map(|overview| card(overview, window, now))
        .collect();
    cards.sort_by(|a, b| (a.health, &a.name, &a.tenant_id).cmp(&(b.health, &b.name, &b.tenant_id)));
    ConnectionsView { as_of: now, cards }
}

fn card(overview: ConnectionOverview, window: SyncWindow, now: DateTime<Utc>) -> ConnectionCard {
    let connection = overview.connection;
    let active = connection.is_active();
    let most_invalid = overview.last_success.as_ref().and_then(most_invalid);
    let last_success_at = overview.last_success.as_ref().and_then(|run| run.finished_at);
    let health = Health::of(
        &LastRuns {
            active,
            under_way: overview.current.is_some(),
            last: overview.last.as_ref().map(|run| run.state),
            last_success_at,
            invalid_share: most_invalid
                .as_ref()
                .map_or(0.0, |most| share(most.invalid, most.found)),
        },
        now,
    );
    let sync_time = SyncTime::of(connection.id, window);
    let failed = overview.last.as_ref().filter(|run| run.state == RunState::Failed);
    ConnectionCard {
        id: connection.id,
        language: connection.tenant_id.language().map(str::to_owned),
        region: connection.base_url.region().map(str::to_owned),
        tenant_id: connection.tenant_id.to_string(),
        name: connection.name,
        health,
        deactivated_at: connection.deactivated_at,
        failures_in_a_row: overview.failures_in_a_row,
        cause: failed.and_then(|run| run.cause.clone()),
        current: overview.current.as_ref().map(current_run),
        last: overview.last.as_ref().map(last_run),
        last_success_at,
        most_invalid,
        sync_time,
        next_sync_at: active.then(|| sync_time.next_due(now)),
        counts: counts(overview.counts, connection.activity_source),
        strip: strip(&overview.recent, now.date_naive()),
    }
}

pub(crate) fn current_run(run: &Run) -> CurrentRun {
    CurrentRun {
        id: run.id,
        state: run.state,
        stage: run.stage,
        queued_at: run.queued_at,
        started_at: run.started_at,
        total: run.total(),
        requests: run.requests,
        progress: run.progress.clone(),
    }
}

fn last_run(run: &Run) -> LastRun {
    let total = run.total();
    LastRun {
        id: run.id,
        state: run.state,
        stage: run.stage,
        finished_at: run.finished_at,
        valid: total.valid(),
        invalid: total.invalid,
    }
}

/// The stream with the largest share of invalid records; `None` if there are none.
fn most_invalid(run: &Run) -> Option<MostInvalid> {
    run.streams
        .iter()
        .filter(|stream| stream.ledger.invalid > 0)
        .max_by(|a, b| {
            share(a.ledger.invalid, a.ledger.found).total_cmp(&share(b.ledger.invalid, b.ledger.found))
        })
        .map(|stream| MostInvalid {
            run: run.id,
            stream: stream.stream,
            invalid: stream.ledger.invalid,
            found: stream.ledger.found,
        })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share is shown with two decimals; 53 bits are far more than that"
)]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Without a view source, or before the first run has looked for one, views are unknown and not zero.
fn counts(stored: ObjectCounts, source: Option<ActivitySource>) -> CardCounts {
    let known = matches!(source, Some(ActivitySource::Api | ActivitySource::Import));
    CardCounts {
        users: stored.users,
        topics: stored.topics,
        replies: stored.replies,
        categories: stored.categories,
        idea_statuses: stored.idea_statuses,
        activity: known.then_some(stored.activity),
        activity_source: source,
    }
}

/// One slot a day up to today, each with the run that is under way, else the last that was not cancelled.
fn strip(recent: &[RunMark], today: NaiveDate) -> Vec<StripSlot> {
    (0..STRIP_DAYS as u64)
        .rev()
        .map(|days_ago| {
            let day = today - Days::new(days_ago);
            let of_day = || recent.iter().filter(|run| run.queued_at.date_naive() == day);
            let run = of_day()
                .find(|run| !run.state.is_over())
                .or_else(|| of_day().rfind(|run| run.state != RunState::Cancelled));
            StripSlot {
                day,
                run: run.map(|run| StripRun {
                    id: run.id,
                    state: run.state,
                    found: run.found,
                    invalid: run.invalid,
                }),
            }
        })
        .collect()
}

pub(crate) fn connection_name(connection: &Connection) -> ConnectionName {
    ConnectionName {
        id: connection.id,
        tenant_id: connection.tenant_id.to_string(),
        name: connection.name.clone(),
        language: connection.tenant_id.language().map(str::to_owned),
    }
}

pub(crate) fn log_row(run: Run, names: &[ConnectionName]) -> LogRow {
    let total = run.total();
    let kept = (run.state == RunState::Cancelled).then(|| words::kept(&run));
    let known = names.iter().find(|name| name.id == run.connection_id).cloned();
    LogRow {
        connection: known.unwrap_or_else(|| ConnectionName {
            id: run.connection_id,
            name: run.tenant_id.clone(),
            tenant_id: run.tenant_id.clone(),
            language: None,
        }),
        run: run.id,
        trigger: run.trigger,
        mode: run.mode,
        state: run.state,
        stage: run.stage,
        cause: run.cause,
        queued_at: run.queued_at,
        started_at: run.started_at,
        finished_at: run.finished_at,
        found: total.found,
        valid: total.valid(),
        invalid: total.invalid,
        changed: total.new + total.updated,
        kept,
        progress: run.progress,
    }
}

pub(crate) fn invalid_group(group: InvalidGroup) -> InvalidGroupView {
    InvalidGroupView {
        stream: group.stream,
        reason: group.reason,
        count: group.count,
        repaired: group.repaired,
        sample_name: group.sample.name,
        sample_message: group.sample.message,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::{
        Cause, CauseCode, ConnectionId, Ledger, MatchCounts, Mode, Progress, RunId, Stage, Stream, StreamRun,
        Trigger,
    };
    use uuid::Uuid;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    fn window() -> SyncWindow {
        "01:00-05:00".parse().expect("a window")
    }

    fn overview(tenant: &str, number: u128) -> ConnectionOverview {
        ConnectionOverview {
            connection: Connection {
                id: ConnectionId(Uuid::from_u128(number)),
                tenant_id: tenant.parse().expect("a tenant id"),
                name: tenant.to_owned(),
                base_url: "https://api2-eu-west-1.insided.com".parse().expect("a URL"),
                client_id: "client".to_owned(),
                deactivated_at: None,
                activity_source: Some(ActivitySource::None),
                created_at: now(),
            },
            counts: ObjectCounts {
                users: 10,
                ..ObjectCounts::default()
            },
            current: None,
            last: None,
            last_success: None,
            failures_in_a_row: 0,
            recent: Vec::new(),
        }
    }

    fn run(state: RunState, users: Ledger) -> Run {
        let ledger = |stream| {
            if stream == Stream::Users {
                users
            } else {
                Ledger::default()
            }
        };
        Run {
            id: RunId(Uuid::from_u128(99)),
            connection_id: ConnectionId(Uuid::from_u128(1)),
            tenant_id: "customer-en".to_owned(),
            trigger: Trigger::Scheduled,
            resumed_from: None,
            mode: Mode::Full,
            state,
            stage: Some(Stage::Users),
            cause: (state == RunState::Failed)
                .then(|| Cause::new(CauseCode::CredentialsRefused, "customer-en", "refused (401)")),
            queued_at: now() - TimeDelta::hours(2),
            started_at: Some(now() - TimeDelta::hours(2)),
            finished_at: Some(now() - TimeDelta::hours(1)),
            requests: 12,
            attempts: 1,
            streams: Stream::ALL
                .map(|stream| StreamRun {
                    stream,
                    ledger: ledger(stream),
                    source: ActivitySource::Api,
                    started_at: None,
                    finished_at: None,
                })
                .to_vec(),
            matching: MatchCounts::default(),
            match_started_at: None,
            trends_started_at: None,
            progress: Progress::default(),
        }
    }

    fn ledger(new: u64, invalid: u64) -> Ledger {
        Ledger {
            found: new + invalid,
            new,
            invalid,
            ..Ledger::default()
        }
    }

    fn only_card(overview: ConnectionOverview) -> ConnectionCard {
        let mut view = connections(vec![overview], window(), now());
        assert_eq!(view.cards.len(), 1);
        view.cards.remove(0)
    }

    #[test]
    fn the_worst_come_first_and_then_the_name_decides() {
        let failing = ConnectionOverview {
            last: Some(run(RunState::Failed, ledger(0, 0))),
            ..overview("zebra-en", 1)
        };
        let view = connections(
            vec![overview("beta-en", 2), overview("alpha-en", 3), failing],
            window(),
            now(),
        );
        let order: Vec<_> = view.cards.iter().map(|card| card.tenant_id.as_str()).collect();
        assert_eq!(order, ["zebra-en", "alpha-en", "beta-en"]);
    }

    #[test]
    fn a_failed_run_gives_its_cause_and_an_older_success_its_time() {
        let success = run(RunState::Completed, ledger(100, 0));
        let card = only_card(ConnectionOverview {
            last: Some(run(RunState::Failed, ledger(0, 0))),
            last_success: Some(success.clone()),
            failures_in_a_row: 3,
            ..overview("customer-en", 1)
        });
        assert_eq!(card.health, Health::Failing);
        assert_eq!(
            card.cause.map(|cause| cause.code),
            Some(CauseCode::CredentialsRefused)
        );
        assert_eq!(card.last_success_at, success.finished_at);
        assert_eq!(card.failures_in_a_row, 3);
    }

    #[test]
    fn many_invalid_records_need_attention_and_are_named() {
        let run = run(RunState::CompletedWithInvalid, ledger(90, 10));
        let card = only_card(ConnectionOverview {
            last: Some(run.clone()),
            last_success: Some(run),
            ..overview("customer-en", 1)
        });
        assert_eq!(card.health, Health::Attention);
        let most = card.most_invalid.expect("a stream");
        assert_eq!((most.stream, most.invalid, most.found), (Stream::Users, 10, 100));
    }

    #[test]
    fn views_of_a_tenant_without_a_source_are_unknown() {
        assert_eq!(only_card(overview("customer-en", 1)).counts.activity, None);
        assert_eq!(
            counts(ObjectCounts::default(), Some(ActivitySource::Api)).activity,
            Some(0)
        );
        assert_eq!(counts(ObjectCounts::default(), None).activity, None);
    }

    #[test]
    fn a_deactivated_connection_has_no_next_sync() {
        let mut off = overview("customer-en", 1);
        off.connection.deactivated_at = Some(now());
        let card = only_card(off);
        assert_eq!((card.health, card.next_sync_at), (Health::Deactivated, None));
        assert!(only_card(overview("customer-en", 1)).next_sync_at > Some(now()));
    }

    #[test]
    fn a_days_slot_shows_what_runs_else_the_last_that_was_not_cancelled() {
        let mark = |id: u128, days_ago: i64, state| RunMark {
            id: RunId(Uuid::from_u128(id)),
            state,
            queued_at: now() - TimeDelta::days(days_ago) + TimeDelta::minutes(i64::try_from(id).unwrap_or(0)),
            found: 5,
            invalid: 0,
        };
        let recent = [
            mark(1, 13, RunState::Completed),
            mark(2, 1, RunState::Failed),
            mark(3, 1, RunState::Completed),
            mark(4, 1, RunState::Cancelled),
            mark(5, 0, RunState::Running),
            mark(6, 0, RunState::Completed),
        ];
        let strip = strip(&recent, now().date_naive());
        assert_eq!(strip.len(), STRIP_DAYS);
        let shown = |slot: &StripSlot| slot.run.as_ref().map(|run| run.id.0.as_u128());
        assert_eq!(shown(&strip[0]), Some(1));
        assert_eq!(shown(&strip[1]), None);
        assert_eq!(shown(&strip[12]), Some(3));
        assert_eq!(shown(&strip[13]), Some(5));
        assert_eq!(strip[13].day, now().date_naive());
    }

    #[test]
    fn a_log_row_adds_the_streams_up_and_survives_a_missing_name() {
        let row = log_row(run(RunState::CompletedWithInvalid, ledger(7, 2)), &[]);
        assert_eq!((row.found, row.valid, row.invalid, row.changed), (9, 7, 2, 7));
        assert_eq!(row.connection.name, "customer-en");
    }
}
