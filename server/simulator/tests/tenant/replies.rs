//! Replies.

use crate::client::{Client, id, simulator, time_fault, unix};
use serde_json::Value;

#[test]
fn every_reply_is_served_as_the_truth_says() {
    assert_every_reply_is_served(0);
    assert_every_reply_is_served(30);
}

fn assert_every_reply_is_served(days: u64) {
    let simulator = simulator(&["acme-en:topics=150,broken=60"]);
    simulator.advance("acme-en", days);
    let client = Client::of(&simulator, "acme-en");
    let mut truth = simulator.true_replies("acme-en").unwrap();
    for topic in simulator.true_topics("acme-en").unwrap() {
        let path = format!("/v2/{}/{}/replies", topic.path, topic.private_id);
        let served = client.pages(&path, "result", 100);
        assert_eq!(served.len() as u64, topic.reply_count);
        for reply in &served {
            let known = truth.next().unwrap();
            assert_eq!(known.topic_public_id, topic.public_id);
            assert_eq!(
                time_fault(reply, "publicReplyId", unix(reply, "repliedAt").is_some()),
                known.invalid
            );
            assert_eq!(
                reply["author"]["id"].as_str().map(|id| id.parse().unwrap()),
                known.author_id
            );
            assert_eq!(reply["likedBy"].as_array().unwrap().len() as u64, known.likes);
            assert!((topic.created_at..=topic.last_activity_at).contains(&known.replied_at));
            if known.invalid.is_none() {
                assert_eq!(
                    (id(reply, "publicReplyId"), id(reply, "id")),
                    (known.public_id, known.private_id)
                );
                assert_eq!(unix(reply, "repliedAt"), Some(known.replied_at));
                assert_eq!(
                    client.get(&format!("{path}/{}", known.private_id))["result"],
                    *reply
                );
            }
        }
    }
    assert!(truth.next().is_none());
}

#[test]
fn replies_are_sorted_as_asked() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let topic = simulator.true_topics("acme-en").unwrap().nth(1).unwrap();
    assert!(topic.reply_count > 100, "the second topic needs two pages");
    let path = format!("/v2/{}/{}/replies", topic.path, topic.private_id);
    let sorted = |order: &str| client.pages(&format!("{path}?sort={order}"), "result", 40);
    let mut oldest = sorted("oldestFirst");
    assert!(oldest.is_sorted_by_key(|reply| unix(reply, "repliedAt")));
    assert_eq!(
        unix(oldest.last().unwrap(), "repliedAt"),
        Some(topic.last_activity_at)
    );
    let likes = |reply: &Value| std::cmp::Reverse(reply["likedBy"].as_array().unwrap().len());
    let by_likes = sorted("mostLiked");
    assert!(by_likes.is_sorted_by_key(likes) && likes(&by_likes[0]) < likes(&by_likes[by_likes.len() - 1]));
    oldest.reverse();
    assert_eq!(sorted("mostRecentFirst"), oldest);
    assert_eq!(client.raw(&format!("{path}?sort=x")).status, 422);
}
