//! The installation: seven connections, their log, and the Summaries of three runs.

use app::{
    activity::view::{ConnectionName, LogRow},
    connections::view::{
        CardCounts, ConnectionCard, CurrentRun, LastRun, MostInvalid, STRIP_DAYS, StripRun, StripSlot,
    },
    runs::view::{InvalidGroupView, SummaryView},
};
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use domain::{
    ActivitySource, Cause, CauseCode, ConnectionId, Health, Ledger, MatchCounts, Mode, Progress, QueuePlace,
    Run, RunId, RunState, Stage, StoppedBy, Stream, StreamRun, SyncTime, Trigger, record::InvalidReason,
};

/// A moment in November 2026.
pub(crate) fn at(day: u32, hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, day, hour, minute, second)
        .single()
        .expect("a time")
}

pub(crate) fn connection_id(number: u32) -> ConnectionId {
    format!("01934f5e-0000-7000-8000-{number:012}")
        .parse()
        .expect("an id")
}

pub(crate) fn run_id(number: u32) -> RunId {
    format!("01935a00-0000-7000-8000-{number:012}")
        .parse()
        .expect("an id")
}

const NAMES: [(&str, &str, &str); 7] = [
    ("customer-fr", "Communauté clients", "fr"),
    ("partners-en", "Partner Community", "en"),
    ("customer-de", "Kunden-Community", "de"),
    ("customer-en", "Customer Community", "en"),
    ("customer-es", "Comunidad de clientes", "es"),
    ("dev-en", "Developer Forum", "en"),
    ("customer-it", "Community clienti", "it"),
];

pub(crate) fn connection_name(number: u32) -> ConnectionName {
    let (tenant_id, name, language) = NAMES[number as usize - 1];
    ConnectionName {
        id: connection_id(number),
        tenant_id: tenant_id.to_owned(),
        name: name.to_owned(),
        language: Some(language.to_owned()),
    }
}

fn sync_time(number: u32) -> SyncTime {
    SyncTime::of(connection_id(number), "01:00-05:00".parse().expect("a window"))
}

fn base(number: u32, health: Health) -> ConnectionCard {
    let name = connection_name(number);
    let time = sync_time(number);
    ConnectionCard {
        id: name.id,
        tenant_id: name.tenant_id,
        name: name.name,
        language: name.language,
        region: Some(if number == 2 || number == 6 { "US" } else { "EU" }.to_owned()),
        health,
        deactivated_at: None,
        failures_in_a_row: 0,
        cause: None,
        current: None,
        last: None,
        last_success_at: None,
        most_invalid: None,
        sync_time: time,
        next_sync_at: Some(time.next_due(at(23, 7, 42, 10))),
        counts: CardCounts::default(),
        strip: strip(number, &[]),
    }
}

fn last(number: u32, state: RunState, reached: Option<Stage>, valid: u64, invalid: u64) -> LastRun {
    LastRun {
        id: run_id(number),
        state,
        stage: reached,
        finished_at: Some(at(23, 2, 30, 0)),
        valid,
        invalid,
    }
}

/// A strip of completed days, with other states where `odd` says so (slot, state).
fn strip(number: u32, odd: &[(usize, Option<RunState>)]) -> Vec<StripSlot> {
    let first = NaiveDate::from_ymd_opt(2026, 11, 10).expect("a day");
    (0..STRIP_DAYS)
        .map(|slot| {
            let found = 9_000 + (slot as u64 * 7919 + u64::from(number) * 4241) % 9_000;
            let usual = (!odd.is_empty()).then_some(RunState::Completed);
            let state = odd
                .iter()
                .find(|(other, _)| *other == slot)
                .map_or(usual, |(_, state)| *state);
            StripSlot {
                day: first + TimeDelta::days(i64::try_from(slot).expect("a small number")),
                run: state.map(|state| StripRun {
                    id: run_id(number * 100 + u32::try_from(slot).expect("a small number")),
                    state,
                    found: if state == RunState::Failed { 0 } else { found },
                    invalid: u64::from(state == RunState::CompletedWithInvalid) * 52,
                }),
            }
        })
        .collect()
}

