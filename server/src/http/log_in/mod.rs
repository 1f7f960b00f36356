//! The way in and out: pages of the server's own, which need no script and show nothing of the console.
//!
//! [`routes`] is the one list of them. Each answers a form with a page or leads on with a redirect; whose turn it is
//! after an error is said, and whether an address has an account is not.

mod confirm;
mod form;
mod look;
mod path;
mod set_up;
mod wait;

use app::place::{CONFIRM, LOG_IN, LOG_OUT};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{MethodRouter, get, post},
};
use domain::Audience;

pub(crate) use self::{look::Look, path::OwnPath};
use super::{
    access::{Face, Ruled},
    client::Client,
    cookies::Cookies,
    visit::Visits,
};
use crate::{
    accounts::{Caller, Door, SET_UP_PATH},
    visitor::Visitor,
};

/// What these pages answer from.
#[derive(Clone)]
pub(crate) struct Entrance {
    pub(crate) door: Door,
    pub(crate) cookies: Cookies,
    pub(crate) look: Look,
}

impl Entrance {
    pub(crate) fn new(visits: &Visits, look: &Look) -> Self {
        Self {
            door: visits.door.clone(),
            cookies: visits.cookies,
            look: look.clone(),
        }
    }

    /// Who tries, as the request tells.
    fn caller(&self, client: Client, headers: &HeaderMap) -> Caller {
        let browser = headers.get(header::USER_AGENT);
        let browser = browser.and_then(|value| value.to_str().ok());
        Caller {
            address: client.address,
            counted_as: client.counted_as(),
            browser: browser.unwrap_or_default().to_owned(),
            device: self.cookies.device(headers),
        }
    }
}

pub(crate) fn routes() -> Vec<Ruled<Entrance>> {
    let route = |path: &str, audience, handler: MethodRouter<Entrance>| Ruled {
        path: path.to_owned(),
        audience,
        scope: None,
        face: Face::Page,
        handler,
    };
    vec![
        route(LOG_IN, Audience::Public, get(form::show).post(form::take)),
        route(LOG_OUT, Audience::LoggedIn, post(log_out)),
        route(
            SET_UP_PATH,
            Audience::Public,
            get(set_up::show).post(set_up::take),
        ),
        route(
            CONFIRM,
            Audience::LoggedIn,
            get(confirm::show).post(confirm::take),
        ),
    ]
}

async fn log_out(State(entrance): State<Entrance>, Extension(visitor): Extension<Visitor>) -> Response {
    if let Some(logged_in) = visitor.logged_in() {
        let by = visitor.by(entrance.door.now());
        if let Err(error) = entrance.door.log_out(logged_in.session.id, &by).await {
            return entrance.look.failed(&error);
        }
    }
    let mut response = Redirect::to(&form::Note::LoggedOut.address()).into_response();
    entrance.cookies.end_session(response.headers_mut());
    // Pages themselves were never to be stored; this is what scripts of the console may have kept.
    let storage = HeaderValue::from_static("\"storage\"");
    response
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), storage);
    response
}
