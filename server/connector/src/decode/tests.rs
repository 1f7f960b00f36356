use std::fmt::Write as _;

use domain::record::{Activity, Category, Content, ContentKind, IdeaStatus, Subtype, User};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::TopicRef;

use super::*;

fn decode(request: &PageRequest, body: &[u8]) -> Result<Page, Malformed> {
    super::decode(request, &ProfileMapping::default(), body)
}

const USERS_1: PageRequest = PageRequest::users(1);
const TOPICS_1: PageRequest = PageRequest::topics(1);
const ACTIVITY_1: PageRequest = PageRequest::Activity { page: 1 };

fn replies() -> PageRequest {
    let topic = TopicRef {
        public_id: "900".into(),
        private_id: "41".into(),
        subtype: Subtype::Question,
        reply_count: 0,
    };
    PageRequest::Replies { topic, page: 1 }
}

fn requests() -> [PageRequest; 6] {
    [
        PageRequest::IdeaStatuses,
        PageRequest::Categories,
        USERS_1,
        TOPICS_1,
        replies(),
        ACTIVITY_1,
    ]
}

/// The records of a page that holds these values, whichever listing it is.
fn served_text(request: &PageRequest, records: &str) -> Vec<Served> {
    let key = if matches!(request, PageRequest::Users { .. }) {
        "users"
    } else {
        "result"
    };
    decode(request, format!("{{\"{key}\":[{records}]}}").as_bytes())
        .unwrap()
        .records
}

fn served(request: &PageRequest, record: &Value) -> Served {
    served_text(request, &record.to_string()).remove(0)
}

fn valid(request: &PageRequest, record: &Value) -> Record {
    match served(request, record) {
        Served::Valid(record) => record,
        Served::Invalid(invalid) => panic!("{invalid:?}"),
    }
}

fn invalid(request: &PageRequest, record: &Value) -> InvalidRecord {
    match served(request, record) {
        Served::Invalid(invalid) => invalid,
        Served::Valid(valid) => panic!("{valid:?}"),
    }
}

fn user(record: &Value) -> User {
    match valid(&USERS_1, record) {
        Record::User(user) => *user,
        other => panic!("{other:?}"),
    }
}

