//! Time that passes in a tenant.

use crate::client::{Client, DAY, NOW, at, day, id, own_path, simulator, text, true_topics, unix};
use proptest::prelude::*;
use serde_json::Value;
use simulator::{Simulator, TenantSpec, TrueRecord, TrueReply, TrueTopic, TrueUser, Truth};
use std::collections::{BTreeMap, BTreeSet};

const TENANT: &str = "acme-en";

fn users(simulator: &Simulator) -> BTreeMap<u64, TrueUser> {
    let users = simulator.true_users(TENANT).unwrap();
    users.map(|user| (user.id, user)).collect()
}

fn topics(simulator: &Simulator) -> BTreeMap<u64, TrueTopic> {
    let topics = true_topics(simulator, TENANT).into_iter();
    topics.map(|topic| (topic.public_id, topic)).collect()
}

fn replies(simulator: &Simulator) -> BTreeMap<u64, TrueReply> {
    let replies = simulator.true_replies(TENANT).unwrap();
    replies.map(|reply| (reply.public_id, reply)).collect()
}

fn item(topic: &TrueTopic) -> String {
    format!("/v2/{}/{}", topic.path, topic.private_id)
}

/// A tenant before and after some days.
struct Lapse {
    simulator: Simulator,
    client: Client,
    before: (BTreeMap<u64, TrueUser>, BTreeMap<u64, TrueTopic>),
    after: (BTreeMap<u64, TrueUser>, BTreeMap<u64, TrueTopic>),
}

impl Lapse {
    fn of(days: u64) -> Self {
        let simulator = simulator(&["acme-en:users=300,topics=200,views=300,broken=24"]);
        let before = (users(&simulator), topics(&simulator));
        assert!(simulator.advance(TENANT, days));
        let after = (users(&simulator), topics(&simulator));
        let client = Client::of(&simulator, TENANT);
        Self {
            simulator,
            client,
            before,
            after,
        }
    }

    /// Topics that are still there, as they were and as they are.
    fn kept_topics(&self) -> impl Iterator<Item = (&TrueTopic, &TrueTopic)> {
        let kept = self.before.1.values();
        kept.filter_map(|old| Some((old, self.after.1.get(&old.public_id)?)))
    }

    fn kept_users(&self) -> impl Iterator<Item = (&TrueUser, &TrueUser)> {
        let kept = self.before.0.values();
        kept.filter_map(|old| Some((old, self.after.0.get(&old.id)?)))
    }
}

#[test]
fn time_passes_at_the_request_of_this_machine() {
    let simulator = simulator(&[TENANT]);
    let router = simulator.router();
    let ask = |query: &str, peer| {
        let path = format!("/__advance/{query}");
        own_path(&router, "POST", &path, Some(peer))
    };
    let before = simulator.truth(TENANT).unwrap();
    assert_eq!(ask("acme-en?days=2", "192.0.2.1:1").status, 403);
    for bad in ["", "?days=0", "?days=x", "?days=1001"] {
        assert_eq!(ask(&format!("acme-en{bad}"), "127.0.0.1:1").status, 422, "{bad}");
    }
    assert_eq!(ask("none?days=1", "127.0.0.1:1").status, 404);
    assert!(!simulator.advance("none", 1));
    assert_eq!(simulator.truth(TENANT).unwrap(), before);
    let told = ask("acme-en?days=2", "127.0.0.1:1");
    let told: Truth = serde_json::from_slice(&told.bytes).unwrap();
    assert_eq!(Some(&told), simulator.truth(TENANT).as_ref());
    assert_ne!(told, before);
}