fn counts(
    users: u64,
    topics: u64,
    replies: u64,
    categories: u64,
    idea_statuses: u64,
    views: Option<u64>,
) -> CardCounts {
    CardCounts {
        users,
        topics,
        replies,
        categories,
        idea_statuses,
        activity: views,
        activity_source: Some(if views.is_some() {
            ActivitySource::Api
        } else {
            ActivitySource::None
        }),
    }
}

pub(crate) fn cards() -> Vec<ConnectionCard> {
    vec![
        failing(),
        attention(),
        stale(),
        running(),
        queued(),
        healthy(),
        recovered(),
        also_running(11, "customer-nl", "Customer NL", waiting_for_provider(None)),
        also_running(
            12,
            "customer-pt",
            "Customer PT",
            waiting_for_provider(Some(StoppedBy::Admin)),
        ),
        not_run_yet(),
        deactivated(),
    ]
}

fn failing() -> ConnectionCard {
    let failed = Some(RunState::Failed);
    ConnectionCard {
        failures_in_a_row: 3,
        cause: Some(secret_refused()),
        last: Some(last(1, RunState::Failed, Some(Stage::Connect), 0, 0)),
        last_success_at: Some(at(20, 2, 10, 0)),
        counts: counts(9866, 3120, 18_402, 41, 7, Some(402_118)),
        strip: strip(
            1,
            &[
                (3, Some(RunState::CompletedWithInvalid)),
                (11, failed),
                (12, failed),
                (13, failed),
            ],
        ),
        ..base(1, Health::Failing)
    }
}

fn secret_refused() -> Cause {
    Cause::new(
        CauseCode::CredentialsRefused,
        "customer-fr",
        "The provider refused the client secret (401).",
    )
}

fn attention() -> ConnectionCard {
    let some = Some(RunState::CompletedWithInvalid);
    ConnectionCard {
        last: Some(last(
            2,
            RunState::CompletedWithInvalid,
            Some(Stage::Activity),
            3306,
            118,
        )),
        last_success_at: Some(at(23, 3, 12, 48)),
        most_invalid: Some(MostInvalid {
            run: run_id(2),
            stream: Stream::Users,
            invalid: 118,
            found: 2894,
        }),
        counts: counts(2776, 1044, 6310, 18, 6, None),
        strip: strip(
            2,
            &[
                (8, some),
                (9, some),
                (10, some),
                (11, some),
                (12, some),
                (13, some),
            ],
        ),
        ..base(2, Health::Attention)
    }
}

fn stale() -> ConnectionCard {
    ConnectionCard {
        id: connection_id(8),
        tenant_id: "partners-nl".to_owned(),
        name: "Partnercommunity".to_owned(),
        language: Some("nl".to_owned()),
        last: Some(last(8, RunState::Completed, Some(Stage::Trends), 512, 0)),
        last_success_at: Some(at(21, 14, 30, 0)),
        counts: counts(512, 80, 402, 6, 4, Some(9_000)),
        strip: strip(8, &[(12, None), (13, None), (4, Some(RunState::Cancelled))]),
        ..base(5, Health::Stale)
    }
}

fn running() -> ConnectionCard {
    ConnectionCard {
        current: Some(CurrentRun {
            id: run_id(3),
            state: RunState::Running,
            stage: Some(Stage::Replies),
            queued_at: at(23, 7, 35, 57),
            started_at: Some(at(23, 7, 35, 58)),
            total: ledger(31_204, 212, 1840, 29_149, 3),
            requests: 1786,
            progress: Progress {
                requests_per_minute: Some(288),
                stage_ends_at: Some(at(23, 7, 48, 30)),
                ..Progress::default()
            },
        }),
        last: Some(last(33, RunState::Failed, Some(Stage::Replies), 29_908, 3)),
        last_success_at: Some(at(22, 2, 34, 2)),
        counts: counts(21_447, 7215, 44_960, 52, 8, Some(611_904)),
        strip: strip(
            3,
            &[
                (4, Some(RunState::CompletedWithInvalid)),
                (6, None),
                (13, Some(RunState::Running)),
            ],
        ),
        ..base(3, Health::Running)
    }
}

