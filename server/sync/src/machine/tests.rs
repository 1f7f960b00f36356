//! The machine against a provider that answers in any order, fails now and then, and is stopped at any commit.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta};
use domain::{
    CauseCode, Dice,
    record::{Activity, Content, ContentKind, IdeaStatus, Record, Subtype, User},
};
use proptest::prelude::*;

use super::*;
use crate::{PAGE_SIZE, Page, RetryPolicy, Served, TopicFilter};

const PAGE: usize = PAGE_SIZE as usize;

/// What the provider has, and how it behaves.
#[derive(Clone, Debug, Default)]
struct Provider {
    users: usize,
    /// Whether the users' listing says how many there are.
    announces: bool,
    /// Replies of each topic.
    replies: Vec<usize>,
    views: Option<usize>,
}

impl Provider {
    fn answer(&self, request: &PageRequest) -> Fetched {
        let page = request.page() as usize - 1;
        match request {
            PageRequest::IdeaStatuses => whole(vec![status("1"), status("2")]),
            PageRequest::Categories => whole(Vec::new()),
            PageRequest::Users { .. } => {
                let announced = self.announces.then_some(self.users as u64);
                paged(self.users, page, announced, user)
            }
            PageRequest::Topics { .. } => paged(self.replies.len(), page, None, |id| {
                content(ContentKind::Topic, id)
            }),
            PageRequest::TopicCounts => {
                Fetched::Counts(BTreeMap::from([("1".to_owned(), self.replies.len() as u64)]))
            }
            PageRequest::Replies { topic, .. } => {
                let topic: usize = topic.public_id.parse().expect("a number");
                paged(self.replies[topic], page, None, |id| {
                    content(ContentKind::Reply, topic * 1_000_000 + id)
                })
            }
            PageRequest::Activity { .. } => match self.views {
                None => Fetched::NoSource,
                Some(views) => paged(views, page, None, |id| status(&format!("event {id}"))),
            },
        }
    }

    /// The fewest requests that can read everything: one a page, and one more where only an empty page tells the end. Of
    /// members and topics that take more than a page, the head is read again, since they may have moved there meanwhile.
    /// Topics do not say how many they are: those that take more than a page are counted before and after, and since the
    /// count before must be older than the first page, that one is read twice.
    fn least_requests(&self) -> usize {
        let until_short = |records: usize| records / PAGE + 1;
        let users = if self.announces {
            self.users.div_ceil(PAGE).max(1)
        } else {
            until_short(self.users)
        };
        let users = users + usize::from(users > 1);
        let topics = until_short(self.replies.len());
        let topics = if topics > 1 { topics + 4 } else { topics };
        // Of replies that take more than a page, the last one is read again.
        let of_topic = |count: &usize| until_short(*count) + usize::from(*count >= PAGE);
        let replies: usize = self.replies.iter().map(of_topic).sum();
        2 + users + topics + replies + self.views.map_or(1, until_short)
    }

    fn records(&self) -> usize {
        2 + self.users + self.replies.len() + self.replies.iter().sum::<usize>() + self.views.unwrap_or(0)
    }

    fn topics_after(&self, after: Option<&str>) -> Vec<TopicRef> {
        let first = after.map_or(0, |after| after.parse::<usize>().expect("a number") + 1);
        let topic = |id: usize| TopicRef {
            public_id: format!("{id:06}"),
            private_id: id.to_string(),
            subtype: Subtype::Question,
            reply_count: self.replies[id] as u64,
        };
        (first..self.replies.len())
            .take(crate::reading::TOPICS_AT_A_TIME as usize)
            .map(topic)
            .collect()
    }
}

fn whole(records: Vec<Served>) -> Fetched {
    Fetched::Page(Page {
        records,
        last: true,
        announced: None,
    })
}

fn paged(total: usize, page: usize, announced: Option<u64>, record: impl Fn(usize) -> Served) -> Fetched {
    let ids = (page * PAGE).min(total)..((page + 1) * PAGE).min(total);
    let records: Vec<_> = ids.map(record).collect();
    Fetched::Page(Page {
        last: records.len() < PAGE,
        records,
        announced,
    })
}

fn status(id: &str) -> Served {
    Served::Valid(Record::IdeaStatus(IdeaStatus {
        idea_status_id: id.into(),
        ..IdeaStatus::default()
    }))
}

