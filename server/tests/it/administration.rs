//! The pages under Administration: accounts, sessions, tokens, the audit trail, erasing; and whom they refuse.

use std::{fs, net::SocketAddr};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::{
    ADMIN, Answer, Home, PASSWORD, Running, get, holds, log_in, post_form, request, send, submit, text,
};

const ACCOUNTS: &str = "/administration/accounts";
const NEW_ACCOUNT: &str = "/administration/accounts/new";
const NEW_LINK: &str = "/administration/accounts/link";
const SESSIONS: &str = "/administration/accounts/sessions";
const YOUR_SESSIONS: &str = "/your-sessions";
const AUDIT_TRAIL: &str = "/administration/audit-trail";
const AUDIT_CSV: &str = "/administration/audit-trail/export.csv";
const ERASE: &str = "/administration/erase";
const TOKENS: &str = "/administration/api-tokens";
const NEW_TOKEN: &str = "/administration/api-tokens/new";

const BEN: &str = "ben@company.example";

fn serve(home: &Home) -> (Running, SocketAddr) {
    home.serve(&["serve", "--listen", "127.0.0.1:0", "--no-worker"])
}

fn look(address: SocketAddr, cookies: &str, path: &str) -> Answer {
    request(address, "GET", path, &[("cookie", cookies)])
}

/// A form that the page itself answers.
fn answered(address: SocketAddr, page: &str, fields: &str) -> Answer {
    submit(address, page, page, fields)
}

/// The page that a form without scripts leads back to.
fn page_after(address: SocketAddr, form: &Answer) -> Answer {
    assert_eq!(form.status, 302, "{form:?}");
    let to = form.location();
    let origin = format!("http://{address}");
    // A browser sends it as it came; the head is in lower case here, which an error in it does not survive.
    get(address, to.strip_prefix(&origin).unwrap_or(to))
}

fn account(home: &Home, email: &str) -> Value {
    let accounts = home.run(&["account", "list", "--json"]).succeeded().json();
    let accounts = accounts.as_array().expect("accounts").clone();
    let found = accounts.into_iter().find(|account| account["email"] == email);
    found.unwrap_or_else(|| panic!("no account {email}"))
}

fn id_of(home: &Home, email: &str) -> String {
    text(&account(home, email), &"id").to_owned()
}

fn database(home: &Home) -> Connection {
    Connection::open(home.path("data/tributary.db")).expect("the database")
}

/// What follows `lead` in a page, as far as it is letters and digits.
fn secret_after<'a>(page: &'a str, lead: &str) -> &'a str {
    let (_, rest) = page
        .split_once(lead)
        .unwrap_or_else(|| panic!("no {lead} in {page}"));
    let end = rest
        .find(|sign: char| !sign.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    &rest[..end]
}

#[test]
fn an_account_is_added_and_its_link_is_shown_once_and_good_once() {
    let home = Home::new();
    let (console, address) = serve(&home);
    let added = answered(address, NEW_ACCOUNT, "email=%20Ben%40Company.example&role=csm");
    assert_eq!(added.status, 200, "{added:?}");
    assert!(added.head.contains("cache-control: no-store"), "{}", added.head);
    let link = format!("http://{address}/set-up?token=");
    let token = secret_after(&added.body, &link).to_owned();
    assert_eq!(token.len(), 64);

    for kept in [
        home.kept(),
        console.said().into_bytes(),
        added.head.clone().into_bytes(),
    ] {
        assert!(!holds(&kept, &token), "the link is in the answer's page alone");
    }
    for page in [NEW_ACCOUNT, NEW_LINK, ACCOUNTS] {
        assert!(!get(address, page).body.contains(&token), "{page}");
    }
    let list = get(address, ACCOUNTS).body;
    assert!(list.contains(BEN) && list.contains("No password yet"), "{list}");
    let again = answered(address, NEW_ACCOUNT, "email=ben%40company.example&role=admin");
    assert_eq!(again.status, 409, "{again:?}");
    assert!(
        again
            .body
            .contains("There is an account ben@company.example already.")
    );
    assert_eq!(text(&account(&home, BEN), &"role"), "csm");

    let fields = [("token", token.as_str()), ("password", PASSWORD)];
    assert_eq!(post_form(address, "", "/set-up", &fields).status, 303);
    let cookies = log_in(address, BEN, PASSWORD);
    assert_eq!(look(address, &cookies, YOUR_SESSIONS).status, 200);
}

