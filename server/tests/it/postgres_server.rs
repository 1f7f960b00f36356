//! A PostgreSQL server of a story's own, with the real binary: restarted, dumped, and reached by an encrypted connection.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use store_postgres::testing::TestDatabase;

use crate::{
    crashes::assert_stored_once,
    postgres::{SLOWLY, completed, in_runtime, on, run_with_users},
    support::{Done, Home, assert_balanced, assert_truth, count, get, request, streams, wait_for},
};

/// It ends with the story.
struct Server {
    folder: PathBuf,
}

impl Server {
    /// `None`, after it has said so, where there are no binaries to start one from. What is put into the folder before is the
    /// server's own.
    fn start(settings: &[&str], prepare: impl FnOnce(&Path)) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Where the other tests are to run, so must this.
        in_runtime(TestDatabase::empty())?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tributary-server-{}-{number}", std::process::id());
        let server = Self {
            folder: std::env::temp_dir().join(name),
        };
        fs::create_dir_all(&server.folder).expect("a folder");
        prepare(&server.folder);
        let started = server.script(&[&["start"], settings].concat());
        if !started.status.success() {
            eprintln!(
                "NOT TESTED: no PostgreSQL server can be started here: {}",
                String::from_utf8_lossy(&started.stderr)
            );
            return None;
        }
        Some(server)
    }

    /// The action, and what it takes after the folder.
    fn script(&self, words: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.make/postgres");
        let (action, more) = words.split_first().expect("an action");
        Command::new(script)
            .arg(action)
            .arg(&self.folder)
            .args(more)
            .stdin(Stdio::null())
            .output()
            .expect("the script")
    }

    #[track_caller]
    fn control(&self, words: &[&str]) -> String {
        let output = self.script(words);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Of a database on it, by its socket.
    fn url(&self, database: &str) -> String {
        format!(
            "postgres://tributary@localhost/{database}?host={}",
            self.folder.display()
        )
    }

    /// Every table of a database, with its rows and the sum of their hashes.
    fn content(&self, database: &str) -> String {
        let statement = "SELECT format(
                'SELECT %L, COUNT(*), COALESCE(SUM(hashtextextended(whole_row::text, 0)::numeric), 0) FROM %I AS whole_row',
                relname, relname)
            FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname \\gexec\n";
        fs::write(self.folder.join("content.sql"), statement).expect("written");
        self.control(&[
            "run",
            &format!("psql -AtX -v ON_ERROR_STOP=1 -f content.sql {database}"),
        ])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.script(&["stop"]);
    }
}

#[test]
fn a_postgres_server_that_restarts_in_the_middle_of_a_sync_is_waited_for() {
    let Some(server) = Server::start(&[], |_| ()) else {
        return;
    };
    let home = on(&server.url("postgres"))
        .with("TRIBUTARY_LEASE_TTL", "1s")
        .with("TRIBUTARY_REQUESTS_PER_MINUTE", SLOWLY);
    home.run(&["migrate"]).succeeded();
    let (_simulator, address) = home.simulate("customer-en:users=1500,topics=60,views=200", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let (console, page) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
    run_with_users(&home);
    server.control(&["restart"]);
    let shown = wait_for("the console to answer", || {
        let answer = request(page, "GET", "/administration/general/community-management", &[]);
        (answer.status == 200).then_some(answer)
    });
    assert!(shown.body.contains("customer-en"));
    let run = completed(&home);
    assert_truth(&run, &get(address, "/__truth/customer-en").json());
    assert_stored_once(&home, &run, "users", "community_user_id");
    console.signal("TERM");
    console.wait().0.succeeded();
}

/// A block of the README's shell lines, by words that are in it.
fn of_readme(words: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).expect("the README");
    let mut blocks = readme.split("```sh\n").skip(1);
    let block = blocks.find(|block| block.contains(words)).expect("the lines");
    block.split("```").next().expect("their end").to_owned()
}

