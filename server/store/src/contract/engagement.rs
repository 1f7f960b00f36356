use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{
    ConnectionId, Object, Stream,
    record::{Activity, Content, ContentKind, Record, Subtype, User},
    unification::{Company, LeftBecause, Match, MatchStatus, RuleSet},
};

use super::{
    accounts::operator,
    export::read_whole,
    fixtures::{Started, at, page_of, started},
};
use crate::{
    CompanyCount, CompanyMembers, DayCount, Days, Deed, ExportQuery, ImportMode, Left, MatchCommit, NewMatch,
    OfCompanies, RuleChange, Store,
};

/// Midnight of a day, counted from 1970-01-01.
fn day(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(number)
}

fn date(number: i64) -> NaiveDate {
    day(number).date_naive()
}

/// The third and the fourth day.
fn days() -> Days {
    Days {
        from: date(2),
        until: date(4),
    }
}

fn company(id: &str, parent: Option<&str>) -> Company {
    Company {
        external_id: id.to_owned(),
        name: format!("Company {id}"),
        parent_external_id: parent.map(str::to_owned),
        ..Company::default()
    }
}

fn topic(id: &str, author: &str, subtype: Subtype, at: DateTime<Utc>) -> Record {
    Record::Content(Box::new(Content {
        kind: ContentKind::Topic,
        public_id: id.into(),
        title: Some(format!("Title \"{id}\"")),
        subtype,
        author_user_id: Some(author.into()),
        author_username: Some(format!("user {author}")),
        posted_at: at,
        votes: 3,
        idea_status: (subtype == Subtype::Idea).then(|| "New".to_owned()),
        ..Content::default()
    }))
}

fn reply(id: &str, author: &str, at: DateTime<Utc>) -> Record {
    Record::Content(Box::new(Content {
        kind: ContentKind::Reply,
        public_id: id.into(),
        subtype: Subtype::Question,
        author_user_id: Some(author.into()),
        posted_at: at,
        ..Content::default()
    }))
}

fn view(id: &str, user: &str, at: DateTime<Utc>) -> Record {
    Record::Activity(Activity {
        event_id: id.into(),
        activity_type: "view".into(),
        occurred_at: at,
        user_id: Some(user.into()),
        ..Activity::default()
    })
}

async fn commit(store: &dyn Store, started: &Started, stream: Stream, records: Vec<Record>) {
    let commit = page_of(started.connection, stream, records);
    store.commit_page(&started.lease, &commit).await.expect("a page");
}

/// Ties everyone who is due to a company.
async fn tie(store: &dyn Store, connection: ConnectionId, company: impl Fn(&str) -> Option<&'static str>) {
    while let Some(page) = store.members_due(connection, 10).await.expect("an answer") {
        let new = |id: &str| NewMatch {
            community_user_id: id.to_owned(),
            outcome: Match {
                status: company(id).map_or(MatchStatus::Unmatched, |_| MatchStatus::Matched),
                company_external_id: company(id).map(str::to_owned),
                ..Match::default()
            },
        };
        let commit = MatchCommit {
            connection_id: connection,
            changed: page
                .members
                .iter()
                .map(|due| new(&due.member.community_user_id))
                .collect(),
            page,
            leaving: Vec::new(),
            revision: store.revision().await.expect("a revision"),
            at: at(3),
        };
        store.write_matches(None, commit).await.expect("an answer");
    }
}

/// C-2 is below C-1.
async fn bring_companies(store: &dyn Store) {
    let change = RuleChange {
        by: "an admin".to_owned(),
        at: at(0),
        why: None,
        effect: None,
    };
    store
        .apply_rules(0, &RuleSet::shipped(), &change, None)
        .await
        .expect("rules");
    let companies = [company("C-1", None), company("C-2", Some("C-1"))];
    store
        .import_companies(
            &companies,
            ImportMode::Write,
            Deed::CompaniesImported,
            &operator(1),
        )
        .await
        .expect("an import");
}

