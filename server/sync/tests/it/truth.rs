use std::collections::BTreeMap;

use domain::{
    CauseCode, Ledger, Owner, Run, RunState, Stage, Stream,
    record::{InvalidReason, Record, User},
};
use simulator::{Counts, TrueRecord};
use store::RunStore;

use crate::{
    common::{self, agrees, key_and_stream},
    community::{Community, SEED},
};

const TENANT: &str = "customer-en:users=730,topics=260,views=1150,broken=24";

pub(crate) fn ledger(run: &Run, stream: Stream) -> Ledger {
    run.streams
        .iter()
        .find(|of| of.stream == stream)
        .expect("all six streams")
        .ledger
}

pub(crate) fn counts(community: &Community, stream: Stream) -> Counts {
    let truth = community
        .simulator
        .truth(community.tenant())
        .expect("the tenant")
        .streams;
    match stream {
        Stream::IdeaStatuses => truth.idea_statuses,
        Stream::Categories => truth.categories,
        Stream::Users => truth.users,
        Stream::Topics => truth.topics,
        Stream::Replies => truth.replies,
        Stream::Activity => truth.activity,
    }
}

pub(crate) async fn stored(community: &Community, stream: Stream) -> BTreeMap<String, Record> {
    common::stored(&community.store, community.connection.id, stream).await
}

/// Every valid record of the tenant is stored as the provider knows it, and nothing else is.
pub(crate) async fn assert_stored_is_the_truth(community: &Community) {
    let mut stored_streams = BTreeMap::new();
    for stream in Stream::ALL {
        stored_streams.insert(stream, stored(community, stream).await);
    }
    for truth in community
        .simulator
        .true_records(community.tenant())
        .expect("the tenant")
    {
        let (stream, key, valid) = key_and_stream(&truth);
        let records = stored_streams.get_mut(&stream).expect("all six streams");
        if valid {
            let record = records.remove(&key);
            let record = record.unwrap_or_else(|| panic!("seed {SEED}: {stream} {key} is lost: {truth:?}"));
            assert!(
                agrees(&truth, &record),
                "seed {SEED}: {truth:?} is stored as {record:?}"
            );
        }
    }
    for (stream, records) in stored_streams {
        assert!(
            records.is_empty(),
            "seed {SEED}: {stream} has rows that the tenant has not: {:?}",
            records.keys()
        );
    }
}

#[tokio::test]
async fn a_first_sync_stores_every_record_and_accounts_for_it() {
    let mut community = Community::start(TENANT).await;
    let run = community.sync().await;
    assert_eq!((run.state, &run.cause), (RunState::CompletedWithInvalid, &None));
    assert_eq!(run.stage, Some(Stage::Trends));
    for stream in Stream::ALL {
        let (ledger, truth) = (ledger(&run, stream), counts(&community, stream));
        assert_eq!(ledger.check(), Ok(()), "{stream}");
        assert_eq!(
            (ledger.new, ledger.invalid),
            (truth.valid, truth.invalid),
            "seed {SEED}: {stream}"
        );
    }
    assert_stored_is_the_truth(&community).await;
}

#[tokio::test]
async fn every_invalid_record_is_set_aside_with_its_reason_and_payload() {
    let mut community = Community::start(TENANT).await;
    let run = community.sync().await;
    let mut expected: BTreeMap<(Stream, InvalidReason), u64> = BTreeMap::new();
    for truth in community
        .simulator
        .true_records(community.tenant())
        .expect("the tenant")
    {
        let reason = match &truth {
            TrueRecord::User(user) => user.invalid,
            TrueRecord::Topic(topic) => topic.invalid,
            TrueRecord::Reply(reply) => reply.invalid,
            TrueRecord::Activity(event) => event.invalid,
            _ => None,
        };
        if let Some(reason) = reason {
            let reason = match reason {
                simulator::InvalidReason::BadTime => InvalidReason::UnreadableTime,
                simulator::InvalidReason::MissingId => InvalidReason::MissingId,
                simulator::InvalidReason::UnknownContentType => InvalidReason::UnknownContentType,
            };
            *expected.entry((key_and_stream(&truth).0, reason)).or_default() += 1;
        }
    }
    let groups = community.store.invalid_groups(run.id).await.expect("groups");
    let found: BTreeMap<_, _> = groups
        .iter()
        .map(|group| ((group.stream, group.reason), group.count))
        .collect();
    assert_eq!(found, expected, "seed {SEED}");
    let records = community
        .store
        .invalid_records(run.id, None, 0, 1_000)
        .await
        .expect("records")
        .records;
    assert_eq!(records.len() as u64, run.total().invalid);
    for record in records {
        assert!(
            record.payload.starts_with('{') && !record.message.is_empty(),
            "{record:?}"
        );
        assert!(
            !record.payload.contains("ipaddress"),
            "private fields are dropped: {}",
            record.payload
        );
    }
}