fn user(id: usize) -> Served {
    Served::Valid(Record::User(Box::new(User {
        community_user_id: id.to_string(),
        ..User::default()
    })))
}

fn content(kind: ContentKind, id: usize) -> Served {
    Served::Valid(Record::Content(Box::new(Content {
        kind,
        public_id: id.to_string(),
        ..Content::default()
    })))
}

fn unavailable() -> Failure {
    Failure {
        code: CauseCode::ProviderUnavailable,
        message: "503.".into(),
        retry_after: None,
    }
}

/// What came of a run.
#[derive(Debug, Default)]
struct Outcome {
    /// How often each record was committed as one that counts.
    counted: BTreeMap<(Stream, String), usize>,
    found: usize,
    repeated: usize,
    requests: usize,
    commits: usize,
    ended_streams: Vec<Stream>,
    checkpoint: Option<Checkpoint>,
    seen: BTreeMap<Stream, SeenKeys>,
    /// Rows of earlier runs that the provider does not list any more.
    stored_before: Vec<(Stream, String)>,
    asked: usize,
    deleted: BTreeSet<(Stream, String)>,
    matched: usize,
    trends: usize,
    ending: Option<Ending>,
}

/// Runs a machine to its end. `dice` picks which of the steps under way ends next, and whether a fetch fails.
struct Driver<'p> {
    provider: &'p Provider,
    dice: Dice,
    /// One fetch in so many fails; 0 never.
    fails_one_in: u64,
    stop_at_commit: Option<usize>,
}

impl Driver<'_> {
    fn run(&mut self, mut machine: Machine, outcome: &mut Outcome) {
        let mut steps: Vec<Effect> = machine.start();
        for _ in 0..1_000_000 {
            steps.retain(|step| !matches!(step, Effect::Enter(_) | Effect::SlowDown));
            if let Some(at) = steps.iter().position(|step| matches!(step, Effect::Finish(_))) {
                let Effect::Finish(ending) = steps.remove(at) else {
                    unreachable!()
                };
                outcome.ending = Some(ending);
                return;
            }
            assert!(!steps.is_empty(), "the machine waits for nothing: {machine:?}");
            let picked = self.dice.place(steps.len());
            let event = self.perform(steps.swap_remove(picked), outcome);
            steps.extend(machine.on(event));
        }
        panic!("the run did not end");
    }

    fn perform(&mut self, step: Effect, outcome: &mut Outcome) -> Event {
        match step {
            Effect::Connect => Event::Connected(Ok(())),
            Effect::Fetch(request) => {
                outcome.requests += 1;
                let fails = self.fails_one_in > 0 && self.dice.one_in(self.fails_one_in);
                let answer = if fails {
                    Err(unavailable())
                } else {
                    Ok(self.provider.answer(&request))
                };
                Event::Fetched(request, answer)
            }
            Effect::LoadSeen(stream) => {
                Event::SeenLoaded(outcome.seen.get(&stream).cloned().unwrap_or_default())
            }
            Effect::LoadTopics(TopicsAfter(after)) => {
                Event::TopicsLoaded(self.provider.topics_after(after.as_deref()))
            }
            Effect::CountStored(stream) => Event::StoredCounted(Self::stored(stream, outcome).len() as u64),
            Effect::LoadKeys(stream, after) => {
                let mut keys = Self::stored(stream, outcome);
                keys.retain(|key| after.as_ref().is_none_or(|after| key > after));
                keys.truncate(crate::missing::KEYS_AT_A_TIME as usize);
                Event::KeysLoaded(keys)
            }
            Effect::Ask(_, key) => {
                outcome.asked += 1;
                let gone = key.ends_with("gone");
                Event::Asked(key, Ok(if gone { Presence::Gone } else { Presence::Present }))
            }
            Effect::MarkDeleted {
                stream,
                keys,
                checkpoint,
            } => {
                outcome.deleted.extend(keys.into_iter().map(|key| (stream, key)));
                outcome.checkpoint = Some(checkpoint);
                Event::Committed(self.stop_after_commit(outcome))
            }
            Effect::Commit(batch) => self.commit(*batch, outcome),
            Effect::MatchSome => {
                outcome.matched += 1;
                Event::Matched(if self.dice.one_in(2) {
                    MatchStep::More(1)
                } else {
                    MatchStep::Done
                })
            }
            Effect::RebuildTrends => {
                assert!(outcome.matched > 0, "members are matched first");
                outcome.trends += 1;
                Event::TrendsRebuilt
            }
            Effect::Wait(_) => Event::Waited,
            Effect::Enter(_) | Effect::SlowDown | Effect::Finish(_) => unreachable!("taken out before"),
        }
    }

    fn commit(&mut self, batch: Batch, outcome: &mut Outcome) -> Event {
        let stream = batch.stream;
        for row in batch.rows.iter().filter(|row| !row.repeated) {
            *outcome
                .counted
                .entry((stream, row.record.key().to_owned()))
                .or_default() += 1;
        }
        outcome.found += usize::try_from(batch.found).expect("a count");
        outcome.repeated += usize::try_from(batch.repeated).expect("a count");
        outcome.commits += 1;
        outcome.seen.entry(stream).or_default().union(batch.seen);
        if batch.end.is_some() {
            outcome.ended_streams.push(stream);
        }
        outcome.checkpoint = Some(batch.checkpoint);
        Event::Committed(self.stop_after_commit(outcome))
    }

    fn stop_after_commit(&self, outcome: &Outcome) -> PageOutcome {
        let commits = outcome.commits + outcome.deleted.len();
        PageOutcome {
            stop_requested: self.stop_at_commit == Some(commits),
            ..PageOutcome::default()
        }
    }

    /// What was committed, and what the tenant had before the run.
    fn stored(stream: Stream, outcome: &Outcome) -> Vec<String> {
        let committed = outcome.counted.keys().map(|(of, key)| (*of, key.clone()));
        let all = committed.chain(outcome.stored_before.iter().cloned());
        let keys = all.filter(|of| of.0 == stream && !outcome.deleted.contains(of));
        let mut keys: Vec<String> = keys.map(|(_, key)| key).collect();
        keys.sort();
        keys
    }
}

