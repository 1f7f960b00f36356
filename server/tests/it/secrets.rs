//! Secrets: what leaves the process never holds one, and the keys that seal them change.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    thread,
};

use crate::support::{ADMIN, Done, Home, PASSWORD, get, holds, log_in, read, text, wait_for};

const PLANTED_SECRET: &str = "Zq4-never-to-be-seen-91c7";
const PLANTED_TOKEN: &str = "tok-7f3b-never-to-be-seen-either";
/// `client:PLANTED_SECRET` in base64, as a Basic header has it.
const PLANTED_BASIC: &str = "Y2xpZW50OlpxNC1uZXZlci10by1iZS1zZWVuLTkxYzc=";
const PLANTED_PASSWORD: &str = "hunter2-never-to-be-seen";

/// A provider that refuses the secret in a form, takes it in a header, and then repeats all that it was told in answers
/// that are no pages.
fn chatty_provider() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 8192];
            let read = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let (status, body) = if !request.starts_with("POST") {
                ("500 Oh", request)
            } else if request.contains("Basic ") || request.contains("basic ") {
                (
                    "200 OK",
                    format!("{{\"access_token\":\"{PLANTED_TOKEN}\",\"expires_in\":7200}}"),
                )
            } else {
                ("401 No", request)
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nx-echo: {PLANTED_TOKEN}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    address
}

fn printed(done: &Done) -> String {
    format!("{}{}", done.stdout, done.stderr)
}

/// What left the process, and where.
type Left = Vec<(String, Vec<u8>)>;

fn said_by_commands(home: &Home, base_url: &str) -> Left {
    let password_url = format!("postgres://u:{PLANTED_PASSWORD}@127.0.0.1:1/t");
    let rotate = "connection rotate customer-en --client-secret-file secret.txt --json";
    let add = format!(
        "connection add --tenant-id customer-en --client-id client --client-secret-file secret.txt --base-url {base_url}"
    );
    let from_another_database = format!("runs --database-url {password_url}");
    let commands = [
        "connection list",
        "connection list --json",
        "connection test customer-en",
        "connection test --json",
        "sync customer-en",
        "sync customer-en --json",
        "runs",
        "runs --json",
        "doctor",
        "doctor --json",
        "export users",
        "export content --json",
        "export invalid-records --output invalid.csv",
        rotate,
        add.as_str(),
        "secrets rotate",
        "secrets rotate --json",
        "migrate",
        &from_another_database,
    ];
    let said = |words: &str| printed(&home.run(&words.split(' ').collect::<Vec<_>>()));
    commands
        .map(|words| {
            (
                format!("a command: {}", words.replace(PLANTED_PASSWORD, "…")),
                said(words).into_bytes(),
            )
        })
        .into()
}

fn said_by_the_console(home: &Home) -> Left {
    let (running, address) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let run = home.runs()[0]["id"].as_str().expect("an id").to_owned();
    let paths = [
        "/administration/general/community-management".to_owned(),
        "/administration/general/community-management?tab=activity-logs".to_owned(),
        format!("/administration/general/community-management?tab=activity-logs&run={run}"),
        "/healthz".to_owned(),
        "/readyz".to_owned(),
        "/nowhere".to_owned(),
    ];
    let said = |path: String| {
        let answer = get(address, &path);
        (path, format!("{}{}", answer.head, answer.body).into_bytes())
    };
    let mut left: Left = paths.map(said).into();
    let cookies = log_in(address, ADMIN, PASSWORD);
    running.signal("TERM");
    let logged = printed(&running.wait().0);
    for cookie in cookies.split("; ") {
        let (_, token) = cookie.split_once('=').expect("a value");
        assert!(!logged.contains(token), "a token is in the log");
    }
    left.push(("serve".to_owned(), logged.into_bytes()));
    left
}

#[test]
fn planted_secrets_are_in_nothing_that_leaves_the_process() {
    let home = Home::new()
        .with("TRIBUTARY_LOG", "trace")
        .with("RUST_BACKTRACE", "full");
    fs::write(home.path("secret.txt"), PLANTED_SECRET).expect("written");
    let base_url = format!("http://{}", chatty_provider());
    home.add("customer-en", &base_url, "client").succeeded();
    let key = || {
        String::from_utf8(read(&home.path("data/secret.key")))
            .expect("text")
            .trim()
            .to_owned()
    };
    let first_key = key();
    let mut left = said_by_commands(&home, &base_url);
    left.extend(said_by_the_console(&home));
    left.extend(files_but_the_key(&home.path("data")));
    left.push(("invalid.csv".to_owned(), read(&home.path("invalid.csv"))));
    for secret in [
        PLANTED_SECRET,
        PLANTED_TOKEN,
        PLANTED_BASIC,
        PLANTED_PASSWORD,
        PASSWORD,
        &first_key,
        &key(),
    ] {
        for (place, bytes) in &left {
            let said = String::from_utf8_lossy(bytes);
            assert!(!holds(bytes, secret), "{secret} is in: {place}\n{said}");
        }
    }
    let trace = left.iter().any(|(_, bytes)| holds(bytes, "TRACE"));
    assert!(trace, "everything that is ever logged was logged");
}

