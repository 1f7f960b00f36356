//! Users without a company handed on: one ticket, its files, and a webhook that receives it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::support::{Home, Running, count, get, read, submit, text, wait_for};

const UNIFICATION: &str = "/administration/general/unification";
const HOOK_SECRET: &str = "a secret of the receiver";
/// Longer than anything that works takes, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn synced() -> (Home, Running) {
    let home = Home::new();
    let (simulator, address) = home.simulate("customer-en:users=160,topics=5,views=5", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    home.sync("customer-en").succeeded();
    (home, simulator)
}

fn failed(home: &Home, options: &[&str]) -> Value {
    let words = ["failed", "--json"];
    home.run(&[&words[..], options].concat()).succeeded().json()
}

/// The unknown domain of most members, and how many they are.
fn largest_domain(home: &Home) -> (String, u64) {
    let groups = failed(home, &["--cause", "domain_unknown"]);
    let first = &groups["groups"][0];
    (text(first, &"domain").to_owned(), count(first, "members"))
}

fn references(home: &Home, domain: &str) -> Vec<Value> {
    let found = failed(home, &["--domain", domain]);
    let members = found["first"].as_array().expect("an array");
    members.iter().map(|member| member["ticket"].clone()).collect()
}

fn import_company(home: &Home, domain: &str) {
    let file = home.path("companies.csv");
    let rows = format!("external_id,name,domains,parent_external_id\nC-1,One,{domain},\n");
    std::fs::write(&file, rows).expect("a file");
    home.run(&["company", "import", &file.display().to_string()])
        .succeeded();
}

fn serve(home: &Home) -> (Running, SocketAddr) {
    home.serve(&["serve", "--listen", "127.0.0.1:0", "--no-worker"])
}

#[test]
fn users_carry_the_ticket_that_was_made_of_their_filter_until_they_match() {
    let (home, _simulator) = synced();
    let (domain, members) = largest_domain(&home);
    let (_console, address) = serve(&home);
    let users = format!("{UNIFICATION}/users");
    let list = get(address, &format!("{users}?domain={domain}&select=all"));
    assert!(list.body.contains("name=\"all\""), "{}", list.body);

    let fields = format!("all=yes&cause=domain_unknown&domain={domain}");
    let made = submit(address, &users, "/rpc/create_ticket", &fields);
    let ticket = format!("location: {UNIFICATION}/ticket?number=t-1");
    assert!(made.head.contains(&ticket), "{}", made.head);
    assert!(
        references(&home, &domain)
            .iter()
            .all(|reference| reference == "T-1")
    );
    let told = home.trail().pop().expect("an entry");
    assert_eq!(
        (
            text(&told, &"actor"),
            text(&told, &"deed"),
            text(&told, &"target")
        ),
        ("account", "ticket_created", "ticket T-1")
    );
    import_company(&home, &domain);
    assert!(references(&home, &domain).is_empty(), "they match");
    let tickets = home.run(&["ticket", "list", "--json"]).succeeded().json();
    assert_eq!(
        (count(&tickets[0], "members"), count(&tickets[0], "still_without")),
        (members, 0)
    );
    let none_left = submit(address, &users, "/rpc/create_ticket", &fields);
    assert!(none_left.head.contains("__err="), "{}", none_left.head);
}

#[test]
fn a_domain_that_is_tied_to_a_company_from_there_is_in_the_trail_without_its_members() {
    let (home, _simulator) = synced();
    let (domain, _) = largest_domain(&home);
    import_company(&home, "one.example");
    let (_console, address) = serve(&home);
    let users = format!("{UNIFICATION}/users");
    let tied = submit(
        address,
        &users,
        "/rpc/add_domain",
        &format!("company=C-1&domain={domain}"),
    );
    assert!(!tied.head.contains("__err="), "{}", tied.head);
    wait_for("their matches", || {
        references(&home, &domain).is_empty().then_some(())
    });
    let told = home.trail().pop().expect("an entry");
    assert_eq!(
        (
            text(&told, &"actor"),
            text(&told, &"deed"),
            text(&told, &"target")
        ),
        ("account", "domain_added", "company C-1")
    );
}

