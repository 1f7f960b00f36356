use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConnectionId, Dice, Object, Stream,
    record::{Activity, Content, ContentKind, Record, Subtype, User},
    unification::{self, LeftBecause, Match, MatchStatus, RuleSet},
};
use serde_json::{Value, json};

use super::{
    accounts::operator,
    export::exported,
    fixtures::{Started, at, complete, page_of, started},
};
use crate::{Leaving, MatchCommit, NewMatch, RuleChange, Store};

const SEEDS: u64 = 6;
const COMMITS_PER_SEED: u64 = 20;
const KEYS: u64 = 30;
const MEMBERS: u64 = 5;

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

fn member(id: &str, email: &str) -> Record {
    Record::User(Box::new(User {
        community_user_id: id.into(),
        username: format!("user {id}"),
        email: Some(email.into()),
        ..User::default()
    }))
}

async fn commit(store: &dyn Store, started: &Started, stream: Stream, records: Vec<Record>) {
    let commit = page_of(started.connection, stream, records);
    store.commit_page(&started.lease, &commit).await.expect("a page");
}

async fn bring_rules(store: &dyn Store) {
    let change = RuleChange {
        by: "an admin".to_owned(),
        at: at(0),
        why: None,
        effect: None,
    };
    // Where there are some already, those decide.
    store
        .apply_rules(0, &RuleSet::shipped(), &change, None)
        .await
        .expect("rules");
}

/// Ties each member that is due to what `tied_to` says: a company, and when they left it.
async fn tie(
    store: &dyn Store,
    connection: ConnectionId,
    mut tied_to: impl FnMut(&str) -> (Option<String>, Option<DateTime<Utc>>),
) {
    while let Some(page) = store.members_due(connection, 7).await.expect("an answer") {
        let (mut changed, mut leaving) = (Vec::new(), Vec::new());
        for due in &page.members {
            let id = due.member.community_user_id.clone();
            let (company, left_at) = tied_to(&id);
            let outcome = Match {
                status: if company.is_some() {
                    MatchStatus::Matched
                } else {
                    MatchStatus::Unmatched
                },
                company_external_id: company,
                ..Match::default()
            };
            changed.push(NewMatch {
                community_user_id: id.clone(),
                outcome,
            });
            leaving.push(Leaving {
                community_user_id: id,
                left: left_at.map(|since| unification::Left {
                    since,
                    because: LeftBecause::EmailBounced,
                }),
            });
        }
        let commit = MatchCommit {
            connection_id: connection,
            page,
            changed,
            leaving,
            revision: store.revision().await.expect("a revision"),
            at: at(5),
        };
        store.write_matches(None, commit).await.expect("an answer");
    }
}

fn by(author: &str, record: Record) -> Record {
    match record {
        Record::Content(content) => Record::Content(Box::new(Content {
            author_user_id: Some(author.into()),
            ..*content
        })),
        Record::Activity(activity) => Record::Activity(Activity {
            user_id: Some(author.into()),
            ..activity
        }),
        other => other,
    }
}

/// Of the trends of a connection: day, company and count.
async fn by_company(store: &dyn Store, connection: ConnectionId) -> Vec<String> {
    rebuild_due(store, connection).await;
    let rows = trends(store, connection).await;
    let told = rows.iter().map(|row| {
        let company = row["company_external_id"].as_str().unwrap_or("-");
        let word = |name| row[name].as_str().unwrap_or_default();
        format!("{} {company} {} {}", word("day"), word("kind"), row["count"])
    });
    told.collect()
}

/// Two members, each with a topic, and one topic of nobody; the first has seen something on the second and on the fourth day.
async fn with_two_members(store: &dyn Store) -> Started {
    let started = started(store, 1).await;
    bring_rules(store).await;
    let members = ["1", "2"].map(|id| member(id, &format!("{id}@acme.example")));
    commit(store, &started, Stream::Users, members.into()).await;
    let topics = vec![by("1", idea("1")), by("2", idea("2")), idea("3")];
    commit(store, &started, Stream::Topics, topics).await;
    let views = vec![by("1", view("1", day(1))), by("1", view("2", day(3)))];
    commit(store, &started, Stream::Activity, views).await;
    started
}

/// Of the first day.
fn idea(key: &str) -> Record {
    content(ContentKind::Topic, key, Subtype::Idea, day(0), false)
}

/// Makes a member due without changing anything.
async fn due_again(store: &dyn Store, connection: ConnectionId, id: &str) {
    let kept = store.set_link(connection, id, None, &operator(2)).await;
    assert!(kept.expect("an answer"));
}