fn settings() -> Settings {
    Settings {
        retry: RetryPolicy {
            backoff: vec![Duration::ZERO; 4],
        },
        pages_ahead: 4,
        ..Settings::default()
    }
}

prop_compose! {
    fn provider()(
        users in prop_oneof![0_usize..450, Just(100), Just(200)],
        announces: bool,
        replies in prop_oneof![
            8 => prop::collection::vec(prop_oneof![0_usize..5, Just(100), 90_usize..320], 0..12),
            1 => prop::collection::vec(0_usize..2, 90..320),
        ],
        views in prop::option::of(0_usize..250),
    ) -> Provider {
        Provider { users, announces, replies, views }
    }
}

proptest! {
    #[test]
    fn every_record_is_committed_once_whatever_the_order_of_the_answers(provider in provider(), dice: u64) {
        let mut outcome = Outcome::default();
        let mut driver = Driver { provider: &provider, dice: Dice::new(dice), fails_one_in: 0, stop_at_commit: None };
        driver.run(Machine::new(settings(), Plan::default(), None), &mut outcome);
        prop_assert_eq!(outcome.ending, Some(Ending::Completed));
        prop_assert_eq!(&outcome.ended_streams, &Stream::ALL.to_vec());
        prop_assert_eq!(outcome.found, provider.records());
        prop_assert_eq!(outcome.counted.len(), provider.records());
        prop_assert!(outcome.counted.values().all(|times| *times == 1));
        prop_assert_eq!(outcome.trends, 1);
    }

    #[test]
    fn no_request_is_made_that_could_be_left_out(provider in provider(), dice: u64) {
        let mut outcome = Outcome::default();
        let mut driver = Driver { provider: &provider, dice: Dice::new(dice), fails_one_in: 0, stop_at_commit: None };
        driver.run(Machine::new(settings(), Plan::default(), None), &mut outcome);
        prop_assert_eq!(outcome.requests, provider.least_requests());
    }

    /// A full pass asks for what it has not met and for nothing else, however often it is taken up, and marks what is
    /// gone; an incremental run does neither.
    #[test]
    fn what_a_complete_full_pass_has_not_met_and_is_gone_is_marked(
        provider in provider(), dice: u64, stop in 1_usize..40, full: bool,
        before in prop::collection::btree_set((0_usize..6, 0_u8..40, any::<bool>()), 0..30),
    ) {
        let row = |(stream, id, gone): &(usize, u8, bool)| {
            (Stream::ALL[*stream], format!("{id} {}", if *gone { "gone" } else { "still there" }))
        };
        let mut outcome = Outcome { stored_before: before.iter().map(row).collect(), ..Outcome::default() };
        let plan = Plan { full, ..Plan::default() };
        let mut driver = Driver { provider: &provider, dice: Dice::new(dice), fails_one_in: 0, stop_at_commit: Some(stop) };
        driver.run(Machine::new(settings(), plan.clone(), None), &mut outcome);
        if outcome.ending == Some(Ending::Cancelled) {
            driver.stop_at_commit = None;
            let checkpoint = outcome.checkpoint.clone();
            driver.run(Machine::new(settings(), plan, checkpoint), &mut outcome);
        }
        prop_assert_eq!(&outcome.ending, &Some(Ending::Completed));
        let looked_for: Vec<_> = outcome.stored_before.iter().filter(|row| full && row.0 != Stream::Activity).collect();
        let gone: BTreeSet<_> = looked_for.iter().filter(|row| row.1.ends_with("gone")).map(|row| (*row).clone()).collect();
        prop_assert_eq!(&outcome.deleted, &gone);
        prop_assert!(outcome.asked >= looked_for.len());
        if looked_for.is_empty() {
            prop_assert_eq!(outcome.asked, 0);
        }
    }

    #[test]
    fn failures_that_heal_lose_and_double_nothing(provider in provider(), dice: u64) {
        let mut outcome = Outcome::default();
        let mut driver = Driver { provider: &provider, dice: Dice::new(dice), fails_one_in: 12, stop_at_commit: None };
        driver.run(Machine::new(settings(), Plan::default(), None), &mut outcome);
        // Five failures in a row are possible, though rare: then the run fails, and has doubled nothing either.
        prop_assert!(outcome.counted.values().all(|times| *times == 1));
        if outcome.ending == Some(Ending::Completed) {
            prop_assert_eq!(outcome.counted.len(), provider.records());
        }
    }

    #[test]
    fn a_run_taken_up_at_any_commit_ends_as_if_nothing_had_happened(provider in provider(), dice: u64, stop in 1_usize..30) {
        let mut outcome = Outcome::default();
        let mut driver = Driver { provider: &provider, dice: Dice::new(dice), fails_one_in: 0, stop_at_commit: Some(stop) };
        driver.run(Machine::new(settings(), Plan::default(), None), &mut outcome);
        if outcome.ending == Some(Ending::Cancelled) {
            driver.stop_at_commit = None;
            let checkpoint = outcome.checkpoint.clone();
            driver.run(Machine::new(settings(), Plan::default(), checkpoint), &mut outcome);
        }
        prop_assert_eq!(&outcome.ending, &Some(Ending::Completed));
        prop_assert_eq!(outcome.counted.len(), provider.records());
        prop_assert!(outcome.counted.values().all(|times| *times == 1));
        prop_assert_eq!(outcome.found, provider.records() + outcome.repeated);
    }
}