/// The third of five, while two runs are under way.
fn waiting() -> Progress {
    Progress {
        queue: Some(QueuePlace::new(2, 5, 2, false, at(23, 7, 42, 10))),
        ..Progress::default()
    }
}

/// It waits for the provider, and then someone asks it to stop.
fn waiting_for_provider(stopped_by: Option<StoppedBy>) -> Progress {
    Progress {
        stopped_by,
        waits_for_provider_until: Some(at(23, 7, 42, 52)),
        ..Progress::default()
    }
}

/// A running one of another tenant.
fn also_running(number: u32, tenant_id: &str, name: &str, progress: Progress) -> ConnectionCard {
    ConnectionCard {
        id: connection_id(number),
        tenant_id: tenant_id.to_owned(),
        name: name.to_owned(),
        current: running().current.map(|current| CurrentRun {
            id: run_id(number),
            progress,
            ..current
        }),
        ..running()
    }
}

fn queued() -> ConnectionCard {
    ConnectionCard {
        id: connection_id(9),
        tenant_id: "customer-global-enterprise-edition-asia-pacific".to_owned(),
        name: "Worldwide <b>Enterprise</b> Customer Community of the Asia-Pacific Region".to_owned(),
        language: None,
        current: Some(CurrentRun {
            id: run_id(9),
            state: RunState::Queued,
            stage: None,
            queued_at: at(23, 7, 41, 58),
            started_at: None,
            total: Ledger::default(),
            requests: 0,
            progress: waiting(),
        }),
        last: Some(last(39, RunState::Cancelled, Some(Stage::Users), 8200, 0)),
        last_success_at: Some(at(22, 2, 34, 2)),
        counts: counts(1_204_377, 72_150, 4_449_600, 52, 8, Some(61_190_412)),
        strip: strip(
            3,
            &[(13, Some(RunState::Queued)), (12, Some(RunState::Cancelled))],
        ),
        ..base(4, Health::Running)
    }
}

fn healthy() -> ConnectionCard {
    let some = Some(RunState::CompletedWithInvalid);
    ConnectionCard {
        last: Some(last(
            4,
            RunState::CompletedWithInvalid,
            Some(Stage::Activity),
            80_868,
            52,
        )),
        last_success_at: Some(at(23, 2, 14, 41)),
        counts: counts(48_210, 12_904, 88_431, 64, 9, Some(1_204_377)),
        strip: strip(4, &[(3, some), (13, some)]),
        ..base(4, Health::Healthy)
    }
}

fn recovered() -> ConnectionCard {
    ConnectionCard {
        last: Some(last(5, RunState::Completed, Some(Stage::Trends), 9402, 0)),
        last_success_at: Some(at(23, 2, 34, 55)),
        counts: counts(5218, 1866, 9047, 33, 6, Some(188_240)),
        strip: strip(5, &[(7, Some(RunState::Failed))]),
        ..base(5, Health::Healthy)
    }
}

pub(crate) fn not_run_yet() -> ConnectionCard {
    base(7, Health::NotRunYet)
}

fn deactivated() -> ConnectionCard {
    ConnectionCard {
        deactivated_at: Some(at(3, 9, 0, 0) - TimeDelta::days(31)),
        last: Some(last(6, RunState::Completed, Some(Stage::Trends), 4118, 0)),
        last_success_at: Some(at(3, 2, 0, 0) - TimeDelta::days(31)),
        next_sync_at: None,
        counts: counts(2842, 990, 7731, 22, 6, Some(96_415)),
        ..base(6, Health::Deactivated)
    }
}

