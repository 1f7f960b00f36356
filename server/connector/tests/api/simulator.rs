//! Every record of simulated tenants, read and compared with what the provider knows.

use std::{collections::BTreeMap, sync::Arc};

use crate::support::TestClock;
use ::simulator::{Counts, Simulator, TrueReply, TrueTopic, TrueUser};
use connector::CommunityApi;
use domain::{
    CauseCode, Stream,
    record::{ContentKind, InvalidReason, InvalidRecord, Record, Subtype, User},
};
use futures_util::future::join_all;
use store::TopicRef;
use sync::{Clock, Fetched, PageRequest, Served, Source};

const SEED: u64 = 7;

struct Tenant {
    name: &'static str,
    simulator: Simulator,
    api: CommunityApi,
}

impl Tenant {
    /// The language and the forms of ids follow from the name.
    async fn start(name: &'static str) -> Self {
        let clock: Arc<TestClock> = crate::support::clock();
        let spec = format!("{name}:users=330,topics=240,views=450,broken=20")
            .parse()
            .unwrap();
        let now = Arc::clone(&clock);
        let simulator = Simulator::new(SEED, vec![spec], move || now.now()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let serving = simulator.clone();
        crate::support::spawn(async move { serving.serve(listener, std::future::pending()).await.unwrap() });
        let api = crate::support::api_of(&base_url, &clock, name, "simulated-secret");
        Self { name, simulator, api }
    }

    fn strike(&self, profile: &str) {
        assert!(self.simulator.set_faults(self.name, profile.parse().unwrap()));
    }

    /// All pages of a listing, with what each served.
    async fn read(&self, first: PageRequest) -> Read {
        let mut read = Read::default();
        let mut request = first;
        loop {
            let Fetched::Page(page) = self.api.fetch(&request).await.unwrap() else {
                panic!("{request:?}")
            };
            for served in page.records {
                match served {
                    Served::Valid(record) => {
                        assert!(read.valid.insert(record.key().to_owned(), record).is_none());
                    }
                    Served::Invalid(record) => read.invalid.push(record),
                }
            }
            if page.last {
                return read;
            }
            request = request.at_page(request.page() + 1);
        }
    }

    async fn replies(&self, topics: &Read) -> Read {
        let mut all = Read::default();
        for topic in topics.valid.values() {
            let Record::Content(topic) = topic else {
                panic!("{topic:?}")
            };
            let of = TopicRef {
                public_id: topic.public_id.clone(),
                private_id: topic.private_id.clone(),
                subtype: topic.subtype,
                reply_count: 0,
            };
            let read = self.read(PageRequest::Replies { topic: of, page: 1 }).await;
            assert_eq!(
                i64::try_from(read.valid.len() + read.invalid.len()),
                Ok(topic.reply_count)
            );
            all.valid.extend(read.valid);
            all.invalid.extend(read.invalid);
        }
        all
    }
}

#[derive(Debug, Default)]
struct Read {
    valid: BTreeMap<String, Record>,
    invalid: Vec<InvalidRecord>,
}

impl Read {
    fn take(&mut self, key: &str) -> Record {
        self.valid
            .remove(key)
            .unwrap_or_else(|| panic!("{key} was not read"))
    }

    /// All that was served was expected, and no more is left.
    fn finish(&self, stream: Stream, counts: Counts, reasons: &mut [&str]) {
        assert!(self.valid.is_empty(), "{stream}: {:?}", self.valid.keys());
        assert_eq!(self.invalid.len() as u64, counts.invalid, "{stream}");
        let mut found: Vec<&str> = self.invalid.iter().map(|record| code(record.reason)).collect();
        found.sort_unstable();
        reasons.sort_unstable();
        assert_eq!(found, reasons, "{stream}");
        for record in &self.invalid {
            assert_eq!(record.stream, stream);
            assert!(!record.name.is_empty() && !record.message.is_empty());
            assert!(
                serde_json::from_str::<serde_json::Value>(&record.payload)
                    .unwrap()
                    .is_object()
            );
            for private in ["ipaddress", "pmtotal", "pmunread", "192.0.2."] {
                assert!(!record.payload.contains(private), "{}", record.payload);
            }
        }
    }
}

/// The reason in the simulator's words.
fn code(reason: InvalidReason) -> &'static str {
    match reason {
        InvalidReason::UnreadableTime => "bad_time",
        other => other.as_str(),
    }
}