fn event(id: usize, day: i64) -> Served {
    Served::Valid(Record::Activity(Activity {
        event_id: id.to_string(),
        occurred_at: DateTime::UNIX_EPOCH + TimeDelta::days(day),
        ..Activity::default()
    }))
}

proptest! {
    /// Of a listing without a filter, nothing of the window is left out, whatever the order; and if it comes newest
    /// first, no page is asked for that lies behind the window.
    #[test]
    fn a_window_over_views_is_read_whole_and_no_further(
        mut days in prop::collection::vec(0_i64..60, 0..900), order in 0..3, watermark in 1_i64..60,
    ) {
        match order {
            0 => days.sort_unstable_by(|a, b| b.cmp(a)),
            1 => days.sort_unstable(),
            _ => {}
        }
        let watermark_at = DateTime::UNIX_EPOCH + TimeDelta::days(watermark);
        let windows = Windows::from_watermarks(&BTreeMap::from([(Stream::Activity, watermark_at)]));
        let start = Checkpoint::start_of(Some(Stream::Activity));
        let mut reading = Reading::resume(&start, &windows, 4).expect("views are a stream");
        let (mut seen, mut asked) = (SeenKeys::default(), 0);
        let mut read = Vec::new();
        loop {
            let requests = reading.requests();
            prop_assert!(requests.len() <= 1, "what follows is not known to be needed");
            if let Some(request) = requests.first() {
                asked += 1;
                let fetched = paged(days.len(), request.page() as usize - 1, Some(days.len() as u64), |id| event(id, days[id]));
                reading.arrived(request, fetched);
            }
            let batch = reading.take_batch(&mut seen, &start).expect("a batch").expect("a page has arrived");
            read.extend(batch.rows.iter().map(|row| row.record.own_time()));
            if batch.end.is_some() { break }
        }
        let from = watermark_at - TimeDelta::days(1);
        let wanted = days.iter().filter(|day| DateTime::UNIX_EPOCH + TimeDelta::days(**day) >= from).count();
        prop_assert_eq!(read.iter().filter(|time| **time >= Some(from)).count(), wanted);
        if order == 0 {
            prop_assert!(asked <= wanted / PAGE + 1 + usize::from(wanted == 0 || days.first() == days.last()) * days.len());
        }
    }
}