#[test]
fn a_new_link_ends_the_one_before() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    let added = answered(address, NEW_ACCOUNT, "email=ben%40company.example&role=csm");
    let first = secret_after(&added.body, "/set-up?token=").to_owned();
    let id = id_of(&home, BEN);
    let link = answered(address, NEW_LINK, &format!("account={id}"));
    let second = secret_after(&link.body, "/set-up?token=").to_owned();
    assert_ne!(first, second);
    let set_up = |token: &str| look(address, "", &format!("/set-up?token={token}")).status;
    assert_eq!((set_up(&first), set_up(&second)), (404, 200));

    home.run(&["account", "disable", BEN]).succeeded();
    let refused = answered(address, NEW_LINK, &format!("account={id}"));
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("is disabled"), "{}", refused.body);
}

#[test]
fn the_last_admin_stays_one() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    let ana = id_of(&home, ADMIN);
    for (act, more) in [("/rpc/disable_account", ""), ("/rpc/change_role", "&role=csm")] {
        let refused = submit(address, ACCOUNTS, act, &format!("account={ana}{more}"));
        assert_eq!(refused.status, 302);
        assert!(refused.location().contains("__err="), "{act}: {}", refused.head);
    }
    let still = account(&home, ADMIN);
    assert_eq!(
        (text(&still, &"role"), still["disabled_at"].is_null()),
        ("admin", true)
    );

    home.add_account(BEN, "admin").succeeded();
    let demoted = submit(
        address,
        ACCOUNTS,
        "/rpc/change_role",
        &format!("account={ana}&role=csm"),
    );
    assert!(demoted.location().ends_with(ACCOUNTS), "{}", demoted.head);
    assert_eq!(text(&account(&home, ADMIN), &"role"), "csm");
    assert_eq!(get(address, ACCOUNTS).status, 303, "the session is over");
}

#[test]
fn an_account_is_disabled_and_enabled() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    home.add_account(BEN, "csm").succeeded();
    let cookies = log_in(address, BEN, PASSWORD);
    let form = format!("account={}", id_of(&home, BEN));
    let question = get(address, &format!("{ACCOUNTS}?ask=disable&{form}")).body;
    assert!(question.contains("Disable ben@company.example?"), "{question}");

    let list = page_after(address, &submit(address, ACCOUNTS, "/rpc/disable_account", &form));
    assert!(list.body.contains("Disabled"), "{}", list.body);
    assert_eq!(
        look(address, &cookies, YOUR_SESSIONS).status,
        303,
        "logged out at once"
    );
    let list = page_after(address, &submit(address, ACCOUNTS, "/rpc/enable_account", &form));
    assert!(!list.body.contains("Disabled"), "{}", list.body);
    log_in(address, BEN, PASSWORD);
}

