//! Logging in and out: what a browser goes through, and what somebody tries who has no business here.

use std::{collections::BTreeMap, net::SocketAddr, thread};

use crate::support::{
    ADMIN, Answer, Home, PASSWORD, Running, holds, log_in, post_form, request, send, text, try_log_in,
    wait_for,
};

const PAGE: &str = "/administration/general/community-management";
const CUSTOMERS: &str = "/customers";

fn serve(home: &Home) -> (Running, SocketAddr) {
    home.serve_to_nobody(&["serve", "--listen", "127.0.0.1:0", "--no-worker"])
}

/// A console with one account, an admin's, who has not logged in.
fn with_an_admin() -> (Home, Running, SocketAddr) {
    let home = Home::new();
    home.add_account(ADMIN, "admin").succeeded();
    let (console, address) = serve(&home);
    (home, console, address)
}

fn look(address: SocketAddr, cookies: &str, path: &str) -> Answer {
    request(address, "GET", path, &[("cookie", cookies)])
}

#[track_caller]
fn assert_out(address: SocketAddr, cookies: &str) {
    let answer = look(address, cookies, PAGE);
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(answer.location().starts_with("/log-in?next="), "{}", answer.head);
}

#[track_caller]
fn assert_in(address: SocketAddr, cookies: &str) {
    assert_eq!(look(address, cookies, PAGE).status, 200);
}

/// The session's own cookie, of those of a browser.
fn session_of(cookies: &str) -> &str {
    let mut pairs = cookies.split("; ");
    pairs
        .find(|pair| pair.starts_with("tributary-session="))
        .expect("a session")
}

fn link_in(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("/set-up?token=")?;
    Some(format!("/set-up?token={}", rest.split_whitespace().next()?))
}

#[test]
fn the_first_start_tells_a_link_that_makes_the_first_account_once() {
    let home = Home::new();
    let (console, address) = serve(&home);
    let link = wait_for("the link", || link_in(&console.said()));
    assert_out(address, "");
    let (_, token) = link.split_once("token=").expect("a token");
    assert!(!holds(&home.kept(), token), "only its hash is kept");
    let form = look(address, "", &link);
    assert_eq!(form.status, 200);
    assert!(form.body.contains("Make the first account"), "{}", form.body);

    let choose = |email: &str, password: &str| {
        let fields = [("token", token), ("email", email), ("password", password)];
        post_form(address, "", "/set-up", &fields)
    };
    let short = choose(ADMIN, "hunter2");
    assert_eq!(short.status, 422);
    assert!(
        short.body.contains("too short") && short.body.contains(ADMIN),
        "{}",
        short.body
    );
    assert_eq!(choose("nowhere", PASSWORD).status, 422);
    assert_eq!(choose(ADMIN, PASSWORD).status, 303);
    assert_eq!(choose("eve@evil.example", PASSWORD).status, 404, "it was used");
    assert_eq!(look(address, "", &link).status, 404);

    assert_in(address, &log_in(address, ADMIN, PASSWORD));
    let accounts = home.run(&["account", "list", "--json"]).json();
    assert_eq!(
        (text(&accounts[0], &"role"), accounts.as_array().map(Vec::len)),
        ("admin", Some(1))
    );
    drop(console);
    let (again, address) = serve(&home);
    assert_eq!(look(address, "", "/readyz").status, 200);
    assert_eq!(link_in(&again.said()), None, "there is an account now");
}

#[test]
fn a_lost_password_is_replaced_by_a_link_and_the_old_one_and_its_sessions_are_over() {
    let (home, _console, address) = with_an_admin();
    let before = log_in(address, ADMIN, PASSWORD);
    let reset = home
        .run(&["account", "reset", ADMIN, "--json"])
        .succeeded()
        .json();
    let link = link_in(text(&reset, &"set_up_link")).expect("a link");
    let (_, token) = link.split_once("token=").expect("a token");
    let anew = "staple battery horse";
    let fields = [("token", token), ("password", anew)];
    assert_eq!(post_form(address, "", "/set-up", &fields).status, 303);
    assert_out(address, &before);
    assert_eq!(try_log_in(address, "", ADMIN, PASSWORD).status, 401);
    assert_in(address, &log_in(address, ADMIN, anew));
}

#[test]
fn a_wrong_password_and_an_unknown_address_are_told_alike() {
    let (home, _console, address) = with_an_admin();
    home.add_account("ben@company.example", "csm").succeeded();
    home.run(&["account", "disable", "ben@company.example"])
        .succeeded();
    let told = |email: &str, password: &str| {
        let answer = try_log_in(address, "", email, password);
        assert!(answer.body.contains("do not match an account"), "{}", answer.body);
        assert!(answer.body.contains("4 tries are left"), "{}", answer.body);
        assert!(answer.cookies().is_empty());
        (answer.status, answer.body.replace(email, ""))
    };
    let wrong = told(ADMIN, "wrong horse battery");
    assert_eq!(wrong.0, 401);
    assert_eq!(told("nobody@company.example", "wrong horse battery"), wrong);
    assert_eq!(told("ben@company.example", PASSWORD), wrong, "a disabled account");
}