#[test]
fn a_postgres_database_is_dumped_and_restored_as_the_readme_says() {
    let Some(server) = Server::start(&[], |_| ()) else {
        return;
    };
    server.control(&["run", "createdb tributary"]);
    let home = on(&server.url("tributary"));
    home.run(&["migrate"]).succeeded();
    let (_simulator, address) = home.simulate("customer-en:users=250,topics=60,views=200,broken=20", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    home.sync("customer-en").succeeded();

    server.control(&["run", &of_readme("pg_dump")]);
    let content = server.content("tributary");
    assert!(
        content.contains("community_user|") && content.contains("run_stream|6|"),
        "{content}"
    );
    assert_eq!(server.content("tributary_restored"), content);

    let restored = on(&server.url("tributary_restored"));
    fs::copy(home.path("secret.key"), restored.path("secret.key")).expect("the key");
    assert_eq!(restored.runs(), home.runs());
    // What makes months, marks days and counts rows is there, too.
    request(address, "POST", "/__advance/customer-en?days=40", &[]);
    let run = restored.sync("customer-en").succeeded().json();
    streams(&run).iter().for_each(assert_balanced);
    let new = |stream: &str| {
        let of = streams(&run).iter().find(|of| of["stream"] == stream);
        count(of.expect("the stream"), "new")
    };
    assert!(new("users") > 0 && new("activity") > 0, "{run}");
    assert_eq!(home.runs().len(), 1, "the other database is another one");
}

/// An authority, and a certificate of it for `localhost`, in files of these names.
fn make_certificates(folder: &Path) {
    let openssl = |line: &str| {
        let output = Command::new("openssl")
            .args(line.split(' '))
            .current_dir(folder)
            .output();
        let output = output.expect("openssl, with which the certificates are made");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for authority in ["ours", "another"] {
        openssl(&format!(
            "req -x509 {new_key} -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"
        ));
    }
    openssl(&format!(
        "req {new_key} -subj /CN=localhost -keyout server.key -out server.csr"
    ));
    fs::write(folder.join("names"), "subjectAltName = DNS:localhost\n").expect("written");
    openssl(
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile names -out server.crt",
    );
}

#[test]
fn a_connection_to_postgres_is_encrypted_and_its_servers_certificate_verified() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let settings = [
        "listen_addresses = 'localhost'",
        &format!("port = {port}"),
        "ssl = on",
        "ssl_cert_file = '../server.crt'",
        "ssl_key_file = '../server.key'",
    ];
    let Some(server) = Server::start(&settings, make_certificates) else {
        return;
    };
    let at = |host: &str, options: &str| {
        let url = format!("postgres://tributary@{host}:{port}/postgres?{options}");
        on(&url)
    };
    let verifying = |host: &str, authority: &str| {
        let file = server.folder.join(authority);
        at(
            host,
            &format!("sslmode=verify-full&sslrootcert={}", file.display()),
        )
    };
    verifying("localhost", "ours.pem").run(&["migrate"]).succeeded();
    let doctor = |home: &Home| home.run(&["doctor"]).succeeded().stdout;
    for (home, said) in [
        (
            verifying("localhost", "ours.pem"),
            "encrypted (TLSv1.3), with a server whose certificate was verified",
        ),
        (at("localhost", "sslmode=require"), "encrypted (TLSv1.3), but"),
        (at("localhost", "sslmode=disable"), "not encrypted"),
    ] {
        let found = doctor(&home);
        assert!(found.contains(said), "{said}: {found}");
    }

    let refused = |done: Done, why: &str| {
        done.ended(2)
            .says(&[why, "cannot be encrypted as sslmode asks", "sslrootcert=FILE"]);
    };
    refused(
        verifying("localhost", "another.pem").run(&["runs"]),
        "UnknownIssuer",
    );
    // The certificate is for another name.
    refused(
        verifying("127.0.0.1", "ours.pem").run(&["runs"]),
        "not valid for name",
    );
    // Without the file no authority of one's own is known.
    refused(
        at("localhost", "sslmode=verify-full").run(&["runs"]),
        "UnknownIssuer",
    );
}