#[test]
fn a_ticket_is_a_page_and_two_files() {
    let (home, _simulator) = synced();
    let (domain, members) = largest_domain(&home);
    home.run(&["ticket", "create", "--domain", &domain]).succeeded();
    let (_console, address) = serve(&home);
    let page = get(address, &format!("{UNIFICATION}/ticket?number=T-1"));
    assert_eq!(page.status, 200);
    assert!(page.body.contains("mailto:?subject=T-1%3A%20"), "{}", page.body);
    assert!(!page.body.contains("/rpc/post_ticket"), "there is no webhook");

    let sheet = get(address, &format!("{UNIFICATION}/ticket.csv?number=T-1"));
    let named = "attachment; filename=\"t-1.csv\"";
    assert!(sheet.head.contains(named), "{}", sheet.head);
    let rows: Vec<_> = sheet.body.lines().collect();
    assert_eq!(rows.len() as u64, members + 1);
    assert!(
        rows[0].starts_with("ticket,rule_version,tenant_id,"),
        "{}",
        rows[0]
    );
    assert!(rows[1].starts_with("T-1,1,customer-en,"), "{}", rows[1]);
    let document = get(address, &format!("{UNIFICATION}/ticket.md?number=T-1"));
    assert!(document.head.contains("text/markdown"), "{}", document.head);
    let shown = home.run(&["ticket", "show", "T-1"]).succeeded().stdout;
    assert_eq!(shown.trim_end(), document.body.trim_end(), "one document");
    assert!(shown.contains(&format!("`{domain}`: no company has this domain")));
    let missing = get(address, &format!("{UNIFICATION}/ticket.csv?number=T-9"));
    assert_eq!(missing.status, 404);
    let all = get(address, &format!("{UNIFICATION}/users.csv"));
    let failed = count(&failed(&home, &[]), "members");
    assert_eq!(all.body.lines().count() as u64, failed + 1);
}

#[test]
fn of_those_who_are_ticked_a_ticket_holds_no_one_else() {
    let (home, _simulator) = synced();
    let found = failed(&home, &[]);
    let chosen = text(&found["first"][1], &"community_user_id").to_owned();
    let (_console, address) = serve(&home);
    let fields = format!("member%5B7%5D=customer-en+{chosen}&member%5B9%5D=customer-en+nobody");
    let made = submit(address, UNIFICATION, "/rpc/create_ticket", &fields);
    assert!(made.head.contains("number=t-1"), "{}", made.head);
    let tickets = home.run(&["ticket", "list", "--json"]).succeeded().json();
    assert_eq!(count(&tickets[0], "members"), 1);
    let member = get(
        address,
        &format!("{UNIFICATION}/member?tenant=customer-en&user={chosen}"),
    );
    assert!(member.body.contains("T-1"), "the member's page names the ticket");
}

/// What a receiver got.
struct Got {
    /// In lower case.
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        let line = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

/// Answers each request with the next status, and hands on what it got.
fn receiver(statuses: &'static [u16]) -> (SocketAddr, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (give, got) = channel();
    thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().expect("a connection");
            receive(stream, *status, &give);
        }
    });
    (address, got)
}

fn receive(mut stream: TcpStream, status: u16, give: &Sender<Got>) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    let (head, body) = loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a length").trim().parse().expect("a number");
            if bytes.len() == end + 4 + length {
                break (head, bytes[end + 4..].to_vec());
            }
        }
        let read = stream.read(&mut part).expect("a request");
        assert!(read > 0, "the request ends early");
        bytes.extend_from_slice(&part[..read]);
    };
    let answer = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).expect("an answer");
    give.send(Got { head, body }).expect("somebody waits");
}

fn signed(got: &Got) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(HOOK_SECRET.as_bytes()).expect("a key");
    mac.update(got.header("x-tributary-timestamp").as_bytes());
    mac.update(b".");
    mac.update(&got.body);
    let digits = mac.finalize().into_bytes();
    let digits: Vec<_> = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v1={}", digits.concat())
}

