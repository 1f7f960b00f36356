//! A tenant as a client meets it: every request goes through the router.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::Value;
use simulator::{InvalidReason, Simulator, SpecError, TenantSpec, TrueRecord, TrueTopic, Truth};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt;

/// A Wednesday in May 2026.
const NOW: i64 = 1_779_883_200;
const DAY: u64 = 86_400;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn simulator(specs: &[&str]) -> Simulator {
    let specs = specs.iter().map(|spec| spec.parse().unwrap()).collect();
    Simulator::new(42, specs, || at(NOW)).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A client that sends what the vendor's clients send.
struct Client {
    router: Router,
    token: String,
}

struct Reply {
    status: u16,
    headers: axum::http::HeaderMap,
    bytes: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
}

fn send(router: &Router, request: Request<Body>) -> Reply {
    block_on(async {
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            bytes,
        }
    })
}

fn ask_for_token(router: &Router, form: &str) -> Reply {
    let request = Request::post("/oauth2/token")
        .header(header::ACCEPT, "*/*")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(router, request.body(Body::from(form.to_owned())).unwrap())
}

impl Client {
    fn of(simulator: &Simulator, tenant: &str) -> Self {
        Self::with_scope(simulator, tenant, "&scope=read")
    }

    fn with_scope(simulator: &Simulator, tenant: &str, scope: &str) -> Self {
        let router = simulator.router();
        let form =
            format!("grant_type=client_credentials&client_id={tenant}&client_secret=simulated-secret{scope}");
        let answer = ask_for_token(&router, &form);
        assert_eq!(answer.status, 200);
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        Self { router, token }
    }

    fn raw(&self, path: &str) -> Reply {
        let request = Request::get(path)
            .header(header::ACCEPT, "*/*")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        send(&self.router, request.body(Body::empty()).unwrap())
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.raw(path);
        assert_eq!(
            reply.status,
            200,
            "{path}: {}",
            String::from_utf8_lossy(&reply.bytes)
        );
        reply.json()
    }

    /// All pages of a listing whose records stand in `key`.
    fn pages(&self, path: &str, key: &str, size: usize) -> Vec<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1.. {
            let answer = self.get(&format!("{path}{mark}pageSize={size}&page={page}"));
            let records = answer[key].as_array().unwrap();
            all.extend(records.iter().cloned());
            if records.len() < size {
                break;
            }
        }
        all
    }

    fn topics(&self, query: &str) -> Vec<Value> {
        self.pages(&format!("/v2/topics?{query}"), "result", 100)
    }
}

fn text<'v>(record: &'v Value, key: &str) -> Option<&'v str> {
    record[key].as_str()
}

fn id(record: &Value, key: &str) -> u64 {
    record[key]
        .as_u64()
        .or_else(|| record[key].as_str()?.parse().ok())
        .unwrap()
}

fn public_ids(records: &[Value]) -> BTreeSet<u64> {
    records.iter().map(|record| id(record, "publicId")).collect()
}

fn unix(record: &Value, key: &str) -> Option<u64> {
    let time = DateTime::parse_from_rfc3339(text(record, key)?).ok()?;
    u64::try_from(time.timestamp()).ok()
}

