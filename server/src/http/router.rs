//! Everything that is answered, grouped by who asks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use app::{App, backend::Backend, layout::FrameView, place::COMMUNITY_MANAGEMENT, shell};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{Redirect, Response},
    routing::get,
};
use leptos::{
    config::LeptosOptions,
    nonce::use_nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list_with_exclusions_and_ssg_and_context};
use store::Store;
use sync::Clock;
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, predicate::SizeAbove},
    csrf::CsrfLayer,
    limit::RequestBodyLimitLayer,
    timeout::TimeoutLayer,
};
use tracing::{Instrument, debug, info_span};

use super::{
    assets::{Site, cache_control},
    client::{TrustedProxies, recognize},
    headers::{BrowserRules, add_headers},
    health,
    metrics::{self, Monitored, observe},
    pace::{self, Pace},
    pages::{self, Pages},
    rest::{self, Api},
    security::{self, Hosts},
    sheets,
};
use crate::{metrics::Metrics, secrets::to_hex, system::random_bytes};

/// The largest form is a rule set's, and that is some kilobytes.
const BODY_LIMIT_BYTES: usize = 64 * 1024;
/// A page that takes longer has lost its reader.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Below one packet, compressing saves nothing.
const COMPRESS_ABOVE_BYTES: u64 = 1400;

/// There is one page so far, so the address of the installation leads to it.
const START: &str = "/";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the router answers from.
pub(crate) struct Served {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) pages: Pages,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) site: Site,
    pub(crate) hosts: Hosts,
    pub(crate) rules: BrowserRules,
    pub(crate) proxies: TrustedProxies,
    pub(crate) cross_site: CsrfLayer,
}

pub(crate) fn router(served: Served) -> Router {
    let options = served.site.leptos_options();
    let api = Api {
        backend: Arc::clone(&served.backend),
        store: Arc::clone(&served.store),
        clock: Arc::clone(&served.clock),
    };
    let console = console(&served, &options)
        .merge(rest::router(api))
        .merge(sheets::routes(
            Arc::clone(&served.store),
            Arc::clone(&served.clock),
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
        store: Arc::clone(&served.store),
        clock: served.clock,
    };
    let metrics =
        metrics::routes(monitored).layer(middleware::from_fn_with_state(served.hosts, security::check_host));
    console
        .merge(metrics)
        .merge(health::routes(served.store))
        .layer(middleware::from_fn_with_state(Pace::new(), pace::keep))
        .layer(middleware::from_fn(rest::as_problems))
        .layer(middleware::from_fn_with_state(served.rules, add_headers))
        .layer(middleware::from_fn_with_state(served.proxies, recognize))
        .layer(middleware::from_fn_with_state(served.metrics, observe))
        .layer(middleware::from_fn_with_state(RequestIds::new(), identify))
}

/// Pages and server functions.
fn console(served: &Served, options: &LeptosOptions) -> Router {
    let (routes, _static) = generate_route_list_with_exclusions_and_ssg_and_context(
        App,
        Some(vec![START.to_owned()]),
        context(served),
    );
    let shell_options = options.clone();
    Router::new()
        // A redirect is decided before a page begins to stream, or its status is lost.
        .route(START, get(|| async { Redirect::to(COMMUNITY_MANAGEMENT) }))
        .leptos_routes_with_context(options, routes, context(served), move || {
            shell(shell_options.clone())
        })
        .layer(middleware::from_fn_with_state(
            Arc::clone(&served.backend),
            resolve_frame,
        ))
        .layer(middleware::from_fn_with_state(served.pages.clone(), pages::kept))
        .with_state(options.clone())
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
            Arc::clone(&served.backend),
            resolve_frame,
        ));
    Router::new()
        .fallback_service(served.site.files().fallback(not_found))
        .layer(middleware::from_fn_with_state(served.site.clone(), cache_control))
}

/// One closure provides the same to pages and to server functions.
fn context(served: &Served) -> impl Fn() + Clone + Send + Sync + 'static {
    let (backend, rules) = (Arc::clone(&served.backend), served.rules.clone());
    move || provide(&backend, &rules)
}

fn provide(backend: &Arc<dyn Backend>, rules: &BrowserRules) {
    provide_context(Arc::clone(backend));
    let frame = use_context::<Parts>().and_then(|parts| parts.extensions.get::<FrameView>().cloned());
    provide_context(frame.unwrap_or_default());
    if let (Some(nonce), Some(answer)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Some(policy) = rules.page_policy(&nonce)
    {
        answer.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// The left navigation never waits, so what it shows is known before the render begins.
async fn resolve_frame(
    State(backend): State<Arc<dyn Backend>>,
    mut request: Request,
    next: Next,
) -> Response {
    // Logged where it failed. The page says it where it matters; the frame stays.
    let frame = backend.frame().await.unwrap_or_default();
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
