//! Topics.

use crate::client::{Client, DAY, day, id, public_ids, simulator, text, topic_fault, true_topics, unix};
use serde_json::Value;
use simulator::{InvalidReason, TrueTopic};
use std::collections::{BTreeMap, BTreeSet, HashSet};

#[test]
fn every_topic_is_served_as_the_truth_says() {
    assert_every_topic_is_served(0);
    assert_every_topic_is_served(30);
}

fn assert_every_topic_is_served(days: u64) {
    let simulator = simulator(&["acme-en:topics=600,broken=90"]);
    simulator.advance("acme-en", days);
    let client = Client::of(&simulator, "acme-en");
    let mut served = client.topics("");
    served.reverse();
    let truth = true_topics(&simulator, "acme-en");
    assert_eq!(served.len(), truth.len());
    for (topic, known) in served.iter().zip(&truth) {
        assert_eq!(topic_fault(topic), known.invalid);
        assert_eq!(text(topic, "contentType"), Some(known.content_type));
        assert_eq!(text(topic, "title"), Some(known.title.as_str()));
        assert_eq!(id(topic, "categoryId"), known.category_id);
        assert_eq!(unix(topic, "lastActivityAt"), Some(known.last_activity_at));
        assert_eq!(topic["replyCount"], known.reply_count);
        assert_eq!(topic["trashed"], known.trashed);
        assert_eq!(topic["voteSet"].as_array().unwrap().len() as u64, known.votes);
        assert_eq!(topic["ideaStatus"]["name"].as_str(), known.idea_status);
        assert_eq!(
            topic["author"]["id"].as_str().map(|id| id.parse().unwrap()),
            known.author_id
        );
        if known.invalid.is_none() {
            assert_eq!(
                (id(topic, "publicId"), id(topic, "id")),
                (known.public_id, known.private_id)
            );
            assert_eq!(unix(topic, "createdAt"), Some(known.created_at));
        } else {
            assert_eq!(known.reply_count, 0);
        }
    }
    assert!(truth.iter().any(|topic| topic.author_id.is_none()));
}

#[test]
fn ids_overlap_between_types_and_between_topics_and_replies() {
    let simulator = simulator(&["acme-en"]);
    let truth = true_topics(&simulator, "acme-en");
    let pairs: HashSet<_> = truth.iter().map(|topic| (topic.path, topic.private_id)).collect();
    let alone: HashSet<_> = truth.iter().map(|topic| topic.private_id).collect();
    let public: HashSet<_> = truth.iter().map(|topic| topic.public_id).collect();
    assert_eq!((pairs.len(), public.len()), (400, 400));
    assert!(alone.len() < 200);
    let replies: Vec<_> = simulator.true_replies("acme-en").unwrap().collect();
    let reply_ids: HashSet<_> = replies.iter().map(|reply| reply.public_id).collect();
    assert_eq!(reply_ids.len(), replies.len());
    assert!(replies.iter().any(|reply| public.contains(&reply.public_id)));
}

#[test]
fn single_items_have_the_fields_of_their_type() {
    let simulator = simulator(&["acme-en:topics=200,broken=30"]);
    let client = Client::of(&simulator, "acme-en");
    for topic in simulator.true_topics("acme-en").unwrap() {
        let served = client.get(&format!("/v2/{}/{}", topic.path, topic.private_id));
        let served = &served["result"];
        let created = match topic.path {
            "conversations" => "startedAt",
            "questions" => "askedAt",
            "ideas" => "submittedAt",
            _ => "createdAt",
        };
        assert_eq!(text(served, "title"), Some(topic.title.as_str()));
        if topic.invalid.is_none() {
            assert_eq!(id(served, "publicId"), topic.public_id);
            assert_eq!(unix(served, created), Some(topic.created_at));
        }
        if topic.invalid == Some(InvalidReason::UnknownContentType) {
            assert_eq!(text(served, "contentType"), Some("podcast"));
        }
    }
    for absent in [
        "/v2/questions/0",
        "/v2/questions/99999",
        "/v2/questions/1/poll",
        "/v2/topics/1",
        "/v2/none",
    ] {
        let answer = client.raw(absent);
        assert_eq!(
            (answer.status, text(&answer.json(), "message")),
            (404, Some("Not Found")),
            "{absent}"
        );
        assert!(text(&answer.json(), "description").is_some());
    }
}

#[test]
fn the_lists_of_the_types_share_out_the_topics() {
    let simulator = simulator(&["acme-en:topics=333"]);
    let client = Client::of(&simulator, "acme-en");
    let mut wanted = BTreeMap::<&str, BTreeSet<u64>>::new();
    for topic in simulator.true_topics("acme-en").unwrap() {
        wanted.entry(topic.path).or_default().insert(topic.public_id);
    }
    for (path, ids) in wanted {
        let served = client.pages(&format!("/v2/{path}"), "result", 30);
        assert_eq!(served.len(), ids.len());
        assert_eq!(public_ids(&served), ids, "{path}");
    }
}