fn day(seconds: u64) -> String {
    at(i64::try_from(seconds).unwrap()).format("%Y-%m-%d").to_string()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn true_topics(simulator: &Simulator, tenant: &str) -> Vec<TrueTopic> {
    simulator.true_topics(tenant).unwrap().collect()
}

/// The reason for which a careful reader sets a topic of the common list aside.
fn topic_fault(record: &Value) -> Option<InvalidReason> {
    let known = ["article", "conversation", "question", "idea", "productUpdate"];
    if record.get("id").is_none() || record.get("publicId").is_none() {
        Some(InvalidReason::MissingId)
    } else if unix(record, "createdAt").is_none() {
        Some(InvalidReason::BadTime)
    } else if !known.contains(&text(record, "contentType")?) {
        Some(InvalidReason::UnknownContentType)
    } else {
        None
    }
}

fn time_fault(record: &Value, id: &str, has_time: bool) -> Option<InvalidReason> {
    match (record.get(id), has_time) {
        (None, _) => Some(InvalidReason::MissingId),
        (_, false) => Some(InvalidReason::BadTime),
        _ => None,
    }
}

#[test]
fn tenants_are_refused_when_named_twice_or_badly() {
    let make = |names: [&str; 2]| Simulator::new(1, names.map(TenantSpec::named).to_vec(), || at(NOW)).err();
    assert_eq!(make(["a", "b"]), None);
    assert_eq!(make(["a", "a"]), Some(SpecError::Duplicate("a".into())));
    assert_eq!(make(["a", "b/c"]), Some(SpecError::Name("b/c".into())));
}

#[test]
fn a_token_is_given_to_the_right_secret_only() {
    let router = simulator(&["acme-en"]).router();
    let form = |id: &str, secret: &str| {
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=read%20write")
    };
    let given = ask_for_token(&router, &form("acme-en%2Fsync", "simulated-secret"));
    assert_eq!(given.status, 200);
    let given = given.json();
    assert_eq!(
        (given["expires_in"].as_u64(), text(&given, "token_type")),
        (Some(7_200), Some("Bearer"))
    );
    assert_eq!(text(&given, "scope"), Some("read write"));
    for refused in [
        form("acme-en", "wrong"),
        form("acme-fr", "simulated-secret"),
        form("", "simulated-secret"),
    ] {
        let answer = ask_for_token(&router, &refused);
        assert_eq!(
            (answer.status, text(&answer.json(), "error")),
            (401, Some("invalid_client")),
            "{refused}"
        );
    }
    assert_eq!(
        ask_for_token(&router, "grant_type=client_credentials").status,
        401
    );
    assert_eq!(
        ask_for_token(&router, "grant_type=password&client_id=acme-en").status,
        400
    );
}

#[test]
fn a_client_may_authenticate_by_http_basic() {
    // acme-en:simulated-secret, and a colon in the wrong place.
    for (credentials, status) in [("YWNtZS1lbjpzaW11bGF0ZWQtc2VjcmV0", 200), ("YWNtZS1lbg==", 401)] {
        let request = Request::post("/oauth2/token")
            .header(header::ACCEPT, "*/*")
            .header(header::AUTHORIZATION, format!("Basic {credentials}"))
            .body(Body::from("grant_type=client_credentials&scope=read"));
        assert_eq!(
            send(&simulator(&["acme-en"]).router(), request.unwrap()).status,
            status
        );
    }
}

#[test]
fn a_token_without_scope_reads_users_but_no_content() {
    let simulator = simulator(&["acme-en"]);
    for (scope, content) in [("", 401), ("&scope=write", 401), ("&scope=read", 200)] {
        let client = Client::with_scope(&simulator, "acme-en", scope);
        assert_eq!(client.raw("/v2/topics").status, content, "{scope}");
        assert_eq!(client.raw("/user").status, 200, "{scope}");
    }
}

#[test]
fn a_token_dies_by_the_clock_and_is_not_guessed() {
    let clock = Arc::new(AtomicI64::new(NOW));
    let hands = Arc::clone(&clock);
    let simulator = Simulator::new(1, vec![TenantSpec::named("a")], move || {
        at(hands.load(Ordering::Relaxed))
    })
    .unwrap();
    let mut client = Client::of(&simulator, "a");
    clock.fetch_add(7_199, Ordering::Relaxed);
    assert_eq!(client.raw("/v2/topics").status, 200);
    clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(client.raw("/v2/topics").status, 401);
    for guess in ["", "x", &"0".repeat(64)] {
        client.token = guess.to_owned();
        assert_eq!(client.raw("/user").status, 401);
    }
}

#[test]
fn the_client_id_selects_the_tenant() {
    let simulator = simulator(&["a-en:users=3", "b-de:users=5"]);
    for (tenant, count) in [("a-en", 3), ("b-de%2Fother", 5)] {
        let users = Client::of(&simulator, tenant).get("/user?_returnIterable=true");
        assert_eq!(users["statistics"]["count"], count);
    }
}

#[test]
fn user_paths_want_an_accept_header_and_live_at_two_places() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let bare = |path: &str| {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", client.token));
        send(&client.router, request.body(Body::empty()).unwrap()).status
    };
    assert_eq!(
        (bare("/user"), bare("/api1/user"), bare("/v2/topics")),
        (500, 500, 200)
    );
    assert_eq!(client.get("/user?page=2"), client.get("/api1/user?page=2"));
}

