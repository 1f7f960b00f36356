//! What one would write for one tenant in an afternoon: fetch, parse, upsert. No ledger, hash, checkpoint, lease, set-aside
//! record or repeated key; the same HTTP client, the same number of pages ahead, the same SQLite.

use futures_util::{StreamExt, stream};
use reqwest::Client;
use rusqlite::{Connection, params};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sync::{PAGE_SIZE, Settings};
use tempfile::TempDir;

use crate::{provider::TENANT, usage::Watch};

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
struct User {
    userid: i64,
    username: String,
    email: Option<String>,
    insided_sso_customeruid: Option<String>,
    avatar: Option<String>,
    rank_id: i64,
    rank_name: String,
    is_moderator: i64,
    joindate: i64,
    lastactivity: i64,
    lastvisit: i64,
    posts: i64,
    topics: i64,
    solved: i64,
    likes: i64,
    likes_given: i64,
    #[serde(rename = "_related")]
    related: Related,
}

#[derive(Deserialize)]
struct Related {
    userprofilefields: Vec<ProfileField>,
    badges: Box<RawValue>,
    roles: Box<RawValue>,
}

#[derive(Deserialize, serde::Serialize)]
struct ProfileField {
    profilefield_name: String,
    value: String,
}

const TABLE: &str = "CREATE TABLE member (
    userid INTEGER PRIMARY KEY, username TEXT, email TEXT, sso_id TEXT, avatar TEXT, rank_id INTEGER, rank_name TEXT,
    is_moderator INTEGER, joindate INTEGER, lastactivity INTEGER, lastvisit INTEGER, posts INTEGER, topics INTEGER,
    solved INTEGER, likes INTEGER, likes_given INTEGER, profile TEXT, badges TEXT, roles TEXT)";

const UPSERT: &str = "INSERT INTO member VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (userid) DO UPDATE SET username = excluded.username, email = excluded.email, sso_id = excluded.sso_id,
    avatar = excluded.avatar, rank_id = excluded.rank_id, rank_name = excluded.rank_name,
    is_moderator = excluded.is_moderator, joindate = excluded.joindate, lastactivity = excluded.lastactivity,
    lastvisit = excluded.lastvisit, posts = excluded.posts, topics = excluded.topics, solved = excluded.solved,
    likes = excluded.likes, likes_given = excluded.likes_given, profile = excluded.profile, badges = excluded.badges,
    roles = excluded.roles";

/// Two passes over all members, a line each.
pub(crate) async fn measure(address: &str) -> String {
    let folder = TempDir::new().expect("a folder");
    let mut database = Connection::open(folder.path().join("bare.db")).expect("a database");
    database
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        .expect("a database");
    database.execute_batch(TABLE).expect("a table");
    let client = client();
    let mut passes = Vec::new();
    for _ in 0..2 {
        let watch = Watch::start();
        pass(&client, address, |users: &[User]| upsert(&mut database, users)).await;
        passes.push(watch.read());
    }
    passes.join("\n")
}

/// One pass that reads all pages and does nothing with them: what fetching alone takes.
pub(crate) async fn measure_fetching(address: &str) -> String {
    let watch = Watch::start();
    pass(&client(), address, |_: &[Box<RawValue>]| ()).await;
    watch.read()
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured here stands beside the connector, whose client is its own"
)]
fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .tcp_nodelay(true)
        .gzip(true)
        .no_proxy()
        .build()
        .expect("a client")
}

async fn pass<U>(client: &Client, address: &str, mut take: impl FnMut(&[U]))
where
    U: DeserializeOwned + Send + 'static,
{
    let token = token(client, address).await;
    let first = fetch::<U>(client.clone(), address.to_owned(), token.clone(), 1).await;
    let pages = first.statistics.count.div_ceil(PAGE_SIZE);
    take(&first.users);
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
        take(&answer.expect("a page").users);
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

fn upsert(database: &mut Connection, users: &[User]) {
    let transaction = database.transaction().expect("a transaction");
    let mut statement = transaction.prepare_cached(UPSERT).expect("a statement");
    for user in users {
        let profile = serde_json::to_string(&user.related.userprofilefields).expect("JSON");
        statement
            .execute(params![
                user.userid,
                user.username,
                user.email,
                user.insided_sso_customeruid,
                user.avatar,
                user.rank_id,
                user.rank_name,
                user.is_moderator,
                user.joindate,
                user.lastactivity,
                user.lastvisit,
                user.posts,
                user.topics,
                user.solved,
                user.likes,
                user.likes_given,
                profile,
                user.related.badges.get(),
                user.related.roles.get(),
            ])
            .expect("an upsert");
    }
    drop(statement);
    transaction.commit().expect("a commit");
}
