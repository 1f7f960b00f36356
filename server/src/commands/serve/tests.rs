//! Every route of the console, asked for by everyone: each role, someone who has not logged in, and programs.

use std::{collections::BTreeSet, net::IpAddr};

use app::{
    App,
    access::{PAGES, SERVER_FUNCTIONS, audience},
    answer::ANSWERED,
};
use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, StatusCode, header, request},
};
use clap::Parser as _;
use domain::{AccountId, Audience, Role, Scope};
use leptos::server_fn;
use leptos_axum::generate_route_list;
use store::NewAccount;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use crate::{
    accounts::{Caller, Wanted, make_token, token_lives},
    cli::Command,
    secrets::to_hex,
    system::{random_bytes, random_id},
};

const EVERYONE: [Option<Role>; 3] = [None, Some(Role::Csm), Some(Role::Admin)];

struct Served {
    router: Router,
    installation: Installation,
    _folder: TempDir,
}

async fn serve() -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("tributary.db").display());
    let words = ["tributary", "--database-url", url.as_str(), "serve"];
    let cli = Cli::try_parse_from(words).expect("words");
    let installation = Installation::open(&cli).await.expect("an installation");
    let Command::Serve(options) = &cli.command else {
        panic!("it is serve");
    };
    Served {
        router: router(&installation, options, WakeUp::default(), "http://localhost").expect("a router"),
        installation,
        _folder: folder,
    }
}

impl Served {
    /// The cookie of someone with this role who has just logged in.
    async fn cookie(&self, role: Role) -> String {
        let store = &self.installation.store;
        let by = operator(self.installation.clock.now());
        let account = NewAccount {
            id: AccountId(random_id(by.at)),
            email: format!("{}@company.example", to_hex(&random_bytes::<8>())),
            role,
            password_hash: None,
        };
        store.add_account(&account, &by).await.expect("an account");
        let caller = Caller {
            address: IpAddr::from([127, 0, 0, 1]),
            counted_as: IpAddr::from([127, 0, 0, 1]),
            browser: String::new(),
            device: None,
        };
        let door = Door::new(Arc::clone(store), Arc::clone(&self.installation.clock));
        let issued = door
            .begin(account.id, None, &caller, &[])
            .await
            .expect("an answer");
        format!("tributary-session={}", issued.expect("a session").session.text())
    }

    async fn ask(&self, role: Option<Role>, method: &Method, path: &str) -> Response<Body> {
        let mut request = request(method, path);
        if let Some(role) = role {
            request = request.header(header::COOKIE, self.cookie(role).await);
        }
        self.answer(request).await
    }

    async fn ask_as_program(&self, scope: Scope, method: &Method, path: &str) -> Response<Body> {
        let wanted = Wanted {
            name: "a program".to_owned(),
            scopes: [scope].into(),
            lives: token_lives("1h").expect("an hour"),
        };
        let by = operator(self.installation.clock.now());
        let made = make_token(self.installation.store.as_ref(), wanted, &by).await;
        let shown = format!("Bearer {}", made.expect("a token").text);
        self.answer(request(method, path).header(header::AUTHORIZATION, shown))
            .await
    }

    async fn answer(&self, request: request::Builder) -> Response<Body> {
        let request = request.body(Body::empty()).expect("a request");
        self.router.clone().oneshot(request).await.expect("an answer")
    }

    /// Asks as everyone, and compares who was let through with who may be.
    async fn assert_rule(&self, audience: Audience, needs: Option<Scope>, method: &Method, path: &str) {
        for scope in Scope::ALL {
            let answer = self.ask_as_program(scope, method, path).await;
            let admitted = needs.map_or(audience.admits(None), |needs| needs == scope);
            assert_eq!(
                !is_refusal(&answer),
                admitted,
                "{method} {path} with {scope}: {answer:?}"
            );
        }
        for role in EVERYONE {
            let answer = self.ask(role, method, path).await;
            assert_eq!(
                !is_refusal(&answer),
                audience.admits(role),
                "{method} {path} as {role:?}: {answer:?}"
            );
        }
    }
}

fn request(method: &Method, path: &str) -> request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
}

/// Neither for the role nor without a log-in. A method that there is not (405) is told only to whoever may use the route.
fn is_refusal(answer: &Response<Body>) -> bool {
    let leads_to = answer.headers().get(header::LOCATION);
    let leads_to = leads_to.and_then(|location| location.to_str().ok());
    match answer.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
        _ => leads_to.is_some_and(|path| path == "/log-in" || path.starts_with("/log-in?next=")),
    }
}

fn names<'a>(list: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    list.collect()
}

#[tokio::test]
async fn every_page_has_a_rule_and_keeps_to_it() {
    let served = serve().await;
    let routes = generate_route_list(App);
    assert_eq!(
        names(routes.iter().map(leptos_axum::AxumRouteListing::path)),
        names(PAGES.iter().map(|(path, _)| *path)),
        "a page and its rule in app::access come and go together"
    );
    for (path, audience) in PAGES {
        served.assert_rule(*audience, None, &Method::GET, path).await;
    }
    for (path, function) in ANSWERED {
        let rule = audience(PAGES, path).expect("it is a page");
        assert_eq!(
            Some(rule),
            audience(SERVER_FUNCTIONS, function),
            "{path} answers {function}"
        );
        served.assert_rule(rule, None, &Method::POST, path).await;
    }
    served
        .assert_rule(Audience::LoggedIn, None, &Method::GET, "/no/such/page")
        .await;
}

#[tokio::test]
async fn every_server_function_has_a_rule_and_keeps_to_it() {
    let served = serve().await;
    let registered: Vec<_> = server_fn::axum::server_fn_paths().collect();
    assert_eq!(
        names(registered.iter().map(|(path, _)| *path)),
        names(SERVER_FUNCTIONS.iter().map(|(path, _)| *path)),
        "a server function and its rule in app::access come and go together"
    );
    for (path, method) in &registered {
        let rule = SERVER_FUNCTIONS.iter().find(|(known, _)| known == path);
        let (_, audience) = rule.expect("it was compared above");
        served.assert_rule(*audience, None, method, path).await;
    }
}

#[tokio::test]
async fn every_other_route_keeps_to_its_rule() {
    let served = serve().await;
    let routes = http::ruled();
    assert!(routes.len() > 20, "{routes:?}");
    for route in routes {
        let path = route
            .path
            .replace("{tenant_id}", "nobody")
            .replace("{run_id}", "1")
            .replace("{external_id}", "C-1")
            .replace("{*rest}", "x");
        for method in &route.methods {
            served
                .assert_rule(route.audience, route.scope, method, &path)
                .await;
        }
    }
}
