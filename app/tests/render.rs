//! Pages as the server sends them, driven through the real router against a fake backend at a fixed moment.

mod fake;

use std::sync::Arc;

use app::{
    App,
    accounts::{
        api::{AddAccount, OfferLink},
        place::{ACCOUNTS, AccountsPlace, Ask, NEW_ACCOUNT, NEW_LINK, SESSIONS, YOUR_SESSIONS},
    },
    answer::{ANSWERED, FormAnswer},
    audit::place::{AUDIT_CSV, AUDIT_TRAIL, AuditPlace},
    erasure::{api::FindPerson, place::ERASE},
    place::COMMUNITY_MANAGEMENT,
    runs::view::LiveView,
    shell,
    tokens::{
        api::AddToken,
        place::{NEW_TOKEN, TOKENS, TokensPlace},
    },
    unification::{
        draft::Draft,
        place::{Open, RulesPlace, UNIFICATION},
    },
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use domain::RunState;
use fake::{Fake, account_id, administration::token_id, connection_id, run_id};
use leptos::{config::LeptosOptions, context::provide_context, server_fn::ServerFn};
use leptos_axum::{ErrorHandler, LeptosRoutes, generate_route_list};
use tower::ServiceExt;

const BODY_LIMIT_BYTES: usize = 4 << 20;

async fn router(fake: Fake, answer: Option<FormAnswer>) -> Router {
    let backend = fake.backend();
    let frame = backend.frame().await.expect("a frame");
    let context = move || {
        provide_context(Arc::clone(&backend));
        provide_context(frame.clone());
        if let Some(answer) = answer.clone() {
            provide_context(answer);
        }
    };
    let options = LeptosOptions::builder().output_name("tributary").build();
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context.clone(), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback_service(ErrorHandler::new_with_context(context, shell, options.clone()))
        .with_state(options)
}

struct Page {
    status: StatusCode,
    html: String,
}

async fn answer(fake: Fake, request: Request<Body>) -> Response<Body> {
    router(fake, None)
        .await
        .oneshot(request)
        .await
        .expect("an answer")
}

async fn page(fake: Fake, path: &str) -> Page {
    answered_page(fake, path, None).await
}

/// A page that is the answer to its own form, perhaps.
async fn answered_page(fake: Fake, path: &str, answer: Option<FormAnswer>) -> Page {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = router(fake, answer)
        .await
        .oneshot(request)
        .await
        .expect("an answer");
    let status = response.status();
    let body = to_bytes(response.into_body(), BODY_LIMIT_BYTES)
        .await
        .expect("a body");
    let html = String::from_utf8(body.to_vec()).expect("text");
    let page = Page { status, html };
    assert_accessible(&page.html);
    page
}

async fn community_management(fake: Fake, query: &str) -> Page {
    page(fake, &format!("{COMMUNITY_MANAGEMENT}{query}")).await
}

/// What must hold on every page, and for hydration.
fn assert_accessible(html: &str) {
    let count = |part: &str| html.matches(part).count();
    assert_eq!(count("<h1"), 1, "one h1");
    assert_eq!(count("<main"), 1, "one main");
    assert_eq!(count("<table"), count("<tbody"), "every table has a tbody");
    assert_eq!(count("<table"), count("<caption"), "every table has a caption");
    assert_eq!(
        count("<form"),
        count("method=\"post\"") + count("method=\"get\""),
        "every form says how it is sent"
    );
    assert_eq!(
        count(" style=\""),
        0,
        "no inline style, which a strict policy forbids"
    );
    assert_eq!(
        count("<svg"),
        count("aria-hidden=\"true\"") - html_only_hidden(html),
        "every drawing is passed over"
    );
    assert!(!html.contains("<b>"), "what a tenant writes is never markup");
    let skip = html.find("class=\"skip\"").expect("a skip link");
    assert!(
        html.find("<nav").is_none_or(|nav| skip < nav),
        "the skip link is first"
    );
    for id in ids(html) {
        assert_eq!(count(&format!(" id=\"{id}\"")), 1, "the id {id} is there once");
    }
}

/// Elements other than drawings that are hidden from assistive technology.
fn html_only_hidden(html: &str) -> usize {
    html.split('<')
        .filter(|tag| !tag.starts_with("svg"))
        .filter(|tag| {
            tag.split('>')
                .next()
                .is_some_and(|tag| tag.contains("aria-hidden=\"true\""))
        })
        .count()
}

fn ids(html: &str) -> Vec<&str> {
    html.split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

/// The body as people get it: one element a line, without what only the framework reads.
fn readable(html: &str) -> String {
    let body = html.split_once("<body>").map_or(html, |(_, body)| body);
    // Drawings have their own tests.
    let text = [("<script", "</script>"), ("<!--", "-->"), ("<svg", "</svg>")]
        .into_iter()
        .fold(body.replace("<!>", ""), |text, (start, end)| {
            without(&text, start, end)
        });
    let openings = [
        "<li", "<tr", "<td", "<th", "<p", "<div", "<dl", "<dt", "<dd", "<h", "<a ", "<button", "<form",
        "<nav", "<main", "<section", "<table", "<header", "<details", "<dialog",
    ];
    openings
        .iter()
        .fold(text, |text, tag| text.replace(tag, &format!("\n{tag}")))
}

fn without(text: &str, start: &str, end: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(start) {
        kept.push_str(&rest[..at]);
        rest = rest[at..].split_once(end).map_or("", |(_, rest)| rest);
    }
    kept.push_str(rest);
    kept
}

macro_rules! snapshot {
    ($name:ident, $fake:expr, $query:expr, $status:expr) => {
        #[tokio::test]
        async fn $name() {
            let page = community_management($fake, &$query).await;
            assert_eq!(page.status, $status);
            insta::assert_snapshot!(stringify!($name), readable(&page.html));
        }
    };
}

snapshot!(empty_installation, Fake::Empty, "", StatusCode::OK);
snapshot!(connections_in_every_health, Fake::Busy, "", StatusCode::OK);
snapshot!(log_of_all, Fake::Busy, "?tab=activity-logs", StatusCode::OK);
snapshot!(
    log_of_one,
    Fake::Busy,
    format!("?tab=activity-logs&connection={}", connection_id(3)),
    StatusCode::OK
);
snapshot!(
    log_before_the_first_run,
    Fake::New,
    "?tab=activity-logs",
    StatusCode::OK
);
snapshot!(
    log_past_its_end,
    Fake::Busy,
    "?tab=activity-logs&page=99",
    StatusCode::OK
);
snapshot!(
    summary_of_a_complete_run,
    Fake::Busy,
    format!("?tab=activity-logs&run={}", run_id(4)),
    StatusCode::OK
);
snapshot!(
    summary_of_a_failed_run,
    Fake::Busy,
    format!("?run={}", run_id(33)),
    StatusCode::OK
);
snapshot!(
    summary_of_a_running_run,
    Fake::Busy,
    format!("?run={}", run_id(3)),
    StatusCode::OK
);
snapshot!(
    invalid_records_second_page,
    Fake::Busy,
    format!("?run={}&stream=users&reason=unreadable_time&records=2", run_id(2)),
    StatusCode::OK
);
snapshot!(
    deactivation_asks_first,
    Fake::Busy,
    format!("?confirm=deactivate&connection={}", connection_id(3)),
    StatusCode::OK
);
snapshot!(
    backend_that_fails,
    Fake::Broken,
    "",
    StatusCode::INTERNAL_SERVER_ERROR
);

/// What a page loads it also publishes and sends twice: as markup and for hydration.
#[tokio::test]
async fn four_cards_are_a_small_page() {
    let page = community_management(Fake::Usual, "").await;
    assert_eq!(page.html.matches("<li class=\"card").count(), 4);
    assert!(page.html.len() < 56_000, "{} bytes", page.html.len());
}

#[tokio::test]
async fn an_unknown_address_is_not_found() {
    let page = page(Fake::Busy, "/nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    insta::assert_snapshot!(readable(&page.html));
}

#[tokio::test]
async fn an_unknown_run_is_not_found_but_the_list_stays() {
    let page = community_management(Fake::Busy, &format!("?tab=activity-logs&run={}", run_id(77))).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.html.contains("This run does not exist."));
    assert!(page.html.contains("Kunden-Community"));
}

#[tokio::test]
async fn the_root_leads_to_the_page_for_everyone() {
    for accept in ["text/html", "*/*"] {
        let request = Request::get("/")
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .expect("a request");
        let response = answer(Fake::Empty, request).await;
        assert_eq!(response.status(), StatusCode::FOUND, "{accept}");
        assert_eq!(response.headers()[header::LOCATION], COMMUNITY_MANAGEMENT);
    }
}

#[tokio::test]
async fn counts_that_do_not_add_up_say_by_how_much() {
    let page = community_management(Fake::Busy, &format!("?run={}", run_id(2))).await;
    assert!(page.html.contains("do not add up"), "{}", page.html);
    assert!(page.html.contains("7 records missing") || page.html.contains("7 records too many"));
    assert!(page.html.contains("no view source"));
}

/// A form as a browser without scripts sends it.
async fn post(path: &str, number: u32, referer: &str) -> Response<Body> {
    post_field(path, format!("connection={}", connection_id(number)), referer).await
}

async fn post_field(path: &str, field: String, referer: &str) -> Response<Body> {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, format!("http://localhost{referer}"))
        .body(Body::from(field))
        .expect("a request");
    answer(Fake::Busy, request).await
}

fn location(response: &Response<Body>) -> &str {
    response.headers()[header::LOCATION].to_str().expect("text")
}

#[tokio::test]
async fn a_form_without_scripts_goes_back_to_the_page() {
    let response = post("/rpc/sync_now", 4, COMMUNITY_MANAGEMENT).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(
        location(&response).trim_end_matches('?'),
        format!("http://localhost{COMMUNITY_MANAGEMENT}")
    );
}

#[tokio::test]
async fn deactivating_leaves_the_question_behind() {
    let question = format!(
        "{COMMUNITY_MANAGEMENT}?confirm=deactivate&connection={}",
        connection_id(3)
    );
    let response = post("/rpc/deactivate", 3, &question).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(location(&response), COMMUNITY_MANAGEMENT);
}

#[tokio::test]
async fn a_refused_action_is_explained_without_scripts() {
    let response = post("/rpc/sync_now", 2, COMMUNITY_MANAGEMENT).await;
    let back = location(&response)
        .trim_start_matches("http://localhost")
        .to_owned();
    let page = page(Fake::Busy, &back).await;
    assert!(page.html.contains("role=\"alert\""));
    assert!(page.html.contains("The run could not start"));
    assert!(page.html.contains("A run of partners-en is already under way."));
}

#[tokio::test]
async fn a_run_is_cancelled_without_scripts_or_it_is_said_why_not() {
    let cancel = |number: u32| {
        post_field(
            "/rpc/cancel_run",
            format!("run={}", run_id(number)),
            COMMUNITY_MANAGEMENT,
        )
    };
    let done = cancel(3).await;
    assert_eq!(done.status(), StatusCode::FOUND);
    assert!(!location(&done).contains("__err"));
    let over = cancel(4).await;
    let back = location(&over).trim_start_matches("http://localhost").to_owned();
    let page = page(Fake::Busy, &back).await;
    assert!(page.html.contains("The run could not be cancelled"));
    assert!(page.html.contains("This run is over already."));
}

#[tokio::test]
async fn an_error_that_is_not_ours_is_not_shown() {
    let page = community_management(Fake::Busy, "?__path=/rpc/other&__err=eyJJbnRlcm5hbCI6e319").await;
    assert!(!page.html.contains("role=\"alert\""));
    let page = community_management(Fake::Busy, "?__path=/rpc/sync_now&__err=%3Cscript%3E").await;
    assert!(!page.html.contains("<script>\""));
    assert!(page.html.contains("The console cannot reach the server."));
}

/// As scripts ask for them, once a second.
#[tokio::test]
async fn runs_under_way_are_told_as_they_are_now() {
    let request = Request::post("/rpc/live_runs")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Body::from(format!(
            "runs[0]={}&runs[1]={}",
            run_id(3),
            run_id(77)
        )))
        .expect("a request");
    let response = answer(Fake::Busy, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = to_bytes(response.into_body(), BODY_LIMIT_BYTES)
        .await
        .expect("a body");
    let view: LiveView = serde_json::from_slice(&body).expect("a view");
    let told: Vec<_> = view.runs.iter().map(|run| (run.id, run.state)).collect();
    assert_eq!(told, [(run_id(3), RunState::Running)]);
}

/// None of it would work without scripts, so none of it is sent.
#[tokio::test]
async fn what_scripts_add_is_not_in_the_page() {
    let page = community_management(Fake::Busy, "").await;
    for part in [
        "Keyboard shortcuts",
        "Copy</button>",
        "session-note",
        "popover=\"manual\"",
    ] {
        assert!(!page.html.contains(part), "{part}");
    }
    assert!(page.html.contains("data-keeps-up=\"ago\""));
}

#[tokio::test]
async fn writes_are_never_read_with_get() {
    let connection = format!("connection={}", connection_id(3));
    let run = format!("run={}", run_id(3));
    for (path, field) in [
        ("/rpc/sync_now", &connection),
        ("/rpc/deactivate", &connection),
        ("/rpc/activate", &connection),
        ("/rpc/cancel_run", &run),
        ("/rpc/apply_rules", &"base=14&set={}".to_owned()),
        ("/rpc/erase_person", &"email=ada@acme.example".to_owned()),
        ("/rpc/add_token", &"name=x&scopes[]=read&days=7".to_owned()),
    ] {
        let uri = format!("{path}?{field}");
        let request = Request::get(uri).body(Body::empty()).expect("a request");
        let status = answer(Fake::Busy, request).await.status();
        assert!(status.is_client_error(), "{path} answered {status}");
    }
}

/// A draft on the version in use, as its address has it.
fn drafted(change: impl FnOnce(&mut Draft)) -> RulesPlace {
    let mut draft = Draft {
        base: 14,
        set: fake::unification::in_use(),
    };
    change(&mut draft);
    RulesPlace::with_draft(draft.text())
}

macro_rules! page_snapshot {
    ($name:ident, $path:expr) => {
        #[tokio::test]
        async fn $name() {
            let page = page(Fake::Busy, &$path).await;
            assert_eq!(page.status, StatusCode::OK);
            insta::assert_snapshot!(stringify!($name), readable(&page.html));
        }
    };
}

page_snapshot!(rules_in_use, UNIFICATION);
page_snapshot!(
    rules_in_a_draft,
    drafted(|draft| draft.press("up:phone-to-person")).href()
);
page_snapshot!(
    rules_in_a_draft_with_their_preview,
    drafted(|draft| draft.press("on:full-name-to-person"))
        .previewing()
        .href()
);
page_snapshot!(
    a_rule_as_a_form,
    RulesPlace::default()
        .opening(Some(Open::Rule("email-to-person".to_owned())))
        .href()
);
page_snapshot!(
    lists_as_a_form,
    RulesPlace::default().opening(Some(Open::Lists)).href()
);

#[tokio::test]
async fn a_version_is_restored_by_a_draft_that_says_so() {
    let page = page(Fake::Busy, &RulesPlace::restoring(13).href()).await;
    assert!(page.html.contains("These are the rules of version 13."));
    assert!(page.html.contains("Apply to 90,479 users"));
    assert!(page.html.contains("name=\"restores\" value=\"13\""));
}

#[tokio::test]
async fn a_draft_that_cannot_be_applied_says_why_and_offers_no_preview() {
    let place = drafted(|draft| draft.set.rules[0].conditions.clear());
    let page = page(Fake::Busy, &place.href()).await;
    assert!(page.html.contains("This draft cannot be applied yet"));
    assert!(page.html.contains("has no condition; give at least one."));
    assert!(!page.html.contains("Preview the draft"));
    assert!(!page.html.contains("Apply to"));
}

#[tokio::test]
async fn a_long_preview_says_how_far_it_is() {
    let place = drafted(|draft| draft.set.rules.clear()).previewing();
    let page = page(Fake::Busy, &place.href()).await;
    assert!(page.html.contains("40,000 of 90,479 users tried."));
    assert!(page.html.contains("Look again"));
    assert!(!page.html.contains("Apply to"));
}

#[tokio::test]
async fn who_comes_second_is_told_and_overwrites_nothing() {
    let mut draft = Draft {
        base: 13,
        set: fake::unification::in_use(),
    };
    draft.press("on:full-name-to-person");
    let place = RulesPlace::with_draft(draft.text());
    let page = page(Fake::Busy, &place.previewing().href()).await;
    assert!(page.html.contains("The rules have changed meanwhile"));
    assert!(page.html.contains("admin@customer.example applied version 14"));
    assert!(page.html.contains("Compare the draft with version 14"));
    assert!(!page.html.contains("Apply to"));

    let form = form(&[("base", "13"), ("set", &place.query.draft.expect("a draft").set)]);
    let response = post_field("/rpc/apply_rules", form, UNIFICATION).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert!(location(&response).contains("base=13"), "{}", location(&response));
}

#[tokio::test]
async fn a_draft_is_applied_without_scripts() {
    let draft = drafted(|draft| draft.press("on:full-name-to-person"));
    let text = draft.query.draft.expect("a draft");
    let sent = form(&[("base", "14"), ("set", &text.set)]);
    let response = post_field("/rpc/apply_rules", sent, UNIFICATION).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(location(&response), format!("{UNIFICATION}?applied=15"));
}

/// The draft behind the answer of a form.
async fn draft_after(path: &str, fields: &[(&str, &str)]) -> Draft {
    let response = post_field(path, form(fields), UNIFICATION).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    let url = url::Url::parse("http://localhost")
        .and_then(|base| base.join(location(&response)))
        .expect("an address");
    let query = url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let text = RulesPlace::read(&query).query.draft;
    Draft::read(&text.unwrap_or_else(|| panic!("no draft in {url}"))).expect("a draft")
}

#[tokio::test]
async fn the_list_is_changed_without_scripts() {
    let text = drafted(|_| ()).query.draft.expect("a draft").set;
    let sent = [("base", "14"), ("set", &text), ("change", "up:phone-to-person")];
    let draft = draft_after("/rpc/change_rules", &sent).await;
    assert_eq!(draft.base, 14);
    assert_eq!(draft.set.rules[2].id, "phone-to-person");
}

/// So that the keyboard goes on from the rule that it moved.
#[tokio::test]
async fn a_rule_that_moved_is_where_the_page_begins() {
    let text = drafted(|_| ()).query.draft.expect("a draft").set;
    let sent_to = async |change: &str| {
        let sent = [("base", "14"), ("set", &text), ("change", change)];
        let response = post_field("/rpc/change_rules", form(&sent), UNIFICATION).await;
        location(&response).to_owned()
    };
    assert!(
        sent_to("up:phone-to-person")
            .await
            .ends_with("#rule-phone-to-person")
    );
    assert!(!sent_to("up:a\r\nset-cookie: x").await.contains('#'));
    assert!(!sent_to("off:phone-to-person").await.contains('#'));
}

#[tokio::test]
async fn a_rule_is_added_without_scripts() {
    let text = drafted(|_| ()).query.draft.expect("a draft").set;
    let condition = |operator: &str| {
        format!(r#"{{"field":"self_declared_company","operator":{operator},"compared_with":"company_name"}}"#)
    };
    let domain = r#"{"field":"email_domain","operator":"exact","compared_with":"company_domain"}"#;
    let sent = [
        ("base", "14"),
        ("set", &text),
        ("condition[0]", &condition(r#"{"fuzzy":90}"#)),
        ("percent[0]", "85"),
        ("condition[1]", domain),
        ("percent[1]", "90"),
        ("condition[2]", ""),
        ("percent[2]", "90"),
        ("go_on", "yes"),
        ("active", "yes"),
    ];
    let draft = draft_after("/rpc/save_rule", &sent).await;
    let added = draft.set.rules.last().expect("a rule");
    assert_eq!(
        added.to_string(),
        "Company name is 85 % like a company's name and Email domain is one of a company's domains"
    );
    assert_eq!(draft.set.check(), Ok(()));
    assert_eq!(added.id, "company-name-to-company-name");
}

#[tokio::test]
async fn lists_are_changed_without_scripts() {
    let text = drafted(|_| ()).query.draft.expect("a draft").set;
    let sent = [
        ("base", "14"),
        ("set", &text),
        ("internal_roles", "Moderator\r\nCommunity Manager"),
        ("countries", "customer-de at\r\ncustomer-en"),
        ("persons_country", "de"),
    ];
    let draft = draft_after("/rpc/save_lists", &sent).await;
    assert_eq!(draft.set.internal_roles.len(), 2);
    assert!(draft.set.internal_domains.is_empty());
    let countries = draft.set.default_countries;
    assert_eq!(
        countries.persons.map(|country| country.to_string()),
        Some("DE".to_owned())
    );
    assert_eq!(countries.connections["customer-de"].as_str(), "AT");
    assert_eq!(countries.connections.len(), 1);
}

#[tokio::test]
async fn a_rule_without_conditions_is_explained_without_scripts() {
    let text = drafted(|_| ()).query.draft.expect("a draft").set;
    let sent = form(&[("base", "14"), ("set", &text), ("condition[0]", "")]);
    let back = RulesPlace::default().opening(Some(Open::NewRule)).href();
    let response = post_field("/rpc/save_rule", sent, &back).await;
    let back = location(&response)
        .trim_start_matches("http://localhost")
        .to_owned();
    let page = page(Fake::Busy, &back).await;
    assert!(page.html.contains("role=\"alert\""));
    assert!(page.html.contains("A rule needs at least one condition."));
}

/// A form's fields as a browser sends them.
fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

const MEMBER: &str = "/administration/general/unification/member?tenant=customer-de&user=912";

page_snapshot!(a_member_with_what_each_rule_came_to, MEMBER);
page_snapshot!(companies_looked_up, "/customers?q=halden");
page_snapshot!(people_looked_up, "/customers?tab=people");
page_snapshot!(a_company, "/customers/company?id=C-1&page=1");
page_snapshot!(a_company_as_a_form, "/customers/company?id=C-1&edit=yes");
page_snapshot!(a_new_company, "/customers/new?name=Acme&domain=acme.io");

#[tokio::test]
async fn a_search_without_a_result_names_what_it_hides() {
    let page = page(Fake::Busy, "/customers?q=nothing").await;
    assert!(page.html.contains("1,204 companies are hidden by this search."));
}

#[tokio::test]
async fn members_and_companies_that_there_are_not_are_not_found() {
    for path in [
        "/administration/general/unification/member?tenant=customer-de&user=1",
        "/administration/general/unification/member",
        "/customers/company?id=C-9",
    ] {
        assert_eq!(
            page(Fake::Busy, path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_member_is_linked_by_hand_without_scripts_or_it_is_said_why_not() {
    let link = |company: &str| {
        form(&[
            ("tenant", "customer-de"),
            ("user", "912"),
            ("company", company),
            ("reason", "They told us"),
        ])
    };
    let done = post_field("/rpc/link_member", link("C-1"), MEMBER).await;
    assert_eq!(location(&done), MEMBER);
    let refused = post_field("/rpc/link_member", link("C-9"), MEMBER).await;
    let back = location(&refused)
        .trim_start_matches("http://localhost")
        .to_owned();
    let page = page(Fake::Busy, &back).await;
    assert!(page.html.contains("The member could not be linked"));
    assert!(
        page.html
            .contains("There is no company with the external id C-9.")
    );
}

#[tokio::test]
async fn a_company_is_saved_without_scripts() {
    let sent = form(&[
        ("external_id", "C-7"),
        ("name", "Acme"),
        ("domains", "acme.io"),
        ("new", "yes"),
    ]);
    let response = post_field("/rpc/save_company", sent, "/customers/new").await;
    assert_eq!(location(&response), "/customers/company?id=C-7");
}

const USERS: &str = "/administration/general/unification/users";

page_snapshot!(
    users_without_a_company,
    format!("{USERS}?cause=domain_unknown&connection={}", connection_id(3))
);

page_snapshot!(
    every_user_of_a_filter_selected,
    format!("{USERS}?cause=domain_unknown&select=all")
);
page_snapshot!(tickets_made, "/administration/general/unification/tickets");
page_snapshot!(a_ticket, "/administration/general/unification/ticket?number=T-2");
page_snapshot!(manual_links, "/administration/general/unification/links");

#[tokio::test]
async fn of_a_page_each_user_is_ticked_and_of_none_no_user() {
    let ticked = |html: &str| html.matches(" checked>").count();
    assert_eq!(ticked(&page(Fake::Busy, USERS).await.html), 0);
    let whole = page(Fake::Busy, &format!("{USERS}?select=page")).await;
    assert_eq!(ticked(&whole.html), 2);
    assert!(!whole.html.contains("name=\"all\""));
}

#[tokio::test]
async fn one_ticket_is_made_of_a_filter_or_of_those_who_are_ticked() {
    let made = |fields: &[(&str, &str)]| post_field("/rpc/create_ticket", form(fields), USERS);
    let all = made(&[("cause", "domain_unknown"), ("all", "yes")]).await;
    assert_eq!(
        location(&all),
        "/administration/general/unification/ticket?number=T-2"
    );
    let some = made(&[
        ("member[3]", "customer-de 912"),
        ("member[17]", "customer-de 9 12"),
    ])
    .await;
    assert_eq!(
        location(&some),
        "/administration/general/unification/ticket?number=T-102",
        "two that were ticked"
    );
    for (fields, why) in [
        (&[("cause", "domain_unknown")][..], "No user is selected."),
        (
            &[("domain", "nowhere.example"), ("all", "yes")],
            "None of these users is without a company any more.",
        ),
    ] {
        let refused = made(fields).await;
        let back = location(&refused)
            .trim_start_matches("http://localhost")
            .to_owned();
        let page = page(Fake::Busy, &back).await;
        assert!(page.html.contains("The ticket could not be made"));
        assert!(page.html.contains(why), "{why}");
    }
}

#[tokio::test]
async fn a_ticket_is_posted_and_says_whose_turn_it_is_if_it_was_not_taken() {
    let done = post_field("/rpc/post_ticket", form(&[("number", "2")]), USERS).await;
    assert_eq!(
        location(&done),
        "/administration/general/unification/ticket?number=T-2"
    );
    let page = page(
        Fake::Busy,
        "/administration/general/unification/ticket?number=T-1",
    )
    .await;
    assert!(page.html.contains("The receiver did not take it (503)."));
    assert!(page.html.contains("Your turn: "));
}

#[tokio::test]
async fn a_manual_link_is_left_to_the_rules_from_the_list() {
    let sent = form(&[("tenant", "customer-de"), ("user", "912"), ("from", "links")]);
    let done = post_field("/rpc/leave_to_rules", sent, USERS).await;
    assert_eq!(location(&done), "/administration/general/unification/links");
}

#[tokio::test]
async fn a_ticket_that_there_is_not_is_not_found_and_lists_have_an_end() {
    for number in ["T-9", "nonsense", ""] {
        let path = format!("/administration/general/unification/ticket?number={number}");
        assert_eq!(
            page(Fake::Busy, &path).await.status,
            StatusCode::NOT_FOUND,
            "{number}"
        );
    }
    for list in ["links", "tickets"] {
        let path = format!("/administration/general/unification/{list}?page=9");
        let page = page(Fake::Busy, &path).await;
        assert!(page.html.contains("There is nothing on this page"), "{list}");
    }
}

#[tokio::test]
async fn a_filter_without_users_says_what_it_hides() {
    let page = page(Fake::Busy, &format!("{USERS}?domain=nowhere.example")).await;
    assert!(page.html.contains("No user with the domain nowhere.example"));
    assert!(
        page.html
            .contains("18,553 users without a company are hidden by this filter.")
    );
}

#[tokio::test]
async fn a_domain_is_added_without_scripts() {
    let sent = form(&[("company", "C-1"), ("domain", "kestrel-haul.example")]);
    let response = post_field("/rpc/add_domain", sent, USERS).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert!(!location(&response).contains("__err"));
}

page_snapshot!(accounts_in_every_state, ACCOUNTS);
page_snapshot!(an_account_as_a_form, NEW_ACCOUNT);
page_snapshot!(sessions_of_everyone, SESSIONS);
page_snapshot!(your_own_sessions, YOUR_SESSIONS);
page_snapshot!(the_audit_trail, AUDIT_TRAIL);
page_snapshot!(an_address_to_erase, ERASE);
page_snapshot!(
    a_receipt,
    "/administration/erase/receipt?id=01934f5e-0000-7000-8000-000000000077&files=pending"
);
page_snapshot!(tokens_in_every_state, TOKENS);
page_snapshot!(a_token_as_a_form, NEW_TOKEN);
page_snapshot!(
    disabling_asks_first,
    AccountsPlace::asking(Ask::Disable, account_id(2)).href()
);
page_snapshot!(
    revoking_asks_first,
    TokensPlace {
        revoke: Some(token_id(1))
    }
    .href()
);

#[tokio::test]
async fn a_change_of_role_and_a_new_link_ask_first() {
    let question = async |ask, account| {
        let place = AccountsPlace::asking(ask, account_id(account));
        page(Fake::Busy, &place.href()).await.html
    };
    let role = question(Ask::Role, 2).await;
    assert!(role.contains("Make ben@customer.example an admin?"), "{role}");
    assert!(role.contains("name=\"role\" value=\"admin\""));
    let link = question(Ask::Link, 3).await;
    assert!(link.contains(&format!("action=\"{NEW_LINK}\"")));
    let disabled = question(Ask::Disable, 4).await;
    assert!(
        !disabled.contains("<dialog"),
        "a disabled account is asked nothing"
    );
}

/// What a server function answers to its form, as the server hands it to the page.
async fn answer_to<F: ServerFn>(fields: &[(&str, &str)]) -> FormAnswer {
    let request = Request::post(F::PATH)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form(fields)))
        .expect("a request");
    let response = answer(Fake::Busy, request).await;
    let done = response.status().is_success();
    let body = to_bytes(response.into_body(), BODY_LIMIT_BYTES)
        .await
        .expect("a body");
    FormAnswer::new(F::PATH, done, &body)
}

/// The page that answers the form of a server function.
async fn page_answering<F: ServerFn>(fields: &[(&str, &str)]) -> Page {
    let answer = answer_to::<F>(fields).await;
    let answered = ANSWERED.iter().find(|(_, path)| *path == F::PATH);
    let (path, _) = answered.expect("a page that answers it");
    answered_page(Fake::Busy, path, Some(answer)).await
}

#[tokio::test]
async fn a_one_time_link_is_shown_in_the_answer_to_its_form() {
    let page = page_answering::<AddAccount>(&[("email", "eve@customer.example"), ("role", "csm")]).await;
    assert_eq!(page.status, StatusCode::OK);
    insta::assert_snapshot!("an_account_that_was_added", readable(&page.html));
    let page = page_answering::<OfferLink>(&[("account", &account_id(2).to_string())]).await;
    assert!(page.html.contains("https://tributary.example/set-up?token=5e1f"));
    assert!(page.html.contains("It is not shown again."));
}

#[tokio::test]
async fn an_account_that_there_is_already_is_refused_beside_the_form() {
    let fields = [("email", "ben@customer.example"), ("role", "admin")];
    let page = page_answering::<AddAccount>(&fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.html.contains("The account could not be added"));
    assert!(
        page.html
            .contains("There is an account ben@customer.example already.")
    );
    assert!(page.html.contains("name=\"email\""), "the form is there again");
}

#[tokio::test]
async fn an_answer_to_another_form_is_not_shown() {
    let answer = answer_to::<AddAccount>(&[("email", "eve@customer.example"), ("role", "csm")]).await;
    let page = answered_page(Fake::Busy, NEW_TOKEN, Some(answer)).await;
    assert!(!page.html.contains("trib_5e1f") && !page.html.contains("It is not shown again."));
    let page = self::page(Fake::Busy, NEW_LINK).await;
    assert!(page.html.contains("A link is shown once, when it is made."));
}

#[tokio::test]
async fn a_token_is_shown_in_the_answer_to_its_form_or_it_is_said_why_not() {
    let fields = [
        ("name", "nightly"),
        ("scopes[]", "read"),
        ("scopes[]", "sync"),
        ("days", "90"),
    ];
    let page = page_answering::<AddToken>(&fields).await;
    assert_eq!(page.status, StatusCode::OK);
    insta::assert_snapshot!("a_token_that_was_made", readable(&page.html));
    let page = page_answering::<AddToken>(&[("name", "nightly"), ("days", "90")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.html.contains("A token that may do nothing lets nobody in."));
}

#[tokio::test]
async fn a_person_is_looked_for_before_they_are_erased() {
    let page = page_answering::<FindPerson>(&[("email", "ada@acme.example")]).await;
    insta::assert_snapshot!("erasing_asks_first", readable(&page.html));
    let sent = form(&[("email", "ada@acme.example")]);
    let response = post_field("/rpc/erase_person", sent, ERASE).await;
    let to = location(&response);
    assert!(to.starts_with("/administration/erase/receipt?id="), "{to}");
    assert!(!to.contains("ada"), "the person is in no address");
}

#[tokio::test]
async fn a_password_that_was_given_some_time_ago_is_asked_for_before_a_form() {
    for path in [NEW_ACCOUNT, NEW_TOKEN, ERASE, YOUR_SESSIONS] {
        let page = page(Fake::New, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.html.contains("Your password is needed first"), "{path}");
        let next = path.replace('/', "%2F");
        assert!(page.html.contains(&format!("/confirm?next={next}")), "{path}");
        assert!(!page.html.contains("required"), "{path} asks for nothing else");
    }
}

#[tokio::test]
async fn a_broken_chain_is_told_before_all_else() {
    let page = page(Fake::Busy, &AuditPlace::default().checking().href()).await;
    assert!(page.html.contains("The chain is broken"));
    assert!(page.html.contains("Entry 1000 is missing."));
    assert!(!page.html.contains("The chain holds"));
}

#[tokio::test]
async fn the_trail_is_paged_by_number() {
    let page = page(Fake::Busy, &AuditPlace::default().turned(Some(1205)).href()).await;
    assert!(page.html.contains(&format!("{AUDIT_TRAIL}?before=1155")), "older");
    let past = self::page(Fake::Busy, &AuditPlace::default().turned(Some(1)).href()).await;
    assert!(past.html.contains("There is nothing before this entry"));
}

#[tokio::test]
async fn what_the_trail_is_narrowed_to_goes_along_to_other_pages_and_into_the_file() {
    let narrowed = "deed=run_queued&amp;who=operator";
    let page = page(
        Fake::Busy,
        &format!("{AUDIT_TRAIL}?before=1205&deed=run_queued&who=operator"),
    )
    .await;
    for told in [
        format!("{AUDIT_TRAIL}?before=1155&amp;{narrowed}"),
        format!("href=\"{AUDIT_TRAIL}?{narrowed}\""),
        format!("{AUDIT_CSV}?{narrowed}"),
        "Export 50 entries, CSV".to_owned(),
        "1,204 to 1,155 of 50 entries like that".to_owned(),
        "<option value=\"operator\" selected>An operator</option>".to_owned(),
    ] {
        assert!(page.html.contains(&told), "no {told} in {}", page.html);
    }
}

#[tokio::test]
async fn a_deed_that_the_trail_does_not_know_is_named() {
    let page = page(Fake::Busy, &format!("{AUDIT_TRAIL}?deed=nothing")).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.html.contains("The trail knows no deed “nothing”."));
    assert!(page.html.contains("choose from its lists"));
}

#[tokio::test]
async fn a_refused_change_of_role_is_explained_without_scripts() {
    let sent = form(&[("account", &account_id(1).to_string()), ("role", "csm")]);
    let response = post_field("/rpc/change_role", sent, ACCOUNTS).await;
    let back = location(&response)
        .trim_start_matches("http://localhost")
        .to_owned();
    let page = page(Fake::Busy, &back).await;
    assert!(page.html.contains("The role could not be changed"));
    assert!(page.html.contains("The last admin stays one."));
}

#[tokio::test]
async fn passwords_that_differ_change_nothing() {
    let sent = form(&[("password", "correct horse battery"), ("again", "correct horse")]);
    let response = post_field("/rpc/change_password", sent, YOUR_SESSIONS).await;
    let back = location(&response)
        .trim_start_matches("http://localhost")
        .to_owned();
    assert!(!back.contains("horse"), "a password is in no address");
    let page = page(Fake::Busy, &back).await;
    assert!(page.html.contains("The two passwords are not the same."));
}