pub async fn what_a_member_did_counts_for_their_company_until_they_left(store: &dyn Store) {
    let started = with_two_members(store).await;
    let of = started.connection;
    let of_nobody = [
        "1970-01-01 - topic 3",
        "1970-01-02 - view 1",
        "1970-01-04 - view 1",
    ];
    assert_eq!(by_company(store, of).await, of_nobody);
    let acme = |id: &str| ((id == "1").then(|| "C-1".to_owned()), None);
    tie(store, of, acme).await;
    let of_acme = [
        "1970-01-01 - topic 2",
        "1970-01-01 C-1 topic 1",
        "1970-01-02 C-1 view 1",
        "1970-01-04 C-1 view 1",
    ];
    assert_eq!(by_company(store, of).await, of_acme);

    // They left between the two views, and came back.
    due_again(store, of, "1").await;
    tie(store, of, |_| (Some("C-1".to_owned()), Some(day(3)))).await;
    let left = [of_acme[0], of_acme[1], of_acme[2], "1970-01-04 - view 1"];
    assert_eq!(by_company(store, of).await, left);
    due_again(store, of, "1").await;
    tie(store, of, acme).await;
    assert_eq!(by_company(store, of).await, of_acme);

    // A topic that somebody else wrote after all.
    commit(store, &started, Stream::Topics, vec![by("1", idea("2"))]).await;
    let topics = by_company(store, of).await;
    assert_eq!(topics[..2], ["1970-01-01 - topic 1", "1970-01-01 C-1 topic 2"]);
}

pub async fn days_are_due_where_no_run_is_under_way(store: &dyn Store) {
    let started = started(store, 1).await;
    bring_rules(store).await;
    commit(
        store,
        &started,
        Stream::Users,
        vec![member("1", "a@acme.example")],
    )
    .await;
    let topic = by(
        "1",
        content(ContentKind::Topic, "1", Subtype::Idea, day(0), false),
    );
    commit(store, &started, Stream::Topics, vec![topic]).await;
    let due = async || store.trends_due().await.expect("an answer");
    assert_eq!(due().await, [], "its run is to count them");
    complete(store, &started, 60).await;
    assert_eq!(due().await, [started.connection]);
    rebuild_due(store, started.connection).await;
    assert_eq!(due().await, []);
    tie(store, started.connection, |_| (Some("C-1".to_owned()), None)).await;
    assert_eq!(
        due().await,
        [started.connection],
        "the days of the member's content"
    );
}

fn random_record(dice: &mut Dice, stream: Stream, key: &str) -> Record {
    let at = day(i64::try_from(dice.below(9)).unwrap_or_default() - 4) + TimeDelta::hours(5);
    let subtype = Subtype::ALL[usize::try_from(dice.below(5)).unwrap_or_default()];
    let trashed = dice.below(4) == 0;
    let record = match stream {
        Stream::Topics => content(ContentKind::Topic, key, subtype, at, trashed),
        Stream::Replies => content(ContentKind::Reply, key, subtype, at, trashed),
        _ => view(key, at),
    };
    by(&dice.below(MEMBERS).to_string(), record)
}

/// Some members change, and are tied to other companies or to none, or leave, or come back.
async fn move_members(store: &dyn Store, dice: &mut Dice, started: &Started) {
    let mut members = Vec::new();
    for id in 0..MEMBERS {
        if dice.below(2) == 0 {
            let email = format!("{}@acme.example", dice.below(1_000_000));
            members.push(member(&id.to_string(), &email));
        }
    }
    commit(store, started, Stream::Users, members).await;
    tie(store, started.connection, |_| {
        let company = Some(dice.below(3)).filter(|company| *company > 0);
        let left_at = Some(dice.below(14)).filter(|number| *number < 9);
        (
            company.map(|company| format!("C-{company}")),
            left_at.map(|number| day(i64::try_from(number).unwrap_or_default() - 4)),
        )
    })
    .await;
}

pub async fn trends_rebuilt_day_by_day_equal_a_rebuild_from_nothing(store: &dyn Store) {
    for seed in 1..=SEEDS {
        let mut dice = Dice::new(seed);
        let started = started(store, u128::from(seed)).await;
        bring_rules(store).await;
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
            if dice.below(2) == 0 {
                move_members(store, &mut dice, &started).await;
            }
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
        let of_companies = from_nothing
            .iter()
            .filter(|row| row["company_external_id"] != Value::Null);
        assert!(of_companies.count() > 0);
        assert_eq!(day_by_day, from_nothing, "seed {seed}");
    }
}
