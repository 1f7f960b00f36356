//! `/sign-on`: leaving for the identity provider, and coming back; and leaving it at the log-out.

use app::{
    place::{CONFIRM, LOG_IN},
    ui::{markup::Text, words::lower_first},
};
use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::Owner;
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    Entrance, OwnPath,
    form::{lead_on, let_in},
    look::Trouble,
};
use crate::{
    accounts::{Caller, SignedOnAgain},
    error::with_sources,
    http::client::Client,
    sign_on::{CameBack, Failure, LEAVE_PATH, Problem, Returned, SignOn},
    visitor::Visitor,
};

/// For whom this is asked without a provider, which no page of ours does.
const NONE_SET_UP: &str = "no identity provider is set up";

/// Which page is wanted, and whether somebody who is logged in is only to be asked again who they are.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    next: Option<String>,
    again: Option<String>,
}

/// The address that leads to the provider, and then on to this page.
fn leave_for(next: Option<&OwnPath>, again: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(next) = next {
        query.append_pair("next", next.as_str());
    }
    if again {
        query.append_pair("again", "1");
    }
    let query = query.finish();
    let sign = if query.is_empty() { "" } else { "?" };
    format!("{LEAVE_PATH}{sign}{query}")
}

/// The button that leads to the provider.
pub(super) fn button(sign_on: &SignOn, next: Option<&OwnPath>, again: bool) -> String {
    let (verb, kind) = if again {
        ("Confirm", "button primary")
    } else {
        ("Sign in", "button")
    };
    format!(
        r#"<a class="{kind}" href="{}">{verb} with {}</a>"#,
        Text(&leave_for(next, again)),
        Text(sign_on.name())
    )
}

/// What the page says that somebody is led to who could not sign on.
pub(super) fn trouble(code: &str) -> Option<Trouble> {
    let problem = Problem::of_code(code)?;
    let next = problem.next_action();
    let next = match problem.owner() {
        Owner::You => format!("Your turn: {}", lower_first(next)),
        Owner::Provider => format!("The identity provider's turn. {next}"),
        Owner::Us => format!("The operator's turn. {next}"),
    };
    // The page itself is as it should be; what failed was before it.
    Some(Trouble::new(StatusCode::OK, problem.message(), next))
}

pub(super) async fn leave(
    State(entrance): State<Entrance>,
    Extension(visitor): Extension<Visitor>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let next = wanted.next.as_deref().and_then(OwnPath::read);
    let confirms = match visitor.logged_in() {
        Some(logged_in) if wanted.again.is_some() => Some(logged_in.session.id),
        _ => None,
    };
    let left = match &entrance.sign_on {
        Some(sign_on) => sign_on.leave(next.as_ref().map(OwnPath::as_str), confirms).await,
        None => Err(Failure::new(Problem::Misconfigured, NONE_SET_UP)),
    };
    match left {
        Ok(leaving) => {
            let mut response = Redirect::to(leaving.to.as_str()).into_response();
            entrance
                .cookies
                .set_sign_on(&leaving.sealed, response.headers_mut());
            response
        }
        Err(failure) => told(&failure, next.as_ref(), confirms.is_some()),
    }
}

pub(super) async fn come_back(
    State(entrance): State<Entrance>,
    Extension(client): Extension<Client>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Response {
    let sealed = entrance.cookies.sign_on(&headers);
    let came = match &entrance.sign_on {
        Some(sign_on) => sign_on.come_back(sealed, returned).await,
        None => Err(Failure::new(Problem::Misconfigured, NONE_SET_UP)),
    };
    let mut response = match came {
        Ok(came) => {
            let next = OwnPath::read(&came.next);
            let again = came.confirms.is_some();
            let let_in = if again {
                confirmed(&entrance, &visitor, &came, next.as_ref()).await
            } else {
                let caller = entrance.caller(client, &headers);
                logged_in(&entrance, &visitor, &caller, &came, next.as_ref()).await
            };
            let_in.unwrap_or_else(|failure| told(&failure, next.as_ref(), again))
        }
        Err(failure) => {
            let next = failure.next.as_deref().and_then(OwnPath::read);
            told(&failure, next.as_ref(), failure.again)
        }
    };
    entrance.cookies.end_sign_on(response.headers_mut());
    response
}

/// Begins a session for somebody whom the provider vouches for.
async fn logged_in(
    entrance: &Entrance,
    visitor: &Visitor,
    caller: &Caller,
    came: &CameBack,
    next: Option<&OwnPath>,
) -> Result<Response, Failure> {
    let issued = entrance
        .door
        .sign_on(&came.who, &came.sealed_id_token, caller)
        .await?;
    let issued = issued.ok_or_else(|| Failure::new(Problem::Disabled, "it was disabled a moment ago"))?;
    Ok(let_in(entrance, visitor, &issued, next).await)
}

/// The session goes on for somebody who was asked again who they are.
async fn confirmed(
    entrance: &Entrance,
    visitor: &Visitor,
    came: &CameBack,
    next: Option<&OwnPath>,
) -> Result<Response, Failure> {
    let own = visitor
        .logged_in()
        .filter(|logged_in| Some(logged_in.session.id) == came.confirms)
        .ok_or_else(|| Failure::new(Problem::SessionOver, "there is no such session any more"))?;
    let by = visitor.by(entrance.door.now());
    let again = entrance
        .door
        .confirm_signed_on(own, &came.who.identity, &by)
        .await;
    match again.map_err(|error| Failure::new(Problem::Internal, with_sources(&error)))? {
        SignedOnAgain::Done(token) => {
            let mut response = lead_on(next);
            entrance.cookies.set_session(&token, response.headers_mut());
            Ok(response)
        }
        SignedOnAgain::SomebodyElse => Err(Failure::new(
            Problem::SomebodyElse,
            "another account is tied to them",
        )),
        SignedOnAgain::Over => Err(Failure::new(Problem::SessionOver, "it ended a moment ago")),
    }
}

/// Leads to the page that says what went wrong.
fn told(failure: &Failure, next: Option<&OwnPath>, again: bool) -> Response {
    failure.log("somebody could not sign on");
    let page = if again { CONFIRM } else { LOG_IN };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("problem", failure.problem.code());
    if let Some(next) = next {
        query.append_pair("next", next.as_str());
    }
    Redirect::to(&format!("{page}?{}", query.finish())).into_response()
}

/// After the session here is over: the one at the provider, too, if it began there and can be ended.
pub(super) async fn end(entrance: &Entrance, visitor: &Visitor) -> Option<Response> {
    let sign_on = entrance.sign_on.as_ref()?;
    let signed_on = visitor.logged_in()?.session.signed_on.as_deref()?;
    let to = sign_on.end(signed_on, LOG_IN).await?;
    Some(leave_provider(entrance, sign_on.name(), to.as_str()))
}

/// No redirect: the answer to a form may lead to no other site (`form-action`), a page may.
fn leave_provider(entrance: &Entrance, name: &str, to: &str) -> Response {
    let content = format!(
        r#"<p class="lead" role="status">You are logged out of Tributary. Now {name} is told, too.</p>
<p><a class="button primary" href="{}">Go on to {name}</a></p>"#,
        Text(to),
        name = Text(name),
    );
    let mut response = entrance.look.page(StatusCode::OK, "Logged out", &content);
    if let Ok(mut refresh) = HeaderValue::try_from(format!("0; url={to}")) {
        refresh.set_sensitive(true);
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}
