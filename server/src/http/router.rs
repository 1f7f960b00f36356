//! Everything that is answered, grouped by who asks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use app::{
    App, access::start_of, answer::FormAnswer, backend::Backend, layout::FrameView, place::LOG_IN, shell,
};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{Redirect, Response},
    routing::get,
};
use leptos::{
    config::LeptosOptions,
    nonce::use_nonce,
    prelude::{provide_context, use_context, with_context},
};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list_with_exclusions_and_ssg_and_context};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, predicate::SizeAbove},
    csrf::CsrfLayer,
    limit::RequestBodyLimitLayer,
    timeout::TimeoutLayer,
};
use tracing::{Instrument, debug, info_span};

use super::{
    access::{self, Rule, guarded},
    answered,
    assets::{Site, cache_control},
    client::{TrustedProxies, recognize},
    downloads,
    headers::{BrowserRules, add_headers},
    health,
    log_in::{self, Entrance, Look},
    metrics::{self, Monitored, observe},
    pace::{self, Pace},
    pages::{self, Pages},
    rest,
    security::{self, Hosts},
    sheets,
    visit::{self, Visits},
};
use crate::{
    console::Console, metrics::Metrics, secrets::to_hex, sign_on::SignOn, system::random_bytes,
    visitor::Visitor,
};

/// The largest form is a rule set's, and that is some kilobytes.
const BODY_LIMIT_BYTES: usize = 64 * 1024;
/// Some 50,000 companies or persons, which are written well within a request's time; more than that is a file's
/// (`tributary company import`).
const IMPORT_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// A page that takes longer has lost its reader.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Below one packet, compressing saves nothing.
const COMPRESS_ABOVE_BYTES: u64 = 1400;

/// The address of the installation, which leads to a page.
const START: &str = "/";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the router answers from.
pub(crate) struct Served {
    pub(crate) console: Console,
    pub(crate) pages: Pages,
    pub(crate) visits: Visits,
    pub(crate) look: Look,
    pub(crate) sign_on: Option<Arc<SignOn>>,
    pub(crate) metrics: Metrics,
    pub(crate) site: Site,
    pub(crate) hosts: Hosts,
    pub(crate) rules: BrowserRules,
    pub(crate) proxies: TrustedProxies,
    pub(crate) cross_site: CsrfLayer,
}

pub(crate) fn router(served: Served) -> Router {
    let options = served.site.leptos_options();
    let look = served.look.clone();
    let store = Arc::clone(&served.console.installation.store);
    let imports = imports(&served);
    let entrance = Entrance::new(&served.visits, &look, served.sign_on.clone());
    let console = console(&served, &options)
        .merge(guarded(rest::routes(), &look).with_state(served.console.clone()))
        .merge(guarded(log_in::routes(), &look).with_state(entrance))
        .merge(guarded(downloads::routes(), &look).with_state(served.console.clone()))
        .merge(guarded(sheets::routes(), &look).with_state(served.console.clone()))
        .layer(middleware::from_fn_with_state(
            served.visits.clone(),
            visit::resolve,
        ))
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(SizeAbove::new(COMPRESS_ABOVE_BYTES)),
        )
        .fallback_service(files(&served, &options))
        .layer(middleware::from_fn(security::own_referer))
        .layer(middleware::from_fn_with_state(
            BODY_LIMIT_BYTES,
            security::whole_body,
        ))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT_BYTES))
        // After the limits of all others.
        .merge(imports)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIMEOUT,
        ))
        .layer(served.cross_site.clone())
        .layer(middleware::from_fn_with_state(
            served.hosts.clone(),
            security::check_host,
        ));
    let monitored = Monitored {
        metrics: served.metrics.clone(),
        store: Arc::clone(&store),
        clock: Arc::clone(&served.console.installation.clock),
    };
    let metrics = guarded(metrics::routes(), &look)
        .with_state(monitored)
        .layer(middleware::from_fn_with_state(served.visits, visit::resolve))
        .layer(middleware::from_fn_with_state(served.hosts, security::check_host));
    let health = guarded(health::routes(), &look).with_state(store);
    console
        .merge(metrics)
        .merge(health)
        .layer(middleware::from_fn_with_state(Pace::new(), pace::keep))
        .layer(middleware::from_fn(rest::as_problems))
        .layer(middleware::from_fn_with_state(served.rules, add_headers))
        .layer(middleware::from_fn_with_state(served.proxies, recognize))
        .layer(middleware::from_fn_with_state(served.metrics, observe))
        .layer(middleware::from_fn_with_state(RequestIds::new(), identify))
}