fn content(request: &PageRequest, record: &Value) -> Content {
    match valid(request, record) {
        Record::Content(content) => *content,
        other => panic!("{other:?}"),
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// The value with these members set.
fn with(base: &Value, members: &Value) -> Value {
    let mut value = base.clone();
    for (key, member) in members.as_object().unwrap() {
        value[key] = member.clone();
    }
    value
}

fn without(base: &Value, key: &str) -> Value {
    let mut changed = base.clone();
    changed.as_object_mut().unwrap().remove(key);
    changed
}

fn raw_user() -> Value {
    json!({"userid": 912, "username": "anna", "email": "Anna@Acme.test", "joindate": 1_738_555_506,
        "lastactivity": 1_739_095_872, "lastvisit": 0, "posts": 4, "topics": 1, "solved": 2, "likes": 3, "likes_given": 5,
        "is_moderator": 1, "rank_id": 7, "rank_name": "Newcomer", "avatar": "https://x.test/a.png",
        "insided_sso_customeruid": "crm-1", "ipaddress": "192.0.2.1", "pmtotal": 3, "pmunread": 1, "whatever": {"a": [1]},
        "_related": {
            "userprofilefields": [
                {"profilefieldid": 5, "profilefield_name": "Company", "value": "Acme"},
                {"profilefield_name": "Vorname", "value": "Anna"}, {"profilefield_name": "NACHNAME", "value": "Schmidt"},
                {"profilefield_name": "Mobile", "value": "+49 170 1"}, {"profilefield_name": "Téléphone", "value": "+33 1"},
                {"profilefield_name": "Abteilung", "value": "IT"}, {"profilefield_name": "Job Title", "value": "Lead"},
                {"profilefield_name": "City", "value": "Ulm"}],
            "badges": [{"id": 1, "title": "Ready"}, {"badgeid": 9}], "badgesCount": 2,
            "roles": [{"itemname": "roles.registered", "_related": {"items": {"id": 4}}}]}})
}

fn raw_topic() -> Value {
    json!({"id": "41", "publicId": "9007", "contentType": "idea", "title": "T", "content": "<p>long</p>", "categoryId": "12",
        "categoryName": "C", "author": {"id": "3", "username": "u", "avatar": ""}, "replyCount": 2, "likes": 1, "votes": 5,
        "trashed": false, "sticky": true, "bestAnswer": false, "status": "published", "tags": ["a", "b"], "moderationLabel": "checkup",
        "createdAt": "2025-02-03T04:05:06+00:00", "lastActivityAt": "2025-02-09T10:11:12+00:00", "ideaStatus": {"name": "New"}})
}

fn raw_reply() -> Value {
    json!({"id": "2", "publicReplyId": "5", "content": "I agree", "author": {"id": 7, "username": "bob"}, "trashed": false,
        "repliedAt": "2025-02-03T04:05:06+00:00", "likedBy": ["1", "2"], "highlighted": true, "permalink": "https://x.test/t-5?postid=5#post5"})
}

fn raw_event() -> Value {
    json!({"event_uuid": "e-1", "time_added": "1738555506", "event_type": "View", "user": {"userid": "77", "username": "a"},
        "pageinfo": {"post_id": 900}})
}

fn raw_category() -> Value {
    json!({"id": "1", "name": "News", "order": 4})
}

fn raw_status() -> Value {
    json!({"id": "1", "name": "New", "backgroundColor": "ffffff", "textColor": "000000", "default": true, "visible": 1, "type": "",
        "displayOrder": 0})
}

fn raw(request: &PageRequest) -> Value {
    match request {
        PageRequest::IdeaStatuses => raw_status(),
        PageRequest::Categories => raw_category(),
        PageRequest::Users { .. } => raw_user(),
        PageRequest::Topics { .. } => raw_topic(),
        PageRequest::Replies { .. } => raw_reply(),
        PageRequest::Activity { .. } => raw_event(),
        PageRequest::TopicCounts => json!({}),
    }
}

/// What is left out of a payload is nothing that is read.
#[test]
fn a_payload_gives_the_same_record_as_what_was_served() {
    for request in requests() {
        let record = raw(&request);
        let raw_value = serde_json::value::to_raw_value(&record).unwrap();
        let kept = payload::clean(&raw_value);
        assert!(!kept.cut && kept.text.len() <= record.to_string().len());
        let again: Value = serde_json::from_str(&kept.text).unwrap();
        assert_eq!(valid(&request, &again), valid(&request, &record), "{}", kept.text);
    }
}

#[test]
fn a_reply_that_is_set_aside_knows_its_topic() {
    let reply = invalid(&replies(), &without(&raw_reply(), "repliedAt"));
    assert_eq!(reply.topic_public_id.as_deref(), Some("900"));
    let user = invalid(&USERS_1, &without(&raw_user(), "joindate"));
    assert_eq!(user.topic_public_id, None);
}

#[test]
fn a_member_is_read_whole() {
    let user = user(&raw_user());
    let fields: Vec<&str> = user.profile_fields.keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "Abteilung",
            "City",
            "Company",
            "Job Title",
            "Mobile",
            "NACHNAME",
            "Téléphone",
            "Vorname"
        ]
    );
    let expected = User {
        community_user_id: "912".into(),
        username: "anna".into(),
        email: Some("Anna@Acme.test".into()),
        first_name: Some("Anna".into()),
        last_name: Some("Schmidt".into()),
        phone: Some("+33 1".into()),
        company_custom: Some("Acme".into()),
        department: Some("IT".into()),
        title: Some("Lead".into()),
        sso_id: Some("crm-1".into()),
        profile_picture: Some("https://x.test/a.png".into()),
        rank_id: Some("7".into()),
        rank_name: Some("Newcomer".into()),
        is_moderator: true,
        roles: vec!["roles.registered".into()],
        badges: vec!["Ready".into(), "9".into()],
        joined_at: at(1_738_555_506),
        last_activity_at: Some(at(1_739_095_872)),
        last_visit_at: None,
        posts: 4,
        topics: 1,
        solved: 2,
        likes_received: 3,
        likes_given: 5,
        profile_fields: user.profile_fields.clone(),
    };
    assert_eq!(user, expected);
}