#[test]
fn the_numbered_form_of_the_members_holds_the_same_as_the_list() {
    let client = Client::of(&simulator(&["acme-en:users=30"]), "acme-en");
    let list = client.get("/user?_returnIterable=true&pageSize=20&page=2");
    let numbered = client.get("/user?pageSize=20&page=2");
    let users = list["users"].as_array().unwrap();
    assert_eq!((users.len(), numbered.as_object().unwrap().len()), (10, 11));
    for (position, user) in users.iter().enumerate() {
        assert_eq!(&numbered[position.to_string()], user);
    }
    let beyond = client.get("/user?page=9");
    assert_eq!(beyond, serde_json::json!({ "statistics": { "count": 30 } }));
}

#[test]
fn every_member_is_served_as_the_truth_says() {
    let simulator = simulator(&["acme-fr:users=700,broken=80"]);
    let client = Client::of(&simulator, "acme-fr");
    let mut served = client.pages("/user?_returnIterable=true", "users", 100);
    served.reverse();
    let truth: Vec<_> = simulator.true_users("acme-fr").unwrap().collect();
    assert_eq!(served.len(), truth.len());
    for (user, known) in served.iter().zip(&truth) {
        assert_eq!(
            time_fault(user, "userid", user["joindate"].is_u64()),
            known.invalid
        );
        assert_eq!(text(user, "username"), Some(known.username.as_str()));
        assert_eq!(text(user, "email"), known.email.as_deref());
        assert_eq!(user["lastactivity"], known.last_activity_at);
        assert!(known.joined_at <= known.last_activity_at && known.last_activity_at < NOW.unsigned_abs());
        let field = |name: &str| {
            let fields = user["_related"]["userprofilefields"].as_array().unwrap();
            let field = fields.iter().find(|field| field["profilefield_name"] == name);
            field.map(|field| field["value"].as_str().unwrap().to_owned())
        };
        assert_eq!(field("Entreprise"), known.company);
        assert_eq!(field("Prénom").as_deref(), Some(known.first_name));
        let roles = user["_related"]["roles"].as_array().unwrap();
        let roles: Vec<_> = roles
            .iter()
            .map(|role| role["itemname"].as_str().unwrap())
            .collect();
        assert_eq!(roles, known.roles);
        if known.invalid.is_none() {
            assert_eq!(
                (id(user, "userid"), user["joindate"].as_u64()),
                (known.id, Some(known.joined_at))
            );
        }
    }
    let times: Vec<u64> = truth.iter().map(|user| user.joined_at).collect();
    assert!(times.is_sorted());
    assert_eq!(truth.iter().filter(|user| user.invalid.is_some()).count(), 20);
}

#[test]
fn a_member_is_found_by_id_name_and_address() {
    let simulator = simulator(&["acme-de:users=300"]);
    let client = Client::of(&simulator, "acme-de");
    for known in simulator.true_users("acme-de").unwrap() {
        assert_eq!(
            id(&client.get(&format!("/user/{}", known.id)), "userid"),
            known.id
        );
        let same = |path: &str| id(&client.get(path)["result"], "userid") == known.id;
        assert!(same(&format!("/user/userid/{}", known.id)));
        assert!(same(&format!("/user/username/{}", encoded(&known.username))));
        let address = known
            .email
            .filter(|email| email.contains('@') && !email.contains([' ', '<']));
        assert!(
            address.is_none_or(|email| same(&format!("/api1/user/email/{}", encoded(&email.to_lowercase()))))
        );
    }
    for absent in [
        "/user/0",
        "/user/99999",
        "/user/x",
        "/user/username/nobody7",
        "/user/facebook_sso_id/1",
    ] {
        assert_eq!(client.raw(absent).status, 404, "{absent}");
    }
}

