//! Runs after the first one: they read what moved, and no more.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{Mode, RunState, Stream, window_from};
use simulator::TrueRecord;

use crate::{
    community::{Community, INCREMENTAL},
    truth::{assert_stored_is_the_truth, ledger},
};

const PAGE: usize = 100;

/// The activity times of a stream's records, by which the provider filters them.
fn activity_times(community: &Community, stream: Stream) -> Vec<DateTime<Utc>> {
    let time = |truth: TrueRecord| match (stream, truth) {
        (Stream::Users, TrueRecord::User(user)) => Some(user.last_activity_at),
        (Stream::Topics, TrueRecord::Topic(topic)) => Some(topic.last_activity_at),
        (Stream::Activity, TrueRecord::Activity(event)) => Some(event.occurred_at),
        _ => None,
    };
    let truth = community.simulator.true_records(community.tenant());
    let seconds = truth.expect("the tenant").filter_map(time);
    let time = |seconds| DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0);
    seconds.filter_map(time).collect()
}

/// How many records of the stream lie in the window that a watermark at the latest of them leaves.
fn in_window(community: &Community, stream: Stream) -> usize {
    let times = activity_times(community, stream);
    let from = times
        .iter()
        .max()
        .map_or(NaiveDate::MIN, |latest| window_from(*latest));
    times.iter().filter(|time| time.date_naive() >= from).count()
}

#[tokio::test]
async fn an_unchanged_tenant_is_synced_with_the_least_requests_that_its_api_allows() {
    let mut community = Community::start("customer-en:users=2300,topics=1400,views=9000").await;
    let first = community.sync().await;
    assert_eq!(first.state, RunState::Completed);
    let second = community.sync_extent(INCREMENTAL).await;
    assert_eq!(
        (second.state, second.mode),
        (RunState::Completed, Mode::Incremental)
    );
    let total = second.total();
    assert_eq!((total.new, total.updated, total.late), (0, 0, 0));
    // Users say how many there are; of topics only a page that is not full tells the end; of views only one that holds
    // an event from before the window. What fits a page shows one moment. Of more, the head is read again, since what
    // moved there meanwhile is met nowhere else; and topics are counted before their first page and after their last,
    // since what goes meanwhile lets others slip past, and they do not say how many they are.
    let windows =
        [Stream::Users, Stream::Topics, Stream::Activity].map(|stream| in_window(&community, stream));
    let [users, topics, views] = windows;
    let (user_pages, topic_pages) = (users.div_ceil(PAGE).max(1), topics / PAGE + 1);
    let least = [
        1,
        1,
        user_pages + usize::from(user_pages > 1),
        topic_pages + if topic_pages > 1 { 4 } else { 0 },
        views / PAGE + 1,
    ];
    let least: usize = least.iter().sum();
    assert_eq!(second.requests, least as u64, "windows: {windows:?}");
    assert!(first.requests > 20 * second.requests);
    assert_eq!(ledger(&second, Stream::Users).unchanged, users as u64);
    assert_eq!(ledger(&second, Stream::Topics).unchanged, topics as u64);
    assert_stored_is_the_truth(&community).await;
}

#[tokio::test]
async fn all_replies_are_read_again_when_that_is_asked_for() {
    let mut community = Community::start("customer-de:users=40,topics=90,views=0").await;
    let first = community.sync().await;
    let replies = ledger(&first, Stream::Replies);
    let again = community.sync().await;
    assert_eq!(ledger(&again, Stream::Replies).found, 0);
    let everything = domain::Extent {
        mode: Mode::Full,
        all_replies: true,
    };
    let all = community.sync_extent(everything).await;
    assert!(replies.found > 0);
    assert_eq!(ledger(&all, Stream::Replies).unchanged, replies.new);
}