fn with_webhook(home: Home, url: &str) -> Home {
    let file = home.path("hook-secret.txt");
    std::fs::write(&file, format!("{HOOK_SECRET}\n")).expect("a secret file");
    home.with("TRIBUTARY_TICKET_WEBHOOK_URL", url).with(
        "TRIBUTARY_TICKET_WEBHOOK_SECRET_FILE",
        &file.display().to_string(),
    )
}

/// An installation with one ticket, and a receiver that answers so.
fn with_ticket(statuses: &'static [u16]) -> (Home, Receiver<Got>, u64) {
    let (home, _simulator) = synced();
    let (domain, members) = largest_domain(&home);
    home.run(&["ticket", "create", "--domain", &domain]).succeeded();
    let (address, got) = receiver(statuses);
    let home = with_webhook(home, &format!("http://{address}/hooks/hidden"));
    (home, got, members)
}

#[test]
fn a_ticket_is_posted_whole_and_signed_again_and_again_as_the_same() {
    let (home, got, members) = with_ticket(&[503, 202]);
    let first = home.run(&["ticket", "post", "T-1", "--json"]).ended(1).json();
    assert_eq!(count(&first, "status"), 503);
    assert_eq!(text(&first, &"owner"), "you");
    let next = text(&first, &"next_action");
    assert!(next.starts_with("Post it again"), "{first}");
    let taken = home.run(&["ticket", "post", "T-1", "--json"]).succeeded().json();
    assert_eq!((count(&taken, "status"), &taken["cause"]), (202, &Value::Null));
    for _ in 0..2 {
        let posted = got.recv_timeout(PATIENCE).expect("a request");
        assert!(
            posted.head.starts_with("post /hooks/hidden http/1.1"),
            "{}",
            posted.head
        );
        assert_eq!(posted.header("idempotency-key"), "t-1");
        assert_eq!(posted.header("content-type"), "application/json");
        assert_eq!(posted.header("x-tributary-signature"), signed(&posted));
        let ticket: Value = serde_json::from_slice(&posted.body).expect("JSON");
        assert_eq!(text(&ticket, &"reference"), "T-1");
        assert_eq!(count(&ticket, "members_total"), members);
        let listed = ticket["members"].as_array().map(Vec::len);
        assert_eq!(listed, usize::try_from(members).ok());
        assert_eq!(count(&ticket["causes"][0], "members"), members);
        assert!(text(&ticket, &"document").starts_with("# T-1: "), "{ticket}");
        assert!(text(&ticket, &"url").ends_with("/ticket?number=T-1"), "{ticket}");
    }
}

#[test]
fn what_came_of_posting_a_ticket_is_on_its_page_and_no_secret() {
    let (home, got, _) = with_ticket(&[202, 401]);
    home.run(&["ticket", "post", "T-1"]).succeeded();
    let (console, address) = serve(&home);
    let page = format!("{UNIFICATION}/ticket?number=T-1");
    let before = get(address, &page).body;
    assert!(before.contains("answered 202"), "{before}");
    assert!(before.contains("Post again to 127.0.0.1"), "{before}");
    let again = submit(address, &page, "/rpc/post_ticket", "number=1");
    assert!(again.head.contains("number=t-1"), "{}", again.head);
    let after = get(address, &page).body;
    assert!(after.contains("did not take it (401)"), "{after}");
    assert!(after.contains("Your turn"), "{after}");
    assert_eq!(got.iter().take(2).count(), 2);
    for hidden in ["hooks/hidden", HOOK_SECRET] {
        assert!(
            !after.contains(hidden) && !console.said().contains(hidden),
            "{hidden}"
        );
    }
}

#[test]
fn without_a_webhook_nothing_is_posted() {
    let (home, _simulator) = synced();
    home.run(&["ticket", "create"]).succeeded();
    home.run(&["ticket", "post", "T-1"])
        .ended(2)
        .says(&["no webhook", "TRIBUTARY_TICKET_WEBHOOK_URL"]);
    home.with("TRIBUTARY_TICKET_WEBHOOK_URL", "https://desk.example/")
        .run(&["ticket", "post", "T-1"])
        .ended(2)
        .says(&["no secret", "TRIBUTARY_TICKET_WEBHOOK_SECRET_FILE"]);
}