fn seconds(time: chrono::DateTime<chrono::Utc>) -> u64 {
    time.timestamp().try_into().unwrap()
}

fn text(id: Option<u64>) -> Option<String> {
    id.map(|id| id.to_string())
}

fn same_user(user: &User, truth: &TrueUser) {
    assert_eq!(user.username, truth.username);
    assert_eq!(user.email, truth.email.clone().filter(|email| !email.is_empty()));
    assert_eq!(user.company_custom, truth.company);
    assert_eq!(user.first_name.as_deref(), Some(truth.first_name));
    assert_eq!(user.last_name.as_deref(), Some(truth.last_name));
    assert_eq!(seconds(user.joined_at), truth.joined_at);
    assert_eq!(user.last_activity_at.map(seconds), Some(truth.last_activity_at));
    assert_eq!(user.roles, truth.roles);
}

fn same_topic(record: &Record, truth: &TrueTopic) {
    let Record::Content(topic) = record else {
        panic!("{record:?}")
    };
    assert_eq!(
        (topic.kind, topic.private_id.as_str()),
        (ContentKind::Topic, truth.private_id.to_string().as_str())
    );
    assert_eq!(
        Some(topic.subtype),
        Subtype::from_content_type(truth.content_type)
    );
    assert_eq!(topic.subtype.path_segment(), truth.path);
    assert_eq!(topic.title.as_deref(), Some(truth.title.as_str()));
    assert_eq!(topic.category_id, text(Some(truth.category_id)));
    assert_eq!(topic.author_user_id, text(truth.author_id));
    assert_eq!(
        (seconds(topic.posted_at), topic.last_activity_at.map(seconds)),
        (truth.created_at, Some(truth.last_activity_at))
    );
    let counts = [truth.reply_count, truth.likes, truth.votes].map(|count| i64::try_from(count).unwrap());
    assert_eq!([topic.reply_count, topic.likes, topic.votes], counts);
    assert_eq!(
        (topic.idea_status.as_deref(), topic.trashed),
        (truth.idea_status, truth.trashed)
    );
}

fn same_reply(record: &Record, truth: &TrueReply) {
    let Record::Content(reply) = record else {
        panic!("{record:?}")
    };
    assert_eq!(
        (reply.kind, reply.private_id.as_str()),
        (ContentKind::Reply, truth.private_id.to_string().as_str())
    );
    assert_eq!(reply.topic_public_id, text(Some(truth.topic_public_id)));
    assert_eq!(reply.author_user_id, text(truth.author_id));
    assert_eq!(
        (seconds(reply.posted_at), reply.likes),
        (truth.replied_at, i64::try_from(truth.likes).unwrap())
    );
}

async fn compare_structure(tenant: &Tenant) {
    let counts = tenant.simulator.truth(tenant.name).unwrap().streams;
    let mut statuses = tenant.read(PageRequest::IdeaStatuses).await;
    for truth in tenant.simulator.true_idea_statuses(tenant.name).unwrap() {
        let Record::IdeaStatus(status) = statuses.take(&truth.id.to_string()) else {
            panic!()
        };
        assert_eq!(
            (status.name.as_str(), status.status_type.as_str()),
            (truth.name, truth.kind)
        );
        assert_eq!(
            (status.is_default, status.display_order),
            (truth.is_default, i64::try_from(truth.display_order).unwrap())
        );
    }
    statuses.finish(Stream::IdeaStatuses, counts.idea_statuses, &mut []);
    let mut categories = tenant.read(PageRequest::Categories).await;
    for truth in tenant.simulator.true_categories(tenant.name).unwrap() {
        let Record::Category(category) = categories.take(&truth.id.to_string()) else {
            panic!()
        };
        assert_eq!(
            (category.name.as_str(), category.display_order),
            (truth.name, i64::try_from(truth.order).unwrap())
        );
    }
    categories.finish(Stream::Categories, counts.categories, &mut []);
}

async fn compare_users(tenant: &Tenant) {
    let counts = tenant.simulator.truth(tenant.name).unwrap().streams.users;
    let mut users = tenant.read(PageRequest::users(1)).await;
    let mut reasons = Vec::new();
    for truth in tenant.simulator.true_users(tenant.name).unwrap() {
        match truth.invalid {
            Some(reason) => reasons.push(reason.code()),
            None => match users.take(&truth.id.to_string()) {
                Record::User(user) => same_user(&user, &truth),
                other => panic!("{other:?}"),
            },
        }
    }
    users.finish(Stream::Users, counts, &mut reasons);
}