#[test]
fn a_window_is_asked_for_in_every_page_of_members_and_topics() {
    let day = (DateTime::UNIX_EPOCH + TimeDelta::days(99)).date_naive();
    let watermark = DateTime::UNIX_EPOCH + TimeDelta::days(100) + TimeDelta::hours(5);
    for stream in [Stream::Users, Stream::Topics] {
        let windows = Windows::from_watermarks(&BTreeMap::from([(stream, watermark)]));
        let next_page = 3;
        let checkpoint = Checkpoint::Listing {
            stream,
            next_page,
            shards: Vec::new(),
            steady: crate::steady::Steady::default(),
        };
        let request = Reading::resume(&checkpoint, &windows, 4)
            .expect("a stream")
            .requests()
            .remove(0);
        let expected = match stream {
            Stream::Users => PageRequest::Users {
                active_since: Some(day),
                page: 3,
            },
            _ => PageRequest::Topics {
                filter: TopicFilter {
                    active_since: Some(day),
                    ..TopicFilter::NONE
                },
                page: 3,
            },
        };
        assert_eq!(request, expected);
        let others = Reading::resume(&checkpoint, &Windows::default(), 4)
            .expect("a stream")
            .requests()
            .remove(0);
        assert_ne!(others, expected, "a full run has no window");
    }
}

#[test]
fn a_provider_that_never_answers_is_given_up_after_five_attempts() {
    let provider = Provider {
        users: 10,
        ..Provider::default()
    };
    let mut outcome = Outcome::default();
    let mut driver = Driver {
        provider: &provider,
        dice: Dice::new(1),
        fails_one_in: 1,
        stop_at_commit: None,
    };
    driver.run(Machine::new(settings(), Plan::default(), None), &mut outcome);
    assert_eq!(outcome.requests, 5);
    let failure = Failure {
        message: "503. It was tried 5 times in a row.".into(),
        ..unavailable()
    };
    assert_eq!(outcome.ending, Some(Ending::Failed(failure)));
}

#[test]
fn what_is_refused_ahead_of_its_stage_fails_the_run_in_its_stage() {
    let mut machine = Machine::new(settings(), Plan::default(), None);
    machine.start();
    let statuses = PageRequest::IdeaStatuses;
    let effects = machine.on(Event::Connected(Ok(())));
    let asked = |effects: &[Effect], of: &PageRequest| {
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Fetch(request) if request == of))
    };
    assert!(
        asked(&effects, &statuses) && asked(&effects, &PageRequest::Categories),
        "{effects:?}"
    );
    let refused = || Failure {
        code: CauseCode::PermissionMissing,
        message: "403.".into(),
        retry_after: None,
    };
    let effects = machine.on(Event::Fetched(PageRequest::Categories, Err(refused())));
    assert!(effects.is_empty(), "{effects:?}");
    machine.on(Event::Fetched(statuses, Ok(whole(vec![status("1")]))));
    let effects = machine.on(Event::Committed(PageOutcome::default()));
    assert!(
        matches!(effects[0], Effect::Enter(Stage::Categories)),
        "{effects:?}"
    );
    assert!(asked(&effects, &PageRequest::Categories), "{effects:?}");
    let effects = machine.on(Event::Fetched(PageRequest::Categories, Err(refused())));
    assert!(
        matches!(&effects[..], [Effect::Finish(Ending::Failed(failure))] if failure.code == CauseCode::PermissionMissing),
        "{effects:?}"
    );
}

