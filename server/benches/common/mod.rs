//! The real binary, with a folder of its own and connections to a simulated provider.

#![allow(dead_code, reason = "each bench uses a part of it")]

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

pub(crate) const TENANT: &str = "customer-en";
/// Connections are added so many at a time.
const ADDED_AT_ONCE: usize = 4;
/// The kernel keeps the peak, so what is missed is the last of it.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

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

    /// The same, with a log of the runs that it takes up.
    pub(crate) fn start_logged(&self, words: &[&str], log: &str) -> Process {
        let log = File::create(self.folder.path().join(log)).expect("a file");
        let mut command = self.command(words);
        command
            .env("TRIBUTARY_LOG", "warn,sync=info")
            .env("TRIBUTARY_LOG_FORMAT", "json")
            .stderr(log);
        Process(command.spawn().expect("the binary starts"))
    }

    /// The same with what it tells people, for [`Process::wait_for_word`].
    pub(crate) fn start_telling(&self, words: &[&str]) -> Process {
        let mut command = self.command(words);
        Process(command.stderr(Stdio::piped()).spawn().expect("the binary starts"))
    }

    pub(crate) async fn run(&self, words: &[&str]) {
        let mut command = self.command(words);
        let ended = spawn_blocking(move || command.status()).await.expect("no panic");
        let status = ended.expect("the binary starts");
        assert!(status.success(), "{words:?}: {status}");
    }

    /// What a command prints.
    pub(crate) async fn ask(&self, words: &[&str]) -> Vec<u8> {
        let mut command = self.command(words);
        command.stdout(Stdio::piped());
        let ended = spawn_blocking(move || command.output()).await.expect("no panic");
        let output = ended.expect("the binary starts");
        assert!(output.status.success(), "{words:?}: {}", output.status);
        output.stdout
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("written");
    }

    /// So many connections to a simulated tenant of a few records.
    pub(crate) async fn connect_many(&self, connections: u64) -> Process {
        let provider = free_address();
        let tenant = format!("{TENANT}:users=3,topics=2,views=3");
        let simulated = self.start(&["simulate", "--listen", &provider, "--tenant", &tenant]);
        self.write("secret", "simulated-secret");
        stream::iter(1..=connections)
            .for_each_concurrent(ADDED_AT_ONCE, |number| self.connect(&provider, number))
            .await;
        simulated
    }

    /// Under a tenant id of its own; of the client id, what stands before the stroke selects the tenant.
    pub(crate) async fn connect(&self, provider: &str, number: u64) {
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

impl Process {
    /// Waits until it tells people something for the first time.
    pub(crate) async fn wait_for_word(&mut self) {
        let mut told = BufReader::new(self.0.stderr.take().expect("a pipe"));
        let told = spawn_blocking(move || told.read_line(&mut String::new()).map(|_| told));
        let told = told.await.expect("no panic").expect("a line");
        // It may go on to tell.
        self.0.stderr = Some(told.into_inner());
    }

    /// Waits for its end, which has to be a good one, and tells the most memory that it was seen to have.
    pub(crate) async fn wait_for_peak_mib(mut self) -> f64 {
        let mut peak_mib = 0.0_f64;
        loop {
            peak_mib = peak_mib.max(self.peak_mib());
            if let Some(status) = self.0.try_wait().expect("a process") {
                assert!(status.success(), "{status}");
                return peak_mib;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    fn peak_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }
}

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
