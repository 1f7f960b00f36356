//! A folder, the binary, simulated tenants and a small HTTP client.

use std::{
    collections::HashMap,
    fmt::Debug,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

pub(crate) const SECRET: &str = "simulated-secret";

/// Who looks at the console in a story, unless it says otherwise.
pub(crate) const ADMIN: &str = "ana@company.example";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Longer than anything that works takes, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Asks again until there is an answer. A story never waits a fixed time.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited too long for {what}");
        thread::sleep(LOOK_INTERVAL);
    }
}

/// A folder with an installation. It goes away with the story.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "tributary-story-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("secret.txt"), format!("{SECRET}\n")).expect("a secret file");
        fs::write(folder.join("password.txt"), format!("{PASSWORD}\n")).expect("a password file");
        Self {
            folder,
            variables: vec![
                ("TRIBUTARY_RETRY_BACKOFF", "0s,0s,0s,0s".to_owned()),
                ("TRIBUTARY_REQUESTS_PER_MINUTE", "0".to_owned()),
                // Simulated tenants answer on this machine, in clear.
                ("TRIBUTARY_ALLOW_HOSTS", "127.0.0.1".to_owned()),
            ],
        }
    }

    /// The last word on a variable.
    pub(crate) fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command
            .args(words)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (*name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Done {
        let output = self.command(words).output().expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Done {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Starts a command that stays.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        Running::of(self.command(words).spawn().expect("the binary starts"))
    }

    /// Starts a command that serves, and waits for its address. At a console an admin logs in, and whatever a story asks
    /// of that address from then on is asked with the admin's cookies; a `cookie` header of its own goes before.
    pub(crate) fn serve(&self, words: &[&str]) -> (Running, SocketAddr) {
        if words[0] != "serve" {
            return self.serve_to_nobody(words);
        }
        // There is one already if it is started again.
        self.add_account(ADMIN, "admin");
        let (running, address) = self.serve_to_nobody(words);
        let cookies = log_in(address, ADMIN, PASSWORD);
        COOKIES.lock().expect("no panic").insert(address, cookies);
        (running, address)
    }

    /// The same, and nobody has logged in.
    pub(crate) fn serve_to_nobody(&self, words: &[&str]) -> (Running, SocketAddr) {
        let running = self.start(words);
        let address = running.address();
        (running, address)
    }

    /// Whose password is [`PASSWORD`].
    /// Entries of the audit trail, oldest first.
    pub(crate) fn trail(&self) -> Vec<Value> {
        let listed = self
            .run(&["audit", "list", "--after", "0", "--json"])
            .succeeded()
            .json();
        listed.as_array().expect("entries").clone()
    }

    pub(crate) fn add_account(&self, email: &str, role: &str) -> Done {
        let password = ["--password-file", "password.txt", "--json"];
        self.run(
            &[
                &["account", "add", "--email", email, "--role", role][..],
                &password,
            ]
            .concat(),
        )
    }

    pub(crate) fn simulate(&self, tenant: &str, more: &[&str]) -> (Running, SocketAddr) {
        let words = ["simulate", "--listen", "127.0.0.1:0", "--tenant", tenant];
        self.serve(&[&words, more].concat())
    }

    /// Connects a tenant whose client id is its name, as the simulator wants it.
    pub(crate) fn connect(&self, tenant: &str, base_url: &str) {
        self.add(tenant, base_url, tenant).succeeded();
    }

    pub(crate) fn add(&self, tenant: &str, base_url: &str, client_id: &str) -> Done {
        self.run(&[
            "connection",
            "add",
            "--tenant-id",
            tenant,
            "--base-url",
            base_url,
            "--client-id",
            client_id,
            "--client-secret-file",
            "secret.txt",
            "--json",
        ])
    }

    pub(crate) fn sync(&self, tenant: &str) -> Done {
        self.run(&["sync", tenant, "--json"])
    }

    pub(crate) fn runs(&self) -> Vec<Value> {
        let runs = self.run(&["runs", "--json"]).succeeded().json();
        runs.as_array().expect("an array").clone()
    }

    /// Every byte that the installation keeps.
    pub(crate) fn kept(&self) -> Vec<u8> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(self.path("data")).expect("the data folder") {
            kept.extend(fs::read(entry.expect("an entry").path()).expect("a file"));
        }
        kept
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !thread::panicking() {
            fs::remove_dir_all(&self.folder).expect("nothing holds the folder");
        }
    }
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stderr, self.stdout);
        self
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.ended(0)
    }

    /// An error says what is wrong and what to do next.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in: {}", self.stderr);
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A process that stays. It ends with the story.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Running {
    fn of(mut child: Child) -> Self {
        let said = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().expect("a pipe");
        let lines = Arc::clone(&said);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut said = lines.lock().expect("no panic");
                said.push_str(&line);
                said.push('\n');
            }
        });
        Self { child, said }
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    fn address(&self) -> SocketAddr {
        wait_for("the address", || {
            let said = self.said();
            let (_, rest) = said.split_once(" at http://")?;
            rest.split_whitespace().next()?.parse().ok()
        })
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.expect("kill").success());
    }

    /// Waits for the end; the exit code, what was printed and how long it took.
    pub(crate) fn wait(mut self) -> (Done, Duration) {
        let began = Instant::now();
        let status = wait_for("the end of the process", || {
            self.child.try_wait().expect("a child")
        });
        let took = began.elapsed();
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("a pipe");
        pipe.read_to_string(&mut stdout).expect("text");
        let done = Done {
            code: status.code(),
            stdout,
            stderr: self.said(),
        };
        (done, took)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The cookies of whoever looks at the console of an address.
static COOKIES: LazyLock<Mutex<HashMap<SocketAddr, String>>> = LazyLock::new(Mutex::default);

/// Logs in by the form; the cookies, as a browser sends them back.
pub(crate) fn log_in(address: SocketAddr, email: &str, password: &str) -> String {
    let answer = try_log_in(address, "", email, password);
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.cookies()
}

/// With the cookies that the browser has, if any.
pub(crate) fn try_log_in(address: SocketAddr, cookies: &str, email: &str, password: &str) -> Answer {
    let fields = [("email", email), ("password", password)];
    post_form(address, cookies, "/log-in", &fields)
}

/// A form of the console's own pages, as a browser sends it.
pub(crate) fn post_form(address: SocketAddr, cookies: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    let origin = format!("http://{address}");
    let headers = [
        ("origin", origin.as_str()),
        ("cookie", cookies),
        ("accept", "text/html"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    send(address, "POST", path, &headers, &fields.join("&"))
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case, one a line.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// As a browser sends back what this answer sets.
    pub(crate) fn cookies(&self) -> String {
        let lines = self
            .head
            .lines()
            .filter_map(|line| line.strip_prefix("set-cookie: "));
        let pairs: Vec<&str> = lines.filter_map(|line| line.split(';').next()).collect();
        // The head is in lower case here, and the names are not.
        pairs.join("; ").replace("__host-", "__Host-")
    }

    /// Where it leads to.
    pub(crate) fn location(&self) -> &str {
        let location = self.head.lines().find_map(|line| line.strip_prefix("location: "));
        location.unwrap_or_else(|| panic!("it leads nowhere: {}", self.head))
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path, &[])
}

/// A form as a browser without scripts sends it from the given page.
pub(crate) fn submit(address: SocketAddr, from: &str, action: &str, fields: &str) -> Answer {
    let origin = format!("http://{address}");
    let page = format!("{origin}{from}");
    let length = fields.len().to_string();
    let headers = [
        ("origin", origin.as_str()),
        ("referer", page.as_str()),
        ("accept", "text/html"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", length.as_str()),
    ];
    send(address, "POST", action, &headers, fields)
}

/// One request over a connection of its own; the headers may name another host.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, method, path, headers, "")
}

pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let (host, length) = (address.to_string(), body.len().to_string());
    let cookies = COOKIES.lock().expect("no panic").get(&address).cloned();
    let cookies = cookies.unwrap_or_default();
    let usual = [
        ("connection", "close"),
        ("content-length", length.as_str()),
        ("host", host.as_str()),
        ("cookie", cookies.as_str()),
    ];
    let given = |name: &str| headers.iter().any(|(known, _)| *known == name);
    let usual = usual.iter().filter(|(name, _)| !given(name));
    let lines: Vec<String> = usual
        .chain(headers)
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let text = format!("{method} {path} HTTP/1.1\r\n{}\r\n\r\n{body}", lines.join("\r\n"));
    send_raw(address, text.as_bytes())
}

/// These very bytes. The other side may close before it has read them all.
pub(crate) fn send_raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert!(!answer.is_empty(), "no answer: {error}");
    }
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let head = head.to_lowercase();
    let body = if head.contains("transfer-encoding: chunked") {
        unchunk(body)
    } else {
        body.to_owned()
    };
    Answer {
        status: status.expect("a status"),
        head,
        body,
    }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk size");
        if size == 0 {
            break;
        }
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// Answers every request with the same text, like a host that is no API.
pub(crate) fn always_answers(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer_once(stream, text));
        }
    });
    address
}

