//! Deny by default: a request is answered only if the visitor's role is among those that its route was declared for, or if
//! a program's token has the scope that it wants. Routes that want none are opened by no token.
//!
//! Pages and server functions are declared in `app::access`, beside the routes of the console; endpoints of the API in
//! `rest::endpoints`; everything else is a [`Ruled`] route. What is declared nowhere is refused to everyone.

use app::{
    access::{PAGES, SERVER_FUNCTIONS, audience},
    error::AppError,
    place::LOG_IN,
};
use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::MethodRouter,
};
use domain::{Audience, Scope};
use leptos::server_fn::error::FromServerFnError as _;

use super::{
    log_in::{Look, OwnPath},
    rest::Problem,
};
use crate::{console::Console, visitor::Visitor};

/// Of files, which the log-in page needs, too: style, scripts and pictures. None of them shows data.
const FILES: Audience = Audience::Public;
/// Of the page that says that there is no such page: whoever has not logged in learns nothing of what there is.
const NO_PAGE: Audience = Audience::LoggedIn;
/// How the paths of server functions begin.
const SERVER_FUNCTION: &str = "/rpc/";

/// Whom a refusal is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// Someone who looks at a page.
    Page,
    /// A page's script, or a form without one.
    ServerFunction,
    Program,
}

/// A route with who may use it.
pub(crate) struct Ruled<S = ()> {
    pub(crate) path: String,
    /// Of people.
    pub(crate) audience: Audience,
    /// What a program's token must have; `None`: no token opens it.
    pub(crate) scope: Option<Scope>,
    pub(crate) face: Face,
    pub(crate) handler: MethodRouter<S>,
}

impl Ruled<Console> {
    /// A file that a page of admins leads to.
    pub(crate) fn file_for_admins(path: &str, handler: MethodRouter<Console>) -> Self {
        Self::file(path, Audience::Admin, handler)
    }

    /// A file that a page leads to, for whoever may use the page.
    pub(crate) fn file(path: &str, audience: Audience, handler: MethodRouter<Console>) -> Self {
        Self {
            path: path.to_owned(),
            audience,
            scope: None,
            face: Face::Page,
            handler,
        }
    }
}

/// A router of these routes, each behind its rule.
pub(crate) fn guarded<S: Clone + Send + Sync + 'static>(routes: Vec<Ruled<S>>, look: &Look) -> Router<S> {
    routes.into_iter().fold(Router::new(), |router, route| {
        let rule = Rule {
            audience: Some(route.audience),
            scope: route.scope,
            face: route.face,
            look: look.clone(),
        };
        let handler = route.handler.layer(middleware::from_fn_with_state(rule, admit));
        router.route(&route.path, handler)
    })
}

/// Who may use what is asked for, and how it is told to whoever may not.
#[derive(Clone)]
pub(crate) struct Rule {
    /// `None`: nobody.
    audience: Option<Audience>,
    scope: Option<Scope>,
    face: Face,
    look: Look,
}

impl Rule {
    /// Files are asked for before anyone has logged in, so who asks is not looked up.
    pub(crate) fn of_files(look: &Look) -> Self {
        Self::of_pages(FILES, look)
    }

    pub(crate) fn of_no_page(look: &Look) -> Self {
        Self::of_pages(NO_PAGE, look)
    }

    fn of_pages(audience: Audience, look: &Look) -> Self {
        Self {
            audience: Some(audience),
            scope: None,
            face: Face::Page,
            look: look.clone(),
        }
    }
}

pub(crate) async fn admit(State(rule): State<Rule>, request: Request, next: Next) -> Response {
    match rule.refusal(&request) {
        None => next.run(request).await,
        Some(why) => rule.refused(why, &request),
    }
}

/// For the pages and server functions of the console, by the route that was matched.
pub(crate) async fn admit_to_console(State(look): State<Look>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let path = matched.map_or("", MatchedPath::as_str);
    let (list, face) = if path.starts_with(SERVER_FUNCTION) {
        (SERVER_FUNCTIONS, Face::ServerFunction)
    } else {
        (PAGES, Face::Page)
    };
    let rule = Rule {
        audience: audience(list, path),
        scope: None,
        face,
        look,
    };
    admit(State(rule), request, next).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NotLoggedIn,
    NotAllowed,
    /// A program's token lacks it.
    WithoutScope(Scope),
}

impl Why {
    fn error(self) -> AppError {
        match self {
            Self::NotLoggedIn => AppError::NotLoggedIn,
            Self::NotAllowed | Self::WithoutScope(_) => AppError::NotAllowed,
        }
    }