/// Two members of C-1, of whom one has left on the fourth day, one of C-2 below it, and one of none.
async fn bring(store: &dyn Store) -> Started {
    let started = started(store, 1).await;
    bring_companies(store).await;
    let users = ["1", "2", "3", "4"].map(|id| {
        Record::User(Box::new(User {
            community_user_id: id.into(),
            username: format!("user {id}"),
            last_activity_at: Some(day(3)),
            ..User::default()
        }))
    });
    commit(store, &started, Stream::Users, users.into()).await;
    let topics = vec![
        topic("1", "1", Subtype::Question, day(2)),
        topic("2", "1", Subtype::Idea, day(3)),
        topic("3", "2", Subtype::Idea, day(3)),
        topic("4", "3", Subtype::Article, day(1)),
        topic("5", "4", Subtype::Article, day(3)),
    ];
    commit(store, &started, Stream::Topics, topics).await;
    commit(store, &started, Stream::Replies, vec![reply("1", "3", day(2))]).await;
    let views = vec![
        view("1", "1", day(3)),
        view("2", "1", day(3)),
        view("3", "3", day(4)),
    ];
    commit(store, &started, Stream::Activity, views).await;
    tie(store, started.connection, |id| match id {
        "1" | "2" => Some("C-1"),
        "3" => Some("C-2"),
        _ => None,
    })
    .await;
    let left = Left {
        because: LeftBecause::ByHand,
        reason: "gone".to_owned(),
        by: "an admin".to_owned(),
        at: day(3),
    };
    let kept = store
        .set_left(started.connection, "2", Some(&left), &operator(3))
        .await;
    assert!(kept.expect("an answer"));
    store
        .rebuild_due_trends(started.connection)
        .await
        .expect("trends");
    started
}

fn both() -> [String; 2] {
    ["C-1".to_owned(), "C-2".to_owned()]
}

pub async fn a_companys_figures_are_told_by_company_and_by_day(store: &dyn Store) {
    bring(store).await;
    let members = store.members_by_company(&both()).await.expect("members");
    let of = |company: &str, members| CompanyMembers {
        company_external_id: company.to_owned(),
        tenant_id: "tenant-1".to_owned(),
        activity_source: None,
        members,
    };
    assert_eq!(members, [of("C-1", 1), of("C-2", 1)]);
    let counts = store.counts_by_company(&both(), days()).await.expect("counts");
    let count = |company: &str, kind: &str, subtype: Option<&str>, count| CompanyCount {
        company_external_id: company.to_owned(),
        kind: kind.to_owned(),
        subtype: subtype.map(str::to_owned),
        count,
    };
    let expected = [
        count("C-1", "topic", Some("idea"), 1),
        count("C-1", "topic", Some("question"), 1),
        count("C-1", "view", None, 2),
        count("C-2", "reply", Some("question"), 1),
    ];
    assert_eq!(
        counts, expected,
        "without the days around, and what was written after leaving"
    );
    let by_day = store.counts_by_day(&both(), days()).await.expect("counts");
    let on = |number, kind: &str, count| DayCount {
        day: date(number),
        kind: kind.to_owned(),
        count,
    };
    let expected = [
        on(2, "reply", 1),
        on(2, "topic", 1),
        on(3, "topic", 1),
        on(3, "view", 2),
    ];
    assert_eq!(by_day, expected);
    let active = store.active_members(&both(), days()).await.expect("members");
    assert_eq!(active, [("C-1".to_owned(), 1), ("C-2".to_owned(), 1)]);
    let one = [both()[0].clone()];
    assert_eq!(store.counts_by_day(&one, days()).await.expect("counts").len(), 3);
}