#[test]
fn topics_are_filtered_as_a_scan_would() {
    let simulator = simulator(&["acme-en:topics=500"]);
    let client = Client::of(&simulator, "acme-en");
    let truth = true_topics(&simulator, "acme-en");
    let check = |query: &str, holds: &dyn Fn(&TrueTopic) -> bool| {
        let wanted: BTreeSet<u64> = truth
            .iter()
            .filter(|topic| holds(topic))
            .map(|topic| topic.public_id)
            .collect();
        assert!(
            !wanted.is_empty() && wanted.len() < truth.len(),
            "{query} tells nothing"
        );
        assert_eq!(public_ids(&client.topics(query)), wanted, "{query}");
    };
    let ideas = |topic: &TrueTopic| topic.content_type == "idea";
    let both = |topic: &TrueTopic| ideas(topic) || topic.content_type == "question";
    check("contentTypes[]=idea&contentTypes[]=question", &both);
    check("contentTypes[0]=idea&contentTypes[1]=question", &both);
    check("contentTypes=idea,question", &both);
    check("contentType=question&contentTypes[]=idea", &both);
    let (one, other) = (truth[0].category_id, truth[1].category_id);
    check(&format!("categoryIds[]={one}&categoryIds[]={other}"), &|topic| {
        [one, other].contains(&topic.category_id)
    });
    let (from, to) = (truth[100].created_at, truth[300].created_at);
    let (from, to) = (from.min(to), from.max(to));
    let in_days = |time: u64| (from / DAY..=to / DAY).contains(&(time / DAY));
    let range = |key: &str| format!("{key}[from]={}&{key}[to]={}", day(from), day(to));
    check(&range("createdAt"), &|topic| in_days(topic.created_at));
    check(&range("lastActivityAt"), &|topic| in_days(topic.last_activity_at));
    check(
        &format!(
            "{}&{}&contentTypes[]=idea",
            range("createdAt"),
            range("lastActivityAt")
        ),
        &|topic| in_days(topic.created_at) && in_days(topic.last_activity_at) && ideas(topic),
    );
    let id = truth[9].public_id;
    check(&format!("publicIds[]={id}&publicIds[]=1"), &|topic| {
        topic.public_id == id
    });
    assert!(client.topics(&format!("publicIds[]={}", u64::MAX)).is_empty());
    check("q=DASHBOARDS", &|topic| topic.title.contains("dashboards"));
    assert!(
        client.topics("moderatorTags=urgent").is_empty() && client.topics("productAreaIds[]=3").is_empty()
    );
}

#[test]
fn topics_are_sorted_as_asked() {
    let simulator = simulator(&["acme-en:topics=300"]);
    let client = Client::of(&simulator, "acme-en");
    let all: BTreeSet<u64> = simulator
        .true_topics("acme-en")
        .unwrap()
        .map(|topic| topic.public_id)
        .collect();
    let check = |order: &str, key: &dyn Fn(&Value) -> u64| {
        let keys: Vec<u64> = client.topics(&format!("sort={order}")).iter().map(key).collect();
        assert!(keys.is_sorted_by(|left, right| left >= right), "{order}");
        assert!(keys.first() > keys.last());
        assert_eq!(
            public_ids(&client.topics(&format!("sort={order}"))),
            all,
            "{order}"
        );
    };
    check("lastActivityAt", &|topic| unix(topic, "lastActivityAt").unwrap());
    check("createdAt", &|topic| unix(topic, "createdAt").unwrap());
    for (order, key) in [
        ("likes", "likes"),
        ("voteCount", "votes"),
        ("replyCount", "replyCount"),
    ] {
        check(order, &|topic| topic[key].as_u64().unwrap());
    }
}

#[test]
fn only_the_first_ten_thousand_topics_are_listed() {
    let simulator = simulator(&["acme-en:users=10,topics=10300,views=0"]);
    let client = Client::of(&simulator, "acme-en");
    assert_eq!(
        client.get("/v2/topics?pageSize=100&page=100")["result"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    for beyond in [
        "pageSize=100&page=101",
        "pageSize=30&page=334",
        "page=18446744073709551615",
    ] {
        let answer = client.raw(&format!("/v2/topics?{beyond}"));
        assert_eq!(
            (answer.status, answer.json()["errors"].as_array().unwrap().len()),
            (422, 1)
        );
    }
    let questions = client.get("/v2/questions?pageSize=100&page=2");
    assert_eq!(questions["result"].as_array().unwrap().len(), 100);
}

#[test]
fn bad_parameters_are_named() {
    let client = Client::of(&simulator(&["acme-en"]), "acme-en");
    for bad in [
        "pageSize=0",
        "pageSize=101",
        "page=0",
        "page=x",
        "sort=title",
        "contentTypes[]=podcast",
        "contentType=idea",
        "createdAt[from]=soon",
    ] {
        let answer = client.raw(&format!("/v2/topics?{bad}"));
        let (key, _) = bad.split_once(['=', '[']).unwrap();
        assert_eq!(answer.status, 422, "{bad}");
        assert!(
            answer.json()["errors"][0].as_str().unwrap().starts_with(key),
            "{bad}"
        );
    }
    assert_eq!(client.raw("/v2/questions/trashed").status, 422);
    assert_eq!(client.raw("/v2/category/getTree?module[]=community").status, 400);
    assert_eq!(
        client.raw("/v2/category/getTree?module[]=x&authorId=1").status,
        400
    );
    assert_eq!(client.raw("/user?filter[joindate][from]=soon").status, 500);
}