/// Endpoints with a limit of their own for what is sent.
fn imports(served: &Served) -> Router {
    guarded(rest::imports(), &served.look)
        .with_state(served.console.clone())
        .layer(middleware::from_fn_with_state(
            served.visits.clone(),
            visit::resolve,
        ))
        .layer(middleware::from_fn_with_state(
            IMPORT_LIMIT_BYTES,
            security::whole_body,
        ))
        .layer(RequestBodyLimitLayer::new(IMPORT_LIMIT_BYTES))
        .layer(DefaultBodyLimit::disable())
}

/// Pages and server functions.
fn console(served: &Served, options: &LeptosOptions) -> Router {
    let (routes, _static) = generate_route_list_with_exclusions_and_ssg_and_context(
        App,
        Some(vec![START.to_owned()]),
        context(served),
    );
    let shell_options = options.clone();
    let pages = Router::new()
        // A redirect is decided before a page begins to stream, or its status is lost.
        .route(START, get(start))
        .leptos_routes_with_context(options, routes, context(served), move || {
            shell(shell_options.clone())
        });
    answered::add(pages, context(served), options)
        .layer(middleware::from_fn_with_state(
            served.console.clone(),
            resolve_frame,
        ))
        .layer(middleware::from_fn_with_state(served.pages.clone(), pages::kept))
        .layer(middleware::from_fn_with_state(
            served.look.clone(),
            access::admit_to_console,
        ))
        .with_state(options.clone())
}

/// Leads to the page that the visitor's role begins with.
async fn start(Extension(visitor): Extension<Visitor>) -> Redirect {
    Redirect::to(visitor.role().map_or(LOG_IN, start_of))
}

/// Files; what is none is a page that says so.
fn files(served: &Served, options: &LeptosOptions) -> Router {
    let shell_options = options.clone();
    let not_found =
        leptos_axum::render_app_async_with_context(context(served), move || shell(shell_options.clone()));
    let not_found = Router::new()
        .fallback(not_found)
        .layer(middleware::from_fn(not_found_status))
        .layer(middleware::from_fn_with_state(
            served.console.clone(),
            resolve_frame,
        ))
        .layer(middleware::from_fn_with_state(
            Rule::of_no_page(&served.look),
            access::admit,
        ))
        .layer(middleware::from_fn_with_state(
            served.visits.clone(),
            visit::resolve,
        ));
    Router::new()
        .fallback_service(served.site.files().fallback(not_found))
        .layer(middleware::from_fn_with_state(served.site.clone(), cache_control))
        .layer(middleware::from_fn_with_state(
            Rule::of_files(&served.look),
            access::admit,
        ))
}

/// One closure provides the same to pages and to server functions.
fn context(served: &Served) -> impl Fn() + Clone + Send + Sync + 'static {
    let (console, rules) = (served.console.clone(), served.rules.clone());
    move || provide(&console, &rules)
}

fn provide(console: &Console, rules: &BrowserRules) {
    // There is no request while the routes are listed.
    let visitor = of_request::<Visitor>();
    let backend: Arc<dyn Backend> = Arc::new(console.for_visitor(visitor));
    provide_context(backend);
    provide_context(of_request::<FrameView>());
    let answer = with_context::<Parts, _>(|parts| parts.extensions.get::<FormAnswer>().cloned());
    if let Some(answer) = answer.flatten() {
        provide_context(answer);
    }
    if let (Some(nonce), Some(answer)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Some(policy) = rules.page_policy(&nonce)
    {
        answer.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// What was found out about the request before the render began.
fn of_request<T: Clone + Default + Send + Sync + 'static>() -> T {
    with_context::<Parts, _>(|parts| parts.extensions.get::<T>().cloned())
        .flatten()
        .unwrap_or_default()
}

/// The left navigation never waits, so what it shows is known before the render begins.
async fn resolve_frame(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>().cloned();
    let console = console.for_visitor(visitor.unwrap_or_default());
    // Logged where it failed. The page says it where it matters; the frame stays.
    let frame = console.frame().await.unwrap_or_else(|_| console.bare_frame());
    request.extensions_mut().insert(frame);
    next.run(request).await
}

async fn not_found_status(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Numbers requests: a random part for the process and a count.
#[derive(Clone)]
struct RequestIds {
    process: Arc<str>,
    count: Arc<AtomicU64>,
}

impl RequestIds {
    fn new() -> Self {
        Self {
            process: to_hex(&random_bytes::<4>()).into(),
            count: Arc::default(),
        }
    }

    fn next(&self) -> String {
        format!("{}-{}", self.process, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

/// Names the request in its log lines and in its answer.
async fn identify(State(ids): State<RequestIds>, request: Request, next: Next) -> Response {
    let id = ids.next();
    let header = HeaderValue::from_str(&id).ok();
    // The path alone: a query may hold what someone typed.
    let span = info_span!("request", id, method = %request.method(), path = request.uri().path());
    let mut response = async move {
        let response = next.run(request).await;
        debug!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await;
    if let Some(header) = header {
        response.headers_mut().insert(REQUEST_ID, header);
    }
    response
}