fn answer_once(mut stream: TcpStream, text: &str) {
    let mut request = [0; 4096];
    // Whoever asked may be gone by now.
    let _ = stream.read(&mut request);
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    );
}

/// Takes connections and says nothing, ever.
pub(crate) fn never_answers() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let open: Vec<_> = listener.incoming().collect();
        drop(open);
    });
    address
}

/// A port that nobody has asked.
#[derive(Debug)]
pub(crate) struct Unasked(TcpListener);

impl Unasked {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("non-blocking");
        Self(listener)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("an address"))
    }

    pub(crate) fn was_asked(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// Each stream adds up, and holds what the tenant really has: `new + invalid` in a first run.
#[track_caller]
pub(crate) fn assert_truth(run: &Value, truth: &Value) {
    for stream in streams(run) {
        let name = stream["stream"].as_str().expect("a name");
        assert_balanced(stream);
        let stored = count(stream, "new") + count(stream, "updated") + count(stream, "unchanged");
        let real = &truth["streams"][name];
        assert_eq!(stored, count(real, "valid"), "valid {name}");
        assert_eq!(count(stream, "invalid"), count(real, "invalid"), "invalid {name}");
    }
}

#[track_caller]
pub(crate) fn assert_balanced(stream: &Value) {
    let parts = ["new", "updated", "unchanged", "invalid", "repeated"];
    let sum: u64 = parts.iter().map(|part| count(stream, part)).sum();
    assert_eq!(count(stream, "found"), sum, "{stream}");
}

pub(crate) fn streams(run: &Value) -> &[Value] {
    let streams = run["streams"].as_array().expect("streams");
    assert_eq!(streams.len(), 6);
    streams
}

#[track_caller]
pub(crate) fn count(of: &Value, field: &str) -> u64 {
    of[field].as_u64().unwrap_or_else(|| panic!("no {field} in {of}"))
}

/// Whether `text` occurs in these bytes.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("a file")
}

/// For values that only have to be there.
#[track_caller]
pub(crate) fn text<'a>(of: &'a Value, field: &(impl serde_json::value::Index + Debug)) -> &'a str {
    of[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field:?} in {of}"))
}