/// It is read once more, what it brought is kept, and whoever goes on reads it from its beginning.
#[test]
fn a_list_that_ends_before_the_announced_number_twice_fails_the_run() {
    let page = || {
        Fetched::Page(Page {
            records: (0..30).map(user).collect(),
            last: true,
            announced: Some(31),
        })
    };
    let start = Checkpoint::start_of(Some(Stream::Users));
    let mut machine = Machine::new(settings(), Plan::default(), Some(start));
    machine.on(Event::Connected(Ok(())));
    machine.on(Event::SeenLoaded(SeenKeys::default()));
    let of_users = |effects: &[Effect]| {
        let commit = effects.iter().find_map(|effect| match effect {
            Effect::Commit(batch) => Some((batch.found, batch.rows.len(), batch.checkpoint.clone())),
            _ => None,
        });
        commit.expect("a commit")
    };
    let effects = machine.on(Event::Fetched(PageRequest::users(1), Ok(page())));
    assert_eq!((of_users(&effects).0, of_users(&effects).1), (30, 30));
    assert!(
        matches!(effects.as_slice(), [_, Effect::Fetch(request)] if *request == PageRequest::users(1)),
        "{effects:?}"
    );
    machine.on(Event::Committed(PageOutcome::default()));
    let effects = machine.on(Event::Fetched(PageRequest::users(1), Ok(page())));
    let (found, rows, checkpoint) = of_users(&effects);
    assert_eq!(
        (found, rows),
        (0, 30),
        "what is known is written, and found only once"
    );
    assert!(
        matches!(checkpoint, Checkpoint::Listing { next_page: 1, .. }),
        "{checkpoint:?}"
    );
    let effects = machine.on(Event::Committed(PageOutcome::default()));
    let [Effect::Finish(Ending::Failed(failure))] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(failure.code, CauseCode::StreamEndedEarly);
    assert!(failure.message.contains("30 of 31"), "{}", failure.message);
}

#[test]
fn replies_that_are_refused_are_a_hole_and_their_topic_keeps_waiting() {
    let within = Provider {
        replies: vec![1],
        ..Provider::default()
    }
    .topics_after(None)
    .remove(0);
    let start = Checkpoint::Replies {
        after: None,
        within: Some((within, 1)),
        thread: None,
    };
    let mut reading = Reading::resume(&start, &Windows::default(), 4).expect("replies are a stream");
    let request = reading.requests().remove(0);
    reading.arrived(&request, Fetched::Refused);
    let batch = reading
        .take_batch(&mut SeenKeys::default(), &start)
        .expect("a batch")
        .expect("a commit");
    assert_eq!((batch.refused, batch.found), (1, 0));
    assert!(batch.replies_read.is_empty());
    assert_eq!(
        batch.checkpoint,
        Checkpoint::Replies {
            after: Some("000000".into()),
            within: None,
            thread: None,
        }
    );
}

#[test]
fn the_store_failing_ends_the_run_and_writes_nothing_behind_the_gap() {
    let mut machine = Machine::new(settings(), Plan::default(), None);
    machine.on(Event::Connected(Ok(())));
    let statuses = Provider::default().answer(&PageRequest::IdeaStatuses);
    let effects = machine.on(Event::Fetched(PageRequest::IdeaStatuses, Ok(statuses)));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Commit(_))));
    let broken = Failure {
        code: CauseCode::StoreFailed,
        message: "disk full".into(),
        retry_after: None,
    };
    let effects = machine.on(Event::Broken(broken.clone()));
    assert!(
        matches!(effects.as_slice(), [Effect::Finish(Ending::Failed(failure))] if *failure == broken),
        "{effects:?}"
    );
}

fn throttled(retry_after: Option<Duration>) -> Failure {
    Failure {
        code: CauseCode::Throttled,
        message: "429.".into(),
        retry_after,
    }
}