#[test]
fn whoever_wanted_a_page_is_led_there_after_the_log_in_and_never_to_another_site() {
    let (_home, _console, address) = with_an_admin();
    let wanted = look(address, "", "/customers?q=a%26b");
    assert_eq!(wanted.status, 303);
    assert_eq!(wanted.location(), "/log-in?next=%2fcustomers%3fq%3da%2526b");
    let form = look(address, "", "/log-in?next=%2Fcustomers%3Fq%3Da%2526b");
    assert!(
        form.body.contains(r#"value="/customers?q=a%26b""#),
        "{}",
        form.body
    );

    let led_to = |next: &str| {
        let fields = [("email", ADMIN), ("password", PASSWORD), ("next", next)];
        let answer = post_form(address, "", "/log-in", &fields);
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.location().to_owned()
    };
    assert_eq!(led_to("/customers?q=a%26b"), "/customers?q=a%26b");
    for evil in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/log-out",
        "javascript:alert(1)",
        "/x\r\nset-cookie: evil=1",
    ] {
        assert_eq!(led_to(evil), "/", "{evil:?}");
    }
    let mine = log_in(address, ADMIN, PASSWORD);
    let there = look(address, &mine, "/log-in?next=https%3A%2F%2Fevil.example");
    assert_eq!((there.status, there.location()), (303, "/"));
    assert_eq!(look(address, &mine, "/").location(), PAGE);
}

#[test]
fn a_session_that_was_planted_before_the_log_in_is_never_the_session() {
    let (_home, _console, address) = with_an_admin();
    let planted = format!("tributary-session={}", "5".repeat(64));
    assert_out(address, &planted);
    let answer = try_log_in(address, &planted, ADMIN, PASSWORD);
    assert_eq!(answer.status, 303);
    assert_ne!(session_of(&answer.cookies()), planted);
    assert_in(address, &answer.cookies());
    assert_out(address, &planted);
}

#[test]
fn a_cookie_from_before_a_log_in_a_confirmation_or_a_log_out_is_worth_nothing() {
    let (_home, _console, address) = with_an_admin();
    let first = log_in(address, ADMIN, PASSWORD);
    let second = try_log_in(address, &first, ADMIN, PASSWORD).cookies();
    assert_out(address, &first);
    assert_in(address, &second);

    let page = look(address, &second, "/confirm?next=%2Fcustomers");
    assert_eq!(page.status, 303, "the password was given a moment ago");
    let confirm = |cookies: &str, password: &str| {
        let fields = [("password", password), ("next", CUSTOMERS)];
        post_form(address, cookies, "/confirm", &fields)
    };
    assert_eq!(confirm(&second, "wrong horse battery").status, 401);
    let confirmed = confirm(&second, PASSWORD);
    assert_eq!((confirmed.status, confirmed.location()), (303, CUSTOMERS));
    let third = confirmed.cookies();
    assert_out(address, &second);
    assert_in(address, &third);

    let out = post_form(address, &third, "/log-out", &[]);
    assert_eq!((out.status, out.location()), (303, "/log-in?note=logged-out"));
    assert!(
        out.head.contains("tributary-session=; path=/; max-age=0"),
        "{}",
        out.head
    );
    assert_out(address, &third);
}

#[test]
fn no_other_site_logs_anyone_in_or_out() {
    let (_home, _console, address) = with_an_admin();
    let mine = log_in(address, ADMIN, PASSWORD);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let fields = format!("email={ADMIN}&password=correct+horse+battery");
    for sign in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/log-in", "/log-out", "/confirm", "/set-up"] {
            let headers = [sign, form, ("cookie", mine.as_str())];
            let answer = send(address, "POST", path, &headers, &fields);
            assert_eq!(answer.status, 403, "{path} {sign:?}");
            assert!(answer.cookies().is_empty(), "{}", answer.head);
        }
    }
    // A link or an image can only ask, and asking ends nothing.
    assert_eq!(look(address, &mine, "/log-out").status, 405);
    assert_in(address, &mine);
}

