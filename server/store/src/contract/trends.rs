use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConnectionId, Dice, Object, Stream,
    record::{Activity, Content, ContentKind, Record, Subtype},
};
use serde_json::{Value, json};

use super::{
    export::exported,
    fixtures::{page_of, started},
};
use crate::Store;

const SEEDS: u64 = 6;
const COMMITS_PER_SEED: u64 = 20;
const KEYS: u64 = 30;

/// Midnight of a day, counted from 1970-01-01.
fn day(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(number)
}

fn content(
    kind: ContentKind,
    key: &str,
    subtype: Subtype,
    posted_at: DateTime<Utc>,
    trashed: bool,
) -> Record {
    Record::Content(Box::new(Content {
        kind,
        public_id: key.into(),
        subtype,
        posted_at,
        trashed,
        ..Content::default()
    }))
}

fn view(key: &str, occurred_at: DateTime<Utc>) -> Record {
    Record::Activity(Activity {
        event_id: key.into(),
        activity_type: "view".into(),
        occurred_at,
        ..Activity::default()
    })
}

async fn trends(store: &dyn Store, connection: ConnectionId) -> Vec<BTreeMap<&'static str, Value>> {
    exported(store, Object::Trends, Some(connection), None, 7).await
}

async fn rebuild_due(store: &dyn Store, connection: ConnectionId) -> u64 {
    store.rebuild_due_trends(connection).await.expect("a rebuild")
}

fn trend(day: &str, kind: &str, subtype: Option<&str>, count: u64) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("tenant_id", json!("tenant-1")),
        ("day", json!(day)),
        ("company_external_id", Value::Null),
        ("kind", json!(kind)),
        ("subtype", json!(subtype)),
        ("count", json!(count)),
    ])
}

pub async fn trends_count_what_stands_on_a_day(store: &dyn Store) {
    let started = started(store, 1).await;
    let (topic, idea) = (ContentKind::Topic, Subtype::Idea);
    let almost = TimeDelta::days(1) - TimeDelta::microseconds(1);
    let topics = vec![
        content(topic, "1", idea, day(0), false),
        content(topic, "2", idea, day(0) + almost, false),
        content(topic, "3", idea, day(1), false),
        content(topic, "4", idea, day(0), true),
        content(topic, "5", idea, day(-1), false),
    ];
    let replies = vec![content(ContentKind::Reply, "1", idea, day(0), false)];
    let views = vec![view("1", day(1)), view("2", day(1) + almost)];
    for (stream, records) in [
        (Stream::Topics, topics),
        (Stream::Replies, replies),
        (Stream::Activity, views),
    ] {
        let commit = page_of(started.connection, stream, records);
        store.commit_page(&started.lease, &commit).await.expect("a page");
    }
    assert_eq!(
        trends(store, started.connection).await,
        [],
        "until they are rebuilt"
    );
    assert_eq!(rebuild_due(store, started.connection).await, 3);
    let expected = [
        trend("1969-12-31", "topic", Some("idea"), 1),
        trend("1970-01-01", "reply", Some("idea"), 1),
        trend("1970-01-01", "topic", Some("idea"), 2),
        trend("1970-01-02", "topic", Some("idea"), 1),
        trend("1970-01-02", "view", None, 2),
    ];
    assert_eq!(trends(store, started.connection).await, expected);
    assert_eq!(rebuild_due(store, started.connection).await, 0, "nothing changed");

    // A post that moves leaves its old day.
    let moved = vec![content(topic, "3", idea, day(2), false)];
    let commit = page_of(started.connection, Stream::Topics, moved);
    store.commit_page(&started.lease, &commit).await.expect("a page");
    assert_eq!(rebuild_due(store, started.connection).await, 2);
    let days = trends(store, started.connection).await;
    let of = |day: &str| days.iter().filter(|row| row["day"] == day).count();
    assert_eq!((of("1970-01-02"), of("1970-01-03")), (1, 1));
}

fn random_record(dice: &mut Dice, stream: Stream, key: &str) -> Record {
    let at = day(i64::try_from(dice.below(9)).unwrap_or_default() - 4) + TimeDelta::hours(5);
    let subtype = Subtype::ALL[usize::try_from(dice.below(5)).unwrap_or_default()];
    let trashed = dice.below(4) == 0;
    match stream {
        Stream::Topics => content(ContentKind::Topic, key, subtype, at, trashed),
        Stream::Replies => content(ContentKind::Reply, key, subtype, at, trashed),
        _ => view(key, at),
    }
}

pub async fn trends_rebuilt_day_by_day_equal_a_rebuild_from_nothing(store: &dyn Store) {
    for seed in 1..=SEEDS {
        let mut dice = Dice::new(seed);
        let started = started(store, u128::from(seed)).await;
        for _ in 0..COMMITS_PER_SEED {
            let streams = [Stream::Topics, Stream::Replies, Stream::Activity];
            let stream = streams[usize::try_from(dice.below(3)).unwrap_or_default()];
            let mut records = Vec::new();
            for key in 0..KEYS {
                if dice.below(4) == 0 {
                    records.push(random_record(&mut dice, stream, &key.to_string()));
                }
            }
            let commit = page_of(started.connection, stream, records);
            store.commit_page(&started.lease, &commit).await.expect("a page");
            if dice.below(3) == 0 {
                rebuild_due(store, started.connection).await;
            }
        }
        rebuild_due(store, started.connection).await;
        let day_by_day = trends(store, started.connection).await;
        let rebuilt = store.rebuild_all_trends(started.connection).await;
        assert!(rebuilt.expect("a rebuild") > 0);
        let from_nothing = trends(store, started.connection).await;
        assert!(!from_nothing.is_empty());
        assert_eq!(day_by_day, from_nothing, "seed {seed}");
    }
}
