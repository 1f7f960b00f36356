//! Pages as the server sends them, driven through the real router against a fake backend at a fixed moment.

mod fake;

use std::sync::Arc;

use app::{App, place::COMMUNITY_MANAGEMENT, shell};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use fake::{Fake, connection_id, run_id};
use leptos::{config::LeptosOptions, context::provide_context};
use leptos_axum::{ErrorHandler, LeptosRoutes, generate_route_list};
use tower::ServiceExt;

const BODY_LIMIT_BYTES: usize = 4 << 20;

async fn router(fake: Fake) -> Router {
    let backend = fake.backend();
    let frame = backend.frame().await.expect("a frame");
    let context = move || {
        provide_context(Arc::clone(&backend));
        provide_context(frame.clone());
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
    router(fake).await.oneshot(request).await.expect("an answer")
}

async fn page(fake: Fake, path: &str) -> Page {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = answer(fake, request).await;
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
    assert_eq!(count("<form"), count("method=\"post\""), "every form posts");
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
    let page = page(Fake::Busy, "/customers").await;
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

#[tokio::test]
async fn writes_are_never_read_with_get() {
    let connection = format!("connection={}", connection_id(3));
    let run = format!("run={}", run_id(3));
    for (path, field) in [
        ("/rpc/sync_now", &connection),
        ("/rpc/deactivate", &connection),
        ("/rpc/activate", &connection),
        ("/rpc/cancel_run", &run),
    ] {
        let uri = format!("{path}?{field}");
        let request = Request::get(uri).body(Body::empty()).expect("a request");
        let status = answer(Fake::Busy, request).await.status();
        assert!(status.is_client_error(), "{path} answered {status}");
    }
}