#[test]
fn everything_that_can_happen_happens_within_weeks() {
    let lapse = Lapse::of(40);
    let (before, after) = (&lapse.before, &lapse.after);
    let end = before
        .1
        .values()
        .map(|topic| topic.last_activity_at)
        .max()
        .unwrap()
        / DAY
        * DAY;
    let new_topics = after
        .1
        .values()
        .filter(|topic| !before.1.contains_key(&topic.public_id));
    assert!(new_topics.clone().count() > 20 && new_topics.clone().all(|topic| topic.created_at > end));
    let new_users = after.0.values().filter(|user| !before.0.contains_key(&user.id));
    assert!(new_users.clone().count() > 20 && new_users.clone().all(|user| user.joined_at > end));
    let some = |changed: fn(&TrueTopic, &TrueTopic) -> bool| {
        assert!(lapse.kept_topics().any(|(old, new)| changed(old, new)));
    };
    some(|old, new| old.reply_count < new.reply_count && old.last_activity_at < new.last_activity_at);
    some(|old, new| old.title != new.title && old.last_activity_at == new.last_activity_at);
    some(|old, new| old.category_id != new.category_id);
    some(|old, new| {
        old.idea_status.is_some() && new.idea_status.is_some() && old.idea_status != new.idea_status
    });
    some(|old, new| old.content_type != new.content_type && old.private_id != new.private_id);
    some(|old, new| !old.trashed && new.trashed);
    assert!(lapse.kept_topics().count() < before.1.len() && lapse.kept_users().count() < before.0.len());
    let some = |changed: fn(&TrueUser, &TrueUser) -> bool| {
        assert!(lapse.kept_users().any(|(old, new)| changed(old, new)));
    };
    some(|old, new| old.username != new.username && old.first_name == new.first_name);
    some(|old, new| old.employer != new.employer && old.email != new.email);
    some(|old, new| old.last_activity_at < new.last_activity_at);
    some(|old, new| !old.first_name.is_empty() && new.first_name.is_empty() && new.email.is_none());
    let unmoved = |old: &TrueTopic, new: &TrueTopic| {
        (old.last_activity_at == new.last_activity_at) == (old.reply_count == new.reply_count)
    };
    assert!(lapse.kept_topics().all(|(old, new)| unmoved(old, new)));
    assert!(
        lapse
            .kept_topics()
            .all(|(old, new)| old.created_at == new.created_at)
    );
}

#[test]
fn the_deleted_and_the_converted_leave_their_addresses() {
    let lapse = Lapse::of(40);
    let (before, after) = (&lapse.before, &lapse.after);
    let status = |path: &str| lapse.client.raw(path).status;
    for topic in before.1.values() {
        let same = after
            .1
            .get(&topic.public_id)
            .is_some_and(|new| item(new) == item(topic));
        let wanted = if same { 200 } else { 404 };
        assert_eq!(status(&item(topic)), wanted);
        assert_eq!(status(&format!("{}/replies", item(topic))), wanted);
    }
    for user in before.0.values() {
        let wanted = if after.0.contains_key(&user.id) { 200 } else { 404 };
        assert_eq!(status(&format!("/user/{}", user.id)), wanted);
        assert_eq!(status(&format!("/user/userid/{}", user.id)), wanted);
    }
    for topic in after.1.values() {
        let served = lapse.client.get(&item(topic));
        assert_eq!(text(&served["result"], "title"), Some(topic.title.as_str()));
        assert_eq!(served["result"]["replyCount"], topic.reply_count);
    }
}

#[test]
fn what_anonymous_members_wrote_stays_without_their_names() {
    let lapse = Lapse::of(40);
    let gone = |id: &u64| {
        let now = lapse.after.0.get(id);
        lapse.before.0.contains_key(id) && now.is_none_or(|user| user.first_name.is_empty())
    };
    let mut seen = 0;
    for topic in lapse.client.topics("") {
        let author = topic["author"]["id"]
            .as_str()
            .map(|id| id.parse::<u64>().unwrap());
        let name = topic["author"]["username"].as_str().unwrap_or_default();
        let hidden = author.is_some_and(|id| gone(&id));
        assert_eq!(name.starts_with("anonymous-"), hidden, "{topic}");
        seen += u32::from(hidden);
    }
    assert!(seen > 0, "nobody who left had written a topic");
}

#[test]
fn filters_and_sorts_agree_with_what_happened() {
    let lapse = Lapse::of(25);
    let truth = true_topics(&lapse.simulator, TENANT);
    let check = |query: &str, holds: &dyn Fn(&TrueTopic) -> bool| {
        let wanted: Vec<&str> = truth
            .iter()
            .rev()
            .filter(|topic| holds(topic))
            .map(|topic| topic.title.as_str())
            .collect();
        let served = lapse.client.topics(query);
        let served: Vec<&str> = served.iter().map(|topic| text(topic, "title").unwrap()).collect();
        assert!(!wanted.is_empty(), "{query} tells nothing");
        assert_eq!(served, wanted, "{query}");
    };
    let latest = truth.last().unwrap().last_activity_at;
    for back in [0, 3, 24, 26, 60] {
        let from = latest / DAY - back;
        let query = format!("lastActivityAt[from]={}", day(from * DAY));
        check(&query, &|topic| topic.last_activity_at / DAY >= from);
        check(&format!("{query}&contentTypes=question,idea"), &|topic| {
            topic.last_activity_at / DAY >= from && ["questions", "ideas"].contains(&topic.path)
        });
        let until = format!("lastActivityAt[to]={}", day(from * DAY));
        check(&until, &|topic| topic.last_activity_at / DAY <= from);
    }
    let from = latest / DAY - 30;
    check(&format!("createdAt[from]={}", day(from * DAY)), &|topic| {
        topic.created_at / DAY >= from
    });
}

