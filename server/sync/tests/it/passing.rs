//! A tenant in which time passes: what incremental runs bring, and what only full passes can.

use std::{collections::BTreeMap, sync::Arc};

use domain::{RunState, Stream, record::Record};
use simulator::{TrueRecord, TrueTopic, TrueUser};

use crate::{
    community::{Community, FULL, INCREMENTAL, SEED},
    truth::{assert_stored_is_the_truth, ledger, stored},
};

const TENANT: &str = "customer-en:users=700,topics=260,views=300";
/// Long enough for each of the rare events to have taken place several times.
const DAYS: u64 = 45;

fn topics(community: &Community) -> BTreeMap<u64, TrueTopic> {
    let records = community
        .simulator
        .true_records(community.tenant())
        .expect("the tenant");
    let topic = |record| match record {
        TrueRecord::Topic(topic) => Some((topic.public_id, topic)),
        _ => None,
    };
    records.filter_map(topic).collect()
}

fn users(community: &Community) -> BTreeMap<u64, TrueUser> {
    let records = community
        .simulator
        .true_records(community.tenant())
        .expect("the tenant");
    let user = |record| match record {
        TrueRecord::User(user) => Some((user.id, user)),
        _ => None,
    };
    records.filter_map(user).collect()
}

type Tenant = (BTreeMap<u64, TrueTopic>, BTreeMap<u64, TrueUser>);

/// How many records were there before and after, and are so.
fn count<T>(before: &BTreeMap<u64, T>, after: &BTreeMap<u64, T>, is_so: fn(&T, &T) -> bool) -> u64 {
    let pairs = before
        .iter()
        .filter_map(|(key, before)| Some((before, after.get(key)?)));
    pairs.filter(|(before, after)| is_so(before, after)).count() as u64
}

fn gone<T>(before: &BTreeMap<u64, T>, after: &BTreeMap<u64, T>) -> u64 {
    before.keys().filter(|key| !after.contains_key(key)).count() as u64
}

/// What the story is about, and how often it took place.
fn happened(before: &Tenant, after: &Tenant) -> [(&'static str, u64); 6] {
    let topics = |is_so| count(&before.0, &after.0, is_so);
    let users = |is_so| count(&before.1, &after.1, is_so);
    [
        ("moved", topics(|a, b| a.category_id != b.category_id)),
        ("another status", topics(|a, b| a.idea_status != b.idea_status)),
        (
            "converted",
            topics(|a, b| a.content_type != b.content_type && a.private_id != b.private_id),
        ),
        ("trashed", topics(|a, b| !a.trashed && b.trashed)),
        (
            "renamed",
            users(|a, b| a.username != b.username && b.email.is_some()),
        ),
        ("erased", users(|a, b| a.email.is_some() && b.email.is_none())),
    ]
}

#[tokio::test]
async fn a_full_pass_brings_all_that_has_changed_in_place_and_marks_what_is_gone() {
    let mut community = Community::start(TENANT).await;
    community.sync().await;
    let before = (topics(&community), users(&community));
    assert!(community.simulator.advance(community.tenant(), DAYS));
    let after = (topics(&community), users(&community));
    let happened = happened(&before, &after);
    assert!(
        happened.iter().all(|(_, times)| *times > 0),
        "seed {SEED}: {happened:?}"
    );
    let gone = (gone(&before.0, &after.0), gone(&before.1, &after.1));
    assert!(gone.0 > 0 && gone.1 > 0, "seed {SEED}: {gone:?}");

    let full = community.sync().await;
    assert!(full.state.is_success(), "{:?}", full.cause);
    assert_stored_is_the_truth(&community).await;
    let deleted = [Stream::Topics, Stream::Users].map(|stream| ledger(&full, stream).deleted);
    assert_eq!(deleted, [gone.0, gone.1]);
}

#[tokio::test]
async fn an_incremental_run_brings_what_is_new_and_deletes_nothing() {
    let mut community = Community::start(TENANT).await;
    community.sync().await;
    assert!(community.simulator.advance(community.tenant(), 2));
    let run = community.sync_extent(INCREMENTAL).await;
    assert!(run.state.is_success(), "{:?}", run.cause);
    let total = run.total();
    assert!(total.new > 0, "somebody joins and something is posted each day");
    assert_eq!((total.deleted, total.late), (0, 0));
    let (users, topics) = (
        stored(&community, Stream::Users).await,
        stored(&community, Stream::Topics).await,
    );
    assert!(
        self::users(&community)
            .keys()
            .all(|id| users.contains_key(&id.to_string()))
    );
    assert!(
        self::topics(&community)
            .keys()
            .all(|id| topics.contains_key(&id.to_string()))
    );
}

/// The provider lists a member late, who was active in the window and joined long before.
#[tokio::test]
async fn a_row_that_arrives_behind_the_watermark_is_counted_as_late() {
    let mut community = Community::start(TENANT).await;
    let members = users(&community);
    let mut by_activity: Vec<&TrueUser> = members.values().collect();
    by_activity.sort_by_key(|member| std::cmp::Reverse(member.last_activity_at));
    let [latest, hidden] = [by_activity[0], by_activity[1]];
    assert!(
        latest.last_activity_at - hidden.last_activity_at < 86_400,
        "seed {SEED}: both are in the window"
    );
    let unseen = hidden.id.to_string();
    let without = Arc::new(move |record: Record| {
        (record.stream() != Stream::Users || record.key() != unseen).then_some(record)
    });
    let first = community.sync_altered(FULL, without, true).await;
    assert_eq!((first.state, first.total().late), (RunState::Completed, 0));
    let second = community.sync_extent(INCREMENTAL).await;
    let ledger = ledger(&second, Stream::Users);
    assert_eq!((ledger.new, ledger.late), (1, 1));
    assert_stored_is_the_truth(&community).await;
}