#[test]
fn a_topic_and_a_reply_are_read_whole() {
    let expected = Content {
        kind: ContentKind::Topic,
        public_id: "9007".into(),
        private_id: "41".into(),
        subtype: Subtype::Idea,
        title: Some("T".into()),
        category_id: Some("12".into()),
        category_name: Some("C".into()),
        idea_status: Some("New".into()),
        author_user_id: Some("3".into()),
        author_username: Some("u".into()),
        posted_at: at(1_738_555_506),
        last_activity_at: Some(at(1_739_095_872)),
        reply_count: 2,
        likes: 1,
        votes: 5,
        sticky: true,
        moderation_label: Some("checkup".into()),
        tags: vec!["a".into(), "b".into()],
        ..Content::default()
    };
    assert_eq!(content(&TOPICS_1, &raw_topic()), expected);
    let expected = Content {
        kind: ContentKind::Reply,
        public_id: "5".into(),
        private_id: "2".into(),
        subtype: Subtype::Question,
        topic_public_id: Some("900".into()),
        author_user_id: Some("7".into()),
        author_username: Some("bob".into()),
        posted_at: at(1_738_555_506),
        likes: 2,
        highlighted: true,
        permalink: Some("https://x.test/t-5?postid=5#post5".into()),
        ..Content::default()
    };
    assert_eq!(content(&replies(), &raw_reply()), expected);
}

#[test]
fn statuses_categories_and_views_are_read_whole() {
    let status = IdeaStatus {
        idea_status_id: "1".into(),
        name: "New".into(),
        status_type: String::new(),
        is_default: true,
        visible: true,
        display_order: 0,
        text_color: Some("000000".into()),
        background_color: Some("ffffff".into()),
    };
    assert_eq!(
        valid(&PageRequest::IdeaStatuses, &raw_status()),
        Record::IdeaStatus(status)
    );
    let category = Category {
        category_id: "1".into(),
        name: "News".into(),
        display_order: 4,
        ..Category::default()
    };
    assert_eq!(
        valid(&PageRequest::Categories, &raw_category()),
        Record::Category(category)
    );
    let event = Activity {
        event_id: "e-1".into(),
        activity_type: "view".into(),
        occurred_at: at(1_738_555_506),
        user_id: Some("77".into()),
        content_public_id: Some("900".into()),
    };
    assert_eq!(valid(&ACTIVITY_1, &raw_event()), Record::Activity(event));
}

#[test]
fn the_other_forms_of_a_member_give_the_same_member() {
    let plain = user(&raw_user());
    for changes in [
        json!({"userid": "912", "rank_id": "7"}),
        json!({"joindate": "1738555506", "lastactivity": "2025-02-09T11:11:12+01:00"}),
        json!({"joindate": "2025-02-03T04:05:06", "lastvisit": null}),
        json!({"is_moderator": true, "posts": "4", "likes": 3.0}),
        json!({"is_moderator": "1", "lastvisit": "0000-00-00 00:00:00"}),
    ] {
        assert_eq!(user(&with(&raw_user(), &changes)), plain, "{changes}");
    }
}

#[test]
fn what_is_missing_or_odd_but_not_needed_makes_no_member_invalid() {
    for email in [json!(null), json!(""), json!([]), json!({"a": 1})] {
        assert_eq!(user(&with(&raw_user(), &json!({"email": email}))).email, None);
    }
    let odd = user(&with(&raw_user(), &json!({"email": "  anna(at)acme"})));
    assert_eq!(odd.email.as_deref(), Some("  anna(at)acme"));
    for related in [
        json!(null),
        json!([]),
        json!({}),
        json!({"userprofilefields": null, "roles": "x", "badges": [null, 3]}),
    ] {
        let user = user(&with(&raw_user(), &json!({"_related": related})));
        assert_eq!(
            (user.roles.len(), user.badges.len(), user.profile_fields.len()),
            (0, 0, 0)
        );
    }
    let bare = user(&json!({"userid": 1, "joindate": 5}));
    assert_eq!(
        (bare.username.as_str(), bare.posts, bare.is_moderator),
        ("", 0, false)
    );
    for author in [
        json!(null),
        json!([]),
        json!({}),
        json!("anna"),
        json!({"id": null}),
    ] {
        let topic = content(&TOPICS_1, &with(&raw_topic(), &json!({"author": author})));
        assert_eq!((topic.author_user_id, topic.author_username), (None, None));
    }
    let topic = content(
        &TOPICS_1,
        &with(
            &raw_topic(),
            &json!({"lastActivityAt": "soon", "ideaStatus": "New"}),
        ),
    );
    assert_eq!(
        (topic.last_activity_at, topic.idea_status.as_deref()),
        (None, Some("New"))
    );
}