fn ledger(found: u64, new: u64, updated: u64, unchanged: u64, invalid: u64) -> Ledger {
    Ledger {
        found,
        new,
        updated,
        unchanged,
        invalid,
        pages: found.div_ceil(100),
        ..Ledger::default()
    }
}

fn row(run: u32, connection: u32, started_at: DateTime<Utc>, took_s: i64, state: RunState) -> LogRow {
    LogRow {
        run: run_id(run),
        connection: connection_name(connection),
        trigger: Trigger::Scheduled,
        mode: Mode::Incremental,
        state,
        stage: Some(Stage::Trends),
        cause: None,
        queued_at: started_at,
        started_at: Some(started_at),
        finished_at: Some(started_at + TimeDelta::seconds(took_s)),
        found: 9402,
        valid: 9402,
        invalid: 0,
        changed: 120,
        kept: None,
        progress: Progress::default(),
    }
}

pub(crate) fn log() -> Vec<LogRow> {
    [
        LogRow {
            started_at: None,
            finished_at: None,
            stage: None,
            found: 0,
            valid: 0,
            changed: 0,
            trigger: Trigger::Manual,
            progress: waiting(),
            ..row(9, 5, at(23, 7, 41, 58), 0, RunState::Queued)
        },
        LogRow {
            finished_at: None,
            stage: Some(Stage::Replies),
            found: 31_204,
            valid: 31_201,
            invalid: 3,
            trigger: Trigger::Manual,
            progress: waiting_for_provider(None),
            ..row(3, 3, at(23, 7, 35, 58), 0, RunState::Running)
        },
        LogRow {
            finished_at: None,
            stage: Some(Stage::Replies),
            progress: waiting_for_provider(Some(StoppedBy::Admin)),
            ..row(11, 4, at(23, 7, 35, 58), 0, RunState::Running)
        },
        LogRow {
            found: 3424,
            valid: 3306,
            invalid: 118,
            ..row(2, 2, at(23, 3, 10, 0), 168, RunState::CompletedWithInvalid)
        },
        row(5, 5, at(23, 2, 30, 0), 295, RunState::Completed),
        LogRow {
            stage: Some(Stage::Replies),
            cause: Some(unavailable()),
            found: 29_911,
            valid: 29_908,
            invalid: 3,
            ..row(33, 3, at(23, 2, 20, 3), 708, RunState::Failed)
        },
        LogRow {
            stage: Some(Stage::Connect),
            cause: Some(secret_refused()),
            found: 0,
            valid: 0,
            ..row(1, 1, at(23, 2, 10, 0), 2, RunState::Failed)
        },
    ]
    .into_iter()
    .chain(earlier_log())
    .collect()
}

fn earlier_log() -> Vec<LogRow> {
    vec![
        LogRow {
            found: 80_920,
            valid: 80_868,
            invalid: 52,
            ..row(4, 4, at(23, 2, 0, 4), 877, RunState::CompletedWithInvalid)
        },
        LogRow {
            changed: 0,
            ..row(52, 5, at(22, 2, 30, 0), 288, RunState::Completed)
        },
        LogRow {
            stage: Some(Stage::Users),
            trigger: Trigger::Manual,
            found: 8200,
            valid: 8200,
            kept: Some(
                "8,200 records of categories and users are kept; the next run reads them again.".to_owned(),
            ),
            progress: Progress {
                stopped_by: Some(StoppedBy::Admin),
                ..Progress::default()
            },
            ..row(39, 3, at(19, 14, 6, 0), 80, RunState::Cancelled)
        },
        LogRow {
            mode: Mode::Full,
            found: 748_119,
            valid: 748_101,
            invalid: 18,
            ..row(38, 3, at(15, 22, 48, 0), 13_260, RunState::CompletedWithInvalid)
        },
    ]
}