fn files_but_the_key(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| !path.ends_with("secret.key"))
        .map(|path| (path.display().to_string(), read(&path)))
        .collect()
}

#[test]
fn a_restored_backup_without_the_key_reveals_no_credential() {
    let home = Home::new();
    fs::write(home.path("secret.txt"), PLANTED_SECRET).expect("written");
    home.add("customer-en", "http://127.0.0.1:1", "client")
        .succeeded();
    let restored = Home::new();
    fs::create_dir_all(restored.path("data")).expect("a folder");
    for (path, bytes) in files_but_the_key(&home.path("data")) {
        assert!(!holds(&bytes, PLANTED_SECRET), "{path}");
        let name = Path::new(&path).file_name().expect("a name").to_owned();
        fs::write(restored.path("data").join(name), bytes).expect("restored");
    }
    let list = restored.run(&["connection", "list", "--json"]).succeeded().json();
    assert_eq!(list[0]["tenant_id"], "customer-en");
    let tested = restored
        .run(&["connection", "test", "customer-en", "--json"])
        .ended(1)
        .json();
    assert_eq!(text(&tested["cause"], &"code"), "secret_unreadable");
    assert_eq!(tested["requests"], 0);
    assert!(
        !restored.path("data/secret.key").exists(),
        "a new key would open nothing"
    );

    // A key of another installation is told as such.
    restored
        .add("customer-de", "http://127.0.0.1:1", "another")
        .succeeded();
    let tested = restored
        .run(&["connection", "test", "customer-en", "--json"])
        .ended(1)
        .json();
    assert!(
        text(&tested["cause"], &"message").contains("another key"),
        "{tested}"
    );
    assert!(!tested.to_string().contains(PLANTED_SECRET));
}

#[test]
fn a_new_key_seals_everything_and_syncs_go_on() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=5,topics=2,views=2", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let before = read(&home.path("data/secret.key"));
    let report = home.run(&["secrets", "rotate", "--json"]).succeeded().json();
    assert_eq!(
        (&report["sealed_anew"], &report["resumed"]),
        (&1.into(), &false.into())
    );
    let after = read(&home.path("data/secret.key"));
    let told: Vec<_> = home
        .trail()
        .iter()
        .map(|entry| (text(entry, &"deed").to_owned(), text(entry, &"target").to_owned()))
        .skip(1)
        .collect();
    let key = format!("key {}", text(&report, &"key_id"));
    let expected = [("key_changed", key.as_str()), ("secrets_resealed", "secrets 1")];
    assert_eq!(
        told,
        expected.map(|(deed, target)| (deed.to_owned(), target.to_owned()))
    );
    assert_ne!(before, after);
    assert_eq!(after.len(), before.len(), "the former key is gone");
    home.sync("customer-en").succeeded();

    // As a process leaves the file that is killed once the new key is in it.
    fs::write(
        home.path("data/secret.key"),
        [after.as_slice(), before.as_slice()].concat(),
    )
    .expect("written");
    let doctor = home.run(&["doctor"]).succeeded();
    assert!(
        doctor.stdout.contains("a change of keys was not finished"),
        "{}",
        doctor.stdout
    );
    home.sync("customer-en").succeeded();
    let report = home.run(&["secrets", "rotate", "--json"]).succeeded().json();
    assert_eq!(report["resumed"], true);
    let trail = home.trail();
    let keys = trail.iter().filter(|entry| entry["deed"] == "key_changed");
    assert_eq!(keys.count(), 1, "the same key goes on");
    assert_eq!(read(&home.path("data/secret.key")), after);

    let nothing = Home::new();
    nothing
        .run(&["secrets", "rotate"])
        .ended(1)
        .says(&["secret.key cannot be read"]);
}

/// A core dump would hold every secret in memory.
#[cfg(target_os = "linux")]
#[test]
fn a_process_that_is_killed_leaves_no_core_dump() {
    let home = Home::new();
    let script = "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\"";
    let mut child = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_tributary")])
        .args([
            "simulate",
            "--listen",
            "127.0.0.1:0",
            "--tenant",
            "a:users=1,topics=1",
        ])
        .current_dir(home.path("."))
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let limits = format!("/proc/{}/limits", child.id());
    wait_for("the limit", || {
        let limits = fs::read_to_string(&limits).ok()?;
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))?;
        (core.split_whitespace().filter(|word| *word == "0").count() == 2).then_some(())
    });
    let killed = Command::new("kill")
        .args(["-s", "ABRT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill").success());
    let status = child.wait().expect("its end");
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
}