async fn compare_content(tenant: &Tenant) {
    let counts = tenant.simulator.truth(tenant.name).unwrap().streams;
    let mut topics = tenant.read(PageRequest::topics(1)).await;
    let mut replies = tenant.replies(&topics).await;
    let mut reasons = Vec::new();
    for truth in tenant.simulator.true_topics(tenant.name).unwrap() {
        match truth.invalid {
            Some(reason) => reasons.push(reason.code()),
            None => same_topic(&topics.take(&truth.public_id.to_string()), &truth),
        }
    }
    topics.finish(Stream::Topics, counts.topics, &mut reasons);
    reasons.clear();
    for truth in tenant.simulator.true_replies(tenant.name).unwrap() {
        match truth.invalid {
            Some(reason) => reasons.push(reason.code()),
            None => same_reply(&replies.take(&truth.public_id.to_string()), &truth),
        }
    }
    replies.finish(Stream::Replies, counts.replies, &mut reasons);
}

async fn compare_activity(tenant: &Tenant) {
    let counts = tenant.simulator.truth(tenant.name).unwrap().streams.activity;
    let mut events = tenant.read(PageRequest::Activity { page: 1 }).await;
    let mut reasons = Vec::new();
    for truth in tenant.simulator.true_activity(tenant.name).unwrap() {
        if let Some(reason) = truth.invalid {
            reasons.push(reason.code());
            continue;
        }
        let Record::Activity(event) = events.take(&truth.id) else {
            panic!()
        };
        assert_eq!(event.activity_type, "view");
        assert_eq!(event.user_id, text(truth.user_id));
        assert_eq!(event.content_public_id, text(truth.topic_public_id));
        assert_eq!(seconds(event.occurred_at), truth.occurred_at);
    }
    events.finish(Stream::Activity, counts, &mut reasons);
}

#[tokio::test]
async fn every_record_of_a_tenant_is_read_as_the_provider_knows_it() {
    // Four languages, and with them ids as numbers and as texts.
    for name in ["acme-en", "acme-de", "acme-fr", "acme-es"] {
        let tenant = Tenant::start(name).await;
        compare_structure(&tenant).await;
        compare_users(&tenant).await;
        compare_content(&tenant).await;
        compare_activity(&tenant).await;
    }
}

#[tokio::test]
async fn the_probe_finds_what_a_tenant_offers() {
    let tenant = Tenant::start("acme-en").await;
    let probe = tenant.api.probe().await.unwrap();
    assert_eq!(
        (
            probe.user_path.as_str(),
            probe.users,
            probe.profile_fields,
            probe.activity
        ),
        ("/user", Some(330), Some(true), true)
    );
}

#[tokio::test]
async fn each_fault_has_its_class() {
    let tenant = Tenant::start("acme-en").await;
    for (profile, code, waits) in [
        ("throttle:every=1", CauseCode::Throttled, true),
        ("throttle-bare:every=1", CauseCode::Throttled, false),
        ("unavailable:every=1", CauseCode::ProviderUnavailable, false),
        ("truncated:every=1", CauseCode::AnswerMalformed, false),
        ("html:every=1", CauseCode::AnswerMalformed, false),
    ] {
        tenant.strike(profile);
        for request in [
            PageRequest::users(1),
            PageRequest::topics(1),
            PageRequest::IdeaStatuses,
        ] {
            let failure = tenant.api.fetch(&request).await.unwrap_err();
            assert_eq!(
                (failure.code, failure.retry_after.is_some()),
                (code, waits),
                "{profile}: {failure}"
            );
        }
    }
    tenant.strike("none");
    compare_users(&tenant).await;
}

#[tokio::test]
async fn tokens_that_die_early_cost_requests_and_no_record() {
    let tenant = Tenant::start("acme-en").await;
    tenant.strike("expired-token");
    compare_users(&tenant).await;
    // Eight pages ahead share each token, which serves five requests.
    let ahead: Vec<PageRequest> = (0..8).map(|ahead| PageRequest::topics(ahead % 3 + 1)).collect();
    let pages = join_all(ahead.iter().map(|request| tenant.api.fetch(request))).await;
    for page in pages {
        assert!(matches!(page, Ok(Fetched::Page(_))), "{page:?}");
    }
}