fn unavailable() -> Cause {
    Cause::new(
        CauseCode::ProviderUnavailable,
        "customer-de",
        "The provider answered 503 four times in 9 min, on page 78 of replies.",
    )
}

pub(crate) fn summary(run: RunId) -> Option<SummaryView> {
    if run == run_id(4) {
        Some(complete())
    } else if run == run_id(33) {
        Some(failed())
    } else if run == run_id(3) {
        Some(under_way())
    } else if run == run_id(2) {
        Some(unbalanced())
    } else {
        None
    }
}

fn stream(stream: Stream, ledger: Ledger, from_s: i64, to_s: i64) -> StreamRun {
    let started = at(23, 2, 0, 4);
    StreamRun {
        stream,
        ledger,
        source: ActivitySource::Api,
        started_at: Some(started + TimeDelta::seconds(from_s)),
        finished_at: Some(started + TimeDelta::seconds(to_s)),
    }
}

fn not_reached(stream: Stream) -> StreamRun {
    StreamRun {
        stream,
        ledger: Ledger::default(),
        source: ActivitySource::Api,
        started_at: None,
        finished_at: None,
    }
}

fn run(number: u32, connection: u32, state: RunState, streams: Vec<StreamRun>) -> Run {
    Run {
        id: run_id(number),
        connection_id: connection_id(connection),
        tenant_id: connection_name(connection).tenant_id,
        trigger: Trigger::Scheduled,
        resumed_from: None,
        mode: Mode::Incremental,
        state,
        stage: Some(Stage::Trends),
        cause: None,
        queued_at: at(23, 2, 0, 2),
        started_at: Some(at(23, 2, 0, 4)),
        finished_at: Some(at(23, 2, 14, 41)),
        requests: 1312,
        attempts: 1,
        streams,
        matching: MatchCounts {
            unmatched: 48_210,
            ..MatchCounts::default()
        },
        match_started_at: Some(at(23, 2, 14, 38)),
        trends_started_at: Some(at(23, 2, 14, 40)),
        progress: Progress::default(),
    }
}

fn group(stream: Stream, reason: InvalidReason, count: u64, name: &str, message: &str) -> InvalidGroupView {
    InvalidGroupView {
        stream,
        reason,
        count,
        repaired: 0,
        sample_name: name.to_owned(),
        sample_message: message.to_owned(),
    }
}

fn complete() -> SummaryView {
    let users = Ledger {
        deleted: 3,
        late: 5,
        ..ledger(48_247, 112, 1904, 46_194, 37)
    };
    let topics = Ledger {
        refused: 2,
        ..ledger(1318, 86, 1021, 211, 0)
    };
    SummaryView {
        as_of: at(23, 7, 42, 10),
        connection: connection_name(4),
        run: run(
            4,
            4,
            RunState::CompletedWithInvalid,
            vec![
                stream(Stream::IdeaStatuses, ledger(9, 0, 0, 9, 0), 1, 3),
                stream(Stream::Categories, ledger(64, 0, 1, 63, 0), 3, 8),
                stream(Stream::Users, users, 8, 490),
                stream(Stream::Topics, topics, 490, 551),
                stream(Stream::Replies, ledger(9402, 641, 388, 8369, 4), 551, 739),
                stream(Stream::Activity, ledger(21_880, 21_869, 0, 0, 11), 739, 876),
            ],
        ),
        invalid: vec![
            group(
                Stream::Users,
                InvalidReason::UnreadableTime,
                37,
                "user 912",
                "joindate \"0000-00-00\" is not a time",
            ),
            InvalidGroupView {
                repaired: 4,
                ..group(
                    Stream::Activity,
                    InvalidReason::MissingId,
                    11,
                    "event 5f0c…a2",
                    "no id",
                )
            },
            group(
                Stream::Replies,
                InvalidReason::TooLarge,
                4,
                "reply 884120",
                "title has 70,211 characters, at most 65,536 are kept",
            ),
        ],
    }
}