#[test]
fn counts_sorts_and_members_agree_with_what_happened() {
    let lapse = Lapse::of(25);
    let truth = true_topics(&lapse.simulator, TENANT);
    let latest = truth.last().unwrap().last_activity_at;
    for category in lapse.simulator.true_categories(TENANT).unwrap() {
        let counts = lapse.client.get("/v2/categories/getVisibleTopicsCount");
        let here = truth
            .iter()
            .filter(|topic| topic.category_id == category.id && !topic.trashed);
        assert_eq!(category.visible_topics, here.count() as u64);
        assert_eq!(
            counts["result"][category.id.to_string()],
            category.visible_topics.to_string()
        );
    }
    for (order, key) in [("createdAt", "createdAt"), ("replyCount", "replyCount")] {
        let served = lapse.client.topics(&format!("sort={order}"));
        let keys: Vec<u64> = served
            .iter()
            .filter_map(|topic| topic[key].as_u64().or_else(|| unix(topic, key)))
            .collect();
        assert!(
            served.len() == truth.len() && keys.is_sorted_by(|left, right| left >= right),
            "{order}"
        );
    }
    let joined = latest / DAY - 5;
    let query = format!(
        "/user?_returnIterable=1&filter[joindate][from]={}",
        day(joined * DAY)
    );
    let served = lapse.client.pages(&query, "users", 7);
    let wanted = lapse
        .after
        .0
        .values()
        .filter(|user| user.joined_at / DAY >= joined);
    assert_eq!(served.len(), wanted.count());
}

/// Asserts that reading every listing finds the truth, no more and no less.
fn assert_all_is_served(simulator: &Simulator, size: usize) -> Result<(), TestCaseError> {
    let client = Client::of(simulator, TENANT);
    let served = client.pages("/user?_returnIterable=1", "users", size);
    let names: Vec<&str> = served
        .iter()
        .rev()
        .map(|user| text(user, "username").unwrap())
        .collect();
    let known: Vec<TrueUser> = simulator.true_users(TENANT).unwrap().collect();
    prop_assert_eq!(
        names,
        known
            .iter()
            .map(|user| user.username.as_str())
            .collect::<Vec<_>>()
    );
    prop_assert!(known.is_sorted_by_key(|user| user.joined_at));
    let topics = client.pages("/v2/topics", "result", size);
    let known = true_topics(simulator, TENANT);
    let titles: Vec<&str> = topics
        .iter()
        .rev()
        .map(|topic| text(topic, "title").unwrap())
        .collect();
    prop_assert_eq!(
        titles,
        known.iter().map(|topic| topic.title.as_str()).collect::<Vec<_>>()
    );
    prop_assert!(known.is_sorted_by_key(|topic| topic.last_activity_at));
    for path in [
        "/v2/questions",
        "/v2/ideas",
        "/v2/topics?sort=createdAt",
        "/v2/topics?sort=likes",
    ] {
        let kind = path.trim_start_matches("/v2/");
        let served: BTreeSet<String> = titles_of(&client.pages(path, "result", size));
        let known = known
            .iter()
            .filter(|topic| kind.starts_with("topics") || topic.path == kind);
        prop_assert_eq!(
            served,
            known.map(|topic| topic.title.clone()).collect::<BTreeSet<_>>()
        );
    }
    assert_replies_are_served(simulator, &client, &known)
}

fn assert_replies_are_served(
    simulator: &Simulator,
    client: &Client,
    known: &[TrueTopic],
) -> Result<(), TestCaseError> {
    let mut served = 0;
    for reply in simulator.true_replies(TENANT).unwrap() {
        let topic = known
            .iter()
            .find(|topic| topic.public_id == reply.topic_public_id)
            .unwrap();
        prop_assert!((topic.created_at..=topic.last_activity_at).contains(&reply.replied_at));
        if reply.invalid.is_none() {
            let found = client.get(&format!("{}/replies/{}", item(topic), reply.private_id));
            prop_assert_eq!(id(&found["result"], "publicReplyId"), reply.public_id);
            prop_assert_eq!(unix(&found["result"], "repliedAt"), Some(reply.replied_at));
        }
        served += 1;
    }
    prop_assert_eq!(served, known.iter().map(|topic| topic.reply_count).sum::<u64>());
    let events = client.get("/user/activity")["statistics"]["count"].as_u64();
    prop_assert_eq!(
        events,
        Some(simulator.true_activity(TENANT).unwrap().count() as u64)
    );
    Ok(())
}

fn titles_of(topics: &[Value]) -> BTreeSet<String> {
    topics
        .iter()
        .map(|topic| text(topic, "title").unwrap().to_owned())
        .collect()
}