#[test]
fn a_wait_that_was_begun_is_waited_out_before_anything_is_asked() {
    let plan = Plan {
        wait: Some(Duration::from_secs(42)),
        ..Plan::default()
    };
    let mut machine = Machine::new(settings(), plan, None);
    let effects = machine.start();
    assert!(
        matches!(effects.as_slice(), [Effect::Enter(Stage::Connect), Effect::Wait(wait)] if *wait == Duration::from_secs(42)),
        "{effects:?}"
    );
    let effects = machine.on(Event::Waited);
    assert!(matches!(effects.as_slice(), [Effect::Connect]), "{effects:?}");
}

#[test]
fn attempts_that_failed_before_the_run_gave_way_count() {
    let plan = Plan {
        failures_in_a_row: 4,
        ..Plan::default()
    };
    let mut machine = Machine::new(settings(), plan, None);
    let effects = machine.on(Event::Connected(Err(unavailable())));
    assert!(
        matches!(effects.as_slice(), [Effect::Finish(Ending::Failed(failure))] if failure.message.contains("5 times")),
        "{effects:?}"
    );
}

#[test]
fn only_a_refusal_that_names_no_wait_slows_down() {
    for (retry_after, slows) in [(None, true), (Some(Duration::from_secs(7)), false)] {
        let mut machine = Machine::new(settings(), Plan::default(), None);
        let effects = machine.on(Event::Connected(Err(throttled(retry_after))));
        let slowed = effects.iter().any(|effect| matches!(effect, Effect::SlowDown));
        assert_eq!(slowed, slows, "{effects:?}");
        let wait = retry_after.unwrap_or_default();
        assert!(
            effects
                .iter()
                .any(|effect| matches!(effect, Effect::Wait(waits) if *waits == wait))
        );
        assert_eq!(machine.failures_in_a_row(), 1);
    }
}

#[test]
fn a_run_that_is_told_to_end_does_so_with_its_commit_and_asks_for_nothing_more() {
    for ending in [Ending::GaveWay, Ending::Released, Ending::Cancelled] {
        let mut machine = Machine::new(settings(), Plan::default(), None);
        machine.on(Event::Connected(Ok(())));
        let statuses = Provider::default().answer(&PageRequest::IdeaStatuses);
        machine.on(Event::Fetched(PageRequest::IdeaStatuses, Ok(statuses)));
        let effects = machine.on(Event::Stop(ending.clone()));
        assert!(effects.is_empty(), "the commit is under way: {effects:?}");
        let effects = machine.on(Event::Committed(PageOutcome::default()));
        assert!(
            matches!(effects.as_slice(), [Effect::Finish(end)] if *end == ending),
            "{effects:?}"
        );

        // While it waits for the provider there is no commit to wait for.
        let mut machine = Machine::new(settings(), Plan::default(), None);
        machine.on(Event::Connected(Err(unavailable())));
        let effects = machine.on(Event::Stop(ending.clone()));
        assert!(matches!(effects.as_slice(), [Effect::Finish(end)] if *end == ending));
    }
}

#[test]
fn too_many_invalid_records_fail_the_run_with_the_commit_that_has_them() {
    let invalid = |count: usize| {
        let record = domain::record::InvalidRecord {
            stream: Stream::IdeaStatuses,
            reason: domain::record::InvalidReason::MissingId,
            name: "record".into(),
            message: "id is missing".into(),
            payload: "{}".into(),
            payload_cut: false,
            topic_public_id: None,
            repaired_at: None,
        };
        whole(vec![Served::Invalid(record); count])
    };
    for (count, fails) in [(2, false), (3, true)] {
        let bounded = Settings {
            invalid_max: 5,
            ..settings()
        };
        let plan = Plan {
            invalid: 3,
            ..Plan::default()
        };
        let mut machine = Machine::new(bounded, plan, None);
        machine.on(Event::Connected(Ok(())));
        let effects = machine.on(Event::Fetched(PageRequest::IdeaStatuses, Ok(invalid(count))));
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Commit(_))));
        let effects = machine.on(Event::Committed(PageOutcome::default()));
        let failed = effects.iter().any(|effect| {
            matches!(effect, Effect::Finish(Ending::Failed(failure)) if failure.code == CauseCode::InvalidTooMany)
        });
        assert_eq!(failed, fails, "{effects:?}");
    }
}