#[test]
fn a_webhook_that_is_not_let_pass_or_cannot_be_signed_for_is_sent_nothing() {
    let (home, _simulator) = synced();
    home.run(&["ticket", "create"]).succeeded();
    let (address, got) = receiver(&[202]);
    let home = with_webhook(home, &format!("http://{address}/")).with("TRIBUTARY_ALLOW_HOSTS", "");
    let refused = home.run(&["ticket", "post", "T-1", "--json"]).ended(1).json();
    assert_eq!(refused["status"], Value::Null);
    assert!(
        text(&refused, &"next_action").contains("TRIBUTARY_ALLOW_HOSTS=127.0.0.1"),
        "{refused}"
    );
    let home = home.with("TRIBUTARY_ALLOW_HOSTS", "127.0.0.1");
    shorten(&home.path("hook-secret.txt"));
    let unsigned = home.run(&["ticket", "post", "T-1", "--json"]).ended(1).json();
    assert!(
        text(&unsigned, &"cause").contains("16 characters or more"),
        "{unsigned}"
    );
    assert!(got.try_recv().is_err(), "nothing was sent");
    let home = home.with("TRIBUTARY_TICKET_WEBHOOK_URL", "https://u:p@desk.example/");
    home.run(&["ticket", "list"]).ended(2);
}

fn shorten(secret: &Path) {
    assert!(!read(secret).is_empty());
    std::fs::write(secret, "short\n").expect("a file");
}

#[test]
fn what_was_said_by_hand_is_listed_and_left_to_the_rules_from_there() {
    let (home, _simulator) = synced();
    import_company(&home, "nowhere.example");
    let found = failed(&home, &[]);
    let ids: Vec<_> = (0..2)
        .map(|place| text(&found["first"][place], &"community_user_id").to_owned())
        .collect();
    let say = |words: &[&str]| {
        let command = [
            "member",
            words[0],
            "customer-en",
            words[1],
            "--reason",
            "They told us",
        ];
        home.run(&[&command[..], &words[2..]].concat()).succeeded();
    };
    say(&["link", &ids[0], "--company", "C-1"]);
    say(&["unlink", &ids[1]]);
    let (_console, address) = serve(&home);
    let links = format!("{UNIFICATION}/links");
    let list = get(address, &links).body;
    assert!(list.matches("They told us").count() >= 2, "{list}");
    assert!(
        list.contains("Belongs to none") && list.contains("id=C-1"),
        "{list}"
    );
    let fields = format!("tenant=customer-en&user={}&from=links", ids[0]);
    let left = submit(address, &links, "/rpc/leave_to_rules", &fields);
    assert!(left.head.contains(&format!("location: {links}")), "{}", left.head);
    let why = home.run(&["member", "why", "customer-en", &ids[0], "--json"]);
    assert_eq!(why.succeeded().json()["link"], Value::Null);
}

#[test]
fn a_version_of_the_rules_tells_its_effect_and_its_reason_apart() {
    let (home, _simulator) = synced();
    let (domain, members) = largest_domain(&home);
    import_company(&home, &domain);
    let mut rules = home.run(&["rules", "show", "--json"]).succeeded().json();
    rules["rules"]["internal_domains"] = serde_json::json!([domain]);
    std::fs::write(home.path("rules.json"), rules.to_string()).expect("a file");
    home.run(&["rules", "apply", "rules.json", "--why", "they are ours"])
        .succeeded();
    let history = home.run(&["rules", "history", "--json"]).succeeded().json();
    assert_eq!(text(&history[0], &"why"), "they are ours");
    assert_eq!(text(&history[0], &"effect"), format!("{members} lost"));
    let (_console, address) = serve(&home);
    let page = get(address, UNIFICATION).body;
    assert!(
        page.contains("“they are ours”") && page.contains(&format!("{members} lost")),
        "{page}"
    );
}