#[test]
fn profile_fields_are_known_by_name_in_several_languages() {
    let with_fields = |fields: &Value| {
        user(&with(
            &raw_user(),
            &json!({"_related": {"userprofilefields": fields}}),
        ))
    };
    for name in [
        "Phone",
        "telephone",
        "MOBILE",
        "Telefon",
        "Téléphone",
        "Teléfono",
        "Mobile phone",
        "mobile-phone",
    ] {
        let user = with_fields(&json!([{"profilefield_name": name, "value": "+1"}]));
        assert_eq!(user.phone.as_deref(), Some("+1"), "{name}");
    }
    let both = with_fields(&json!([
        {"profilefield_name": "Mobile", "value": "2"}, {"profilefield_name": "Phone", "value": "1"},
        {"profilefield_name": "First name", "value": ""}, {"profilefield_name": "Last name", "value": null},
        {"profilefield_name": "Title", "value": 7}]));
    assert_eq!(both.phone.as_deref(), Some("1"));
    assert_eq!(
        (both.first_name, both.last_name, both.title.as_deref()),
        (None, None, Some("7"))
    );
    assert_eq!(both.profile_fields.len(), 4);
    // As PHP writes a list with gaps.
    let numbered = with_fields(&json!({"0": {"profilefield_name": "Phone", "value": "1"}, "3": null}));
    assert_eq!(numbered.phone.as_deref(), Some("1"));
}

#[test]
fn a_record_without_an_id_is_set_aside_and_says_so() {
    let ids = ["id", "id", "userid", "publicId", "publicReplyId", "event_uuid"];
    for (request, id) in requests().iter().zip(ids) {
        let missing = invalid(request, &without(&raw(request), id));
        assert_eq!(
            (missing.reason, missing.stream),
            (InvalidReason::MissingId, request.stream())
        );
        assert_eq!(missing.message, format!("{id} is missing"));
        for odd in [
            json!(null),
            json!(""),
            json!(" "),
            json!(true),
            json!([1]),
            json!({}),
        ] {
            let odd = invalid(request, &with(&raw(request), &json!({ id: odd })));
            assert_eq!(odd.reason, InvalidReason::MissingId);
        }
    }
    let nameless = invalid(&USERS_1, &without(&raw_user(), "userid"));
    assert_eq!(nameless.name, "user named anna");
    let no_path = invalid(&TOPICS_1, &without(&raw_topic(), "id"));
    assert_eq!(
        (no_path.reason, no_path.name.as_str()),
        (InvalidReason::MissingId, "topic 9007")
    );
}

#[test]
fn a_record_without_a_creation_time_is_set_aside_and_says_so() {
    let times = [
        (USERS_1, "joindate", "user 912"),
        (TOPICS_1, "createdAt", "topic 9007"),
        (replies(), "repliedAt", "reply 5"),
        (ACTIVITY_1, "time_added", "activity e-1"),
    ];
    for (request, field, name) in times {
        let missing = invalid(&request, &without(&raw(&request), field));
        assert_eq!(
            (missing.reason, missing.name.as_str()),
            (InvalidReason::UnreadableTime, name)
        );
        assert_eq!(missing.message, format!("{field} is missing"));
        for odd in [
            json!(null),
            json!("0000-00-00"),
            json!(0),
            json!(-1),
            json!("yesterday"),
            json!([]),
            json!(true),
        ] {
            let odd = invalid(&request, &with(&raw(&request), &json!({ field: odd })));
            assert_eq!(odd.reason, InvalidReason::UnreadableTime);
        }
        let zero = invalid(&request, &with(&raw(&request), &json!({ field: "0000-00-00" })));
        assert_eq!(zero.message, format!("{field} \"0000-00-00\" is not a time"));
    }
}

#[test]
fn an_unknown_content_type_is_named() {
    let podcast = invalid(&TOPICS_1, &with(&raw_topic(), &json!({"contentType": "podcast"})));
    assert_eq!(podcast.reason, InvalidReason::UnknownContentType);
    assert_eq!(
        podcast.message,
        "contentType \"podcast\" is not one of the five known"
    );
    for odd in [json!(null), json!(3), json!("Idea"), json!([])] {
        let odd = invalid(&TOPICS_1, &with(&raw_topic(), &json!({"contentType": odd})));
        assert_eq!(odd.reason, InvalidReason::UnknownContentType);
    }
}