#[test]
fn a_csm_sees_their_own_sessions_and_nothing_of_administration() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    home.add_account(BEN, "csm").succeeded();
    let cookies = log_in(address, BEN, PASSWORD);
    let own = look(address, &cookies, YOUR_SESSIONS);
    assert_eq!(own.status, 200);
    assert!(
        own.body.contains("this one") && !own.body.contains(ADMIN),
        "{}",
        own.body
    );
    for page in [
        ACCOUNTS,
        NEW_ACCOUNT,
        NEW_LINK,
        SESSIONS,
        AUDIT_TRAIL,
        AUDIT_CSV,
        ERASE,
        TOKENS,
        NEW_TOKEN,
    ] {
        assert_eq!(look(address, &cookies, page).status, 403, "{page}");
        assert_eq!(look(address, "", page).status, 303, "{page} asks to log in");
    }
    let origin = format!("http://{address}");
    let headers = [
        ("cookie", cookies.as_str()),
        ("origin", origin.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    for (form, fields) in [
        (NEW_ACCOUNT, "email=eve%40evil.example&role=admin"),
        (NEW_TOKEN, "name=x&scopes[]=read&days=7"),
        (ERASE, "email=jane%40example.com"),
        ("/rpc/add_account", "email=eve%40evil.example&role=admin"),
        ("/rpc/erase_person", "email=jane%40example.com"),
        ("/rpc/end_session", "session=01934f5e-0000-7000-8000-000000000001"),
    ] {
        assert_eq!(
            send(address, "POST", form, &headers, fields).status,
            403,
            "{form}"
        );
    }
    let accounts = home.run(&["account", "list", "--json"]).json();
    assert_eq!(accounts.as_array().map(Vec::len), Some(2), "{accounts}");
}

#[test]
fn sessions_are_listed_and_ended() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    home.add_account(BEN, "csm").succeeded();
    let (bens, elsewhere) = (log_in(address, BEN, PASSWORD), log_in(address, ADMIN, PASSWORD));
    let all = get(address, SESSIONS).body;
    assert!(all.contains(BEN) && all.contains("127.0.0.1"), "{all}");
    assert_eq!(all.matches("this one").count(), 1);

    submit(address, YOUR_SESSIONS, "/rpc/end_your_other_sessions", "");
    assert_eq!(look(address, &elsewhere, YOUR_SESSIONS).status, 303);
    assert_eq!(
        look(address, &bens, YOUR_SESSIONS).status,
        200,
        "it is not theirs"
    );
    assert_eq!(get(address, YOUR_SESSIONS).status, 200, "this one goes on");

    let (_, row) = get(address, SESSIONS)
        .body
        .split_once("/rpc/end_session")
        .map_or_else(
            || panic!("no session to end"),
            |(before, after)| (before.to_owned(), after.to_owned()),
        );
    let (_, id) = row.split_once("value=\"").expect("an id");
    let form = format!("session={}", &id[..36]);
    submit(address, SESSIONS, "/rpc/end_session", &form);
    assert_eq!(look(address, &bens, YOUR_SESSIONS).status, 303);
}

#[test]
fn a_new_password_ends_all_sessions() {
    let home = Home::new();
    let (console, address) = serve(&home);
    let change = |password: &str, again: &str| {
        let fields = format!("password={password}&again={again}");
        submit(address, YOUR_SESSIONS, "/rpc/change_password", &fields)
    };
    for (password, again) in [("hunter2", "hunter2"), ("staple+battery+horse", "staple+battery")] {
        let refused = change(password, again);
        assert!(refused.location().contains("__err="), "{}", refused.head);
        assert!(!refused.head.contains("battery"), "no password is in an address");
    }
    let changed = change("staple+battery+horse", "staple+battery+horse");
    assert!(changed.location().ends_with("/log-in"), "{}", changed.head);
    assert_eq!(get(address, YOUR_SESSIONS).status, 303);
    log_in(address, ADMIN, "staple battery horse");
    assert!(!console.said().contains("battery") && !holds(&home.kept(), "battery"));
}