#[tokio::test]
async fn a_second_sync_of_an_unchanged_tenant_writes_nothing_and_reads_no_replies_again() {
    let mut community = Community::start(TENANT).await;
    let first = community.sync().await;
    let second = community.sync().await;
    let total = second.total();
    assert_eq!((total.new, total.updated), (0, 0), "{:?}", second.streams);
    assert_eq!(ledger(&second, Stream::Replies).found, 0);
    for stream in [Stream::Users, Stream::Topics, Stream::Activity] {
        assert_eq!(
            ledger(&second, stream).unchanged,
            counts(&community, stream).valid,
            "{stream}"
        );
    }
    assert!(
        second.requests < first.requests,
        "{} < {}",
        second.requests,
        first.requests
    );
    assert_stored_is_the_truth(&community).await;
}

#[tokio::test]
async fn a_sync_that_fails_says_where_and_whose_turn_it_is_and_keeps_what_it_read() {
    let mut community = Community::start("customer-de:users=120,topics=30,views=0").await;
    community.sync().await;
    community.switch_faults("unavailable");
    let run = community.sync().await;
    assert_eq!(
        (run.state, run.stage),
        (RunState::Failed, Some(Stage::IdeaStatuses))
    );
    let cause = run.cause.expect("a cause");
    assert_eq!(
        (cause.code, cause.owner),
        (CauseCode::ProviderUnavailable, Owner::Provider)
    );
    assert!(
        cause.message.contains("503") && cause.message.contains("5 times"),
        "{}",
        cause.message
    );
    assert!(cause.heals_itself);
    assert_stored_is_the_truth(&community).await;
}

#[tokio::test]
async fn answers_that_are_cut_or_no_json_at_all_are_asked_for_again_and_never_end_a_list() {
    for profile in ["truncated", "html", "throttle", "throttle-bare"] {
        let mut community = Community::start("customer-fr:users=520,topics=130,views=310,broken=8").await;
        community.switch_faults(profile);
        let run = community.sync().await;
        assert_eq!(
            run.state,
            RunState::CompletedWithInvalid,
            "{profile}: {:?}",
            run.cause
        );
        assert_stored_is_the_truth(&community).await;
    }
}

#[tokio::test]
async fn records_that_come_twice_do_not_take_the_place_of_others_at_the_end_of_a_list() {
    for faults in ["duplicated:every=2", "duplicated:every=8"] {
        let mut community = Community::start("customer-es:users=100,topics=16,views=100").await;
        community.switch_faults(faults);
        let run = community.sync().await;
        assert_eq!(run.state, RunState::Completed, "{faults}: {:?}", run.cause);
        assert_stored_is_the_truth(&community).await;
    }
}

#[tokio::test]
async fn a_member_without_address_or_company_is_a_valid_record() {
    let mut community = Community::start("partners-es:users=400,topics=10,views=0").await;
    community.sync().await;
    let users = stored(&community, Stream::Users).await;
    let without_address = |user: &User| {
        user.email
            .as_deref()
            .is_none_or(|email| email.is_empty() || !email.contains('@'))
    };
    let odd = users
        .values()
        .filter(|record| matches!(record, Record::User(user) if without_address(user)));
    assert!(
        odd.count() > 0,
        "seed {SEED}: the tenant has members with odd addresses"
    );
    assert_eq!(users.len(), 400);
}