fn failed() -> SummaryView {
    let replies = StreamRun {
        finished_at: None,
        ..stream(Stream::Replies, ledger(7762, 97, 494, 7170, 1), 160, 0)
    };
    SummaryView {
        as_of: at(23, 7, 42, 10),
        connection: connection_name(3),
        run: Run {
            stage: Some(Stage::Replies),
            cause: Some(unavailable()),
            finished_at: Some(at(23, 2, 11, 52)),
            resumed_from: Some(run_id(32)),
            attempts: 2,
            matching: MatchCounts::default(),
            match_started_at: None,
            trends_started_at: None,
            ..run(
                33,
                3,
                RunState::Failed,
                vec![
                    stream(Stream::IdeaStatuses, ledger(8, 0, 0, 8, 0), 1, 2),
                    stream(Stream::Categories, ledger(52, 0, 1, 51, 0), 2, 5),
                    stream(Stream::Users, ledger(21_449, 41, 806, 20_600, 2), 5, 129),
                    stream(Stream::Topics, ledger(640, 52, 410, 178, 0), 129, 160),
                    replies,
                    not_reached(Stream::Activity),
                ],
            )
        },
        invalid: vec![
            group(
                Stream::Users,
                InvalidReason::UnreadableTime,
                2,
                "user 5120",
                "joindate \"0000-00-00\" is not a time",
            ),
            group(
                Stream::Replies,
                InvalidReason::UnknownContentType,
                1,
                "reply 190077",
                "content type \"poll\"",
            ),
        ],
    }
}

fn under_way() -> SummaryView {
    SummaryView {
        as_of: at(23, 2, 6, 0),
        run: Run {
            stage: Some(Stage::Users),
            finished_at: None,
            trigger: Trigger::Manual,
            ..run(
                3,
                3,
                RunState::Running,
                vec![
                    stream(Stream::IdeaStatuses, ledger(8, 0, 0, 8, 0), 1, 2),
                    stream(Stream::Categories, ledger(52, 0, 1, 51, 0), 2, 5),
                    StreamRun {
                        finished_at: None,
                        ..stream(Stream::Users, ledger(9000, 41, 806, 8153, 0), 5, 0)
                    },
                    not_reached(Stream::Topics),
                    not_reached(Stream::Replies),
                    not_reached(Stream::Activity),
                ],
            )
        },
        invalid: Vec::new(),
        ..failed()
    }
}

/// With repeated records, no view source, and a ledger that does not add up.
fn unbalanced() -> SummaryView {
    let users = Ledger {
        repeated: 7,
        ..ledger(2908, 0, 12, 2764, 118)
    };
    let none = StreamRun {
        source: ActivitySource::None,
        ..not_reached(Stream::Activity)
    };
    SummaryView {
        as_of: at(23, 7, 42, 10),
        connection: connection_name(2),
        run: Run {
            matching: MatchCounts {
                matched: 2000,
                unmatched: 700,
                ambiguous: 70,
                internal: 6,
            },
            ..run(
                2,
                2,
                RunState::CompletedWithInvalid,
                vec![
                    stream(Stream::IdeaStatuses, ledger(6, 0, 0, 6, 0), 1, 2),
                    stream(Stream::Categories, ledger(18, 0, 0, 18, 0), 2, 3),
                    stream(Stream::Users, users, 3, 100),
                    stream(Stream::Topics, ledger(100, 100, 0, 0, 0), 100, 120),
                    stream(Stream::Replies, ledger(385, 385, 0, 0, 0), 120, 160),
                    none,
                ],
            )
        },
        invalid: vec![group(
            Stream::Users,
            InvalidReason::UnreadableTime,
            118,
            "user 912",
            "joindate \"0000-00-00\" is not a time",
        )],
    }
}