#[test]
fn a_sensitive_change_asks_for_a_password_that_was_given_long_ago() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    let eleven_minutes_us = 11 * 60 * 1_000_000;
    database(&home)
        .execute(
            "UPDATE session SET confirmed_at = confirmed_at - ?1",
            [eleven_minutes_us],
        )
        .expect("an older time");
    for page in [NEW_ACCOUNT, NEW_TOKEN, ERASE, YOUR_SESSIONS] {
        let shown = get(address, page);
        assert_eq!(shown.status, 200, "{page}");
        assert!(
            shown.body.contains("Your password is needed first"),
            "{}",
            shown.body
        );
    }
    let refused = answered(address, NEW_ACCOUNT, "email=ben%40company.example&role=csm");
    assert_eq!(refused.status, 403, "{refused:?}");
    let token = answered(address, NEW_TOKEN, "name=nightly&scopes[]=read&days=7");
    assert_eq!(token.status, 403, "{token:?}");
    let erased = submit(address, ERASE, "/rpc/erase_person", "email=jane%40example.com");
    assert!(erased.location().contains("__err="), "{}", erased.head);
    let accounts = home.run(&["account", "list", "--json"]).json();
    assert_eq!(accounts.as_array().map(Vec::len), Some(1), "{accounts}");
}

#[test]
fn a_token_is_made_shown_once_and_revoked() {
    let home = Home::new();
    let (console, address) = serve(&home);
    let form = "name=nightly+export&scopes[]=read&days=90";
    let made = answered(address, NEW_TOKEN, form);
    assert_eq!(made.status, 200, "{made:?}");
    let secret = secret_after(&made.body, "trb_").to_owned();
    assert_eq!(secret.len(), 64);
    assert!(!holds(&home.kept(), &secret) && !console.said().contains(&secret));
    for page in [NEW_TOKEN, TOKENS] {
        assert!(!get(address, page).body.contains(&secret), "{page}");
    }
    assert_eq!(
        answered(address, NEW_TOKEN, form).status,
        409,
        "loading it again makes no second one"
    );
    assert_eq!(answered(address, NEW_TOKEN, "name=none&days=7").status, 409);
    assert_eq!(
        answered(address, NEW_TOKEN, "name=long&scopes[]=read&days=9999").status,
        409
    );

    let tokens = home.run(&["token", "list", "--json"]).succeeded().json();
    assert_eq!(tokens.as_array().map(Vec::len), Some(1), "{tokens}");
    let form = format!("token={}", text(&tokens[0], &"id"));
    let list = page_after(address, &submit(address, TOKENS, "/rpc/revoke_token", &form));
    assert!(list.body.contains("Revoked"), "{}", list.body);
}

/// To what one of them did, on the page, in the file and in the command.
fn assert_narrowed(address: SocketAddr, home: &Home) {
    let ana = id_of(home, ADMIN);
    let narrowed = format!("deed=account_added&who=account:{ana}");
    let page = get(address, &format!("{AUDIT_TRAIL}?{narrowed}")).body;
    assert!(page.contains("Export 1 entry, CSV"), "{page}");
    assert!(page.contains("account ben@company.example as csm"), "{page}");
    let file = get(address, &format!("{AUDIT_CSV}?{narrowed}"));
    let listed = ["--deed", "account_added", "--who", ADMIN];
    let exported = home
        .run(&[&["audit", "export"], &listed[..]].concat())
        .succeeded();
    assert_eq!((file.body.lines().count(), file.body), (2, exported.stdout));
    let listed = home
        .run(&[&["audit", "list", "--json"], &listed[..]].concat())
        .succeeded()
        .json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    let told = home.trail().pop().expect("an entry");
    assert_eq!(
        (text(&told, &"deed"), text(&told, &"target")),
        (
            "trail_exported",
            format!("entries of account_added by account {ana}").as_str()
        )
    );

    let unknown = get(address, &format!("{AUDIT_TRAIL}?deed=nothing"));
    assert!(
        unknown.body.contains("The trail knows no deed “nothing”."),
        "{}",
        unknown.body
    );
    assert_eq!(get(address, &format!("{AUDIT_CSV}?who=ana")).status, 400);
    home.run(&["audit", "list", "--deed", "nothing"])
        .ended(2)
        .says(&["--deed", "role_changed"]);
    home.run(&["audit", "list", "--who", "nobody@company.example"])
        .ended(1)
        .says(&["account list"]);
}