fn assert_the_counts_are_exact(simulator: &Simulator) -> Result<(), TestCaseError> {
    let mut counted = BTreeMap::<&str, (u64, u64)>::new();
    for record in simulator.true_records(TENANT).unwrap() {
        let (stream, valid) = match record {
            TrueRecord::IdeaStatus(_) | TrueRecord::Category(_) => continue,
            TrueRecord::User(user) => ("users", user.invalid.is_none()),
            TrueRecord::Topic(topic) => ("topics", topic.invalid.is_none()),
            TrueRecord::Reply(reply) => ("replies", reply.invalid.is_none()),
            TrueRecord::Activity(event) => ("activity", event.invalid.is_none()),
        };
        let count = counted.entry(stream).or_default();
        count.0 += u64::from(valid);
        count.1 += u64::from(!valid);
    }
    let truth = serde_json::to_value(simulator.truth(TENANT).unwrap().streams).unwrap();
    for (stream, (valid, invalid)) in counted {
        prop_assert_eq!(
            &truth[stream],
            &serde_json::json!({ "valid": valid, "invalid": invalid })
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_the_listings_tell_the_truth(
        seed: u64, users in 0_u64..90, topics in 0_u64..90, views in 0_u64..40, broken in 0_u64..60,
        steps in prop::collection::vec((1_u64..20, 1_usize..=100), 1..4)
    ) {
        let spec = TenantSpec { name: TENANT.into(), users, topics, views, broken };
        let simulator = Simulator::new(seed, vec![spec], || at(NOW)).unwrap();
        for (days, size) in steps {
            simulator.advance(TENANT, days);
            simulator.set_faults_everywhere("changing".parse().unwrap());
            Client::of(&simulator, TENANT).topics("");
            Client::of(&simulator, TENANT).pages("/user?_returnIterable=1", "users", size);
            simulator.set_faults_everywhere("none".parse().unwrap());
            assert_all_is_served(&simulator, size)?;
            assert_the_counts_are_exact(&simulator)?;
        }
    }

    #[test]
    fn the_end_of_the_days_decides_and_not_their_number_at_a_time(
        seed: u64, users in 0_u64..60, topics in 0_u64..60, steps in prop::collection::vec(0_u64..5, 0..5)
    ) {
        let spec = TenantSpec { name: TENANT.into(), users, topics, views: 20, broken: 10 };
        let make = || Simulator::new(seed, vec![spec.clone()], || at(NOW)).unwrap();
        let (stepwise, at_once) = (make(), make());
        at_once.advance(TENANT, steps.iter().sum());
        for &days in &steps {
            stepwise.advance(TENANT, days);
        }
        prop_assert_eq!(stepwise.truth(TENANT), at_once.truth(TENANT));
        prop_assert!(stepwise.true_records(TENANT).unwrap().eq(at_once.true_records(TENANT).unwrap()));
    }

    #[test]
    fn what_was_active_since_a_day_is_found_by_asking_from_that_day(seed: u64, first in 0_u64..9, then in 1_u64..9) {
        let spec = TenantSpec { name: TENANT.into(), users: 50, topics: 80, views: 30, broken: 20 };
        let simulator = Simulator::new(seed, vec![spec], || at(NOW)).unwrap();
        simulator.advance(TENANT, first);
        let (topics_then, replies_then) = (topics(&simulator), replies(&simulator));
        let activity_then: Vec<_> = simulator.true_activity(TENANT).unwrap().collect();
        let mark = topics_then.values().map(|topic| topic.last_activity_at).max().unwrap();
        simulator.advance(TENANT, then);
        let client = Client::of(&simulator, TENANT);
        let served = titles_of(&client.topics(&format!("lastActivityAt[from]={}", day(mark))));
        let now = topics(&simulator);
        for topic in now.values() {
            let old = topics_then.get(&topic.public_id);
            let active = old.is_none_or(|old| old.last_activity_at < topic.last_activity_at || old.reply_count < topic.reply_count);
            prop_assert!(!active || served.contains(&topic.title), "{topic:?}");
        }
        let replies_now = replies(&simulator);
        for (id, old) in &replies_then {
            let topic = now.get(&old.topic_public_id);
            let kept = topic.filter(|topic| item(topic) == item(&topics_then[&old.topic_public_id]));
            prop_assert!(kept.is_none() || replies_now.get(id) == Some(old));
        }
        prop_assert!(simulator.true_activity(TENANT).unwrap().zip(activity_then).all(|(now, then)| now == then));
        for reply in replies_now.values().filter(|reply| !replies_then.contains_key(&reply.public_id)) {
            prop_assert!(reply.replied_at > mark && served.contains(&now[&reply.topic_public_id].title));
        }
    }
}
