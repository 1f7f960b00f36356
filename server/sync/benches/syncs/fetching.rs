//! Fetching and parsing of a tenant's members as one would write it in an afternoon: a number of pages ahead, each in a task
//! of its own, with the HTTP client that the connector has, too.

use futures_util::{StreamExt, stream};
use reqwest::Client;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sync::{PAGE_SIZE, Settings};

use crate::provider::TENANT;

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Answer<U> {
    users: Vec<U>,
    statistics: Statistics,
}

#[derive(Deserialize)]
struct Statistics {
    count: u32,
}

#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) userid: i64,
    pub(crate) username: String,
    pub(crate) email: Option<String>,
    pub(crate) insided_sso_customeruid: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) rank_id: i64,
    pub(crate) rank_name: String,
    pub(crate) is_moderator: i64,
    pub(crate) joindate: i64,
    pub(crate) lastactivity: i64,
    pub(crate) lastvisit: i64,
    pub(crate) posts: i64,
    pub(crate) topics: i64,
    pub(crate) solved: i64,
    pub(crate) likes: i64,
    pub(crate) likes_given: i64,
    #[serde(rename = "_related")]
    pub(crate) related: Related,
}

#[derive(Deserialize)]
pub(crate) struct Related {
    pub(crate) userprofilefields: Vec<ProfileField>,
    pub(crate) badges: Box<RawValue>,
    pub(crate) roles: Box<RawValue>,
}

#[derive(Deserialize, serde::Serialize)]
pub(crate) struct ProfileField {
    pub(crate) profilefield_name: String,
    pub(crate) value: String,
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured here stands beside the connector, whose client is its own"
)]
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .tcp_nodelay(true)
        .gzip(true)
        .no_proxy()
        .build()
        .expect("a client")
}

/// Hands over all members, page by page.
pub(crate) async fn pass<U>(client: &Client, address: &str, mut take: impl AsyncFnMut(&[U]))
where
    U: DeserializeOwned + Send + 'static,
{
    let token = token(client, address).await;
    let first = fetch::<U>(client.clone(), address.to_owned(), token.clone(), 1).await;
    let pages = first.statistics.count.div_ceil(PAGE_SIZE);
    take(&first.users).await;
    let fetches = (2..=pages).map(|page| {
        // Each in its own task, so that the next pages are read and parsed while one is written.
        tokio::spawn(fetch::<U>(
            client.clone(),
            address.to_owned(),
            token.clone(),
            page,
        ))
    });
    let mut answers = stream::iter(fetches).buffered(Settings::default().pages_ahead);
    while let Some(answer) = answers.next().await {
        take(&answer.expect("a page").users).await;
    }
}

async fn token(client: &Client, address: &str) -> String {
    let request = client
        .post(format!("http://{address}/oauth2/token"))
        .basic_auth(TENANT, Some("simulated-secret"))
        .form(&[("grant_type", "client_credentials"), ("scope", "read")]);
    let answer = request.send().await.expect("an answer");
    answer.json::<Token>().await.expect("a token").access_token
}

async fn fetch<U: DeserializeOwned>(client: Client, address: String, token: String, page: u32) -> Answer<U> {
    let request = client
        .get(format!("http://{address}/user"))
        .query(&[("_returnIterable", "true")])
        .query(&[("page", page), ("pageSize", PAGE_SIZE)])
        .bearer_auth(token);
    let body = request.send().await.expect("an answer").bytes().await;
    serde_json::from_slice(&body.expect("a body")).expect("a page")
}