#[test]
fn the_audit_trail_is_shown_exported_and_checked() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    answered(address, NEW_ACCOUNT, "email=ben%40company.example&role=csm");
    let page = get(address, AUDIT_TRAIL).body;
    for told in [
        "Added an account",
        "account ben@company.example as csm",
        ADMIN,
        "127.0.0.1",
        "The chain holds up to entry",
    ] {
        assert!(page.contains(told), "no {told} in {page}");
    }
    let file = get(address, AUDIT_CSV);
    assert_eq!(file.status, 200);
    assert!(
        file.head
            .contains("content-disposition: attachment; filename=\"audit-trail.csv\""),
        "{}",
        file.head
    );
    let exported = home.run(&["audit", "export"]).succeeded().stdout;
    assert_eq!(file.body, exported);
    assert_narrowed(address, &home);
    let exported = home.run(&["audit", "export"]).succeeded().stdout;
    assert!(exported.contains("trail_exported"), "taking it along is an entry");

    database(&home)
        .execute_batch(
            "DROP TRIGGER audit_entry_stays; UPDATE audit_entry SET origin = 'elsewhere' WHERE number = 1;",
        )
        .expect("a change past the guards");
    let checked = get(address, &format!("{AUDIT_TRAIL}?check=yes")).body;
    assert!(checked.contains("The chain is broken"), "{checked}");
    assert!(checked.contains("Entry 1 is not what was written"), "{checked}");
}

#[test]
fn a_person_is_erased_from_the_console_and_is_in_no_address_and_no_file() {
    let home = Home::new();
    fs::write(
        home.path("people.csv"),
        "external_id,email,first_name,last_name,phone,company_external_id,active\nP-1,jane@example.com,Jane,,,,true\n",
    )
    .expect("a file");
    home.run(&["person", "import", "people.csv"]).succeeded();
    let (console, address) = serve(&home);
    let found = answered(address, ERASE, "email=+JANE%40Example.com");
    assert_eq!(found.status, 200, "{found:?}");
    assert!(found.body.contains("Erase jane@example.com?"), "{}", found.body);
    assert!(
        found.body.contains("1 person of the customer-success data"),
        "{}",
        found.body
    );

    let erased = submit(address, ERASE, "/rpc/erase_person", "email=jane%40example.com");
    assert_eq!(erased.status, 302, "{erased:?}");
    let to = erased.location().to_owned();
    assert!(
        to.starts_with("/administration/erase/receipt?id=") && !to.contains("jane"),
        "{to}"
    );
    let receipt = get(address, &to);
    assert_eq!(receipt.status, 200);
    assert!(receipt.body.contains("Receipt of an erasure") && !receipt.body.contains("jane"));
    let (_, id) = to.split_once("id=").expect("an id");
    let file = get(
        address,
        &format!("/administration/erase/receipt.json?id={}", &id[..36]),
    );
    assert_eq!(
        (file.status, file.json()["persons"].as_u64()),
        (200, Some(1)),
        "{file:?}"
    );
    assert_eq!(
        get(address, "/administration/erase/receipt.json?id=1").status,
        404
    );
    assert!(
        get(address, ERASE).body.contains(&id[..36]),
        "the receipt is listed"
    );
    for kept in [home.kept(), console.said().into_bytes()] {
        assert!(!holds(&kept, "jane@example.com"));
    }
    let trail = get(address, AUDIT_TRAIL).body;
    assert!(trail.contains("Erased a person") && trail.contains(&id[..36]) && !trail.contains("jane"));

    let again = submit(address, ERASE, "/rpc/erase_person", "email=jane%40example.com");
    assert!(again.location().contains("again=yes"), "{}", again.head);
    let nobody = submit(address, ERASE, "/rpc/erase_person", "email=nobody%40example.com");
    assert!(nobody.location().contains("__err="), "{}", nobody.head);
}
