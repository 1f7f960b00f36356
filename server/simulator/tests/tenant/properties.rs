//! What holds of every tenant.

use crate::client::{Client, NOW, at, id, simulator};
use proptest::prelude::*;
use simulator::{Simulator, TenantSpec, TrueRecord};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_page_size_serves_each_record_once(size in 1_usize..=100, users in 0_u64..150, topics in 0_u64..150) {
        let simulator = simulator(&[&format!("t-de:users={users},topics={topics},views=0")]);
        let client = Client::of(&simulator, "t-de");
        let served = client.pages("/user?_returnIterable=1", "users", size);
        let served: Vec<u64> = served.iter().rev().map(|user| id(user, "userid")).collect();
        let known: Vec<u64> = simulator.true_users("t-de").unwrap().map(|user| user.id).collect();
        prop_assert_eq!(served, known);
        for path in ["/v2/topics", "/v2/topics?sort=createdAt", "/v2/topics?sort=likes"] {
            let served = client.pages(path, "result", size);
            let mut known: Vec<u64> = simulator.true_topics("t-de").unwrap().map(|topic| topic.public_id).collect();
            let mut ids: Vec<u64> = served.iter().map(|topic| id(topic, "publicId")).collect();
            known.sort_unstable();
            ids.sort_unstable();
            prop_assert_eq!(ids, known);
        }
    }

    #[test]
    fn worlds_are_the_same_in_every_instance_and_add_up(
        seed: u64, users in 0_u64..60, topics in 0_u64..60, views in 0_u64..60, broken in 0_u64..90
    ) {
        let make = || {
            let spec = TenantSpec { name: "t-es".into(), users, topics, views, broken };
            Simulator::new(seed, vec![spec], || at(NOW)).unwrap()
        };
        let (simulator, again) = (make(), make());
        let records: Vec<TrueRecord> = simulator.true_records("t-es").unwrap().collect();
        prop_assert!(again.true_records("t-es").unwrap().eq(records.iter().cloned()));
        let count = |of: &dyn Fn(&TrueRecord) -> Option<bool>| {
            let states: Vec<bool> = records.iter().filter_map(of).collect();
            let valid = states.iter().filter(|&&valid| valid).count() as u64;
            simulator::Counts { valid, invalid: states.len() as u64 - valid }
        };
        let streams = simulator.truth("t-es").unwrap().streams;
        let of = |record: &TrueRecord, stream: &str| match (record, stream) {
            (TrueRecord::User(user), "users") => Some(user.invalid.is_none()),
            (TrueRecord::Topic(topic), "topics") => Some(topic.invalid.is_none()),
            (TrueRecord::Reply(reply), "replies") => Some(reply.invalid.is_none()),
            (TrueRecord::Activity(event), "activity") => Some(event.invalid.is_none()),
            (TrueRecord::Category(_), "categories") | (TrueRecord::IdeaStatus(_), "idea_statuses") => Some(true),
            _ => None,
        };
        prop_assert_eq!(count(&|record| of(record, "users")), streams.users);
        prop_assert_eq!(count(&|record| of(record, "topics")), streams.topics);
        prop_assert_eq!(count(&|record| of(record, "replies")), streams.replies);
        prop_assert_eq!(count(&|record| of(record, "activity")), streams.activity);
        prop_assert_eq!(count(&|record| of(record, "categories")), streams.categories);
        prop_assert_eq!(count(&|record| of(record, "idea_statuses")), streams.idea_statuses);
    }
}
