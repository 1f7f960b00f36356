//! `make bench WHAT=pages`: how quickly the console answers, asked over loopback by a client on the same cores. All of it is the real
//! binary, on the embedded database. Prints rows of the table that `.make/bench` begins.

mod common;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use reqwest::{Client, header, redirect::Policy};
use rusqlite::Connection;

use crate::common::{Installation, free_address};

const CONNECTIONS: u32 = 1_000;
/// Pages that are rendered one after the other, of which the slowest hundredth is told.
const RENDERED: usize = 500;
const ANSWERED: usize = 30_000;
const AT_ONCE: usize = 16;
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// A thousand runs of a few records take seconds.
const PATIENCE: Duration = Duration::from_mins(3);

const EMAIL: &str = "bench@tributary.example";
const PASSWORD: &str = "a password for nothing else";
const OVERVIEW: &str = "/administration/general/community-management";

const RENDERED_WITHIN: Duration = Duration::from_millis(10);
const ANSWERED_PER_SECOND: f64 = 5_000.0;

#[tokio::main]
async fn main() -> ExitCode {
    let installation = Installation::new("sqlite://tributary.db");
    let _provider = installation.connect_many(CONNECTIONS.into()).await;
    installation.add_account().await;
    let address = free_address();
    let _console = installation.start(&["serve", "--listen", &address]);
    let database = Connection::open(installation.folder.path().join("tributary.db")).expect("the database");
    wait_for_all(&database).await;
    let console = Console::log_in(address).await;
    tell_rendered(&console, &database).await;
    tell_answered(&console).await;
    ExitCode::SUCCESS
}

impl Installation {
    async fn add_account(&self) {
        std::fs::write(self.folder.path().join("password"), PASSWORD).expect("written");
        let words = [
            ["account", "add"],
            ["--email", EMAIL],
            ["--role", "admin"],
            ["--password-file", "password"],
        ];
        self.run(&words.concat()).await;
    }
}

/// Until every connection has had a run, so that its card has something to show.
async fn wait_for_all(database: &Connection) {
    let ended = "SELECT COUNT(*) FROM run WHERE finished_at IS NOT NULL";
    let since = Instant::now();
    loop {
        let runs: u32 = database.query_row(ended, [], |row| row.get(0)).expect("a count");
        if runs >= CONNECTIONS {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{runs} of {CONNECTIONS} have run");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

struct Console {
    client: Client,
    address: String,
    cookies: String,
}

impl Console {
    #[expect(
        clippy::disallowed_methods,
        reason = "a browser's place, which no rule for outgoing requests holds back"
    )]
    async fn log_in(address: String) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .build()
            .expect("a client");
        let answer = client
            .post(format!("http://{address}/log-in"))
            .header(header::ORIGIN, format!("http://{address}"))
            .form(&[("email", EMAIL), ("password", PASSWORD)])
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 303, "the log-in");
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        let cookies: Vec<_> = cookies
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .collect();
        Self {
            cookies: cookies.join("; "),
            client,
            address,
        }
    }

    /// How long the whole answer took.
    async fn get(&self, path: &str) -> Duration {
        let began = Instant::now();
        let request = self.client.get(format!("http://{}{path}", self.address));
        let answer = request.header(header::COOKIE, &self.cookies).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.expect("a whole answer");
        began.elapsed()
    }

    async fn per_second(&self, path: &str) -> f64 {
        let began = Instant::now();
        stream::iter(0..ANSWERED)
            .for_each_concurrent(AT_ONCE, async |_| {
                self.get(path).await;
            })
            .await;
        f64::from(u32::try_from(ANSWERED).unwrap_or(u32::MAX)) / began.elapsed().as_secs_f64()
    }
}

/// The page of all connections, each time after something was committed, so that nothing that was kept is true any more.
async fn tell_rendered(console: &Console, database: &Connection) {
    let (mut anew, mut kept) = (Vec::new(), Vec::new());
    for _ in 0..RENDERED {
        database
            .execute(
                "UPDATE connection SET name = name WHERE tenant_id = 'customer-en-1'",
                [],
            )
            .expect("a commit");
        anew.push(console.get(OVERVIEW).await);
        kept.push(console.get(OVERVIEW).await);
    }
    for (what, share) in [("the slowest of a hundred", 99), ("the median", 50)] {
        let (anew, kept) = (at(&mut anew, share), at(&mut kept, share));
        println!(
            "| Community Management of {CONNECTIONS} connections after a change, {what}, beside asked again | {:.2} ms | \
             {:.2} ms | {:.2} |",
            milliseconds(anew),
            milliseconds(kept),
            anew.as_secs_f64() / kept.as_secs_f64(),
        );
        if share == 99 && anew > RENDERED_WITHIN {
            eprintln!("missed: {RENDERED_WITHIN:?} for a page of {CONNECTIONS} connections");
        }
    }
}

async fn tell_answered(console: &Console) {
    let (small, bare) = (
        console.per_second("/administration/accounts").await,
        console.per_second("/healthz").await,
    );
    println!(
        "| Requests for a small page, {AT_ONCE} at a time, beside those for two bytes | {small:.0}/s | {bare:.0}/s | {:.2} |",
        small / bare
    );
    if small < ANSWERED_PER_SECOND {
        eprintln!("missed: {ANSWERED_PER_SECOND} requests a second");
    }
}

fn at(times: &mut [Duration], share: usize) -> Duration {
    times.sort();
    times[times.len() * share / 100]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
