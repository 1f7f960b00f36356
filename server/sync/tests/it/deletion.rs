//! What full passes find that nothing else tells: deletions, conversions, moves, renames.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    CauseCode, RunState, Stream,
    record::{ContentKind, Record, Subtype},
};

use crate::{
    community::{Alter, Community, FULL, INCREMENTAL},
    truth::{assert_stored_is_the_truth, ledger, stored},
};

const TENANT: &str = "customer-en:users=330,topics=120,views=150";

/// The provider serves all but these records.
fn without(stream: Stream, keys: &[String]) -> Alter {
    let keys: BTreeSet<String> = keys.iter().cloned().collect();
    Arc::new(move |record: Record| {
        (record.stream() != stream || !keys.contains(record.key())).then_some(record)
    })
}

async fn keys(community: &Community, stream: Stream) -> Vec<String> {
    stored(community, stream).await.into_keys().collect()
}

#[tokio::test]
async fn rows_that_a_full_pass_has_not_met_and_the_provider_has_no_more_are_deleted() {
    for stream in [
        Stream::IdeaStatuses,
        Stream::Categories,
        Stream::Users,
        Stream::Topics,
    ] {
        let mut community = Community::start(TENANT).await;
        community.sync().await;
        let before = keys(&community, stream).await;
        let replies_before = keys(&community, Stream::Replies).await.len();
        let gone = &before[1..3];
        let incremental = community
            .sync_altered(INCREMENTAL, without(stream, gone), true)
            .await;
        assert_eq!(
            incremental.total().deleted,
            0,
            "{stream}: only a full run can tell"
        );

        let full = community.sync_altered(FULL, without(stream, gone), true).await;
        assert_eq!(
            (full.state, ledger(&full, stream).deleted),
            (RunState::Completed, 2),
            "{stream}"
        );
        let left = keys(&community, stream).await;
        assert_eq!(left.len(), before.len() - 2, "{stream}");
        assert!(gone.iter().all(|key| !left.contains(key)), "{stream}");
        let replies = keys(&community, Stream::Replies).await.len() as u64;
        let replies_gone = ledger(&full, Stream::Replies).deleted;
        assert_eq!(replies + replies_gone, replies_before as u64, "{stream}");
        assert!(stream == Stream::Topics || replies_gone == 0, "{stream}");

        let again = community.sync_altered(FULL, without(stream, gone), true).await;
        assert_eq!(again.total().deleted, 0, "{stream}: it is marked once");
        let back = community.sync().await;
        assert_eq!(ledger(&back, stream).updated, 2, "{stream}: they come back");
        assert_stored_is_the_truth(&community).await;
    }
}

#[tokio::test]
async fn rows_that_still_exist_though_the_list_lacks_them_are_kept() {
    let mut community = Community::start(TENANT).await;
    community.sync().await;
    let users = keys(&community, Stream::Users).await;
    let run = community
        .sync_altered(FULL, without(Stream::Users, &users[..100]), false)
        .await;
    assert_eq!((run.state, run.total().deleted), (RunState::Completed, 0));
    assert_stored_is_the_truth(&community).await;
}

#[tokio::test]
async fn a_list_that_lacks_many_records_which_exist_is_suspicious_and_deletes_nothing() {
    let mut community = Community::start(TENANT).await;
    community.sync().await;
    let users = keys(&community, Stream::Users).await;
    let run = community
        .sync_altered(FULL, without(Stream::Users, &users[..150]), false)
        .await;
    assert_eq!(run.state, RunState::Failed);
    let cause = run.cause.expect("a cause");
    assert_eq!(cause.code, CauseCode::DeletionSuspicious);
    assert!(
        cause.message.contains("150") && cause.message.contains("users"),
        "{}",
        cause.message
    );
    assert_stored_is_the_truth(&community).await;

    // If all of the sample are gone, all of them are.
    let run = community
        .sync_altered(FULL, without(Stream::Users, &users[..150]), true)
        .await;
    assert_eq!((run.state, run.resumed_from), (RunState::Completed, None));
    assert_eq!(ledger(&run, Stream::Users).deleted, 150);
    assert_eq!(keys(&community, Stream::Users).await.len(), users.len() - 150);
}

#[tokio::test]
async fn a_reply_that_is_gone_is_noticed_once_its_topic_is_read_again() {
    let mut community = Community::start(TENANT).await;
    community.sync().await;
    let replies = keys(&community, Stream::Replies).await;
    let gone = without(Stream::Replies, &replies[..3]);
    let unread = community.sync_altered(FULL, Arc::clone(&gone), true).await;
    assert_eq!(
        unread.total().deleted,
        0,
        "no topic moved, so no replies were read"
    );
    let everything = domain::Extent {
        all_replies: true,
        ..FULL
    };
    let read = community.sync_altered(everything, gone, true).await;
    assert_eq!(ledger(&read, Stream::Replies).deleted, 3);
    assert_eq!(keys(&community, Stream::Replies).await.len(), replies.len() - 3);
}

/// What changes of a topic or a member without moving its activity date.
fn edit(record: Record) -> Record {
    match record {
        Record::Content(mut topic)
            if topic.kind == ContentKind::Topic && topic.subtype == Subtype::Question =>
        {
            topic.subtype = Subtype::Discussion;
            topic.private_id = format!("9{}", topic.private_id);
            topic.category_id = Some("4711".into());
            Record::Content(topic)
        }
        Record::User(mut user) if user.community_user_id.ends_with('7') => {
            user.username = format!("renamed {}", user.username);
            user.email = None;
            Record::User(user)
        }
        Record::IdeaStatus(mut status) => {
            status.name += " (renamed)";
            Record::IdeaStatus(status)
        }
        other => other,
    }
}

#[tokio::test]
async fn converted_and_moved_topics_and_renamed_members_are_updated_in_place() {
    let mut community = Community::start(TENANT).await;
    community.sync().await;
    let mut expected = Vec::new();
    for stream in Stream::ALL {
        let before = stored(&community, stream).await;
        let after: Vec<Record> = before.values().cloned().map(edit).collect();
        let changed = before
            .values()
            .zip(&after)
            .filter(|(before, after)| before != after)
            .count();
        expected.push((stream, changed as u64, after));
    }
    let run = community
        .sync_altered(FULL, Arc::new(|record| Some(edit(record))), true)
        .await;
    assert_eq!(
        (run.state, run.total().deleted, run.total().new),
        (RunState::Completed, 0, 0)
    );
    for (stream, changed, after) in expected {
        let kept: Vec<Record> = stored(&community, stream).await.into_values().collect();
        assert_eq!(kept, after, "{stream}");
        assert_eq!(ledger(&run, stream).updated, changed, "{stream}");
        assert_eq!(
            changed > 0,
            [Stream::IdeaStatuses, Stream::Users, Stream::Topics].contains(&stream)
        );
    }
}