#[test]
fn forged_expired_and_ended_sessions_are_none() {
    let (home, console, address) = with_an_admin();
    let mine = log_in(address, ADMIN, PASSWORD);
    for forged in [
        format!("tributary-session={}", "0".repeat(64)),
        format!("tributary-session={}", "A".repeat(64)),
        "tributary-session=".to_owned(),
        "tributary-session=' OR 1=1 --".to_owned(),
        format!("{0}; {0}", session_of(&mine)),
        session_of(&mine).replace("tributary-session", "__Host-tributary-session"),
        mine.replace("tributary-device", "tributary-session")
            .split("; ")
            .last()
            .expect("one")
            .to_owned(),
    ] {
        assert_out(address, &forged);
    }
    assert_in(address, &mine);

    // Twelve hours without a request, and seven days however busy.
    let set = |column: &str, hours_ago: i64| {
        let database = rusqlite::Connection::open(home.path("data/tributary.db")).expect("the database");
        let set = format!("UPDATE session SET {column} = {column} - ?1 * 3600000000");
        assert!(database.execute(&set, [hours_ago]).expect("an update") > 0);
    };
    set("last_seen_at", 13);
    assert_out(address, &mine);
    let busy = log_in(address, ADMIN, PASSWORD);
    set("began_at", 24 * 8);
    assert_out(address, &busy);

    let disabled = log_in(address, ADMIN, PASSWORD);
    assert_in(address, &disabled);
    home.add_account("ben@company.example", "admin").succeeded();
    home.run(&["account", "disable", ADMIN]).succeeded();
    assert_out(address, &disabled);
    drop(console);
}