#[test]
fn impossible_values_make_a_record_unreadable_and_not_zero() {
    for changes in [
        json!({"posts": "many"}),
        json!({"likes": []}),
        json!({"is_moderator": 2}),
        json!({"username": {}}),
    ] {
        let odd = invalid(&USERS_1, &with(&raw_user(), &changes));
        assert_eq!(
            (odd.reason, odd.name.as_str()),
            (InvalidReason::UnreadableRecord, "user 912"),
            "{changes}"
        );
    }
    for request in requests() {
        for odd in [json!(null), json!(3), json!("x"), json!([1]), json!(true)] {
            let odd = invalid(&request, &odd);
            assert_eq!(odd.reason, InvalidReason::UnreadableRecord);
            assert!(!odd.payload.is_empty());
        }
    }
    assert_eq!(
        invalid(&ACTIVITY_1, &without(&raw_event(), "event_type")).message,
        "event_type is missing"
    );
}

#[test]
fn what_is_too_long_is_set_aside() {
    let long = "é".repeat(TEXT_MAX_BYTES / 2 + 1);
    let user = invalid(&USERS_1, &with(&raw_user(), &json!({ "username": long })));
    assert_eq!(user.reason, InvalidReason::TooLarge);
    assert!(
        user.message.starts_with("username has 65538 bytes"),
        "{}",
        user.message
    );
    assert!(user.payload.len() < TEXT_MAX_BYTES + 2_000);
    let id = "1".repeat(ID_MAX_BYTES + 1);
    assert_eq!(
        invalid(&TOPICS_1, &with(&raw_topic(), &json!({ "publicId": id }))).reason,
        InvalidReason::TooLarge
    );
    assert_eq!(
        invalid(&TOPICS_1, &with(&raw_topic(), &json!({ "categoryId": id }))).reason,
        InvalidReason::TooLarge
    );
    let tags = vec!["x"; 1_001];
    assert_eq!(
        invalid(&TOPICS_1, &with(&raw_topic(), &json!({ "tags": tags }))).reason,
        InvalidReason::TooLarge
    );
    // A body is not kept, so its length does not matter.
    content(&TOPICS_1, &with(&raw_topic(), &json!({ "content": long })));
}

#[test]
fn a_payload_is_as_it_came_without_private_fields() {
    let odd = invalid(&USERS_1, &with(&raw_user(), &json!({"joindate": "0000-00-00"})));
    let payload: Value = serde_json::from_str(&odd.payload).unwrap();
    let mut expected = with(&raw_user(), &json!({"joindate": "0000-00-00"}));
    for private in ["ipaddress", "pmtotal", "pmunread"] {
        expected.as_object_mut().unwrap().remove(private);
    }
    assert_eq!(payload, expected);
}

