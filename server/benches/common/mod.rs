//! The real binary, with a folder of its own and connections to a simulated provider.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use futures_util::{StreamExt as _, stream};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

const TENANT: &str = "customer-en";
/// Connections are added so many at a time.
const ADDED_AT_ONCE: usize = 4;

pub(crate) struct Installation {
    pub(crate) folder: TempDir,
    url: String,
}

impl Installation {
    /// On the database of this URL.
    pub(crate) fn new(url: &str) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            url: url.to_owned(),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("TRIBUTARY_DATABASE_URL", &self.url)
            .env("TRIBUTARY_SECRET_KEY_FILE", self.folder.path().join("secret.key"))
            .env("TRIBUTARY_REQUESTS_PER_MINUTE", "0")
            .env("TRIBUTARY_ALLOW_HOSTS", "127.0.0.1")
            .env("TRIBUTARY_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    pub(crate) fn start(&self, words: &[&str]) -> Process {
        Process(self.command(words).spawn().expect("the binary starts"))
    }

    pub(crate) async fn run(&self, words: &[&str]) {
        let mut command = self.command(words);
        let ended = spawn_blocking(move || command.status()).await.expect("no panic");
        let status = ended.expect("the binary starts");
        assert!(status.success(), "{words:?}: {status}");
    }

    /// So many connections to a simulated tenant of a few records.
    pub(crate) async fn connect_many(&self, connections: u64) -> Process {
        let provider = free_address();
        let tenant = format!("{TENANT}:users=3,topics=2,views=3");
        let simulated = self.start(&["simulate", "--listen", &provider, "--tenant", &tenant]);
        std::fs::write(self.folder.path().join("secret"), "simulated-secret").expect("written");
        stream::iter(1..=connections)
            .for_each_concurrent(ADDED_AT_ONCE, |number| self.connect(&provider, number))
            .await;
        simulated
    }

    /// Under a tenant id of its own; of the client id, what stands before the stroke selects the tenant.
    async fn connect(&self, provider: &str, number: u64) {
        let (tenant, client) = (format!("{TENANT}-{number}"), format!("{TENANT}/{number}"));
        let base_url = format!("http://{provider}");
        let words = [
            ["connection", "add"],
            ["--tenant-id", &tenant],
            ["--base-url", &base_url],
            ["--client-id", &client],
            ["--client-secret-file", "secret"],
        ];
        self.run(&words.concat()).await;
    }
}

/// Ends with the measurement.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is said where it is missed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}