    fn problem(self) -> Problem {
        match self {
            Self::NotLoggedIn => Problem::unauthorized(),
            Self::NotAllowed => AppError::NotAllowed.into(),
            Self::WithoutScope(scope) => Problem::without_scope(scope),
        }
    }
}

impl Rule {
    fn refusal(&self, request: &Request) -> Option<Why> {
        let visitor = request.extensions().get::<Visitor>();
        if let (Some(token), Some(scope)) = (visitor.and_then(Visitor::program), self.scope) {
            return (!token.has(scope)).then_some(Why::WithoutScope(scope));
        }
        let role = visitor.and_then(Visitor::role);
        if self.audience.is_some_and(|audience| audience.admits(role)) {
            None
        } else if role.is_none() {
            Some(Why::NotLoggedIn)
        } else {
            Some(Why::NotAllowed)
        }
    }

    fn refused(&self, why: Why, request: &Request) -> Response {
        match (self.face, why) {
            (Face::Program, why) => why.problem().into_response(),
            (Face::ServerFunction, why) if !wants_a_page(request.headers()) => told_to_script(&why.error()),
            (_, Why::NotLoggedIn) => Redirect::to(&self.log_in_from(request)).into_response(),
            (_, Why::NotAllowed | Why::WithoutScope(_)) => self.look.not_allowed(),
        }
    }

    /// The log-in page, which leads on to where the visitor wanted to be.
    fn log_in_from(&self, request: &Request) -> String {
        let wanted = match self.face {
            Face::Page if request.method() == Method::GET => {
                OwnPath::read(request.uri().path_and_query().map_or("", |path| path.as_str()))
            }
            _ => OwnPath::of_referer(request.headers()),
        };
        match wanted {
            Some(wanted) => wanted.after(LOG_IN),
            None => LOG_IN.to_owned(),
        }
    }
}

/// A form without scripts asks for a page, a script for data.
fn wants_a_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn told_to_script(error: &AppError) -> Response {
    let status = match error {
        AppError::NotLoggedIn => StatusCode::UNAUTHORIZED,
        _ => StatusCode::FORBIDDEN,
    };
    (status, [(header::CONTENT_TYPE, "application/json")], error.ser()).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{
        body::Body,
        routing::{get, post},
    };
    use chrono::DateTime;
    use domain::{Account, AccountId, Role, SessionId};
    use store::Session;
    use tower::ServiceExt as _;

    use super::*;
    use crate::visitor::{LoggedIn, Who};

    fn admin() -> Visitor {
        let at = DateTime::UNIX_EPOCH;
        let account = AccountId("01934f5e-0000-7000-8000-000000000001".parse().expect("an id"));
        let logged_in = LoggedIn {
            account: Account {
                id: account,
                email: "ana@company.example".to_owned(),
                role: Role::Admin,
                set_up: true,
                signs_on: false,
                disabled_at: None,
                created_at: at,
            },
            session: Session {
                id: SessionId("01934f5e-0000-7000-8000-000000000002".parse().expect("an id")),
                account,
                began_at: at,
                confirmed_at: at,
                last_seen_at: at,
                address: String::new(),
                browser: String::new(),
                signed_on: None,
            },
        };
        Visitor {
            who: Who::Account(Arc::new(logged_in)),
            address: None,
        }
    }

    async fn status(visitor: Option<Visitor>, method: Method, path: &str) -> StatusCode {
        let look = Look::new("/style.css", "console.example");
        let router: Router = Router::new()
            .route("/undeclared", get(|| async { "data" }))
            .route("/rpc/undeclared", post(|| async { "data" }))
            .layer(middleware::from_fn_with_state(look, admit_to_console));
        let mut request = Request::builder().method(method).uri(path);
        if let Some(visitor) = visitor {
            request = request.extension(visitor);
        }
        let request = request.body(Body::empty()).expect("a request");
        router.oneshot(request).await.expect("an answer").status()
    }

    #[tokio::test]
    async fn what_is_declared_nowhere_is_refused_to_everyone() {
        for (method, path) in [(Method::GET, "/undeclared"), (Method::POST, "/rpc/undeclared")] {
            let as_admin = status(Some(admin()), method.clone(), path).await;
            assert_eq!(as_admin, StatusCode::FORBIDDEN, "{path}");
            for nobody in [None, Some(Visitor::default())] {
                let refused = status(nobody, method.clone(), path).await;
                assert!(
                    [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED].contains(&refused),
                    "{path}"
                );
            }
        }
    }
}
