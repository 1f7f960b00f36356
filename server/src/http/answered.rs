//! Pages that answer their own form ([`app::answer`]): the server function takes it, and its answer goes into the page.

use app::{
    answer::{ANSWERED, FormAnswer},
    shell,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use leptos::config::LeptosOptions;
use leptos_axum::{handle_server_fns_with_context, render_app_async_with_context};
use tracing::error;

/// Answers are links, tokens and counts.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// Adds the forms to the pages, which are there already.
pub(super) fn add(
    pages: Router<LeptosOptions>,
    context: impl Fn() + Clone + Send + Sync + 'static,
    options: &LeptosOptions,
) -> Router<LeptosOptions> {
    ANSWERED.iter().fold(pages, |pages, &(page, function)| {
        let (context, options) = (context.clone(), options.clone());
        let handler = post(move |form: Request| answer(form, function, context, options));
        pages.route(page, handler)
    })
}

async fn answer(
    form: Request,
    function: &'static str,
    context: impl Fn() + Clone + Send + Sync + 'static,
    options: LeptosOptions,
) -> Response {
    let (parts, body) = form.into_parts();
    let asked = Request::from_parts(to_function(parts.clone(), function), body);
    let told = handle_server_fns_with_context(context.clone(), asked)
        .await
        .into_response();
    if let Some(elsewhere) = told.headers().get(header::LOCATION) {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, elsewhere.clone())]).into_response();
    }
    let done = told.status().is_success();
    let told = match to_bytes(told.into_body(), ANSWER_MAX_BYTES).await {
        Ok(told) => told,
        Err(error) => {
            error!(%error, function, "the answer to a form cannot be read");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let page = to_page(parts, FormAnswer::new(function, done, &told));
    let render = render_app_async_with_context(context, move || shell(options.clone()));
    render(Request::from_parts(page, Body::empty())).await
}

/// As a page's script would send the form: what accepts data is not led elsewhere.
fn to_function(mut parts: Parts, function: &'static str) -> Parts {
    parts.uri = Uri::from_static(function);
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(header::ACCEPT, json);
    parts
}

/// As if the page had been asked for, with the answer at hand.
fn to_page(mut parts: Parts, answer: FormAnswer) -> Parts {
    parts.method = Method::GET;
    for of_the_form in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(of_the_form);
    }
    parts.extensions.insert(answer);
    parts
}
