//! View events.

use crate::client::{Client, simulator, text, time_fault};
use std::collections::HashSet;

#[test]
fn every_event_is_served_as_the_truth_says() {
    assert_every_event_is_served(0);
    assert_every_event_is_served(20);
}

fn assert_every_event_is_served(days: u64) {
    let simulator = simulator(&["acme-en:views=430,broken=50"]);
    simulator.advance("acme-en", days);
    let count = simulator.true_activity("acme-en").unwrap().count();
    assert!((430 + days..=430 + 3 * days).contains(&(count as u64)));
    let client = Client::of(&simulator, "acme-en");
    let mut served = Vec::new();
    for page in 1..=5 {
        let answer = client.get(&format!("/user/activity?pageSize=100&page={page}"));
        assert_eq!(answer["statistics"]["count"], count);
        served.extend((0..).map_while(|at: u32| answer.get(at.to_string()).cloned()));
    }
    served.reverse();
    let truth: Vec<_> = simulator.true_activity("acme-en").unwrap().collect();
    assert_eq!(served.len(), truth.len());
    for (event, known) in served.iter().zip(&truth) {
        assert_eq!(
            time_fault(event, "event_uuid", event["time_added"].is_u64()),
            known.invalid
        );
        assert_eq!(
            event["user"]["userid"].as_str().map(|id| id.parse().unwrap()),
            known.user_id
        );
        assert_eq!(
            event["pageinfo"]["post_id"]
                .as_str()
                .map(|id| id.parse().unwrap()),
            known.topic_public_id
        );
        if known.invalid.is_none() {
            assert_eq!(text(event, "event_uuid"), Some(known.id.as_str()));
            assert_eq!(event["time_added"].as_u64(), Some(known.occurred_at));
        }
    }
    let ids: HashSet<_> = truth.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), truth.len());
}