/// As the scripts of a page ask.
fn ask(address: SocketAddr, cookies: &str, function: &str) -> Answer {
    let origin = format!("http://{address}");
    let headers = [
        ("origin", origin.as_str()),
        ("cookie", cookies),
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    send(address, "POST", function, &headers, "")
}

#[test]
fn a_page_learns_how_long_its_session_lasts_and_only_its_button_makes_it_longer() {
    const LEFT: &str = "/rpc/session_left";
    const STAY: &str = "/rpc/stay_logged_in";
    let (home, _console, address) = with_an_admin();
    let mine = log_in(address, ADMIN, PASSWORD);
    let ago = |column: &str, minutes: i64| {
        let database = rusqlite::Connection::open(home.path("data/tributary.db")).expect("the database");
        let set = format!("UPDATE session SET {column} = {column} - ?1 * 60000000");
        assert_eq!(database.execute(&set, [minutes]).expect("an update"), 1);
    };
    let ends_at = |function: &str| {
        let answer = ask(address, &mine, function);
        assert_eq!(answer.status, 200, "{answer:?}");
        text(&answer.json(), &"ends_at").to_owned()
    };

    ago("last_seen_at", 12 * 60 - 1);
    let told = ends_at(LEFT);
    // What moves a session is written beside the request, so one question would not show it.
    for _ in 0..20 {
        assert_eq!(ends_at(LEFT), told);
    }
    let stayed = ends_at(STAY);
    assert!(stayed > told, "{told} then {stayed}");
    assert_eq!(ends_at(LEFT), stayed);

    // After a week not even that makes it longer.
    ago("began_at", 7 * 24 * 60 - 1);
    let times = ask(address, &mine, STAY).json();
    assert_eq!(times["ends_at"], times["latest_end"]);
    ago("began_at", 2);
    assert_eq!(ask(address, &mine, LEFT).status, 401);
    assert_eq!(ask(address, &mine, STAY).status, 401);
}

/// How often each status was answered.
fn wrong_tries(address: SocketAddr, tries: usize) -> BTreeMap<u16, usize> {
    const AT_ONCE: usize = 8;
    let one = move |tries: usize| {
        (0..tries)
            .map(|_| try_log_in(address, "", ADMIN, "wrong horse battery").status)
            .collect::<Vec<u16>>()
    };
    let threads: Vec<_> = (0..AT_ONCE)
        .map(|_| thread::spawn(move || one(tries / AT_ONCE)))
        .collect();
    let mut answered = BTreeMap::new();
    for thread in threads {
        for status in thread.join().expect("no panic") {
            *answered.entry(status).or_default() += 1;
        }
    }
    answered
}

#[test]
fn ten_thousand_wrong_log_ins_keep_nobody_out_who_belongs_here() {
    let home = Home::new().with("TRIBUTARY_TRUSTED_PROXIES", "127.0.0.1");
    home.add_account(ADMIN, "admin").succeeded();
    let (_console, address) = serve(&home);
    let known = log_in(address, ADMIN, PASSWORD);

    let answered = wrong_tries(address, 10_000);
    let looked_at = answered.get(&401).copied().unwrap_or_default();
    assert!((5..20).contains(&looked_at), "{answered:?}");
    assert_eq!(looked_at + answered[&429], 10_000, "{answered:?}");

    let from_there = try_log_in(address, "", ADMIN, PASSWORD);
    assert_eq!(from_there.status, 429, "not even the right password is looked at");
    assert!(from_there.head.contains("retry-after: "), "{}", from_there.head);
    assert!(from_there.body.contains("Your turn: wait"), "{}", from_there.body);
    // A browser that was logged in with before, and another address, are not held up.
    assert_eq!(try_log_in(address, &known, ADMIN, PASSWORD).status, 303);
    let fields = format!("email={ADMIN}&password=correct+horse+battery");
    let elsewhere = [
        ("x-forwarded-for", "203.0.113.9"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    assert_eq!(send(address, "POST", "/log-in", &elsewhere, &fields).status, 303);
}

#[test]
fn a_restart_forgets_no_wrong_log_in() {
    let (home, console, address) = with_an_admin();
    for _ in 0..5 {
        assert_eq!(try_log_in(address, "", ADMIN, "wrong horse battery").status, 401);
    }
    assert_eq!(try_log_in(address, "", ADMIN, PASSWORD).status, 429);
    drop(console);
    let (_console, address) = serve(&home);
    assert_eq!(try_log_in(address, "", ADMIN, PASSWORD).status, 429);
}

#[test]
fn a_csm_sees_customers_and_nothing_of_the_administration() {
    let (home, _console, address) = with_an_admin();
    home.connect("customer-en", "http://127.0.0.1:1");
    home.add_account("ben@company.example", "csm").succeeded();
    let csm = log_in(address, "ben@company.example", PASSWORD);
    assert_eq!(look(address, &csm, "/").location(), CUSTOMERS);
    let page = look(address, &csm, CUSTOMERS);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("ben@company.example") && page.body.contains("Log out"));
    for hidden in ["Administration", "Unification", "New company", "runs syncs"] {
        assert!(!page.body.contains(hidden), "{hidden}");
    }
    let refused = look(address, &csm, PAGE);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("not for your role"), "{}", refused.body);
    assert!(!refused.body.contains("customer-en"));
    for path in ["/metrics", "/api/v1/connections", "/api/v1/invalid-records"] {
        assert_eq!(look(address, &csm, path).status, 403, "{path}");
    }
    assert_eq!(look(address, &csm, "/api/v1/users").status, 200);

    let own = format!("http://{address}");
    let ask = |accept: &str, cookies: &str| {
        let headers = [("origin", own.as_str()), ("accept", accept), ("cookie", cookies)];
        request(address, "POST", "/rpc/list_connections", &headers)
    };
    let data = ask("application/json", &csm);
    assert_eq!((data.status, data.body.as_str()), (403, "\"NotAllowed\""));
    assert_eq!(ask("text/html", &csm).status, 403);
    let nobody = ask("application/json", "");
    assert_eq!((nobody.status, nobody.body.as_str()), (401, "\"NotLoggedIn\""));
    assert!(ask("text/html", "").location().starts_with("/log-in"));
}

#[test]
fn two_people_at_the_same_moment_each_see_their_own_page() {
    let (home, _console, address) = with_an_admin();
    home.add_account("ben@company.example", "csm").succeeded();
    let (ana, ben) = (
        log_in(address, ADMIN, PASSWORD),
        log_in(address, "ben@company.example", PASSWORD),
    );
    for _ in 0..20 {
        let (hers, his) = (
            look(address, &ana, CUSTOMERS).body,
            look(address, &ben, CUSTOMERS).body,
        );
        assert!(hers.contains(ADMIN) && !hers.contains("ben@company.example"));
        assert!(his.contains("ben@company.example") && !his.contains(ADMIN));
    }
}

#[test]
fn behind_tls_the_cookies_are_this_hosts_alone() {
    let home = Home::new().with("TRIBUTARY_PUBLIC_ORIGIN", "https://tributary.example");
    home.add_account(ADMIN, "admin").succeeded();
    let (_console, address) = serve(&home);
    let answer = try_log_in(address, "", ADMIN, PASSWORD);
    let set: Vec<&str> = answer
        .head
        .lines()
        .filter(|line| line.starts_with("set-cookie: "))
        .collect();
    assert_eq!(set.len(), 2, "{set:?}");
    for line in set {
        assert!(line.starts_with("set-cookie: __host-tributary-"), "{line}");
        for word in ["; path=/", "; httponly", "; samesite=lax", "; secure"] {
            assert!(line.contains(word), "no {word} in {line}");
        }
        assert!(!line.contains("domain="), "{line}");
    }
    assert_in(address, &answer.cookies());
}

#[test]
fn what_is_typed_is_shown_as_text() {
    let (_home, _console, address) = with_an_admin();
    let evil = "\"><script>alert(1)</script>";
    let answer = try_log_in(address, "", evil, evil);
    assert_eq!(answer.status, 401);
    assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
    let answer = look(
        address,
        "",
        "/set-up?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    );
    assert_eq!(answer.status, 404);
    assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
    assert!(answer.head.contains("script-src 'self'"), "{}", answer.head);
}