#[test]
fn topics_are_counted_by_category_and_another_shape_says_nothing() {
    let counts = |text: &str| decode_counts(text.as_bytes());
    let two = BTreeMap::from([("12".to_owned(), 34), ("7".to_owned(), 0)]);
    assert_eq!(counts(r#"{"result":{"12":"34","7":0}}"#), Ok(Some(two)));
    for other in [
        r#"{"result":[]}"#,
        r#"{"result":{"12":"many"}}"#,
        r#"{"result":{"12":-1}}"#,
        r#"{"12":"34"}"#,
        "[]",
        "7",
    ] {
        assert_eq!(counts(other), Ok(None), "{other}");
    }
    for cut in ["", r#"{"result":{"12":"3"#, "<!DOCTYPE html>"] {
        assert!(counts(cut).is_err(), "{cut}");
    }
}

#[test]
fn a_broken_record_leaves_its_neighbours_alone() {
    let good = raw_user().to_string();
    for broken in [
        r#"{"userid":1,"joindate":null}"#,
        r#"{"userid":1,"joindate":5,"posts":1e999}"#,
        r#"{"userid":1,"joindate":5,"posts":{}}"#,
        "null",
        "[[[]]]",
        "-1e999",
    ] {
        let records = served_text(&USERS_1, &format!("{good},{broken},{good}"));
        assert_eq!(records.len(), 3, "{broken}");
        assert!(
            matches!(&records[0], Served::Valid(_)) && records[0] == records[2],
            "{broken}"
        );
        let Served::Invalid(invalid) = &records[1] else {
            panic!("{broken}")
        };
        assert_eq!(invalid.payload, broken);
    }
    // Depth is no reason: what is not read is skipped without recursion.
    let deep = format!(
        "{{\"userid\":1,\"joindate\":5,\"x\":{}{}}}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert!(matches!(served_text(&USERS_1, &deep)[0], Served::Valid(_)));
}

#[test]
fn characters_that_cannot_be_kept_are_replaced_and_no_others() {
    let name = |json: &str| {
        let record = format!("{{\"userid\":1,\"joindate\":5,\"username\":\"{json}\"}}");
        match served_text(&USERS_1, &record).remove(0) {
            Served::Valid(Record::User(user)) => user.username,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(name(r"a\u0000b"), "a\u{fffd}b");
    assert_eq!(name(r"a\ud800b"), "a\u{fffd}b");
    assert_eq!(name(r"\ude00\ud83d\ude00"), "\u{fffd}\u{1f600}");
    assert_eq!(name("a\u{1}b"), "a\u{1}b");
    assert_eq!(name("  <b>سارة</b> 👩‍👩‍👧 \\u202e "), "  <b>سارة</b> 👩‍👩‍👧 \u{202e} ");
    let body = b"\xef\xbb\xbf{\"users\":[{\"userid\":1,\"joindate\":5,\"username\":\"a\xffb\"}]}";
    assert!(matches!(
        decode(&USERS_1, body).unwrap().records[0],
        Served::Valid(_)
    ));
}

#[test]
fn keys_may_be_escaped_or_come_twice() {
    let record = r#"{"user\u0069d":7,"joindate":"x","joindate":5,"username":"a","username":"b"}"#;
    let Served::Valid(Record::User(user)) = served_text(&USERS_1, record).remove(0) else {
        panic!()
    };
    assert_eq!(
        (user.community_user_id.as_str(), user.username.as_str()),
        ("7", "b")
    );
}

#[test]
fn what_is_no_page_is_malformed_and_never_an_end() {
    for request in requests() {
        for body in [
            "",
            "  \n",
            "<!DOCTYPE html><html></html>",
            "\n<html>",
            "null",
            "true",
            "17",
            "\"ok\"",
            "{}",
            r#"{"result":null}"#,
            r#"{"users":null}"#,
            r#"{"result":{}}"#,
            r#"{"result":[]"#,
            r#"{"result":[]}}"#,
            r#"{"result":[]}{"result":[]}"#,
            r#"{"message":"Not allowed"}"#,
            r#"{"result":[,]}"#,
            r#"{"result":"[]"}"#,
            r#"{"error":[]}"#,
            "\0",
            "\u{feff}",
        ] {
            let refused = decode(&request, body.as_bytes());
            assert!(refused.is_err(), "{request:?} {body}");
        }
    }
    let secret = decode(&TOPICS_1, br#""token-abc""#).unwrap_err().to_string();
    assert_eq!(secret, "a text instead of an object");
}

#[test]
fn the_last_page_is_the_first_that_is_not_full() {
    let page = |records: usize, number: u32, announced: u64| {
        let list = vec![raw_user().to_string(); records].join(",");
        let body = format!("{{\"users\":[{list}],\"statistics\":{{\"count\":{announced}}}}}");
        decode(&PageRequest::users(number), body.as_bytes())
    };
    assert!(!page(100, 1, 250).unwrap().last);
    assert!(!page(100, 1, 100).unwrap().last);
    assert!(page(99, 1, 99).unwrap().last);
    let end = page(0, 2, 100).unwrap();
    assert_eq!((end.last, end.announced), (true, Some(100)));
    assert!(page(0, 1, 0).unwrap().last);
    // Whether more should have come is for the reader of the whole list to judge.
    let early = page(0, 2, 101).unwrap();
    assert_eq!((early.last, early.announced), (true, Some(101)));
    let empty = decode(&ACTIVITY_1, br#"{"statistics":{"count":5}}"#).unwrap();
    assert_eq!((empty.records.len(), empty.announced), (0, Some(5)));
    assert!(decode(&ACTIVITY_1, b"[]").unwrap().last);
}

/// Id, name, address and joining of a generated member.
type Member = (u32, String, Option<String>, i64);

/// A page of generated members, and what must be read of it.
fn generated() -> impl Strategy<Value = (String, Vec<Member>)> {
    let member = (
        any::<u32>(),
        ".*",
        proptest::option::of(".+"),
        1_i64..4_000_000_000,
        any::<[bool; 3]>(),
    );
    proptest::collection::vec(member, 0..20).prop_map(|members| {
        let mut body = String::from("{\"users\":[");
        for (place, (id, name, mail, joined, forms)) in members.iter().enumerate() {
            let id = if forms[0] { json!(id) } else { json!(id.to_string()) };
            let joindate = if forms[1] { json!(joined) } else { json!(at(*joined).to_rfc3339()) };
            let record = json!({"userid": id, "username": name, "email": mail, "joindate": joindate, "is_moderator": forms[2]});
            let comma = if place > 0 { "," } else { "" };
            write!(body, "{comma}{record}").unwrap();
        }
        body.push_str("]}");
        (body, members.into_iter().map(|(id, name, mail, joined, _)| (id, name, mail, joined)).collect())
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(body: Vec<u8>) {
        for request in requests() {
            let _ = decode(&request, &body);
        }
    }

    #[test]
    fn no_near_page_makes_the_decoder_panic(
        text in r#"(\{|\}|\[|\]|,|:|"users"|"result"|"statistics"|"count"|"userid"|"joindate"|"\\ud800"|"id"|null|1|-1e9|"x"|true){0,40}"#
    ) {
        for request in requests() {
            let _ = decode(&request, text.as_bytes());
        }
    }

    #[test]
    fn no_value_in_any_field_makes_the_decoder_panic(
        field in "userid|joindate|_related|posts|id|publicId|contentType|createdAt|author|tags|ideaStatus|likedBy|pageinfo",
        value in r#"null|true|-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,5})?|\[\]|\{\}|\[\[1\]\]|\{"id":\{\}\}|"[a-z0-9: -]{0,20}""#
    ) {
        for request in requests() {
            let mut text = raw(&request).to_string();
            text.truncate(text.len() - 1);
            let records = served_text(&request, &format!("{text},\"{field}\":{value}}},{}", raw(&request)));
            prop_assert_eq!(records.len(), 2);
            prop_assert!(matches!(records[1], Served::Valid(_)));
        }
    }

    #[test]
    fn a_cut_page_is_malformed_and_never_shorter((body, _) in generated(), cut: proptest::sample::Index) {
        let cut = &body.as_bytes()[..cut.index(body.len())];
        prop_assert!(decode(&USERS_1, cut).is_err());
    }

    #[test]
    fn every_generated_member_is_read_as_it_is((body, members) in generated()) {
        let page = decode(&USERS_1, body.as_bytes()).unwrap();
        prop_assert_eq!(page.records.len(), members.len());
        for (served, (id, name, mail, joined)) in page.records.into_iter().zip(members) {
            let Served::Valid(Record::User(user)) = served else { panic!("{served:?}") };
            prop_assert_eq!(user.community_user_id, id.to_string());
            prop_assert_eq!(user.username, name.replace('\0', "\u{fffd}"));
            prop_assert_eq!(user.email, mail.map(|mail| mail.replace('\0', "\u{fffd}")));
            prop_assert_eq!(user.joined_at, at(joined));
        }
    }
}

/// Deeper than any stack bears, in fields that are read and in one that is not.
#[test]
fn nesting_without_end_spoils_no_more_than_its_own_record() {
    const LEVELS: usize = 200_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(LEVELS), close.repeat(LEVELS));
        for field in [
            "x",
            "posts",
            "email",
            "userid",
            "joindate",
            "roles",
            "userprofilefields",
        ] {
            let spoiled = format!(r#"{{"userid":2,"joindate":5,"{field}":{deep}}}"#);
            let text = format!(r#"{{"userid":1,"joindate":5}},{spoiled},{{"userid":3,"joindate":5}}"#);
            let records = served_text(&USERS_1, &text);
            let ids: Vec<_> = [&records[0], &records[2]]
                .map(|served| match served {
                    Served::Valid(record) => record.key().to_owned(),
                    Served::Invalid(invalid) => panic!("{field}: {invalid:?}"),
                })
                .into();
            assert_eq!(
                (records.len(), ids),
                (3, vec!["1".to_owned(), "3".to_owned()]),
                "{field}"
            );
        }
    }
}