pub async fn a_companys_topics_and_ideas_are_told_newest_first(store: &dyn Store) {
    bring(store).await;
    let topics = async |ideas_only, limit| {
        let topics = store.latest_topics(&both(), ideas_only, limit).await;
        topics
            .expect("topics")
            .into_iter()
            .map(|topic| topic.public_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(topics(false, 10).await, ["2", "1", "4"]);
    assert_eq!(topics(false, 2).await, ["2", "1"]);
    assert_eq!(topics(true, 10).await, ["2"]);
    let first = store
        .latest_topics(&both(), true, 1)
        .await
        .expect("topics")
        .remove(0);
    assert_eq!(
        (
            first.tenant_id.as_str(),
            first.title.as_deref(),
            first.author.as_deref()
        ),
        ("tenant-1", Some("Title \"2\""), Some("user 1"))
    );
    assert_eq!((first.posted_at, first.votes, first.replies), (day(3), 3, 0));
    let statuses = store.ideas_by_status(&both()).await.expect("statuses");
    assert_eq!(statuses, [(Some("New".to_owned()), 1)]);
}

/// What is of these companies, by a field of it.
async fn exported_of(
    store: &dyn Store,
    object: Object,
    companies: &[String],
    limit: u32,
    name: &str,
) -> Vec<String> {
    let query = ExportQuery {
        object,
        connection: None,
        run: None,
        companies: Some(OfCompanies {
            external_ids: companies.to_vec(),
            days: days(),
        }),
        limit,
    };
    let rows = read_whole(store, &query).await;
    rows.iter()
        .map(|row| row[name].as_str().expect("a text").to_owned())
        .collect()
}

pub async fn what_is_of_companies_is_exported_as_their_figures_count_it(store: &dyn Store) {
    bring(store).await;
    for limit in [1, 10] {
        let of = async |object, name| exported_of(store, object, &both(), limit, name).await;
        let users = of(Object::Users, "community_user_id").await;
        assert_eq!(users, ["1", "3"], "without those who have left");
        let content = of(Object::Content, "public_id").await;
        assert_eq!(content, ["1", "1", "2"], "without the days around");
        assert_eq!(of(Object::Activity, "event_id").await, ["1", "2"]);
        let trends = of(Object::Trends, "kind").await;
        assert_eq!(trends, ["reply", "topic", "topic", "view"]);
    }
}

pub async fn what_is_of_one_company_is_exported_without_the_others(store: &dyn Store) {
    bring(store).await;
    let one = &both()[..1];
    for limit in [1, 10] {
        let of = async |object, name| exported_of(store, object, one, limit, name).await;
        assert_eq!(of(Object::Users, "community_user_id").await, ["1"]);
        assert_eq!(of(Object::Content, "kind").await, ["topic", "topic"]);
        assert_eq!(of(Object::Activity, "user_id").await, ["1", "1"]);
        assert_eq!(of(Object::Trends, "kind").await.len(), 3);
    }
}

pub async fn nothing_is_exported_of_a_company_without_members(store: &dyn Store) {
    bring(store).await;
    for object in Object::ALL {
        let rows = exported_of(store, object, &["C-9".to_owned()], 10, "tenant_id").await;
        assert_eq!(rows, [] as [&str; 0], "{object}");
    }
}

pub async fn what_members_did_is_told_of_each(store: &dyn Store) {
    bring(store).await;
    let asked = ["3", "1", "9"].map(|id| ("tenant-1".to_owned(), id.to_owned()));
    let told = store.engagement_of(&asked, days()).await.expect("an answer");
    let figures: Vec<_> = told
        .iter()
        .map(|of| {
            (
                of.community_user_id.as_str(),
                of.posts,
                of.replies,
                of.ideas,
                of.views,
            )
        })
        .collect();
    assert_eq!(figures, [("1", 1, 0, 1, 2), ("3", 0, 1, 0, 0)]);
    assert_eq!(told[0].last_active_at, Some(day(3)));
}

pub async fn a_company_is_met_with_all_below_it_once(store: &dyn Store) {
    let companies = [
        company("a", Some("c")),
        company("b", Some("a")),
        company("c", Some("b")),
        company("d", Some("c")),
        company("e", None),
    ];
    store
        .import_companies(
            &companies,
            ImportMode::Write,
            Deed::CompaniesImported,
            &operator(1),
        )
        .await
        .expect("an import");
    let below = async |id, limit| {
        let all = store.company_with_all_below(id, limit).await.expect("companies");
        all.into_iter()
            .map(|company| company.external_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(below("d", 10).await, ["d"]);
    assert_eq!(
        below("b", 10).await,
        ["a", "b", "c", "d"],
        "though parents go round"
    );
    assert_eq!(below("b", 2).await, ["a", "b"]);
    assert_eq!(below("none", 10).await, [] as [&str; 0]);
}