#[test]
fn members_are_filtered_as_a_scan_would() {
    let simulator = simulator(&["acme-es:users=900"]);
    let client = Client::of(&simulator, "acme-es");
    let truth: Vec<_> = simulator.true_users("acme-es").unwrap().collect();
    let check = |query: &str, holds: &dyn Fn(&simulator::TrueUser) -> bool| {
        let served = client.pages(&format!("/user?_returnIterable=true&{query}"), "users", 50);
        let served: Vec<u64> = served.iter().map(|user| id(user, "userid")).collect();
        let wanted: Vec<u64> = truth
            .iter()
            .rev()
            .filter(|user| holds(user))
            .map(|user| user.id)
            .collect();
        assert!(
            !wanted.is_empty() && wanted.len() < truth.len(),
            "{query} tells nothing"
        );
        assert_eq!(served, wanted, "{query}");
    };
    let (from, to) = (truth[200].joined_at, truth[400].joined_at);
    let in_days = |time: u64| (from / DAY..=to / DAY).contains(&(time / DAY));
    check(
        &format!(
            "filter[joindate][from]={}&filter[joindate][to]={}",
            day(from),
            day(to)
        ),
        &|user| in_days(user.joined_at),
    );
    check(
        &format!("filter%5Blastactivity%5D%5Bfrom%5D={}", day(from)),
        &|user| user.last_activity_at / DAY >= from / DAY,
    );
    check(
        "filter[roles.rolename][]=roles.moderator&filter[roles.rolename][]=Partner",
        &|user| {
            user.roles
                .iter()
                .any(|role| ["roles.moderator", "Partner"].contains(role))
        },
    );
    let (first, second) = (truth[3].id, truth[8].id);
    check(
        &format!("filter[userid][]={first}&filter[userid][]={second}"),
        &|user| [first, second].contains(&user.id),
    );
}

