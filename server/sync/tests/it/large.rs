//! A tenant with more topics than the provider serves of one query.

use std::collections::BTreeSet;

use domain::{RunState, Stream};
use simulator::TrueRecord;

use crate::{
    community::Community,
    truth::{counts, ledger, stored},
};

#[tokio::test]
async fn topics_past_the_cap_are_all_stored_and_each_is_found_once() {
    let mut community = Community::start("customer-en:users=5,topics=21300,views=0,broken=60").await;
    let run = community.sync_without_replies().await;
    assert_eq!(run.state, RunState::CompletedWithInvalid, "{:?}", run.cause);
    let (topics, truth) = (ledger(&run, Stream::Topics), counts(&community, Stream::Topics));
    assert_eq!((topics.new, topics.invalid), (truth.valid, truth.invalid));
    assert_eq!((topics.found, topics.repeated), (truth.valid + truth.invalid, 0));
    let kept: BTreeSet<String> = stored(&community, Stream::Topics).await.into_keys().collect();
    let records = community
        .simulator
        .true_records(community.tenant())
        .expect("the tenant");
    let valid = |truth| match truth {
        TrueRecord::Topic(topic) if topic.invalid.is_none() => Some(topic.public_id.to_string()),
        _ => None,
    };
    assert_eq!(kept, records.filter_map(valid).collect());
}