#[test]
fn every_topic_is_served_as_the_truth_says() {
    let simulator = simulator(&["acme-en:topics=600,broken=90"]);
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
fn every_reply_is_served_as_the_truth_says() {
    let simulator = simulator(&["acme-en:topics=150,broken=60"]);
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
    let liked = sorted("mostLiked");
    assert!(liked.is_sorted_by_key(likes) && likes(&liked[0]) < likes(&liked[liked.len() - 1]));
    oldest.reverse();
    assert_eq!(sorted("mostRecentFirst"), oldest);
    assert_eq!(client.raw(&format!("{path}?sort=x")).status, 422);
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

#[test]
fn categories_come_as_a_list_as_a_tree_and_with_counts() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let truth: Vec<_> = simulator.true_categories("acme-en").unwrap().collect();
    let list = client.pages("/v2/categories", "result", 10);
    let listed: Vec<_> = list
        .iter()
        .map(|category| (id(category, "id"), text(category, "name").unwrap()))
        .collect();
    let known: Vec<_> = truth
        .iter()
        .map(|category| (category.id, category.name))
        .collect();
    assert_eq!(listed, known);
    let tree = client
        .get("/v2/category/getTree?module[]=community&module[]=knowledge-base&module[]=groups&authorId=1");
    let mut nodes = Vec::new();
    let mut stack: Vec<&Value> = tree["result"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|top| top.as_array().unwrap())
        .collect();
    while let Some(node) = stack.pop() {
        nodes.push((id(node, "id"), node["parentId"].as_u64()));
        stack.extend(node["children"].as_array().unwrap());
    }
    let parents: BTreeSet<_> = truth
        .iter()
        .map(|category| (category.id, category.parent_id))
        .collect();
    assert_eq!(
        (nodes.len(), nodes.into_iter().collect::<BTreeSet<_>>()),
        (truth.len(), parents)
    );
    let counts = client.get("/v2/categories/getVisibleTopicsCount");
    for category in &truth {
        assert_eq!(
            counts["result"][category.id.to_string()],
            category.visible_topics.to_string()
        );
        assert_eq!(
            client.get(&format!("/v2/categories/{}", category.id))["name"],
            category.name
        );
        let topics = client.pages(&format!("/v2/categories/{}/topics", category.id), "result", 100);
        let visible = topics.iter().filter(|topic| topic["trashed"] == false).count();
        assert_eq!(visible as u64, category.visible_topics);
    }
    assert_eq!(
        client
            .pages("/v2/categories?excludeGroups=true", "result", 50)
            .len(),
        truth.len() - 1
    );
    assert_eq!(client.raw("/v2/categories/1/topics").status, 404);
}

#[test]
fn idea_statuses_are_listed_newest_first() {
    let simulator = simulator(&["acme-de"]);
    let mut served = Client::of(&simulator, "acme-de").pages("/v2/ideas/ideaStatuses", "result", 3);
    served.reverse();
    let truth: Vec<_> = simulator.true_idea_statuses("acme-de").unwrap().collect();
    assert_eq!(served.len(), truth.len());
    for (status, known) in served.iter().zip(truth) {
        assert_eq!(
            (id(status, "id"), text(status, "name")),
            (known.id, Some(known.name))
        );
        assert_eq!(
            (text(status, "type"), status["default"].as_bool()),
            (Some(known.kind), Some(known.is_default))
        );
    }
}

#[test]
fn every_event_is_served_as_the_truth_says() {
    let simulator = simulator(&["acme-en:views=430,broken=50"]);
    let client = Client::of(&simulator, "acme-en");
    let mut served = Vec::new();
    for page in 1..=5 {
        let answer = client.get(&format!("/user/activity?pageSize=100&page={page}"));
        assert_eq!(answer["statistics"]["count"], 430);
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

fn own_path(router: &Router, method: &str, path: &str, peer: Option<&str>) -> Reply {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    if let Some(peer) = peer {
        request
            .extensions_mut()
            .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    }
    send(router, request)
}

#[test]
fn the_truth_is_told_to_this_machine_only() {
    let simulator = simulator(&["acme-en:broken=40"]);
    let router = simulator.router();
    for (peer, status) in [
        (Some("127.0.0.1:1"), 200),
        (Some("[::1]:1"), 200),
        (Some("[::ffff:127.0.0.1]:1"), 200),
        (Some("192.0.2.1:1"), 403),
        (None, 403),
    ] {
        assert_eq!(
            own_path(&router, "GET", "/__truth/acme-en", peer).status,
            status,
            "{peer:?}"
        );
    }
    let told = own_path(&router, "GET", "/__truth/acme-en", Some("127.0.0.1:1"));
    let told: Truth = serde_json::from_slice(&told.bytes).unwrap();
    assert_eq!(Some(&told), simulator.truth("acme-en").as_ref());
    assert_eq!(
        own_path(&router, "GET", "/__truth/none", Some("127.0.0.1:1")).status,
        404
    );
    assert_eq!(
        own_path(&router, "POST", "/__advance/acme-en?days=1", Some("127.0.0.1:1")).status,
        404
    );
}

#[test]
fn faults_are_switched_by_request() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let switch = |profile: &str| {
        let path = format!("/__faults/acme-en?profile={profile}");
        own_path(&client.router, "POST", &path, Some("127.0.0.1:1")).status
    };
    assert_eq!((switch("fire"), switch("throttle:every=1")), (422, 200));
    let throttled = client.raw("/v2/topics");
    assert_eq!(
        (
            throttled.status,
            throttled.headers[header::RETRY_AFTER].as_bytes()
        ),
        (429, &b"1"[..])
    );
    assert_eq!(switch("throttle-bare:every=1"), 200);
    let throttled = client.raw("/user");
    assert_eq!(
        (throttled.status, throttled.headers.get(header::RETRY_AFTER)),
        (429, None)
    );
    assert_eq!(switch("unavailable"), 200);
    assert_eq!(
        client.raw("/user").status,
        StatusCode::SERVICE_UNAVAILABLE.as_u16()
    );
    assert_eq!(switch("html:every=1"), 200);
    let page = client.raw("/user");
    assert_eq!(
        (page.status, page.headers[header::CONTENT_TYPE].to_str().unwrap()),
        (200, "text/html; charset=utf-8")
    );
    assert_eq!(switch("none"), 200);
    assert_eq!(client.raw("/user").status, 200);
}

#[test]
fn a_truncated_answer_is_cut_in_the_middle() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let whole = client.raw("/v2/topics");
    simulator.set_faults_everywhere("truncated:every=1".parse().unwrap());
    let cut = client.raw("/v2/topics");
    assert_eq!(
        (cut.status, cut.bytes.as_slice()),
        (200, &whole.bytes[..whole.bytes.len() / 2])
    );
    assert!(serde_json::from_slice::<Value>(&cut.bytes).is_err());
}

#[test]
fn short_tokens_die_after_a_few_requests_and_are_renewed() {
    let simulator = simulator(&["acme-en"]);
    assert!(simulator.set_faults("acme-en", "expired-token".parse().unwrap()));
    assert!(!simulator.set_faults("none", "none".parse().unwrap()));
    for _ in 0..2 {
        let client = Client::of(&simulator, "acme-en");
        let statuses: Vec<u16> = (0..7).map(|_| client.raw("/v2/topics").status).collect();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 401, 401]);
    }
}

#[test]
fn a_real_socket_is_served_until_shutdown() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    block_on(async {
        let simulator = simulator(&["acme-en"]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let shutdown = async { stopped.await.unwrap_or_default() };
            simulator.serve(listener, shutdown).await
        });
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = b"GET /__truth/acme-en HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        socket.write_all(request).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""tenant_id":"acme-en""#),
            "{answer}"
        );
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    });
}

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
